package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"causeway/bridge"
)

// Talk is a direct or group conversation that was met, with the people that it had from one moment on.
type Talk struct {
	Conversation bridge.ConversationID
	Shape        bridge.Shape
	// Since is from when on it has had these members; zero: from the first.
	Since   time.Time
	Members []bridge.UserID // sorted
	// Topic is what it was called when it was met last.
	Topic string
	// Reason is why it is not carried, a number of the package direct; 0: it is. Missing are those who are the reason, Decided is when.
	Reason  int
	Missing []bridge.UserID
	Decided time.Time
}

// Meeting is what was decided about a talk.
type Meeting struct {
	Talk
	// Pair is what it is to be part of, when it is carried: Ends have servers and members, the talk's own its conversation.
	Pair Pair
	// Regroups: its people can change.
	Regroups bool
	// Lines gives what is said about it where its people have changed, and to whom; nil: nothing.
	Lines func(Met) []Telling
	// Second and Moved are the reasons where another conversation of the same people is carried, or the other end has other people now.
	Second, Moved int
}

// Met is what has become of a talk.
type Met struct {
	// Talk is as it is stored now.
	Talk
	// Pair is the one it is part of, when it is carried, or the one that stands in its way.
	Pair Pair
	// Changed are the other pairs of the conversation whose state has become another one.
	Changed []Pair
	// Beside are pairs of which this one has taken the place.
	Beside []Pair
	// Fresh: the pair was made just now.
	Fresh bool
	// Lines are what is to be said about it.
	Lines []Telling
	// Latest: no later change of its people is known.
	Latest bool
}

// Meet stores what was decided about a talk, and makes it part of a pair. What was said while it was refused is not carried.
func (s *Store) Meet(ctx context.Context, m Meeting) (Met, error) {
	var met Met
	err := s.do(ctx, func(t *tx) (err error) {
		met, err = t.meet(m)
		return err
	})
	if err != nil {
		err = fmt.Errorf("storing what becomes of %s: %w", m.Conversation, err)
	}
	return met, err
}

func (t *tx) meet(m Meeting) (Met, error) {
	here, err := t.conversation(m.Conversation)
	if err != nil {
		return Met{}, err
	}
	var one int
	newer, err := t.found("SELECT 1 FROM talks WHERE conversation = $1 AND since > $2 LIMIT 1", []any{here, millis(m.Since)}, &one)
	if err != nil {
		return Met{}, err
	}
	met := Met{Talk: m.Talk, Latest: !newer}
	var decided int64
	var was Talk
	var members []byte
	known, err := t.found("SELECT members, reason, decided FROM talks WHERE conversation = $1 AND since = $2", []any{here, millis(m.Since)}, &members, &was.Reason, &decided)
	if err != nil {
		return Met{}, err
	}
	if known && newer && string(members) != users(m.Members) {
		return t.keep(m, here)
	}
	if was.Reason != 0 {
		m.Pair.Begins = later(m.Pair.Begins, timeOf(decided))
	}
	if m.Reason == 0 {
		if err := t.join(&m, &met); err != nil {
			return Met{}, err
		}
	}
	met.Decided = timeOf(time.Now().UnixMilli())
	if err := t.exec(`INSERT INTO talks (conversation, since, shape, members, topic, reason, missing, decided) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (conversation, since) DO UPDATE SET members = excluded.members, topic = excluded.topic, reason = excluded.reason, missing = excluded.missing, decided = excluded.decided`,
		here, millis(m.Since), int(m.Shape), users(m.Members), m.Topic, met.Reason, users(m.Missing), met.Decided.UnixMilli()); err != nil {
		return Met{}, err
	}
	if met.Latest {
		met.Changed, err = t.retire(m, met, here)
	}
	if err == nil && m.Lines != nil {
		met.Lines = m.Lines(met)
		err = t.say(met.Lines)
	}
	return met, err
}

// keep leaves those in an earlier period who are in it: whoever reads a conversation from its middle does not know who was in it before.
func (t *tx) keep(m Meeting, here int64) (Met, error) {
	all, err := t.readTalks("WHERE t.conversation = $1 AND t.since = $2", here, millis(m.Since))
	if err != nil {
		return Met{}, err
	}
	met := Met{Talk: all[0]}
	if met.Reason != 0 {
		return met, nil
	}
	pairs, err := t.pairs(fmt.Sprintf("WHERE %s = $1 AND %[1]s_members = $2", endColumns[m.Pair.At(m.Conversation.Server)]), here, users(met.Members))
	if err == nil && len(pairs) > 0 {
		met.Pair = pairs[0]
	} else if err == nil {
		met.Reason = m.Moved
	}
	return met, err
}

