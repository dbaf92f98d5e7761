package store

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"causeway/bridge"
)

var scale = flag.Int("store.messages", 20_000, "how many settled messages the store of TestALargeStoreIsAsFastAsAnEmptyOne has; from 1,000,000 on, what is measured is judged")

// fillLarge makes n settled messages, one in ten of them an answer, each with one copy, as they are after two years of n / 730 messages a day.
func fillLarge(t *testing.T, path string, n int) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	const key = "'AbCdEfGhIjKlMnOpQrStUvWxYz' || printf('%06x', i)"
	for _, script := range []string{
		"PRAGMA synchronous = OFF; PRAGMA cache_size = -200000",
		"CREATE TEMP TABLE n (i INTEGER PRIMARY KEY)",
		fmt.Sprintf("INSERT INTO n WITH RECURSIVE r (i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM r WHERE i < %d) SELECT i FROM r", 1000+n-1),
		`INSERT INTO messages (id, origin, origin_id, root_id, root, created, hash, author) SELECT i, 1, printf('w3xyzw3xyzw3xyzw3x%08d', i), CASE i % 10 WHEN 9 THEN printf('w3xyzw3xyzw3xyzw3x%08d', i - 1) ELSE '' END,
			CASE i % 10 WHEN 9 THEN i - 1 END, 1000000 + i, 'AbCdEfGhIjKlMnOp', printf('author%04d', i % 1000) FROM n`,
		"INSERT INTO instances (id, message, conversation, origin, phase, version) SELECT 2 * i, i, 1, 1, 1, 1 FROM n",
		"INSERT INTO instances (id, message, conversation, origin, phase, version) SELECT 2 * i + 1, i, 2, 0, 1, 1 FROM n",
		"INSERT INTO parts (instance, number, conversation, id, version, revision) SELECT 2 * i, 0, 1, printf('w3xyzw3xyzw3xyzw3x%08d', i), 1, 1000000 + i FROM n",
		"INSERT INTO parts (instance, number, conversation, id, key, hash, posted, version, revision) SELECT 2 * i + 1, 0, 2, printf('%013d', 1700000000000 + i), " + key + ", 'AbCdEfGhIjKlMnOp', 1000000 + i, 1, 1000000 + i FROM n",
		"PRAGMA wal_checkpoint(TRUNCATE)",
	} {
		if _, err := db.Exec(script); err != nil {
			t.Fatalf("%s: %v", script, err)
		}
	}
}

// carried puts a message and an edit of it, does what a lane would, and tells how long that took.
func carried(t *testing.T, s *Store, n int) time.Duration {
	t.Helper()
	one, began := state(fmt.Sprint("timed ", n), n, "hello"), time.Now()
	for range 2 {
		put(t, s, batch(one))
		var last []*Outcome
		for {
			next, err := s.Advance(t.Context(), there, last, 1, simplePlan)
			if err != nil {
				t.Fatal(err)
			}
			if next.Step.Op == Settled {
				break
			}
			last = []*Outcome{{Work: next.Work, Step: next.Step, IDs: []bridge.MessageID{bridge.MessageID(fmt.Sprint("copy ", n))}}}
		}
		one.Revision, one.Text = 2, state("", 0, "edited").Text
	}
	return time.Since(began)
}

// medians are how long that takes in each of two stores, by turns: other programs use the disk, too.
func medians(t *testing.T, one, two *Store) (time.Duration, time.Duration) {
	t.Helper()
	times := 15
	if *scale >= 1_000_000 {
		times = 500
	}
	var all [2][]time.Duration
	for n := range times {
		for i, s := range []*Store{one, two} {
			all[i] = append(all[i], carried(t, s, 100_000_000+n))
		}
	}
	slices.Sort(all[0])
	slices.Sort(all[1])
	return all[0][times/2], all[1][times/2]
}

// TestALargeStoreIsAsFastAsAnEmptyOne looks that no statement that runs per message reads a whole table, and measures.
func TestALargeStoreIsAsFastAsAnEmptyOne(t *testing.T) {
	aboutSQLite(t)
	empty, _ := fresh(t, Options{})
	s, path := fresh(t, Options{})
	if _, err := s.Advance(t.Context(), there, nil, 1, simplePlan); err != nil { // so that the target has a row
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	fillLarge(t, path, *scale)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	s = open(t, path, Options{})
	if lacking, err := s.Lacking(t.Context()); err != nil || len(lacking) > 0 {
		t.Fatal(lacking, err)
	}
	if _, err := s.Backlogs(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Delays(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	start := time.Since(began)
	without, with := medians(t, empty, s)
	began = time.Now()
	p, err := s.Prune(t.Context(), time.Time{}, time.UnixMilli(1_000_000+1000+pruneMost*10/9), nil)
	if err != nil || p.Messages != 90 && p.Messages != pruneMost {
		t.Errorf("%+v %v", p, err)
	}
	t.Logf("%d messages: %.0f MB per 1,000,000; started in %v; a message and its edit take %v (median), in an empty store %v; %d were forgotten in %v",
		*scale, float64(info.Size())/float64(*scale), start, with, without, p.Messages, time.Since(began))
	if *scale >= 1_000_000 && (start > 2*time.Second || with > 2*without) {
		t.Error("that is too slow")
	}
	for text := range s.writer.statements {
		plan := planOf(t, s, text)
		for _, line := range strings.Split(plan, "\n") {
			if wholeTable.MatchString(line) && !fewRows.MatchString(line) {
				t.Errorf("this reads a whole table:\n%s\n%s", text, plan)
			}
		}
	}
}

// Tables that have a row for each message, and indexes of those rows that lack something.
var (
	wholeTable = regexp.MustCompile(`SCAN (messages|instances|parts|m|i|p|r)\b`)
	fewRows    = regexp.MustCompile(`INDEX (instances_lacking|instances_quarantined|instances_held|parts_intended)\b`)
)

func planOf(t *testing.T, s *Store, text string) (plan string) {
	t.Helper()
	err := s.do(context.Background(), func(x *tx) error {
		plan = ""
		var args []any
		for strings.Contains(text, fmt.Sprint("$", len(args)+1)) {
			args = append(args, 1)
		}
		if strings.HasPrefix(text, "BEGIN") || strings.HasPrefix(text, "COMMIT") || strings.HasPrefix(text, "ROLLBACK") || strings.HasPrefix(text, "PRAGMA") {
			return nil
		}
		rows, err := x.conn.QueryContext(x.ctx, "EXPLAIN QUERY PLAN "+text, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				return err
			}
			plan += detail + "\n"
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}
