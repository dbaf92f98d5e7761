package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// ErrNotEmpty: something is in the store already.
var ErrNotEmpty = errors.New("there is something in it already")

// Copied tells what Copy has moved.
type Copied struct{ Tables, Rows int64 }

// Copy copies everything that one store holds into another one, which must be empty; both may be of either kind. What is sealed stays sealed, so
// the key goes with it. Nobody may be working on either. It is one transaction: until all is there, the target is marked as unfinished, refuses
// to be opened, and takes nothing but the same copy.
func Copy(ctx context.Context, from, to string) (Copied, error) {
	var c Copied
	source, version, err := readOnly(ctx, from)
	if err != nil {
		return c, fmt.Errorf("reading the store %s: %w", Name(from), err)
	}
	defer source.Close()
	if version != len(migrations) {
		return c, fmt.Errorf("the store %s has version %d, not %d: do causeway store migrate first", Name(from), version, len(migrations))
	}
	if IsPostgres(from) {
		free, err := nobodyHolds(ctx, source)
		if err != nil {
			return c, fmt.Errorf("reading the store %s: %w", Name(from), err)
		}
		defer free()
	}
	conn, done, err := oneMoment(ctx, source, IsPostgres(from))
	if err != nil {
		return c, fmt.Errorf("reading the store %s: %w", Name(from), err)
	}
	defer done()
	return copyInto(ctx, conn, to, filling{holder: "a copy that is under way"})
}

// oneMoment gives a connection that sees a store as it is now, however long it is read and whatever is written meanwhile.
func oneMoment(ctx context.Context, db *sql.DB, postgres bool) (conn *sql.Conn, done func(), err error) {
	if conn, err = db.Conn(ctx); err != nil {
		return nil, nil, err
	}
	begin := "BEGIN"
	if postgres { // it takes as long as it takes
		begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
	}
	if _, err := conn.ExecContext(ctx, begin); err != nil {
		_ = conn.Close()
		return nil, nil, err
	}
	return conn, func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		_ = conn.Close()
	}, nil
}

// filling is how a store is filled with what another one holds.
type filling struct {
	holder string
	// replace: what is in it goes, in the same transaction.
	replace bool
	// restored, when not 0, is when it is put back from a backup; see restoredAt.
	restored int64
}

func copyInto(ctx context.Context, source *sql.Conn, to string, how filling) (c Copied, err error) {
	e, err := engineOf(to, Options{Holder: how.holder})
	if err != nil {
		return c, err
	}
	db, conn, err := openTarget(ctx, e, how)
	if err != nil {
		return c, fmt.Errorf("opening the store %s: %w", Name(to), err)
	}
	defer db.Close()
	defer conn.Close() // or an SQLite database would keep a log
	defer e.release(conn)
	if c, err = copyAll(ctx, source, conn, IsPostgres(to), how); err != nil {
		return c, fmt.Errorf("copying into the store %s: %w", Name(to), err)
	}
	return c, nil
}

// openTarget opens an empty store, or an unfinished one, and marks it as unfinished; or one that is to be replaced.
func openTarget(ctx context.Context, e engine, how filling) (*sql.DB, *sql.Conn, error) {
	db, conn, err := e.openFor(ctx, true)
	if err != nil || how.replace {
		return db, conn, err
	}
	all, err := tables(ctx, conn, isPostgres(e))
	for i := 0; err == nil && i < len(all); i++ {
		var one int
		if err = conn.QueryRowContext(ctx, "SELECT 1 FROM "+all[i]+" LIMIT 1").Scan(&one); errors.Is(err, sql.ErrNoRows) {
			err = nil
		} else if err == nil {
			err = fmt.Errorf("%w: give --to another file or database; nothing in it was changed", ErrNotEmpty)
		}
	}
	if err == nil {
		_, err = conn.ExecContext(ctx, marks(isPostgres(e), unfinished))
	}
	if err != nil {
		e.release(conn)
		_ = db.Close()
		return nil, nil, err
	}
	return db, conn, nil
}

func isPostgres(e engine) bool {
	_, is := e.(*postgres)
	return is
}

// marks is the statement that sets the version.
func marks(postgres bool, version int) string {
	if postgres {
		return fmt.Sprintf("UPDATE store SET version = %d", version)
	}
	return fmt.Sprintf("PRAGMA user_version = %d", version)
}

// nobodyHolds keeps others from beginning to work on a PostgreSQL store that is read, until it is let go.
func nobodyHolds(ctx context.Context, db *sql.DB) (free func(), err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	p := &postgres{}
	if err = p.find(ctx, conn); err == nil {
		err = p.hold(ctx, conn)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return func() { _ = conn.Close() }, nil
}

// tables are those that hold what is stored.
func tables(ctx context.Context, conn *sql.Conn, postgres bool) ([]string, error) {
	query := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
	if postgres {
		query = `SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename <> 'store' ORDER BY tablename COLLATE "C"`
	}
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		all = append(all, name)
	}
	return all, rows.Err()
}

// column is one of a table. bytes: it takes bytes, and every other text or numbers.
type column struct {
	name  string
	bytes bool
	text  bool
}

