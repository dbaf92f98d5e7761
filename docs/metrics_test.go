package docs

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/gateway/metrics"
)

const metricsPage = "metrics.md"

const metricsHead = `# Numbers for Prometheus

<!-- Written by go test ./docs -update from the code. -->

Causeway shows numbers at ` + "`/metrics`" + ` of its own web server (` + "`Listen` in `[http]`" + `), in the form of Prometheus:

* With ` + "`Token` in `[metrics]`" + ` to whoever shows it (` + "`Authorization: Bearer TOKEN`" + `), from anywhere. Make one by ` + "`openssl rand -hex 20`" + `.
* Without it, and without ` + "`PublicURL`" + `, to programs on the same machine that ask Causeway itself. A proxy, or a page in a browser, is refused.
* Without it, but with ` + "`PublicURL`" + `, to nobody: what comes by a proxy cannot always be told from what comes from the machine itself.
* With ` + "`Enable = false` in `[metrics]`" + ` nothing is counted.

[contrib/prometheus/prometheus.yml](../contrib/prometheus/prometheus.yml) shows how Prometheus reads them, [alerts.yml](../contrib/prometheus/alerts.yml) has
alerts for what an operator must know, and [contrib/grafana/causeway.json](../contrib/grafana/causeway.json) is a dashboard: in Grafana choose *Dashboards →
New → Import* and upload it. The proxies of [contrib/nginx](../contrib/nginx) and [contrib/caddy](../contrib/caddy) do not hand ` + "`/metrics`" + ` on.

What happens is counted when it happens; what is true now is looked at when it is asked for, at most once a second and for at most 5 s. No label holds what people
say or are called, so the number of series follows from the config. After a restart counters begin at 0, which Prometheus knows.
Of several instances ask each: what is delivered is counted by whoever delivers it; what is true now is told by the one that leads.
Times are seconds. Beside these there are the numbers of Go (` + "`go_…`" + `) and of the process (` + "`process_…`" + `).

| number | kind | labels | what it is |
|---|---|---|---|
`

// TestEveryNumberIsDocumented in the words of the code.
func TestEveryNumberIsDocumented(t *testing.T) {
	var b strings.Builder
	b.WriteString(metricsHead)
	for _, n := range metrics.List() {
		labels := "–"
		if len(n.Labels) > 0 {
			labels = "`" + strings.Join(n.Labels, "`, `") + "`"
		}
		kind := n.Kind
		if n.Buckets != nil {
			kind += fmt.Sprintf(", %v to %v", n.Buckets[0], n.Buckets[len(n.Buckets)-1])
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", n.Name, kind, labels, n.Help)
	}
	if *update {
		if err := os.WriteFile(metricsPage, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(b.String(), read(t, metricsPage)); diff != "" {
		t.Errorf("%s (-code +page), renewed by go test ./docs -update:\n%s", metricsPage, diff)
	}
}
