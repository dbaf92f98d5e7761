package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/stdlib"

	"causeway/bridge/mutant"
)

// The classes of the advisory locks: of who holds a store, of a transaction that writes, of those who stand by, which they share, of whoever says
// every second that it is there, and of members, each of which has a number of its own.
const (
	holding = 0x63617573 // "caus"
	writing = holding + 1
	waiting = holding + 2
	beating = holding + 3
	helping = holding + 4
)

// ErrHeld: another process works on the store.
var ErrHeld = errors.New("another Causeway is using it")

// What ends a store, since what is known of it in memory does not hold any more.
var (
	errTaken   = fmt.Errorf("%w: another Causeway has taken it over meanwhile", ErrClosed)
	errStruck  = fmt.Errorf("%w: this one was silent, or a newer version leads, and what it delivered was given to others", ErrClosed)
	errRewound = fmt.Errorf("%w: PostgreSQL does not have any more what it said it had stored, as happens when it falls back to a replica that was "+
		"behind: what it has is taken from the next start on", ErrClosed)
)

// holdTime is how long the session of a process that has just ended may keep the lock.
const holdTime = 3 * time.Second

// fenced: it writes only as long as the database knows its token.
func (p *postgres) fenced() bool { return p.holder != "" || p.member }

// beats: it says every second that it is there.
func (p *postgres) beats() bool { return p.standby != nil || p.member }

// row is the table in whose row its token stands, and its commits are counted.
func (p *postgres) row() string {
	if p.member {
		return "members"
	}
	return "store"
}

// lock is the one that its session has, by class and number.
func (p *postgres) lock() (class int32, number int64) {
	if p.member {
		return helping, p.number
	}
	return holding, int64(p.place)
}

// hold takes the lock of who works on the store alone, or that of a member, for as long as the session lives.
func (p *postgres) hold(ctx context.Context, conn *sql.Conn) error {
	class, number := p.lock()
	if p.standby != nil && p.pid == 0 { // at the beginning
		if err := p.wait(ctx, conn); err != nil {
			return err
		}
		return p.note(ctx, conn)
	}
	for since := time.Now(); ; {
		got := false
		if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1, $2)", class, number).Scan(&got); err != nil {
			return fmt.Errorf("taking its lock: %w", err)
		}
		if got {
			return p.note(ctx, conn)
		}
		if mutant.NoFence && p.pid != 0 {
			return p.note(ctx, conn)
		}
		if time.Since(since) > holdTime {
			return p.refuse(ctx, conn)
		}
		if err := p.evict(ctx, conn); err != nil {
			return err
		}
		if err := rested(ctx, awayPause); err != nil {
			return err
		}
	}
}

// note remembers the session, so that it can be ended should its connection be lost at this end only. Others may end it when it is silent, where it promises
// not to be: commands that hold a store say nothing.
func (p *postgres) note(ctx context.Context, conn *sql.Conn) error {
	if p.beats() {
		if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock_shared($1, $2)", beating, p.place); err != nil {
			return fmt.Errorf("promising to say that it is there: %w", err)
		}
	}
	return conn.Raw(func(c any) error {
		p.pid = int64(c.(*stdlib.Conn).Conn().PgConn().PID())
		return nil
	})
}

// evict ends the former session of this very store, which may not know yet that its connection is lost.
func (p *postgres) evict(ctx context.Context, conn *sql.Conn) error {
	if p.pid == 0 {
		return nil
	}
	_, err := conn.ExecContext(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND application_name = $2", p.pid, p.config.RuntimeParams["application_name"])
	if err != nil {
		return fmt.Errorf("ending its former session: %w", err)
	}
	return nil
}

// refuse says who holds it.
func (p *postgres) refuse(ctx context.Context, conn *sql.Conn) error {
	return fmt.Errorf("%w (%s): stop that one first, or give this one a database of its own by DSN in [storage]", ErrHeld, p.who(ctx, conn))
}

// who names the holder.
func (p *postgres) who(ctx context.Context, conn *sql.Conn) string {
	if h, _, err := p.held(ctx, conn); err == nil && h.Name != "" {
		return fmt.Sprintf("%s, since %s", h.Name, h.Since.Format(time.DateTime))
	}
	return "one that has only just begun"
}

// beneath is the error of whoever would change the version of a store that another process works on: that could not write any more.
func beneath(version int, who string) error {
	return fmt.Errorf("%w%s, which has brought it to version %d only, not %d: restart that one with this version of Causeway first", ErrHeld, who, version, len(migrations))
}

// again holds the store by another session and tells whether the commit in doubt took effect: by then it is decided.
func (p *postgres) again(ctx context.Context) (*sql.Conn, bool, error) {
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return nil, false, unreachable(err)
	}
	kept, err := p.resume(ctx, conn)
	if err != nil {
		discard(conn)
		return nil, false, err
	}
	return conn, kept, nil
}

func (p *postgres) resume(ctx context.Context, conn *sql.Conn) (kept bool, err error) {
	if !p.fenced() {
		return false, conn.PingContext(ctx)
	}
	if err := p.mine(ctx, conn); err != nil {
		return false, err
	}
	if err := p.hold(ctx, conn); err != nil {
		return false, err
	}
	if err := p.mine(ctx, conn); err != nil {
		return false, err
	}
	// Where there is a synchronous replica, this returns when that has what was committed before, too.
	var commits int64
	if err := conn.QueryRowContext(ctx, "UPDATE "+p.row()+" SET commits = commits WHERE token = $1 OR $2 RETURNING commits", p.token, mutant.NoFence).Scan(&commits); err != nil {
		return false, fmt.Errorf("looking what it has: %w", err)
	}
	switch {
	case commits == p.commits+1 && p.doubt:
		kept = true
	case commits != p.commits && !mutant.NoFence:
		// As if it had been restored from a backup: what is posted next is looked for first. Where that cannot be noted, all of this is tried again.
		if err := markRestored(ctx, conn, time.Now().UnixMilli()); err != nil {
			return false, fmt.Errorf("noting that it has gone back: %w", err)
		}
		return false, errRewound
	}
	if err := p.followed(ctx, conn); err != nil {
		return false, err
	}
	p.commits, p.doubt = commits, false
	return kept, nil
}

// mine gives errTaken when another process has held the store meanwhile, or a member was given up.
func (p *postgres) mine(ctx context.Context, conn *sql.Conn) error {
	mine := false
	if err := conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM "+p.row()+" WHERE token = $1)", p.token).Scan(&mine); err != nil {
		return fmt.Errorf("looking who holds it: %w", err)
	}
	if !mine && !mutant.NoFence {
		return p.taken()
	}
	return nil
}

// taken is the error of whose token the database does not know any more.
func (p *postgres) taken() error {
	if p.member {
		return errStruck
	}
	return errTaken
}

// release lets the next process in at once: PostgreSQL would do so only when the session has ended.
func (p *postgres) release(conn *sql.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), connectTime)
	defer cancel()
	if p.member && !p.lost(conn) { // what it has not given back, the holder takes
		_, _ = conn.ExecContext(ctx, "DELETE FROM members WHERE number = $1 AND NOT EXISTS (SELECT 1 FROM lanes WHERE member = $1)", p.number)
	}
	if p.fenced() && !p.lost(conn) {
		_, _ = conn.ExecContext(ctx, "SELECT pg_advisory_unlock_all()")
	}
}
