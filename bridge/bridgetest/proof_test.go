package bridgetest_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"causeway/bridge"
	"causeway/bridge/bridgetest"
	"causeway/bridge/memory"
)

// witness is a test that may fail: it keeps what it was told instead.
type witness struct {
	testing.TB
	mu     sync.Mutex
	failed bool
	said   strings.Builder
}

func (w *witness) note(failed bool, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed = w.failed || failed
	w.said.WriteString(text + "\n")
}

func (w *witness) Error(args ...any)                 { w.note(true, fmt.Sprint(args...)) }
func (w *witness) Errorf(format string, args ...any) { w.note(true, fmt.Sprintf(format, args...)) }
func (w *witness) Fail()                             { w.note(true, "") }
func (w *witness) FailNow()                          { w.Fail(); runtime.Goexit() }
func (w *witness) Fatal(args ...any)                 { w.Error(args...); runtime.Goexit() }
func (w *witness) Fatalf(format string, args ...any) { w.Errorf(format, args...); runtime.Goexit() }
func (w *witness) Skip(args ...any)                  { w.note(false, "skipped: "+fmt.Sprint(args...)); runtime.Goexit() }
func (w *witness) Log(args ...any)                   { w.note(false, fmt.Sprint(args...)) }
func (w *witness) Logf(format string, args ...any)   { w.note(false, fmt.Sprintf(format, args...)) }

func (w *witness) Failed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

// judge runs one law against a variation of memory and gives whether it failed and what it said.
func judge(t *testing.T, law bridgetest.Law, options memory.Options, v variation) (failed bool, said string) {
	synctest.Test(t, func(t *testing.T) {
		w := &witness{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			law.Prove(w, open(t, options, v))
		}()
		<-done
		failed, said = w.failed, w.said.String()
	})
	return failed, said
}

func lawOf(t *testing.T, name string) bridgetest.Law {
	laws := bridgetest.Laws()
	at := slices.IndexFunc(laws, func(l bridgetest.Law) bool { return l.Name == name })
	if at < 0 {
		t.Fatalf("there is no law %q", name)
	}
	return laws[at]
}

// proof is a way to break the contract, and the law that notices.
type proof struct {
	how string
	law string
	// says stands in what the law complains about, so that it fails for this reason and no other.
	says      string
	variation variation
}

// chances is how often a law may look at what is broken: two things that a bridge does at the same time may hide it once.
const chances = 3

func TestEveryBrokenLawIsNoticed(t *testing.T) {
	for _, p := range proofs {
		t.Run(p.how, func(t *testing.T) {
			var failed bool
			var said string
			for range chances {
				if failed, said = judge(t, lawOf(t, p.law), optionsFor[p.law], p.variation); failed && strings.Contains(said, p.says) {
					return
				}
			}
			t.Errorf("law %q: failed %t, want it to complain about %q, it said: %s", p.law, failed, p.says, said)
		})
	}
}

func TestEveryLawCanFail(t *testing.T) {
	for _, law := range bridgetest.Laws() {
		if !slices.ContainsFunc(proofs, func(p proof) bool { return p.law == law.Name }) {
			t.Errorf("nothing shows that the law %q can fail", law.Name)
		}
	}
}

func TestNothingBrokenPassesUnderTheSameWitness(t *testing.T) {
	for _, law := range bridgetest.Laws() {
		for name, options := range map[string]memory.Options{"plain": {}, "poor": {NoEdit: true, NoDelete: true, NoReactions: true}, "regrouping": {Regroup: true}} {
			if failed, said := judge(t, law, options, func(*handle, *broken) {}); failed {
				t.Errorf("%s: law %q: %s", name, law.Name, said)
			}
		}
	}
}

const (
	lawSays      = "what people say arrives whole and in order"
	lawThrottled = "a throttled write is tried once and says when to come back"
	lawRevoked   = "a revoked token is Unauthorised until it is granted"
	lawHostile   = "hostile text arrives as text"
	lawShut      = "a failing conversation does not stop the other"
)

type next = func(context.Context, bridge.Batch) error

var proofs = slices.Concat(feedProofs, endProofs, writeProofs, faultProofs, textProofs, mentionProofs, placeProofs, peopleProofs, talkProofs, fileProofs)
