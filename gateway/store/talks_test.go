package store

import (
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

const (
	secondReason = 16
	movedReason  = 17
)

func talkAt(server, channel string) bridge.ConversationID {
	return bridge.ConversationID{Server: bridge.ServerID("memory:" + server), Channel: bridge.ChannelID(channel)}
}

// meeting is of a conversation with these people on a server; on the other one they have the same names in capitals, or without.
func meeting(c bridge.ConversationID, since int64, here, there []bridge.UserID) Meeting {
	m := Meeting{Talk: Talk{Conversation: c, Shape: bridge.Group, Since: timeOf(since), Members: here}, Second: secondReason, Moved: movedReason, Regroups: c.Server == "memory:b"}
	m.Pair = Pair{Shape: bridge.Group, Begins: time.UnixMilli(500)}
	m.Pair.Ends[0].Conversation.Server, m.Pair.Ends[1].Conversation.Server = "memory:a", "memory:b"
	at := m.Pair.At(c.Server)
	m.Pair.Ends[at] = PairEnd{c, here}
	m.Pair.Ends[1-at].Members = there
	return m
}

func meet(t *testing.T, s *Store, m Meeting) Met {
	t.Helper()
	met, err := s.Meet(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return met
}

// shown gives all pairs as lines, "a:x b:y open".
func shownPairs(t *testing.T, s *Store) []string {
	t.Helper()
	all, err := s.Pairs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{}
	for _, p := range all {
		lines = append(lines, fmt.Sprintf("%s%v %s%v %s", p.Ends[0].Conversation.Channel, p.Ends[0].Members, p.Ends[1].Conversation.Channel, p.Ends[1].Members, p.State))
	}
	return lines
}

func same(t *testing.T, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

var (
	small, capital = []bridge.UserID{"a", "b", "c"}, []bridge.UserID{"A", "B", "C"}
	gm, chat       = talkAt("a", "gm"), talkAt("b", "chat")
)

func TestBothSidesMeetAtOnceAndAreOnePair(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "causeway.db"), Options{})
	first := meet(t, s, meeting(gm, 0, small, capital))
	same(t, first.Pair.Ends[1].Known(), false)
	if _, err := s.Try(t.Context(), first.Pair.ID, "A"); err != nil {
		t.Fatal(err)
	}
	second := meet(t, s, meeting(chat, 700, capital, small))
	same(t, second.Pair.ID, first.Pair.ID)
	opened, err := s.Opened(t.Context(), first.Pair.ID, talkAt("b", "made meanwhile"))
	same(t, fmt.Sprint(opened.Ends[1].Conversation, err), "memory:b/chat <nil>")
	same(t, shownPairs(t, s), []string{"gm[a b c] chat[A B C] open"})
	same(t, meet(t, s, meeting(talkAt("b", "other"), 800, capital, small)).Reason, secondReason)
	same(t, shownPairs(t, s), []string{"gm[a b c] chat[A B C] open"})
}

func TestATryIsRememberedUntilSomebodyElseTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.Context(), "/try", testKeys(t), Options{VFS: "memdb"})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		id := meet(t, s, meeting(gm, 0, small, capital)).Pair.ID
		tried := func(as bridge.UserID) time.Time {
			p, err := s.Try(t.Context(), id, as)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			return p.Tried
		}
		first := tried("A")
		same(t, tried("A"), first)
		same(t, tried("B").Sub(first), 2*time.Minute)
	})
}

