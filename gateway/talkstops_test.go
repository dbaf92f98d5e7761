package gateway

import (
	"slices"
	"strings"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
)

// TestWhereATalkIsCarriedNoMoreForItsPeopleEverybodyIsToldWhy, on both sides, once, before anybody writes: by a line where the bot may say it to all, else each connected
// member is; where people have changed, each connected member who was there before.
func TestWhereATalkIsCarriedNoMoreForItsPeopleEverybodyIsToldWhy(t *testing.T) {
	names := strings.Fields("ann ben cyd dan eve fay guy hal ida")
	for _, c := range []struct {
		what        string
		before      int
		change      func(b *memory.Service, chat bridge.ChannelID)
		why         string
		there, here []string
	}{
		{"a stranger joins", 3, func(b *memory.Service, chat bridge.ChannelID) { b.Join(chat, "Zoe") }, "Zoe: people of another organisation have no account there", names[:3], []string{"Ann", "Ben", "Cyd"}},
		{"a ninth person joins", 8, func(b *memory.Service, chat bridge.ChannelID) { b.Join(chat, "Ida") }, "it has more people than a group can have there", names[:8], []string{"Ann", "Ben", "Cyd", "Dan", "Eve", "Fay", "Guy", "Hal"}},
		{"too few are left", 3, func(b *memory.Service, chat bridge.ChannelID) { b.Leave(chat, "Cyd") }, "a group needs three people there", names[:3], []string{"Ann", "Ben"}},
		{"one comes and one goes", 4, func(b *memory.Service, chat bridge.ChannelID) { b.Leave(chat, "Dan"); b.Join(chat, "Zoe") }, "Zoe: people of another organisation have no account there", names[:4], []string{"Ann", "Ben", "Cyd"}},
		{"everybody leaves", 3, func(b *memory.Service, chat bridge.ChannelID) {
			for _, u := range []bridge.UserID{"Ann", "Ben", "Cyd"} {
				b.Leave(chat, u)
			}
		}, "everybody has left it", names[:3], []string{}},
	} {
		for _, restricted := range []bool{false, true} {
			inWorld(t, func(w *world) {
				o := likeMattermost()
				if restricted {
					o = likeRestricted()
				}
				a, b := w.talking(o, likeTeams(), names...)
				var all []bridge.UserID
				for _, n := range names[:c.before] {
					all = append(all, there(n))
				}
				chat := b.Direct(all...)
				b.Say(chat, "Ann", "hello")
				w.wait(5 * time.Second)
				c.change(b, chat)
				w.wait(time.Minute)
				line := "The people in this conversation have changed in memory, and with those who are in it now it is not carried: " + c.why + ". What is written here does not appear there any more."
				said, told := texts(a, a.Talks()[0].Conversation.Channel), notices(a)
				slices.Sort(told)
				want := []string{}
				for _, n := range c.there {
					want = append(want, n+": "+line)
				}
				if !restricted {
					w.same(said, []string{"hello", line})
					want = []string{}
				}
				w.same(told, want)
				want = []string{}
				for _, n := range c.here {
					want = append(want, n+": What you write here does not appear in memory: "+c.why+".")
				}
				told = notices(b)
				slices.Sort(told)
				w.same(told, want)
				if len(c.here) == 0 {
					return
				}
				b.Say(chat, "Ann", "knows")
				w.wait(time.Minute)
				w.same(len(notices(b)), len(want))
				w.same(len(a.Talks()), 1)
				w.same(len(texts(a, a.Talks()[0].Conversation.Channel)), len(said))
			})
		}
	}
}
