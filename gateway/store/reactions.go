package store

import (
	"cmp"
	"database/sql"
	"maps"
	"slices"
	"time"

	"causeway/bridge"
)

// The states of a reaction that Causeway has set.
const (
	reactionSet     = 0 // it is there
	reactionRefused = 1 // the service does not take it
	reactionBegun   = 2 // begun to be set: perhaps it is there
	reactionGone    = 3 // the message was gone; tried again when it is back
	reactionTaken   = 4 // removed as a person, and states from before may still show it
	reactionLeaving = 5 // begun to be removed
	reactionAnew    = 6 // as 4, and a state has shown it: an old one, or its person has set it anew; looking tells
	reactionStuck   = 7 // it is there, and the service does not let it be removed
)

// Mark is an emoji of somebody.
type Mark struct {
	Emoji string
	// Writer is the user as whom it is set; empty: the relay, for everybody else.
	Writer bridge.UserID
}

func compareMarks(a, b Mark) int {
	return cmp.Or(cmp.Compare(a.Emoji, b.Emoji), cmp.Compare(a.Writer, b.Writer))
}

// What has been seen of a reaction that Causeway has set as a person.
const (
	unseen  = 0
	seen    = 1
	missing = 2 // a state lacks it: one from before, or its person took it away before it was seen; looking tells
)

// ownMark is what the store knows of a reaction that Causeway has set.
type ownMark struct{ state, seen int }

// ownMarks gives what Causeway has set on an instance as people.
func (p *putter) ownMarks(instance int64) (map[bridge.Reaction]ownMark, error) {
	own := map[bridge.Reaction]ownMark{}
	err := p.each("SELECT emoji, writer, state, seen FROM own_reactions WHERE instance = $1 AND writer <> ''", []any{instance}, func(rows *sql.Rows) error {
		var r bridge.Reaction
		var m ownMark
		err := rows.Scan(&r.Emoji, (*string)(&r.User), &m.state, &m.seen)
		own[r] = m
		return err
	})
	return own, err
}

// reactions makes the known set of one post what the state says.
func (p *putter) reactions(s *bridge.State, instance, number, message int64, reacted bool) error {
	var set []bridge.Reaction
	for _, r := range s.Reactions {
		if !p.routes.Own(r.User) && !slices.Contains(set, r) {
			set = append(set, r)
		}
	}
	if len(set) == 0 && !reacted {
		return nil
	}
	var taken []bridge.Reaction
	shown := set
	if reacted && number == 0 {
		var err error
		if set, taken, err = p.echoes(set, instance); err != nil {
			return err
		}
	}
	var before []bridge.Reaction
	err := p.each("SELECT person, emoji FROM reactions WHERE instance = $1 AND number = $2", []any{instance, number}, func(rows *sql.Rows) error {
		var r bridge.Reaction
		err := rows.Scan((*string)(&r.User), &r.Emoji)
		before = append(before, r)
		return err
	})
	if err != nil {
		return err
	}
	changed := len(taken) > 0
	for _, r := range before {
		if slices.Contains(set, r) {
			continue
		}
		changed = true
		if err := p.exec("DELETE FROM reactions WHERE instance = $1 AND number = $2 AND person = $3 AND emoji = $4", instance, number, string(r.User), r.Emoji); err != nil {
			return err
		}
		if !slices.Contains(shown, r) {
			taken = append(taken, r)
		}
	}
	for _, r := range set {
		if !slices.Contains(before, r) {
			changed = true
			if err := p.exec("INSERT INTO reactions (instance, number, person, emoji) VALUES ($1, $2, $3, $4)", instance, number, string(r.User), r.Emoji); err != nil {
				return err
			}
		}
	}
	for _, r := range taken {
		if err := p.takeAway(message, r); err != nil {
			return err
		}
	}
	if !changed {
		return nil
	}
	return p.reacted(instance, message)
}

