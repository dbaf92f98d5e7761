package store

import (
	"fmt"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
)

// backlogs compares whole values.
func backlogs(t *testing.T, s *Store, want map[bridge.ConversationID]Backlog) {
	t.Helper()
	got, err := s.Backlogs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBacklogsAreWhatHasNotArrived(t *testing.T) {
	s, _ := fresh(t, Options{})
	backlogs(t, s, map[bridge.ConversationID]Backlog{})
	put(t, s, batch(state("m1", 1, "one"), state("m2", 2, "two"), state("m3", 3, "three")))
	first := Backlog{Waiting: 3, Oldest: began.Add(time.Second)}
	backlogs(t, s, map[bridge.ConversationID]Backlog{there: first})

	stuck := refuseFirst(t, s)
	backlogs(t, s, map[bridge.ConversationID]Backlog{
		there: {Waiting: 2, Oldest: began.Add(2 * time.Second), Quarantined: 1, Stuck: stuck}})
	deliver(t, s, there)
	backlogs(t, s, map[bridge.ConversationID]Backlog{there: {Quarantined: 1, Stuck: stuck}})
}

// refuseFirst quarantines the first message that the target lacks, and gives when that was.
func refuseFirst(t *testing.T, s *Store) time.Time {
	t.Helper()
	next, err := s.Advance(t.Context(), there, nil, 1, simplePlan)
	if err != nil {
		t.Fatal(err)
	}
	refused := []*Outcome{{Work: next.Work, Step: next.Step, Verdict: Refused, Reason: "not allowed"}}
	if _, err := s.Advance(t.Context(), there, refused, 1, simplePlan); err != nil {
		t.Fatal(err)
	}
	all, err := s.Quarantine(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("%d in quarantine, %v", len(all), err)
	}
	return all[0].Since
}

func TestBacklogsAreReadFromTheirIndexes(t *testing.T) {
	aboutSQLite(t)
	s, _ := fresh(t, Options{})
	rows, err := s.db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+backlogQuery)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	scans := regexp.MustCompile(`^(SCAN|SEARCH) (instances|c)\b`)
	var found []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		if scans.MatchString(detail) {
			found = append(found, detail)
		}
	}
	want := []string{
		"SCAN instances USING COVERING INDEX instances_lacking",
		"SCAN instances USING INDEX instances_quarantined",
		"SEARCH c USING INTEGER PRIMARY KEY (rowid=?)",
	}
	if diff := cmp.Diff(want, found); diff != "" || rows.Err() != nil {
		t.Errorf("%v (-want +got):\n%s", rows.Err(), diff)
	}
}

func TestBacklogsAreReadWhileOthersWrite(t *testing.T) {
	s, _ := fresh(t, Options{})
	var writing sync.WaitGroup
	writing.Go(func() {
		for n := range 50 {
			if _, err := s.Put(t.Context(), batch(state(fmt.Sprint("m", n), n, "text")), routes()); err != nil {
				t.Error(err)
			}
		}
	})
	for range 50 {
		if _, err := s.Backlogs(t.Context()); err != nil {
			t.Error(err)
		}
	}
	writing.Wait()
	backlogs(t, s, map[bridge.ConversationID]Backlog{there: {Waiting: 50, Oldest: began}})
}

func TestBacklogsOfAStoreThatIsFull(t *testing.T) {
	aboutSQLite(t)
	s, _ := fresh(t, Options{})
	limit(t, s, 200)
	taken, _ := fill(t, s)
	backlogs(t, s, map[bridge.ConversationID]Backlog{there: {Waiting: taken, Oldest: began}})
}

func TestBacklogsOfAStoreThatIsClosed(t *testing.T) {
	s, _ := fresh(t, Options{})
	_ = s.Close()
	if all, err := s.Backlogs(t.Context()); err == nil {
		t.Errorf("got %v", all)
	}
}

// BenchmarkBacklogs asks a store of 1,000 gateways and 1,000,000 messages.
func BenchmarkBacklogs(b *testing.B) {
	s, _ := fresh(b, Options{})
	err := s.do(b.Context(), func(t *tx) error {
		for _, q := range []string{
			`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 2000) INSERT INTO conversations (id, server, channel)
				SELECT 100+i, CASE i%2 WHEN 0 THEN 'memory:a' ELSE 'memory:b' END, 'room' || (i/2) FROM n`,
			`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 1000000) INSERT INTO messages (id, origin, origin_id, created)
				SELECT i, 102 + 2*(i%999), 'm' || i, i FROM n`,
			`INSERT INTO instances (message, conversation, origin, phase) SELECT id, origin, 1, 1 FROM messages`,
			`INSERT INTO instances (message, conversation, origin, phase) SELECT id, origin+1, 0, 1 FROM messages`,
		} {
			if err := t.exec(q); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	for _, unsettled := range []struct{ waiting, quarantined int }{{0, 0}, {1000, 100}, {10_000, 1000}, {100_000, 1000}} {
		b.Run(fmt.Sprintf("waiting=%d/quarantined=%d", unsettled.waiting, unsettled.quarantined), func(b *testing.B) {
			leave(b, s, unsettled.waiting, unsettled.quarantined)
			for b.Loop() {
				if _, err := s.Backlogs(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// leave makes so many of the last messages wait, and so many of the first ones quarantined.
func leave(b *testing.B, s *Store, waiting, quarantined int) {
	b.Helper()
	err := s.do(b.Context(), func(t *tx) error {
		if err := t.exec("UPDATE instances SET rank = message WHERE id > 2000000 - $1", waiting); err != nil {
			return err
		}
		return t.exec("UPDATE instances SET reason = 'refused', quarantined = message WHERE id > 1000000 AND id <= 1000000 + $1", quarantined)
	})
	if err != nil {
		b.Fatal(err)
	}
}
