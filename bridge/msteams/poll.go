package msteams

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/microsoftgraph/msgraph-sdk-go/models"

	"causeway/bridge"
)

const (
	// idleInterval is the longest time between two reads of a channel in which nobody writes; it is reached when the
	// channel has been quiet for an hour, growing evenly from PollInterval.
	idleInterval = 30 * time.Second
	quietTime    = time.Hour
	// nextLook is how long the reader sleeps at most.
	nextLook = 30 * time.Second
	// remembered is how many messages of a channel are compared with what was seen of them; far more than a first page
	// shows.
	remembered = 20_000
	// rememberedOfChat is that of a chat: of these there may be very many.
	rememberedOfChat = 1000
	// longThreads is of how many long threads of a channel it is remembered when they were read to their end.
	longThreads = 200
	// afterStart is by how much longer for each chat it takes until all are read that were read before a start. Those in which something was said
	// meanwhile are seen in the lists of their people's chats, or a notification tells of them, and go first.
	afterStart = 100 * time.Millisecond
	// atOnce is how many channels close a gap at the same time: Graph allows an app 20 reads a second in a tenant.
	atOnce = 8
)

// reader reads channels: all that are due are asked for their newest threads in batches; one that has a gap reads on by
// itself, while the others go on. A channel that is covered by a subscription is read when it begins to be and two minutes later, when
// something may have been lost, and once a day; any other in short intervals.
type reader struct {
	a     *account
	inbox bridge.Inbox
	pace  time.Duration
	// live tells since when a channel has been covered by a subscription; silent is told of n changes, and when the last of them was, that it kept to itself.
	live   func(c bridge.ConversationID) (since time.Time, ok bool)
	silent func(c bridge.ConversationID, n int, last time.Time)
	// talks knows who is in groups.
	talks *talks

	// mu guards what others than the reader look at.
	mu       sync.Mutex
	channels map[bridge.ConversationID]*watched
	nudged   map[bridge.ConversationID]time.Time // when to read it
	nudges   chan struct{}
	// notBefore: Graph throttles the whole account until then.
	notBefore time.Time

	work     sync.WaitGroup
	slots    chan struct{}
	finished chan finished
}

// finished tells what became of a channel that read on by itself.
type finished struct {
	w   *watched
	err error
}

func newReader(a *account, inbox bridge.Inbox) *reader {
	return &reader{
		a: a, inbox: inbox, pace: min(time.Second, a.pollInterval),
		live:     func(bridge.ConversationID) (time.Time, bool) { return time.Time{}, false },
		silent:   func(bridge.ConversationID, int, time.Time) {},
		channels: map[bridge.ConversationID]*watched{}, nudged: map[bridge.ConversationID]time.Time{}, nudges: make(chan struct{}, 1),
		finished: make(chan finished), slots: make(chan struct{}, atOnce),
	}
}

func (r *reader) run(ctx context.Context) error {
	for {
		changed, err := r.watch(ctx)
		if err == nil {
			r.obey()
			r.listen(time.Now())
			err = r.poll(ctx)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading Teams: %w", err)
		}
		timer := time.NewTimer(time.Until(r.wake()))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-changed:
		case <-r.nudges:
		case f := <-r.finished:
			err = r.settle(f.w, f.err)
		case <-timer.C:
		}
		timer.Stop()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("reading Teams: %w", err)
		}
	}
}

