package metrics

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"causeway/bridge"
)

// Now is what is true at a moment.
type Now struct {
	At      time.Time
	Version string
	// Problems and Warnings are counted.
	Problems, Warnings int
	// Store tells whether it can be read and written; where not, Gateways and People are not known.
	Store    bool
	Accounts []AccountNow
	// Gateways are those of the config by name, and what [Direct] and [Gone] stand for.
	Gateways map[string]GatewayNow
	// People are counted by state.
	People map[string]int
	// Preferring are those who are connected, by the account on which they want to be notified.
	Preferring map[bridge.AccountName]int
}

// What stands for conversations that are in no gateway.
const (
	Direct = "(direct)"
	Gone   = "(gone)"
)

// AccountNow is how an account stands.
type AccountNow struct {
	Name       bridge.AccountName
	Connected  bool
	Receiving  string
	Sockets    map[string]int
	Subscribed []time.Time
	Ends       []bridge.End
}

// GatewayNow is what has not arrived.
type GatewayNow struct {
	Waiting, Quarantined int
	Oldest               time.Time
}

// Look gives what is true now. It ends with its context.
type Look func(context.Context) Now

const (
	// lookTime is how long a look may take, lookLife how long what it saw is shown again.
	lookTime = 5 * time.Second
	lookLife = time.Second
)

// watcher looks, one at a time.
type watcher struct {
	look Look
	mu   sync.Mutex
	last Now
}

var descriptions = sync.OnceValue(func() map[string]*prometheus.Desc {
	all := map[string]*prometheus.Desc{}
	for _, n := range List() {
		all[n.Name] = prometheus.NewDesc(n.Name, n.Help, n.Labels, nil)
	}
	return all
})

// watched are the numbers that are looked at.
func watched() []Number {
	return []Number{build, problems, warnings, storeUp, connected, receiving, sockets, subscriptions, ends, waiting, oldest, quarantined, people}
}

// Describe implements prometheus.Collector.
func (w *watcher) Describe(to chan<- *prometheus.Desc) {
	for _, n := range watched() {
		to <- descriptions()[n.Name]
	}
}

// Collect implements prometheus.Collector.
func (w *watcher) Collect(to chan<- prometheus.Metric) {
	now := w.now()
	gauge := func(n Number, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(descriptions()[n.Name], prometheus.GaugeValue, value, labels...)
	}
	gauge(build, 1, now.Version, runtime.Version())
	gauge(problems, float64(now.Problems))
	gauge(warnings, float64(now.Warnings))
	gauge(storeUp, yes(now.Store))
	for _, a := range now.Accounts {
		a.collect(now.At, gauge)
	}
	for name, g := range now.Gateways {
		gauge(waiting, float64(g.Waiting), name)
		gauge(quarantined, float64(g.Quarantined), name)
		age := 0.0
		if g.Waiting > 0 {
			age = max(now.At.Sub(g.Oldest), 0).Seconds()
		}
		gauge(oldest, age, name)
	}
	for state, n := range now.People {
		gauge(people, float64(n), state)
	}
	for account, n := range now.Preferring {
		gauge(preferring, float64(n), string(account))
	}
}

func (w *watcher) now() Now {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(w.last.At) > lookLife {
		ctx, cancel := context.WithTimeout(context.Background(), lookTime)
		defer cancel()
		w.last = w.look(ctx)
	}
	return w.last
}

func (a AccountNow) collect(now time.Time, gauge func(n Number, value float64, labels ...string)) {
	name := string(a.Name)
	gauge(connected, yes(a.Connected), name)
	if a.Receiving != "" {
		gauge(receiving, 1, name, a.Receiving)
	}
	for of, n := range a.Sockets {
		gauge(sockets, float64(n), name, of)
	}
	if a.Subscribed != nil {
		ages := map[string]int{under1h: 0, under1d: 0, over1d: 0}
		for _, since := range a.Subscribed {
			ages[ageOf(now.Sub(since))]++
		}
		for age, n := range ages {
			gauge(subscriptions, float64(n), name, age)
		}
	}
	seen := map[string]bool{}
	for _, e := range a.Ends {
		if !seen[e.What] { // two series of one name would spoil all
			seen[e.What] = true
			gauge(ends, float64(e.At.Unix()), name, e.What)
		}
	}
}

const (
	under1h = "under 1h"
	under1d = "under 1d"
	over1d  = "1d or more"
)

func ageOf(d time.Duration) string {
	switch {
	case d < time.Hour:
		return under1h
	case d < 24*time.Hour:
		return under1d
	}
	return over1d
}

func yes(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
