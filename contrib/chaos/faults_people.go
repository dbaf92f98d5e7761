package main

import (
	"slices"
	"strings"
)

// grantFaults are what becomes of the rights that people have given. They give them anew when everything is over.
var grantFaults = []*kind{
	{name: "somebody's grant in Teams is revoked", group: ofTokens, once: true,
		begin: func(w *world, f Fault) {
			m := w.loser(f)
			w.sim.RevokeUser(m.there)
			w.lost = append(w.lost, m)
		}},
	{name: "somebody's token in Mattermost is revoked", group: ofTokens, once: true,
		begin: func(w *world, f Fault) {
			if m := w.loser(f); w.revokeHere(m) {
				w.lost = append(w.lost, m)
			}
		}},
}

// loser gives somebody who is connected.
func (w *world) loser(f Fault) *member {
	all := slices.DeleteFunc(slices.Clone(w.members), func(m *member) bool { return !m.connected() })
	m := all[f.Salt%uint64(len(all))]
	w.note("  it is %s's", m.name)
	return m
}

// revokeHere takes from Causeway what it has made to act as somebody in Mattermost, which may be away: then nothing is done.
func (w *world) revokeHere(m *member) (done bool) {
	ctx, admin := w.tb.Context(), w.servers.mattermost.Admin.Client
	tokens, _, err := admin.GetUserAccessTokensForUser(ctx, m.here.Id, 0, 100)
	if err != nil {
		w.note("  but Mattermost is away: %v", err)
		return false
	}
	for _, t := range tokens {
		if strings.HasPrefix(t.Description, "Causeway ") {
			_, err := admin.RevokeUserAccessToken(ctx, t.Id)
			done = done || err == nil
		}
	}
	return done
}

// connectAgain has those connect again who have lost something.
func (w *world) connectAgain() {
	for _, m := range w.lost {
		w.connect(m)
		w.note("%s has connected again", m.name)
	}
}
