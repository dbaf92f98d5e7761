package gateway

import (
	"slices"
	"strings"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
)

// stayed is what an author is told whose change goes nowhere.
const stayed = "You have changed an earlier message. That does not appear on the other side: the people in the conversation have changed since it was written."

// TestWhoHasLeftGetsNothingThatWasMadeOfMessagesSince although all of it is read only afterwards: edits and reactions stay, what was deleted or taken away goes.
func TestWhoHasLeftGetsNothingThatWasMadeOfMessagesSince(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd", "dan")
		chat, gm := b.Direct("Ann", "Ben", "Cyd", "Dan"), bridge.ChannelID("@ann@ben@cyd@dan")
		one, two, three := b.Say(chat, "Ann", "one"), b.Say(chat, "Ben", "two"), b.Say(chat, "Ann", "three")
		b.React(chat, three, "Ben", "👍")
		w.wait(5 * time.Second)
		back := a.Say(gm, "ben", "from there")
		w.wait(5 * time.Second)
		w.down()
		b.Say(chat, "Ann", "while down")
		w.wait(time.Second)
		b.Leave(chat, "Dan")
		w.wait(time.Second)
		b.Edit(chat, one, "one, not for dan")
		b.Delete(chat, two)
		b.React(chat, three, "Cyd", "❤️")
		b.Unreact(chat, three, "Ben", "👍")
		for _, m := range b.Messages(chat) { // ben changes his own copy there
			if m.Text == "from there" {
				b.Edit(chat, m.ID, "from there, not for dan")
			}
		}
		w.start()
		w.wait(time.Minute)
		moved := "bot: The people in this conversation have changed in memory. It goes on in the one with ann, ben, cyd."
		w.same(talksOf(a)[0], "ann ben cyd dan > ann: one | ann: three | ben: from there | ann: while down | "+moved)
		w.same(w.find(a, gm, "three").Reactions, []bridge.Reaction{})
		w.same(w.find(a, gm, "from there").ID, back)
		w.same([][]string{notices(a), notices(b)}, [][]string{{"ben: " + stayed}, {"Ann: " + stayed}})
		// Nor when Dan is back; what is changed then, all get.
		b.Join(chat, "Dan")
		w.wait(time.Minute)
		b.React(chat, three, "Ann", "👀")
		w.wait(time.Minute)
		w.same(texts(a, gm)[:4], []string{"one", "three", "from there", "while down"})
		b.Edit(chat, one, "one, for dan, too")
		w.wait(time.Minute)
		w.same(texts(a, gm)[:4], []string{"one, for dan, too", "three", "from there", "while down"})
		w.same(len(w.held()), 0)
	})
}

// TestATextThatWasChangedWithoutSomebodyBeforeItLeftIsNotForThem: it waited, and what it said before is not known any more.
func TestATextThatWasChangedWithoutSomebodyBeforeItLeftIsNotForThem(t *testing.T) {
	for _, back := range []bool{false, true} {
		inWorld(t, func(w *world) {
			var f switched
			o := likeMattermost()
			o.Fault = f.fault
			a, b := w.talking(o, likeTeams(), "ann", "ben", "cyd", "dan")
			chat, gm := b.Direct("Ann", "Ben", "Cyd", "Dan"), bridge.ChannelID("@ann@ben@cyd@dan")
			b.Say(chat, "Ann", "one")
			w.wait(5 * time.Second)
			f.on(before(memory.Post, func() error { return memory.Fails(bridge.Transient) }))
			waits, goes := b.Say(chat, "Ben", "waits"), b.Say(chat, "Cyd", "waits, too")
			w.wait(5 * time.Second)
			b.Edit(chat, goes, "for all")
			w.wait(5 * time.Second)
			b.Leave(chat, "Dan")
			w.wait(time.Second)
			b.Edit(chat, waits, "not for dan")
			w.wait(5 * time.Second)
			if back {
				b.Join(chat, "Dan")
				w.wait(5 * time.Second)
			}
			f.off()
			w.wait(time.Hour)
			got := texts(a, gm)
			w.same([]bool{slices.Contains(got, "for all"), strings.Contains(strings.Join(got, "|"), "not for dan"), slices.Contains(got, "waits")}, []bool{true, false, false})
			w.same(notices(b), []string{"Ben: " + stayed})
			w.same(len(w.held()), 0)
		})
	}
}

