package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"causeway/bridge"
)

// PairState says how far a pair is in use. There is at most one open pair of the same people.
type PairState int

const (
	// PairOpen: what is said at one end is carried to the other.
	PairOpen PairState = iota
	// PairMoved: the people at one end have changed. What was carried still follows its changes, and nothing new goes to that end.
	PairMoved
	// PairResting: it may not be carried any more. It is taken up again when it may.
	PairResting
	// PairBeside: people on both sides have begun at once, and the pair of the same people with the conversation that they have begun has taken this
	// one's place. What they say here all the same is carried, and nothing new comes here.
	PairBeside
)

var pairStateNames = [...]string{"open", "moved", "resting", "beside"}

// String gives the state's name in tests.
func (s PairState) String() string { return pairStateNames[s] }

// Live reports whether what people say in the pair is carried.
func (s PairState) Live() bool { return s == PairOpen || s == PairBeside }

// PairEnd is a conversation of a pair.
type PairEnd struct {
	// Conversation is without a channel while it has not been opened.
	Conversation bridge.ConversationID
	// Members, sorted.
	Members []bridge.UserID
}

// Known reports whether the end exists.
func (e PairEnd) Known() bool { return e.Conversation.Channel != "" }

// Pair is two direct or group conversations of the same people that mirror each other.
type Pair struct {
	ID    int64
	Shape bridge.Shape
	// Ends are on two servers; the one that sorts first is first.
	Ends  [2]PairEnd
	Topic string
	// Begins: what was said earlier is not carried.
	Begins time.Time
	State  PairState
	// Tried is when it was first tried to open the missing end, as Opener; zero: never.
	Tried  time.Time
	Opener bridge.UserID
}

// At gives which end is on a server.
func (p Pair) At(server bridge.ServerID) int {
	if p.Ends[0].Conversation.Server == server {
		return 0
	}
	return 1
}

// Other gives the end to which something at c is carried.
func (p Pair) Other(c bridge.ConversationID) PairEnd { return p.Ends[1-p.At(c.Server)] }

// Here gives the end that is on the server of c.
func (p Pair) Here(c bridge.ConversationID) PairEnd { return p.Ends[p.At(c.Server)] }

const pairColumns = "id, shape, one_server, two_server, one, two, one_members, two_members, topic, begins, state, tried, opener"

func (t *tx) pairs(query string, args ...any) ([]Pair, error) {
	var all []Pair
	var ends [][2]sql.NullInt64
	err := t.each("SELECT "+pairColumns+" FROM pairs "+query, args, func(rows *sql.Rows) error {
		var p Pair
		var end [2]sql.NullInt64
		var begins, tried int64
		var members [2][]byte
		if err := rows.Scan(&p.ID, (*uint8)(&p.Shape), (*string)(&p.Ends[0].Conversation.Server), (*string)(&p.Ends[1].Conversation.Server), &end[0], &end[1],
			&members[0], &members[1], &p.Topic, &begins, (*int)(&p.State), &tried, (*string)(&p.Opener)); err != nil {
			return err
		}
		p.Begins, p.Tried = timeOf(begins), timeOf(tried)
		all, ends = append(all, p), append(ends, end)
		for i := range members {
			if err := json.Unmarshal(members[i], &all[len(all)-1].Ends[i].Members); err != nil {
				return err
			}
		}
		return nil
	})
	for i := 0; err == nil && i < len(all); i++ {
		for n, id := range ends[i] {
			if id.Valid && err == nil {
				all[i].Ends[n].Conversation, err = t.name(id.Int64)
			}
		}
	}
	return all, err
}

// users gives a set of members as it is stored, to be compared as it is.
func users(all []bridge.UserID) string {
	sorted := slices.Compact(slices.Sorted(slices.Values(all)))
	if sorted == nil {
		sorted = []bridge.UserID{}
	}
	text, _ := json.Marshal(sorted) // strings: cannot fail
	return string(text)
}

// endColumns are the columns of an end that the first %s stands for.
var endColumns = [...]string{"one", "two"}

// pairing is how looking for a pair went.
type pairing int

