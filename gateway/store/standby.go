package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
)

// Several processes may be started on one store in PostgreSQL: one holds it, the others stand by. They wait for its lock, and look after
// whoever has it: a process that says nothing any more (it is paused, its machine is gone, or a cable) has its session ended by PostgreSQL
// itself. Whatever it believes when it comes back, it cannot write.
const (
	// beat is how often the holder says something, silence how long it may say nothing. Both go by PostgreSQL's clock alone. A slow PostgreSQL is no
	// silence: it is at work on what was said then.
	beat    = time.Second
	silence = 3 * time.Second
	// watchPause lies between two looks after the holder. From a holder's last word another one has the store within silence + watchPause + 2 awayPause
	// (4 s), of the 5 s in which work is to move.
	watchPause = 500 * time.Millisecond
)

// Holder is the process that works on a store.
type Holder struct {
	// Name is what it is called, Since when it began. Empty: it is not known.
	Name  string
	Since time.Time
	// Address is host:port at which others reach it; empty: nobody does.
	Address string
}

// Instance is a process that holds the store, or stands by to do so.
type Instance struct {
	Name  string
	Since time.Time
	Holds bool
	// Lanes counts the conversations that it was given; of the holder, those that others were.
	Lanes int
}

// wait waits for the store's lock, on conn, and takes it. It reports how the holder stands meanwhile. It asks again and again, as a
// statement that waits would keep PostgreSQL from clearing away old rows as long as it does.
func (p *postgres) wait(ctx context.Context, conn *sql.Conn) error {
	since := time.Time{}
	for {
		got := false
		if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1, $2)", holding, p.place).Scan(&got); err != nil {
			return fmt.Errorf("taking its lock: %w", err)
		}
		if got {
			break
		}
		if time.Since(since) > watchPause {
			since = time.Now()
			if err := p.watch(ctx, conn); err != nil {
				return err
			}
		}
		if err := rested(ctx, awayPause); err != nil {
			return err
		}
	}
	if !p.queued {
		return nil
	}
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_unlock_shared($1, $2)", waiting, p.place); err != nil {
		return fmt.Errorf("no longer waiting for its lock: %w", err)
	}
	return nil
}

// watch tells who holds the store, and ends the session of one that says nothing any more.
func (p *postgres) watch(ctx context.Context, conn *sql.Conn) error {
	h, version, err := p.held(ctx, conn)
	if err != nil {
		return fmt.Errorf("asking who holds it: %w", err)
	}
	if version > len(migrations) { // it could never take over
		return tooNew(ctx, conn, version)
	}
	if !p.queued {
		if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock_shared($1, $2)", waiting, p.place); err != nil {
			return fmt.Errorf("waiting for its lock: %w", err)
		}
	}
	p.waited, p.queued = true, true
	p.standby(h)
	return p.bury(ctx, conn)
}

// held asks who holds the store, and which version that has. The table is not there yet when somebody is only just making it.
func (p *postgres) held(ctx context.Context, conn *sql.Conn) (h Holder, version int, err error) {
	var since int64
	err = conn.QueryRowContext(ctx, "SELECT holder, address, since, version FROM store").Scan(&h.Name, &h.Address, &since, &version)
	if noTable(err) || errors.Is(err, sql.ErrNoRows) {
		return Holder{}, 0, nil
	}
	h.Since = time.UnixMilli(since)
	return h, version, err
}

// ofStore finds the sessions that have a lock of the store.
const ofStore = `FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.objid = $1::int4::oid AND l.classid `

// bury ends the session of a holder that is silent. One for whom PostgreSQL works is not, however long that takes; one to which it cannot hand the answer is.
func (p *postgres) bury(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, `SELECT pg_terminate_backend(a.pid) `+ofStore+`= $2::int4::oid AND EXISTS (
	SELECT 1 FROM pg_locks b WHERE b.pid = a.pid AND b.locktype = 'advisory' AND b.classid = $5::int4::oid AND b.objid = l.objid AND b.database = l.database) AND `+silentFor("$3", "$4"),
		p.place, holding, silence.Milliseconds(), statementTime.Milliseconds(), beating)
	if err != nil {
		return fmt.Errorf("looking whether its holder is alive: %w", err)
	}
	return nil
}

// silentFor is the condition that nothing has been heard from a session for the milliseconds of one argument, or that it has not taken an answer for those of another.
func silentFor(idle, untaken string) string {
	return `(a.state LIKE 'idle%' AND clock_timestamp() - a.state_change > ` + idle + `::bigint * interval '1 millisecond' OR
	a.state = 'active' AND a.wait_event_type = 'Client' AND clock_timestamp() - a.query_start > ` + untaken + `::bigint * interval '1 millisecond')`
}

// rested waits.
func rested(ctx context.Context, d time.Duration) error {
	pause := time.NewTimer(d)
	defer pause.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-pause.C:
		return nil
	}
}

// beat says that this process is there, and finds out whether another one has taken the store over, which ends it.
func (s *Store) beat() error {
	ctx, cancel := context.WithTimeout(context.Background(), statementTime)
	defer cancel()
	if _, err := s.writer.conn.ExecContext(ctx, "SELECT 1"); err == nil || !s.engine.lost(s.writer.conn) {
		return nil
	}
	if _, err := s.reconnect(); errors.Is(err, ErrClosed) {
		return err
	}
	return nil // PostgreSQL is away, or has been
}

// Instances are the processes that hold the store or stand by; nil where a store can have only one.
func (s *Store) Instances(ctx context.Context) ([]Instance, error) {
	p, ok := s.engine.(*postgres)
	if !ok {
		return nil, nil
	}
	rows, err := p.db.QueryContext(ctx, `SELECT a.application_name, a.backend_start, l.classid = $2::int4::oid AS holds,
		(SELECT count(*) FROM lanes n JOIN members m ON m.number = n.member WHERE l.classid = $2::int4::oid OR m.name = a.application_name) `+
		ofStore+`IN ($2::int4::oid, $3::int4::oid) ORDER BY holds DESC, a.backend_start`, p.place, holding, waiting)
	if err != nil {
		return nil, fmt.Errorf("asking who stands by: %w", err)
	}
	defer rows.Close()
	var all []Instance
	for rows.Next() {
		var i Instance
		if err := rows.Scan(&i.Name, &i.Since, &i.Holds, &i.Lanes); err != nil {
			return nil, fmt.Errorf("asking who stands by: %w", err)
		}
		all = append(all, i)
	}
	return all, rows.Err()
}

// reached gives where others reach a process that listens at an address, if its host is not said: where conn has reached PostgreSQL from. It is
// empty where others may be on other machines, and it listens for its own alone.
func reached(conn *sql.Conn, listens string) string {
	host, port, err := net.SplitHostPort(listens)
	if err != nil {
		return ""
	}
	here := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	_ = conn.Raw(func(c any) error {
		if local, ok := c.(*stdlib.Conn).Conn().PgConn().Conn().LocalAddr().(*net.TCPAddr); ok {
			here = local.AddrPort().Addr().Unmap()
		}
		return nil
	})
	ip, err := netip.ParseAddr(host)
	switch {
	case host == "", err == nil && ip.IsUnspecified():
		return net.JoinHostPort(here.String(), port)
	case err == nil && ip.IsLoopback() && !here.IsLoopback():
		return ""
	}
	return listens
}
