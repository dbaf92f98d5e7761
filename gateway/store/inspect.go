package store

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
)

// Inspection is what Inspect has found.
type Inspection struct {
	// Version is the store's, Known that of this Causeway.
	Version, Known int
	Rows           int64
	// Problems are what is wrong with it; none: nothing that could be found.
	Problems []string
}

// Inspect reads a whole store and tells what it is like. It changes nothing.
func Inspect(ctx context.Context, dsn string) (Inspection, error) {
	i, err := inspect(ctx, dsn)
	if err != nil {
		return i, fmt.Errorf("reading the store %s: %w", Name(dsn), err)
	}
	return i, nil
}

// Older gives the error of a store of an older version on which another process may be working, for whoever only wants to do something with it: bringing it to the present
// version would keep that process from writing. It is nil for any other store, and for one that cannot be read.
func Older(ctx context.Context, dsn string) error {
	db, version, err := readOnly(ctx, dsn)
	if err != nil {
		return nil
	}
	_ = db.Close()
	if version == 0 || version == len(migrations) {
		return nil
	}
	return fmt.Errorf("opening the store %s: %w", Name(dsn), beneath(version, ""))
}

func inspect(ctx context.Context, dsn string) (Inspection, error) {
	i := Inspection{Known: len(migrations)}
	db, version, err := readOnly(ctx, dsn)
	if err != nil {
		return i, err
	}
	defer db.Close()
	i.Version = version
	conn, err := db.Conn(ctx)
	if err != nil {
		return i, err
	}
	defer conn.Close()
	if !IsPostgres(dsn) {
		if err := i.integrity(ctx, conn); err != nil || len(i.Problems) > 0 {
			return i, err
		}
	}
	all, err := tables(ctx, conn, IsPostgres(dsn))
	if err != nil {
		return i, err
	}
	there := map[string]bool{}
	for _, table := range all {
		var n int64
		if err := conn.QueryRowContext(ctx, "SELECT count(*) FROM "+table).Scan(&n); err != nil {
			return i, err
		}
		there[table], i.Rows = true, i.Rows+n
	}
	if version < i.Known {
		return i, nil // its tables are not yet those that the references are known of
	}
	for _, r := range references() {
		if !there[r.table] || !there[r.to] {
			i.Problems = append(i.Problems, fmt.Sprintf("a table is missing: %s or %s", r.table, r.to))
			continue
		}
		var n int64
		if err := conn.QueryRowContext(ctx, r.query()).Scan(&n); err != nil {
			return i, err
		}
		if n > 0 {
			i.Problems = append(i.Problems, fmt.Sprintf("%d rows of %s name by %s what is not in %s", n, r.table, r.column, r.to))
		}
	}
	return i, nil
}

// integrity has SQLite look through its file.
func (i *Inspection) integrity(ctx context.Context, conn *sql.Conn) error {
	rows, err := conn.QueryContext(ctx, "PRAGMA integrity_check(10)")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		if text != "ok" {
			i.Problems = append(i.Problems, "the file is damaged: "+text)
		}
	}
	return rows.Err()
}

// reference is a column that names a row of another table.
type reference struct{ table, column, to string }

func (r reference) query() string {
	return fmt.Sprintf("SELECT count(*) FROM %s t WHERE t.%s IS NOT NULL AND NOT EXISTS (SELECT 1 FROM %s o WHERE o.id = t.%[2]s)", r.table, r.column, r.to)
}

var (
	creates = regexp.MustCompile(`^CREATE TABLE (\w+)`)
	refers  = regexp.MustCompile(`^\s*(\w+) .*\bREFERENCES (\w+)`)
)

// references are what the migrations say; neither database minds it by itself.
func references() []reference {
	var all []reference
	table := ""
	for _, line := range strings.Split(strings.Join(migrations, "\n"), "\n") {
		if m := creates.FindStringSubmatch(line); m != nil {
			table = m[1]
		}
		if m := refers.FindStringSubmatch(line); m != nil && table != "reactions_made" && table != "intents" { // which bears another name by now, or is gone
			all = append(all, reference{table, m[1], m[2]})
		}
	}
	return all
}
