package gateway

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/bridge/richtext"
)

// likeRestricted is a Mattermost whose bot is no administrator.
func likeRestricted() memory.Options {
	return memory.Options{GroupLimit: 8, NoRelayDirect: true, RelayAside: true}
}

// aloneWith runs two services with a conversation of Ann, who has connected, and Ben, who has not; the first shows aside what he says. What else is true of it, what sets.
func (w *world) aloneWith(what func(*memory.Options)) (a, b *memory.Service, chat bridge.ChannelID) {
	restricted := likeRestricted()
	what(&restricted)
	a, b = w.talking(restricted, likeTeams(), "ann")
	w.match(a, "ben", b, "Ben", "Ben")
	w.wait(time.Second)
	return a, b, b.Direct("Ann", "Ben")
}

// whispers gives what an account has told people by direct messages, about no conversation.
func whispers(s *memory.Service) []string {
	all := []string{}
	for _, n := range s.Notices() {
		if n.Conversation == (bridge.ConversationID{}) {
			all = append(all, string(n.User)+": "+strings.ReplaceAll(memory.Text(n.Text), "\n", " | "))
		}
	}
	slices.Sort(all)
	return all
}

// TestWhoCannotBeWrittenForIsShownToEachConnectedMember, once for each message and for each text of it, and nobody else.
func TestWhoCannotBeWrittenForIsShownToEachConnectedMember(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeRestricted(), likeTeams(), "ann", "cyd", "eve")
		for _, n := range []string{"ben", "dan"} {
			w.match(a, bridge.UserID(n), b, there(n), string(there(n)))
		}
		w.wait(time.Second)
		pair, group := b.Direct("Ann", "Ben"), b.Direct("Ann", "Ben", "Cyd", "Dan")
		one := b.SayDoc(pair, "", "Ben", richtext.Plain("for ann"), textFile("a.txt", "x"))
		w.wait(time.Second) // so that the pair is opened first
		b.Say(group, "Ben", "for two")
		b.Say(group, "Cyd", "as herself")
		b.Say(group, "Dan", "for two as well")
		w.wait(5 * time.Second)
		b.Edit(pair, one, "for ann, edited")
		b.React(pair, one, "Ben", "👍")
		w.wait(5 * time.Second)
		w.same(whispers(a)[1:3], []string{
			"ann: Ben to you in memory, edited: | for ann, edited | 📎 a.txt (1 bytes)",
			"ann: Ben to you in memory: | for ann | 📎 a.txt (1 bytes)",
		})
		b.Delete(pair, one)
		w.wait(5 * time.Second)
		w.down()
		w.start()
		w.wait(time.Hour)
		w.talksAre(a, "ann ben > ", "ann ben cyd dan > cyd: as herself")
		w.same(whispers(a), []string{
			"ann: Ben to you and 2 others in memory: | for two",
			"ann: Dan to you and 2 others in memory: | for two as well",
			"cyd: Ben to you and 2 others in memory: | for two",
			"cyd: Dan to you and 2 others in memory: | for two as well",
		})
		w.same(notices(b), []string{})
		w.same(len(w.held()), 0)
	})
}

// TestTheLostAreWaitedForWhereTheAccountMayNotWriteForThem: they will write themselves.
func TestTheLostAreWaitedForWhereTheAccountMayNotWriteForThem(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeRestricted(), likeTeams(), "ann", "ben")
		chat := b.Direct("Ann", "Ben")
		b.Say(chat, "Ben", "one")
		w.wait(5 * time.Second)
		a.Revoke("ben")
		b.Say(chat, "Ben", "waits")
		w.wait(time.Minute)
		w.talksAre(a, "ann ben > ben: one")
		a.Grant("ben")
		w.connect(a, "ben", b, "Ben")
		w.wait(5 * time.Second)
		w.talksAre(a, "ann ben > ben: one | ben: waits")
		w.same(whispers(a), []string{})
	})
}

// TestWhoHasLeftIsShownNothingAside of what is said, or changed, without them; who is still there is.
func TestWhoHasLeftIsShownNothingAside(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeRestricted(), likeTeams(), "ann", "cyd", "dan")
		w.match(a, "ben", b, "Ben", "Ben")
		w.wait(time.Second)
		chat := b.Direct("Ann", "Ben", "Cyd", "Dan")
		one := b.Say(chat, "Ben", "for dan, too")
		w.wait(5 * time.Second)
		b.Leave(chat, "Dan")
		b.Edit(chat, one, "not for dan")
		b.Say(chat, "Ben", "not for dan either")
		w.wait(time.Minute)
		w.same(whispers(a), []string{
			"ann: Ben to you and 2 others in memory, edited: | not for dan",
			"ann: Ben to you and 2 others in memory: | for dan, too",
			"ann: Ben to you and another one in memory: | not for dan either",
			"cyd: Ben to you and 2 others in memory, edited: | not for dan",
			"cyd: Ben to you and 2 others in memory: | for dan, too",
			"cyd: Ben to you and another one in memory: | not for dan either",
			"dan: Ben to you and 2 others in memory: | for dan, too",
		})
	})
}

