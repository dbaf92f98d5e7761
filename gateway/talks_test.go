package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/direct"
	"causeway/gateway/store"
)

// The services of these tests are like the two that Causeway is for: in a, groups are what they are, have at most 8 people, and the bot writes
// everywhere; in b their people and topics change, and only members write. People are called "ann" in a and "Ann" in b.

func likeMattermost() memory.Options { return memory.Options{GroupLimit: 8} }
func likeTeams() memory.Options      { return memory.Options{Regroup: true, NoRelayDirect: true} }

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

func TestTheFirstMessageMakesTheOtherSide(t *testing.T) {
	for _, from := range []string{"a", "b"} {
		t.Run(from, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd")
				if from == "a" {
					a.Say(a.Direct("ann", "ben"), "ann", "hello")
					a.Say(a.Direct("ann", "ben", "cyd"), "cyd", "all")
					a.Say(a.Direct("ann"), "ann", "note")
				} else {
					b.Say(b.Direct("Ann", "Ben"), "Ann", "hello")
					b.Say(b.Direct("Ann", "Ben", "Cyd"), "Cyd", "all")
					b.Say(b.Direct("Ann"), "Ann", "note")
				}
				w.wait(5 * time.Second)
				sorted := append(talksOf(a), talksOf(b)...)
				slices.Sort(sorted)
				w.same(sorted, []string{"Ann > Ann: note", "Ann Ben > Ann: hello", "Ann Ben Cyd > Cyd: all", "ann > ann: note", "ann ben > ann: hello", "ann ben cyd > cyd: all"})
				// Both go on, from both sides, after a restart too.
				pair := b.Direct("Ann", "Ben")
				b.Say(pair, "Ben", "from there")
				w.wait(5 * time.Second)
				w.down()
				a.Say("@ann@ben", "ann", "while down")
				w.start()
				w.wait(5 * time.Second)
				b.Say(pair, "Ben", "at last")
				w.wait(5 * time.Second)
				w.same(slices.Contains(talksOf(a), "ann ben > ann: hello | ben: from there | ann: while down | ben: at last"), true)
				w.same(len(b.Talks()), 3)
				w.same(notices(a), []string{})
			})
		})
	}
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

func TestBothSidesBeginAtOnceAndAreOnePair(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd")
		dm, gm := a.Direct("ann", "ben"), a.Direct("ann", "ben", "cyd")
		chat, group := b.Direct("Ann", "Ben"), b.Direct("Ann", "Ben", "Cyd")
		a.Say(dm, "ann", "from a")
		b.Say(chat, "Ben", "from b")
		a.Say(gm, "ann", "all from a")
		b.Say(group, "Cyd", "all from b")
		w.wait(time.Minute)
		for _, one := range [][]string{talksOf(a)[:1], talksOf(b)[:1]} {
			w.same(strings.Contains(one[0], "from a") && strings.Contains(one[0], "from b"), true)
		}
		pairs, err := w.store.Pairs(w.t.Context())
		pairs = slices.DeleteFunc(pairs, func(p store.Pair) bool { return p.State != store.PairOpen })
		w.same(fmt.Sprint(len(pairs), err), "2 <nil>")
		all := strings.Join(append(talksOf(a), talksOf(b)...), "\n")
		if strings.Count(all, "all from a") != 2 || strings.Count(all, "all from b") != 2 {
			w.t.Errorf("%q %q", all, notices(b))
		}
	})
}

