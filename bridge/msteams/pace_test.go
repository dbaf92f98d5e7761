package msteams

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"causeway/bridge"
	"causeway/contrib/sim/teams"
)

// TestGraphNeedNotThrottle an account that does all it can for five minutes, with Microsoft's limits as documented.
func TestGraphNeedNotThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{Throttle: teams.Documented, EmptyPageEvery: -1})
		a := w.connected()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		var ids []bridge.ConversationID
		var places []place
		for n := range 60 {
			c := w.team.AddChannel(fmt.Sprintf("Channel %d", n))
			ids = append(ids, w.id(c))
			p, err := a.channelPlace(w.id(c))
			w.do(err)
			places = append(places, p)
		}
		var all sync.WaitGroup
		often := func(do func(n int) error) {
			all.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					if err := do(n); err != nil && ctx.Err() == nil {
						t.Errorf("call %d: %v", n, err)
						return
					}
				}
			})
		}
		for batch := range slices.Chunk(places, largestBatch) {
			often(func(int) error {
				items, _, err := a.app.batch(ctx, opThreads, batch)
				for _, item := range items {
					err = errors.Join(err, item.err)
				}
				return err
			})
		}
		draft := func(n int) bridge.Draft {
			d := w.draft("x")
			d.Conversation = ids[n%len(ids)]
			return d
		}
		for n := range 8 { // eight lanes
			often(func(int) error { _, err := a.Find(ctx, draft(n), time.Now()); return err })
			often(func(int) error {
				d := draft(n)
				id, err := a.Post(ctx, d)
				if err != nil {
					return err
				}
				target := bridge.Target{Conversation: d.Conversation, ID: id}
				return errors.Join(a.Edit(ctx, id, d), a.React(ctx, target, "👍", true), a.Delete(ctx, target))
			})
		}
		often(func(int) error { _, err := a.Conversations(ctx); return err })
		all.Wait()
		reads, writes := 0, 0
		for _, r := range w.sim.Requests() {
			if r.Status == http.StatusTooManyRequests {
				t.Errorf("%s %s was throttled", r.Method, r.Path)
			}
			switch {
			case isWriteTemplate(r):
				writes++
			case strings.Contains(r.Template, "/messages") && r.Method == "GET":
				reads++
			}
		}
		t.Logf("in five minutes %d reads of channels and %d edits, deletions and reactions", reads, writes)
		// Batches of 20 among single calls leave some of the 16 reads a second unused.
		if reads < 16*300/2 || writes < 240*95/100 {
			t.Error("much of what Graph allows was not used")
		}
	})
}

// isWriteTemplate: an edit, a deletion or a reaction, which share a limit.
func isWriteTemplate(r teams.Request) bool {
	return r.Method == "PATCH" || strings.HasSuffix(r.Template, "/softDelete") || strings.HasSuffix(r.Template, "Reaction")
}

// TestLanesDoNotQueueBehindTheFeed, however much it has to read: eight channels that catch up, and batches all the time.
func TestLanesDoNotQueueBehindTheFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{Throttle: teams.Documented, EmptyPageEvery: -1})
		a := w.connected()
		ctx, cancel := context.WithCancel(t.Context())
		var places []place
		for n := range 52 {
			p, err := a.channelPlace(w.id(w.team.AddChannel(fmt.Sprintf("Channel %d", n))))
			w.do(err)
			places = append(places, p)
		}
		var all sync.WaitGroup
		often := func(do func(n int) error) {
			all.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					if err := do(n); err != nil && ctx.Err() == nil {
						t.Error(err)
						return
					}
				}
			})
		}
		for n := range 8 {
			often(func(int) error { _, err := a.page(ctx, opThreads, a.app.base+opThreads.address(places[n])); return err })
		}
		often(func(n int) error {
			from := 8 + n%2*largestBatch
			items, _, err := a.app.batch(ctx, opThreads, places[from:from+largestBatch])
			for _, item := range items {
				err = errors.Join(err, item.err)
			}
			return err
		})
		time.Sleep(time.Minute)
		lane := func(n int) time.Duration {
			began := time.Now()
			if _, err := a.pageFor(ctx, a.lanes, opThreads, a.lanes.base+opThreads.address(places[48+n%4])); err != nil {
				t.Error(err)
			}
			return time.Since(began)
		}
		first := lane(0) // behind a batch that is waiting for all of a second
		var longest time.Duration
		for n := range 100 {
			time.Sleep(time.Second)
			longest = max(longest, lane(n))
		}
		t.Logf("a lane waited %v to begin with, then %v at most", first, longest)
		if first > 4*sustainedSecond || longest > sustainedSecond {
			t.Error("that is too long")
		}
		cancel()
		all.Wait()
		reads := 0
		for _, r := range w.sim.Requests() {
			if r.Status == http.StatusTooManyRequests {
				t.Errorf("%s %s was throttled", r.Method, r.Path)
			}
			if strings.HasSuffix(r.Template, "/messages") {
				reads++
			}
		}
		if reads < 160*9 {
			t.Errorf("in 160 s there were %d reads: much of what Graph allows was not used", reads)
		}
	})
}

