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

// TestWhereAGroupIsCarriedAgainItIsSaid, on both sides, like that it was not: with the people who were in it before, with others who were together once, and with others who never were.
func TestWhereAGroupIsCarriedAgainItIsSaid(t *testing.T) {
	for _, restricted := range []bool{false, true} {
		inWorld(t, func(w *world) {
			o := likeMattermost()
			if restricted {
				o = likeRestricted()
			}
			a, b := w.talking(o, likeTeams(), "ann", "ben", "cyd", "dan")
			chat := b.Direct("Ann", "Ben", "Cyd")
			b.Say(chat, "Ann", "hello")
			w.wait(5 * time.Second)
			said := func() (all []string) {
				for _, talk := range a.Talks() {
					all = append(all, texts(a, talk.Conversation.Channel)...)
				}
				return slices.Concat(all, notices(a), notices(b))
			}
			step := func(what func(), want ...string) {
				before := said()
				what()
				w.wait(time.Minute)
				now := said()
				for _, line := range before {
					at := slices.Index(now, line)
					now = slices.Delete(now, at, at+1)
				}
				slices.Sort(now)
				w.same(now, slices.Sorted(slices.Values(want)))
			}
			// who gives what each of them is told in a: the bot says it to all where it may.
			who := func(line string, names ...string) (all []string) {
				if !restricted {
					return []string{line}
				}
				for _, n := range names {
					all = append(all, n+": "+line)
				}
				return all
			}
			three, four := []string{"ann", "ben", "cyd"}, []string{"ann", "ben", "cyd", "dan"}
			here := []string{"Ann: What you write here appears in memory again.", "Ben: What you write here appears in memory again.", "Cyd: What you write here appears in memory again."}
			stops := func() { b.Join(chat, "Zoe"); w.wait(time.Minute) }
			stops()
			step(func() { b.Leave(chat, "Zoe") }, append(who("The people in this conversation are the same again in memory. What is written here appears there from now on.", three...), here...)...)
			stops()
			b.Join(chat, "Dan")
			w.wait(time.Minute)
			onward := slices.Concat(who("The people in this conversation have changed in memory. It goes on in the one with ann, ben, cyd, dan.", three...),
				who("This goes on from the conversation with ann, ben, cyd, since people have changed in memory.", four...), here)
			step(func() { b.Leave(chat, "Zoe") }, onward...)
			b.Leave(chat, "Dan")
			w.wait(time.Minute)
			stops()
			b.Join(chat, "Dan")
			w.wait(time.Minute)
			step(func() { b.Leave(chat, "Zoe") }, onward...)
			b.Say(chat, "Dan", "all four")
			w.wait(time.Minute)
			w.find(a, "@ann@ben@cyd@dan", "all four")
		})
	}
}

// TestWhereAGroupIsCarriedAgainItIsSaidOnce also where the conversation in which it goes on could not be opened at once, and where the process ended meanwhile.
func TestWhereAGroupIsCarriedAgainItIsSaidOnce(t *testing.T) {
	for _, crash := range []bool{false, true} {
		inWorld(t, func(w *world) {
			var f switched
			o := likeMattermost()
			o.Fault = f.fault
			a, b := w.talking(o, likeTeams(), "ann", "ben", "cyd", "dan")
			chat := b.Direct("Ann", "Ben", "Cyd")
			b.Say(chat, "Ann", "hello")
			w.wait(5 * time.Second)
			b.Join(chat, "Zoe")
			w.wait(time.Minute)
			b.Join(chat, "Dan")
			w.wait(time.Minute)
			told := len(notices(b))
			f.on(before(memory.OpenConversation, func() error {
				if !crash { // once
					f.off()
				}
				return memory.Fails(bridge.Transient)
			}))
			b.Leave(chat, "Zoe")
			w.wait(5 * time.Second)
			if crash {
				w.down()
				f.off()
				w.start()
			}
			w.wait(time.Hour)
			b.Say(chat, "Ann", "all four")
			w.wait(time.Hour)
			onward := "What you write here appears in memory again."
			w.same(notices(b)[told:], []string{"Ann: " + onward, "Ben: " + onward, "Cyd: " + onward})
			w.same(texts(a, "@ann@ben@cyd")[2:], []string{"The people in this conversation have changed in memory. It goes on in the one with ann, ben, cyd, dan."})
			w.same(texts(a, "@ann@ben@cyd@dan"), []string{"This goes on from the conversation with ann, ben, cyd, since people have changed in memory.", "all four"})
		})
	}
}
