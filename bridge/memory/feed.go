package memory

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"causeway/bridge"
)

// Feed is how a feed disturbs what it delivers, each as a chance from 0 to 1 per batch. All of it is harmless by
// the contract. Draws come from Seed and the channel's id, so that the order in which channels are read does
// not matter.
type Feed struct {
	Seed uint64
	// Repeat delivers a state from the log's past again.
	Repeat float64
	// Stale delivers an older version of a message, as it was then.
	Stale float64
	// Ahead delivers the newest change of a message that has been delivered before, ahead of its turn and
	// without a cursor.
	Ahead float64
	// AheadNew does so with new messages: these come out of order.
	AheadNew float64
	// Shuffle mixes the states of a batch.
	Shuffle float64
}

// feed is one Run that is going on.
type feed struct {
	account *account
	inbox   bridge.Inbox
	// woken holds which channels have news; all: everything may have. Guarded by the service's mutex.
	woken map[*channel]bool
	all   bool
	wake  chan struct{}
	cut   chan error
	// idle is told which reading has come to its end, and how.
	idle chan result
	// reading is owned by Run's goroutine.
	reading map[bridge.ConversationID]*reading
	readers sync.WaitGroup
	// observed are the people whose talks are noticed, meeting the talks that are being met. Guarded by the service's mutex.
	observed map[bridge.UserID]bool
	meeting  map[*channel]bool
}

// reading is where a feed is in one conversation. Its goroutine owns it while busy; Run owns the last line.
type reading struct {
	conversation bridge.ConversationID
	begun        bool
	position     int
	trouble      bool
	// met is the place in the log of the roster that the inbox knows, and one more; 0: none.
	met    int
	random *rand.Rand

	busy, again, watched bool
}

type result struct {
	reading *reading
	err     error
}

// wake tells all feeds that a channel has news; nil: all channels.
func (s *Service) wake(c *channel) {
	for f := range s.feeds {
		if c == nil {
			f.all = true
		} else {
			f.woken[c] = true
		}
		select {
		case f.wake <- struct{}{}:
		default:
		}
	}
}

// fail ends Run with err.
func (f *feed) fail(err error) {
	select {
	case f.cut <- err:
	default:
	}
}

// Run has one goroutine for each conversation that has news, so that a slow Put holds up its own only.
func (a *account) Run(ctx context.Context, inbox bridge.Inbox) error {
	f := &feed{
		account: a,
		inbox:   inbox,
		woken:   map[*channel]bool{},
		wake:    make(chan struct{}, 1),
		cut:     make(chan error, 1),
		idle:    make(chan result),
		reading: map[bridge.ConversationID]*reading{},
		meeting: map[*channel]bool{},
	}
	a.service.mu.Lock()
	a.service.feeds[f] = struct{}{}
	a.service.mu.Unlock()

	inner, cancel := context.WithCancel(ctx)
	err := f.run(inner)
	cancel()
	a.service.mu.Lock()
	delete(a.service.feeds, f)
	a.service.mu.Unlock()
	f.readers.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("reading: %w", err)
}

func (f *feed) run(ctx context.Context) error {
	for {
		watched, changed := f.inbox.Watched()
		f.watch(ctx, watched)
		observed, others := f.inbox.Observed()
		f.observe(ctx, observed)
		for again := true; again; {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case err := <-f.cut:
				return err
			case <-changed:
				again = false
			case <-others:
				again = false
			case <-f.wake:
				f.readWoken(ctx)
			case r := <-f.idle:
				if r.err != nil {
					return r.err
				}
				f.stopped(ctx, r.reading)
			}
		}
	}
}

// watch begins to read what is new in the set, and forgets what has left it.
func (f *feed) watch(ctx context.Context, watched []bridge.ConversationID) {
	for _, r := range f.reading {
		r.watched = false
	}
	for _, id := range watched {
		r := f.reading[id]
		if r == nil {
			r = &reading{conversation: id, position: -1}
			f.reading[id] = r
		}
		r.watched = true
		f.read(ctx, r)
	}
	for id, r := range f.reading {
		if !r.watched && !r.busy {
			delete(f.reading, id)
		}
	}
}