// TestAQuoteDoesNotTellWhatAMessageWasMadeWithoutSomebody: the answer is for them, and what it answers was said before anything was carried.
func TestAQuoteDoesNotTellWhatAMessageWasMadeWithoutSomebody(t *testing.T) {
	for _, known := range []bool{true, false} { // whether it is, that somebody has left
		inWorld(t, func(w *world) {
			var f switched
			o := likeTeams()
			o.Fault = f.fault
			a, b := w.talking(likeMattermost(), o)
			chat := b.Direct("Ann", "Ben", "Cyd", "Dan")
			root, other := b.Say(chat, "Ann", "early"), b.Say(chat, "Ann", "early, too")
			w.wait(time.Second)
			for _, name := range []string{"ann", "ben", "cyd", "dan"} {
				w.connect(a, bridge.UserID(name), b, there(name))
			}
			w.wait(time.Second)
			b.Say(chat, "Ann", "one")
			w.wait(5 * time.Second)
			hold := before(memory.Read, func() error { return memory.Fails(bridge.Transient) })
			f.on(hold)
			b.Reply(chat, root, "Ben", "answer")
			b.Reply(chat, other, "Cyd", "another")
			w.wait(2 * time.Second)
			if !known {
				f.on(before(memory.Feeding, func() error { return memory.Fails(bridge.Transient) }))
			}
			b.Leave(chat, "Dan")
			w.wait(time.Second)
			b.Edit(chat, root, "not for dan")
			if known {
				f.off()
			}
			w.wait(10 * time.Second)
			f.off()
			w.wait(time.Minute)
			all := strings.Join(talksOf(a), "\n")
			w.same([]bool{strings.Contains(all, "answer"), strings.Contains(all, "another"), strings.Contains(all, "not for dan")}, []bool{true, true, false})
		})
	}
}

// TestWhatAHumanMakesOfACopyIsLookedAtAmongWhomItWas before it goes anywhere: a lane that is about to overwrite it looks, though nothing is read at present.
func TestWhatAHumanMakesOfACopyIsLookedAtAmongWhomItWas(t *testing.T) {
	inWorld(t, func(w *world) {
		var f switched
		o := likeTeams()
		o.Fault = f.fault
		a, b := w.talking(likeMattermost(), o, "ann", "ben", "cyd", "dan")
		chat, gm := b.Direct("Ann", "Ben", "Cyd", "Dan"), bridge.ChannelID("@ann@ben@cyd@dan")
		b.Say(chat, "Ann", "one")
		w.wait(5 * time.Second)
		mine := a.Say(gm, "ben", "two")
		w.wait(5 * time.Second)
		f.on(before(memory.Feeding, func() error { return memory.Fails(bridge.Transient) }))
		b.Leave(chat, "Dan")
		w.wait(time.Second)
		b.Edit(chat, w.find(b, chat, "two").ID, "two, not for dan")
		a.Edit(gm, mine, "two, for dan")
		w.wait(time.Minute)
		f.off()
		w.wait(time.Minute)
		w.same(strings.Contains(strings.Join(talksOf(a), "\n"), "not for dan"), false)
		w.same(strings.Contains(strings.Join(texts(b, chat), "\n"), "two, for dan"), false)
	})
}