func TestWhoHasNotConnectedIsShownByTheBotOrTold(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann")
		w.match(a, "ben", b, "Ben", "Ben")
		w.match(b, "Ben", a, "ben", "Ben")
		if p, _, err := w.store.PersonOf(w.t.Context(), a.Server(), "ann"); err != nil || w.store.Prefer(w.t.Context(), p.ID, "memory.b", true) != nil {
			w.t.Fatal(err)
		}
		w.gateway.PeopleChanged()
		w.wait(time.Second)
		dm := a.Direct("ann", "ben")
		a.Say(dm, "ann", "from ann")
		w.wait(5 * time.Second)
		chat := b.Direct("Ann", "Ben")
		b.Say(chat, "Ben", "from ben there")
		a.Say(dm, "ben", "from ben here")
		a.Say(dm, "ben", "once more")
		w.wait(5 * time.Second)
		w.same(talksOf(a)[0], "ann ben > ann: from ann | ben: from ben here | ben: once more | bot as Ben: from ben there")
		w.same(talksOf(b)[0], "Ann Ben > Ann: from ann | Ben: from ben there")
		waits := "Ann: Something waits for you in memory: somebody who has not connected has written to you there."
		w.same(notices(a), []string{"ben: What you write here does not appear in memory: you have not connected your accounts, so nothing can be written in your name there."})
		w.same(notices(b), []string{waits})
		w.wait(time.Hour)
		a.Say(dm, "ben", "an hour later")
		w.wait(5 * time.Second)
		w.same(notices(b), []string{waits, waits})
		w.same(len(notices(a)), 1)
		w.same(len(w.held()), 0)
	})
}

func TestTheMessagesOfTheLostWaitAndThoseOfOthersGoOn(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben")
		dm := a.Direct("ann", "ben")
		a.Say(dm, "ann", "one")
		w.wait(5 * time.Second)
		b.Revoke("Ann")
		a.Say(dm, "ann", "waits")
		a.Say(dm, "ben", "goes on")
		w.wait(5 * time.Second)
		w.talksAre(b, "Ann Ben > Ann: one | Ben: goes on")
		w.down()
		w.start()
		w.wait(time.Minute)
		w.talksAre(b, "Ann Ben > Ann: one | Ben: goes on")
		b.Grant("Ann")
		w.connect(a, "ann", b, "Ann")
		w.wait(5 * time.Second)
		w.same(strings.HasSuffix(talksOf(b)[0], "waits"), true)
		w.same(len(w.held()), 0)
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

func TestWherePeopleJoinAndLeaveAnotherGroupTakesOver(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd", "dan")
		chat := b.Direct("Ann", "Ben", "Cyd")
		b.Say(chat, "Ann", "three")
		w.wait(5 * time.Second)
		b.Join(chat, "Dan")
		w.wait(5 * time.Second)
		b.Say(chat, "Dan", "four")
		a.Say("@ann@ben@cyd", "ben", "left behind")
		a.Say("@ann@ben@cyd", "ben", "told once")
		w.wait(5 * time.Second)
		a.Say("@ann@ben@cyd@dan", "cyd", "from four")
		w.wait(5 * time.Second)
		b.Leave(chat, "Ben")
		w.wait(5 * time.Second)
		b.Say(chat, "Ann", "three others")
		w.wait(5 * time.Second)
		w.talksAre(a,
			"ann ben cyd > ann: three | bot: The people in this conversation have changed in memory. It goes on in the one with ann, ben, cyd, dan. | ben: left behind | ben: told once",
			"ann ben cyd dan > bot: This goes on from the conversation with ann, ben, cyd, since people have changed in memory. | dan: four | cyd: from four"+
				" | bot: The people in this conversation have changed in memory. It goes on in the one with ann, cyd, dan.",
			"ann cyd dan > bot: This goes on from the conversation with ann, ben, cyd, dan, since people have changed in memory. | ann: three others")
		w.same(notices(a), []string{
			"ben: What you write here does not appear in memory any more: the people in the conversation there have changed. It goes on in another one here, with exactly them."})
		// Who has left does not get to see what is written now, also where it was an old message that was changed. A deletion does follow.
		first := b.Messages(chat)[0].ID
		b.Edit(chat, first, "three, and what ben must not read")
		w.wait(5 * time.Second)
		w.same(strings.HasPrefix(talksOf(a)[0], "ann ben cyd > ann: three |"), true)
		b.Delete(chat, first)
		w.wait(5 * time.Second)
		w.same(strings.HasPrefix(talksOf(a)[0], "ann ben cyd > bot: The people"), true)
	})
}

