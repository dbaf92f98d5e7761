package e2e

import (
	"strings"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/e2e/harness"
)

// TestWhoHasVerifiedTheirAddressIsReached: Mattermost tells nobody but the user whether an address is verified, so where it does not require that, nobody is
// known by it; where it does, who has not connected is. What they write in Teams stands in the conversation where the bot may write there, and comes to who is
// connected by a direct message of the bot where it may not.
func TestWhoHasVerifiedTheirAddressIsReached(t *testing.T) {
	t.Parallel()
	for _, profile := range []string{"simple", "restricted"} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			f := newFolk(t, harness.StartMattermost(t, harness.Options{Postgres: harness.Shared(t).Postgres}), profile)
			f.asks = profile == "restricted"
			ann, ben, cyd := f.connected(t, "Ann"), f.member(t, "Ben", ""), f.member(t, "Cyd", "")
			f.listens(t, ann)
			ann.here.Post(t, f.channelOf(t, &talk{people: []*member{ann, ben}}), "to Ben")
			wants(t, f.whispered(t, ann), "What you write here does not appear in Microsoft Teams: ", "cannot be found there.")

			yes := true
			_, _, err := f.mm.Admin.Client.PatchConfig(t.Context(), &model.Config{EmailSettings: model.EmailSettings{RequireEmailVerification: &yes}})
			must(t, err)
			_, _, err = f.mm.Admin.Client.VerifyUserEmailWithoutToken(t.Context(), cyd.here.Id)
			must(t, err)
			f.causeway.Kill(t) // who is looked for before it has noticed that is looked for again a day later
			f.again(t)
			c := &talk{number: 1, people: []*member{ann, cyd}}
			c.channel = f.channelOf(t, c)
			ann.here.Post(t, c.channel, c.text(1))
			f.eventually(t, "a chat with Cyd", func() string {
				if c.chat = f.chatOf(c); c.chat == nil {
					return "there is none"
				}
				all := f.inChat(c)
				return complain(len(all) == 1 && all[0] == line{c.text(1), "Ann"}, all)
			})
			cyd.here.Post(t, c.channel, "from Cyd here")
			told := f.letter(t, cyd, "you have not connected your accounts, so nothing can be written in your name there")
			if buttons(told)["Connect with Microsoft Teams"] == "" {
				t.Errorf("there is no button to connect: %v", buttons(told))
			}
			one, err := f.sim.Say(cyd.there, c.chat, "<p>from Cyd there</p>")
			must(t, err)
			two, err := f.sim.Say(cyd.there, c.chat, "<p>answered by Ann</p>")
			must(t, err)
			f.eventually(t, "what Cyd has written in Teams", func() string {
				talk, letters := strings.Join(wordsOf(f.mm.Admin.Read(t, c.channel)), "\n"), strings.Join(wordsOf(f.letters(t, ann)), "\n")
				in, aside := strings.Contains(talk, "**Cyd**:\nfrom Cyd there"), strings.Contains(letters, "**Cyd** to you in Microsoft Teams:\n\nfrom Cyd there")
				return complain(in == (profile == "simple") && aside == (profile == "restricted"), talk, letters)
			})
			if all := f.inChat(c); len(all) != 1 {
				t.Errorf("in Teams stands %v", all)
			}
			// What is deleted goes; where it was answered, it is blanked.
			if profile == "restricted" {
				ann.here.Reply(t, f.letter(t, ann, "answered by Ann"), "thanks")
			}
			must(t, f.sim.Delete(cyd.there, c.chat, one))
			must(t, f.sim.Delete(cyd.there, c.chat, two))
			f.eventually(t, "what Cyd has deleted is gone", func() string {
				all := strings.Join(append(wordsOf(f.mm.Admin.Read(t, c.channel)), wordsOf(f.letters(t, ann))...), "\n")
				return complain(!strings.Contains(all, "from Cyd there") && !strings.Contains(all, "answered by Ann") && strings.Contains(all, "(message deleted)") == (profile == "restricted"), all)
			})
		})
	}
}
