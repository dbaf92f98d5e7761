// Package store keeps what must survive: conversations with their cursors, messages, their instances, what each
// conversation still lacks, and sealed tokens.
//
// It is one SQLite database in WAL mode with synchronous=FULL, or a schema of a PostgreSQL one (see engine), written by one goroutine. Calls that arrive while a
// commit is running share the next one, so many lanes cost few fsyncs; a call returns when its commit is on disk.
// A call that fails is undone and run again alone, so that it cannot spoil its neighbours.
//
// Every function here is one transaction. A process that dies between two of them finds, at the next start, either
// a conversation that still lacks something, or an intent: a post that may or may not have been made, and is
// settled by looking for its key.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"causeway/bridge"
)

// ErrClosed: the store has been closed.
var ErrClosed = errors.New("the store is closed")

// Options say how the store is used; those from VFS on are for tests.
type Options struct {
	// Holder, where it is not empty, names the process that works on the store alone but for members, for others to be told. With PostgreSQL the store is then
	// held: whoever else asks for it gets [ErrHeld]. An SQLite database is held by a lock on a file, outside of this package.
	Holder string
	// Standby, where it is not nil, has Open wait until nobody else holds the store, which takes as long as it takes; it is told every second who does, and of
	// nobody where that cannot be asked. Address is host:port at which others reach this process then. Where it is empty, they do at Listens, where this process
	// listens, with the address from which it reaches PostgreSQL if that names none ("", "0.0.0.0").
	Standby          func(Holder)
	Address, Listens string
	// Member: this process delivers to some conversations while another one holds the store, which is in PostgreSQL and has the present version; see [Store.Given].
	Member bool
	// Program is which version of Causeway this is, for an older one to name when it cannot understand the store; empty: it is not said.
	Program string
	// VFS names SQLite's file system; "memdb" keeps a database named "/x" in memory for all its connections.
	VFS string
	// BeforeCommit and AfterCommit, when not nil, are asked at each commit that wrote something; an error kills the store
	// as a crash at that point would.
	BeforeCommit, AfterCommit func() error
	// Full, when not nil, is asked before each commit that wrote something; an error undoes it, as a full disk does.
	Full func() error
	// Turn, when not nil, is called before a lane is advanced, and may wait.
	Turn func(context.Context, bridge.ConversationID)
	// Trip, when not nil, is called inside a transaction with the message that is worked on, and may panic. put: a state of it is being stored.
	Trip func(id bridge.MessageID, put bool)
}

// Store is an open database. Its methods may be called at the same time.
type Store struct {
	db       *sql.DB // for reading what may take longer, beside the writer
	engine   engine
	keys     Keys
	options  Options
	requests chan *request
	stop     chan struct{}
	stopOnce sync.Once
	done     chan struct{}
	writer   writer
	// ended is why the store has ended by itself; read it when done is closed.
	ended error
}

// Open opens the database that dsn names, the path of an SQLite database or the address of a PostgreSQL one, and brings it to the present
// version. An SQLite database is made when it does not exist.
func Open(ctx context.Context, dsn string, keys Keys, o Options) (*Store, error) {
	s, err := openWith(ctx, dsn, keys, o)
	if err != nil {
		return nil, fmt.Errorf("opening the store %s: %w", Name(dsn), err)
	}
	return s, nil
}

func openWith(ctx context.Context, dsn string, keys Keys, o Options) (*Store, error) {
	e, err := engineOf(dsn, o)
	if err != nil {
		return nil, err
	}
	db, conn, err := e.openFor(ctx, false)
	if err != nil {
		return nil, err
	}
	if err := keys.check(ctx, conn); err != nil {
		_ = db.Close()
		return nil, err
	}
	if err := noteProgram(ctx, conn, o.Program); err != nil {
		_ = db.Close()
		return nil, err
	}
	s := &Store{
		db: db, engine: e, keys: keys, options: o,
		requests: make(chan *request, 256), stop: make(chan struct{}), done: make(chan struct{}),
	}
	restored, err := restoredAt(ctx, conn)
	if err != nil {
		_ = db.Close()
		return nil, err
	}
	s.writer = writer{engine: e, restored: restored, trip: o.Trip, ctx: context.Background(), conn: conn, statements: map[string]*sql.Stmt{}, conversations: map[bridge.ConversationID]int64{}, names: map[int64]bridge.ConversationID{}}
	go s.write()
	return s, nil
}

// Close waits for the running commit; calls that have not begun get ErrClosed.
func (s *Store) Close() error {
	s.stopOnce.Do(func() { close(s.stop) })
	<-s.done
	for _, st := range s.writer.statements {
		_ = st.Close()
	}
	s.engine.release(s.writer.conn)
	_ = s.writer.conn.Close()
	return s.db.Close()
}

// Done is closed when the store has ended, by itself or by Close. Err tells then why it has ended by itself: another process has taken it over, or the database has gone
// back to what it had before. Whoever opens it anew goes on from what is stored.
func (s *Store) Done() <-chan struct{} { return s.done }

// Err: see Done. It is nil as long as the store is open.
func (s *Store) Err() error {
	select {
	case <-s.done:
		return s.ended
	default:
		return nil
	}
}

// DataVersion changes whenever another process has written to the store.
func (s *Store) DataVersion(ctx context.Context) (int64, error) {
	var v int64
	err := s.do(ctx, func(t *tx) error { return t.row(s.engine.version()).Scan(&v) })
	return v, err
}

// beside asks for one row, and rowsBeside for many, beside the writer, which they do not hold up.
func (s *Store) beside(ctx context.Context, query string, args ...any) *sql.Row {
	return s.db.QueryRowContext(ctx, s.engine.query(query), values(s.engine, args)...)
}

func (s *Store) rowsBeside(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return s.db.QueryContext(ctx, s.engine.query(query), values(s.engine, args)...)
}
