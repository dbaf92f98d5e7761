package gateway

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/direct"
)

// takes makes the gateway go by what the world has now, as a reload of the config does.
func (w *world) takes() {
	w.t.Helper()
	if err := w.gateway.Change(w.t.Context(), Plan{Accounts: slices.Clone(w.accounts), Routes: slices.Clone(w.routes), Directs: slices.Clone(w.directs)}); err != nil {
		w.t.Fatal(err)
	}
}

// TestSwitchingTalksOffAndOnWhileItRuns: from that moment nothing new crosses, either way, and the other kind goes on; what was put before and has not arrived yet waits. On
// again, the same pairs go on with what is said then, and nothing that was said meanwhile is carried.
func TestSwitchingTalksOffAndOnWhileItRuns(t *testing.T) {
	for _, c := range []struct {
		what        string
		off         func(s *direct.Settings)
		pair, group direct.Reason
	}{
		{"Enable", func(s *direct.Settings) { s.Enable = false }, direct.Off, direct.Off},
		{"DirectMessages", func(s *direct.Settings) { s.DirectMessages = false }, direct.DirectOff, direct.None},
		{"GroupMessages", func(s *direct.Settings) { s.GroupMessages = false }, direct.None, direct.GroupsOff},
	} {
		t.Run(c.what, func(t *testing.T) {
			inWorld(t, func(w *world) {
				var f switched
				o := likeTeams()
				o.Fault = f.fault
				a, b := w.talking(likeMattermost(), o, "ann", "ben", "cyd")
				dm, gm := a.Direct("ann", "ben"), a.Direct("ann", "ben", "cyd")
				first := a.Say(dm, "ann", "one")
				a.Say(gm, "cyd", "all")
				w.wait(5 * time.Second)
				chats := map[bridge.ChannelID]bridge.ChannelID{dm: b.Direct("Ann", "Ben")}
				for _, talk := range b.Talks() {
					if talk.Shape == bridge.Group {
						chats[gm] = talk.Conversation.Channel
					}
				}
				f.on(before(memory.Post, func() error { return memory.Fails(bridge.Transient) }))
				a.Say(dm, "ann", "waits")
				a.Say(gm, "ann", "waits")
				w.wait(5 * time.Second)
				c.off(&w.directs[0].Settings)
				w.takes()
				f.off()
				for _, channel := range []bridge.ChannelID{dm, gm} {
					a.Say(channel, "ben", "meanwhile")
					b.Say(chats[channel], "Ann", "meanwhile there")
				}
				a.Edit(dm, first, "one, edited")
				w.wait(10 * time.Minute)
				here, there := map[bridge.ChannelID][]string{dm: {"one, edited", "waits", "meanwhile"}, gm: {"all", "waits", "meanwhile"}}, map[bridge.ChannelID][]string{}
				for channel, r := range map[bridge.ChannelID]direct.Reason{dm: c.pair, gm: c.group} {
					before := map[bridge.ChannelID]string{dm: "one", gm: "all"}[channel]
					if there[channel] = []string{before, "meanwhile there"}; r == direct.None {
						if channel == dm {
							before = "one, edited"
						}
						there[channel] = []string{before, "meanwhile there", "waits", "meanwhile"}
						here[channel] = append(here[channel], "meanwhile there")
					}
					w.same(texts(b, chats[channel]), there[channel])
					w.same(texts(a, channel), here[channel])
				}

				w.directs[0].Settings = direct.Settings{Enable: true, DirectMessages: true, GroupMessages: true}
				w.takes()
				w.wait(10 * time.Minute)
				for channel, r := range map[bridge.ChannelID]direct.Reason{dm: c.pair, gm: c.group} {
					a.Say(channel, "ann", "on again")
					w.wait(5 * time.Second)
					b.Say(chats[channel], "Ben", "from there")
					w.wait(5 * time.Second)
					if r != direct.None {
						there[channel] = append(there[channel], "waits")
						if channel == dm {
							there[channel][0] = "one, edited" // what was carried converges
						}
					}
					w.same(texts(b, chats[channel]), append(there[channel], "on again", "from there"))
					w.same(texts(a, channel), append(here[channel], "on again", "from there"))
				}
				w.same([]int{len(a.Talks()), len(b.Talks()), len(notices(a)), len(notices(b)), len(w.held())}, []int{2, 2, 0, 0, 0})
			})
		})
	}
}

