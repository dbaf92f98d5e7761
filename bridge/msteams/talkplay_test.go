package msteams

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/contrib/sim/teams"
)

var talkSeeds = flag.Int("talks.seeds", 6, "how many random plays of chats there are in each mode")

// TestTalksConvergeWhateverGoesWrong: people do everything in pairs and groups, come and go, while notifications are late, doubled, reordered and lost,
// Graph fails, and the process is started anew. In the end all is known, and nothing was put under people who were not there when it was said.
func TestTalksConvergeWhateverGoesWrong(t *testing.T) {
	for name, rich := range modes {
		for seed := range uint64(*talkSeeds) {
			t.Run(fmt.Sprintf("%s %d", name, seed), func(t *testing.T) {
				inTalkWorld(t, rich, teams.Options{DeletionMovesNothing: seed%2 == 1}, func(w *talkWorld) { w.anything(seed) })
			})
		}
	}
}

func (w *talkWorld) anything(seed uint64) {
	t, random := w.TB, rand.New(rand.NewPCG(seed, 1))
	pair, group := w.tenant.AddChat(w.alice, w.bob), w.tenant.AddGroupChat("", w.alice, w.bob, w.carla)
	all := []*teams.User{w.alice, w.bob, w.carla, w.owner}
	in := []*teams.User{w.alice, w.bob, w.carla}
	w.sim.SetWebhookFaults(teams.WebhookFaults{Seed: seed, Duplicate: 0.2, Reorder: 0.2, Lose: 0.05, Delay: 0.2, MaxDelay: 20 * time.Second, LoseAnswer: 0.05, DeletedAsUpdated: 0.5, Remove: 0.01})
	w.sim.SetChaos(teams.Chaos{Seed: seed, Throttled: 0.05, Failed: 0.05, LoseAnswer: 0.03})
	said := map[*teams.Channel][]string{}
	for n := range 120 {
		c, who := pair, in[0]
		if random.IntN(3) > 0 {
			c, who = group, in[random.IntN(len(in))]
		} else if random.IntN(2) == 0 {
			who = w.bob
		}
		switch k := random.IntN(12); {
		case k < 6 || len(said[c]) == 0:
			w.inbox.mu.Lock() // so that it is not put before it is known who was there
			id := w.says(who, c, fmt.Sprint("message ", n))
			said[c] = append(said[c], id)
			if c == group {
				w.inbox.present[messageOf{w.idOf(group), bridge.MessageID(id)}] = w.inbox.who(people(in...))
			}
			w.inbox.mu.Unlock()
		case k < 9:
			id := said[c][max(0, len(said[c])-15)+random.IntN(min(15, len(said[c])))] // a deletion that moves nothing is seen on the first page only
			m, _ := w.sim.Message(c, id)
			if !slices.Contains(in, m.Author) && c == group {
				break
			}
			switch random.IntN(3) {
			case 0:
				text := fmt.Sprintf("edited %d", n)
				w.inbox.mu.Lock()
				if w.sim.Edit(m.Author, c, id, "<p>"+text+"</p>") == nil && c == group {
					w.inbox.written[text] = w.inbox.who(people(in...))
				}
				w.inbox.mu.Unlock()
			case 1:
				_ = w.sim.Delete(m.Author, c, id)
			default:
				_ = w.sim.React(m.Author, c, id, "👍")
			}
		case k < 11:
			u := all[1+random.IntN(3)]
			if i := slices.Index(in, u); i >= 0 && len(in) > 2 {
				w.do(w.sim.RemoveFromChat(group, w.alice, u))
				in = slices.Delete(in, i, i+1)
			} else if i < 0 {
				w.do(w.sim.AddToChat(group, w.alice, u, random.IntN(2) == 0))
				in = append(in, u)
			}
		case random.IntN(3) == 0:
			w.stop()
			time.Sleep(time.Duration(random.IntN(600)) * time.Second)
			w.account = w.account2()
			w.stop = w.running(w.account, w.inbox)
		}
		time.Sleep(time.Duration(random.IntN(8000)) * time.Millisecond)
	}
	w.sim.ClearFaults()
	w.sim.SetWebhookFaults(teams.WebhookFaults{})
	time.Sleep(30 * time.Hour)
	w.inbox.mu.Lock()
	for _, problem := range w.inbox.wrong {
		t.Error(problem)
	}
	w.inbox.mu.Unlock()
	w.converged(pair)
	w.converged(group)
}

// account2 connects, however often that fails.
func (w *talkWorld) account2() *account {
	w.Helper()
	for {
		a := w.simWorld.account()
		if _, err := a.Connect(w.Context()); err == nil {
			return a
		}
		time.Sleep(time.Second)
	}
}
