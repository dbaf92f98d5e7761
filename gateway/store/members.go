package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"

	"causeway/bridge"
)

// A member is a process that delivers to some conversations while another one holds the store, which gives them to it, one by one, and takes them back. Its row in the
// table members is its lease: each of its commits names its token there, so that it can store nothing any more once the holder has struck it out, and its number is
// that of a lock that its session has, by which the holder sees that it is there. What it was given stands in the table lanes. Whoever has no row there is delivered
// to by the holder.

// Member is such a process, as the holder sees it.
type Member struct {
	Number int64
	Name   string
	// Fit is what it could deliver, as it has said by [Store.Able]; empty: nothing now.
	Fit string
	// Present: its session is there.
	Present bool
}

// Lane is a conversation to which a member delivers.
type Lane struct {
	Conversation bridge.ConversationID
	Member       int64
	// Back: it is to be given back.
	Back bool
	// Trouble is what keeps the member from delivering, as it has said by [Store.Troubled]; empty: nothing.
	Trouble string
}

// errNoMember: the store has another version.
var errNoMember = errors.New("it delivers when the one that leads has the same version")

// join makes the session that of a member.
func (p *postgres) join(ctx context.Context, conn *sql.Conn) error {
	var version int
	if err := conn.QueryRowContext(ctx, "SELECT version FROM store").Scan(&version); err != nil && !noTable(err) {
		return fmt.Errorf("looking which version it has: %w", err)
	}
	if version != len(migrations) {
		return fmt.Errorf("the store has version %d, this Causeway %d: %w", version, len(migrations), errNoMember)
	}
	p.number = 1 + rand.Int64N(1<<31-1)
	if err := p.hold(ctx, conn); err != nil {
		return err
	}
	var err error
	if p.lineage, err = lineage(ctx, conn); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "INSERT INTO members (number, token, name) VALUES ($1, $2, current_setting('application_name'))", p.number, p.token); err != nil {
		return fmt.Errorf("joining those who deliver: %w", err)
	}
	return nil
}

// membersLocked finds the sessions of members.
const membersLocked = `FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.classid = $1::int4::oid AND l.objid = m.number::oid`

// Members gives those that there are, in the order of their numbers, and ends the sessions of those that are silent. It is for the holder; in SQLite there are none.
func (s *Store) Members(ctx context.Context) ([]Member, error) {
	p, ok := s.engine.(*postgres)
	if !ok {
		return nil, nil
	}
	_, err := p.db.ExecContext(ctx, "SELECT (SELECT count(pg_terminate_backend(a.pid)) "+membersLocked+" AND "+silentFor("$2", "$3")+") FROM members m",
		helping, silence.Milliseconds(), statementTime.Milliseconds())
	var all []Member
	if err == nil {
		all, err = s.members(ctx)
	}
	if err != nil {
		err = fmt.Errorf("looking who delivers: %w", err)
	}
	return all, err
}

func (s *Store) members(ctx context.Context) (all []Member, err error) {
	rows, err := s.rowsBeside(ctx, "SELECT m.number, m.name, m.fit, EXISTS (SELECT 1 "+membersLocked+") FROM members m ORDER BY m.number", helping)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var m Member
		if err := rows.Scan(&m.Number, &m.Name, &m.Fit, &m.Present); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, rows.Err()
}

// Expel strikes a member out, which can store nothing any more then, and gives the conversations that it had.
func (s *Store) Expel(ctx context.Context, member int64) (had []bridge.ConversationID, err error) {
	err = s.do(ctx, func(t *tx) error {
		if err := t.exec("DELETE FROM members WHERE number = $1", member); err != nil {
			return err
		}
		lanes, err := t.lanes("WHERE l.member = $1", member)
		if had = nil; err != nil {
			return err
		}
		for _, l := range lanes {
			had = append(had, l.Conversation)
		}
		return t.exec("DELETE FROM lanes WHERE member = $1", member)
	})
	if err != nil {
		err = fmt.Errorf("striking out a member that is gone: %w", err)
	}
	return had, err
}

// Lanes gives the conversations to which members deliver, those of members that are gone included.
func (s *Store) Lanes(ctx context.Context) (all []Lane, err error) {
	err = s.do(ctx, func(t *tx) (err error) { all, err = t.lanes(""); return err })
	if err != nil {
		err = fmt.Errorf("looking who delivers where: %w", err)
	}
	return all, err
}

// lanes gives some of them, those that were begun first.
func (t *tx) lanes(where string, args ...any) (all []Lane, err error) {
	err = t.each("SELECT c.server, c.channel, l.member, l.back, l.trouble FROM lanes l JOIN conversations c ON c.id = l.conversation "+where+" ORDER BY l.conversation", args, func(rows *sql.Rows) error {
		var l Lane
		err := rows.Scan((*string)(&l.Conversation.Server), (*string)(&l.Conversation.Channel), &l.Member, &l.Back, &l.Trouble)
		all = append(all, l)
		return err
	})
	return all, err
}

// Give gives conversations to a member that is there and able, for it to deliver to. Whoever delivered there must have stopped.
func (s *Store) Give(ctx context.Context, member int64, all []bridge.ConversationID) error {
	return s.eachLane(ctx, "giving conversations to a member", all, func(t *tx, c int64) error {
		return t.exec("INSERT INTO lanes (conversation, member) SELECT $1 + 0, number FROM members WHERE number = $2 AND fit <> '' ON CONFLICT DO NOTHING", c, member)
	})
}