func TestAMessageOnItsWayIsNotWrittenWhereSomebodyHasJoined(t *testing.T) {
	inWorld(t, func(w *world) {
		var f switched
		o := likeTeams()
		o.Fault = f.fault
		a, b := w.talking(likeMattermost(), o, "ann", "ben", "cyd", "dan")
		chat := b.Direct("Ann", "Ben", "Cyd")
		b.Say(chat, "Ann", "hello")
		w.wait(5 * time.Second)
		// Nothing is read in b any more, and somebody joins.
		f.on(before(memory.Feeding, func() error { return memory.Fails(bridge.Transient) }))
		b.Join(chat, "Dan")
		w.wait(time.Second)
		a.Say("@ann@ben@cyd", "ben", "not for dan")
		w.wait(time.Minute)
		w.same(texts(b, chat), []string{"hello"})
		w.same(len(notices(a)), 1)
		w.same(len(w.held()), 0)
	})
}

func TestAnEditOnItsWayIsNotWrittenWhereSomebodyHasJoined(t *testing.T) {
	inWorld(t, func(w *world) {
		var f switched
		o := likeTeams()
		o.Fault = f.fault
		a, b := w.talking(likeMattermost(), o, "ann", "ben", "cyd", "dan")
		chat := b.Direct("Ann", "Ben", "Cyd")
		b.Say(chat, "Ann", "hello")
		w.wait(5 * time.Second)
		early := a.Say("@ann@ben@cyd", "ben", "for three")
		w.wait(5 * time.Second)
		f.on(func(ctx context.Context, c memory.Call) error {
			if c.Op == memory.Feeding && !c.After { // nothing is read in b any more
				pause(ctx, time.Hour)
			}
			return nil
		})
		b.Say(chat, "Cyd", "the feed is slow")
		w.wait(time.Second)
		b.Join(chat, "Dan")
		w.wait(time.Second)
		a.Edit("@ann@ben@cyd", early, "not for dan")
		w.wait(time.Minute)
		w.same(texts(b, chat), []string{"hello", "for three", "the feed is slow"})
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

func TestWhoDisconnectsEndsItAndConnectingAgainBeginsItAnew(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben")
		dm := a.Direct("ann", "ben")
		a.Say(dm, "ann", "one")
		w.wait(5 * time.Second)
		for s, u := range map[bridge.ServerID]bridge.UserID{a.Server(): "ben", b.Server(): "Ben"} {
			if err := w.store.Forget(w.t.Context(), s, u, false); err != nil {
				w.t.Fatal(err)
			}
		}
		w.gateway.PeopleChanged()
		w.wait(time.Second)
		a.Say(dm, "ann", "alone")
		w.wait(5 * time.Second)
		w.same(len(notices(a)), 1)
		w.connect(a, "ben", b, "Ben")
		w.wait(time.Second)
		a.Say(dm, "ben", "back")
		w.wait(5 * time.Second)
		w.talksAre(b, "Ann Ben > Ann: one | Ben: back")
	})
}

func TestACrashAtEachStepOfOpeningLeavesOnePair(t *testing.T) {
	for _, group := range []bool{false, true} {
		for at := 1; ; at++ {
			died := false
			t.Run(fmt.Sprintf("group %t, write %d", group, at), func(t *testing.T) {
				inWorld(t, func(w *world) {
					for _, after := range []bool{false, true} {
						died = w.diesOpening(group, at, after) || died
					}
				})
			})
			if !died || t.Failed() {
				break
			}
		}
	}
}

// diesOpening has the process die at one of the writes that follow a first message, and reports whether there were so many.
func (w *world) diesOpening(group bool, at int, after bool) (died bool) {
	w.accounts, w.routes = nil, nil
	w.path = fmt.Sprintf("/world-%d", worlds.Add(1))
	keep := w.open(store.Options{VFS: "memdb"})
	defer keep.Close()
	a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd")
	w.down()
	w.diesAt, w.diesAfter = at, after
	w.start()
	gm := a.Direct("ann", "ben")
	want := "Ann Ben > Ann: hello"
	if group {
		gm, want = a.Direct("ann", "ben", "cyd"), "Ann Ben Cyd > Ann: hello"
	}
	a.Say(gm, "ann", "hello")
	w.wait(10 * time.Second)
	died = w.died.Load()
	w.down()
	w.died.Store(false)
	w.diesAt = 0
	w.start()
	w.wait(time.Minute)
	w.talksAre(b, want)
	w.down()
	return died
}

func TestALostAnswerToAnOpeningLeavesOnePair(t *testing.T) {
	inWorld(t, func(w *world) {
		o := likeTeams()
		n := 0
		o.Fault = func(_ context.Context, c memory.Call) error {
			if c.Op == memory.OpenConversation && c.After {
				if n++; n == 1 {
					return memory.LostAnswer()
				}
			}
			return nil
		}
		a, b := w.talking(likeMattermost(), o, "ann", "ben", "cyd")
		a.Say(a.Direct("ann", "ben", "cyd"), "ann", "hello")
		w.wait(time.Minute)
		w.same(n, 2)
		w.talksAre(b, "Ann Ben Cyd > Ann: hello")
	})
}

// TestWhoIsMatchedWithSomebodyElseByNowGetsNothingMore, nor do those who wrote to them: the account may be another person's.
func TestWhoIsMatchedWithSomebodyElseByNowGetsNothingMore(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann")
		w.match(a, "ben", b, "Ben", "Ben")
		w.match(b, "Ben", a, "ben", "ben")
		dm := a.Direct("ann", "ben")
		a.Say(dm, "ann", "to ben")
		w.wait(5 * time.Second)
		chat := b.Direct("Ann", "Ben")
		b.Say(chat, "Ann", "from there")
		w.wait(5 * time.Second)
		w.same(talksOf(a)[0], "ann ben > ann: to ben | ann: from there")
		w.match(b, "Ben", a, "benedict", "benedict")
		w.gateway.PeopleChanged()
		w.wait(5 * time.Second)
		b.Say(chat, "Ann", "for the one whom ben was")
		w.wait(5 * time.Second)
		w.same(talksOf(a)[0], "ann ben > ann: to ben | ann: from there")
	})
}

