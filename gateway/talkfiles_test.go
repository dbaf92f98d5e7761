package gateway

import (
	"context"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/bridge/richtext"
)

// shared is what can be seen of files in a talk: by the text of the message, each with its bytes and for whom it is.
func shared(s *memory.Service, in bridge.ChannelID) map[string][]memory.Upload {
	all := map[string][]memory.Upload{}
	for _, m := range s.Messages(in) {
		if !m.Deleted {
			all[m.Text] = m.Files
		}
	}
	return all
}

func textFile(name, data string, readers ...bridge.UserID) memory.Upload {
	return memory.Upload{Name: name, Type: "text/plain", Data: []byte(data), Readers: readers}
}

func TestFilesOfTalksCrossForJustTheirMembers(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd")
		dm, gm, chat := a.Direct("ann", "ben"), a.Direct("ann", "ben", "cyd"), b.Direct("Ann", "Ben")
		one := a.SayDoc(dm, "", "ann", richtext.Plain("one"), textFile("1.txt", "first"), textFile("2.txt", "second"))
		a.SayDoc(gm, "", "cyd", richtext.Plain("all"), textFile("all.txt", "of all"))
		w.wait(5 * time.Second)
		group := b.Talks()[1].Conversation.Channel
		b.SayDoc(chat, "", "Ben", richtext.Plain("back"), textFile("back.txt", "from there"))
		b.SayDoc(group, "", "Ann", nil, textFile("mute.txt", "without a word"))
		w.wait(5 * time.Second)
		w.same(shared(b, chat), map[string][]memory.Upload{
			"one":  {textFile("1.txt", "first", "Ann", "Ben"), textFile("2.txt", "second", "Ann", "Ben")},
			"back": {textFile("back.txt", "from there")}})
		w.same(shared(b, group), map[string][]memory.Upload{"all": {textFile("all.txt", "of all", "Ann", "Ben", "Cyd")}, "": {textFile("mute.txt", "without a word")}})
		w.same(shared(a, dm)["back"], []memory.Upload{textFile("back.txt", "from there", "ann", "ben")})
		w.same(shared(a, gm)[""], []memory.Upload{textFile("mute.txt", "without a word", "ann", "ben", "cyd")})
		// They change and go like those of channels.
		a.Attach(dm, one, textFile("2.txt", "second"), textFile("3.txt", "third"))
		w.wait(5 * time.Second)
		w.same(shared(b, chat)["one"], []memory.Upload{textFile("2.txt", "second", "Ann", "Ben"), textFile("3.txt", "third", "Ann", "Ben")})
		a.Delete(dm, one)
		w.wait(5 * time.Second)
		w.same(len(b.Files(chat)), 0)
		w.same(append(notices(a), notices(b)...), []string{})
	})
}

// TestAFileIsNotSharedWithWhoHasJoinedMeanwhile, nor is it left there when its message does not cross.
func TestAFileIsNotSharedWithWhoHasJoinedMeanwhile(t *testing.T) {
	for name, uploaded := range map[string]bool{"before it is carried": false, "when it has been carried": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				var f switched
				o := likeTeams()
				o.Fault, o.KeepFiles = f.fault, true
				a, b := w.talking(likeMattermost(), o, "ann", "ben", "cyd", "dan")
				chat, gm := b.Direct("Ann", "Ben", "Cyd"), bridge.ChannelID("@ann@ben@cyd")
				b.Say(chat, "Ann", "hello")
				w.wait(5 * time.Second)
				blind := func(_ context.Context, c memory.Call) error {
					if c.Op == memory.Feeding || uploaded && c.Op == memory.Post {
						return memory.Fails(bridge.Transient)
					}
					return nil
				}
				f.on(blind)
				if uploaded {
					a.SayDoc(gm, "", "ben", richtext.Plain("not for dan"), textFile("secret.txt", "x"))
					w.wait(5 * time.Second)
					w.same(b.Files(chat), []string{"secret.txt"})
				}
				b.Join(chat, "Dan")
				w.wait(time.Second)
				if uploaded {
					f.on(before(memory.Feeding, func() error { return memory.Fails(bridge.Transient) }))
				} else {
					a.SayDoc(gm, "", "ben", richtext.Plain("not for dan"), textFile("secret.txt", "x"))
				}
				w.wait(5 * time.Minute)
				w.same(texts(b, chat), []string{"hello"})
				w.same(len(b.Files(chat)), 0)
				w.same(len(notices(a)), 1)
				w.same(len(w.held()), 0)
			})
		})
	}
}

// TestWhatIsNotPostedInATalkCarriesNoFile, and its author is told of the message alone.
func TestWhatIsNotPostedInATalkCarriesNoFile(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), memory.Options{Regroup: true, NoRelayDirect: true, KeepFiles: true}, "ann")
		w.match(a, "ben", b, "Ben", "Ben")
		w.wait(time.Second)
		dm, chat := a.Direct("ann", "ben"), b.Direct("Ann", "Ben")
		a.SayDoc(dm, "", "ann", richtext.Plain("mine"), textFile("a.txt", "ann's"))
		a.SayDoc(dm, "", "ben", richtext.Plain("his"), textFile("b.txt", "ben's"))
		b.SayDoc(chat, "", "Ben", richtext.Plain("there"), textFile("c.txt", "ben's, there"))
		w.wait(5 * time.Second)
		w.same(b.Files(chat), []string{"a.txt"})
		w.same(shared(a, dm)["there"], []memory.Upload{textFile("c.txt", "ben's, there", "ann", "ben")}) // by the bot
		w.same(notices(a), []string{"ben: What you write here does not appear in memory: you have not connected your accounts, so nothing can be written in your name there."})
	})
}

func TestFilesOfTheLostWaitWithTheirMessages(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben")
		dm, chat := a.Direct("ann", "ben"), b.Direct("Ann", "Ben")
		b.Revoke("Ann")
		a.SayDoc(dm, "", "ann", richtext.Plain("waits"), textFile("w.txt", "patiently"))
		a.SayDoc(dm, "", "ben", richtext.Plain("goes on"), textFile("g.txt", "at once"))
		w.wait(5 * time.Second)
		w.same(shared(b, chat), map[string][]memory.Upload{"goes on": {textFile("g.txt", "at once", "Ann", "Ben")}})
		b.Grant("Ann")
		w.connect(a, "ann", b, "Ann")
		w.wait(5 * time.Second)
		w.same(shared(b, chat)["waits"], []memory.Upload{textFile("w.txt", "patiently", "Ann", "Ben")})
		w.same(len(w.held()), 0)
	})
}

// TestWhatTheConfigSaysOfFilesInTalks: what is not copied is a line.
func TestWhatTheConfigSaysOfFilesInTalks(t *testing.T) {
	for text, policy := range map[string]FilePolicy{
		"see\n📎 a.txt (1 bytes)":                                          {Mode: LinkFiles},
		"see\n📎 a.txt (1 bytes): files are not carried here":              {Mode: NoFiles},
		"see\n📎 a.txt (1 bytes): files of this type are not carried here": {Blocked: []string{".txt"}},
		"see": {},
	} {
		inWorld(t, func(w *world) {
			w.talkFiles = policy
			a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben")
			a.SayDoc(a.Direct("ann", "ben"), "", "ann", richtext.Plain("see"), textFile("a.txt", "x"))
			w.wait(5 * time.Second)
			w.same(texts(b, b.Direct("Ann", "Ben")), []string{text})
		})
	}
}
