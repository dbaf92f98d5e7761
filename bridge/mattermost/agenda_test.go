package mattermost

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWhatIsDueComesInItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, start := newAgenda(), time.Now()
		in := func(d time.Duration) time.Time { return start.Add(d) }
		a.set("late", in(time.Hour))
		a.set("moved", in(3*time.Second))
		a.set("moved", in(20*time.Second))
		a.set("gone", in(4*time.Second))
		a.drop("gone")
		a.set("earlier", in(time.Hour))
		a.soon("earlier", in(10*time.Second))
		a.soon("earlier", in(30*time.Second))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		time.AfterFunc(5*time.Second, func() { a.set("meanwhile", in(6*time.Second)) })
		type done struct {
			Key   string
			After time.Duration
		}
		var got []done
		for {
			key, err := a.next(ctx)
			if err != nil {
				break
			}
			got = append(got, done{key, time.Since(start)})
		}
		want := []done{{"meanwhile", 6 * time.Second}, {"earlier", 10 * time.Second}, {"moved", 20 * time.Second}}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
}