func TestWhereThePeopleChangeThePairMovesAndComesBack(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "causeway.db"), Options{})
	more, MORE := append(small[:3:3], "d"), append(capital[:3:3], "D")
	first := meet(t, s, meeting(chat, 700, capital, small))
	if _, err := s.Opened(t.Context(), first.Pair.ID, gm); err != nil {
		t.Fatal(err)
	}
	meet(t, s, meeting(gm, 0, small, capital))
	grown := meet(t, s, meeting(chat, 900, MORE, more))
	same(t, len(grown.Changed), 1)
	same(t, shownPairs(t, s), []string{"gm[a b c] chat[A B C] moved", "[a b c d] chat[A B C D] open"})
	same(t, meet(t, s, meeting(gm, 0, small, capital)).Reason, movedReason)
	same(t, meet(t, s, meeting(chat, 900, MORE, more)).Pair.ID, grown.Pair.ID)
	// What was said earlier is read later: that changes nothing of what is.
	old := meet(t, s, meeting(chat, 800, capital, small))
	same(t, old.Latest, false)
	same(t, old.Pair.ID, first.Pair.ID)
	older := meet(t, s, meeting(chat, 600, []bridge.UserID{"A", "B", "E"}, []bridge.UserID{"a", "b", "e"}))
	same(t, older.Pair.State, PairMoved)
	// They leave again.
	same(t, meet(t, s, meeting(chat, 1000, capital, small)).Pair.ID, first.Pair.ID)
	same(t, shownPairs(t, s), []string{"gm[a b c] chat[A B C] open", "[a b c d] chat[A B C D] moved", "[a b e] chat[A B E] moved"})
	// Another conversation of those who are left behind by the next change takes up the old group.
	meet(t, s, meeting(chat, 1100, MORE, more))
	fresh := meet(t, s, meeting(talkAt("b", "other"), 1200, capital, small))
	same(t, fresh.Reason, 0)
	same(t, fresh.Pair.ID == first.Pair.ID, false)
	talks, err := s.Talks(t.Context())
	same(t, fmt.Sprint(len(talks), err), "8 <nil>")
}

func TestWhatIsRefusedBeginsAfterThat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.Context(), "/refused", testKeys(t), Options{VFS: "memdb"})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		m := meeting(gm, 0, small, capital)
		m.Reason, m.Missing = 9, []bridge.UserID{"c"}
		same(t, meet(t, s, m).Reason, 9)
		same(t, shownPairs(t, s), []string{})
		refused := time.Now()
		time.Sleep(time.Hour)
		m.Reason, m.Missing = 0, nil
		p := meet(t, s, m).Pair
		same(t, p.Begins.Equal(refused), true)
		if _, err := s.Opened(t.Context(), p.ID, chat); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if err := s.Rest(t.Context(), p.ID, 5, [2][]bridge.UserID{}); err != nil {
			t.Fatal(err)
		}
		rested := time.Now()
		same(t, shownPairs(t, s), []string{"gm[a b c] chat[A B C] resting"})
		time.Sleep(time.Hour)
		p = meet(t, s, m).Pair
		same(t, p.Begins.Equal(rested), true)
		same(t, shownPairs(t, s), []string{"gm[a b c] chat[A B C] open"})
		// Also when it is the other end, which was never met, where somebody speaks again.
		time.Sleep(time.Hour)
		if err := s.Rest(t.Context(), p.ID, 5, [2][]bridge.UserID{}); err != nil {
			t.Fatal(err)
		}
		rested = time.Now()
		time.Sleep(time.Hour)
		p = meet(t, s, meeting(chat, 0, capital, small)).Pair
		same(t, p.Begins.Equal(rested), true)
	})
}

func TestPeopleAreToldOnceOrAgainLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.Context(), "/told", testKeys(t), Options{VFS: "memdb"})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		tell := func(again time.Duration) int {
			t.Helper()
			one := Telling{Conversation: gm, User: "a", Reason: 5, Text: richtext.Plain("hello"), Again: again, Way: Aside}
			if err := s.do(t.Context(), func(t *tx) error { _, err := t.tell(one, map[int64]bool{}); return err }); err != nil {
				t.Fatal(err)
			}
			return query[int](t, s, "SELECT COUNT(*) FROM notices")
		}
		same(t, tell(0), 1)
		time.Sleep(2 * time.Hour)
		same(t, tell(0), 1)
		same(t, tell(time.Hour), 2)
		time.Sleep(59 * time.Minute)
		same(t, tell(time.Hour), 2)
		time.Sleep(time.Minute)
		same(t, tell(time.Hour), 3)
		all, err := s.ToldTo(t.Context(), gm.Server, "a")
		same(t, fmt.Sprint(len(all), all[0].Reason, all[0].At.Equal(time.Now()), err), "1 5 true <nil>")
	})
}

