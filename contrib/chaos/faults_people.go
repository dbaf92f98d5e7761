package main

import (
	"slices"
	"strings"
	"time"
)

// grantFaults are what becomes of the rights that people have given. They give them anew when everything is over.
var grantFaults = []*kind{
	{name: "somebody's grant in Teams is revoked", group: ofTokens, once: true,
		begin: func(w *world, f Fault) {
			if m := w.members[loser(f)]; w.loses(m) {
				w.sim.RevokeUser(m.there)
			}
		}},
	{name: "somebody's token in Mattermost is revoked", group: ofTokens, once: true,
		begin: func(w *world, f Fault) {
			if m := w.members[loser(f)]; w.loses(m) {
				w.revokeHere(m)
			}
		}},
}

// loser gives who is struck, an index of cast: somebody who is connected.
func loser(f Fault) int {
	for n := f.Salt; ; n++ {
		if who := int(n % uint64(len(cast))); cast[who].connected() {
			return who
		}
	}
}

// loses notes that somebody has to connect again. It reports false, and nothing is to be taken from them, where not all that they have changed stands on both sides: what has not
// arrived by then is told in words, and how is not for this program to judge.
func (w *world) loses(m *member) bool {
	if !w.carried(m) {
		w.note("  but not all that %s has changed stands on both sides yet, so nothing is done", m.name)
		return false
	}
	w.note("  it is %s's", m.name)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost[m] = true
	return true
}

// carried reports whether what somebody has said, or reacted to, looks as they have left it wherever it stands.
func (w *world) carried(m *member) bool {
	seen, err := w.look(w.tb.Context())
	if err != nil {
		return false
	}
	theirs := slices.DeleteFunc(w.ledger.expected(), func(e Expected) bool { return !w.ledger.touched(e.N, m.name) })
	return judge(theirs, seen).Wrong == 0
}

// hasLost reports whether somebody had to connect again.
func (w *world) hasLost(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for m := range w.lost {
		if m.name == name {
			return true
		}
	}
	return false
}

// spokenFor gives who is meant by the name under which the relay speaks in Mattermost: of somebody who has an account there it says whence they speak.
func (w *world) spokenFor(name string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for m := range w.lost {
		if name == m.name+" (Microsoft Teams)" {
			return m.name
		}
	}
	return name
}

// revokeHere takes from Causeway what it has made to act as somebody in Mattermost, which may be away: then nothing is done.
func (w *world) revokeHere(m *member) {
	ctx, admin := w.tb.Context(), w.servers.mattermost.Admin.Client
	tokens, _, err := admin.GetUserAccessTokensForUser(ctx, m.here.Id, 0, 100)
	if err != nil {
		w.note("  but Mattermost is away: %v", err)
		return
	}
	for _, t := range tokens {
		if strings.HasPrefix(t.Description, "Causeway ") {
			if _, err := admin.RevokeUserAccessToken(ctx, t.Id); err != nil {
				w.note("  but it is not revoked: %v", err)
			}
		}
	}
}

// connectAgain has those connect again who have lost something.
func (w *world) connectAgain() {
	for m := range w.lost {
		w.connect(m)
		w.note("%s has connected again", m.name)
	}
}

// reconnectTime is how often those who have lost something look whether they are still connected: that they are not may come out only when they, or others, do something.
const reconnectTime = 10 * time.Second

// stayConnected has those who have lost something look, and connect again where they are not connected.
func (w *world) stayConnected() {
	for m := range w.lost {
		if err := w.connecting(m); err != nil {
			w.note("%s does not come to connect again: %v", m.name, err)
		}
	}
}
