package msteams

import (
	"net/url"
	"slices"
	"testing"

	"causeway/bridge"
)

// TestWhatCopyLinkGivesIsRead: of messages and replies in channels, and of messages in chats.
func TestWhatCopyLinkGivesIsRead(t *testing.T) {
	inSim(t, func(w *simWorld, a *account) {
		root, err := w.sim.Say(w.alice, w.general, "<p>a question</p>")
		if err != nil {
			t.Fatal(err)
		}
		reply, err := w.sim.Reply(w.bob, w.general, root, "<p>an answer</p>")
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []bridge.MessageID{bridge.MessageID(root), messageID(root, reply)} {
			m, err := a.message(w.Context(), w.id(w.general), id)
			if err != nil {
				t.Fatal(err)
			}
			if c, read, ok := a.ReadAddress(value(m.GetWebUrl())); !ok || read != id || c != w.id(w.general) {
				t.Errorf("%s is read as %s in %s (%t), want %s", value(m.GetWebUrl()), read, c, ok, id)
			}
		}
		chat := a.chatID("19:aaaa_bbbb@unq.gbl.spaces")
		if c, id, ok := a.ReadAddress(a.Address(chat, "1700000000000")); !ok || c != chat || id != "1700000000000" {
			t.Errorf("%s in %s (%t)", id, c, ok)
		}
		if c, id, ok := a.ReadAddress(a.Address(w.id(w.general), "")); !ok || id != "" || c != w.id(w.general) {
			t.Errorf("the channel is read as %s in %s (%t)", id, c, ok)
		}
		if got := a.Address(chat, ""); got != "" {
			t.Errorf("a chat lies at %s", got)
		}
		for _, other := range []string{
			"https://teams.microsoft.com/l/channel/19%3Ax%40thread.tacv2/General?groupId=" + w.team.ID + "&tenantId=00000000-0000-0000-0000-000000000001",
			"https://teams.microsoft.com/l/message/19%3Ax%40thread.tacv2/1?groupId=" + w.team.ID + "&tenantId=00000000-0000-0000-0000-000000000001",
			"https://teams.microsoft.com/l/message/19%3Ax%40thread.tacv2/1?groupId=x", "https://teams.microsoft.com/l/channel/19%3Ax%40thread.tacv2/1",
			"https://teams.microsoft.com/l/message/48:notes/1", "https://teams.microsoft.com/l/message/19:x@thread.v2/x", "http://teams.microsoft.com/l/message/19:x@thread.v2/1",
		} {
			if c, id, ok := a.ReadAddress(other); ok {
				t.Errorf("%s is read as %s in %s", other, id, c)
			}
		}
	})
	for _, c := range clouds {
		if u, err := url.Parse("https://" + c.program); err != nil || !slices.Contains(teamsHosts, u.Host) {
			t.Errorf("the program of %s is at %q", c.name, c.program)
		}
	}
}
