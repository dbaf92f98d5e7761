package gateway

import (
	"context"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/bridge/memory"
)

// ending gives a world with an account that has these ends, running.
func (w *world) ending(ends ...bridge.End) {
	w.service("a", memory.Options{})
	w.service("b", memory.Options{})
	w.stands("a", bridge.Status{Ends: ends})
	w.route(inout("a", "town"), inout("b", "town"))
	w.start()
}

// warned gives what the log says of ends, in order.
func (w *world) warned() []string {
	all := []string{}
	for _, m := range regexp.MustCompile(`level=warning msg="?([^\n]*?)"? account=memory\.a ends=`).FindAllStringSubmatch(w.log.String(), -1) {
		all = append(all, strings.ReplaceAll(m[1], `\"`, `"`))
	}
	return all
}

// watches runs what watches over an account's ends, and nothing else, for so long: the rest of a gateway has much to do
// in a month.
func (w *world) watches(status func() bridge.Status, during func()) {
	logger := logrus.New()
	logger.SetOutput(&w.log)
	g := New(Options{Log: logrus.NewEntry(logger), Plan: Plan{Accounts: []Account{{Name: "memory.a", Bridge: standing{memory.NewService("memory:a", memory.Options{}).Account("memory.a", "bot"), status}}}}})
	ctx, stop := context.WithCancel(w.t.Context())
	defer g.tasks.Wait()
	defer stop()
	g.tasks.Go(func() { g.watchEnds(ctx) })
	during()
}

func TestEndsAreWarnedOfOnceAtEachStep(t *testing.T) {
	inWorld(t, func(w *world) {
		ends := []bridge.End{
			{What: "the secret", At: time.Date(2000, 2, 10, 12, 0, 0, 0, time.UTC), Hint: "make a new one"},
			{What: "the certificate", At: time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)},
		}
		w.watches(func() bridge.Status { return bridge.Status{Ends: ends} }, func() {
			w.wait(10 * day)
			w.same(w.warned(), []string{})
			w.wait(35 * day)
		})
		w.same(w.warned(), []string{
			"the secret ends in 30 days, on 2000-02-10: make a new one",
			"the secret ends in 7 days, on 2000-02-10: make a new one",
			"the secret ends in 1 day, on 2000-02-10: make a new one",
			"the secret ended on 2000-02-10: make a new one",
		})
	})
}

func TestEndsThatAreNearAreWarnedOfAgainAfterARestart(t *testing.T) {
	inWorld(t, func(w *world) {
		end := time.Now().Add(3*day + 12*time.Hour)
		w.ending(bridge.End{What: "the secret", At: end})
		w.wait(2 * endInterval)
		want := "the secret ends in 3 days, on " + end.UTC().Format(time.DateOnly)
		w.same(w.warned(), []string{want}) // not once for each step that has passed
		w.down()
		w.start()
		w.wait(2 * endInterval)
		w.same(w.warned(), []string{want, want})
	})
}

func TestARenewedEndIsWarnedOfAnew(t *testing.T) {
	inWorld(t, func(w *world) {
		var end atomic.Pointer[time.Time]
		ends := func(in time.Duration) { at := time.Now().Add(in); end.Store(&at) }
		ends(20 * day)
		w.watches(func() bridge.Status { return bridge.Status{Ends: []bridge.End{{What: "the secret", At: *end.Load()}}} }, func() {
			w.wait(time.Hour)
			ends(60 * day)
			w.wait(29 * day)
			w.same(len(w.warned()), 1)
			w.wait(2 * day)
			w.same(len(w.warned()), 2)
		})
	})
}

func TestEndsAreInTheStatus(t *testing.T) {
	inWorld(t, func(w *world) {
		w.ending(bridge.End{What: "far", At: time.Now().Add(31 * day)}, bridge.End{What: "near", At: time.Now().Add(29*day + time.Hour), Hint: "renew it"},
			bridge.End{What: "over", At: time.Now().Add(-time.Hour), Hint: "renew it now"})
		w.same(w.problems(), []string{"account memory.a: over ended on 1999-12-31 -> renew it now"})
		s := w.status()
		if len(s.Warnings) != 1 || s.Warnings[0].Where != "account memory.a" || s.Warnings[0].Text != "near ends in 29 days, on 2000-01-30" || s.Warnings[0].Next != "renew it" {
			t.Errorf("%+v", s.Warnings)
		}
	})
}

func TestEndText(t *testing.T) {
	now := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	for left, want := range map[time.Duration]string{
		40 * day:            "x ends in 40 days, on 2030-02-10",
		2*day - time.Second: "x ends in 1 day, on 2030-01-03",
		day:                 "x ends in 1 day, on 2030-01-02",
		day - time.Second:   "x ends in less than a day, on 2030-01-02",
		0:                   "x ended on 2030-01-01",
		-400 * day:          "x ended on 2028-11-27",
	} {
		if got := EndText("x", now.Add(left), now); got != want {
			t.Errorf("%v: %q, want %q", left, got, want)
		}
	}
}
