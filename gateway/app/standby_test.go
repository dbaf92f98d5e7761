package app

import (
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"causeway/gateway/store/pgtest"
)

// TestASecondCausewayStandsByAndTakesOver changes the one that leads over and over; what is said meanwhile arrives once.
func TestASecondCausewayStandsByAndTakesOver(t *testing.T) {
	c := pgtest.Start(false)
	t.Cleanup(c.Stop)
	t.Setenv("CAUSEWAY_DSN", c.DSN("store", c.Address()))
	w := newWorld(t, "[storage]\nDSN = \"env:CAUSEWAY_DSN\"\n"+accounts+oneGateway)
	one := w.run()
	w.speak("hello", "moin")
	for n := range 3 {
		two := w.begin()
		w.until("it stands by", func() bool { return strings.Contains(two.log.String(), "requests are handed on to it") })
		address := two.address()
		if got := fetched(t, address, "/healthz"); got != `200 {"status":"ok"}` {
			t.Errorf("one that stands by says of itself %s", got)
		}
		if got, want := fetched(t, address, "/readyz"), fetched(t, one.address(), "/readyz"); got != want || !strings.HasPrefix(got, "200") {
			t.Errorf("handed on: %s, want %s", got, want)
		}
		// What is for this machine alone is not for those for whom another instance asks.
		if here, there := fetched(t, one.address(), "/subscriptions")[:3], fetched(t, address, "/subscriptions")[:3]; here != "200" || there == "200" {
			t.Errorf("the operator's pages: %s, and by way of another instance %s", here, there)
		}
		w.left.Say("C1", "ann", strings.Repeat("again ", n+1))
		one.stopped()
		w.until("the second one does the work", func() bool { return strings.Contains(two.log.String(), "Causeway is running") })
		if got := two.address(); got != address {
			t.Errorf("it listened at %s, and now at %s", address, got)
		}
		if code := one.stop(); code != 0 {
			t.Errorf("exit code %d\n%s", code, one.log)
		}
		w.until("what was said meanwhile arrives", func() bool {
			return slices.Contains(texts(w.right, "C1"), "ann: "+strings.Repeat("again ", n+1))
		})
		one = two
	}
	if got := texts(w.right, "C1"); len(got) != 5 {
		t.Errorf("%d messages, not 5: %q", len(got), got)
	}
}

// fetched gives the code and the body of an answer, on one line.
func fetched(t *testing.T, address, path string) string {
	t.Helper()
	resp, err := http.Get("http://" + address + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`\s+`).ReplaceAllString(resp.Status[:3]+" "+strings.TrimSpace(string(body)), " ")
}

// TestOneThatHasLostTheStoreStandsBy has PostgreSQL end the session of the one that leads.
func TestOneThatHasLostTheStoreStandsBy(t *testing.T) {
	c := pgtest.Start(false)
	t.Cleanup(c.Stop)
	dsn := c.DSN("store", c.Address())
	t.Setenv("CAUSEWAY_DSN", dsn)
	w := newWorld(t, "[storage]\nDSN = \"env:CAUSEWAY_DSN\"\n"+accounts+oneGateway)
	one := w.run()
	w.speak("hello", "moin")
	two := w.begin()
	w.until("it stands by", func() bool { return strings.Contains(two.log.String(), "standing by") })
	// As if a third one had held it in between: or the first one might be back before the second notices.
	c.Exec(dsn, "UPDATE store SET token = 'another'")
	c.Exec(dsn, "INSERT INTO moments (what, at) VALUES ('begun', 3) ON CONFLICT (what) DO UPDATE SET at = 3")
	c.Exec(dsn, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1667331443")
	w.until("the second one does the work", func() bool { return strings.Contains(two.log.String(), "Causeway is running") })
	w.until("it waits, as too many have ended early", func() bool { return strings.Contains(two.log.String(), "ended early again and again") })
	w.until("the first one stands by", func() bool {
		return strings.Contains(one.log.String(), "begun anew") && strings.Contains(one.log.String(), "standing by")
	})
	w.left.Say("C1", "ann", "by the second one")
	w.until("what is said arrives", func() bool { return slices.Contains(texts(w.right, "C1"), "ann: by the second one") })
	two.stop()
	w.until("the first one does the work again", func() bool { return strings.Count(one.log.String(), "Causeway is running") == 2 })
	w.speak("hello again", "moin again")
	if got := texts(w.right, "C1"); len(got) != 5 {
		t.Errorf("%d messages, not 5: %q", len(got), got)
	}
}