// join makes a talk part of a pair. Of people that it does not have any more it is one that has moved.
func (t *tx) join(m *Meeting, met *Met) error {
	known := m.Pair.At(m.Conversation.Server)
	if !met.Latest {
		all, err := t.pairs(fmt.Sprintf("WHERE %s = $1 AND %[1]s_members = $2", endColumns[known]), t.conversations[m.Conversation], users(m.Members))
		if err != nil || len(all) > 0 {
			if len(all) > 0 {
				met.Pair = all[0]
			}
			return err
		}
		m.Pair.State = PairMoved
		met.Pair, err = t.newPair(m.Pair)
		return err
	}
	p, how, err := t.pair(m.Pair, known, m.Regroups)
	met.Pair = p
	met.Fresh = how == made
	if err == nil {
		met.Beside, err = t.beside(p, known)
	}
	switch how {
	case second:
		met.Reason = m.Second
	case moved:
		met.Reason = m.Moved
	}
	return err
}

// beside gives the pairs of which a new one has taken the place.
func (t *tx) beside(p Pair, known int) ([]Pair, error) {
	if p.State != PairOpen || !p.Ends[1-known].Known() {
		return nil, nil
	}
	other, err := t.conversation(p.Ends[1-known].Conversation)
	if err != nil {
		return nil, err
	}
	return t.pairs(fmt.Sprintf("WHERE state = $1 AND id <> $2 AND %s = $3 AND %[1]s_members = $4", endColumns[1-known]), int(PairBeside), p.ID, other, users(p.Ends[1-known].Members))
}

// retire closes the open pairs of a conversation that it is not part of any more.
func (t *tx) retire(m Meeting, met Met, here int64) ([]Pair, error) {
	all, err := t.pairs("WHERE state IN ($2, $3) AND (one = $1 OR two = $1)", here, int(PairOpen), int(PairBeside))
	if err != nil {
		return nil, err
	}
	var changed []Pair
	for _, p := range all {
		if met.Reason == 0 && (p.ID == met.Pair.ID || !m.Regroups) {
			continue // where nobody joins or leaves, it may be part of several
		}
		p.State = PairResting
		if m.Regroups && !slices.Equal(p.Here(m.Conversation).Members, m.Members) {
			p.State = PairMoved
		}
		if err := t.exec("UPDATE pairs SET state = $1 WHERE id = $2", int(p.State), p.ID); err != nil {
			return nil, err
		}
		changed = append(changed, p)
	}
	return changed, nil
}

// Rest closes an open pair until its conversations are met again, and notes of these why they are not carried.
func (s *Store) Rest(ctx context.Context, id int64, reason int, missing [2][]bridge.UserID) error {
	err := s.do(ctx, func(t *tx) error {
		all, err := t.pairs("WHERE id = $1 AND state IN ($2, $3)", id, int(PairOpen), int(PairBeside))
		if err != nil || len(all) == 0 {
			return err
		}
		for i, e := range all[0].Ends {
			if !e.Known() {
				continue
			}
			here, err := t.conversation(e.Conversation)
			if err != nil {
				return err
			}
			if err := t.exec(`UPDATE talks SET reason = $1, missing = $2, decided = $3 WHERE conversation = $4 AND members = $5 AND reason = 0`,
				reason, users(missing[i]), time.Now().UnixMilli(), here, users(e.Members)); err != nil {
				return err
			}
		}
		return t.exec("UPDATE pairs SET state = $1 WHERE id = $2", int(PairResting), id)
	})
	if err != nil {
		err = fmt.Errorf("storing that a conversation is not carried any more: %w", err)
	}
	return err
}

// Talks gives all that were met, those of one conversation in the order in which their people changed.
func (s *Store) Talks(ctx context.Context) ([]Talk, error) {
	return s.talks(ctx, "ORDER BY t.conversation, t.since")
}

// RefusedTalks gives those conversations of a user that are not carried, the latest decided first.
func (s *Store) RefusedTalks(ctx context.Context, server bridge.ServerID, u bridge.UserID, limit int) ([]Talk, error) {
	return s.talks(ctx, `WHERE c.server = $1 AND t.reason <> 0 AND EXISTS (SELECT 1 FROM json_each(t.members) WHERE value = $2)
		AND NOT EXISTS (SELECT 1 FROM talks later WHERE later.conversation = t.conversation AND later.since > t.since)
		ORDER BY t.decided DESC, t.conversation LIMIT $3`, string(server), string(u), limit)
}

func (s *Store) talks(ctx context.Context, where string, args ...any) ([]Talk, error) {
	var all []Talk
	err := s.do(ctx, func(t *tx) (err error) {
		all, err = t.readTalks(where, args...)
		return err
	})
	if err != nil {
		err = fmt.Errorf("reading direct and group conversations: %w", err)
	}
	return all, err
}