// TestWhatWasChangedBeforeItWasShownIsShownAside to those who were there both when it was said and when it was changed.
func TestWhatWasChangedBeforeItWasShownIsShownAside(t *testing.T) {
	inWorld(t, func(w *world) {
		turns := make(chan struct{}, 1)
		w.turn = func(bridge.ConversationID) { turns <- struct{}{}; <-turns }
		a, b := w.talking(likeRestricted(), likeTeams(), "ann", "cyd", "dan")
		for _, n := range []string{"ben", "eve"} {
			w.match(a, bridge.UserID(n), b, there(n), string(there(n)))
		}
		chat := b.Direct("Ann", "Ben", "Cyd", "Dan")
		w.wait(time.Second)
		turns <- struct{}{} // no lane goes on
		one := b.Say(chat, "Ben", "for dan, too")
		w.wait(5 * time.Second)
		b.Leave(chat, "Dan")
		w.wait(5 * time.Second)
		b.Join(chat, "Eve")
		w.wait(5 * time.Second)
		b.Edit(chat, one, "not for dan")
		w.wait(5 * time.Second)
		<-turns
		w.wait(time.Minute)
		w.same(whispers(a), []string{"ann: Ben to you and 2 others in memory: | not for dan", "cyd: Ben to you and 2 others in memory: | not for dan"})
	})
}

// TestWhatIsShownAsideOutlastsAnOutage of the service, as all that its reader sees of it; nor does the next one suffer for the one before.
func TestWhatIsShownAsideOutlastsAnOutage(t *testing.T) {
	inWorld(t, func(w *world) {
		var s switched
		a, b, chat := w.aloneWith(func(o *memory.Options) { o.Fault = s.fault })
		s.on(before(memory.Notify, func() error { return memory.Fails(bridge.Transient) }))
		b.Say(chat, "Ben", "one")
		b.Say(chat, "Ben", "two")
		w.wait(10 * time.Minute)
		w.same(whispers(a), []string{})
		s.off()
		w.wait(10 * time.Minute)
		w.same(whispers(a), []string{"ann: Ben to you in memory: | one", "ann: Ben to you in memory: | two"})
	})
}

// TestFilesThatDoNotCrossAreNamedAsideWithoutTheirLink, as they are in a conversation.
func TestFilesThatDoNotCrossAreNamedAsideWithoutTheirLink(t *testing.T) {
	inWorld(t, func(w *world) {
		w.talkFiles = FilePolicy{Mode: NoFiles}
		a, b, chat := w.aloneWith(func(*memory.Options) {})
		b.SayDoc(chat, "", "Ben", richtext.Plain("see"), textFile("a.txt", "x"))
		w.wait(time.Minute)
		w.same(whispers(a), []string{"ann: Ben to you in memory: | see | 📎 a.txt (1 bytes): files are not carried here"})
		for _, n := range a.Notices() {
			for _, block := range n.Text {
				for _, run := range block.Runs {
					w.same(run.Link, "")
				}
			}
		}
	})
}

// TestWhatIsShownAsideComesOnceThoughTheAnswerIsLost, and though the process ends before it knows that it came.
func TestWhatIsShownAsideComesOnceThoughTheAnswerIsLost(t *testing.T) {
	inWorld(t, func(w *world) {
		var s switched
		a, b, chat := w.aloneWith(func(o *memory.Options) { o.Fault = s.fault })
		s.on(func(_ context.Context, c memory.Call) error {
			if c.Op == memory.Notify && c.After {
				return memory.Fails(bridge.Uncertain)
			}
			return nil
		})
		b.Say(chat, "Ben", "ok")
		w.wait(10 * time.Minute)
		w.down()
		s.off()
		w.start()
		b.Say(chat, "Ben", "ok") // people say that more than once
		w.wait(10 * time.Minute)
		w.same(whispers(a), []string{"ann: Ben to you in memory: | ok", "ann: Ben to you in memory: | ok"})
	})
}

// TestALongMessageIsShownAsideInParts, and all of it.
func TestALongMessageIsShownAsideInParts(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b, chat := w.aloneWith(func(o *memory.Options) { o.MaxText = 100 })
		b.Say(chat, "Ben", long(350))
		w.wait(time.Minute)
		var told []string
		for _, n := range a.Notices() {
			text := memory.Text(n.Text)
			if len(text) > 100 {
				t.Errorf("%d characters are told at once", len(text))
			}
			told = append(told, strings.Fields(text)...)
		}
		w.same(strings.Join(told, ""), "Bentoyouinmemory:"+strings.ReplaceAll(long(350), " ", "")) // words may be cut
	})
}
