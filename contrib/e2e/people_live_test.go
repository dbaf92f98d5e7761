package e2e

import (
	"bytes"
	"image"
	"image/png"
	"slices"
	"strings"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/sim/teams"
)

// inTeams waits for a message that says exactly this, by somebody.
func (f *folk) inTeams(t *testing.T, text string, by *teams.User) (found teams.Message) {
	t.Helper()
	f.eventually(t, "a message in Teams", func() string {
		var all []string
		for _, m := range f.everything() {
			if strings.TrimSpace(m.Text) == text && m.Author == by {
				found = m
				return ""
			}
			if m.Author != nil {
				all = append(all, m.Author.Name+": "+m.Text)
			}
		}
		return complain(false, text, by.Name, all[max(0, len(all)-5):])
	})
	return found
}

// inMattermost waits for a post that says exactly this, by somebody.
func (f *folk) inMattermost(t *testing.T, text, by string) (found *model.Post) {
	t.Helper()
	f.eventually(t, "a post in Mattermost", func() string {
		all := f.mm.Admin.Read(t, f.channel)
		for _, p := range all {
			if p.Message == text && p.UserId == by {
				found = p
				return ""
			}
		}
		return complain(false, text, by, wordsOf(all[max(0, len(all)-5):]))
	})
	return found
}

// looks waits until Causeway has looked at the Teams channel, so that it knows what it has written there itself.
func (f *folk) looks(t *testing.T) {
	t.Helper()
	const template = "/teams/{id}/channels/{id}/messages"
	before := f.sim.Count("GET", template)
	f.eventually(t, "a look at the channel", func() string { return complain(f.sim.Count("GET", template) >= before+2) })
}

// asThemselves: what somebody who is connected writes on either side stands on the other in their own name, and they can change it on both.
func asThemselves(t *testing.T, f *folk) {
	m := f.connected(t, "Bea Kurz")
	face := portrait(t)
	_, err := m.here.Client.SetProfileImage(t.Context(), m.here.Id, face)
	must(t, err)
	shown, _, err := f.mm.Admin.Client.GetProfileImage(t.Context(), m.here.Id, "")
	must(t, err)
	m.there.SetPhoto([]byte("\xff\xd8\xff\xe0 her face in Teams"))
	post := m.here.Post(t, f.channel, "Bea, from Mattermost")
	message := f.inTeams(t, "Bea, from Mattermost", m.there)
	id, err := f.sim.Say(m.there, f.team, "Bea, from Teams")
	must(t, err)
	copied := f.inMattermost(t, "Bea, from Teams", m.here.Id)
	for _, prop := range []string{"from_webhook", model.PostPropsOverrideUsername, model.PostPropsOverrideIconURL} {
		if copied.GetProp(prop) != nil {
			t.Errorf("a post of their own has the property %s: %v", prop, copied.GetProp(prop))
		}
	}

	if beside, _, err := f.mm.Admin.Client.GetProfileImage(t.Context(), copied.UserId, ""); err != nil || !bytes.Equal(beside, shown) || len(shown) == 0 {
		t.Errorf("beside it is another picture than hers: %d bytes, want %d (%v)", len(beside), len(shown), err)
	}

	edit := func(post, text string) {
		t.Helper()
		_, _, err := m.here.Client.PatchPost(t.Context(), post, &model.PostPatch{Message: &text})
		must(t, err)
	}
	edit(post.Id, "edited where it was written")
	f.inTeams(t, "edited where it was written", m.there)
	f.looks(t)
	must(t, f.sim.Edit(m.there, f.team, message.ID, "edited in Teams"))
	f.inMattermost(t, "edited in Teams", m.here.Id)
	edit(copied.Id, "edited in Mattermost")
	f.inTeams(t, "edited in Mattermost", m.there)

	_, _, err = m.here.Client.SaveReaction(t.Context(), &model.Reaction{UserId: m.here.Id, PostId: copied.Id, EmojiName: "heart"})
	must(t, err, f.sim.React(m.there, f.team, message.ID, "👍"))
	f.eventually(t, "reactions of their own", func() string {
		there, _ := f.sim.Message(f.team, id)
		here, _, err := m.here.Client.GetReactions(t.Context(), post.Id)
		must(t, err)
		mine := slices.ContainsFunc(there.Reactions, func(r teams.Reaction) bool { return r.User == m.there && strings.HasPrefix(r.Emoji, "❤") })
		return complain(mine && len(here) == 1 && here[0].UserId == m.here.Id && here[0].EmojiName == "+1", there.Reactions, here)
	})

	_, err = m.here.Client.DeletePost(t.Context(), copied.Id) // the copy
	must(t, err, f.sim.Delete(m.there, f.team, message.ID))   // the copy
	f.eventually(t, "deletions", func() string {
		there, _ := f.sim.Message(f.team, id)
		here, _, err := f.mm.Admin.Client.GetPostIncludeDeleted(t.Context(), post.Id, "")
		must(t, err)
		return complain(there.Deleted && here.DeleteAt > 0, there, here.Message)
	})
}

// portrait makes a picture.
func portrait(t *testing.T) []byte {
	t.Helper()
	p := image.NewRGBA(image.Rect(0, 0, 8, 8))
	for n := range p.Pix {
		p.Pix[n] = byte(n * 31)
	}
	var b bytes.Buffer
	must(t, png.Encode(&b, p))
	return b.Bytes()
}

