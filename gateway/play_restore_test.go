package gateway

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"causeway/gateway/store"
)

// backups are what a play keeps of its store, and puts back.
type backups struct {
	play     *play
	saved    string // where the last one is
	restored int    // how often one was put back
	keep     []func() error
}

// between keeps what is stored, or puts back what was, each in one of three cases.
func (b *backups) between(path string, keys store.Keys) string {
	switch n := b.play.int(3); {
	case n == 0 || b.saved == "" && n == 1:
		b.saved = b.copied(path)
		b.play.add("a backup is made")
	case n == 1:
		path = b.copied(b.saved)
		if err := markRestored(path, time.Now()); err != nil {
			b.play.t.Fatal(err)
		}
		none := store.Options{VFS: "memdb"}
		keep, err := store.Open(b.play.t.Context(), path, keys, none)
		if err != nil {
			b.play.t.Fatal(err)
		}
		b.keep = append(b.keep, keep.Close)
		b.play.keep = keep
		b.restored++
		b.play.add("a backup is restored")
	}
	return path
}

func (b *backups) copied(path string) string {
	to := memoryName(path)
	keep, err := kept(to)
	if err == nil {
		b.keep = append(b.keep, keep.Close)
		err = copyMemory(path, to)
	}
	if err != nil {
		b.play.t.Fatal(err)
	}
	return to
}

// TestRandomPlayWithBackupsThatAreRestoredEndsWithNothingWrong lets people say, answer and edit while every kind of call fails, processes die, and now and then
// the next one finds the store as it was some lives ago.
func TestRandomPlayWithBackupsThatAreRestoredEndsWithNothingWrong(t *testing.T) {
	if cluster != nil {
		t.Skip("the copies are SQLite's")
	}
	restored, messages := 0, 0
	for n := range uint64(*playSeeds)/10 + 1 {
		seed := *playFirst + n
		synctest.Test(t, func(t *testing.T) {
			p := newPlay(t, seed)
			p.troubles, p.gentle, p.steady = new(tally), true, true
			p.crash = max(p.crash, 0.01)
			b := &backups{play: p}
			defer func() {
				for _, end := range b.keep {
					_ = end()
				}
			}()
			p.between = b.between
			p.perform()
			if got := p.judge(); got != (sums{}) {
				t.Errorf("seed %d: %+v\n%s", seed, got, strings.Join(p.wrong, "\n")+"\n"+p.seen()+p.stored+p.history.String())
			}
			restored, messages = restored+b.restored, messages+len(p.said)
		})
		if t.Failed() {
			break
		}
	}
	t.Logf("%d messages, %d times a backup was restored", messages, restored)
	if !t.Failed() && restored == 0 {
		t.Error("no backup was ever restored")
	}
}