// CallBack asks members to give conversations back.
func (s *Store) CallBack(ctx context.Context, all []bridge.ConversationID) error {
	return s.eachLane(ctx, "asking for conversations back", all, func(t *tx, c int64) error {
		return t.exec("UPDATE lanes SET back = 1 WHERE conversation = $1", c)
	})
}

func (s *Store) eachLane(ctx context.Context, what string, all []bridge.ConversationID, do func(t *tx, c int64) error) error {
	if len(all) == 0 {
		return nil
	}
	err := s.do(ctx, func(t *tx) error {
		for _, c := range all {
			id, err := t.conversation(c)
			if err == nil {
				err = do(t, id)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("%s: %w", what, err)
	}
	return err
}

// number is that of the member that this store is opened for; 0: it is none.
func (s *Store) number() int64 {
	if p, ok := s.engine.(*postgres); ok && p.member {
		return p.number
	}
	return 0
}

// Given gives the conversations that this member was given. The error is [ErrClosed] where it was struck out: until it writes, it does not find out otherwise.
func (s *Store) Given(ctx context.Context) (all []Lane, err error) {
	err = s.do(ctx, func(t *tx) error {
		var one int
		there, err := t.found("SELECT 1 FROM members WHERE number = $1", []any{s.number()}, &one)
		if err == nil && !there {
			err = errStruck
		}
		if err == nil {
			all, err = t.lanes("WHERE l.member = $1", s.number())
		}
		return err
	})
	if err != nil {
		err = fmt.Errorf("looking where it is to deliver: %w", err)
	}
	return all, err
}

// GiveBack gives conversations of this member back to the holder. It must have stopped delivering there.
func (s *Store) GiveBack(ctx context.Context, all []bridge.ConversationID) error {
	return s.eachLane(ctx, "giving conversations back", all, func(t *tx, c int64) error {
		return t.exec("DELETE FROM lanes WHERE conversation = $1 AND member = $2", c, s.number())
	})
}

// Able says what this member could deliver; empty: nothing now. The holder gives conversations to those who could deliver what itself could.
func (s *Store) Able(ctx context.Context, fit string) error {
	err := s.do(ctx, func(t *tx) error { return t.exec("UPDATE members SET fit = $1 WHERE number = $2", fit, s.number()) })
	if err != nil {
		err = fmt.Errorf("saying what it can deliver: %w", err)
	}
	return err
}

// Troubled notes what keeps this member from delivering to a conversation of its own; empty: nothing.
func (s *Store) Troubled(ctx context.Context, c bridge.ConversationID, trouble string) error {
	return s.eachLane(ctx, "noting what keeps it from delivering", []bridge.ConversationID{c}, func(t *tx, id int64) error {
		return t.exec("UPDATE lanes SET trouble = $1 WHERE conversation = $2 AND member = $3", trouble, id, s.number())
	})
}

// ErrElsewhere: another process delivers to the conversation, or the one that reads goes by another table than this member.
var ErrElsewhere = errors.New("another process delivers there, or by another table")

// SetRoutes says by which table this process goes, before it does. That of the holder is stored with whatever it stores then, so that a member, which may know of a change
// only later, finds out before it sees anything that was stored by the new one: it advances no conversation as long as the tables differ.
func (s *Store) SetRoutes(hash string) {
	if p, ok := s.engine.(*postgres); ok {
		p.routes.Store(&hash)
	}
}

// RoutesDiffer reports whether this process and what is stored go by different tables.
func (s *Store) RoutesDiffer(ctx context.Context) (bool, error) {
	p, ok := s.engine.(*postgres)
	if !ok {
		return false, nil
	}
	var stored string
	if err := s.beside(ctx, "SELECT routes FROM store").Scan(&stored); err != nil {
		return false, fmt.Errorf("looking by which table the holder goes: %w", err)
	}
	return stored != p.goesBy(), nil
}

// StoreRoutes stores by which table the holder goes, where it has nothing else to store.
func (s *Store) StoreRoutes(ctx context.Context) error {
	err := s.do(ctx, func(t *tx) error { t.wrote = true; return nil })
	if err != nil {
		err = fmt.Errorf("storing by which table it goes: %w", err)
	}
	return err
}

func (p *postgres) goesBy() string {
	if hash := p.routes.Load(); hash != nil {
		return *hash
	}
	return ""
}

// delivers gives ErrElsewhere where a member must not advance a conversation.
func (t *tx) delivers(c int64) error {
	p, ok := t.engine.(*postgres)
	if !ok || !p.member {
		return nil
	}
	mine := false
	err := t.row("SELECT routes = $1 AND EXISTS (SELECT 1 FROM lanes WHERE conversation = $2 AND member = $3) FROM store", p.goesBy(), c, p.number).Scan(&mine)
	if err == nil && !mine {
		err = ErrElsewhere
	}
	return err
}

// Resign gives back everything that this member was given, which must have stopped delivering. Close strikes it out.
func (s *Store) Resign(ctx context.Context) error {
	err := s.do(ctx, func(t *tx) error {
		if err := t.exec("UPDATE members SET fit = '' WHERE number = $1", s.number()); err != nil {
			return err
		}
		return t.exec("DELETE FROM lanes WHERE member = $1", s.number())
	})
	if err != nil {
		err = fmt.Errorf("giving conversations back: %w", err)
	}
	return err
}