// TestReactionsStayWhereTheyWereSetThoughTheGroupHasAnotherChatByNow: one group message was paired with two chats, one after the other, and what is done in
// the first, which somebody has left, is not shown to them; what is done in the second is.
func TestReactionsStayWhereTheyWereSetThoughTheGroupHasAnotherChatByNow(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd", "dan")
		first, gm := b.Direct("Ann", "Ben", "Cyd", "Dan"), bridge.ChannelID("@ann@ben@cyd@dan")
		b.Say(first, "Ann", "one")
		w.wait(5 * time.Second)
		a.Say(gm, "ben", "two")
		w.wait(5 * time.Second)
		b.React(first, w.find(b, first, "two").ID, "Dan", "👍")
		w.wait(5 * time.Second)
		b.Leave(first, "Dan")
		w.wait(5 * time.Second)
		second := b.Direct("Ann", "Ben", "Cyd", "Dan")
		b.Say(second, "Cyd", "three")
		w.wait(5 * time.Second)
		w.same(w.find(a, gm, "three").Author.ID, bridge.UserID("cyd"))

		b.React(first, w.find(b, first, "two").ID, "Ann", "👀")
		b.React(first, w.find(b, first, "one").ID, "Ann", "👀")
		a.React(gm, w.find(a, gm, "one").ID, "ben", "❤")
		a.React(gm, w.find(a, gm, "two").ID, "ben", "❤")
		b.React(second, w.find(b, second, "three").ID, "Ann", "👀")
		a.React(gm, w.find(a, gm, "three").ID, "ben", "❤")
		w.wait(5 * time.Second)
		reactions := func(s *memory.Service, in bridge.ChannelID) map[string][]bridge.Reaction {
			all := map[string][]bridge.Reaction{}
			for _, m := range s.Messages(in) {
				slices.SortFunc(m.Reactions, func(a, b bridge.Reaction) int { return strings.Compare(string(a.User), string(b.User)) })
				if len(m.Reactions) > 0 {
					all[m.Text] = m.Reactions
				}
			}
			return all
		}
		w.same(reactions(a, gm), map[string][]bridge.Reaction{
			"one": {{User: "ben", Emoji: "❤"}}, "two": {{User: "ben", Emoji: "❤"}, {User: "dan", Emoji: "👍"}},
			"three": {{User: "ann", Emoji: "👀"}, {User: "ben", Emoji: "❤"}}})
		w.same(reactions(b, first), map[string][]bridge.Reaction{
			"one": {{User: "Ann", Emoji: "👀"}}, "two": {{User: "Ann", Emoji: "👀"}, {User: "Dan", Emoji: "👍"}}})
		w.same(reactions(b, second), map[string][]bridge.Reaction{"three": {{User: "Ann", Emoji: "👀"}, {User: "Ben", Emoji: "❤"}}})
	})
}

// TestAGroupThatIsRefusedIsMetAgainWhenItsPeopleHaveChanged though everybody in it knows why it was, so that nothing of it is read.
func TestAGroupThatIsRefusedIsMetAgainWhenItsPeopleHaveChanged(t *testing.T) {
	inWorld(t, func(w *world) {
		names := strings.Fields("ann ben cyd dan eve fay guy hal ida")
		a, b := w.talking(likeMattermost(), likeTeams(), names...)
		var all []bridge.UserID
		for _, n := range names {
			all = append(all, there(n))
		}
		nine, four := b.Direct(all...), b.Direct("Ann", "Ben", "Cyd", "Zoe")
		for _, u := range all {
			b.Say(nine, u, "nine")
			w.wait(5 * time.Second)
		}
		for _, u := range []bridge.UserID{"Ann", "Ben", "Cyd"} {
			b.Say(four, u, "four")
			w.wait(5 * time.Second)
		}
		w.same([]int{len(notices(b)), len(a.Talks())}, []int{12, 0})
		w.wait(changedAgain)
		b.Leave(nine, "Ida")
		b.Leave(four, "Zoe")
		w.wait(time.Second)
		b.Say(nine, "Ann", "eight")
		b.Say(four, "Ann", "three")
		w.wait(5 * time.Second)
		got := talksOf(a)
		slices.Sort(got)
		w.same(got, []string{"ann ben cyd > ann: three", "ann ben cyd dan eve fay guy hal > ann: eight"})
	})
}
