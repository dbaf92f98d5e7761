package main

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	_ "modernc.org/sqlite" // the driver

	"causeway/contrib/e2e/harness"
)

// fillStore puts so many messages into a store that has carried one at least, as if they had been carried long ago: copies of the last
// one with ids of their own. To carry a million through Causeway would take an hour of fsyncs.
func fillStore(tb harness.TB, path string, messages int) {
	tb.Helper()
	if err := fill(tb.Context(), path, messages); err != nil {
		tb.Fatalf("filling the store: %v", err)
	}
}

func fill(ctx context.Context, path string, messages int) (err error) {
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return err
	}
	defer func() {
		if closing := db.Close(); err == nil {
			err = closing
		}
	}()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	exec := func(query string, args ...any) {
		if err == nil {
			if _, err = conn.ExecContext(ctx, query, args...); err != nil {
				err = fmt.Errorf("%.80s: %w", strings.TrimSpace(query), err)
			}
		}
	}
	exec("PRAGMA wal_checkpoint(TRUNCATE)")
	exec("PRAGMA journal_mode = OFF") // nobody needs this if it fails
	exec("PRAGMA synchronous = OFF")
	exec("PRAGMA cache_size = -400000")
	exec("BEGIN")
	exec(`CREATE TEMP TABLE pattern AS SELECT max(m.id) AS message FROM messages m
		WHERE m.body IS NULL AND (SELECT count(*) FROM instances i WHERE i.message = m.id AND i.rank IS NULL) = 2`)
	exec(`CREATE TEMP TABLE start AS SELECT (SELECT max(id) FROM messages) AS message, (SELECT max(id) FROM instances) AS instance`)
	exec(`CREATE TEMP TABLE n (k INTEGER PRIMARY KEY)`)
	exec(`WITH RECURSIVE s(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM s WHERE k < $1) INSERT INTO n SELECT k FROM s`, messages)
	if err != nil {
		return err
	}
	var pattern sql.NullInt64
	if err := conn.QueryRowContext(ctx, "SELECT message FROM pattern").Scan(&pattern); err != nil || !pattern.Valid {
		return fmt.Errorf("looking for a message that has been carried: %w", err)
	}
	// A Teams id is its time in milliseconds; a Mattermost id is 26 letters and digits.
	for _, table := range []struct {
		name, from string
		change     map[string]string
	}{
		{"messages", "messages old, n, start, pattern WHERE old.id = pattern.message",
			map[string]string{"id": "start.message + k", "origin_id": "lower(hex(randomblob(13)))", "created": "old.created - 1000 * (1000000 + (SELECT max(k) FROM n) - k)"}},
		{"instances", "instances old, n, start, pattern WHERE old.message = pattern.message",
			map[string]string{"id": "start.instance + 2 * k - old.origin", "message": "start.message + k"}},
		{"parts", "parts old, instances i, n, start, pattern, messages m WHERE i.message = pattern.message AND old.instance = i.id AND m.id = start.message + k",
			map[string]string{"instance": "start.instance + 2 * k - i.origin", "id": "CASE i.origin WHEN 1 THEN m.origin_id ELSE '' || m.created END",
				"key": "CASE WHEN old.key IS NOT NULL THEN substr(old.key, 1, length(old.key) - 26) || lower(hex(randomblob(13))) END"}},
	} {
		columns, err := columnsOf(ctx, conn, table.name)
		if err != nil {
			return err
		}
		values := slices.Clone(columns)
		for i, c := range columns {
			if values[i] = "old." + c; table.change[c] != "" {
				values[i] = table.change[c]
			}
		}
		query := fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s", table.name, strings.Join(columns, ", "), strings.Join(values, ", "), table.from)
		if _, err := conn.ExecContext(ctx, query); err != nil {
			return fmt.Errorf("copying %s: %w", table.name, err)
		}
	}
	exec("COMMIT")
	exec("PRAGMA journal_mode = WAL")
	return err
}

func columnsOf(ctx context.Context, conn *sql.Conn, table string) ([]string, error) {
	rows, err := conn.QueryContext(ctx, "SELECT name FROM pragma_table_info($1)", table)
	if err != nil {
		return nil, fmt.Errorf("reading the columns of %s: %w", table, err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("reading the columns of %s: %w", table, err)
		}
		all = append(all, name)
	}
	return all, rows.Err()
}