// echoes takes out of the reactions on an instance those that Causeway has set as people. taken are those that their people
// have taken away.
func (p *putter) echoes(shown []bridge.Reaction, instance int64) (set, taken []bridge.Reaction, err error) {
	own, err := p.ownMarks(instance)
	if err != nil {
		return nil, nil, err
	}
	unclear := false
	change := func(query string, r bridge.Reaction) {
		if err == nil {
			err = p.exec(query+" WHERE instance = $1 AND emoji = $2 AND writer = $3", instance, r.Emoji, string(r.User))
		}
	}
	for _, r := range shown {
		m, ours := own[r]
		switch {
		case !ours:
			set = append(set, r)
		case m.state == reactionRefused:
			change("DELETE FROM own_reactions", r)
			set = append(set, r)
		case m.state == reactionTaken:
			change("UPDATE own_reactions SET state = 6", r)
			unclear = true
		case m.seen != seen && (m.state == reactionSet || m.state == reactionBegun):
			change("UPDATE own_reactions SET seen = 1", r)
		}
	}
	for r, m := range own {
		switch {
		case slices.Contains(shown, r) || m.seen == missing:
		case m.seen == unseen:
			if m.state == reactionSet || m.state == reactionBegun {
				change("UPDATE own_reactions SET seen = 2", r)
				unclear = true
			}
		case m.state == reactionSet || m.state == reactionBegun:
			taken = append(taken, r)
			change("DELETE FROM own_reactions", r)
		case m.state == reactionTaken || m.state == reactionAnew || m.state == reactionStuck:
			change("DELETE FROM own_reactions", r) // no older state can come after this one
		}
	}
	if unclear && err == nil {
		err = p.marks(p.woken, "UPDATE instances SET rank = COALESCE(rank, $1) WHERE id = $2 AND reason IS NULL RETURNING conversation", p.now, instance)
	}
	slices.SortFunc(taken, func(a, b bridge.Reaction) int {
		return cmp.Or(cmp.Compare(a.Emoji, b.Emoji), cmp.Compare(a.User, b.User))
	})
	return set, taken, err
}

// takeAway makes every other reaction of the same person with the same emoji Causeway's to remove: what a person has taken away
// at one place goes everywhere. One that cannot be removed as them stays known, so that it is not brought back.
func (p *putter) takeAway(message int64, r bridge.Reaction) error {
	type row struct {
		instance int64
		person   string
	}
	var rows []row
	err := p.each(`SELECT r.instance, r.person FROM identities x JOIN identities y ON y.person = x.person JOIN reactions r ON r.person = y.uid
			JOIN instances i ON i.id = r.instance JOIN conversations c ON c.id = i.conversation AND c.server = y.server
		WHERE x.server = $1 AND x.uid = $2 AND i.message = $3 AND r.number = 0 AND r.emoji = $4`,
		[]any{string(p.name.Server), string(r.User), message, r.Emoji}, func(all *sql.Rows) error {
			var one row
			err := all.Scan(&one.instance, &one.person)
			rows = append(rows, one)
			return err
		})
	if err != nil {
		return err
	}
	for _, one := range rows {
		if err := p.exec("DELETE FROM reactions WHERE instance = $1 AND number = 0 AND person = $2 AND emoji = $3", one.instance, one.person, r.Emoji); err != nil {
			return err
		}
		if err := p.exec(`INSERT INTO own_reactions (instance, emoji, writer, state, seen) VALUES ($1, $2, $3, 0, 1)
			ON CONFLICT (instance, emoji, writer) DO UPDATE SET state = 0, seen = 1`, one.instance, r.Emoji, one.person); err != nil {
			return err
		}
	}
	return p.marks(p.woken, markReacted, p.now, message, 0)
}

