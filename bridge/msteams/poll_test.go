package msteams

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microsoftgraph/msgraph-sdk-go/models"

	"causeway/bridge"
	"causeway/contrib/sim/teams"
)

// running runs an account until stop; it must end without an error.
func (w *simWorld) running(a *account, inbox bridge.Inbox) (stop func()) {
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx, inbox) }()
	return func() {
		w.Helper()
		cancel()
		if err := <-done; err != nil {
			w.Errorf("Run: %v", err)
		}
	}
}

// say makes n threads in General, a minute's worth of them each minute.
func (w *simWorld) say(n int, what string) (ids []string) {
	w.Helper()
	for i := range n {
		who := w.alice
		if i%2 == 1 {
			who = w.bob
		}
		id, err := w.sim.Say(who, w.general, fmt.Sprintf("<p>%s %d</p>", what, i))
		if err != nil {
			w.Fatal(err)
		}
		ids = append(ids, id)
		time.Sleep(time.Second)
	}
	return ids
}

func (w *simWorld) do(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// TestADayOffIsCaughtUp: 1,300 new threads, and 300 edits, deletions, reactions and replies in old ones, with Graph's
// own rate limits and now and then a failure.
func TestADayOffIsCaughtUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		a, inbox := w.connected(), newTestInbox(w.id(w.general))
		stop := w.running(a, inbox)
		time.Sleep(time.Second)
		old := w.say(300, "old")
		time.Sleep(time.Minute)
		stop()
		if _, n := inbox.counts(); n != 300 {
			t.Fatalf("%d states arrived before the day off, want 300", n)
		}
		inbox.forget()

		fresh := w.say(1300, "new")
		var replies []string
		for n := range 75 {
			w.do(w.sim.Edit(map[bool]*teams.User{true: w.bob, false: w.alice}[n%2 == 1], w.general, old[n], "<p>edited</p>"))
			w.do(w.sim.React(w.alice, w.general, old[100+n], "👍"))
			w.do(w.sim.Delete(w.owner, w.general, old[200+n]))
			id, err := w.sim.Reply(w.bob, w.general, old[n], "<p>late reply</p>")
			w.do(err)
			replies = append(replies, old[n]+"/"+id)
			time.Sleep(time.Second)
		}
		w.sim.ResetRequests()
		w.sim.SetThrottle(teams.Documented)
		w.sim.SetChaos(teams.Chaos{Seed: 7, Failed: 0.1, LoseAnswer: 0.05, Throttled: 0.05, Match: isItem})
		c := w.id(w.general)
		began, before := time.Now(), inbox.cursors[c]
		stop = w.running(w.connected(), inbox)
		for inbox.cursor(c) == before && time.Since(began) < time.Hour {
			time.Sleep(100 * time.Millisecond)
		}
		took, requests := time.Since(began), w.sim.Count("GET", channelMessages)
		stop()

		for n := range 75 {
			if s := inbox.state(c, old[n]); len(s.Text) != 1 || s.Text[0].Runs[0].Text != "edited" {
				t.Errorf("old %d is %+v", n, s.Text)
			}
			if s := inbox.state(c, old[100+n]); len(s.Reactions) != 1 {
				t.Errorf("old %d has reactions %+v", 100+n, s.Reactions)
			}
			if s := inbox.state(c, old[200+n]); !s.Deleted {
				t.Errorf("old %d is not deleted", 200+n)
			}
			if s := inbox.state(c, replies[n]); s.Root != bridge.MessageID(old[n]) {
				t.Errorf("reply %d has root %q", n, s.Root)
			}
		}
		for n, id := range fresh {
			if inbox.state(c, id).ID == "" {
				t.Errorf("new %d is missing", n)
			}
		}
		w.inOrderOnce(inbox)
		t.Logf("1,600 changes took %v, %d reads of pages and %d transactions", took, requests, len(inbox.puts))
		// 31 full pages; every third one is preceded by an empty one, and every fifth read fails.
		if requests < 31 || requests > 70 {
			t.Errorf("%d reads of pages are not what 31 pages need", requests)
		}
	})
}

