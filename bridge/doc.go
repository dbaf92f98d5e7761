// Package bridge is the contract between the gateway and the chat services.
//
// A bridge reports states and carries out single writes; everything that needs memory or patience
// (routing, order, retries, duplicates) belongs to the gateway. Two rules follow:
//
//   - What a bridge reports is the message as it looks now, whole and with all reactions, never what
//     changed ([State]). Reporting the same thing twice, or late, is harmless.
//   - Every write is one attempt. Its error says what may be assumed afterwards ([Kind]); whether,
//     when and how to try again is decided by the gateway alone.
//
// A further chat service is one package below this one that calls [Register] in its init function,
// and one import line in cmd/causeway. Package bridgetest holds the laws that every bridge must pass.
package bridge
