package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"causeway/bridge"
)

// request is one call of the store: a function that runs inside a transaction, possibly more than once.
type request struct {
	run  func(*tx) error
	done chan error
	// given is closed when the caller has given up. Only a call whose outcome cannot be found out, since the database is away, is then ended.
	given    <-chan struct{}
	answered bool
}

// answer ends the call; only the first one counts.
func (r *request) answer(err error) {
	if !r.answered {
		r.answered = true
		r.done <- err
	}
}

// do runs fn in a transaction and returns when it is on disk. fn may run twice and must then overwrite its results.
func (s *Store) do(ctx context.Context, fn func(*tx) error) error {
	r := &request{run: fn, done: make(chan error, 1), given: ctx.Done()}
	select {
	case s.requests <- r:
	case <-s.done:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	// Once handed over, the outcome must be known: a commit is short, and where it is not, the writer looks whether the caller is still there.
	select {
	case err := <-r.done:
		return err
	case <-s.done:
		select {
		case err := <-r.done:
			return err
		default:
			return ErrClosed
		}
	}
}

const maxGroup = 256

// idleTime is how long nobody must have called before the log of the database is emptied.
const idleTime = 5 * time.Second

// write is the one goroutine that uses the database.
func (s *Store) write() {
	defer close(s.done)
	idle := time.NewTimer(idleTime)
	defer idle.Stop()
	beats, stop := every(s.engine.beat())
	defer stop()
	for {
		var group []*request
		yielded := false
		select {
		case <-s.stop:
			return
		case r := <-s.requests:
			group = append(group, r)
		case <-idle.C:
			if rest := s.engine.rest(); rest != "" {
				_ = s.writer.exec(rest)
			}
			continue
		case <-beats:
			if s.ended = s.beat(); s.ended != nil {
				return
			}
			continue
		}
		idle.Reset(idleTime)
	more:
		for len(group) < maxGroup {
			select {
			case r := <-s.requests:
				group = append(group, r)
			default:
				if yielded {
					break more
				}
				// Those that the last commit has woken may be about to call: a commit costs more than this.
				yielded = true
				runtime.Gosched()
			}
		}
		if s.commit(group) {
			return
		}
	}
}

// every gives a ticker's channel; d is 0: one on which nothing comes.
func every(d time.Duration) (<-chan time.Time, func()) {
	if d == 0 {
		return nil, func() {}
	}
	t := time.NewTicker(d)
	return t.C, t.Stop
}

// commit runs a group in one transaction; when one of it fails, each alone. It reports whether the store has died.
func (s *Store) commit(group []*request) (dead bool) {
	err, dead := s.transact(group)
	if dead || err == nil || len(group) == 1 {
		for _, r := range group {
			r.answer(err)
		}
		if dead {
			s.ended = err
		}
		return dead
	}
	for i, r := range group {
		err, dead = s.transact(group[i : i+1])
		r.answer(err)
		if dead {
			s.ended = err
			for _, rest := range group[i+1:] {
				rest.answer(ErrClosed)
			}
			return true
		}
	}
	return false
}

// transact runs a group in one transaction. Where the connection is lost it goes on with another one: at once when nothing of the group can have
// been stored, else when it is known whether it was.
func (s *Store) transact(group []*request) (err error, dead bool) {
	w := &s.writer
	for second := false; ; second = true {
		err, dead := s.attempt(group)
		if err == nil || dead || errors.Is(err, errUnknown) || !s.engine.lost(w.conn) {
			return err, dead
		}
		if errors.Is(err, errDoubt) {
			kept, err := s.resolve(group)
			if err != nil {
				return err, true
			}
			if kept {
				err := s.after()
				return err, err != nil
			}
			continue
		}
		if _, again := s.reconnect(); errors.Is(again, ErrClosed) {
			return again, true
		} else if again != nil || second {
			return fmt.Errorf("writing to the store: %w", err), false
		}
	}
}

// attempt runs what is left of a group once.
func (s *Store) attempt(group []*request) (err error, dead bool) {
	w := &s.writer
	ctx, cancel := w.limited()
	defer cancel()
	w.ctx = ctx
	if err := s.engine.begin(w); err != nil {
		return fmt.Errorf("writing to the store: %w", err), false
	}
	w.fresh = w.fresh[:0]
	wrote := false
	for _, r := range group {
		if r.answered {
			continue
		}
		t := &tx{writer: w, keys: s.keys}
		if err := safely(r.run, t); err != nil {
			w.rollback()
			return err, false
		}
		wrote = wrote || t.wrote
	}
	if wrote && s.options.Full != nil {
		if err := s.options.Full(); err != nil {
			w.rollback()
			return fmt.Errorf("writing to the store: %w", err), false
		}
	}
	if wrote && s.options.BeforeCommit != nil {
		if err := s.options.BeforeCommit(); err != nil {
			w.rollback()
			return err, true
		}
	}
	if err := s.engine.commit(w, wrote); err != nil {
		w.rollback()
		return fmt.Errorf("writing to the store: %w", err), errors.Is(err, ErrClosed)
	}
	if wrote {
		err = s.after()
	}
	return err, err != nil
}

func (s *Store) after() error {
	if s.options.AfterCommit == nil {
		return nil
	}
	return s.options.AfterCommit()
}

// safely turns a panic of fn into an error, so that the writer lives on.
func safely(fn func(*tx) error, t *tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &PanicError{Value: p, Stack: string(debug.Stack())}
		}
	}()
	return fn(t)
}