func must(t *testing.T, all ...error) {
	t.Helper()
	for _, err := range all {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// commands are what people can type and press.
func commands(t *testing.T, f *folk) {
	m := f.member(t, "Conny Command", "")
	f.remembers(t, m)
	wants(t, f.types(t, m, "/msteams"), "/msteams connect", "/msteams why")
	wants(t, f.types(t, m, "/msteams nonsense"), "There is no command", "nonsense", "/msteams connect")
	for _, command := range []string{"status", "platform teams", "disconnect"} {
		wants(t, f.types(t, m, "/msteams "+command), "not connected")
	}
	wants(t, f.types(t, m, "/msteams confirm ABCD-2346"), "Nothing of yours waits for a code")
	f.connects(t, f.window(t, m, true), m)
	wants(t, f.types(t, m, "/msteams connect"), "You are connected already")
	wants(t, f.types(t, m, "/msteams why"), "Everything that you have said was delivered")

	before := f.notified(t, m)
	wants(t, f.types(t, m, "/msteams platform teams"), "You are notified in **Microsoft Teams**", "muted for you")
	f.notifiedBy(t, m, before, true)
	wants(t, f.types(t, m, "/msteams platform mattermost"), "You are notified in **Mattermost**")
	f.notifiedBy(t, m, before, false)
	letter := f.letter(t, m, "Where do you want to be notified?")
	f.presses(t, m, letter, "Microsoft Teams, without a connection in my name")
	f.become(t, m, letter, "keeps no connection to Mattermost in your name")
	f.notifiedBy(t, m, before, true)

	own := link(t, f.types(t, m, "/msteams status"))
	w := f.window(t, nil, true) // the link is all that it takes
	w.goes(own).at(ownPage, "Keep Microsoft Teams", "@"+m.here.Username)
	if on := w.says(`String(document.querySelector("input[name=observe]").checked)`); on != "false" {
		t.Errorf("the box is checked: %s", on)
	}
	w.goes(own[:len(own)-3] + "AAA").at("This link is not good any more")
	wants(t, f.types(t, m, "/msteams disconnect"), "You are being disconnected from Microsoft Teams")
	f.gone(t, m)
	f.notifiedBy(t, m, before, false)
}

// lostHere: Mattermost does not let Causeway act as somebody any more.
func lostHere(t *testing.T, f *folk) {
	f.loses(t, "Lars Lost", func(m *member) {
		if f.asks {
			apps, _, err := m.here.Client.GetAuthorizedOAuthAppsForUser(t.Context(), m.here.Id, 0, 1)
			must(t, err)
			_, err = m.here.Client.DeauthorizeOAuthApp(t.Context(), apps[0].Id)
			must(t, err)
		}
		for _, id := range f.minted(t, m) {
			_, err := f.mm.Admin.Client.RevokeUserAccessToken(t.Context(), id)
			must(t, err)
		}
	}, func(m *member) {
		_, err := f.sim.Say(m.there, f.team, "Lars is lost")
		must(t, err)
		f.eventually(t, "what the relay says", func() string {
			return complain(slices.ContainsFunc(f.mm.Admin.Read(t, f.channel), func(p *model.Post) bool {
				return p.UserId == f.bot.Id && strings.Contains(p.Message, "Lars is lost")
			}))
		})
	})
}

// lostThere: Teams does not.
func lostThere(t *testing.T, f *folk) {
	f.loses(t, "Lena Lost", func(m *member) { f.sim.RevokeUser(m.there) }, func(m *member) {
		m.here.Post(t, f.channel, "Lena is lost")
		f.eventually(t, "what the relay says", func() string {
			return complain(slices.ContainsFunc(f.relayed(), func(m teams.Message) bool { return strings.Contains(m.Text, "Lena is lost") }))
		})
	})
}

// loses has somebody who prefers Teams lose one of their tokens, and say something, which the relay carries. They are told, are not muted any more, and
// connect again by a button.
func (f *folk) loses(t *testing.T, name string, revoke, say func(*member)) {
	t.Helper()
	m := f.connected(t, name)
	before := f.notified(t, m)
	f.types(t, m, "/msteams platform teams")
	f.notifiedBy(t, m, before, true)
	revoke(m)
	say(m)
	letter := f.letter(t, m, "Causeway cannot write as ")
	taken := f.asks && !f.authorised(t, m)
	if taken { // then Causeway has no right left to change how they are notified, until they connect again
		wants(t, letter.Message, "These stay muted for you:", f.channel.Name)
	} else {
		f.notifiedBy(t, m, before, false)
	}
	wants(t, f.types(t, m, "/msteams status"), "Lost:")
	f.presses(t, m, letter, "Connect again with Microsoft Teams")
	door := link(t, f.whispered(t, m))
	w := f.window(t, m, true)
	w.goes(door).at(doorPage).press(pressBegin)
	if taken {
		f.allow(w)
	}
	w.at(entraPage).press(m.there.Name + " (")
	w.at(agreePage).press(pressFinish).at(ownPage, "Connected: you write as yourself")
	f.empowered(t, m)
	f.notifiedBy(t, m, before, true) // as they had chosen
}
