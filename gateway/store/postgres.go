package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"causeway/bridge/mutant"
)

// postgres is a schema of a PostgreSQL database. Its writer's transactions come one after the other, those of other processes included, by an
// advisory lock that each takes first, as SQLite's do by its lock on the file.
//
// Whoever works on the store alone holds it: by another advisory lock, which its writer's session keeps, so that it cannot write any more when
// that is lost; and by its token in the table store, which each commit names, so that it cannot even where the database was replaced by another.
// Each commit counts in that table, too. When the connection is lost while a commit is under way, the next session gets the lock only after the
// former one has ended, and so the count tells truthfully whether that commit took effect.
type postgres struct {
	config *pgx.ConnConfig
	db     *sql.DB
	place  int32  // tells the locks of the schemas of a database apart
	holder string // empty: it is not held
	// member: it delivers while another process holds the store; number is that of its lock. See Member.
	member bool
	number int64
	token  string
	// address is where others reach this process, standby is told who holds the store as long as that is waited for, and waited whether it was; see Options.
	address, listens string
	standby          func(Holder)
	waited           bool
	queued           bool // the session has the lock of those who stand by
	// broken: a connection was lost while it stood by, as all are when a replica takes over.
	broken bool
	// lineage names the database and its history, moved tells whether they were other ones when the store was last held; see trace.
	lineage string
	moved   bool
	// commits is the number of the last commit that is known to have taken effect, doubt whether one more may have, pid the number of
	// the writer's session.
	commits int64
	doubt   bool
	pid     int64
	// routes is by which table this process goes; see SetRoutes.
	routes atomic.Pointer[string]
}

// Times of PostgreSQL.
const (
	connectTime     = 5 * time.Second
	transactionTime = time.Minute
	statementTime   = 30 * time.Second
)

func newPostgres(dsn string, o Options) (*postgres, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, badDSN(err)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTime
	}
	p := &postgres{config: config, holder: o.Holder, member: o.Member, address: o.Address, listens: o.Listens, standby: o.Standby, token: rand.Text()}
	host, _ := os.Hostname()
	for name, value := range map[string]string{
		"application_name": fmt.Sprintf("causeway %d on %s", os.Getpid(), host),
		// A session whose other end is gone must not keep its locks: neither one that is cut off nor one that is asleep.
		"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3",
		"statement_timeout":                   strconv.FormatInt(statementTime.Milliseconds(), 10),
		"idle_in_transaction_session_timeout": strconv.FormatInt(transactionTime.Milliseconds(), 10),
	} {
		if _, given := config.RuntimeParams[name]; !given {
			config.RuntimeParams[name] = value
		}
	}
	return p, nil
}

// badDSN leaves out the DSN, and all that an error quotes of it: it may hold a password, and what of it that is, an address that cannot be understood does not tell.
func badDSN(err error) error {
	why := err.Error()
	var parse *pgconn.ParseConfigError
	if errors.As(err, &parse) && parse.Unwrap() != nil {
		why = parse.Unwrap().Error()
	}
	why = why[strings.LastIndex(why, "`: ")+1:] // "cannot parse `…`: why"
	var u *url.Error
	if errors.As(err, &u) {
		why = u.Err.Error()
	}
	if end := strings.IndexAny(why, "\"`'"); end >= 0 {
		why = why[:end]
	}
	return fmt.Errorf("its address cannot be understood: %s: write DSN in [storage] as postgres://USER:PASSWORD@HOST/DATABASE", strings.Trim(why, ": "))
}

// Name gives a DSN as it may be shown.
func Name(dsn string) string {
	if !IsPostgres(dsn) {
		return dsn
	}
	c, err := pgx.ParseConfig(dsn)
	if err != nil {
		return "postgres://…"
	}
	u := url.URL{Scheme: "postgres", User: url.User(c.User), Host: c.Host + ":" + strconv.Itoa(int(c.Port)), Path: "/" + c.Database}
	if strings.HasPrefix(c.Host, "/") {
		return "postgres:///" + c.Database + " at " + c.Host
	}
	return u.String()
}

func (p *postgres) openFor(ctx context.Context, copying bool) (*sql.DB, *sql.Conn, error) {
	p.db = stdlib.OpenDB(*p.config)
	p.db.SetMaxOpenConns(3) // the writer's, one for reading what may take longer, and one more while a lost one is not known to be lost
	for {
		conn, err := p.first(ctx, copying)
		switch {
		case err == nil:
			return p.db, conn, nil
		case !p.waited || !away(err) || ctx.Err() != nil:
			_ = p.db.Close()
			return nil, nil, err
		}
		p.broken = true
		p.standby(Holder{}) // whoever stands by does not end because PostgreSQL is started anew
		_ = rested(ctx, watchPause)
	}
}

// first gives the first session of a store, ready to be used.
func (p *postgres) first(ctx context.Context, copying bool) (*sql.Conn, error) {
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return nil, unreachable(err)
	}
	p.queued, p.pid = false, 0
	if err := p.begun(ctx, conn, copying); err != nil {
		if p.lost(conn) {
			err = unreachable(err)
		}
		discard(conn)
		return nil, err
	}
	return conn, nil
}

// begun makes ready what the first session of a store needs.
func (p *postgres) begun(ctx context.Context, conn *sql.Conn, copying bool) error {
	if err := p.find(ctx, conn); err != nil {
		return err
	}
	if p.member {
		return p.join(ctx, conn)
	}
	if p.holder != "" {
		if err := p.hold(ctx, conn); err != nil {
			return err
		}
	}
	version, err := p.migrate(ctx, conn, copying)
	if err != nil || p.holder == "" {
		return err
	}
	if err := p.trace(ctx, conn, version == 0 || copying); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "UPDATE store SET token = $1, holder = $2, since = $3, address = $4, lineage = $5, routes = '', commits = 0",
		p.token, p.holder, time.Now().UnixMilli(), cmp.Or(p.address, reached(conn, p.listens)), p.lineage); err != nil {
		return fmt.Errorf("noting who holds it: %w", err)
	}
	return nil
}