// TestWhoIsMatchedAndDeactivatedLaterEndsTheTalk: Causeway was down for longer than a match counts, and they say nothing any more by which they would be
// looked for again.
func TestWhoIsMatchedAndDeactivatedLaterEndsTheTalk(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann")
		w.match(a, "ben", b, "Ben", "Ben")
		dm := a.Direct("ann", "ben")
		a.Say(dm, "ann", "to ben")
		w.wait(5 * time.Second)
		w.talksAre(b, "Ann Ben > Ann: to ben")
		a.Alter("ben", func(p *bridge.Profile) { p.Standing.Presence = bridge.Disabled })
		if _, err := w.store.ExpireMatches(w.t.Context(), time.Now()); err != nil {
			w.t.Fatal(err)
		}
		w.gateway.PeopleChanged()
		w.wait(5 * time.Second)
		a.Say(dm, "ann", "to nobody")
		w.wait(5 * time.Second)
		w.talksAre(b, "Ann Ben > Ann: to ben")
		w.same(notices(a), []string{"ann: What you write here does not appear in memory: ben: the account is deactivated."})
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

// wrong is a bridge that says of a group that somebody is in it who is not.
type wrong struct {
	bridge.Bridge
	asked int
}

func (b *wrong) Members(ctx context.Context, c bridge.ConversationID) ([]bridge.UserID, error) {
	b.asked++
	all, err := b.Bridge.Members(ctx, c)
	return append(all, "Zoe"), err
}

func TestAGroupThatDoesNotFitTogetherIsAskedSlowerAndSlower(t *testing.T) {
	inWorld(t, func(w *world) {
		a, _ := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd")
		w.down()
		var b wrong
		w.wrap("b", func(inner bridge.Bridge) bridge.Bridge { b.Bridge = inner; return &b })
		w.start()
		a.Say(a.Direct("ann", "ben", "cyd"), "ann", "hello")
		w.wait(10 * time.Minute)
		if b.asked < 2 || b.asked > 20 {
			w.t.Errorf("asked %d times in 10 minutes", b.asked)
		}
		w.same(strings.Contains(w.log.String(), "others than those to whom the message was said"), true)
	})
}

// TestWhoHasNotAllowedItIsToldSoAndTheirMessageWaits: they have connected before direct messages were carried, and the service asks for more now.
func TestWhoHasNotAllowedItIsToldSoAndTheirMessageWaits(t *testing.T) {
	lacks := func(op memory.Op) memory.Fault {
		return func(_ context.Context, c memory.Call) error {
			if c.Op == op && c.As == "Ann" && !c.After {
				return &bridge.Error{Kind: bridge.Unsupported, Scope: bridge.ScopePerson, Err: errors.New("lacks a permission")}
			}
			return nil
		}
	}
	told := "ann: What you write here does not appear in memory yet: Causeway may not write there in your name. Connect your accounts again, and allow what Causeway asks for; what you have written appears then."
	inWorld(t, func(w *world) {
		var f switched
		o := likeTeams()
		o.Fault = f.fault
		a, b := w.talking(likeMattermost(), o, "ann", "ben")
		dm := a.Direct("ann", "ben")
		a.Say(dm, "ben", "one")
		w.wait(5 * time.Second)
		f.on(lacks(memory.Post))
		a.Say(dm, "ann", "waits")
		a.Say(dm, "ann", "waits, too")
		a.Say(dm, "ben", "goes on")
		w.wait(time.Minute)
		w.talksAre(b, "Ann Ben > Ben: one | Ben: goes on")
		w.same(notices(a), []string{told})
		f.off()
		w.connect(a, "ann", b, "Ann")
		w.wait(5 * time.Second)
		w.talksAre(b, "Ann Ben > Ben: one | Ben: goes on | Ann: waits | Ann: waits, too")
		w.same(notices(a), []string{told})
		w.same(len(w.held()), 0)
	})
	inWorld(t, func(w *world) {
		o := likeTeams()
		o.Fault = lacks(memory.OpenConversation)
		a, b := w.talking(likeMattermost(), o, "ann")
		w.match(a, "ben", b, "Ben", "Ben")
		a.Say(a.Direct("ann", "ben"), "ann", "one")
		w.wait(time.Minute)
		w.talksAre(b)
		w.same(notices(a), []string{"ann: What you write here does not appear in memory: Causeway may not write there in your name; connect your accounts again, and allow what it asks for."})
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

// TestWhatWasSaidBeforeOrAfterAGroupCouldBeCarriedIsNotMixedUp: each time among those who were there, also where it was met only later.
func TestWhatWasSaidBeforeOrAfterAGroupCouldBeCarriedIsNotMixedUp(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd", "dan")
		w.down()
		grows, shrinks := b.Direct("Ann", "Ben", "Cyd"), b.Direct("Ann", "Ben", "Dan", "Eve")
		b.Say(grows, "Ann", "said to three")
		b.Say(shrinks, "Ann", "not without eve")
		w.wait(time.Second)
		b.Join(grows, "Eve")
		b.Leave(shrinks, "Eve")
		w.wait(time.Second)
		b.Say(grows, "Ann", "not with eve")
		b.Say(shrinks, "Ann", "without eve")
		w.start()
		w.wait(time.Minute)
		all := talksOf(a)
		slices.Sort(all)
		stopped := "bot: The people in this conversation have changed in memory, and with those who are in it now it is not carried: Eve: people of another organisation have no account there. What is written here does not appear there any more."
		w.same(all, []string{"ann ben cyd > ann: said to three | " + stopped, "ann ben dan > ann: without eve"})
		told, why := notices(b), ": What you write here does not appear in memory: Eve: people of another organisation have no account there."
		slices.Sort(told)
		w.same(told, []string{"Ann" + why, "Ann" + why, "Ben" + why, "Cyd" + why})
	})
}

func TestWhereEverybodyHasLeftItIsSaid(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd")
		chat := b.Direct("Ann", "Ben", "Cyd")
		b.Say(chat, "Ann", "hello")
		w.wait(5 * time.Second)
		for _, u := range []bridge.UserID{"Ann", "Ben", "Cyd"} {
			b.Leave(chat, u)
		}
		w.wait(5 * time.Second)
		a.Say("@ann@ben@cyd", "ben", "anybody there?")
		w.wait(time.Hour)
		w.same(texts(b, chat), []string{"hello"})
		w.same(notices(a), []string{"ben: What you write here does not appear in memory any more: everybody has left the conversation there."})
		w.same(len(w.held()), 0)
	})
}

