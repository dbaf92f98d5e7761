package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"
)

// engine is one of the two databases, as far as they differ. Queries are written once, in what both understand: $1 for arguments, 0 and 1 for
// no and yes, COALESCE, CASE, ON CONFLICT with every column named in full, RETURNING. What is left, query and value do.
type engine interface {
	// openFor connects for the writer, and brings the database to the present version.
	// copying: an unfinished copy may be opened, too.
	openFor(ctx context.Context, copying bool) (*sql.DB, *sql.Conn, error)
	// query gives a query as the database reads it, value an argument as it takes it.
	query(text string) string
	value(argument any) any
	// limit is how long a transaction may take; 0: there is no limit.
	limit() time.Duration
	// begin begins a transaction that comes after every other writer's.
	begin(w *writer) error
	// commit ends it; changed tells whether anything was written. [errDoubt]: it is not known whether it took effect, but again will tell;
	// [errUnknown]: nobody will.
	commit(w *writer, changed bool) error
	// rollback undoes it; a connection on which that fails is lost.
	rollback(w *writer)
	// lost reports whether a connection can be used no more.
	lost(conn *sql.Conn) bool
	// again gives another connection in place of the lost one, and whether the commit in doubt took effect. After an error that is
	// [ErrClosed] the store ends; after any other it can be tried again.
	again(ctx context.Context) (conn *sql.Conn, kept bool, err error)
	// release lets go of what the writer's connection holds.
	release(conn *sql.Conn)
	// version is a query for a number that changes whenever another process has written.
	version() string
	// rest is what is run when nobody has called for a while; empty: nothing.
	rest() string
	// beat is how often the writer must say that it is there; 0: never.
	beat() time.Duration
}

// The connection was lost while a commit was under way.
var (
	errDoubt   = errors.New("it is not known yet whether it was stored")
	errUnknown = errors.New("it is not known whether it was stored: look whether it was, or do it again")
)

// IsPostgres reports whether a DSN names a PostgreSQL database; else it is the path of an SQLite database.
func IsPostgres(dsn string) bool {
	scheme, _, found := strings.Cut(dsn, "://")
	scheme = strings.ToLower(scheme)
	return found && (scheme == "postgres" || scheme == "postgresql")
}

func engineOf(dsn string, o Options) (engine, error) {
	if IsPostgres(dsn) {
		return newPostgres(dsn, o)
	}
	if o.Member {
		return nil, errors.New("in SQLite one process does everything")
	}
	return &sqlite{path: dsn, vfs: o.VFS}, nil
}
