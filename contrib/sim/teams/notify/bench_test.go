package notify_test

import (
	"io"
	"net/http"
	"testing"

	"causeway/contrib/sim/teams/notify"
)

// BenchmarkDeliver tells what the stand-in itself costs per notification with resource data, encryption included, so
// that benchmarks of receivers know what is not theirs.
func BenchmarkDeliver(b *testing.B) {
	it := richItem(b, 1)
	transport, wait := notify.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
	}))
	e := notify.New(notify.Config{Transport: transport, Batch: 20, Parallel: 2}, notify.Host{
		Gate:  func(string) notify.Gate { return notify.Open },
		Token: func(string, string) string { return "token" },
	})
	defer wait()
	defer e.Close()
	b.ReportAllocs()
	for range b.N {
		e.Send(it)
	}
	if err := e.Await(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(e.Stats().PerSecond(), "notifications/s")
}
