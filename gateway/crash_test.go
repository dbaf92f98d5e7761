package gateway

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"causeway/bridge/memory"
)

// crash names the end of a process at a write to the store, among the calls that failed.
const crash = "crash at a write"

// tally counts what went wrong with the calls of some plays.
type tally struct {
	mutex sync.Mutex
	times map[string]int
}

func (t *tally) add(what string, after bool) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.times == nil {
		t.times = map[string]int{}
	}
	t.times[fmt.Sprint(what, " after=", after)]++
}

// complete fails unless every kind of call that a gateway makes has failed before and after it took effect, and
// processes have died before and after a write was on disk.
func (t *tally) complete(to *testing.T) {
	to.Helper()
	t.mutex.Lock()
	defer t.mutex.Unlock()
	to.Logf("what went wrong on purpose: %v", t.times)
	for _, what := range []memory.Op{
		memory.Connect, memory.Resolve, memory.Feeding, memory.Read, memory.Post, memory.Edit, memory.Delete, memory.React, memory.Find, crash,
	} {
		for _, after := range []bool{false, true} {
			if key := fmt.Sprint(what, " after=", after); t.times[key] == 0 {
				to.Errorf("this never happened: %s", key)
			}
		}
	}
}

// TestRandomPlaySurvivesACrashAtEveryWrite plays short plays again and again: each time the process dies at another one of
// their writes to the store, once before it is on disk and once after. There is one such play for every thousand seeds.
func TestRandomPlaySurvivesACrashAtEveryWrite(t *testing.T) {
	for seed := uint64(1); seed <= uint64(*playSeeds)/1000+1; seed++ {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("seed %d, after=%t", seed, after), func(t *testing.T) {
				at := 0
				for died := true; died && !t.Failed(); at++ {
					died = diesAt(t, seed, at, after)
				}
				t.Logf("%d writes", at-1)
				if at < 50 {
					t.Errorf("the play has only %d writes", at-1)
				}
			})
		}
	}
}

// diesAt plays a play in which nothing fails but one write, and tells whether there were so many writes.
func diesAt(t *testing.T, seed uint64, at int, after bool) bool {
	var writes atomic.Int64
	synctest.Test(t, func(t *testing.T) {
		p := newPlay(t, seed)
		p.fault, p.acts, p.troubles = 0, 20, new(tally)
		p.dies = func(a bool) bool { return a == after && writes.Add(1) == int64(at)+1 }
		p.perform()
		if got := p.judge(); got != (sums{}) {
			t.Errorf("dying at write %d: %+v\n%s", at, got, strings.Join(p.wrong, "\n")+"\n"+p.seen()+p.stored+p.history.String())
		}
	})
	return writes.Load() > int64(at)
}