func (t *tx) readTalks(where string, args ...any) ([]Talk, error) {
	var all []Talk
	err := t.each(`SELECT c.server, c.channel, t.since, t.shape, t.members, t.topic, t.reason, t.missing, t.decided FROM talks t JOIN conversations c ON c.id = t.conversation
		`+where, args, func(rows *sql.Rows) error {
		var one Talk
		var members, missing []byte
		var since, decided int64
		if err := rows.Scan((*string)(&one.Conversation.Server), (*string)(&one.Conversation.Channel), &since, (*uint8)(&one.Shape), &members, &one.Topic, &one.Reason, &missing, &decided); err != nil {
			return err
		}
		one.Since, one.Decided = timeOf(since), timeOf(decided)
		err := errors.Join(json.Unmarshal(members, &one.Members), json.Unmarshal(missing, &one.Missing))
		all = append(all, one)
		return err
	})
	return all, err
}

// Pairs gives all, oldest first.
func (s *Store) Pairs(ctx context.Context) (all []Pair, err error) {
	err = s.do(ctx, func(t *tx) error {
		all, err = t.pairs("ORDER BY id")
		return err
	})
	if err != nil {
		err = fmt.Errorf("reading pairs of conversations: %w", err)
	}
	return all, err
}

// Try notes, before it is done, that the missing end of a pair is about to be opened as somebody. It gives the pair with what is known
// of earlier tries.
func (s *Store) Try(ctx context.Context, id int64, as bridge.UserID) (Pair, error) {
	return s.onPair(ctx, id, func(t *tx, p *Pair) error {
		if p.Opener != as || p.Tried.IsZero() {
			p.Opener, p.Tried = as, timeOf(time.Now().UnixMilli())
		}
		return t.exec("UPDATE pairs SET opener = $1, tried = $2 WHERE id = $3", string(p.Opener), millis(p.Tried), id)
	})
}

// Opened notes which conversation is the missing end of a pair, and what the account itself is to say then. Where another one has become that
// end meanwhile, it stays.
func (s *Store) Opened(ctx context.Context, id int64, c bridge.ConversationID, lines ...Telling) (Pair, error) {
	return s.onPair(ctx, id, func(t *tx, p *Pair) error {
		if p.Ends[p.At(c.Server)].Known() {
			return nil
		}
		if err := t.setEnd(p, p.At(c.Server), c); err != nil {
			return err
		}
		return t.say(lines)
	})
}

// Retitled notes what both ends of a pair are called.
func (s *Store) Retitled(ctx context.Context, id int64, topic string) (Pair, error) {
	return s.onPair(ctx, id, func(t *tx, p *Pair) error {
		p.Topic = topic
		return t.exec("UPDATE pairs SET topic = $1 WHERE id = $2", topic, id)
	})
}

func (s *Store) onPair(ctx context.Context, id int64, change func(*tx, *Pair) error) (Pair, error) {
	var p Pair
	err := s.do(ctx, func(t *tx) error {
		all, err := t.pairs("WHERE id = $1", id)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return fmt.Errorf("internal error: there is no pair %d", id)
		}
		p = all[0]
		return change(t, &p)
	})
	if err != nil {
		err = fmt.Errorf("storing a pair of conversations: %w", err)
	}
	return p, err
}

// SwitchOthers notes that direct and group messages are off between all servers but these, two each.
func (s *Store) SwitchOthers(ctx context.Context, linked [][2]bridge.ServerID) error {
	err := s.do(ctx, func(t *tx) error {
		var others [][2]string
		err := t.each("SELECT DISTINCT one_server, two_server FROM directs WHERE enabled = 1", nil, func(rows *sql.Rows) error {
			var one [2]string
			err := rows.Scan(&one[0], &one[1])
			if !slices.ContainsFunc(linked, func(l [2]bridge.ServerID) bool {
				return string(min(l[0], l[1])) == one[0] && string(max(l[0], l[1])) == one[1]
			}) {
				others = append(others, one)
			}
			return err
		})
		for _, one := range others {
			if err == nil {
				err = t.exec("UPDATE directs SET enabled = 0 WHERE one_server = $1 AND two_server = $2", one[0], one[1])
			}
		}
		return err
	})
	if err != nil {
		err = fmt.Errorf("storing between which servers direct messages are off: %w", err)
	}
	return err
}

// Switch notes whether direct and group messages are on between two servers, and gives since when; zero: always.
func (s *Store) Switch(ctx context.Context, a, b bridge.ServerID, direct, groups bool) (since [2]time.Time, err error) {
	one, two := min(a, b), max(a, b)
	err = s.do(ctx, func(t *tx) error {
		for i, on := range []bool{direct, groups} {
			var enabled bool
			var at int64
			found, err := t.found("SELECT enabled, since FROM directs WHERE one_server = $1 AND two_server = $2 AND groups = $3", []any{string(one), string(two), i}, &enabled, &at)
			if err != nil {
				return err
			}
			if found && on && !enabled {
				at = time.Now().UnixMilli()
			}
			since[i] = timeOf(at)
			if found && on == enabled {
				continue
			}
			if err := t.exec(`INSERT INTO directs (one_server, two_server, groups, enabled, since) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (one_server, two_server, groups) DO UPDATE SET enabled = excluded.enabled, since = excluded.since`, string(one), string(two), i, on, at); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("storing whether direct messages are on: %w", err)
	}
	return since, err
}