func TestWhoChangesAMessageAfterPeopleHaveComeOrGoneIsToldThatItStays(t *testing.T) {
	const told = "You have changed an earlier message. That does not appear on the other side: the people in the conversation have changed since it was written."
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd", "dan")
		chat := b.Direct("Ann", "Ben", "Cyd")
		one := b.Say(chat, "Ann", "one")
		w.wait(5 * time.Second)
		two := a.Say("@ann@ben@cyd", "ben", "two")
		w.wait(5 * time.Second)
		b.Join(chat, "Dan")
		w.wait(5 * time.Second)
		b.Edit(chat, one, "one, for dan")
		a.Edit("@ann@ben@cyd", two, "two, not for dan")
		w.wait(5 * time.Second)
		copied := a.Messages("@ann@ben@cyd")
		w.same([]string{copied[0].Text, copied[1].Text}, []string{"one", "two, not for dan"})
		w.same(texts(b, chat), []string{"one, for dan", "two"})
		w.same([][]string{notices(a), notices(b)}, [][]string{{"ben: " + told}, {"Ann: " + told}})
	})
	// Nor does it go back to where the message was said, when its author has changed the copy.
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd", "dan")
		chat := b.Direct("Ann", "Ben", "Cyd")
		b.Say(chat, "Ann", "one")
		w.wait(5 * time.Second)
		a.Say("@ann@ben@cyd", "ben", "two")
		w.wait(5 * time.Second)
		b.Join(chat, "Dan")
		w.wait(5 * time.Second)
		a.Edit("@ann@ben@cyd", a.Messages("@ann@ben@cyd")[0].ID, "one, not for dan")
		b.Edit(chat, b.Messages(chat)[1].ID, "two, for dan")
		w.wait(5 * time.Second)
		w.same(texts(b, chat), []string{"one", "two, for dan"})
		w.same(texts(a, "@ann@ben@cyd")[:2], []string{"one, not for dan", "two"})
		w.same([][]string{notices(a), notices(b)}, [][]string{{"ben: " + told}, {"Ann: " + told}})
	})
}