// inOrderOnce: what came first is put first, with the cursor at the end, and nothing unchanged is put again.
func (w *simWorld) inOrderOnce(inbox *testInbox) {
	w.Helper()
	inbox.mu.Lock()
	defer inbox.mu.Unlock()
	var last time.Time
	seen := map[bridge.MessageID]int64{}
	for _, s := range inbox.arrived {
		if s.Created.Before(last) {
			w.Errorf("%s of %s is put after one of %s", s.ID, s.Created, last)
		}
		last = s.Created
		if r, again := seen[s.ID]; again && r == s.Revision {
			w.Errorf("%s was put twice at revision %d", s.ID, r)
		}
		seen[s.ID] = s.Revision
	}
	for n, b := range inbox.puts {
		if len(b.States) > putSize {
			w.Errorf("a batch has %d states", len(b.States))
		}
		if (b.Cursor == "") != (n < len(inbox.puts)-1 && len(b.States) == putSize) {
			w.Errorf("batch %d of %d with %d states has cursor %q", n, len(inbox.puts), len(b.States), b.Cursor)
		}
	}
}

// TestTheCursorComesWithTheLastOfAGap: whatever ends a run in between, all of it is read again.
func TestTheCursorComesWithTheLastOfAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		inbox := newTestInbox(w.id(w.general))
		stop := w.running(w.connected(), inbox)
		time.Sleep(time.Second)
		stop()
		begin := inbox.cursors[w.id(w.general)]
		ids := w.say(350, "while down")
		puts := 0
		inbox.forget()
		inbox.refuse = func(bridge.Batch) error {
			if puts++; puts == 3 {
				return errors.New("disk full")
			}
			return nil
		}
		err := w.connected().Run(t.Context(), inbox)
		if err == nil || !strings.Contains(err.Error(), "disk full") {
			t.Fatalf("Run: %v", err)
		}
		if _, n := inbox.counts(); n != 2*putSize || inbox.cursors[w.id(w.general)] != begin {
			t.Errorf("%d states were put, the cursor is %s, it was %s", n, inbox.cursors[w.id(w.general)], begin)
		}
		stop = w.running(w.connected(), inbox)
		time.Sleep(time.Minute)
		stop()
		for _, id := range ids {
			if inbox.state(w.id(w.general), id).ID == "" {
				t.Errorf("%s is missing", id)
			}
		}
		if inbox.cursors[w.id(w.general)] <= begin {
			t.Error("the cursor has not moved")
		}
	})
}

// TestOldRepliesOfALongThreadAreSeen although Graph brings only the newest along: an edit, a deletion that moves
// nothing at once, and in a gap.
func TestOldRepliesOfALongThreadAreSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		inbox := newTestInbox(w.id(w.general))
		stop := w.running(w.connected(), inbox)
		time.Sleep(time.Second)
		root := w.say(1, "root")[0]
		var replies []string
		for n := range 450 {
			id, err := w.sim.Reply(w.alice, w.general, root, fmt.Sprintf("<p>reply %d</p>", n))
			w.do(err)
			replies = append(replies, id)
		}
		time.Sleep(time.Minute)
		if _, n := inbox.counts(); n < 451 {
			t.Fatalf("%d states arrived, want 451", n)
		}
		w.do(w.sim.Edit(w.alice, w.general, replies[0], "<p>edited</p>"))
		time.Sleep(2*longThreadInterval + time.Second)
		c := w.id(w.general)
		if s := inbox.state(c, root+"/"+replies[0]); s.Edited.IsZero() {
			t.Errorf("the first reply is %+v", s)
		}

		w.sim.ResetRequests()
		inbox.forget()
		time.Sleep(10 * time.Minute)
		if _, n := inbox.counts(); n != 0 {
			t.Errorf("%d states were put although nothing happened", n)
		}
		if n := w.sim.Count("GET", oneMessage+"/replies"); n > 11*5 {
			t.Errorf("the rest of the long thread was read with %d requests in ten quiet minutes", n)
		}
		stop()

		w.do(w.sim.Edit(w.alice, w.general, replies[1], "<p>edited while down</p>"))
		time.Sleep(time.Hour)
		w.say(120, "after it")
		stop = w.running(w.connected(), inbox)
		time.Sleep(time.Minute)
		stop()
		if s := inbox.state(c, root+"/"+replies[1]); s.Edited.IsZero() {
			t.Errorf("the second reply is %+v", s)
		}
	})
}

// TestADeletionThatMovesNothingIsSeenInTheRecentWindow, also one made while down.
func TestADeletionThatMovesNothingIsSeenInTheRecentWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{DeletionMovesNothing: true})
		inbox := newTestInbox(w.id(w.general))
		stop := w.running(w.connected(), inbox)
		time.Sleep(time.Second)
		ids := w.say(40, "thread")
		time.Sleep(time.Hour)
		w.do(w.sim.Delete(w.alice, w.general, ids[0]))
		time.Sleep(time.Minute)
		before := inbox.state(w.id(w.general), ids[0])
		if !before.Deleted || before.Text != nil {
			t.Errorf("after the deletion: %+v", before)
		}
		stop()
		w.do(w.sim.Delete(w.alice, w.general, ids[2]))
		stop = w.running(w.connected(), inbox)
		time.Sleep(time.Minute)
		stop()
		if !inbox.state(w.id(w.general), ids[2]).Deleted {
			t.Error("the deletion made while down was missed")
		}
	})
}