// PanicError: a call has panicked, and was undone.
type PanicError struct {
	Value any
	// Stack is where.
	Stack string
	// Instance is what was worked on; 0: that is not known.
	Instance int64
}

func (e *PanicError) Error() string { return fmt.Sprintf("internal error in the store: %v", e.Value) }

// writer owns the connection.
type writer struct {
	engine        engine
	ctx           context.Context // of the running transaction
	conn          *sql.Conn
	statements    map[string]*sql.Stmt
	conversations map[bridge.ConversationID]int64
	names         map[int64]bridge.ConversationID
	fresh         []bridge.ConversationID      // interned in this transaction
	restored      int64                        // see restoredAt
	trip          func(bridge.MessageID, bool) // see Options
}

func (w *writer) statement(query string) (*sql.Stmt, error) {
	if st := w.statements[query]; st != nil {
		return st, nil
	}
	st, err := w.conn.PrepareContext(w.ctx, w.engine.query(query))
	if err != nil {
		return nil, fmt.Errorf("preparing %q: %w", query, err)
	}
	w.statements[query] = st
	return st, nil
}

// limited gives the context of a transaction.
func (w *writer) limited() (context.Context, context.CancelFunc) {
	if limit := w.engine.limit(); limit > 0 {
		return context.WithTimeout(context.Background(), limit)
	}
	return context.Background(), func() {}
}

func (w *writer) exec(query string) error {
	st, err := w.statement(query)
	if err != nil {
		return err
	}
	_, err = st.ExecContext(w.ctx)
	return err
}

func (w *writer) rollback() {
	w.engine.rollback(w)
	for _, c := range w.fresh {
		delete(w.names, w.conversations[c])
		delete(w.conversations, c)
	}
}

// tx is a running transaction.
type tx struct {
	*writer
	keys  Keys
	wrote bool
}

// row is a query's only row; its Scan gives sql.ErrNoRows when there is none.
type row struct {
	r   *sql.Row
	err error
}

func (r row) Scan(to ...any) error {
	if r.err != nil {
		return r.err
	}
	return r.r.Scan(to...)
}

// values makes arguments what the database takes.
func values(e engine, args []any) []any {
	for i := range args {
		args[i] = e.value(args[i])
	}
	return args
}

func (t *tx) row(query string, args ...any) row {
	st, err := t.statement(query)
	if err != nil {
		return row{err: err}
	}
	return row{r: st.QueryRowContext(t.ctx, values(t.engine, args)...)}
}

// found scans one row and reports whether there was one.
func (t *tx) found(query string, args []any, to ...any) (bool, error) {
	err := t.row(query, args...).Scan(to...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// each calls scan for every row.
func (t *tx) each(query string, args []any, scan func(*sql.Rows) error) error {
	st, err := t.statement(query)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(t.ctx, values(t.engine, args)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// exec changes something.
func (t *tx) exec(query string, args ...any) error {
	_, err := t.change(query, args...)
	return err
}

// change changes something and gives the number of rows.
func (t *tx) change(query string, args ...any) (int64, error) {
	st, err := t.statement(query)
	if err != nil {
		return 0, err
	}
	t.wrote = true
	res, err := st.ExecContext(t.ctx, values(t.engine, args)...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// insert gives the new row's id; the query ends with RETURNING id.
func (t *tx) insert(query string, args ...any) (int64, error) {
	t.wrote = true
	var id int64
	err := t.row(query, args...).Scan(&id)
	return id, err
}

// marks runs an UPDATE … RETURNING conversation and adds the conversations to woken.
func (t *tx) marks(woken map[int64]bool, query string, args ...any) error {
	t.wrote = true
	return t.each(query, args, func(rows *sql.Rows) error {
		var c int64
		if err := rows.Scan(&c); err != nil {
			return err
		}
		woken[c] = true
		return nil
	})
}

// conversation gives the row id of c, which is made when it does not exist.
func (t *tx) conversation(c bridge.ConversationID) (int64, error) {
	if id, ok := t.conversations[c]; ok {
		return id, nil
	}
	var id int64
	found, err := t.found("SELECT id FROM conversations WHERE server = $1 AND channel = $2", []any{string(c.Server), string(c.Channel)}, &id)
	if err != nil {
		return 0, err
	}
	if !found {
		id, err = t.insert("INSERT INTO conversations (server, channel) VALUES ($1, $2) RETURNING id", string(c.Server), string(c.Channel))
		if err != nil {
			return 0, err
		}
	}
	t.conversations[c], t.names[id] = id, c
	t.fresh = append(t.fresh, c)
	return id, nil
}

// name gives the conversation with a row id.
func (t *tx) name(id int64) (bridge.ConversationID, error) {
	if c, ok := t.names[id]; ok {
		return c, nil
	}
	var server, channel string
	if err := t.row("SELECT server, channel FROM conversations WHERE id = $1", id).Scan(&server, &channel); err != nil {
		return bridge.ConversationID{}, err
	}
	c := bridge.ConversationID{Server: bridge.ServerID(server), Channel: bridge.ChannelID(channel)}
	t.conversations[c], t.names[id] = id, c
	t.fresh = append(t.fresh, c)
	return c, nil
}
