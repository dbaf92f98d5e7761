package gateway

import (
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/direct"
)

// TestWhoIsAnsweredIsQuoted, not whom they have answered themselves, where any message can be: also when that was said before anybody connected.
func TestWhoIsAnsweredIsQuoted(t *testing.T) {
	inWorld(t, func(w *world) {
		teams := likeTeams()
		teams.Quotes = true
		a, b := w.service("a", likeMattermost()), w.service("b", teams)
		chat := b.Direct("Ann", "Ben")
		old := b.Say(chat, "Ann", "said before")
		time.Sleep(time.Hour)
		w.directs = []Direct{{Accounts: [2]bridge.AccountName{"memory.a", "memory.b"}, Settings: direct.Settings{Enable: true, DirectMessages: true, GroupMessages: true}}}
		w.start()
		for _, u := range []string{"ann", "ben"} {
			w.connect(a, bridge.UserID(u), b, there(u))
		}
		w.wait(time.Second)
		b.Reply(chat, old, "Ben", "quotes it")
		w.wait(time.Minute)
		talk := a.Talks()[0].Conversation.Channel
		a.Reply(talk, a.Messages(talk)[0].ID, "ann", "an answer")
		w.wait(time.Minute)
		w.same(live(b, chat, false), []shown{{By: "Ann", Text: "said before"}, {By: "Ben", Text: "quotes it", Answers: "said before"}, {By: "Ann", Text: "an answer", Answers: "quotes it"}})
	})
}

// TestWhatIsAnsweredIsFoundThoughWhatItAnswersIsNotThere: that was said to others, before somebody joined.
func TestWhatIsAnsweredIsFoundThoughWhatItAnswersIsNotThere(t *testing.T) {
	inWorld(t, func(w *world) {
		teams := likeTeams()
		teams.Quotes = true
		a, b := w.talking(likeMattermost(), teams, "ann", "ben", "cyd", "dan")
		chat := b.Direct("Ann", "Ben", "Cyd")
		three := b.Say(chat, "Ann", "to three")
		w.wait(time.Minute)
		b.Join(chat, "Dan")
		w.wait(time.Minute)
		quoting := b.Reply(chat, three, "Ben", "quotes it")
		w.wait(time.Minute)
		b.Reply(chat, quoting, "Cyd", "quotes that")
		w.wait(time.Minute)
		four := bridge.ChannelID("@ann@ben@cyd@dan")
		a.Reply(four, a.Messages(four)[1].ID, "ann", "an answer")
		w.wait(time.Minute)
		answers := func(s *memory.Service, in bridge.ChannelID, text string) string {
			root := w.find(s, in, text).Root
			for _, m := range s.Messages(in) {
				if m.ID == root {
					return m.Text
				}
			}
			return ""
		}
		w.same([2]string{answers(a, four, "quotes that"), answers(b, chat, "an answer")}, [2]string{"(a message that is not here)\nquotes it", "quotes it"})
	})
}
