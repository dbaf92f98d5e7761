package msteams

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
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

// TestTheSameLimitIsNotHitTwice: after a 429, nobody asks before the time is over, and the others go on.
func TestTheSameLimitIsNotHitTwice(t *testing.T) {
	const minute = time.Minute
	for _, c := range []struct {
		name, scope         string
		sameChannel, others bool // whether they must wait
		react               bool
	}{
		{name: "the channel's", scope: "Resource_Application/ReadWrite/a/b", sameChannel: true},
		{name: "not named", sameChannel: true},
		{name: "the user's", scope: "User_Application/ReadWrite/a/b", sameChannel: true, others: true},
		{name: "the app's", scope: "Tenant_Application/ReadWrite/a/b", sameChannel: true, others: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newSimWorld(t, teams.Options{})
			a := w.connected()
			w.wire.next = &throttledPost{next: w.wire.next, scope: c.scope}
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

// throttledPost throttles the first write.
type throttledPost struct {
	next  http.RoundTripper
	scope string
	done  bool
}

func (p *throttledPost) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.done || !isWrite(r) {
		return p.next.RoundTrip(r)
	}
	p.done = true
	h := http.Header{"Retry-After": {"60"}}
	if p.scope != "" {
		h.Set("x-ms-throttle-scope", p.scope)
	}
	return &http.Response{StatusCode: 429, Header: h, Body: http.NoBody, Request: r}, nil
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
