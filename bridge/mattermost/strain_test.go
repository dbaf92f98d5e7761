package mattermost

import (
	"testing"
	"testing/synctest"
	"time"

	"causeway/bridge"
)

func TestAServerThatLimitsIsAskedLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &talks{feed: &feed{}}
		complaint := &bridge.Error{Kind: bridge.Throttled, After: time.Second}
		within := func(after string, low, high time.Duration) {
			t.Helper()
			for range 100 {
				if d := a.spread(8 * time.Second); d < low || d > high {
					t.Fatalf("%s: %v, want between %v and %v", after, d, low, high)
				}
			}
		}
		within("nothing", 7*time.Second, 9*time.Second)
		a.throttled(complaint)
		a.throttled(complaint) // of the same burst
		within("a complaint", 14*time.Second, 18*time.Second)
		time.Sleep(2 * time.Second)
		a.throttled(complaint)
		within("another", 28*time.Second, 36*time.Second)
		for range 20 {
			time.Sleep(2 * time.Second)
			a.throttled(complaint)
		}
		within("many", mostStrain*7*time.Second, mostStrain*9*time.Second)
		time.Sleep(time.Minute)
		within("a minute", mostStrain/2*7*time.Second, mostStrain/2*9*time.Second)
		time.Sleep(10 * time.Minute)
		within("a long time", 7*time.Second, 9*time.Second)
	})
}
