package msteams

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"causeway/bridge"
	"causeway/contrib/sim/teams"
)

// enrol makes so many connected people, without walking each through the browser.
func (w *simWorld) enrol(n int) []*teams.User {
	w.Helper()
	var all []*teams.User
	for i := range n {
		u := w.tenant.AddUser(fmt.Sprintf("Person %d", i))
		w.team.AddMember(u)
		_, refresh := w.sim.SignIn(w.app, u, permissions(true)...)
		id := bridge.UserID(u.ID)
		w.vault.put(w, bridge.PersonGrant(id), personGrant{RefreshToken: refresh, User: id})
		all = append(all, u)
	}
	return all
}

// BenchmarkPeople holds the tokens of 2,000 people, and tells what one of them takes in memory, and how many requests for
// tokens were under way at the same time when all were asked for at once.
func BenchmarkPeople(b *testing.B) {
	const people = 2000
	for range b.N {
		b.StopTimer()
		w := newSimWorld(b, teams.Options{})
		a := w.connected()
		users := w.enrol(people)
		var now, most atomic.Int64
		w.wire.replace(func(next http.RoundTripper) http.RoundTripper {
			return roundTrip(func(r *http.Request) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Path, "/token") {
					n := now.Add(1)
					defer now.Add(-1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
					}
				}
				return next.RoundTrip(r)
			})
		})
		held := func() uint64 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		before := held()
		for _, u := range users { // without tokens, so that what the stand-in keeps of them is not counted
			if _, err := a.persons.get(bridge.UserID(u.ID)); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(held()-before)/people, "B/person")
		b.StartTimer()
		var all sync.WaitGroup
		for _, u := range users {
			all.Go(func() {
				p, err := a.persons.get(bridge.UserID(u.ID))
				if err == nil {
					_, err = p.tokens.get(b.Context())
				}
				if err != nil {
					b.Error(err)
				}
			})
		}
		all.Wait()
		b.ReportMetric(float64(most.Load()), "renewals/at-once")
		if most.Load() > renewalsAtOnce {
			b.Errorf("%d tokens were renewed at once", most.Load())
		}
		runtime.KeepAlive(a)
	}
}