// TestOneChannelInTroubleLeavesTheOthersAlone, and trouble is told and untold.
func TestOneChannelInTroubleLeavesTheOthersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		nonsense := bridge.ConversationID{Server: w.id(w.general).Server, Channel: "nonsense"}
		inbox := newTestInbox(w.id(w.general), w.id(w.random), nonsense)
		stop := w.running(w.connected(), inbox)
		defer stop()
		time.Sleep(time.Second)
		open := w.sim.Inject(teams.Fault{
			Where: func(r *http.Request) bool { return strings.Contains(r.URL.Path, w.random.ID) }, Times: -1, Status: 403,
		})
		ids := w.say(30, "goes on")
		if inbox.state(w.id(w.general), ids[0]).ID == "" {
			t.Error("the other channel was not read")
		}
		last := inbox.trouble(w.id(w.random))
		if len(last) == 0 || bridge.KindOf(last[0]) != bridge.Unauthorised || !strings.Contains(last[0].Error(), "application permission ChannelMessage.Read.All") {
			t.Errorf("trouble: %v", last)
		}
		if len(last) > 4 {
			t.Errorf("in half a minute it was tried %d times", len(last))
		}
		open()
		time.Sleep(time.Minute)
		if all := inbox.trouble(w.id(w.random)); all[len(all)-1] != nil {
			t.Errorf("the end of the trouble was not told: %v", all)
		}
		if errs := inbox.trouble(nonsense); len(errs) == 0 || bridge.KindOf(errs[0]) != bridge.Gone {
			t.Errorf("an id that is none: %v", errs)
		}
	})
}

// TestATokenThatIsRefusedEndsRun, so that the gateway connects again.
func TestATokenThatIsRefusedEndsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		a, inbox := w.connected(), newTestInbox(w.id(w.general))
		w.sim.RevokeApp(w.app)
		err := a.Run(t.Context(), inbox)
		if bridge.KindOf(err) != bridge.Unauthorised || bridge.ScopeOf(err) != bridge.ScopeAccount {
			t.Errorf("Run: %v (%v)", err, bridge.KindOf(err))
		}
	})
}

// TestAChannelThatNobodyWantsAnyMoreIsLeft in the middle of its gap.
func TestAChannelThatNobodyWantsAnyMoreIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		inbox := newTestInbox(w.id(w.general))
		stop := w.running(w.connected(), inbox)
		time.Sleep(time.Second)
		stop()
		w.say(500, "gap")
		inbox.forget()
		stop = w.running(w.connected(), inbox)
		time.Sleep(3 * time.Second)
		inbox.watch()
		time.Sleep(time.Minute)
		if _, n := inbox.counts(); n != 0 {
			t.Errorf("%d states were put of a channel that nobody wants", n)
		}
		inbox.watch(w.id(w.general))
		time.Sleep(time.Minute)
		stop()
		if _, n := inbox.counts(); n != 500 {
			t.Errorf("%d states were put once it was wanted again, want 500", n)
		}
	})
}

// TestTheBeginningIsTheServicesPresent, whatever our own clock says.
func TestTheBeginningIsTheServicesPresent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{EmptyPageEvery: 1})
		w.say(60, "old")
		w.wire.next = dated{w.wire.next, -90 * time.Second}
		inbox := newTestInbox(w.id(w.general), w.id(w.random))
		stop := w.running(w.connected(), inbox)
		time.Sleep(10 * time.Second)
		stop()
		for _, s := range inbox.arrived {
			if !s.Created.Before(inbox.begins[s.Conversation]) {
				t.Errorf("%s was put, of %s, after the beginning", s.ID, s.Created)
			}
		}
		if got := time.Since(inbox.begins[w.id(w.random)]); got < 90*time.Second || got > 110*time.Second {
			t.Errorf("an empty channel began %v ago", got)
		}
		messages := w.sim.Messages(w.general)
		if begin, last := inbox.begins[w.id(w.general)], messages[len(messages)-1].Created; !begin.After(last) {
			t.Errorf("the beginning %v is not after what was there before, %v", begin, last)
		}
	})
}