// TestAnotherPairOfAccountsForTalks: from then on they cross to that one, and to the first one again, in the same conversations, when the config says so again.
func TestAnotherPairOfAccountsForTalks(t *testing.T) {
	inWorld(t, func(w *world) {
		c := w.service("c", likeTeams())
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben")
		for _, name := range []string{"ann", "ben"} {
			w.connect(a, bridge.UserID(name), c, there(name))
		}
		w.wait(time.Second)
		dm := a.Direct("ann", "ben")
		for n, to := range []bridge.AccountName{"memory.b", "memory.c", "memory.b"} {
			w.directs[0].Accounts[1] = to
			w.takes()
			w.wait(5 * time.Second)
			a.Say(dm, "ann", fmt.Sprint("message ", n))
			w.wait(5 * time.Second)
		}
		w.talksAre(b, "Ann Ben > Ann: message 0 | Ann: message 2")
		w.talksAre(c, "Ann Ben > Ann: message 1")
		b.Say(b.Direct("Ann", "Ben"), "Ben", "from b")
		c.Say(c.Direct("Ann", "Ben"), "Ben", "from c")
		w.wait(time.Minute)
		w.talksAre(a, "ann ben > ann: message 0 | ann: message 1 | ann: message 2 | ben: from b")
	})
}

// TestWhatWasRefusedBecauseOfAnotherAccountIsMetAnew as soon as the config pairs it with one where everybody is.
func TestWhatWasRefusedBecauseOfAnotherAccountIsMetAnew(t *testing.T) {
	inWorld(t, func(w *world) {
		small := likeMattermost()
		small.GroupLimit = 3
		c := w.service("c", likeMattermost())
		a, b := w.talking(small, likeTeams(), "ann")
		w.connect(b, "Ann", c, "ann")
		for _, n := range []string{"ben", "cyd", "dan"} {
			w.match(b, there(n), c, bridge.UserID(n), n)
		}
		w.wait(time.Second)
		chat, group := b.Direct("Ann", "Ben"), b.Direct("Ann", "Ben", "Cyd", "Dan")
		b.Say(chat, "Ann", "who is that there?")
		b.Say(group, "Ann", "too many there")
		w.wait(time.Minute)
		w.talksAre(a)
		w.same(len(notices(b)), 2)
		w.directs[0].Accounts[0] = "memory.c"
		w.takes()
		w.wait(5 * time.Second)
		b.Say(chat, "Ben", "here")
		b.Say(group, "Ben", "here, too")
		w.wait(5 * time.Second)
		w.find(c, "@ann@ben", "here")
		w.find(c, "@ann@ben@cyd@dan", "here, too")
	})
}

// TestAnAccountThatArrivesWhileTheConfigChangesSwitchesNothingOff that the new one has on, and is known to the links of that.
func TestAnAccountThatArrivesWhileTheConfigChangesSwitchesNothingOff(t *testing.T) {
	inWorld(t, func(w *world) {
		c := w.service("c", likeTeams())
		a, _ := w.talking(likeMattermost(), likeTeams(), "ann")
		g := w.gateway
		setup := g.setup.Load()
		links := newLinks(setup, []Direct{{Accounts: [2]bridge.AccountName{"memory.a", "memory.c"}, Settings: direct.Settings{Enable: true, DirectMessages: true, GroupMessages: true}}})
		if err := g.talks.know(w.t.Context(), setup, links); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*memory.Service{a, c} {
			name := bridge.AccountName("memory." + string(s.Server())[len("memory:"):])
			if err := g.talks.arrived(w.t.Context(), setup.accounts[name], s.Server()); err != nil {
				t.Fatal(err)
			}
		}
		w.same(links[0].noted, true)
		since, err := w.store.Switch(w.t.Context(), a.Server(), c.Server(), true, true)
		if err != nil {
			t.Fatal(err)
		}
		w.same(since, [2]time.Time{}) // it has never been off
	})
}
