package msteams

import (
	"testing"
	"time"

	"causeway/bridge"
	"causeway/contrib/sim/teams"
)

// TestSubscriptionsAreShownAndRenewedAtOnce when the operator wants that.
func TestSubscriptionsAreShownAndRenewedAtOnce(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		all := w.account.Subscriptions()
		if len(all) != 1 || !all[0].Alive || all[0].Trouble != "" || all[0].Conversation != w.town {
			t.Fatalf("%+v", all)
		}
		time.Sleep(time.Minute)
		before := w.patches()
		if err := w.account.Renew(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		after := w.account.Subscriptions()
		if n := w.patches() - before; n != 1 || len(after) != 1 || !after[0].Renewed.After(all[0].Renewed) || !after[0].Alive {
			t.Errorf("renewed %d times: %+v", n, after)
		}
		w.stop()
		if err := w.account.Renew(t.Context()); bridge.KindOf(err) != bridge.Unsupported || w.account.Subscriptions() != nil {
			t.Errorf("without a run: %v, %v", err, w.account.Subscriptions())
		}
		w.start()
	})
}