// TestTooFarAwayIsToldByOneCallerAtATime: many that wait, and many that are told to wait, at the same time.
func TestTooFarAwayIsToldByOneCallerAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := newPacer(time.Second, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		const address = "/teams/t/channels/c/messages"
		relay := caller{user: "relay"}
		var all sync.WaitGroup
		var turns, refused atomic.Int32
		for range 40 {
			all.Go(func() {
				for range 20 {
					switch err := p.await(t.Context(), opPost, relay, address); bridge.KindOf(err) {
					case bridge.Throttled:
						refused.Add(1)
					default:
						turns.Add(1)
					}
				}
			})
			all.Go(func() {
				for range 20 {
					p.hold(opPost, relay, &answerError{address: address}, time.Now().Add(longestTurn/2))
					_ = p.far(opPost, relay, address)
					time.Sleep(time.Millisecond)
				}
			})
		}
		all.Wait()
		if turns.Load() == 0 || refused.Load() == 0 || turns.Load()+refused.Load() != 800 {
			t.Errorf("%d had their turn, %d were told that it is too far away", turns.Load(), refused.Load())
		}
	})
}

// TestWhatALaneReadsDoesNotPauseTheRelayAccount: it is the app whose reading is throttled. The feed is told so.
func TestWhatALaneReadsDoesNotPauseTheRelayAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		a := w.connected()
		id, err := a.Post(t.Context(), w.draft("x"))
		w.do(err)
		target := bridge.Target{Conversation: w.id(w.general), ID: id}
		doings := map[string]func() error{
			"Delete": func() error { return a.Delete(t.Context(), target) },
			"Find":   func() error { _, err := a.Find(t.Context(), w.draft("x"), time.Now()); return err },
			"Read":   func() error { _, err := a.Read(t.Context(), target.Conversation, target.ID); return err },
		}
		throttled := &throttled{next: w.wire.next, scope: "Tenant_Application/Read/a/b"}
		w.wire.next = throttled
		for doing, do := range doings {
			throttled.where = func(r *http.Request) bool { return r.Method == http.MethodGet }
			for _, when := range []string{"the throttled call", "the next one"} {
				before := throttled.asked
				if err := do(); bridge.KindOf(err) != bridge.Throttled || bridge.ScopeOf(err) != bridge.ScopeConversation || bridge.AfterOf(err) != time.Minute {
					t.Errorf("%s, %s: %v (scope %d, after %v)", doing, when, err, bridge.ScopeOf(err), bridge.AfterOf(err))
				}
				if when == "the next one" && throttled.asked != before {
					t.Errorf("%s ran into the same limit again", doing)
				}
			}
			if _, err := a.page(t.Context(), opThreads, a.app.base+opThreads.address(place{team: w.team.ID, channel: w.random.ID})); bridge.ScopeOf(err) != bridge.ScopeAccount {
				t.Errorf("%s: the feed goes on: %v", doing, err)
			}
			w.do(a.Edit(t.Context(), id, w.draft("y"))) // the relay account goes on
			time.Sleep(time.Minute)
		}
		w.do(a.Delete(t.Context(), target))
	})
}

