package gateway

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
)

// TestAfterAnOutageNobodyWaitsOutTheirTime: while a service is away, a message is tried less and less often, at last each five minutes. When it is back, all go on at once.
func TestAfterAnOutageNobodyWaitsOutTheirTime(t *testing.T) {
	for what, after := range map[string]func(w *world, a, b *memory.Service){
		"somebody writes elsewhere": func(w *world, a, b *memory.Service) { a.Say("hall", "ann", "new") },
		"it is read again":          func(w *world, a, b *memory.Service) { b.Cut() },
	} {
		t.Run(what, func(t *testing.T) {
			inWorld(t, func(w *world) {
				var s switched
				a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{Fault: s.fault})
				a.AddChannel("hall", "team/hall")
				b.AddChannel("hall", "team/hall")
				w.route(inout("a", "town"), inout("b", "town"))
				w.route(inout("a", "hall"), inout("b", "hall"))
				w.start()
				s.on(func(_ context.Context, c memory.Call) error {
					if c.After {
						return nil
					}
					return memory.Fails(bridge.Transient)
				})
				a.Say("town", "ann", "waits")
				w.wait(13 * time.Minute) // tried last after some 8 minutes; next after 13 to 14
				s.off()
				after(w, a, b)
				w.wait(3 * time.Second)
				w.same(texts(b, "town"), []string{"waits"})
			})
		})
	}
}

// TestAStepThatFailsAloneIsNotHurried: that others can be delivered tells nothing of it.
func TestAStepThatFailsAloneIsNotHurried(t *testing.T) {
	inWorld(t, func(w *world) {
		var s switched
		var tries atomic.Int32
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{Fault: s.fault})
		a.AddChannel("hall", "team/hall")
		b.AddChannel("hall", "team/hall")
		w.route(inout("a", "town"), inout("b", "town"))
		w.route(inout("a", "hall"), inout("b", "hall"))
		w.start()
		s.on(func(_ context.Context, c memory.Call) error {
			if c.Op == memory.Post && !c.After && c.Conversation.Channel == "town" {
				tries.Add(1)
				return memory.Fails(bridge.Transient)
			}
			return nil
		})
		a.Say("town", "ann", "waits")
		for n := range 600 {
			a.Say("hall", "ann", fmt.Sprint("goes on ", n))
			w.wait(time.Second)
		}
		if n := tries.Load(); n < 8 || n > 12 {
			t.Errorf("in ten minutes it was tried %d times, not about ten", n)
		}
	})
}

// TestAWaitThatIsBrokenOffIsNoFurtherFailure: whose account is replaced again and again does not wait longer each time.
func TestAWaitThatIsBrokenOffIsNoFurtherFailure(t *testing.T) {
	var s switched
	inChanging(t, memory.Options{Fault: s.fault}, func(w *changing) {
		id := w.services["a"].Say("town", "ann", "first")
		w.wait(time.Second)
		s.on(before(memory.Edit, func() error { return memory.Fails(bridge.Transient) }))
		w.services["a"].Edit("town", id, "second")
		w.wait(100 * time.Millisecond)
		for range 15 {
			done := w.anew("b")
			w.change()
			done()
			w.wait(10 * time.Millisecond)
		}
		s.off()
		w.wait(3 * time.Second)
		w.same(texts(w.services["b"], "town"), []string{"second"})
	})
}

// TestAServiceThatWasAwayIsFoundWithinAMinute, however long it was away.
func TestAServiceThatWasAwayIsFoundWithinAMinute(t *testing.T) {
	inWorld(t, func(w *world) {
		var s switched
		a, b := w.pair(memory.Options{}, memory.Options{Fault: s.fault})
		s.on(func(_ context.Context, c memory.Call) error { return memory.Fails(bridge.Transient) })
		b.Cut()
		w.wait(time.Second)
		a.Say("town", "ann", "waits")
		w.wait(time.Hour)
		s.off()
		w.wait(longestAway + 5*time.Second)
		w.same(texts(b, "town"), []string{"waits"})
	})
}

// TestOneAnswerFromBeforeAnOutageDoesNotHoldUpTheEnd: something that was under way when a service went down ends well after the first failure.
func TestOneAnswerFromBeforeAnOutageDoesNotHoldUpTheEnd(t *testing.T) {
	inWorld(t, func(w *world) {
		var s switched
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{Fault: s.fault})
		for _, channel := range []bridge.ChannelID{"hall", "yard"} {
			a.AddChannel(channel, "team/"+string(channel))
			b.AddChannel(channel, "team/"+string(channel))
			w.route(inout("a", string(channel)), inout("b", string(channel)))
		}
		w.route(inout("a", "town"), inout("b", "town"))
		w.start()
		s.on(func(_ context.Context, c memory.Call) error {
			if c.Op == memory.Post && c.Conversation.Channel != "yard" && !c.After {
				return memory.Fails(bridge.Transient)
			}
			return nil
		})
		a.Say("town", "ann", "waits")
		w.wait(100 * time.Millisecond)
		a.Say("yard", "ann", "was under way")
		w.wait(13 * time.Minute)
		s.off()
		a.Say("hall", "ann", "new")
		w.wait(3 * time.Second)
		w.same(texts(b, "town"), []string{"waits"})
	})
}
