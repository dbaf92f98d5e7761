package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func standard(store string) options {
	return options{seconds: 60, store: store, instances: 1, replica: replicaSync, pause: 250, calm: 2000, root: true}
}

// TestASeedIsAlwaysTheSamePlan, also after it was written down.
func TestASeedIsAlwaysTheSamePlan(t *testing.T) {
	text := asJSON(newPlan(7, standard(storeSQLite)))
	if again := asJSON(newPlan(7, standard(storeSQLite))); !bytes.Equal(again, text) {
		t.Error("the same seed makes two plans")
	}
	if other := asJSON(newPlan(8, standard(storeSQLite))); bytes.Equal(other, text) {
		t.Error("two seeds make one plan")
	}
	path := filepath.Join(t.TempDir(), "plan.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := readPlan(path)
	if err != nil {
		t.Fatal(err)
	}
	if again := asJSON(read); !bytes.Equal(again, text) {
		t.Error("what was read is another plan than what was written")
	}
}

// TestPlansCanBeCarriedOut: nobody does what they cannot, nothing is done to what was deleted, what has answers is not deleted, and what is changed on the
// other side has stood there for a while.
func TestPlansCanBeCarriedOut(t *testing.T) {
	copies := 0
	for seed := range uint64(50) {
		p := newPlan(seed, standard(storePostgres))
		said, deleted, answered, last := map[int]Act{}, map[int]bool{}, map[int]bool{}, map[int]Act{}
		for _, a := range p.Acts {
			if !cast[a.By].on(a.side()) || !slices.Contains(places[a.Place].people, a.By) {
				t.Fatalf("seed %d: %s is not there: %+v", seed, cast[a.By].name, a)
			}
			if a.Kind == say {
				said[a.N], last[a.N] = a, a
				answered[a.Root] = true
				a.N = a.Root // what it is about
			}
			of := said[a.N]
			switch {
			case a.N == 0:
			case of.N == 0 || deleted[a.N]:
				t.Fatalf("seed %d: it is about nothing: %+v", seed, a)
			case of.Side != a.Side || of.Place != a.Place:
				t.Fatalf("seed %d: it is about something elsewhere: %+v, %+v", seed, a, of)
			case (a.Kind == edit || a.Kind == remove) && of.By != a.By:
				t.Fatalf("seed %d: it is somebody else's: %+v", seed, a)
			}
			if before := last[a.N]; (a.Kind == edit || a.Kind == remove) && a.Copy != before.Copy && a.At-before.At <= sightTime {
				t.Fatalf("seed %d: %+v is changed too soon: %+v", seed, before, a)
			}
			if a.Kind == edit {
				last[a.N] = a
			}
			if a.Copy {
				copies++
			}
			deleted[a.N] = deleted[a.N] || a.Kind == remove
		}
		for n := range deleted {
			if deleted[n] && answered[n] {
				t.Fatalf("seed %d: what has answers is deleted: %d", seed, n)
			}
		}
	}
	if copies < 50*10 {
		t.Errorf("%d changes at copies in all", copies)
	}
}

// TestEveryKindOfFaultIsMade within 20 seeds, and none outside of its time or together with another of its group.
func TestEveryKindOfFaultIsMade(t *testing.T) {
	made := map[string]int{}
	for seed := range uint64(20) {
		for n, o := range []options{standard(storeSQLite), standard(storePostgres), standard(storePostgres)} {
			if n == 2 {
				o.instances, o.replica = 3, replicaAsync
			}
			p := newPlan(seed, o)
			busy := map[string]int{}
			for _, f := range p.Faults {
				k := kindNamed(f.Kind)
				if f.At < busy[k.group] || f.At+f.For > 60_000 || f.For < k.least || f.For > k.most {
					t.Errorf("seed %d: %+v", seed, f)
				}
				busy[k.group] = f.At + f.For
				made[f.Kind]++
			}
		}
	}
	for _, k := range kinds {
		if made[k.name] < 10 {
			t.Errorf("%s was made %d times", k.name, made[k.name])
		}
	}
}
