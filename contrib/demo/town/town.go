package town

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
	"golang.org/x/sync/errgroup"
)

// Town is both sides and what is known of what crosses between them.
type Town struct {
	// Changed rings whenever something has become visible on either side.
	Changed *Bell

	sides  [2]Side
	people [2]map[string]string // by side and person who has connected: who they are on the other side

	mu     sync.Mutex
	ledger *ledger
}

// Twins are pairs of ids, the left one first.
type Twins [][2]string

// New makes a town. Channels are those that Causeway joins; people are those who have an account on either side and have connected them, or
// will.
func New(left, right Side, channels, people Twins) *Town {
	t := &Town{Changed: NewBell(), sides: [2]Side{left, right}, people: [2]map[string]string{{}, {}}, ledger: newLedger()}
	for _, pair := range channels {
		t.ledger.join(pair[0], pair[1])
	}
	for _, pair := range people {
		t.people[Left][pair[0]], t.people[Right][pair[1]] = pair[1], pair[0]
		t.ledger.introduce(nameOf(left, pair[0]), nameOf(right, pair[1]))
	}
	return t
}

// nameOf gives what somebody is called on their side.
func nameOf(s Side, person string) string {
	for _, p := range s.People() {
		if p.ID == person {
			return p.Call
		}
	}
	return ""
}

// Side gives one of the two sides.
func (t *Town) Side(where Place) Side { return t.sides[where] }

// Counterpart gives who a person is on the other side; empty: they have not connected.
func (t *Town) Counterpart(where Place, person string) string { return t.people[where][person] }

// Twin gives the conversation on the other side that one is joined to; empty: there is none yet.
func (t *Town) Twin(conversation string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ledger.twins[conversation]
}

// largestTalk is how many people a direct or group conversation may have: Mattermost's groups have eight at most.
const largestTalk = model.ChannelGroupMaxUsers

// Open gives the direct or group conversation of a person with others, who must all have connected.
func (t *Town) Open(ctx context.Context, where Place, person string, others []string) (string, error) {
	people := append([]string{person}, others...)
	for i, id := range people {
		switch {
		case t.people[where][id] == "":
			return "", ErrNotConnected
		case slices.Contains(people[:i], id):
			return "", ErrNobody
		}
	}
	if len(people) < 2 || len(people) > largestTalk {
		return "", ErrNobody
	}
	id, err := t.sides[where].Open(ctx, person, others)
	if err != nil {
		return "", err
	}
	t.mu.Lock()
	t.meet()
	t.mu.Unlock()
	t.Changed.Ring()
	return id, nil
}

// meet finds the two sides of direct and group conversations: they have the same people.
func (t *Town) meet() {
	left := map[string]string{}
	for _, c := range t.sides[Left].Conversations() {
		if c.Kind != Channel {
			left[together(c.Members, nil)] = c.ID
		}
	}
	for _, c := range t.sides[Right].Conversations() {
		if id := left[together(c.Members, t.people[Right])]; c.Kind != Channel && id != "" && t.ledger.twins[id] == "" {
			t.ledger.join(id, c.ID)
		}
	}
}

// together names a set of people, by what else they are called where that is given.
func together(members []string, as map[string]string) string {
	var all []string
	for _, id := range members {
		if as != nil {
			id = as[id]
		}
		all = append(all, id)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

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
	if slices.ContainsFunc(seen, func(m Message) bool { return t.ledger.twins[m.Conversation] == "" }) {
		t.meet()
	}
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