func columns(ctx context.Context, conn *sql.Conn, postgres bool, table string) ([]column, error) {
	query := "SELECT name, type FROM pragma_table_info($1) ORDER BY name"
	if postgres {
		query = `SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1 ORDER BY column_name::text COLLATE "C"`
	}
	rows, err := conn.QueryContext(ctx, query, table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []column
	for rows.Next() {
		var c column
		var kind string
		if err := rows.Scan(&c.name, &kind); err != nil {
			return nil, err
		}
		c.bytes, c.text = slices.Contains([]string{"BLOB", "bytea"}, kind), slices.Contains([]string{"TEXT", "text"}, kind)
		all = append(all, c)
	}
	return all, rows.Err()
}

func names(all []column) []string {
	var list []string
	for _, c := range all {
		list = append(list, c.name)
	}
	return list
}

// copyAll copies table by table in one transaction, which ends with the mark of a whole store.
func copyAll(ctx context.Context, source, to *sql.Conn, postgres bool, how filling) (c Copied, err error) {
	begin := "BEGIN"
	if postgres { // it takes as long as it takes
		begin = "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
	}
	if _, err := to.ExecContext(ctx, begin); err != nil {
		return c, err
	}
	defer func() {
		if err != nil {
			_, _ = to.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		}
	}()
	all, err := tables(ctx, to, postgres)
	if err != nil {
		return c, err
	}
	for _, table := range all {
		if how.replace {
			if _, err := to.ExecContext(ctx, "DELETE FROM "+table); err != nil {
				return c, err
			}
		}
		wanted, err := columns(ctx, to, postgres, table)
		if err != nil {
			return c, err
		}
		n, err := copyTable(ctx, source, to, postgres, table, wanted)
		if err != nil {
			return c, fmt.Errorf("table %s: %w", table, err)
		}
		c.Tables, c.Rows = c.Tables+1, c.Rows+n
	}
	if how.restored != 0 {
		if err := markRestored(ctx, to, how.restored); err != nil {
			return c, err
		}
	}
	if _, err := to.ExecContext(ctx, marks(postgres, len(migrations))); err != nil {
		return c, err
	}
	_, err = to.ExecContext(ctx, "COMMIT")
	return c, err
}

func copyTable(ctx context.Context, source, to *sql.Conn, postgres bool, table string, wanted []column) (int64, error) {
	rows, err := source.QueryContext(ctx, "SELECT "+strings.Join(names(wanted), ", ")+" FROM "+table)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	f := &feed{rows: rows, columns: wanted, postgres: postgres}
	if !postgres {
		return f.insert(ctx, to, table)
	}
	var n int64
	err = to.Raw(func(c any) error {
		n, err = c.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{table}, names(wanted), f)
		return err
	})
	if err != nil || !slices.Contains(names(wanted), "id") {
		return n, err
	}
	// New rows get ids beyond those that were copied.
	var sequence sql.NullString
	if err := to.QueryRowContext(ctx, "SELECT pg_get_serial_sequence(quote_ident(current_schema()) || '.' || quote_ident($1), 'id')", table).Scan(&sequence); err != nil || !sequence.Valid {
		return n, err
	}
	_, err = to.ExecContext(ctx, fmt.Sprintf("SELECT setval($1, (SELECT COALESCE(MAX(id), 0) + 1 FROM %s), false)", table), sequence.String)
	return n, err
}

// feed gives the rows of a table as the target takes them; it is a pgx.CopyFromSource.
type feed struct {
	rows     *sql.Rows
	columns  []column
	postgres bool
	err      error
}

func (f *feed) Next() bool { return f.err == nil && f.rows.Next() }

func (f *feed) Err() error { return errors.Join(f.err, f.rows.Err()) }

func (f *feed) Values() ([]any, error) {
	row, to := make([]any, len(f.columns)), make([]any, len(f.columns))
	for i := range row {
		to[i] = &row[i]
	}
	if f.err = f.rows.Scan(to...); f.err != nil {
		return nil, f.err
	}
	for i, c := range f.columns {
		switch v := row[i].(type) {
		case []byte:
			if c.text { // SQLite keeps what it was given, whatever the column says
				row[i] = string(v)
			}
		case string:
			if c.bytes {
				row[i] = []byte(v)
			}
		}
		if f.postgres {
			row[i] = (*postgres)(nil).value(row[i])
		}
	}
	return row, nil
}

func (f *feed) insert(ctx context.Context, to *sql.Conn, table string) (n int64, err error) {
	marks := make([]string, len(f.columns))
	for i := range marks {
		marks[i] = fmt.Sprint("$", i+1)
	}
	st, err := to.PrepareContext(ctx, fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", table, strings.Join(names(f.columns), ", "), strings.Join(marks, ", ")))
	if err != nil {
		return 0, err
	}
	defer st.Close()
	for ; f.Next(); n++ {
		row, err := f.Values()
		if err == nil {
			_, err = st.ExecContext(ctx, row...)
		}
		if err != nil {
			return n, err
		}
	}
	return n, f.Err()
}