// watch takes up what is to be read now.
func (r *reader) watch(ctx context.Context) (<-chan struct{}, error) {
	wanted, changed := r.inbox.Watched()
	now := map[bridge.ConversationID]bool{}
	chats := 0
	for _, c := range wanted {
		if now[c] = true; isChat(string(c.Channel)) {
			chats++
		}
	}
	for _, c := range wanted {
		if r.channels[c] != nil {
			continue
		}
		w, err := r.open(ctx, c)
		if err != nil {
			return nil, err
		}
		if w != nil && w.place.chat != "" && w.begun {
			w.due = w.due.Add(rand.N(time.Duration(chats) * afterStart))
		}
		if w != nil {
			r.mu.Lock()
			r.channels[c] = w
			r.mu.Unlock()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for c, w := range r.channels {
		if !now[c] {
			if w.busy {
				w.stop()
			}
			delete(r.channels, c)
		}
	}
	return changed, nil
}

// poll reads the channels that are due, and those that nearly are, so that batches fill.
func (r *reader) poll(ctx context.Context) error {
	now := time.Now()
	if now.Before(r.notBefore) {
		return nil
	}
	var due []*watched
	urgent := false
	for _, w := range r.channels {
		if !w.busy && !w.due.After(now.Add(r.a.pollInterval/4)) {
			due = append(due, w)
			urgent = urgent || !w.due.After(now)
		}
	}
	if !urgent {
		return nil
	}
	groups, more := batches(due)
	for i, group := range groups {
		if i > 0 {
			if err := pause(ctx, r.pace); err != nil {
				return err
			}
			if time.Now().Before(r.notBefore) {
				return nil
			}
		}
		if err := r.ask(ctx, group); err != nil {
			return err
		}
	}
	if more {
		return pause(ctx, r.pace)
	}
	return nil
}

// chatBatches is how many batches of chats are read before it is looked what else has become due: there may be very many chats.
const chatBatches = 3

// batches puts together what can be asked for at once: all channels, and of the chats some, those that have been due for longest. It tells whether
// there are more.
func batches(due []*watched) (all [][]*watched, more bool) {
	var channels, chats []*watched
	for _, w := range due {
		if w.place.chat == "" {
			channels = append(channels, w)
		} else {
			chats = append(chats, w)
		}
	}
	slices.SortFunc(chats, func(a, b *watched) int { return a.due.Compare(b.due) })
	if more = len(chats) > chatBatches*largestBatch; more {
		chats = chats[:chatBatches*largestBatch]
	}
	return slices.AppendSeq(slices.Collect(slices.Chunk(channels, largestBatch)), slices.Chunk(chats, largestBatch)), more
}

// ask reads the first page of up to 20 channels.
func (r *reader) ask(ctx context.Context, group []*watched) error {
	places := make([]place, len(group))
	began := time.Now()
	for i, w := range group {
		places[i] = w.place
		w.gate.begin()
		r.mu.Lock()
		w.read, w.asked = began, w.doubts
		r.mu.Unlock()
	}
	items, now, err := r.a.app.batch(ctx, listOf(places[0]), places)
	for i, w := range group {
		itemErr := err
		if err == nil {
			itemErr = items[i].err
		}
		if itemErr == nil {
			itemErr = r.take(ctx, w, items[i].body, now)
		}
		if w.busy {
			continue
		}
		if err := r.settle(w, itemErr); err != nil {
			return err
		}
	}
	return nil
}

// take deals with a channel's first page: to begin with, to compare, or as the head of a gap. One that looks as it did
// when it had been dealt with wholly is not even parsed; measured, that is nine tenths of the work of a quiet channel.
func (r *reader) take(ctx context.Context, w *watched, body []byte, now time.Time) error {
	look := lookOf(body)
	if w.begun && look != (pageLook{}) && look == w.settled {
		w.whole = true
		return nil
	}
	page, err := r.a.readPage(body)
	if err != nil {
		return err
	}
	if !w.begun {
		if again, err := r.begin(ctx, w, page, now); err != nil || !again {
			return err
		}
	}
	if look != w.look {
		w.look, w.lookSince = look, time.Now()
	}
	p := newPass(w.cursor, w.isNews)
	p.at = now
	p.take(page, w.mayWait)
	whole := !slices.ContainsFunc(page.messages, func(root models.ChatMessageable) bool { return moreReplies(root) != "" })
	if w.whole = p.done(); w.whole && !(w.group && len(p.found) > 0) { // of a group it is asked who is in it, which others do not wait for
		w.owed = false
		err := r.finish(ctx, w, p)
		if err == nil && whole {
			w.settled = look
		}
		return err
	}
	if w.whole = p.closed(); w.whole && !w.group {
		// All that is new is here.
		err := r.finish(ctx, w, p)
		w.owed = true
		if err != nil || time.Since(w.overlapped) < overlapEvery {
			return err
		}
		w.gate.end()
	} else {
		w.gate.shut()
	}
	ctx, w.stop = context.WithCancel(ctx)
	w.busy = true
	r.work.Go(func() {
		defer w.stop()
		select {
		case r.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		err := r.catchUp(ctx, w, p)
		<-r.slots
		// What Graph shows late may be on a later page as long as overlap has not passed.
		if err == nil && whole && len(page.messages) > 0 && time.Since(w.lookSince) > overlap {
			w.settled = look
		}
		select {
		case r.finished <- finished{w, err}:
		case <-ctx.Done():
		}
	})
	return nil
}

// settle notes how reading a channel went and when it is read next. The error is one that ends Run: the inbox failed,
// or the account's token is refused.
func (r *reader) settle(w *watched, err error) error {
	now := time.Now()
	w.busy = false
	if err == nil {
		w.failing = time.Time{}
	} else {
		w.gate.shut()
		r.losePatience(w, now)
	}
	r.mu.Lock()
	w.read = now
	if err == nil && w.whole {
		w.dispelled = max(w.dispelled, w.asked)
	}
	r.mu.Unlock()
	var store *storeError
	switch {
	case r.channels[w.id] != w: // nobody wants it any more
	case err == nil:
		if w.failures > 0 {
			w.failures = 0
			r.inbox.Trouble(w.id, nil)
		}
		w.due = r.nextRead(w, now)
	case errors.As(err, &store):
		return store.error
	case errors.Is(err, errGroupChanged):
		w.due = now.Add(r.pace)
	case bridge.KindOf(err) == bridge.Throttled:
		w.due = now.Add(bridge.AfterOf(err))
		if bridge.ScopeOf(err) == bridge.ScopeAccount {
			r.notBefore = w.due
		}
	case bridge.KindOf(err) == bridge.Unauthorised && bridge.ScopeOf(err) == bridge.ScopeAccount:
		return err
	default:
		w.failures++
		r.inbox.Trouble(w.id, err)
		w.due = now.Add(backoff(r.a.pollInterval, w.failures))
	}
	return nil
}

// patience is for how long a channel that cannot be read keeps deliveries out. What the reading finds after that comes late.
const patience = 10 * time.Minute

// losePatience notes that reading a channel has failed. When that has gone on for long, what its subscription delivers goes in
// all the same.
func (r *reader) losePatience(w *watched, now time.Time) {
	if w.failing.IsZero() {
		w.failing = now
	}
	if _, live := r.live(w.id); live && w.begun && now.Sub(w.failing) >= patience && w.gate.giveUp() {
		r.a.log.WithField("conversation", w.id.String()).
			Warn("This channel cannot be read; what is said now is delivered, and what was said before comes when it can be read.")
	}
}

// nextRead is when a channel is read next that has just been read. After a gap it is read once more, shortly, so that
// deliveries can wait for that; and when one could not.
func (r *reader) nextRead(w *watched, now time.Time) time.Time {
	again := w.again
	w.again = false
	if !w.whole {
		w.gate.shut()
	}
	if !w.gate.end() || again {
		return now
	}
	since, live := r.live(w.id)
	sure := since.Add(usualDelay)
	switch {
	case !live:
		if w.place.chat != "" {
			return now.Add(r.a.pollChatIn(now.Sub(w.active)))
		}
		return now.Add(r.a.pollIn(now.Sub(w.active)))
	case w.owed:
		return now.Add(overlapEvery)
	case now.Before(sure): // at first a subscription does not tell of everything, and a list may lack what was said just before
		return sure
	}
	return nextReconcile(now)
}

// pollIn is the time until a channel is read again in which nothing has happened for that long.
func (a *account) pollIn(quiet time.Duration) time.Duration {
	slowest := max(a.pollInterval, idleInterval)
	return min(slowest, a.pollInterval+time.Duration(float64(slowest-a.pollInterval)*(float64(quiet)/float64(quietTime))))
}

// idlestChat is the longest time between two reads of a chat that is polled. That something is said there is seen in the lists of its people's
// chats, so that this finds edits, deletions and reactions.
const idlestChat = 15 * time.Minute

// pollChatIn is the time until a chat is read again in which nothing has happened for that long: a sixtieth of it.
func (a *account) pollChatIn(quiet time.Duration) time.Duration {
	return min(max(a.pollInterval, quiet/60), max(a.pollInterval, idlestChat))
}

// wake is when there is something to do next.
func (r *reader) wake() time.Time {
	next := time.Now().Add(nextLook)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.channels {
		if !w.busy && w.due.Before(next) {
			next = w.due
		}
		if w.echo != "" && w.echoBy.Before(next) {
			next = w.echoBy
		}
	}
	if next.Before(r.notBefore) {
		next = r.notBefore
	}
	return next
}
