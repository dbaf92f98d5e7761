// Package mattermost is a Mattermost server that fits into a test: the part of
// the REST API v4 and of the websocket that a bridge uses, kept in memory,
// behaving like Mattermost Team Edition 11.1.0 without a licence.
//
// # Design
//
// One [Server] holds one world: teams, people, channels and rows of posts, all
// under one mutex. A post is a row as the real server stores it, so the traps
// of the real one come by themselves: an edit leaves a copy of the old row with
// original_id set, a deletion marks the rows of the replies as well, a reaction
// or a reply moves update_at of the post it belongs to, and
// GET /channels/{id}/posts?since= answers with the oldest 1000 changed rows.
//
// REST calls and the driver (what people do: [Server.Post], [Server.Edit],
// [Server.React], …) go through the same functions, which also publish the
// websocket events. Each websocket connection has a queue of 256 unsent events
// and a ring of the last 128 sent ones; both survive the end of the socket, so
// that a client may resume by connection id and sequence number.
//
// People act for integrations, too: they type commands and press buttons, which
// the server sends on with the proof, or lack of it, of the real one, and they
// authorise OAuth 2.0 apps in a browser ([Server.Authorize]). Personal access
// tokens, refresh tokens that are good once, and what each setting switches off
// are as on the real server.
//
// # Failures
//
// [Server.Inject] makes the next matching requests fail, before or after their
// effect; [Server.SetRandomFaults] does it by chance but repeatably. Sockets can
// be cut, connections forgotten, tokens revoked, the server restarted or taken
// away altogether. Every request is noted ([Server.Requests]), so that a test
// can say what a message costs.
//
// # What is not here
//
// Previews of pictures, files in forms (multipart), dialogs, selects, response_url, search of posts, custom emoji, incoming
// webhooks over HTTP, log-in pages and licensed features. Unknown paths are
// answered with 404 and api.context.404.app_error, as by the real server.
package mattermost