func (f *feed) readWoken(ctx context.Context) {
	s := f.account.service
	s.mu.Lock()
	woken, all := f.woken, f.all
	f.woken, f.all = map[*channel]bool{}, false
	s.mu.Unlock()
	if all {
		for _, r := range f.reading {
			f.read(ctx, r)
		}
		return
	}
	for c := range woken {
		f.notice(ctx, c)
		if r := f.reading[c.conversation.ID]; r != nil {
			f.read(ctx, r)
		}
	}
}

// read sends a goroutine to read all that is new.
func (f *feed) read(ctx context.Context, r *reading) {
	if !r.watched {
		return
	}
	if r.busy {
		r.again = true
		return
	}
	r.busy, r.again = true, false
	f.readers.Go(func() {
		err := f.drain(ctx, r)
		select {
		case f.idle <- result{r, err}:
		case <-ctx.Done():
		}
	})
}

func (f *feed) stopped(ctx context.Context, r *reading) {
	r.busy = false
	switch {
	case !r.watched:
		delete(f.reading, r.conversation)
	case r.again:
		f.read(ctx, r)
	}
}

// drain puts everything new in one conversation into the inbox. Its errors end Run.
func (f *feed) drain(ctx context.Context, r *reading) error {
	if r.position < 0 {
		if err := f.begin(ctx, r); err != nil {
			return err
		}
	}
	call := Call{Op: Feeding, Conversation: r.conversation, Account: f.account.name}
	for {
		if err := f.account.before(ctx, call); err != nil {
			return err
		}
		if err := f.meet(ctx, r); err != nil {
			return err
		}
		b, next, wait, err := f.batch(r)
		if err != nil {
			if bridge.ScopeOf(err) != bridge.ScopeConversation {
				return err
			}
			r.trouble = true
			f.inbox.Trouble(r.conversation, err)
			return nil
		}
		if r.trouble {
			r.trouble = false
			f.inbox.Trouble(r.conversation, nil)
		}
		switch {
		case b.Cursor != "":
			if err := f.put(ctx, r, b); err != nil {
				return err
			}
			r.position, r.begun = next, true
			if err := f.account.after(ctx, call); err != nil {
				return err
			}
		case wait > 0:
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return ctx.Err()
			}
		default:
			return nil
		}
	}
}

// begin finds out where reading goes on.
func (f *feed) begin(ctx context.Context, r *reading) error {
	cursor, err := f.inbox.Cursor(ctx, r.conversation)
	if err != nil {
		return fmt.Errorf("cursor of %s: %w", r.conversation, err)
	}
	r.position = 0
	if r.begun = cursor != ""; r.begun {
		if r.position, err = strconv.Atoi(cursor); err != nil {
			return fmt.Errorf("cursor %q of %s: %w", cursor, r.conversation, err)
		}
	}
	r.met = 0
	if d := f.account.service.options.Feed; d != (Feed{}) {
		h := fnv.New64a()
		h.Write([]byte(r.conversation.Channel))
		r.random = rand.New(rand.NewPCG(d.Seed, h.Sum64()+uint64(r.position)))
	}
	return nil
}