// TestTheSameLimitIsNotHitTwice: after a 429, nobody asks before the time is over, and the others go on.
func TestTheSameLimitIsNotHitTwice(t *testing.T) {
	const minute = time.Minute
	for _, c := range []struct {
		name, scope         string
		status              int
		sameChannel, others bool // whether they must wait
	}{
		{name: "the channel's", scope: "Resource_Application/ReadWrite/a/b", sameChannel: true},
		{name: "not named", sameChannel: true},
		{name: "not named, out of order", status: 503, sameChannel: true},
		{name: "the user's", scope: "User_Application/ReadWrite/a/b", sameChannel: true, others: true},
		{name: "the app's", scope: "Tenant_Application/ReadWrite/a/b", sameChannel: true, others: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newSimWorld(t, teams.Options{})
			a := w.connected()
			w.wire.next = &throttled{next: w.wire.next, where: isWrite, status: c.status, scope: c.scope}
			_, err := a.Post(t.Context(), w.draft("x"))
			if bridge.KindOf(err) != bridge.Throttled || bridge.AfterOf(err) != minute {
				t.Fatalf("%s: %v", c.name, err)
			}
			wantScope := bridge.ScopeConversation
			if c.others {
				wantScope = bridge.ScopeAccount
			}
			time.Sleep(2 * time.Second)
			try := func(what string, channel *teams.Channel, waits bool) {
				t.Helper()
				d := w.draft("x")
				d.Conversation = w.id(channel)
				before := w.wire.attempts()
				_, err := a.Post(t.Context(), d)
				if waits && (bridge.KindOf(err) != bridge.Throttled || bridge.ScopeOf(err) != wantScope || bridge.AfterOf(err) != minute-2*time.Second || w.wire.attempts() != before) {
					t.Errorf("%s: %s: %v (scope %d, after %v), %d attempts", c.name, what, err, bridge.ScopeOf(err), bridge.AfterOf(err), w.wire.attempts()-before)
				}
				if !waits && err != nil {
					t.Errorf("%s: %s: %v", c.name, what, err)
				}
			}
			try("the same channel", w.general, c.sameChannel)
			try("another channel", w.random, c.others)
			// Other kinds of calls have limits of their own.
			id, err := w.sim.Say(w.alice, w.general, "<p>x</p>")
			w.do(err)
			if err := a.React(t.Context(), bridge.Target{Conversation: w.id(w.general), ID: bridge.MessageID(id)}, "👍", true); err != nil {
				t.Errorf("%s: reacting: %v", c.name, err)
			}
			time.Sleep(minute)
			try("when the time is over", w.general, false)
		})
	}
}

// throttled throttles the first request that is where it says, for a minute.
type throttled struct {
	next   http.RoundTripper
	where  func(*http.Request) bool
	status int // 0: 429
	scope  string
	asked  int // how often anything was
}

func (p *throttled) RoundTrip(r *http.Request) (*http.Response, error) {
	p.asked++
	if p.where == nil || !p.where(r) {
		return p.next.RoundTrip(r)
	}
	p.where = nil
	h := http.Header{"Retry-After": {"60"}}
	if p.scope != "" {
		h.Set("x-ms-throttle-scope", p.scope)
	}
	return &http.Response{StatusCode: cmp.Or(p.status, http.StatusTooManyRequests), Header: h, Body: http.NoBody, Request: r}, nil
}

// TestTheSameLimitIsNotHitTwiceWithoutAChannel: where a call is about none, it is the app's limit, however Graph calls it.
func TestTheSameLimitIsNotHitTwiceWithoutAChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		a := w.connected()
		throttled := &throttled{next: w.wire.next}
		w.wire.next = throttled
		for _, c := range []struct {
			op *Operation
			do func(n int) error
		}{
			{opMe, func(int) error { _, err := a.me(t.Context()); return err }},
			{opUser, func(n int) error { _, err := a.LookUp(t.Context(), bridge.UserID(fmt.Sprint("user-", n))); return err }},
			{opJoinedTeams, func(int) error { _, err := a.joinedTeams(t.Context(), time.Now()); return err }},
			{opSubscriptions, func(int) error { return a.app.perform(t.Context(), opSubscriptions, place{}, nil) }},
			{opSubscribe, func(int) error { return a.app.perform(t.Context(), opSubscribe, place{}, nil) }},
			{opRenew, func(n int) error { return a.app.perform(t.Context(), opRenew, place{subscription: fmt.Sprint(n)}, nil) }},
			{opUnsubscribe, func(n int) error {
				return a.app.perform(t.Context(), opUnsubscribe, place{subscription: fmt.Sprint(n)}, nil)
			}},
			{opBatch, func(n int) error {
				items, _, err := a.app.batch(t.Context(), opThreads, []place{{team: w.team.ID, channel: fmt.Sprint(n)}})
				for _, item := range items {
					err = errors.Join(err, item.err)
				}
				return err
			}},
		} {
			for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
				for _, throttled.scope = range []string{"", "Resource_Application/Read/a/b", "User_Application/Read/a/b", "Tenant_Application/Read/a/b"} {
					throttled.status, throttled.where = status, func(*http.Request) bool { return true }
					for n, want := range []time.Duration{time.Minute, time.Minute - time.Second} {
						before := throttled.asked
						if err := c.do(n); bridge.KindOf(err) != bridge.Throttled || bridge.AfterOf(err) != want || throttled.asked-before != 1-n {
							t.Errorf("%s, %d, scope %q, call %d: %v (after %v), %d attempts", c.op.Doing, status, throttled.scope, n+1, err, bridge.AfterOf(err), throttled.asked-before)
						}
						time.Sleep(time.Second)
					}
					time.Sleep(time.Minute)
					before := throttled.asked
					if err := c.do(2); bridge.KindOf(err) == bridge.Throttled || throttled.asked == before {
						t.Errorf("%s, %d, scope %q, when the time is over: %v", c.op.Doing, status, throttled.scope, err)
					}
				}
			}
		}
	})
}