func TestWhatIsDeniedOrHeldLeavesTheLaneAndKeepsItsText(t *testing.T) {
	s, _ := fresh(t, Options{})
	alice, ally := end("mattermost.hq", string(here.Server), "ann"), end("msteams.contoso", string(there.Server), "ally")
	if _, err := s.Connect(t.Context(), "", [2]End{alice, ally}, 0); err != nil {
		t.Fatal(err)
	}
	turn := func(from, to IdentityState) {
		if ok, err := s.Turn(t.Context(), there.Server, "ally", from, to, ""); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	turn(Connected, Lost)
	put(t, s, batch(state("1", 1, "denied"), state("2", 2, "held")))
	plan := func(w *Work) Step {
		switch {
		case w.Message.OriginID == "1":
			return Step{Op: Deny, Denial: Denial{Reason: 5, Tell: []Telling{{Conversation: here, User: "ann", Reason: 5, Text: richtext.Plain("no"), Way: Asking}}}}
		case w.Lost:
			return Step{Op: Hold}
		}
		return simplePlan(w)
	}
	next, err := s.Advance(t.Context(), there, nil, 1, plan)
	same(t, fmt.Sprint(next.Step.Op, next.Woken, err), fmt.Sprint(Settled, []bridge.ConversationID{here}, nil))
	next, err = s.Advance(t.Context(), here, nil, 1, simplePlan)
	same(t, fmt.Sprint(next.Step.Op == Tell, next.Step.Ask, next.Step.Notice.Conversation == here, err), "true true true <nil>")
	same(t, query[int](t, s, "SELECT COUNT(*) FROM messages WHERE body IS NOT NULL"), 1)
	released, err := s.Release(t.Context())
	same(t, fmt.Sprint(released, err), "[] <nil>")
	turn(Lost, Connected)
	released, err = s.Release(t.Context())
	same(t, fmt.Sprint(released, err), fmt.Sprint([]bridge.ConversationID{there}, nil))
	steps := deliver(t, s, there)
	same(t, len(steps), 1)
	same(t, steps[0].Draft.Text, richtext.Plain("held"))
}

func TestALineIsTriedWithOneKey(t *testing.T) {
	s, _ := fresh(t, Options{})
	if err := s.Say(t.Context(), Telling{Conversation: there, Text: richtext.Plain("it goes on elsewhere")}); err != nil {
		t.Fatal(err)
	}
	first, err := s.Advance(t.Context(), there, nil, 1, simplePlan)
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Advance(t.Context(), there, nil, 1, simplePlan)
	same(t, fmt.Sprint(first.Step.Op == Line, first.Step.Since.IsZero(), again.Step.Since.IsZero(), first.Step.Draft.Key == again.Step.Draft.Key, err), "true true false true <nil>")
	done, err := s.Advance(t.Context(), there, []*Outcome{{Work: again.Work, Step: again.Step}}, 1, simplePlan)
	same(t, fmt.Sprint(done.Step.Op, err), fmt.Sprint(Settled, nil))
	seen := state("9", 9, "it goes on elsewhere")
	seen.Conversation, seen.Key, seen.Author.ID = there, first.Step.Draft.Key, "bot"
	if _, err := s.Put(t.Context(), bridge.Batch{Conversation: there, States: []bridge.State{seen}}, Routes{Targets: []bridge.ConversationID{here}, Own: routes().Own}); err != nil {
		t.Fatal(err)
	}
	same(t, query[int](t, s, "SELECT COUNT(*) FROM messages"), 0)
	// The next one, which may have its number, is not taken for said because the first one was.
	if err := s.Say(t.Context(), Telling{Conversation: there, Text: richtext.Plain("it goes on here again")}); err != nil {
		t.Fatal(err)
	}
	other, err := s.Advance(t.Context(), there, nil, 1, simplePlan)
	same(t, fmt.Sprint(other.Step.Op == Line, other.Step.Draft.Key == first.Step.Draft.Key, err), "true false <nil>")
}

func TestWhatWasSwitchedOnAgainBeginsThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.Context(), "/switch", testKeys(t), Options{VFS: "memdb"})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		since := func(direct, groups bool) [2]time.Time {
			got, err := s.Switch(t.Context(), "memory:b", "memory:a", direct, groups)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			return got
		}
		same(t, since(true, false), [2]time.Time{})
		same(t, since(false, false), [2]time.Time{})
		on := timeOf(time.Now().UnixMilli())
		same(t, since(true, true), [2]time.Time{on, on})
		same(t, since(true, true), [2]time.Time{on, on})
	})
}

