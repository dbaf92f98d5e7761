package prometheus_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"causeway/contrib/demo/operator"
	"causeway/contrib/demo/stage"
	"causeway/gateway/web/freeport"
)

const token = "the-token-of-the-test-of-prometheus"

// patience is how long something may take to become true.
const patience = 90 * time.Second

func until(t *testing.T, what string, holds func() (bool, string)) {
	t.Helper()
	why := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		var ok bool
		if ok, why = holds(); ok {
			return
		}
	}
	t.Fatalf("waited too long until %s: %s", what, why)
}

// running starts Causeway between two stand-ins, where a few words are said, and gives where it listens.
func running(t *testing.T) string {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	program, err := operator.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	acme, err := stage.NewAcme(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s, err := stage.New(stage.Options{Program: program, Mattermost: acme.Mattermost()})
	if err != nil {
		t.Fatal(err)
	}
	config, err := s.Operator.Config()
	if err == nil {
		err = s.Operator.WriteConfig(config + "\n[metrics]\nToken = \"" + token + "\"\n")
	}
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		acme.Close()
	})
	until(t, "Causeway carries what is said", func() (bool, string) { return s.Open(), "it is not open" })
	_, listen, _ := strings.Cut(config, "Listen = \"")
	listen, _, _ = strings.Cut(listen, "\"")
	return listen
}

// prometheus starts one with the config in a folder, and gives the address of its API.
func prometheus(t *testing.T, folder string) string {
	t.Helper()
	needs(t, "prometheus")
	listen, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command("prometheus", "--config.file="+filepath.Join(folder, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(folder, "data"), "--web.listen-address="+listen)
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("Prometheus said:\n%s", text)
		}
		_ = log.Close()
	})
	return "http://" + listen + "/api/v1/"
}

// get asks Prometheus and reads what it answers.
func get(address string, into any) error {
	answer, err := http.Get(address)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d %s", answer.StatusCode, text)
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// count gives how many series answer a question.
func count(api, expr string) (int, error) {
	var answer struct {
		Data struct{ Result []json.RawMessage }
	}
	err := get(api+"query?query="+url.QueryEscape(expr), &answer)
	return len(answer.Data.Result), err
}

// quiet are the panels that show something only when something is wrong, or where somebody must renew something.
var quiet = []string{"Next secret ends", "Quarantined", "Attempts a minute that failed", "Calls a minute that failed", "Throttled", "Starts"}

// TestARealPrometheusReadsARealCauseway by the example that is given, with its alerts, and answers everything that the dashboard asks.
func TestARealPrometheusReadsARealCauseway(t *testing.T) {
	needs(t, "prometheus")
	causeway := running(t)
	for _, bad := range []string{"", "Bearer wrong"} { // PublicURL is set
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+causeway+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", bad)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("with %q: %d", bad, answer.StatusCode)
		}
	}
	api := prometheus(t, example(t, causeway, token))
	until(t, "messages are counted on both sides", func() (bool, string) {
		n, err := count(api, `rate(causeway_messages_total{outcome="delivered"}[1m])`)
		return n == 2, fmt.Sprint(n, err)
	})
	asked := strings.NewReplacer("$account", ".*", "$__rate_interval", "1m")
	until(t, "every panel shows something", func() (bool, string) {
		var empty []string
		for _, q := range queries(t) {
			n, err := count(api, asked.Replace(q.expr))
			if err != nil {
				t.Fatalf("%s asks %s: %v", q.panel, q.expr, err)
			}
			if n == 0 && !slices.Contains(quiet, q.panel) {
				empty = append(empty, q.panel+": "+q.expr)
			}
		}
		return len(empty) == 0, strings.Join(empty, "\n")
	})
	var rules struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, State, Health, LastError string }
			}
		}
	}
	until(t, "the alerts are judged", func() (bool, string) {
		if err := get(api+"rules", &rules); err != nil {
			return false, err.Error()
		}
		judged := 0
		for _, g := range rules.Data.Groups {
			for _, r := range g.Rules {
				if r.Health == "err" || r.State == "firing" {
					t.Errorf("%s: %s %s", r.Name, r.State, r.LastError)
				}
				if r.Health == "ok" {
					judged++
				}
			}
		}
		return judged == len(expressions(t)) || t.Failed(), fmt.Sprintf("%d of %d are", judged, len(expressions(t)))
	})
}
