package gateway

import (
	"context"
	"testing"
	"time"

	"causeway/bridge/memory"
)

// ready gives what is told, with ages in place of times.
func (w *world) ready() (bool, []string) {
	w.t.Helper()
	r := w.gateway.Ready(w.t.Context())
	all := []string{}
	for _, why := range r.Reasons {
		text := why.Where + " " + why.What
		if !why.Since.IsZero() {
			text += " for " + time.Since(why.Since).Round(time.Hour).String()
		}
		all = append(all, text)
	}
	return r.Ready, all
}

func TestReadyWithAnAccountThatIsParked(t *testing.T) {
	inWorld(t, func(w *world) {
		_, b := w.pair(memory.Options{}, memory.Options{})
		w.wait(time.Minute)
		is, why := w.ready()
		w.same(is, true)
		w.same(why, []string{})
		b.Revoke("bot")
		b.Say("town", "ben", "hush")
		w.wait(2 * time.Hour)
		is, why = w.ready()
		w.same(is, true)
		w.same(why, []string{"account memory.b is parked for 2h0m0s"})
	})
}

func TestNotReadyWhileAnAccountIsBeingConnected(t *testing.T) {
	inWorld(t, func(w *world) {
		w.service("a", memory.Options{})
		w.service("b", memory.Options{Fault: func(ctx context.Context, c memory.Call) error {
			if c.Op == memory.Connect && !c.After {
				select {
				case <-ctx.Done():
				case <-time.After(20 * time.Second):
				}
			}
			return nil
		}})
		w.route(inout("a", "town"), inout("b", "town"))
		w.start()
		w.wait(10 * time.Second)
		is, why := w.ready()
		w.same(is, false)
		w.same(why, []string{"account memory.b is being connected"})
		w.wait(20 * time.Second)
		is, why = w.ready()
		w.same(is, true)
		w.same(why, []string{})
	})
}

func TestNotReadyWithoutAStore(t *testing.T) {
	inWorld(t, func(w *world) {
		a, _ := w.pair(memory.Options{}, memory.Options{})
		w.wait(time.Minute)
		w.gateway.storing.note("", context.DeadlineExceeded)
		is, why := w.ready()
		w.same(is, false)
		w.same(why, []string{"store cannot be written for 0s"})
		w.gateway.storing.note("", nil)
		w.gone = true
		w.same(w.store.Close(), nil)
		r := w.gateway.Ready(w.t.Context())
		w.same(r.Ready, false)
		w.same(r.Reasons, []Reason{{Where: "store", What: "does not answer"}})
		a.Say("town", "ann", "hush") // by which the gateway notices
		w.wait(time.Minute)
	})
}
