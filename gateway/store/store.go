// Package store keeps what must survive: conversations with their cursors, messages, their instances, what each
// conversation still lacks, and sealed tokens.
//
// It is one SQLite database in WAL mode with synchronous=FULL, written by one goroutine. Calls that arrive while a
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
	"net/url"
	"os"
	"sync"

	// The engine: SQLite translated to Go, so that the binary needs no C library.
	_ "modernc.org/sqlite"

	"causeway/bridge"
)

// ErrClosed: the store has been closed.
var ErrClosed = errors.New("the store is closed")

// Options are for tests.
type Options struct {
	// VFS names SQLite's file system; "memdb" keeps a database named "/x" in memory for all its connections.
	VFS string
	// BeforeCommit and AfterCommit, when not nil, are asked at each commit that wrote something; an error kills the store
	// as a crash at that point would.
	BeforeCommit, AfterCommit func() error
	// Full, when not nil, is asked before each commit that wrote something; an error undoes it, as a full disk does.
	Full func() error
	// Turn, when not nil, is called before a lane is advanced, and may wait.
	Turn func(context.Context, bridge.ConversationID)
}

// Store is an open database. Its methods may be called at the same time.
type Store struct {
	db       *sql.DB
	conn     *sql.Conn
	keys     Keys
	options  Options
	requests chan *request
	stop     chan struct{}
	stopOnce sync.Once
	done     chan struct{}
	writer   writer
}

// Open opens the database at path and brings it to the present version; it is made when it does not exist.
func Open(ctx context.Context, path string, keys Keys, o Options) (*Store, error) {
	if o.VFS == "" {
		if err := probe(path); err != nil {
			return nil, err
		}
	}
	db, err := sql.Open("sqlite", dataSource(path, o.VFS))
	if err != nil {
		return nil, fmt.Errorf("opening the store %s: %w", path, err)
	}
	db.SetMaxOpenConns(2) // the writer's, and one for reading what may take longer
	conn, err := db.Conn(ctx)
	if err == nil {
		err = migrate(ctx, conn)
	}
	if err == nil {
		err = keys.check(ctx, conn)
	}
	if err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("opening the store %s: %w", path, err)
	}
	s := &Store{
		db: db, conn: conn, keys: keys, options: o,
		requests: make(chan *request, 256), stop: make(chan struct{}), done: make(chan struct{}),
	}
	s.writer = writer{conn: conn, statements: map[string]*sql.Stmt{}, conversations: map[bridge.ConversationID]int64{}, names: map[int64]bridge.ConversationID{}}
	go s.write()
	return s, nil
}

// probe gives an error with the next step where SQLite would only say "unable to open database file".
func probe(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("opening the store: %w: make the file and its folder writable, or set DSN in [storage]", err)
	}
	return f.Close()
}

func dataSource(path, vfs string) string {
	q := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)", "cache_size(-4000)", "journal_size_limit(16777216)"}}
	if vfs != "" {
		q = url.Values{"vfs": {vfs}, "_pragma": {"synchronous(OFF)"}}
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

// Close waits for the running commit; calls that have not begun get ErrClosed.
func (s *Store) Close() error {
	s.stopOnce.Do(func() { close(s.stop) })
	<-s.done
	for _, st := range s.writer.statements {
		_ = st.Close()
	}
	_ = s.conn.Close()
	return s.db.Close()
}

// DataVersion changes whenever another process has written to the store.
func (s *Store) DataVersion(ctx context.Context) (int64, error) {
	var v int64
	err := s.do(ctx, func(t *tx) error { return t.row("PRAGMA data_version").Scan(&v) })
	return v, err
}
