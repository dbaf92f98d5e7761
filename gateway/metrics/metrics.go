// Package metrics holds the numbers of a running Causeway as Prometheus reads them.
//
// What happens is counted when it happens, which costs a look into a map and an addition. Everything else is looked at when somebody asks: one look
// at a time, for a bounded time, and not again within a second, so that asking often costs no more. Every label has few values: nothing that people or
// services choose stands in one, so the number of series follows from the config alone. docs/metrics.md lists the numbers, from [List].
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"causeway/bridge"
)

// Metrics takes the numbers. A nil one takes none; all its methods may be called at any time.
type Metrics struct {
	registry *prometheus.Registry

	messages, attempts, throttled, calls, notifications *prometheus.CounterVec
	delivery, storing                                   *prometheus.HistogramVec
}

// New makes one that has counted nothing.
func New() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	for vector, number := range map[**prometheus.CounterVec]Number{
		&m.messages: messages, &m.attempts: attempts, &m.throttled: throttled, &m.calls: calls, &m.notifications: notifications,
	} {
		*vector = prometheus.NewCounterVec(prometheus.CounterOpts{Name: number.Name, Help: number.Help}, number.Labels)
		m.registry.MustRegister(*vector)
	}
	for vector, number := range map[**prometheus.HistogramVec]Number{&m.delivery: delivery, &m.storing: storing} {
		*vector = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: number.Name, Help: number.Help, Buckets: number.Buckets}, number.Labels)
		m.registry.MustRegister(*vector)
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Taken counts new messages that an account has read.
func (m *Metrics) Taken(account bridge.AccountName, n int) {
	if m != nil && n > 0 {
		m.messages.WithLabelValues(string(account), "in", "taken", "").Add(float64(n))
	}
}

// Delivered counts a message that stands in a conversation of an account, and how long that took; clocks may disagree.
func (m *Metrics) Delivered(account bridge.AccountName, delay time.Duration) {
	if m != nil {
		m.messages.WithLabelValues(string(account), "out", "delivered", "").Inc()
		m.delivery.WithLabelValues(string(account)).Observe(max(delay, 0).Seconds())
	}
}

// Quarantined counts a message that could not be delivered.
func (m *Metrics) Quarantined(account bridge.AccountName, why bridge.Kind) {
	if m != nil {
		m.messages.WithLabelValues(string(account), "out", "quarantined", why.String()).Inc()
	}
}

// Attempted counts a step and how it ended.
func (m *Metrics) Attempted(account bridge.AccountName, operation string, err error) {
	if m == nil {
		return
	}
	result := "ok"
	if err != nil {
		result = bridge.KindOf(err).String()
	}
	m.attempts.WithLabelValues(string(account), operation, result).Inc()
}

// Throttled adds for how long an account may write nothing.
func (m *Metrics) Throttled(account bridge.AccountName, d time.Duration) {
	if m != nil && d > 0 {
		m.throttled.WithLabelValues(string(account)).Add(d.Seconds())
	}
}

// Stored notes how long the store took.
func (m *Metrics) Stored(operation string, took time.Duration) {
	if m != nil {
		m.storing.WithLabelValues(operation).Observe(took.Seconds())
	}
}

// Of gives what an account's bridge counts.
func (m *Metrics) Of(account bridge.AccountName) bridge.Counts {
	if m == nil {
		return nil
	}
	return counts{m, string(account)}
}

type counts struct {
	m       *Metrics
	account string
}

func (c counts) Called(operation, status string) {
	c.m.calls.WithLabelValues(c.account, operation, status).Inc()
}

func (c counts) Notified(outcome string, n int) {
	c.m.notifications.WithLabelValues(c.account, outcome).Add(float64(n))
}

// Watch has what is true now looked at whenever the numbers are asked for. It is called once.
func (m *Metrics) Watch(look Look) { m.registry.MustRegister(&watcher{look: look}) }

const (
	// scrapeTime is how long an answer may take, inFlight how many may be asked for at once.
	scrapeTime = 10 * time.Second
	inFlight   = 3
)

// Handler answers with all numbers, in the form of Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: inFlight, Timeout: scrapeTime, DisableCompression: true})
}
