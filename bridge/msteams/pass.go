package msteams

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/microsoftgraph/msgraph-sdk-go/models"

	"causeway/bridge"
)

const (
	// overlap is how far behind the cursor is read again: what Graph shows late is within it.
	overlap = 2 * time.Minute
	// overlapEvery is how often that is done beyond the first page.
	overlapEvery = 15 * time.Second
	// longThreadInterval is how often a thread is read to its end whose visible part has not changed. Graph brings only
	// the newest replies along and does not tell of a change in the others. Must be less than overlap.
	longThreadInterval = time.Minute
	// putSize is how many states are put at once.
	putSize = 100
)

// pass is one reading of a channel from its head to the cursor. Threads come ordered by their last change, newest
// first. Those that change meanwhile move to the head, out of the way of this pass; the next one finds them there.
type pass struct {
	// at is the time at Graph when its first page was read.
	at time.Time
	// limit is the time up to which threads must be read.
	limit time.Time
	// cursor is the time up to which all has been read before.
	cursor time.Time
	// isNews tells what is not known yet; found holds the last that was read of each such message.
	isNews func(models.ChatMessageable) bool
	found  map[bridge.MessageID]models.ChatMessageable
	// highest is the last change on the first page with anything on it: so far this pass reads without a gap. What is
	// read later may be newer and have skipped something.
	highest int64
	started bool
	// reached: a thread older than limit has been seen, so all that follow are older, too; gapless: one older than cursor,
	// so all that follow were read before, unless Graph shows them late.
	reached, gapless bool
	// next page of threads, and links to more replies.
	next    string
	threads []longThread
}

// longThread is a thread that has more replies than came with it.
type longThread struct {
	root bridge.MessageID
	link string
}

func newPass(cursor int64, isNews func(models.ChatMessageable) bool) *pass {
	at := time.UnixMilli(cursor)
	return &pass{limit: at.Add(-overlap), cursor: at, isNews: isNews, found: map[bridge.MessageID]models.ChatMessageable{}}
}

// take reads a page of threads. skip tells of a long thread whether it need not be read to its end this time.
func (p *pass) take(page messagePage, skip func(root models.ChatMessageable) bool) {
	for _, root := range page.messages {
		p.add(root)
		for _, r := range root.GetReplies() {
			p.add(r)
		}
		link := moreReplies(root)
		switch {
		case p.reached:
		case link == "":
			change := threadChange(root)
			p.reached, p.gapless = change.Before(p.limit), p.gapless || change.Before(p.cursor)
		case !skip(root):
			// The change that gave it its place may lie in the replies that are not here.
			p.threads = append(p.threads, longThread{idOf(root), link})
		}
	}
	p.started = p.started || len(page.messages) > 0
	p.next = ""
	if !p.reached {
		p.next = page.next
	}
}

func (p *pass) add(m models.ChatMessageable) {
	if p.isNews(m) {
		p.found[idOf(m)] = m
	}
	if !p.started {
		p.highest = max(p.highest, modified(m).UnixMilli())
	}
}

// takeReplies reads a page of the first long thread's replies.
func (p *pass) takeReplies(page messagePage) {
	started := p.started
	p.started = true // these do not move the cursor
	for _, r := range page.messages {
		p.add(r)
	}
	p.started = started
	if p.threads[0].link = page.next; p.threads[0].link == "" {
		p.threads = p.threads[1:]
	}
}

// done: it has come to its end. closed: it has read all that can be new.
func (p *pass) done() bool   { return p.next == "" && len(p.threads) == 0 }
func (p *pass) closed() bool { return len(p.threads) == 0 && (p.gapless || p.next == "") }

// catchUp reads the rest of a pass, at most one request a second (Graph's limit for a channel), and puts it. What is
// throttled is waited for; a link that fails again and again is given up with the whole pass.
func (r *reader) catchUp(ctx context.Context, w *watched, p *pass) error {
	// What is new goes first; what Graph may show late is looked for afterwards, and not each time.
	if err := r.readOn(ctx, w, p, (*pass).closed); err != nil {
		return err
	}
	if err := r.finish(ctx, w, p); err != nil || p.done() {
		w.owed = err != nil
		return err
	}
	if w.owed = !w.gate.isOpen() || time.Since(w.overlapped) < overlapEvery; w.owed {
		return nil
	}
	w.overlapped = time.Now()
	if err := r.readOn(ctx, w, p, (*pass).done); err != nil {
		return err
	}
	return r.finish(ctx, w, p)
}

// readOn follows links until the pass has come far enough.
func (r *reader) readOn(ctx context.Context, w *watched, p *pass, enough func(*pass) bool) error {
	failures := 0
	for !enough(p) {
		if err := pause(ctx, r.pace); err != nil {
			return err
		}
		err := r.step(ctx, w, p)
		switch {
		case err == nil:
			failures = 0
		case ctx.Err() != nil:
			return ctx.Err()
		case bridge.KindOf(err) == bridge.Throttled:
			if err := pause(ctx, bridge.AfterOf(err)); err != nil {
				return err
			}
		case bridge.KindOf(err) == bridge.Transient && failures < 5:
			failures++
			if err := pause(ctx, backoff(r.pace, failures)); err != nil {
				return err
			}
		default:
			return err
		}
	}
	return nil
}

