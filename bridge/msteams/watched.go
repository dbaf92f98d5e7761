package msteams

import (
	"context"
	"fmt"
	"strconv"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/microsoftgraph/msgraph-sdk-go/models"

	"causeway/bridge"
)

// watched is one channel. While it is busy it belongs to the goroutine that reads on, else to the reader.
type watched struct {
	id    bridge.ConversationID
	place place
	// group: a chat whose members can change.
	group bool
	// puzzles counts the readings in a row in which it did not fit together who is in a group and who has come and gone.
	puzzles int
	// cursor is the last change up to which everything has been read, in epoch milliseconds.
	cursor int64
	begun  bool
	// seen is what has been put, and so needs no putting again. Deletions move no cursor: this finds them.
	seen *lru.Cache[bridge.MessageID, version]
	// readToEnd says when a long thread was last read to its end.
	readToEnd *lru.Cache[bridge.MessageID, time.Time]

	// look is what the first page looks like, since when; settled: such a page holds nothing new.
	look, settled pageLook
	lookSince     time.Time

	due    time.Time
	active time.Time
	// overlapped is when it was read beyond its first page only for what Graph may show late.
	// owed: that is still to be done.
	overlapped time.Time
	owed       bool
	failures   int
	// failing is since when every reading has failed; zero when the last one did not.
	failing time.Time
	busy    bool
	// again: nudged while it was busy.
	again bool
	stop  context.CancelFunc

	// last is closed when the delivery that came last has been taken. Guarded by the reader's mu.
	last chan struct{}
	gate *gate
	// whole: the last reading had no gap before it, so that what it has put is all that was said before it.
	whole bool
	// read is when a reading last began or ended. Guarded by the reader's mu, as what follows.
	read time.Time
	// doubts counts the deliveries of which it could not be told whether they are genuine, so that Graph repeats them. What they hold of the
	// first asked of them is in the last reading that began; the first dispelled of them keep nobody waiting any more.
	doubts, asked, dispelled int
	// echo is one of our own posts, which the subscription must show by a certain time.
	echo   bridge.MessageID
	echoBy time.Time
}

func (w *watched) is(c bridge.ConversationID) bool { return w.id == c }

// isNews tells whether a message looks otherwise than when it was put last.
func (w *watched) isNews(m models.ChatMessageable) bool {
	known, ok := w.seen.Get(idOf(m))
	return !ok || known != versionOf(m)
}

// note remembers that a message has been put. What arrives late is no newer for it.
func (w *watched) note(m models.ChatMessageable) {
	id, v := idOf(m), versionOf(m) // a deletion may leave the revision as it was
	known, ok := w.seen.Get(id)
	if !ok || known.revision < v.revision || known.revision == v.revision && (v.deleted || !known.deleted) {
		w.seen.Add(id, v)
	}
}

// channel gives a watched channel; nil when it is not watched.
func (r *reader) channel(c bridge.ConversationID) *watched {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.channels[c]
}

// queue gives a delivery its turn in a channel: it waits for before, and closes done.
func (r *reader) queue(w *watched) (before <-chan struct{}, done chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before, done = w.last, make(chan struct{})
	w.last = done
	return before, done
}

// nudge has some channels read now.
func (r *reader) nudge(which func(bridge.ConversationID) bool) {
	r.mu.Lock()
	for c := range r.channels {
		if which(c) {
			r.nudged[c] = time.Now()
		}
	}
	r.mu.Unlock()
	r.signal()
}

// interrupt keeps deliveries out of some channels until they have been read anew. It is called before a subscription delivers
// that has not done so before: what was said until then comes by the reading alone, and goes first.
func (r *reader) interrupt(which func(bridge.ConversationID) bool) {
	r.mu.Lock()
	for c, w := range r.channels {
		if which(c) {
			w.gate.interrupt()
		}
	}
	r.mu.Unlock()
	r.nudge(which)
}

