package town

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Town is both sides and what is known of what crosses between them.
type Town struct {
	// Changed rings whenever something has become visible on either side.
	Changed *Bell

	sides [2]Side
	twins map[string]string

	mu     sync.Mutex
	ledger *ledger
}

// New makes a town. Twins are the pairs of conversations that Causeway joins, the left one first.
func New(left, right Side, twins [][2]string) *Town {
	both := map[string]string{}
	for _, pair := range twins {
		both[pair[0]], both[pair[1]] = pair[1], pair[0]
	}
	return &Town{Changed: NewBell(), sides: [2]Side{left, right}, twins: both, ledger: newLedger(both)}
}

// Side gives one of the two sides.
func (t *Town) Side(where Place) Side { return t.sides[where] }

// Twin gives the conversation on the other side that one is joined to.
func (t *Town) Twin(conversation string) string { return t.twins[conversation] }

// Watch keeps the ledger until ctx ends.
func (t *Town) Watch(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, where := range []Place{Left, Right} {
		g.Go(func() error { return t.sides[where].Watch(ctx, func(seen []Message) { t.see(where, seen) }) })
	}
	return g.Wait()
}

func (t *Town) see(where Place, seen []Message) {
	t.mu.Lock()
	t.ledger.update(where, seen)
	t.mu.Unlock()
	t.Changed.Ring()
}

// Counts gives the figures. Calm says since when Causeway runs and nothing is in its way; zero: it is not so.
func (t *Town) Counts(calm time.Time) Counts {
	t.mu.Lock()
	before := t.ledger.touched
	c := t.ledger.counts(time.Now(), calm)
	changed := t.ledger.touched != before
	t.mu.Unlock()
	if changed {
		t.Changed.Ring()
	}
	return c
}

// State is how it stands with an instance.
type State string

// What may be known of an instance.
const (
	Settled State = "settled" // the other side shows the same
	Waiting State = "waiting" // not on the other side yet
	Behind  State = "behind"  // the other side shows an older look
	Alone   State = "alone"   // a copy of nothing
)

// View is an instance as the page shows it, and what is known of its counterpart.
type View struct {
	Place        Place      `json:"side"`
	Conversation string     `json:"conversation"`
	ID           string     `json:"id"`
	Root         string     `json:"root,omitempty"`
	Author       string     `json:"author"`
	Person       string     `json:"person,omitempty"`
	Copy         bool       `json:"copy,omitempty"`
	Body         []Node     `json:"body,omitempty"`
	Source       string     `json:"source,omitempty"` // of people's own messages
	At           int64      `json:"at"`               // epoch ms
	Edited       bool       `json:"edited,omitempty"`
	Deleted      bool       `json:"deleted,omitempty"`
	Files        []File     `json:"files,omitempty"`
	Reactions    []Reaction `json:"reactions,omitempty"`

	State State   `json:"state"`
	Twin  string  `json:"twin,omitempty"`  // id of the counterpart
	Took  float64 `json:"took"`            // of the latest change that crossed, ms
	From  Place   `json:"from"`            // the side on which that change was made
	Since int64   `json:"since,omitempty"` // when the other side fell behind, epoch ms
}

// Since gives what has changed after a mark, oldest message first, and the next mark; mark 0 gives everything.
func (t *Town) Since(mark uint64) ([]View, uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []View
	for _, where := range []Place{Left, Right} {
		for _, e := range t.ledger.order[where] {
			if e.touched > mark {
				out = append(out, e.view())
			}
		}
	}
	return out, t.ledger.touched
}

func (e *entry) view() View {
	v := View{
		Place: e.place, Conversation: e.Conversation, ID: e.ID, Root: e.Root, Author: e.Author, Person: e.Person, Copy: e.Copy,
		Body: e.Body, At: e.At.UnixMilli(), Edited: e.Edited, Deleted: e.Deleted, Files: e.Files, Reactions: e.Reactions,
	}
	if e.Person != "" {
		v.Source = e.Source
	}
	origin, twin := e, e.copy
	if e.Copy {
		origin, twin = e.origin, e.origin
	}
	if twin != nil {
		v.Twin = twin.ID
	}
	switch {
	case origin == nil:
		v.State = Alone
		return v
	case origin.behind.IsZero():
		v.State = Settled
	case origin.copy == nil:
		v.State = Waiting
	default:
		v.State = Behind
	}
	v.From = origin.from
	v.Took = float64(origin.took.Microseconds()) / 1000
	if !origin.behind.IsZero() {
		v.Since = origin.behind.UnixMilli()
	}
	return v
}

// TwinOf gives the id of a message's instance on the other side, "" while there is none.
func (t *Town) TwinOf(where Place, id string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.ledger.entries[where][id]
	switch {
	case e == nil:
	case e.origin != nil:
		return e.origin.ID
	case e.copy != nil:
		return e.copy.ID
	}
	return ""
}
