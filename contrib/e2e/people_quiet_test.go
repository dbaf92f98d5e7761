package e2e

import (
	"testing"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
)

// quietTalks: who prefers Teams is muted in direct and group conversations that are carried, also in new ones, and nobody else is.
func quietTalks(t *testing.T, f *folk) {
	quiet, other, third := f.connected(t, "Quentin Quiet"), f.connected(t, "Olga Other"), f.connected(t, "Theo Third")
	f.types(t, quiet, "/msteams platform teams")
	pair, group := &talk{people: []*member{quiet, other}}, &talk{number: 1, people: []*member{quiet, other, third}}
	for _, one := range []*talk{pair, group} {
		one.channel = f.channelOf(t, one)
		if before := f.mutedIn(t, one); before != "" {
			t.Errorf("muted before anything is said: %s", before)
		}
		other.here.Post(t, one.channel, one.text(0))
		began := time.Now()
		f.eventually(t, "the other side", func() string {
			one.chat = f.chatOf(one)
			return complain(one.chat != nil && len(f.inChat(one)) == 1)
		})
		f.eventually(t, "who is muted", func() string { return complain(f.mutedIn(t, one) == quiet.there.Name, f.mutedIn(t, one)) })
		t.Logf("a conversation of %d is on the other side, and muted, after %v", len(one.people), time.Since(began).Round(time.Millisecond))
	}
	f.types(t, quiet, "/msteams platform mattermost")
	for _, one := range []*talk{pair, group} {
		f.eventually(t, "who is muted", func() string { return complain(f.mutedIn(t, one) == "", f.mutedIn(t, one)) })
	}
	f.types(t, quiet, "/msteams platform teams")
	f.eventually(t, "who is muted", func() string { return complain(f.mutedIn(t, group) == quiet.there.Name, f.mutedIn(t, group)) })
	f.types(t, third, "/msteams disconnect") // so that not everybody is connected in the group
	f.gone(t, third)
	f.eventually(t, "who is muted", func() string {
		return complain(f.mutedIn(t, group) == "" && f.mutedIn(t, pair) == quiet.there.Name, f.mutedIn(t, group), f.mutedIn(t, pair))
	})
	f.listens(t, other)
	other.here.Post(t, group.channel, "is everybody there?") // it was carried a moment ago
	wants(t, f.whispered(t, other), "What you write here does not appear in Microsoft Teams: ", "cannot be found there")
}

// mutedIn names who of a conversation is muted there.
func (f *folk) mutedIn(t *testing.T, c *talk) (names string) {
	t.Helper()
	for _, m := range c.people {
		one, _, err := f.mm.Admin.Client.GetChannelMember(t.Context(), c.channel.Id, m.here.Id, "")
		must(t, err)
		if one.NotifyProps[model.MarkUnreadNotifyProp] == model.ChannelMarkUnreadMention {
			names += m.there.Name
		}
	}
	return names
}
