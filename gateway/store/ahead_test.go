package store

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
)

// wholePlan is simplePlan, of posts that show all of their message.
func wholePlan(w *Work) Step {
	step := simplePlan(w)
	step.Whole = true
	return step
}

// begun gives the messages of which posts are begun at once.
func begun(t *testing.T, s *Store, last []*Outcome, most int) ([]bridge.MessageID, []Planned) {
	t.Helper()
	next, err := s.Advance(t.Context(), there, last, most, wholePlan)
	if err != nil {
		t.Fatal(err)
	}
	var ids []bridge.MessageID
	all := append([]Planned{{next.Work, next.Step}}, next.Ahead...)
	for _, one := range all {
		if one.Step.Op != Settled {
			ids = append(ids, one.Work.Message.OriginID)
		}
	}
	return ids, all
}

func wants(t *testing.T, what string, got []bridge.MessageID, want ...bridge.MessageID) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// TestPostsAreBegunTogetherUpToTheFirstThatDependsOnMore: an answer waits for its root, and nothing overtakes it.
func TestPostsAreBegunTogetherUpToTheFirstThatDependsOnMore(t *testing.T) {
	s, _ := fresh(t, Options{})
	answer := state("m3", 3, "an answer")
	answer.Root = "m2"
	put(t, s, batch(state("m1", 1, "one"), state("m2", 2, "two"), answer, state("m4", 4, "four"), state("m5", 5, "five"), state("m6", 6, "six"), state("m7", 7, "seven")))
	ids, all := begun(t, s, nil, 16)
	wants(t, "at first", ids, "m1", "m2")
	ids, all = begun(t, s, posts(all), 16)
	wants(t, "the answer", ids, "m3")
	ids, all = begun(t, s, posts(all), 3)
	wants(t, "three were read, and the answer lacks nothing", ids, "m4", "m5")
	ids, all = begun(t, s, posts(all), 1)
	wants(t, "no more than one", ids, "m6")
	ids, all = begun(t, s, posts(all), 16)
	wants(t, "the last", ids, "m7")
	if ids, _ = begun(t, s, posts(all), 2); len(ids) > 0 {
		t.Errorf("%v lack something", ids)
	}
}

// posts are the outcomes of posts that were made.
func posts(all []Planned) []*Outcome {
	var ended []*Outcome
	for _, one := range all {
		ended = append(ended, &Outcome{Work: one.Work, Step: one.Step, IDs: []bridge.MessageID{"p-" + one.Work.Message.OriginID}})
	}
	return ended
}

// TestWhatWasBegunTogetherIsLookedForOneByOne: of four posts two were made, and of the second nobody knows.
func TestWhatWasBegunTogetherIsLookedForOneByOne(t *testing.T) {
	for name, dies := range map[string]bool{"its answer is lost": false, "the process dies": true} {
		s, _ := fresh(t, Options{})
		put(t, s, batch(state("m1", 1, "one"), state("m2", 2, "two"), state("m3", 3, "three"), state("m4", 4, "four")))
		_, all := begun(t, s, nil, 16)
		ended := posts(all)
		ended[1].Verdict, ended[2].Verdict, ended[3].Verdict = Unknown, Absent, Absent
		if dies {
			ended = nil
		}
		var finds []bridge.MessageID
		for {
			ids, now := begun(t, s, ended, 16)
			if now[0].Step.Op != Find {
				wants(t, name+": posted anew", ids, "m3")
				break
			}
			finds = append(finds, ids[0])
			ended = []*Outcome{{Work: now[0].Work, Step: now[0].Step, Verdict: Absent}}
			if ids[0] == "m1" || ids[0] == "m2" {
				ended[0].Verdict, ended[0].IDs = Done, []bridge.MessageID{"p-" + ids[0]}
			}
		}
		if dies {
			wants(t, name+": looked for", finds, "m1", "m2", "m3", "m4")
		} else {
			wants(t, name+": looked for", finds, "m2")
		}
		if late := query[int](t, s, "SELECT COUNT(*) FROM instances WHERE late = 1"); late > 0 {
			t.Errorf("%s: %d pass for late", name, late)
		}
	}
}

// TestWhatIsNotedIsNotLookedFor: what a lane knows before it waits is stored, and nothing is begun.
func TestWhatIsNotedIsNotLookedFor(t *testing.T) {
	s, _ := fresh(t, Options{})
	put(t, s, batch(state("m1", 1, "one"), state("m2", 2, "two")))
	_, all := begun(t, s, nil, 16)
	ended := posts(all)
	ended[1].Verdict = Absent
	if _, err := s.Note(t.Context(), there, ended); err != nil {
		t.Fatal(err)
	}
	if n := query[int](t, s, "SELECT COUNT(*) FROM parts WHERE intent IS NOT NULL"); n != 0 {
		t.Errorf("%d are uncertain", n)
	}
	ids, _ := begun(t, s, nil, 16)
	wants(t, "what is left", ids, "m2")
}

// TestAnIntentOfAnOlderVersionIsStillUncertain brings a store in which a post was begun to the present version.
func TestAnIntentOfAnOlderVersionIsStillUncertain(t *testing.T) {
	aboutSQLite(t) // no older version ran on PostgreSQL
	path := filepath.Join(t.TempDir(), "causeway.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	for n, m := range migrations[:2] {
		if _, err := db.Exec(fmt.Sprintf("%s; PRAGMA user_version = %d", m, n+1)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Exec(`INSERT INTO conversations (id, server, channel) VALUES (1, ?, ?), (2, ?, ?);
		INSERT INTO messages (id, origin, origin_id, created) VALUES (1, 1, 'm1', 5);
		INSERT INTO instances (id, message, conversation, origin, phase, rank) VALUES (1, 1, 2, 0, 0, 5);
		INSERT INTO parts (instance, number, conversation, key) VALUES (1, 0, 2, 'k');
		INSERT INTO intents (conversation, instance, number, root, made, name) VALUES (2, 1, 0, 'r', 7, 'Ann')`,
		string(here.Server), string(here.Channel), string(there.Server), string(there.Channel)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s := open(t, path, Options{})
	next, err := s.Advance(t.Context(), there, nil, 1, simplePlan)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintln(next.Step.Op == Find, next.Step.Draft.Root, next.Step.Draft.Key, next.Step.Since.UnixMilli(), next.Work.SameName)
	if want := "true r k 7 Ann\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