const (
	paired pairing = iota
	// second: the same people are in another open pair already.
	second
	// moved: the people at the other end have changed.
	moved
	// made: a pair was made for it.
	made
)

// pair finds or makes the open pair of want, of whose ends the one at known exists. regroups: its people can change.
func (t *tx) pair(want Pair, known int, regroups bool) (Pair, pairing, error) {
	here := want.Ends[known].Conversation
	all, err := t.pairs("WHERE one_server = $1 AND two_server = $2 AND shape = $3 AND (one_members = $4 OR two_members = $5) ORDER BY state, id DESC",
		string(want.Ends[0].Conversation.Server), string(want.Ends[1].Conversation.Server), int(want.Shape), users(want.Ends[0].Members), users(want.Ends[1].Members))
	if err != nil {
		return Pair{}, paired, err
	}
	for _, p := range all {
		end, same := p.Ends[known], slices.Equal(p.Ends[0].Members, want.Ends[0].Members) && slices.Equal(p.Ends[1].Members, want.Ends[1].Members)
		switch {
		case p.State == PairOpen && (!same || end.Known() && end.Conversation != here):
			if same && regroups {
				if replaced, err := t.replace(&p, known, here); err != nil || replaced {
					return p, paired, err
				}
				if i := slices.IndexFunc(all, func(q Pair) bool { return q.State == PairBeside && q.Ends[known].Conversation == here }); i >= 0 {
					return all[i], paired, nil
				}
				overtaken, err := t.overtaken(p, known)
				if err != nil {
					return Pair{}, paired, err
				}
				if overtaken {
					want.Ends[1-known].Conversation, want.Begins, want.Topic = p.Ends[1-known].Conversation, later(p.Begins, want.Begins), p.Topic
					continue
				}
			}
			return p, second, nil
		case !same || end.Known() && end.Conversation != here || p.State != PairOpen && !end.Known():
			continue
		case p.State == PairMoved && !regroups:
			return p, moved, nil
		}
		if gone, err := t.left(p.Ends[1-known]); err != nil || gone {
			if err == nil {
				p.State = PairMoved
				err = t.exec("UPDATE pairs SET state = $1 WHERE id = $2", int(p.State), p.ID)
			}
			return p, moved, err
		}
		if p.State != PairOpen {
			refused, err := t.refusedUntil(p)
			if err != nil {
				return Pair{}, paired, err
			}
			p.State, p.Begins = PairOpen, later(later(p.Begins, want.Begins), refused)
			if err := t.exec("UPDATE pairs SET state = 0, begins = $1 WHERE id = $2", millis(p.Begins), p.ID); err != nil {
				return Pair{}, paired, err
			}
			if err := t.carriedNow(p); err != nil {
				return Pair{}, paired, err
			}
		}
		if !end.Known() {
			err = t.begun(&p, known, here)
		}
		return p, paired, err
	}
	p, err := t.newPair(want)
	return p, made, err
}

// refusedUntil gives when either end of a pair was last known to be refused with just these people; zero: neither was. What was said there until then is not carried, whichever end the pair is
// taken up again from.
func (t *tx) refusedUntil(p Pair) (latest time.Time, err error) {
	for _, e := range p.Ends {
		if !e.Known() {
			continue
		}
		c, err := t.conversation(e.Conversation)
		if err != nil {
			return latest, err
		}
		var decided int64
		if err := t.row("SELECT COALESCE(MAX(decided), 0) FROM talks WHERE conversation = $1 AND members = $2 AND reason <> 0", c, users(e.Members)).Scan(&decided); err != nil {
			return latest, err
		}
		latest = later(latest, timeOf(decided))
	}
	return latest, nil
}

// replace makes another conversation the end of a pair where the one that Causeway has opened is still empty: people on both sides have begun
// at once, and theirs counts. What was to go to the empty one goes there.
func (t *tx) replace(p *Pair, end int, c bridge.ConversationID) (bool, error) {
	empty, err := t.conversation(p.Ends[end].Conversation)
	if err != nil || p.Tried.IsZero() {
		return false, err
	}
	var one int
	used, err := t.found("SELECT 1 FROM parts WHERE conversation = $1 LIMIT 1", []any{empty}, &one)
	if err != nil || used {
		return false, err
	}
	id, err := t.conversation(c)
	if err != nil {
		return false, err
	}
	for _, table := range []string{"instances", "notices"} {
		if err := t.exec("UPDATE "+table+" SET conversation = $1 WHERE conversation = $2", id, empty); err != nil {
			return false, err
		}
	}
	return true, t.begun(p, end, c)
}

