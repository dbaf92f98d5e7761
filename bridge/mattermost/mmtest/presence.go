package mmtest

import (
	"testing"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/mattermost"
	"causeway/bridge/richtext"
)

// RunPresence checks that observing somebody, and writing as them, leaves their presence alone unless they agreed to a connection: nobody else looks
// online, and they get the e-mails that Mattermost sends to who is not there. Letters counts those that told an address of a direct message; nil where
// the server sends none.
func RunPresence(t *testing.T, world func(t *testing.T) World, letters func(address string) int) {
	for _, profile := range []string{mattermost.ProfileSimple, mattermost.ProfileRestricted} {
		t.Run(profile, func(t *testing.T) {
			p := openParty(t, world(t), profile, mattermost.ObserveAuto)
			truthful(p, letters)
		})
	}
}

// truthful: Alice has agreed, Bob prefers Mattermost, or has declined. Carol has nothing to do with Causeway.
func truthful(p *party, letters func(address string) int) {
	alice, bob := p.direct(p.Carol, p.Alice), p.direct(p.Carol, p.Bob)
	p.inbox.Observe(bridge.Observed{User: bridge.UserID(p.Alice.ID), Online: true}, bridge.Observed{User: bridge.UserID(p.Bob.ID)})
	p.runs()
	p.wait("Alice is listened to", func() bool { return p.presence(p.Alice) == model.StatusOnline })
	away := func(after string) {
		p.Helper()
		if now := p.presence(p.Bob); now != model.StatusOffline {
			p.Errorf("after %s Bob is %s", after, now)
		}
	}
	told := func(what string, want int) {
		p.Helper()
		if letters != nil {
			p.wait(what, func() bool { return letters(p.Bob.Username+"@example.com") == want })
		}
	}
	p.arrives(p.says(p.Carol, alice, "for Alice"), "for Alice")
	first := p.says(p.Carol, bob, "for Bob")
	p.arrives(first, "for Bob")
	away("his conversations were read")
	told("Bob gets a letter", 1)

	as := bridge.UserID(p.Bob.ID)
	d := bridge.Draft{Conversation: bob, As: as, Text: richtext.Plain("an answer from Teams"), Key: bridge.Key(model.NewId())}
	id, err := p.account.Post(p.Context(), d)
	p.must(err)
	away("Causeway wrote as him")
	p.must(p.account.React(p.Context(), bridge.Target{Conversation: bob, ID: bridge.MessageID(first), As: as}, "👍", true))
	d.Text = richtext.Plain("an edited answer from Teams")
	p.must(p.account.Edit(p.Context(), id, d))
	p.arrives(string(id), "an edited answer from Teams")
	p.must(p.account.Delete(p.Context(), bridge.Target{Conversation: bob, ID: id, As: as}))
	_, err = p.account.OpenConversation(p.Context(), bridge.Opening{As: as, People: ids(p.Bob, p.Alice, p.Carol), Topic: "plans"})
	p.must(err)
	away("Causeway did all else as him")
	p.arrives(p.says(p.Carol, bob, "for Bob again"), "for Bob again")
	told("Bob gets another letter", 2)
	away("all that")
	if letters != nil {
		// So much does a connection cost, which is why people are asked.
		if n := letters(p.Alice.Username + "@example.com"); n != 0 {
			p.Errorf("Alice, who looks online, got %d letters", n)
		}
	}
	p.inbox.Observe(bridge.Observed{User: bridge.UserID(p.Alice.ID)}, bridge.Observed{User: bridge.UserID(p.Bob.ID)}) // she has changed her mind
	p.wait("Alice looks offline", func() bool { return p.presence(p.Alice) == model.StatusOffline })
	p.arrives(p.says(p.Carol, alice, "for Alice again"), "for Alice again")
	if letters != nil {
		p.wait("Alice gets a letter", func() bool { return letters(p.Alice.Username+"@example.com") == 1 })
	}
}