func TestWhoSomebodyIsOnTheOtherServer(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "causeway.db"), Options{})
	if _, err := s.Connect(t.Context(), "", [2]End{end("x.a", "memory:a", "ann"), end("x.b", "memory:b", "ANN")}, 0); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	noted(t, s, Match{User: User{"memory:a", "ben"}, OtherServer: "memory:b", Other: "BEN", Seen: now}, Match{User: User{"memory:b", "CYD"}, OtherServer: "memory:a", Other: "cyd", Seen: now},
		Match{User: User{"memory:a", "dan"}, OtherServer: "memory:b", Seen: now})
	all, err := s.Standings(t.Context(), "memory:a", "memory:b", []bridge.UserID{"ann", "ben", "cyd", "dan", "eve"})
	if err != nil {
		t.Fatal(err)
	}
	same(t, time.Since(all[0].Since) < time.Minute, true)
	all[0].Since = time.Time{}
	same(t, all, []Standing{{User: "ann", Other: "ANN", Looked: true}, {User: "ben", Other: "BEN", Matched: true, Looked: true}, {User: "cyd", Other: "CYD", Matched: true, Looked: true},
		{User: "dan", Looked: true}, {User: "eve"}})
}

// TestAnEarlierPeriodKeepsItsPeople: after a restart a bridge does not know who was in a group before what it reads first.
func TestAnEarlierPeriodKeepsItsPeople(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "causeway.db"), Options{})
	more, MORE := append(small[:3:3], "d"), append(capital[:3:3], "D")
	most, MOST := append(more[:4:4], "e"), append(MORE[:4:4], "E")
	first := meet(t, s, meeting(chat, 0, capital, small))
	meet(t, s, meeting(chat, 700, MORE, more))
	meet(t, s, meeting(chat, 900, MOST, most))
	before, pairs := talkLines(t, s), shownPairs(t, s)
	met := meet(t, s, meeting(chat, 0, MORE, more))
	same(t, talkLines(t, s), before)
	same(t, shownPairs(t, s), pairs)
	same(t, met.Members, capital)
	same(t, fmt.Sprint(met.Pair.ID, met.Reason), fmt.Sprint(first.Pair.ID, 0))
	refused := meeting(chat, 0, MORE, more)
	refused.Reason = 9
	same(t, meet(t, s, refused).Members, capital)
	same(t, talkLines(t, s), before)
}

// talkLines gives what is stored of all talks.
func talkLines(t *testing.T, s *Store) []string {
	t.Helper()
	all, err := s.Talks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{}
	for _, one := range all {
		lines = append(lines, fmt.Sprintf("%s since %d: %v, %d", one.Conversation.Channel, millis(one.Since), one.Members, one.Reason))
	}
	return lines
}
