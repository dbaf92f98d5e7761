package gateway

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/direct"
)

// The services of these tests are like the two that Causeway is for: in a, groups are what they are, have at most 8 people, and the bot writes
// everywhere; in b their people and topics change, and only members write. People are called "ann" in a and "Ann" in b.

func likeMattermost() memory.Options { return memory.Options{GroupLimit: 8} }

func likeTeams() memory.Options { return memory.Options{Regroup: true, NoRelayDirect: true} }

// talking runs two services between which direct and group conversations are carried, with these people connected.
func (w *world) talking(a, b memory.Options, connected ...string) (*memory.Service, *memory.Service) {
	left, right := w.service("a", a), w.service("b", b)
	w.directs = []Direct{{Accounts: [2]bridge.AccountName{"memory.a", "memory.b"}, Files: w.talkFiles, Events: w.talkEvents, Settings: direct.Settings{Enable: true, DirectMessages: true, GroupMessages: true}}}
	w.start()
	for _, name := range connected {
		w.connect(left, bridge.UserID(name), right, there(name))
	}
	w.wait(time.Second)
	return left, right
}

// there gives how somebody is called in b.
func there(name string) bridge.UserID {
	return bridge.UserID(strings.ToUpper(name[:1]) + name[1:])
}

// talksOf gives the direct and group conversations of a service with all that is said there: "ann ben: ann one | ben two".
func talksOf(s *memory.Service) []string {
	all := []string{}
	for _, t := range s.Talks() {
		var names, lines []string
		for _, u := range t.Members {
			names = append(names, string(u))
		}
		for _, m := range s.Messages(t.Conversation.Channel) {
			if m.Deleted {
				continue
			}
			by := string(m.Author.ID)
			if m.Author.Name != by {
				by += " as " + m.Author.Name
			}
			lines = append(lines, by+": "+m.Text)
		}
		all = append(all, strings.Join(names, " ")+" > "+strings.Join(lines, " | "))
	}
	return all
}

func (w *world) talksAre(s *memory.Service, want ...string) {
	w.t.Helper()
	if want == nil {
		want = []string{}
	}
	w.same(talksOf(s), want)
}

// notices gives what people were told privately, "ann: text".
func notices(s *memory.Service) []string {
	all := []string{}
	for _, n := range s.Notices() {
		all = append(all, string(n.User)+": "+memory.Text(n.Text))
	}
	return all
}

func TestWhatIsDoneToMessagesOfATalkReachesTheOtherSide(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben")
		dm := a.Direct("ann", "ben")
		one, two := a.Say(dm, "ann", "one"), a.Say(dm, "ben", "two")
		w.wait(5 * time.Second)
		a.Reply(dm, one, "ben", "answer")
		a.Edit(dm, one, "one, edited")
		a.React(dm, two, "ann", "👍")
		w.wait(5 * time.Second)
		chat := b.Direct("Ann", "Ben")
		w.same(live(b, chat, false), []shown{{By: "Ann", Text: "one, edited"}, {By: "Ben", Text: "two", Emoji: []string{"👍"}}, {By: "Ben", Text: "answer", Answers: "one, edited"}})
		b.Edit(chat, b.Messages(chat)[1].ID, "two, edited there")
		b.Delete(chat, b.Messages(chat)[2].ID)
		w.wait(5 * time.Second)
		w.talksAre(a, "ann ben > ann: one, edited | ben: two, edited there")
	})
}

func TestNothingOfTalksBeforeTheirPeopleConnectedIsCarried(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann")
		dm := a.Direct("ann", "ben")
		a.Say(dm, "ann", "too early")
		w.wait(time.Minute)
		w.talksAre(b)
		w.same(notices(a), []string{"ann: What you write here does not appear in memory: ben: people of another organisation have no account there."})
		a.Say(dm, "ann", "told once")
		w.wait(time.Minute)
		w.connect(a, "ben", b, "Ben")
		w.wait(time.Second)
		a.Say(dm, "ben", "now")
		w.wait(5 * time.Second)
		w.talksAre(b, "Ann Ben > Ben: now")
		w.same(len(notices(a)), 1)
	})
}

func TestALargerGroupAMeetingAndASecondChatAreToldAndNotCarried(t *testing.T) {
	inWorld(t, func(w *world) {
		names := strings.Fields("ann ben cyd dan eve fay guy hal ida")
		a, b := w.talking(likeMattermost(), likeTeams(), names...)
		var all []bridge.UserID
		for _, n := range names {
			all = append(all, there(n))
		}
		b.Say(b.Direct(all...), "Ann", "nine")
		b.Say(b.Meeting("Ann", "Ben"), "Ann", "meeting")
		b.Say(b.Direct("Ann", "Ben", "Cyd"), "Ann", "first")
		w.wait(5 * time.Second)
		b.Say(b.Direct("Ann", "Ben", "Cyd"), "Ann", "second")
		w.wait(5 * time.Second)
		w.talksAre(a, "ann ben cyd > ann: first")
		told := notices(b)
		slices.Sort(told)
		w.same(told, []string{
			"Ann: What you write here does not appear in memory: another conversation with the same people is.",
			"Ann: What you write here does not appear in memory: it belongs to a meeting.",
			"Ann: What you write here does not appear in memory: it has more people than a group can have there.",
		})
	})
}

