package metrics

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"causeway/bridge"
)

var at = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// everything is a moment at which there is something of each kind.
func everything(context.Context) Now {
	return Now{
		At: at, Version: "v1", Problems: 2, Warnings: 1, Store: true,
		Accounts: []AccountNow{{
			Name: "memory.a", Connected: true, Receiving: "websocket", Sockets: map[string]int{bridge.OfAccount: 1, bridge.OfPeople: 7},
			Subscribed: []time.Time{at.Add(-time.Minute), at.Add(-5 * time.Hour), at.Add(-50 * time.Hour)},
			Ends:       []bridge.End{{What: "the secret", At: at}, {What: "the secret", At: at.Add(time.Hour)}},
		}},
		Gateways: map[string]GatewayNow{"town": {Waiting: 3, Quarantined: 1, Oldest: at.Add(-time.Minute)}, "calm": {}},
		People:   map[string]int{"connected": 12}, Preferring: map[bridge.AccountName]int{"memory.a": 5},
	}
}

// full has counted each thing once.
func full() *Metrics {
	m := New()
	m.Watch(everything)
	m.Taken("memory.a", 1)
	m.Delivered("memory.a", 3*time.Second)
	m.Quarantined("memory.a", bridge.Rejected)
	m.Attempted("memory.a", "post", nil)
	m.Attempted("memory.a", "post", errors.New("down"))
	m.Throttled("memory.a", 90*time.Second)
	m.Stored("put", 3*time.Millisecond)
	m.Of("memory.a").Called("POST /posts", "ok")
	m.Of("memory.a").Notified(bridge.Taken, 5)
	return m
}

func TestEveryNumberIsListedAndNoOther(t *testing.T) {
	families, err := full().registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got []Number
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "causeway_") {
			continue
		}
		n := Number{Name: f.GetName(), Kind: strings.ToLower(f.GetType().String()), Help: f.GetHelp()}
		for _, l := range f.GetMetric()[0].GetLabel() {
			n.Labels = append(n.Labels, l.GetName())
		}
		for _, b := range f.GetMetric()[0].GetHistogram().GetBucket() {
			n.Buckets = append(n.Buckets, b.GetUpperBound())
		}
		got = append(got, n)
	}
	want := List()
	for i := range want {
		want[i].Labels = slices.Sorted(slices.Values(want[i].Labels))
	}
	slices.SortFunc(want, func(a, b Number) int { return strings.Compare(a.Name, b.Name) })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	problems, err := testutil.GatherAndLint(full().registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

func TestWhatIsTrueNow(t *testing.T) {
	want := `causeway_account_connected{account="memory.a"} 1
causeway_account_receiving{account="memory.a",how="websocket"} 1
causeway_oldest_waiting_seconds{gateway="calm"} 0
causeway_oldest_waiting_seconds{gateway="town"} 60
causeway_people{state="connected"} 12
causeway_people_preferring{account="memory.a"} 5
causeway_problems 2
causeway_quarantined{gateway="calm"} 0
causeway_quarantined{gateway="town"} 1
causeway_secret_end_timestamp_seconds{account="memory.a",what="the secret"} 1.8934992e+09
causeway_store_up 1
causeway_subscriptions{account="memory.a",age="1d or more"} 1
causeway_subscriptions{account="memory.a",age="under 1d"} 1
causeway_subscriptions{account="memory.a",age="under 1h"} 1
causeway_waiting{gateway="calm"} 0
causeway_waiting{gateway="town"} 3
causeway_warnings 1
causeway_websockets{account="memory.a",of="account"} 1
causeway_websockets{account="memory.a",of="people"} 7
`
	m := New()
	m.Watch(everything)
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	var got strings.Builder
	for line := range strings.Lines(answer.Body.String()) {
		if strings.HasPrefix(line, "causeway_") && !strings.HasPrefix(line, build.Name) {
			got.WriteString(line)
		}
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}

// TestLooksAreFewAndBounded, however many ask.
func TestLooksAreFewAndBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		w := &watcher{look: func(ctx context.Context) Now {
			looks++
			if end, ok := ctx.Deadline(); !ok || time.Until(end) > lookTime {
				t.Error("a look may take as long as it likes")
			}
			return Now{At: time.Now()}
		}}
		for range 10 {
			w.now()
		}
		time.Sleep(lookLife + time.Millisecond)
		w.now()
		if looks != 2 {
			t.Errorf("looked %d times, want 2", looks)
		}
	})
}

func TestNobodyNeedsToCount(t *testing.T) {
	var m *Metrics
	m.Taken("a", 1)
	m.Delivered("a", time.Second)
	m.Quarantined("a", bridge.Rejected)
	m.Attempted("a", "post", nil)
	m.Throttled("a", time.Second)
	m.Stored("put", time.Second)
	bridge.Env{Counts: m.Of("a")}.Called("POST", "ok")
	bridge.Env{Counts: m.Of("a")}.Notified(bridge.Taken, 1)
}

// BenchmarkMessage is what a message that is read and delivered costs.
func BenchmarkMessage(b *testing.B) {
	m := New()
	c := m.Of("memory.b")
	for b.Loop() {
		m.Stored("put", time.Millisecond)
		m.Taken("memory.a", 1)
		m.Stored("advance", time.Millisecond)
		c.Called("POST /teams/{team}/channels/{channel}/messages", "ok")
		m.Attempted("memory.b", "post", nil)
		m.Delivered("memory.b", time.Second)
		m.Stored("advance", time.Millisecond)
	}
}