// step follows one link.
func (r *reader) step(ctx context.Context, w *watched, p *pass) error {
	if len(p.threads) > 0 {
		root := p.threads[0].root
		page, err := r.a.page(ctx, opReplies, p.threads[0].link)
		if err != nil {
			return err
		}
		p.takeReplies(page)
		if len(p.threads) == 0 || p.threads[0].root != root {
			w.readToEnd.Add(root, time.Now())
		}
		return nil
	}
	page, err := r.a.page(ctx, listOf(w.place), p.next)
	if err != nil {
		return err
	}
	p.take(page, w.mayWait)
	return nil
}

// storeError is a failure of the inbox. It ends Run: nothing of what was read is acknowledged.
type storeError struct{ error }

func (e *storeError) Unwrap() error { return e.error }

// finish puts what a pass found and is not known yet, oldest first, and the cursor with the last of it.
func (r *reader) finish(ctx context.Context, w *watched, p *pass) error {
	var news []models.ChatMessageable
	for _, m := range p.found {
		if w.isNews(m) { // still: a notification may have brought it
			news = append(news, m)
		}
	}
	clear(p.found)
	slices.SortFunc(news, oldestFirst)
	if w.group {
		return r.finishGroup(ctx, w, p, news)
	}
	var states []bridge.State
	since, live := r.live(w.id)
	if away := w.gate.turnedAway(); away.After(since) { // what was turned away is not the subscription's fault
		since = away
	}
	untold, last := 0, time.Time{}
	for _, m := range news {
		if s, ok := r.a.state(ctx, w.id, m); ok {
			states = append(states, s)
			if t := modified(m); live && t.After(since.Add(usualDelay)) && time.Since(t) > usualDelay {
				untold, last = untold+1, later(last, t)
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return err // names may be missing
	}
	if err := r.put(ctx, w, states, max(w.cursor, p.highest)); err != nil {
		return err
	}
	for _, m := range news {
		w.note(m)
	}
	if untold > 0 {
		r.silent(w.id, untold, last)
	}
	return nil
}

// put stores states, and with the last of them how far the conversation has been read.
func (r *reader) put(ctx context.Context, w *watched, states []bridge.State, cursor int64) error {
	for len(states) > putSize {
		if err := r.inbox.Put(ctx, bridge.Batch{Conversation: w.id, States: states[:putSize]}); err != nil {
			return &storeError{err}
		}
		states = states[putSize:]
	}
	last := bridge.Batch{Conversation: w.id, States: states}
	if cursor > w.cursor {
		last.Cursor = strconv.FormatInt(cursor, 10)
	}
	if len(last.States) > 0 || last.Cursor != "" {
		if err := r.inbox.Put(ctx, last); err != nil {
			return &storeError{err}
		}
		w.active = time.Now()
	}
	w.cursor = cursor
	return nil
}

// begin starts a conversation: where that is known, from when on its messages count, and it is then to be read from there; else at the present,
// where what the first page shows was there before.
func (r *reader) begin(ctx context.Context, w *watched, page messagePage, now time.Time) (again bool, err error) {
	if from := r.inbox.Begin(w.id); !from.IsZero() {
		b := bridge.Batch{Conversation: w.id, Cursor: strconv.FormatInt(from.UnixMilli(), 10), Begin: from}
		if err := r.inbox.Put(ctx, b); err != nil {
			return false, &storeError{err}
		}
		w.cursor, w.begun = from.UnixMilli(), true
		return true, nil
	}
	return false, r.beginNow(ctx, w, page, now)
}

func (r *reader) beginNow(ctx context.Context, w *watched, page messagePage, now time.Time) error {
	for len(page.messages) == 0 && page.next != "" {
		if err := pause(ctx, r.pace); err != nil {
			return err
		}
		var err error
		if page, err = r.a.page(ctx, listOf(w.place), page.next); err != nil {
			return err
		}
	}
	p := newPass(0, func(models.ChatMessageable) bool { return true })
	p.take(page, func(models.ChatMessageable) bool { return true })
	cursor, begin := max(now.UnixMilli(), p.highest), now
	for id, m := range p.found {
		w.seen.Add(id, versionOf(m))
		if t := value(m.GetCreatedDateTime()).Add(time.Millisecond); t.After(begin) {
			begin = t
		}
	}
	b := bridge.Batch{Conversation: w.id, Cursor: strconv.FormatInt(cursor, 10), Begin: begin}
	if err := r.inbox.Put(ctx, b); err != nil {
		return &storeError{err}
	}
	w.cursor, w.begun, w.whole = cursor, true, true
	return nil
}

// mayWait tells of a long thread that all we see of it is known and that it was read to its end a short while ago.
func (w *watched) mayWait(root models.ChatMessageable) bool {
	at, ok := w.readToEnd.Get(idOf(root))
	if !ok || time.Since(at) >= longThreadInterval {
		return false
	}
	for _, m := range append([]models.ChatMessageable{root}, root.GetReplies()...) {
		if known, ok := w.seen.Get(idOf(m)); !ok || known != versionOf(m) {
			return false
		}
	}
	return true
}

// backoff grows with the number of failures in a row: twice as long each time, up to a minute.
func backoff(first time.Duration, failures int) time.Duration {
	return cmp.Or(min(first<<min(failures, 20), time.Minute), first)
}