func TestATopicIsTheSameOnBothSides(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd")
		chat := b.Direct("Ann", "Ben", "Cyd")
		b.Retitle(chat, "lunch")
		b.Say(chat, "Ann", "hello")
		w.wait(5 * time.Second)
		w.same(a.Topic("@ann@ben@cyd"), "lunch")
		a.Retitle("@ann@ben@cyd", "dinner")
		w.wait(5 * time.Second)
		w.same(b.Topic(chat), "dinner")
		b.Retitle(chat, "")
		w.wait(5 * time.Second)
		w.same(a.Topic("@ann@ben@cyd"), "")
	})
}

func TestSwitchedOffNothingNewCrossesAndOnAgainItBeginsThen(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben")
		dm := a.Direct("ann", "ben")
		a.Say(dm, "ann", "one")
		w.wait(5 * time.Second)
		w.down()
		w.directs[0].DirectMessages = false
		w.start()
		a.Say(dm, "ann", "while off")
		w.wait(time.Minute)
		w.talksAre(b, "Ann Ben > Ann: one")
		w.down()
		a.Say(dm, "ann", "while down")
		w.wait(time.Second)
		w.directs[0].DirectMessages = true
		w.start()
		a.Say(dm, "ann", "on again")
		w.wait(5 * time.Second)
		w.talksAre(b, "Ann Ben > Ann: one | Ann: on again")
		w.same(notices(a), []string{})
		pairs, err := w.store.Pairs(w.t.Context())
		w.same(fmt.Sprint(len(pairs), err), "1 <nil>")
	})
}

// TestATalkThatBecomesAChannelOfTheConfigIsNoTargetAnyMore: what is said in the chat would go into a channel of which it is not known who reads it.
func TestATalkThatBecomesAChannelOfTheConfigIsNoTargetAnyMore(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben")
		dm := a.Direct("ann", "ben")
		a.Say(dm, "ann", "one")
		w.wait(5 * time.Second)
		w.down()
		w.route(Endpoint{Account: "memory.a", Channel: "direct/@ann@ben", In: true, Out: true}, inout("b", "town"))
		w.start()
		w.wait(5 * time.Second)
		chat := b.Direct("Ann", "Ben")
		b.Say(chat, "Ben", "for ann alone")
		w.wait(5 * time.Second)
		w.same(texts(a, dm), []string{"one"})
		w.same(texts(b, chat), []string{"one", "for ann alone"})
		w.same(notices(b), []string{"Ben: What you write here does not appear in memory: another conversation with the same people is."})
	})
}

// TestWhatIsNotKnownIsNotAllowed: while channels of the config are still to be found, a talk that is not in the table is none of them under another name.
func TestWhatIsNotKnownIsNotAllowed(t *testing.T) {
	inWorld(t, func(w *world) {
		var f switched
		o := likeTeams()
		o.Fault = f.fault
		c := w.service("c", likeMattermost())
		a, b := w.talking(likeMattermost(), o)
		w.down()
		both := append(w.directs, Direct{Accounts: [2]bridge.AccountName{"memory.c", "memory.b"}, Settings: w.directs[0].Settings})
		w.directs = both
		w.start()
		for _, name := range []string{"ann", "ben"} {
			w.connect(a, bridge.UserID(name), b, there(name))
			w.connect(c, bridge.UserID(name), b, there(name))
		}
		w.wait(time.Second)
		a.Say(a.Direct("ann", "ben"), "ann", "from a")
		w.wait(5 * time.Second)
		c.Say(c.Direct("ann", "ben"), "ann", "from c")
		w.wait(5 * time.Second)
		chat := b.Direct("Ann", "Ben")
		w.same(texts(b, chat), []string{"from a", "from c"})
		f.on(before(memory.Post, func() error { return memory.Fails(bridge.Transient) }))
		c.Say("@ann@ben", "ann", "waits")
		w.wait(5 * time.Second)
		w.down()
		f.off()
		w.directs = both[:1]
		w.route(inout("a", "nowhere"), inout("b", "town"))
		w.start()
		w.wait(time.Minute)
		w.same(texts(b, chat), []string{"from a", "from c"})
		w.down()
		w.directs = both
		w.start()
		w.wait(time.Minute)
		w.same(texts(b, chat), []string{"from a", "from c", "waits"})
	})
}

// TestATopicThatOneSideShortensStaysAsItWasWritten on the other one, also where people change and another group takes over.
func TestATopicThatOneSideShortensStaysAsItWasWritten(t *testing.T) {
	inWorld(t, func(w *world) {
		o := likeTeams()
		o.TopicLimit = 10
		a, b := w.talking(likeMattermost(), o, "ann", "ben", "cyd", "dan")
		chat := b.Direct("Ann", "Ben", "Cyd")
		b.Say(chat, "Ann", "hello")
		w.wait(5 * time.Second)
		const header = "what we are here for: lunch"
		a.Retitle("@ann@ben@cyd", header)
		w.wait(5 * time.Second)
		w.same([]string{a.Topic("@ann@ben@cyd"), b.Topic(chat)}, []string{header, "what we ar"})
		w.down()
		w.start()
		b.Join(chat, "Dan")
		b.Say(chat, "Ann", "hello dan")
		w.wait(5 * time.Second)
		w.same([]string{a.Topic("@ann@ben@cyd"), a.Topic("@ann@ben@cyd@dan"), b.Topic(chat)}, []string{header, header, "what we ar"})
		b.Retitle(chat, "dinner")
		w.wait(5 * time.Second)
		w.same([]string{a.Topic("@ann@ben@cyd"), a.Topic("@ann@ben@cyd@dan")}, []string{header, "dinner"})
	})
}
