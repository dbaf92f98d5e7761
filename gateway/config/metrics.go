package config

import (
	"fmt"

	"causeway/bridge/secret"
)

// Metrics is [metrics]: the numbers that Prometheus reads at Listen, below /metrics.
type Metrics struct {
	// Enable shows the numbers.
	Enable bool
	// Token is what whoever reads them must show ("authorization" in Prometheus' config). Without it, they are shown only where there is no PublicURL, and
	// to programs on this machine that ask Causeway itself.
	Token secret.Secret
}

// shortestMetricsToken is so long that a token cannot be found by trying, however many there are who try.
const shortestMetricsToken = 20

func (d *decoder) metrics(at place, m *Metrics) {
	if at.ok("Token") && m.Token != "" && len(m.Token.Reveal()) < shortestMetricsToken {
		d.mistake(at, "Token", fmt.Sprintf("is shorter than %d characters, so it could be guessed", shortestMetricsToken), "make one by: openssl rand -hex 20")
	}
}