// TestAChannelThatMustWaitDoesNotHoldUpItsBatch.
func TestAChannelThatMustWaitDoesNotHoldUpItsBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		a := w.connected()
		general, err := a.channelPlace(w.id(w.general))
		w.do(err)
		random, err := a.channelPlace(w.id(w.random))
		w.do(err)
		w.sim.Inject(teams.Fault{Where: func(r *http.Request) bool { return isItem(r) && strings.Contains(r.URL.Path, w.general.ID) }, Status: 429, RetryAfter: time.Minute})
		ask := func(want ...bridge.Kind) {
			t.Helper()
			items, _, err := a.app.batch(t.Context(), opThreads, []place{general, random})
			w.do(err)
			for n, item := range items {
				if kind := bridge.KindOf(item.err); kind != want[n] || kind == bridge.Transient && (item.err != nil || len(item.body) == 0) {
					t.Errorf("item %d: %v", n, item.err)
				}
			}
		}
		ask(bridge.Throttled, bridge.Transient) // the zero kind: it succeeds
		before := w.sim.Count("GET", channelMessages)
		ask(bridge.Throttled, bridge.Transient)
		if n := w.sim.Count("GET", channelMessages) - before; n != 1 {
			t.Errorf("%d channels were asked, want 1", n)
		}
		items, _, err := a.app.batch(t.Context(), opThreads, []place{general})
		if err != nil || bridge.KindOf(items[0].err) != bridge.Throttled {
			t.Errorf("alone: %v, %v", items, err)
		}
		time.Sleep(time.Minute)
		ask(bridge.Transient, bridge.Transient)
	})
}

// TestWaitingForATurnEndsWithTheContext; the turn is lost.
func TestWaitingForATurnEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		a := w.connected()
		began := time.Now()
		post := func(ctx context.Context) error { _, err := a.Post(ctx, w.draft("x")); return err }
		w.do(post(t.Context()))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := post(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || bridge.KindOf(err) != bridge.Transient || time.Since(began) != time.Second || w.wire.attempts() != 1 {
			t.Errorf("after %v: %v (%v)", time.Since(began), err, bridge.KindOf(err))
		}
		w.do(post(t.Context()))
		if got := time.Since(began); got != 2*sustainedSecond {
			t.Errorf("the second post was made after %v, want %v", got, 2*sustainedSecond)
		}
	})
}

// TestAWindowHoldsItsRate, whoever comes when.
func TestAWindowHoldsItsRate(t *testing.T) {
	epoch := time.Unix(1_700_000_000, 0)
	w := &window{most: 20, span: time.Second}
	var made []time.Time
	now := epoch
	for n, calls := range []int{20, 1, 1, 19, 5, 5, 5, 5, 20, 30, 1, 7, 13} {
		now = now.Add(time.Duration(n*37) * time.Millisecond)
		turn := w.next(calls)
		if turn.Before(now) {
			turn = now
		}
		w.take(turn, calls)
		for range min(calls, 20) {
			made = append(made, turn)
		}
	}
	slices.SortFunc(made, time.Time.Compare)
	for i := range made[:len(made)-20] {
		if d := made[i+20].Sub(made[i]); d < time.Second {
			t.Errorf("21 calls within %v", d)
		}
	}
	if total := made[len(made)-1].Sub(epoch); total > 8*time.Second {
		t.Errorf("%d calls took %v", len(made), total)
	}
}

// TestEveryCallHasItsRate, but for those of which few are made.
func TestEveryCallHasItsRate(t *testing.T) {
	for _, op := range operations {
		if rates[op] == nil && op != opApplication && op != opBatch {
			t.Errorf("%s %s has no rate", op.Method, op.Path)
		}
	}
	for address, want := range map[string]string{
		simURL + "/v1.0/teams/t/channels/19%3Ax%40thread.tacv2/messages?$top=1": "19:x@thread.tacv2",
		"/teams/t/channels/19:x@thread.tacv2":                                   "19:x@thread.tacv2", "/teams/t/channels": "t", "/me": "", "/teams/": "", "%": "",
	} {
		if got := resourceOf(address); got != want {
			t.Errorf("%s is about %q, want %q", address, got, want)
		}
	}
}
