// Package prometheus_test tries what is given for Prometheus and Grafana: every name in it is one that Causeway has, alerts fire when they should, and a real
// Prometheus (Debian's package prometheus, which `make test` installs) reads a real Causeway and answers what the dashboard asks.
package prometheus_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"causeway/gateway/metrics"
)

// needs names the package where a program is missing.
func needs(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Fatalf("%v: install Debian's package prometheus, as `make setup` does", err)
	}
}

func output(t *testing.T, folder string, command ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), command[0], command[1:]...)
	c.Dir = folder
	said, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, said)
	}
	return string(said)
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// query is something that a panel of the dashboard asks.
type query struct{ panel, expr string }

// queries gives all of the dashboard.
func queries(t *testing.T) (all []query) {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
		Annotations struct {
			List []struct{ Name, Expr string }
		}
		Templating struct {
			List []struct{ Name, Type, Query string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, "../grafana/causeway.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			all = append(all, query{p.Title, target.Expr})
		}
	}
	for _, a := range dashboard.Annotations.List {
		all = append(all, query{a.Name, a.Expr})
	}
	for _, v := range dashboard.Templating.List {
		if inner, of := strings.CutPrefix(v.Query, "label_values("); of {
			name, label, _ := strings.Cut(strings.TrimSuffix(inner, ")"), ", ")
			all = append(all, query{v.Name, "count by (" + label + ") (" + name + ")"})
		}
	}
	return all
}

// expressions are those of the alerts.
func expressions(t *testing.T) (all []query) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?m)- alert: (\w+)\n +expr: (.+)$`).FindAllStringSubmatch(read(t, "alerts.yml"), -1) {
		all = append(all, query{m[1], m[2]})
	}
	return all
}

// TestNamesAreThoseOfCauseway: of numbers, of their labels, and each number is on the dashboard.
func TestNamesAreThoseOfCauseway(t *testing.T) {
	series, labels := map[string]bool{}, map[string]bool{"le": true, "job": true, "instance": true}
	for _, n := range metrics.List() {
		series[n.Name] = true
		if n.Kind == "histogram" {
			delete(series, n.Name)
			series[n.Name+"_bucket"], series[n.Name+"_sum"], series[n.Name+"_count"] = true, true, true
		}
		for _, l := range n.Labels {
			labels[l] = true
		}
	}
	shown := map[string]bool{}
	all, alerts := queries(t), expressions(t)
	if len(all) < 30 || len(alerts) != strings.Count(read(t, "alerts.yml"), "- alert: ") || len(alerts) < 10 {
		t.Fatalf("%d queries of the dashboard and %d alerts were found", len(all), len(alerts))
	}
	for _, q := range slices.Concat(all, alerts) {
		for _, name := range regexp.MustCompile(`causeway_\w+`).FindAllString(q.expr, -1) {
			shown[strings.TrimSuffix(name, "_bucket")] = true
			if !series[name] {
				t.Errorf("%s: there is no %s", q.panel, name)
			}
		}
		for _, m := range regexp.MustCompile(`by \(([^)]*)\)`).FindAllStringSubmatch(q.expr, -1) {
			for _, label := range strings.Split(m[1], ", ") {
				if !labels[label] {
					t.Errorf("%s: there is no label %s", q.panel, label)
				}
			}
		}
		for _, m := range regexp.MustCompile(`[{,] ?(\w+)(?:=~|!=|=)"`).FindAllStringSubmatch(q.expr, -1) {
			if !labels[m[1]] {
				t.Errorf("%s: there is no label %s", q.panel, m[1])
			}
		}
	}
	for _, n := range metrics.List() {
		if !shown[n.Name] {
			t.Errorf("neither dashboard nor alerts show %s", n.Name)
		}
	}
}

func TestAlertsFireWhenTheyShould(t *testing.T) {
	needs(t, "promtool")
	output(t, ".", "promtool", "check", "rules", "alerts.yml")
	output(t, ".", "promtool", "test", "rules", "alerts_test.yml")
	for _, alert := range expressions(t) {
		if !strings.Contains(read(t, "alerts_test.yml"), `alertname="`+alert.panel+`"`) {
			t.Errorf("%s is not tried", alert.panel)
		}
	}
}

func TestTheExampleIsAConfigOfPrometheus(t *testing.T) {
	needs(t, "promtool")
	output(t, example(t, "127.0.0.1:9080", "a token"), "promtool", "check", "config", "prometheus.yml")
}

// example makes a folder with the example as somebody would copy it.
func example(t *testing.T, causeway, token string) string {
	t.Helper()
	folder := t.TempDir()
	config := strings.Replace(read(t, "prometheus.yml"), "127.0.0.1:9080", causeway, 1)
	config = strings.Replace(config, "scrape_interval: 30s", "scrape_interval: 500ms", 1)
	for name, text := range map[string]string{"prometheus.yml": config, "causeway-alerts.yml": read(t, "alerts.yml"), "causeway-token": token + "\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}