// batch gives what comes next: nothing (wait says when there is more to see), the beginning, or states.
func (f *feed) batch(r *reading) (b bridge.Batch, next int, wait time.Duration, err error) {
	s := f.account.service
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := f.account.authorised(Call{Conversation: r.conversation}); err != nil {
		return b, 0, 0, err
	}
	c, err := f.account.channel(r.conversation)
	if err != nil {
		return b, 0, 0, err
	}
	b.Conversation = r.conversation
	if c.shape != bridge.Open && len(f.inbox.Readers(r.conversation)) == 0 {
		return b, 0, 0, fault(bridge.Unauthorised, "nobody in %s is connected", r.conversation)
	}
	if !r.begun {
		b.Begin, next = s.clock(), len(c.log)
		if from := f.inbox.Begin(r.conversation); !from.IsZero() {
			b.Begin, next = from, c.from(from, s.options)
		}
		b.Cursor = strconv.Itoa(next)
		return b, next, 0, nil
	}
	if r.position > len(c.log) {
		return b, 0, 0, fault(bridge.Rejected, "cursor %d of %s lies in the future", r.position, r.conversation)
	}
	now, settle, unmet := time.Now(), s.options.Settle, r.unmet(c)
	for next = r.position; next < unmet && len(b.States) < s.options.BatchSize; next++ {
		e := c.log[next]
		if e.roster != nil {
			continue
		}
		if settled := e.m.versions[e.v].at.Add(settle); settled.After(now) {
			wait = settled.Sub(now)
			break
		}
		if e.previous < r.position {
			v, _ := e.m.seenUpTo(unmet, now, settle)
			b.States = append(b.States, c.state(e.m, v))
		}
	}
	if next > r.position {
		b.Cursor = strconv.Itoa(next)
	}
	return b, next, wait, nil
}

// unmet gives the place in the log up to which the inbox knows who may see what happened.
func (r *reading) unmet(c *channel) int {
	if c.shape == bridge.Open {
		return len(c.log)
	}
	for i := r.position; i < len(c.log); i++ {
		if c.log[i].roster != nil && i >= r.met {
			return i
		}
	}
	return len(c.log)
}

// put delivers a batch, and disturbs it before.
func (f *feed) put(ctx context.Context, r *reading, b bridge.Batch) error {
	events := f.inbox.Events(b.Conversation)
	b.States = slices.DeleteFunc(b.States, func(s bridge.State) bool { return s.Event != "" && !slices.Contains(events, s.Event) })
	if r.random != nil && len(b.States) > 0 {
		b = f.disturb(r, b)
		if extra := f.extra(r, b); len(extra) > 0 {
			if err := f.inbox.Put(ctx, bridge.Batch{Conversation: b.Conversation, States: extra}); err != nil {
				return fmt.Errorf("storing: %w", err)
			}
		}
	}
	if err := f.inbox.Put(ctx, b); err != nil {
		return fmt.Errorf("storing: %w", err)
	}
	return nil
}

func (f *feed) disturb(r *reading, b bridge.Batch) bridge.Batch {
	if r.random.Float64() < f.account.service.options.Feed.Shuffle {
		r.random.Shuffle(len(b.States), func(i, j int) { b.States[i], b.States[j] = b.States[j], b.States[i] })
	}
	return b
}

// extra chooses what is delivered besides, without a cursor.
func (f *feed) extra(r *reading, b bridge.Batch) []bridge.State {
	s, d := f.account.service, f.account.service.options.Feed
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[b.Conversation.Channel]
	var extra []bridge.State
	ahead, aheadNew := r.random.Float64() < d.Ahead, r.random.Float64() < d.AheadNew
	last := b.States[len(b.States)-1]
	if known := c.byID[last.ID].born < r.position; known && ahead || !known && aheadNew {
		extra = append(extra, last)
	}
	if r.random.Float64() < d.Repeat && r.position > 0 {
		m := c.log[r.random.IntN(r.position)].m
		if m == nil {
			return extra
		}
		if v, ok := m.seenUpTo(r.unmet(c), time.Now(), s.options.Settle); ok {
			extra = append(extra, c.state(m, v))
		}
	}
	if r.random.Float64() < d.Stale && r.position > 0 {
		e := c.log[r.random.IntN(r.position)]
		if e.m == nil {
			return extra
		}
		extra = append(extra, c.state(e.m, e.m.versions[e.v]))
	}
	return extra
}