// loadReactions finds out what w's conversation should show, and what Causeway has set there.
func (l *lane) loadReactions(w *Work) error {
	hand := map[Mark]bool{}
	err := l.each("SELECT emoji, person FROM reactions WHERE instance = $1", []any{w.Instance}, func(rows *sql.Rows) error {
		var m Mark
		err := rows.Scan(&m.Emoji, (*string)(&m.Writer))
		hand[m] = true
		return err
	})
	if err != nil {
		return err
	}
	visible, err := l.loadOwn(w)
	if err != nil {
		return err
	}
	w.Reacted = map[Mark][]bridge.ConversationID{}
	err = l.each(`SELECT DISTINCT r.emoji, COALESCE(y.uid, ''), COALESCE(y.state, -1), c.server, c.channel FROM instances i JOIN reactions r ON r.instance = i.id
			JOIN conversations c ON c.id = i.conversation LEFT JOIN identities x ON x.server = c.server AND x.uid = r.person
			LEFT JOIN identities y ON y.person = x.person AND y.server = $3
		WHERE i.message = $1 AND i.id <> $2`, []any{w.Message.id, w.Instance, string(l.name.Server)}, func(rows *sql.Rows) error {
		var m Mark
		var state int
		var at bridge.ConversationID
		if err := rows.Scan(&m.Emoji, (*string)(&m.Writer), &state, (*string)(&at.Server), (*string)(&at.Channel)); err != nil {
			return err
		}
		switch {
		case m.Writer != "" && hand[m]: // they have set it here, too
		case m.Writer != "" && IdentityState(state) == Connected:
			w.Reacted[m] = append(w.Reacted[m], at)
		case m.Writer != "" && visible[m]: // set as them before
		default:
			w.Longing = w.Longing || m.Writer != "" && IdentityState(state) == Lost
			m.Writer = ""
			w.Reacted[m] = append(w.Reacted[m], at)
		}
		return nil
	})
	w.Wanted = slices.SortedFunc(maps.Keys(w.Reacted), compareMarks)
	return err
}

// loadOwn sorts what Causeway has set by what is known of it, and gives what can be seen. What cannot be removed as its writer is
// left out of the rest.
func (l *lane) loadOwn(w *Work) (visible map[Mark]bool, err error) {
	visible = map[Mark]bool{}
	err = l.each(`SELECT o.emoji, o.writer, o.state, o.seen, o.made, o.writer = '' OR COALESCE(y.state, -1) = 0 FROM own_reactions o
			LEFT JOIN identities y ON y.server = $2 AND y.uid = o.writer
		WHERE o.instance = $1 ORDER BY o.emoji, o.writer`, []any{w.Instance, string(l.name.Server)}, func(rows *sql.Rows) error {
		var m Mark
		var state, shown int
		var made int64
		var able bool
		if err := rows.Scan(&m.Emoji, (*string)(&m.Writer), &state, &shown, &made, &able); err != nil {
			return err
		}
		if at := time.UnixMilli(made); at.After(w.LookAfter) {
			w.LookAfter = at
		}
		visible[m] = state == reactionSet || state == reactionStuck
		w.Unclear = w.Unclear || state == reactionAnew || state == reactionSet && shown == missing
		switch {
		case state == reactionTaken || state == reactionAnew:
			w.Taken = append(w.Taken, m)
		case !able || state == reactionStuck:
		case state == reactionLeaving && m.Writer != "":
			w.Leaving = append(w.Leaving, m)
		case state == reactionSet:
			w.Set = append(w.Set, m)
		case state == reactionRefused, state == reactionGone:
			w.Refused = append(w.Refused, m)
		default:
			w.Begun = append(w.Begun, m)
		}
		return nil
	})
	return visible, err
}

// reacted writes down how setting or removing a reaction ended.
func (l *lane) reacted(o *Outcome) error {
	m := o.Step.mark()
	change := func(query string, args ...any) error {
		return l.exec(query+" WHERE instance = $1 AND emoji = $2 AND writer = $3", append([]any{o.Work.Instance, m.Emoji, string(m.Writer)}, args...)...)
	}
	switch {
	case o.Verdict == Absent:
		return nil
	case o.Verdict == Vanished:
		// What has been seen of the post meanwhile may be that it is back: then it is not to be waited for.
		return change(`UPDATE own_reactions SET state = CASE (SELECT revision FROM parts p WHERE p.instance = $1 AND p.number = 0) WHEN $4 THEN 3 ELSE 2 END`, o.Work.Parts[0].Revision)
	case o.Verdict == Refused && o.Step.Op == React:
		return change("UPDATE own_reactions SET state = $4", reactionRefused)
	case o.Step.Op == React:
		return change("UPDATE own_reactions SET state = $4, made = $5", reactionSet, time.Now().UnixMilli())
	case m.Writer == "":
		return change("DELETE FROM own_reactions")
	case o.Verdict == Refused:
		return change("UPDATE own_reactions SET state = $4", reactionStuck)
	}
	return change("UPDATE own_reactions SET state = $4, made = $5", reactionTaken, time.Now().UnixMilli())
}
