package msteams

import (
	"testing"
	"time"

	"causeway/contrib/sim/teams"
)

// page is what a busy channel shows first: 50 threads with three replies each.
func (w *simWorld) page(b *testing.B, a *account) []byte {
	b.Helper()
	for range 50 {
		root, err := w.sim.Say(w.alice, w.general, "<p>Some <strong>words</strong> that somebody <em>said</em>.</p>")
		if err != nil {
			b.Fatal(err)
		}
		for range 3 {
			if _, err := w.sim.Reply(w.bob, w.general, root, "<p>An answer.</p>"); err != nil {
				b.Fatal(err)
			}
		}
	}
	items, _, err := a.app.batch(b.Context(), opThreads, []place{{team: w.team.ID, channel: w.general.ID}})
	if err != nil || items[0].err != nil {
		b.Fatal(err, items)
	}
	return items[0].body
}

// BenchmarkPoll is what reading one busy channel costs when nothing has changed, the network apart.
func BenchmarkPoll(b *testing.B) {
	w := newSimWorld(b, teams.Options{EmptyPageEvery: -1})
	a := w.connected()
	body := w.page(b, a)
	inbox := newTestInbox(w.id(w.general))
	r := &reader{a: a, inbox: inbox}
	channel, err := r.open(b.Context(), w.id(w.general))
	if err != nil {
		b.Fatal(err)
	}
	channel.begun = true
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if err := r.take(b.Context(), channel, body, time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAddress is a part of every call of Graph.
func BenchmarkAddress(b *testing.B) {
	p := place{team: "0aece9f5-1bbe-4bf4-affa-c7b901993017", channel: "19:f7c9f7d497504db79b51b74eb1a0f4c6@thread.tacv2", message: "1795989262485"}
	b.ReportAllocs()
	for b.Loop() {
		if opPostReply.address(p) == "" {
			b.Fatal("no address")
		}
	}
}
