// Package crossing holds the whole to its promise in hours of fake time: the gateway between a service in memory and the stand-in
// for Teams, which sends change notifications and does to them all that Graph does, and more.
package crossing

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"causeway/contrib/sim/teams"
)

var seeds = flag.Uint64("crossing.seeds", 1, "how many days to play")

// TestADayOfEverything: notifications come twice, late, in another order, in batches, with capital letters, or not at all;
// subscriptions are removed; for an hour Causeway cannot be reached, and for a while it does not run.
func TestADayOfEverything(t *testing.T) {
	for seed := range *seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inWorld(t, func(w *world) {
				dice := rand.New(rand.NewPCG(seed, 1))
				w.teams.SetWebhookFaults(teams.WebhookFaults{
					Seed: seed, Duplicate: 0.1, Delay: 0.1, Reorder: 0.1, Lose: 0.03, MaxDelay: 30 * time.Second, LoseRequest: 0.05, LoseAnswer: 0.05,
					Batch: 20, Capitals: 0.5, TwicePerReaction: true, NoNames: true, DeletedAsUpdated: 0.5, Remove: 0.01, RemoveSilently: 0.5, Forged: 0.2,
				})
				w.talk(dice, time.Hour)
				for _, answer := range []int{0, 502} { // nothing listens; a proxy without us
					w.teams.WebhookOutage(answer)
					w.talk(dice, time.Hour/2)
				}
				w.teams.EndWebhookOutage()
				w.talk(dice, 20*time.Minute)
				w.stop()
				w.talk(dice, 10*time.Minute)
				w.start()
				w.talk(dice, 20*time.Minute)
				w.teams.SetWebhookFaults(teams.WebhookFaults{})
				settle()
				there, here := w.judge(false), w.judge(true)
				s := w.teams.WebhookStats()
				t.Logf("%d things were said; to Teams %+v, from Teams %+v; %+v", len(w.said), there, here, s)
				if s.Copies == 0 || s.Late == 0 || s.Lost == 0 || s.Retries == 0 || s.Forged == 0 || s.Lifecycle == 0 || s.LargestPost < 2 {
					t.Error("the stand-in has not made every kind of trouble")
				}
				late := here.handedOver
				if here.handedOver = 0; there != (sums{}) || here != (sums{}) || late == 0 {
					t.Errorf("to Teams %+v, from Teams %+v, %d late", there, here, late)
				}
			})
		})
	}
}

// TestWithoutDelaysAllIsInOrder, although notifications are repeated, forged and put together, and Causeway is started again.
func TestWithoutDelaysAllIsInOrder(t *testing.T) {
	inWorld(t, func(w *world) {
		dice := rand.New(rand.NewPCG(7, 1))
		w.teams.SetWebhookFaults(teams.WebhookFaults{
			Seed: 7, Duplicate: 0.2, LoseAnswer: 0.1, Batch: 20, Capitals: 0.5, TwicePerReaction: true, NoNames: true, DeletedAsUpdated: 0.5, Forged: 0.2,
		})
		for range 3 {
			w.talk(dice, 20*time.Minute)
			w.stop()
			w.talk(dice, 5*time.Minute)
			w.start()
		}
		w.talk(dice, 20*time.Minute)
		w.teams.SetWebhookFaults(teams.WebhookFaults{})
		time.Sleep(10 * time.Minute)
		there, here := w.judge(false), w.judge(true)
		t.Logf("%d things were said; to Teams %+v, from Teams %+v; %+v", len(w.said), there, here, w.teams.WebhookStats())
		if there != (sums{}) || here != (sums{}) {
			t.Errorf("to Teams %+v, from Teams %+v", there, here)
		}
	})
}
