package teams

import (
	"slices"
	"strings"

	"causeway/contrib/sim/teams/notify"
)

// notify sends what the changes of one request or act mean to the subscriptions. It runs at their end, so that resource
// data shows the whole change.
func (s *Sim) notify() {
	changes := s.changes
	s.changes = nil
	if len(changes) == 0 || len(s.subs) == 0 {
		return
	}
	s.tick()
	for _, e := range changes {
		m := e.Channel.message(e.ID)
		s.removeAtRandom()
		faults := s.engine.Faults()
		kind := s.changeType(e.Kind, faults)
		reaction := e.Kind == Reacted || e.Kind == Unreacted
		for _, sub := range s.subs {
			if sub.covers(e.Channel) && sub.maySee(m) && slices.Contains(sub.changeTypes, kind) {
				s.engine.Send(s.item(sub, m, kind, reaction))
			}
		}
	}
}

// changeType is what notifications call a change. Edits and reactions are updates; a deletion is a deletion, or an update
// with deletedDateTime.
func (s *Sim) changeType(kind EventKind, f notify.Faults) string {
	switch {
	case kind == Created:
		return "created"
	case kind == Deleted && !s.engine.Draw(f.DeletedAsUpdated):
		return "deleted"
	}
	return "updated"
}

// removeAtRandom ends a subscription where the faults say so.
func (s *Sim) removeAtRandom() {
	f := s.engine.Faults()
	if len(s.subs) == 0 || !s.engine.Draw(f.Remove) {
		return
	}
	s.removeSubscription(s.subs[s.engine.Pick(len(s.subs))], !s.engine.Draw(f.RemoveSilently))
}

// item makes the notification of a change for a subscription.
func (s *Sim) item(sub *subscription, m *message, changeType string, reaction bool) *notify.Item {
	out := &notify.Item{
		URL: sub.url, Subscription: sub.id, App: sub.app.ClientID, Tenant: sub.tenant.ID, ClientState: sub.clientState,
		Expires: sub.expires, ChangeType: changeType, Resource: m.address(), ID: m.textID(), Type: "chatMessage", Reaction: reaction,
	}
	if sub.rich {
		out.Plain = encode(m.notified(sub.knowsUnknown, !s.engine.Faults().NoNames))
		out.Certificate, out.CertificateID = sub.certificate, sub.certificateID
	}
	return out
}

// address is a message in the form of keys in parentheses.
func (m *message) address() string {
	var b strings.Builder
	if m.channel.team != nil {
		b.WriteString("teams('" + m.channel.team.ID + "')/channels('" + m.channel.ID + "')")
	} else {
		b.WriteString("chats('" + m.channel.ID + "')")
	}
	if m.root != nil {
		b.WriteString("/messages('" + m.root.textID() + "')/replies('" + m.textID() + "')")
	} else {
		b.WriteString("/messages('" + m.textID() + "')")
	}
	return b.String()
}

// notifiedFrom is the author as resource data shows them: without a type, with a further member.
type notifiedFrom struct {
	identitySetJSON
	Conversation *identityJSON `json:"conversation"`
}

// notifiedMessage is a message as resource data shows it, which differs from what a GET gives: the creation time is cut
// to the second, and replies and hosted contents are empty lists. The source is the documented sample of a decrypted
// notification (teams-changenotifications-chatmessage).
type notifiedMessage struct {
	messageJSON
	From           *notifiedFrom `json:"from"`
	Replies        []struct{}    `json:"replies"`
	HostedContents []struct{}    `json:"hostedContents"`
}

func (m *message) notified(knowUnknown, named bool) notifiedMessage {
	out := notifiedMessage{messageJSON: m.wire(knowUnknown), Replies: []struct{}{}, HostedContents: []struct{}{}}
	out.Created = timeText(m.id / 1000 * 1000)
	if from := out.messageJSON.From; from != nil && from.User == nil {
		out.From = &notifiedFrom{identitySetJSON: *from}
	} else if from != nil {
		who := *from.User
		who.Type = ""
		if !named {
			who.DisplayName = nil
		}
		out.From = &notifiedFrom{identitySetJSON: identitySetJSON{User: &who}}
	}
	return out
}