// TestACrashWhileATalkMovesLosesNoLine: people come and go, so that the talk goes on in a conversation that is there already.
func TestACrashWhileATalkMovesLosesNoLine(t *testing.T) {
	for at, died := 1, true; died && !t.Failed(); at++ {
		died = false
		for _, after := range []bool{false, true} {
			inWorld(t, func(w *world) {
				a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd", "dan")
				chat := b.Direct("Ann", "Ben", "Cyd")
				b.Say(chat, "Ann", "three")
				w.wait(5 * time.Second)
				b.Join(chat, "Dan")
				w.wait(5 * time.Second)
				w.down()
				w.diesAt, w.diesAfter = at, after
				w.start()
				b.Leave(chat, "Dan")
				b.Say(chat, "Ann", "three again")
				w.wait(10 * time.Second)
				died = died || w.died.Load()
				w.down()
				w.died.Store(false)
				w.diesAt = 0
				w.start()
				w.wait(time.Minute)
				w.same(strings.Count(strings.Join(talksOf(a), "\n"), "It goes on in the one with ann, ben, cyd."), 1)
				w.same(strings.Count(strings.Join(talksOf(a), "\n"), "This goes on from the conversation with ann, ben, cyd, dan,"), 1)
			})
		}
	}
}

// TestBothSidesBeginAGroupAtOnceAndNothingIsLost though something has been written already into the group that Causeway has opened, when that which people
// have begun is met.
func TestBothSidesBeginAGroupAtOnceAndNothingIsLost(t *testing.T) {
	inWorld(t, func(w *world) {
		var f switched
		o := likeTeams()
		o.Fault = f.fault
		a, b := w.talking(likeMattermost(), o, "ann", "ben", "cyd")
		f.on(before(memory.Talk, func() error { return memory.Fails(bridge.Transient) }))
		group := b.Direct("Ann", "Ben", "Cyd")
		one := a.Say(a.Direct("ann", "ben", "cyd"), "ann", "from a")
		b.Say(group, "Cyd", "from b")
		w.wait(5 * time.Second)
		w.talksAre(b, "Ann Ben Cyd > Cyd: from b", "Ann Ben Cyd > Ann: from a")
		f.off()
		w.wait(time.Minute)
		a.Say("@ann@ben@cyd", "ben", "more from a")
		w.wait(time.Second)
		b.Say(group, "Ben", "more from b")
		w.wait(time.Second)
		b.Say(b.Talks()[1].Conversation.Channel, "Cyd", "in the other one")
		a.Edit("@ann@ben@cyd", one, "from a, edited")
		w.wait(time.Minute)
		w.talksAre(a, "ann ben cyd > ann: from a, edited | cyd: from b | ben: more from a | ben: more from b | cyd: in the other one")
		w.talksAre(b, "Ann Ben Cyd > Cyd: from b | Ben: more from a | Ben: more from b", "Ann Ben Cyd > Ann: from a, edited | Cyd: in the other one")
		told := "Somebody has begun a conversation with the same people in memory at the same time, so there are two of them here. It goes on in this one: what is said in memory appears here from now on. What was said in the other one stays there."
		all := notices(b)
		slices.Sort(all)
		w.same(all, []string{"Ann: " + told, "Ben: " + told, "Cyd: " + told})
		w.same(notices(a), []string{})
		pairs, err := w.store.Pairs(w.t.Context())
		if err != nil || len(pairs) != 2 || pairs[0].State != store.PairBeside || pairs[1].State != store.PairOpen {
			w.t.Errorf("%+v, %v", pairs, err)
		}
		// Who comes into the other one gets nothing that is said or changed elsewhere.
		b.Join(b.Talks()[1].Conversation.Channel, "Dan")
		w.wait(5 * time.Second)
		a.Edit("@ann@ben@cyd", one, "from a, edited again, not for dan")
		w.wait(time.Minute)
		w.talksAre(b, "Ann Ben Cyd > Cyd: from b | Ben: more from a | Ben: more from b", "Ann Ben Cyd Dan > Ann: from a, edited | Cyd: in the other one")
		w.same(notices(a), []string{"ann: You have changed an earlier message. That does not appear on the other side: the people in the conversation have changed since it was written."})
	})
}