// refuseAll has all channels read for a delivery of which it is not known what it is about. It may be one of many, so unlike an interruption it
// does not keep them shut for ever.
func (r *reader) refuseAll() {
	r.mu.Lock()
	for _, w := range r.channels {
		w.gate.refuse()
	}
	r.mu.Unlock()
	r.nudge(func(bridge.ConversationID) bool { return true })
}

// suspect has a channel read of which something arrived that cannot be used. It may be nonsense that somebody sends, so that
// costs one reading a minute at most.
func (r *reader) suspect(w *watched) {
	r.mu.Lock()
	if _, ok := r.nudged[w.id]; !ok {
		r.nudged[w.id] = w.read.Add(time.Minute)
	}
	r.mu.Unlock()
	r.signal()
}

// doubt notes that a delivery is repeated which may be genuine. The channel is read instead, as by suspect.
func (r *reader) doubt(w *watched) {
	r.mu.Lock()
	w.doubts++
	r.mu.Unlock()
	r.suspect(w)
}

// doubtful tells, once, that there was such a delivery before one that is genuine, and that nothing has been read since: that goes first. As it
// may have been forged, the reading is one a minute at most, and what is genuine waits for as long.
func (r *reader) doubtful(w *watched) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	doubtful := w.dispelled < w.doubts
	w.dispelled = w.doubts
	return doubtful
}

// suspectAll is suspect for some channels.
func (r *reader) suspectAll(which func(bridge.ConversationID) bool) {
	r.mu.Lock()
	var some []*watched
	for c, w := range r.channels {
		if which(c) {
			some = append(some, w)
		}
	}
	r.mu.Unlock()
	for _, w := range some {
		r.suspect(w)
	}
}

func (r *reader) signal() {
	select {
	case r.nudges <- struct{}{}:
	default:
	}
}

// obey makes the channels due that were nudged.
func (r *reader) obey() {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for c, at := range r.nudged {
		w := r.channels[c]
		switch {
		case w == nil:
		case w.busy && !at.After(now):
			w.again = true
		case w.busy:
			continue
		case at.Before(w.due):
			w.due = at
		}
		delete(r.nudged, c)
	}
}

// expect notes that a post of our own must show up in a channel that is covered by a subscription.
func (r *reader) expect(c bridge.ConversationID, id bridge.MessageID) {
	if _, ok := r.live(c); !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := r.channels[c]; w != nil && w.echo == "" {
		w.echo, w.echoBy = id, time.Now().Add(usualDelay+nextLook)
	}
}

// listen makes the channels due whose subscription has not shown our own post.
func (r *reader) listen(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.channels {
		if w.echo == "" || now.Before(w.echoBy) {
			continue
		}
		if !w.seen.Contains(w.echo) {
			w.due = now
		}
		w.echo = ""
	}
}

// open prepares a channel; nil when its id or cursor cannot be read, which has been reported then.
func (r *reader) open(ctx context.Context, c bridge.ConversationID) (*watched, error) {
	p, err := r.a.channelPlace(c)
	if err != nil {
		r.inbox.Trouble(c, err)
		return nil, nil
	}
	text, err := r.inbox.Cursor(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("loading a cursor: %w", err)
	}
	size := remembered
	if p.chat != "" {
		size = rememberedOfChat
	}
	seen, err := lru.New[bridge.MessageID, version](size)
	if err != nil {
		return nil, fmt.Errorf("preparing to compare messages: %w", err)
	}
	readToEnd, err := lru.New[bridge.MessageID, time.Time](longThreads)
	if err != nil {
		return nil, fmt.Errorf("preparing to remember threads: %w", err)
	}
	w := &watched{id: c, place: p, group: p.chat != "" && !isPair(p.chat), seen: seen, readToEnd: readToEnd, due: time.Now(), active: time.Now(), overlapped: time.Now(),
		last: make(chan struct{}), gate: newGate()}
	close(w.last)
	if text != "" {
		if w.cursor, err = strconv.ParseInt(text, 10, 64); err != nil {
			r.inbox.Trouble(c, fmt.Errorf("reading a cursor: %w", err))
			return nil, nil
		}
		w.begun = true
	}
	return w, nil
}