// atOnce is how long after Causeway has opened a conversation one that people have begun counts as begun at once with that on the other side.
const atOnce = 10 * time.Minute

// overtaken puts a pair beside the one that is to take its place, where the end that Causeway has opened is new, and nobody has spoken in it yet.
func (t *tx) overtaken(p Pair, end int) (bool, error) {
	if p.Tried.IsZero() || time.Since(p.Tried) > atOnce || !p.Ends[1-end].Known() {
		return false, nil
	}
	opened, err := t.conversation(p.Ends[end].Conversation)
	if err != nil {
		return false, err
	}
	var one int
	if spoken, err := t.found("SELECT 1 FROM messages WHERE origin = $1 LIMIT 1", []any{opened}, &one); err != nil || spoken {
		return false, err
	}
	return true, t.exec("UPDATE pairs SET state = $1 WHERE id = $2", int(PairBeside), p.ID)
}

// begun makes a conversation that people have begun an end of a pair, whatever Causeway has tried or opened.
func (t *tx) begun(p *Pair, end int, c bridge.ConversationID) error {
	id, err := t.conversation(c)
	if err != nil {
		return err
	}
	p.Ends[end].Conversation, p.Tried, p.Opener = c, time.Time{}, ""
	if err := t.exec(fmt.Sprintf("UPDATE pairs SET %s = $1, tried = 0, opener = '' WHERE id = $2", endColumns[end]), id, p.ID); err != nil {
		return err
	}
	return t.carriedNow(*p)
}

// left reports whether a conversation has other people now.
func (t *tx) left(e PairEnd) (bool, error) {
	if !e.Known() {
		return false, nil
	}
	c, err := t.conversation(e.Conversation)
	if err != nil {
		return false, err
	}
	var members string
	met, err := t.found("SELECT members FROM talks WHERE conversation = $1 ORDER BY since DESC LIMIT 1", []any{c}, &members)
	return met && members != users(e.Members), err
}

func (t *tx) newPair(p Pair) (Pair, error) {
	var ends [2]any
	for i, e := range p.Ends {
		if !e.Known() {
			continue
		}
		id, err := t.conversation(e.Conversation)
		if err != nil {
			return Pair{}, err
		}
		ends[i] = id
	}
	var err error
	p.ID, err = t.insert(`INSERT INTO pairs (shape, one_server, two_server, one, two, one_members, two_members, topic, begins, state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id`,
		int(p.Shape), string(p.Ends[0].Conversation.Server), string(p.Ends[1].Conversation.Server), ends[0], ends[1],
		users(p.Ends[0].Members), users(p.Ends[1].Members), p.Topic, millis(p.Begins), int(p.State))
	if err != nil || p.State != PairOpen {
		return p, err
	}
	return p, t.carriedNow(p)
}

// carriedNow forgets who knows why nothing of the ends of a pair was carried that is open now. The cache of the gateway does the same; see talks.taken.
func (t *tx) carriedNow(p Pair) error {
	for _, e := range p.Ends {
		if e.Known() {
			if err := t.untold(e.Conversation); err != nil {
				return err
			}
		}
	}
	return nil
}

// setEnd notes which conversation is an end that is not known.
func (t *tx) setEnd(p *Pair, end int, c bridge.ConversationID) error {
	id, err := t.conversation(c)
	if err != nil {
		return err
	}
	p.Ends[end].Conversation = c
	if err := t.exec(fmt.Sprintf("UPDATE pairs SET %s = $1 WHERE id = $2 AND %[1]s IS NULL", endColumns[end]), id, p.ID); err != nil || p.State != PairOpen {
		return err
	}
	return t.carriedNow(*p)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