// TestPeopleWhoWereThereOnlyForAMomentHoldUpNothing though the conversation for them could not be opened, and a message was made at the moment at which others
// came.
func TestPeopleWhoWereThereOnlyForAMomentHoldUpNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		var f switched
		o := likeMattermost()
		o.Fault = f.fault
		a, b := w.talking(o, likeTeams(), "ann", "ben", "cyd", "dan")
		chat := b.Direct("Ann", "Ben", "Cyd", "Dan")
		b.Say(chat, "Ann", "four")
		w.wait(5 * time.Second)
		f.on(before(memory.OpenConversation, func() error { return memory.Fails(bridge.Transient) }))
		b.Leave(chat, "Dan")
		w.wait(5 * time.Second)
		w.down()
		f.off()
		b.Join(chat, "Dan")
		b.Say(chat, "Ann", "at that moment")
		w.wait(time.Second)
		b.Say(chat, "Dan", "four again")
		w.start()
		w.wait(time.Minute)
		all := strings.Join(talksOf(a), "\n")
		w.same([]bool{strings.Contains(all, "ann: at that moment"), strings.Contains(all, "dan: four again")}, []bool{true, true})
	})
}

// TestWhichTalksReachPeopleIsKnown: of each it is known whether everybody in it is connected, and that changes with them.
func TestWhichTalksReachPeopleIsKnown(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben", "cyd")
		a.Say(a.Direct("ann", "ben"), "ann", "hello")
		a.Say(a.Direct("ann", "ben", "cyd"), "cyd", "all")
		routes := func() (all []string) {
			found, _ := w.gateway.Routes()
			for _, r := range found {
				if r.From.Server == a.Server() {
					all = append(all, fmt.Sprint(r.From.Channel, " ", r.Shape, " ", r.Members, " ", r.Everybody))
				}
			}
			return all
		}
		w.same(len(routes()), 0)
		w.wait(5 * time.Second)
		pair := "@ann@ben pair [ann ben] true"
		w.same(routes(), []string{pair, "@ann@ben@cyd group [ann ben cyd] true"})
		if err := w.gateway.Lose(w.t.Context(), b.Server(), "Cyd", time.Now(), errors.New("refused")); err != nil {
			w.t.Fatal(err)
		}
		w.wait(time.Minute)
		w.same(routes(), []string{pair, "@ann@ben@cyd group [ann ben cyd] false"})
	})
}