// dated is a service whose clock differs.
type dated struct {
	next http.RoundTripper
	by   time.Duration
}

func (d dated) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := d.next.RoundTrip(r)
	if err == nil {
		answer.Header.Set("Date", time.Now().Add(d.by).UTC().Format(http.TimeFormat))
	}
	return answer, err
}

func TestThatPollingIsNotWantedIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		a, inbox := w.connected(), newTestInbox(w.id(w.general))
		for range 3 {
			stop := w.running(a, inbox)
			time.Sleep(time.Minute)
			stop()
		}
		if n := strings.Count(w.log.String(), "asks them to subscribe"); n != 1 {
			t.Errorf("it was logged %d times:\n%s", n, w.log)
		}
	})
}

// TestAnUnreadableCursorIsTrouble and does not make the channel begin anew.
func TestAnUnreadableCursorIsTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		inbox := newTestInbox(w.id(w.general))
		inbox.cursors[w.id(w.general)] = "yesterday"
		stop := w.running(w.connected(), inbox)
		time.Sleep(time.Minute)
		stop()
		if len(inbox.puts) != 0 || len(inbox.troubles[w.id(w.general)]) == 0 {
			t.Errorf("put %v, trouble %v", inbox.puts, inbox.troubles)
		}
	})
}

// TestAQuietChannelIsReadToItsFirstPageOnly although many of its threads changed shortly before the last did, and is
// still read on for as long as something may show late.
func TestAQuietChannelIsReadToItsFirstPageOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{EmptyPageEvery: -1})
		inbox := newTestInbox(w.id(w.general))
		stop := w.running(w.connected(), inbox)
		defer stop()
		time.Sleep(time.Second)
		ids := w.say(70, "all within two minutes")
		time.Sleep(30 * time.Second)
		further := func() (pages int) {
			for _, r := range w.sim.Requests() {
				if r.Template == channelMessages && !r.Batch {
					pages++
				}
			}
			return pages
		}
		w.sim.ResetRequests()
		time.Sleep(time.Minute)
		if n := further(); n == 0 {
			t.Error("the second page was not read while something may show late")
		}
		time.Sleep(5 * time.Minute)
		w.sim.ResetRequests()
		time.Sleep(10 * time.Minute)
		if n := further(); n != 0 {
			t.Errorf("the second page was read %d times although nothing happened", n)
		}
		w.do(w.sim.React(w.bob, w.general, ids[0], "👍"))
		time.Sleep(time.Minute)
		if s := inbox.state(w.id(w.general), ids[0]); len(s.Reactions) != 1 {
			t.Errorf("a change of the oldest thread did not arrive: %+v", s)
		}
	})
}

// TestOnlyTheFirstPageMovesTheCursor: what is read after it may be newer than what had changed elsewhere meanwhile.
func TestOnlyTheFirstPageMovesTheCursor(t *testing.T) {
	at := func(id string, ms int) models.ChatMessageable {
		return fromJSON(t, fmt.Sprintf(`"id":%q,"lastModifiedDateTime":"2023-11-14T22:20:00.%03dZ"`, id, ms))
	}
	first := time.Date(2023, 11, 14, 22, 20, 0, 0, time.UTC).UnixMilli()
	p := newPass(0, func(models.ChatMessageable) bool { return true })
	p.take(messagePage{next: "blank"}, nil)
	long := at("1", 100)
	long.SetAdditionalData(map[string]any{"replies@odata.nextLink": "rest"})
	p.take(messagePage{messages: []models.ChatMessageable{long}, next: "second"}, func(models.ChatMessageable) bool { return false })
	p.takeReplies(messagePage{messages: []models.ChatMessageable{at("2", 900)}})
	p.take(messagePage{messages: []models.ChatMessageable{at("3", 800)}}, nil)
	if p.highest != first+100 || len(p.found) != 3 || !p.done() {
		t.Errorf("the cursor would be %d behind the start, %d messages were found, done: %t", p.highest-first, len(p.found), p.done())
	}
}

// TestAnEmptyFirstPageIsNotTheEnd: Graph may put one before a page that is full.
func TestAnEmptyFirstPageIsNotTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{EmptyPageEvery: 1})
		w.say(60, "before")
		inbox := newTestInbox(w.id(w.general))
		stop := w.running(w.connected(), inbox)
		defer stop()
		time.Sleep(10 * time.Second)
		id := w.say(1, "behind an empty page")[0]
		time.Sleep(30 * time.Second)
		if inbox.state(w.id(w.general), id).ID == "" {
			t.Error("it did not arrive")
		}
	})
}
