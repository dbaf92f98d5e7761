package store

import (
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"causeway/bridge"
)

// fillPostgres makes n settled messages, as fillLarge does.
func fillPostgres(t *testing.T, dsn string, n int) {
	t.Helper()
	number := func(prefix string) string { return "'" + prefix + "' || lpad(i::text, 8, '0')" }
	from := fmt.Sprintf(" FROM generate_series(1000, %d) i", 1000+n-1)
	for _, script := range []string{
		`INSERT INTO messages (id, origin, origin_id, root_id, root, created, hash, author) SELECT i, 1, ` + number("w3xyz") + `, CASE i % 10 WHEN 9 THEN 'w3xyz' || lpad((i - 1)::text, 8, '0') ELSE '' END,
			CASE i % 10 WHEN 9 THEN i - 1 END, 1000000 + i, 'AbCdEfGhIjKlMnOp', 'author' || i % 1000` + from,
		"INSERT INTO instances (id, message, conversation, origin, phase, version) SELECT 2 * i, i, 1, 1, 1, 1" + from,
		"INSERT INTO instances (id, message, conversation, origin, phase, version) SELECT 2 * i + 1, i, 2, 0, 1, 1" + from,
		"INSERT INTO parts (instance, number, conversation, id, version, revision) SELECT 2 * i, 0, 1, " + number("w3xyz") + ", 1, 1000000 + i" + from,
		"INSERT INTO parts (instance, number, conversation, id, key, hash, posted, version, revision) SELECT 2 * i + 1, 0, 2, " + number("17") + ", " + number("key") + ", 'AbCdEfGhIjKlMnOp', 1000000 + i, 1, 1000000 + i" + from,
		"SELECT setval(pg_get_serial_sequence('messages', 'id'), 1000000), setval(pg_get_serial_sequence('instances', 'id'), 3000000)",
		"ANALYZE",
	} {
		if _, err := direct(t, dsn).ExecContext(t.Context(), script); err != nil {
			t.Fatalf("%s: %v", script, err)
		}
	}
}

var (
	// scanned is a node of a plan that reads a table that has a row for each message.
	scanned = regexp.MustCompile(`(Seq Scan|Index Scan|Index Only Scan|Index Scan Backward|Index Only Scan Backward)(?: using (\w+))? on (messages|instances|parts)\b`)
	// few are indexes of those rows that lack something, or that are in quarantine: all of them may be read.
	few = regexp.MustCompile(`^(instances_lacking|instances_quarantined|instances_held|parts_intended|parts_posted)$`)
)

// readsAll gives those nodes of a plan that read a whole table, or a whole index of it.
func readsAll(plan string) (all []string) {
	lines := strings.Split(plan, "\n")
	for n, line := range lines {
		m := scanned.FindStringSubmatch(line)
		if m == nil || few.MatchString(m[2]) {
			continue
		}
		conditioned := false
		for _, next := range lines[n+1:] {
			if strings.Contains(next, "->") || strings.HasPrefix(strings.TrimSpace(next), "SubPlan") {
				break
			}
			conditioned = conditioned || strings.Contains(next, "Index Cond:")
		}
		if m[1] == "Seq Scan" || !conditioned {
			all = append(all, strings.TrimSpace(line))
		}
	}
	return all
}

// TestPostgreSQLEntersLargeTablesByIndexes: each statement that runs per message, at the start, or for a page of the dashboard. A planner reads a small table as a whole although it has an
// index, so that is forbidden to it.
func TestPostgreSQLEntersLargeTablesByIndexes(t *testing.T) {
	c := postgresql(t)
	dsn := c.DSN(t.Name(), c.Address())
	s := opened(t, dsn)
	if _, err := s.Advance(t.Context(), there, nil, 1, simplePlan); err != nil { // so that the target has a row
		t.Fatal(err)
	}
	fillPostgres(t, dsn, 2000)
	carried(t, s, 100_000_000)
	one := state("refused", 100_000_001, "refused")
	put(t, s, batch(one))
	if _, err := s.Advance(t.Context(), there, nil, 1, func(*Work) Step { return Step{Op: Refuse, Reason: "why"} }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Quarantine(t.Context()); err != nil {
		t.Fatal(err)
	}
	one.Deleted, one.Revision = true, 2
	one.Reactions = []bridge.Reaction{{User: "ben", Emoji: "👍"}}
	put(t, s, batch(one))
	if _, err := s.Prune(t.Context(), time.Time{}, time.UnixMilli(1_000_000+1100), nil); err != nil {
		t.Fatal(err)
	}
	texts := map[string]bool{}
	for text := range s.writer.statements {
		texts[text] = true
	}
	for _, one := range pageQueries() {
		texts[one.query] = true
	}
	texts[backlogQuery] = true
	conn, err := direct(t, dsn).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "SET enable_seqscan = off; SET enable_bitmapscan = off; SET plan_cache_mode = force_generic_plan; SET jit = off"); err != nil {
		t.Fatal(err)
	}
	for text, bad := range map[string]bool{"SELECT id FROM messages WHERE hash = $1": true, "SELECT count(*) FROM parts": true, "SELECT message FROM instances WHERE message + 0 = $1": true, "SELECT hash FROM messages WHERE id = $1": false} {
		if found := readsAll(postgresPlan(t, conn, text)); (len(found) > 0) != bad {
			t.Errorf("%s reads %q by\n%s", text, found, postgresPlan(t, conn, text))
		}
	}
	looked := 0
	for text := range texts {
		text = s.engine.query(text)
		if first, _, _ := strings.Cut(strings.TrimSpace(text), " "); !strings.Contains("SELECT INSERT UPDATE DELETE WITH", first) {
			continue
		}
		looked++
		if bad := readsAll(postgresPlan(t, conn, text)); len(bad) > 0 {
			t.Errorf("%q by:\n%s", bad, text)
		}
	}
	if looked < 50 {
		t.Errorf("only %d statements were looked at", looked)
	}
}

// postgresPlan gives how PostgreSQL would do a statement, whatever its arguments are.
func postgresPlan(t *testing.T, conn *sql.Conn, text string) string {
	t.Helper()
	arguments := 0
	for strings.Contains(text, fmt.Sprint("$", arguments+1)) {
		arguments++
	}
	nulls := strings.TrimSuffix(strings.Repeat("NULL,", arguments), ",")
	if nulls != "" {
		nulls = "(" + nulls + ")"
	}
	if _, err := conn.ExecContext(t.Context(), "PREPARE looked AS "+text, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	defer func() { _, _ = conn.ExecContext(t.Context(), "DEALLOCATE looked") }()
	rows, err := conn.QueryContext(t.Context(), "EXPLAIN EXECUTE looked"+nulls, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}