// readPostgres opens a database for reading only.
func readPostgres(ctx context.Context, dsn string) (*sql.DB, error) {
	p, err := newPostgres(dsn, Options{})
	if err != nil {
		return nil, err
	}
	// Not before it is connected: target_session_attrs=read-write in the DSN wants a session that could write.
	db := stdlib.OpenDB(*p.config, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SET default_transaction_read_only = on")
		return err
	}))
	if err := db.PingContext(ctx); err != nil {
		_ = db.Close()
		return nil, unreachable(err)
	}
	return db, nil
}

// noTable reports whether an error is that there is no such table.
func noTable(err error) bool {
	var refusal *pgconn.PgError
	return errors.As(err, &refusal) && refusal.Code == "42P01"
}

// Begun reports whether a PostgreSQL database holds a store. One that cannot be asked may.
func Begun(ctx context.Context, dsn string) bool {
	db, version, err := readOnly(ctx, dsn)
	if err != nil {
		return true
	}
	_ = db.Close()
	return version != 0
}

// find sees to it that there is a schema to work in.
func (p *postgres) find(ctx context.Context, conn *sql.Conn) error {
	var place sql.NullInt32
	if err := conn.QueryRowContext(ctx, "SELECT current_schema()::regnamespace::oid::int4").Scan(&place); err != nil {
		return fmt.Errorf("looking for the schema: %w", err)
	}
	if !place.Valid {
		return errors.New("the schema that search_path names is not there: make it (CREATE SCHEMA …), or take search_path out of DSN in [storage]")
	}
	p.place = place.Int32
	return nil
}

// ErrAway: PostgreSQL is not reached.
var ErrAway = errors.New("see that PostgreSQL runs, that DSN in [storage] is right, and that the role and the database are there")

// unreachable names the next step.
func unreachable(err error) error { return fmt.Errorf("%w: %w", err, ErrAway) }

func away(err error) bool { return errors.Is(err, ErrAway) }

func (*postgres) limit() time.Duration { return transactionTime }

func (*postgres) rest() string { return "" }

func (p *postgres) beat() time.Duration {
	if !p.beats() { // nobody waits for it to fall silent
		return 0
	}
	return beat
}

// version: who holds the store counts apart from the others, and each member for itself.
func (p *postgres) version() string {
	if p.member {
		return "SELECT commits + others FROM store"
	}
	return "SELECT others FROM store"
}

// indexed is how SQLite is told which index to take, and member how it takes a JSON text apart.
var (
	indexed = regexp.MustCompile(` INDEXED BY \w+`)
	member  = regexp.MustCompile(`json_each\(([\w.]+)\)`)
)

func (*postgres) query(text string) string {
	text = indexed.ReplaceAllString(text, "")
	return member.ReplaceAllString(text, "jsonb_array_elements_text($1::jsonb) AS json_each (value)")
}

// value: yes and no are 1 and 0, and a text holds neither NUL nor what is not UTF-8, which PostgreSQL does not take.
func (*postgres) value(argument any) any {
	switch v := argument.(type) {
	case bool:
		if v {
			return int64(1)
		}
		return int64(0)
	case string:
		if strings.IndexByte(v, 0) >= 0 || !utf8.ValidString(v) {
			return strings.ReplaceAll(strings.ToValidUTF8(v, "�"), "\x00", "�")
		}
	}
	return argument
}

func (p *postgres) begin(w *writer) error {
	_, err := w.conn.ExecContext(w.ctx, fmt.Sprintf("BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(%d, %d)", writing, p.place))
	return err
}

func (p *postgres) commit(w *writer, changed bool) error {
	if changed {
		if err := p.count(w); err != nil {
			return err
		}
	}
	_, err := w.conn.ExecContext(w.ctx, "COMMIT")
	switch {
	case err == nil && changed:
		p.commits++
	case err == nil || !changed || !p.lost(w.conn):
	case !p.fenced():
		return fmt.Errorf("%w: %w", errUnknown, err)
	default:
		p.doubt = true
		return fmt.Errorf("%w: %w", errDoubt, err)
	}
	return err
}

// count counts a commit. In a transaction that has failed without anybody's minding it fails, too: a commit would only say that it was undone.
func (p *postgres) count(w *writer) error {
	query, args := "UPDATE store SET others = others + 1", []any(nil)
	if p.fenced() && !mutant.NoFence {
		query, args = "UPDATE members SET commits = $1 WHERE token = $2", []any{p.commits + 1, p.token}
		if !p.member {
			query, args = "UPDATE store SET commits = $1, routes = $3 WHERE token = $2", append(args, p.goesBy())
		}
	}
	st, err := w.statement(query)
	if err != nil {
		return err
	}
	result, err := st.ExecContext(w.ctx, args...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(p.taken(), err)
	}
	return nil
}

func (p *postgres) rollback(w *writer) {
	ctx, cancel := context.WithTimeout(context.Background(), connectTime)
	defer cancel()
	if _, err := w.conn.ExecContext(ctx, "ROLLBACK"); err != nil {
		discard(w.conn)
	}
}

// discard closes a connection that may be in the middle of something.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}

func (*postgres) lost(conn *sql.Conn) bool {
	closed := false
	err := conn.Raw(func(c any) error {
		closed = c.(*stdlib.Conn).Conn().IsClosed()
		return nil
	})
	return closed || err != nil
}
