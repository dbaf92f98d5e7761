package gateway

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/metrics"
)

// numbers gives what Prometheus would read of some families, each line without causeway_ before it.
func (w *world) numbers(families string) []string {
	w.t.Helper()
	answer := httptest.NewRecorder()
	w.metrics.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		w.t.Fatalf("%d %s", answer.Code, answer.Body)
	}
	return regexp.MustCompile(`(?m)^causeway_((?:`+families+`)[{ ].*)$`).FindAllString(strings.ReplaceAll(answer.Body.String(), "\r", ""), -1)
}

func TestNumbersOfWhatIsCarriedRefusedAndThrottled(t *testing.T) {
	inWorld(t, func(w *world) {
		w.metrics = metrics.New()
		var faults switched
		a, _ := w.pair(memory.Options{}, memory.Options{Fault: faults.fault})
		w.metrics.Watch(w.gateway.Numbers)
		a.Say("town", "ann", "one")
		w.wait(time.Minute)
		faults.on(before(memory.Post, func() error { return memory.Fails(bridge.Rejected) }))
		a.Say("town", "ann", "two")
		w.wait(time.Minute)
		faults.on(before(memory.Post, func() error { return memory.Throttles(bridge.ScopeAccount, time.Hour) }))
		a.Say("town", "ann", "three")
		w.wait(10 * time.Minute)
		got := strings.Join(w.numbers("messages_total|attempts_total|throttled_seconds_total|delivery_delay_seconds_count|waiting|quarantined|problems|account_connected|store_up|people|people_preferring"), "\n")
		// The author is told of what is in quarantine.
		want := `causeway_account_connected{account="memory.a"} 1
causeway_account_connected{account="memory.b"} 1
causeway_attempts_total{account="memory.a",operation="tell",result="ok"} 1
causeway_attempts_total{account="memory.b",operation="post",result="ok"} 1
causeway_attempts_total{account="memory.b",operation="post",result="rejected"} 1
causeway_attempts_total{account="memory.b",operation="post",result="throttled"} 1
causeway_delivery_delay_seconds_count{account="memory.b"} 1
causeway_messages_total{account="memory.a",direction="in",outcome="taken",reason=""} 3
causeway_messages_total{account="memory.b",direction="out",outcome="delivered",reason=""} 1
causeway_messages_total{account="memory.b",direction="out",outcome="quarantined",reason="rejected"} 1
causeway_people{state="asked"} 0
causeway_people{state="connected"} 0
causeway_people{state="lost"} 0
causeway_people_preferring{account="memory.a"} 0
causeway_people_preferring{account="memory.b"} 0
causeway_problems 2
causeway_quarantined{gateway="(direct)"} 0
causeway_quarantined{gateway="(gone)"} 0
causeway_quarantined{gateway="g0"} 1
causeway_store_up 1
causeway_throttled_seconds_total{account="memory.b"} 3600
causeway_waiting{gateway="(direct)"} 0
causeway_waiting{gateway="(gone)"} 0
causeway_waiting{gateway="g0"} 1`
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		oldest := w.numbers("oldest_waiting_seconds")
		if len(oldest) != 3 || oldest[2] != `causeway_oldest_waiting_seconds{gateway="g0"} 600` {
			t.Errorf("the oldest: %q", oldest)
		}
	})
}

func TestAStoreThatCannotBeReadLeavesOutWhatItWouldSay(t *testing.T) {
	inWorld(t, func(w *world) {
		w.metrics = metrics.New()
		w.pair(memory.Options{}, memory.Options{})
		w.metrics.Watch(w.gateway.Numbers)
		w.stop()
		<-w.stopped
		if err := w.store.Close(); err != nil {
			t.Fatal(err)
		}
		w.stop = nil
		got := w.numbers("store_up|waiting|people|account_connected")
		if len(got) == 0 || got[len(got)-1] != "causeway_store_up 0" || strings.Contains(strings.Join(got, "\n"), "waiting") {
			t.Errorf("%q", got)
		}
	})
}

// TestEveryStepThatIsTriedHasAWord: without one its numbers would have none.
func TestEveryStepThatIsTriedHasAWord(t *testing.T) {
	seen := map[string]bool{}
	for op, word := range tried {
		if word == "" || seen[word] {
			t.Errorf("step %d is called %q", op, word)
		}
		seen[word] = true
	}
}
