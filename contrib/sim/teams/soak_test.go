package teams_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"causeway/contrib/sim/teams"
	"causeway/contrib/sim/teams/notify"
)

// TestNothingIsUnaccountedFor lets everything go wrong for an hour in which people talk, and then compares what an
// endpoint has put together out of the notifications with what was said. Whoever takes the youngest state of each message
// and drops what is forged lacks exactly what the stand-in says was lost.
func TestNothingIsUnaccountedFor(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			inTime(t, teams.Options{Webhooks: teams.Webhooks{Sample: 1000}}, func(w *world, r *receiver) {
				id := w.subscribe(nil)
				dice := rand.New(rand.NewPCG(seed, 9))
				r.mu.Lock()
				r.answer = func(_ *http.Request, n int) int { return []int{202, 200, 503, 202}[n%4] }
				r.mu.Unlock()
				w.sim.SetWebhookFaults(teams.WebhookFaults{
					Seed: seed, Duplicate: .2, Delay: .2, Reorder: .2, Lose: .02, LoseRequest: .1, LoseAnswer: .1, Batch: 7, Capitals: .5,
					TwicePerReaction: true, NoNames: true, DeletedAsUpdated: .5, Forged: .2,
				})
				w.talk(dice, time.Hour/2)
				w.sim.WebhookOutage(502)
				w.talk(dice, 10*time.Minute)
				w.sim.EndWebhookOutage()
				w.renew(id, 40*time.Hour).want(w.t, 200, "")
				w.talk(dice, 20*time.Minute)
				w.sim.SetWebhookFaults(teams.WebhookFaults{})
				w.delivered()
				w.compare(r)
			})
		})
	}
}

// talk lets people write, edit, react and delete for a while.
func (w *world) talk(dice *rand.Rand, during time.Duration) {
	w.t.Helper()
	people := []*teams.User{w.ada, w.bob, w.cyd}
	for end := time.Now().Add(during); time.Now().Before(end); time.Sleep(time.Duration(dice.IntN(20_000)) * time.Millisecond) {
		who := people[dice.IntN(3)]
		said := w.sim.Messages(w.general)
		if dice.IntN(3) == 0 || len(said) == 0 {
			w.say(who, fmt.Sprint("<p>", dice.IntN(1000), "</p>"))
			continue
		}
		m := said[dice.IntN(len(said))]
		if m.Deleted {
			continue
		}
		switch dice.IntN(4) {
		case 0:
			w.reply(who, m.ID, "reply")
		case 1:
			ok(w.t, w.sim.Edit(m.Author, w.general, m.ID, fmt.Sprint("edited ", dice.IntN(1000))))
		case 2:
			ok(w.t, w.sim.React(who, w.general, m.ID, "🎉"))
		case 3:
			ok(w.t, w.sim.Delete(m.Author, w.general, m.ID))
		}
	}
}

// compare puts the notifications together and compares them with what was said.
func (w *world) compare(r *receiver) {
	w.t.Helper()
	state, forged := map[string]map[string]any{}, 0
	for _, it := range r.items() {
		if it.ClientState != "s3cret-state" || it.TenantID != w.tenant.ID || it.SubscriptionID != w.sim.Subscriptions()[0].ID || it.Encrypted.CertificateID != "key-1" {
			forged++
			continue
		}
		plain, err := notify.Decrypt(testCertificate().key, it.Encrypted)
		if err != nil {
			forged++
			continue
		}
		object := decode(w.t, plain)
		if text, _ := object["body"].(map[string]any)["content"].(string); strings.HasPrefix(text, notify.ForgedText) {
			forged++ // with a forged token, which this endpoint does not look at
			continue
		}
		if old := state[it.ResourceData.ID]; old == nil || old["etag"].(string) <= object["etag"].(string) {
			state[it.ResourceData.ID] = object
		}
	}
	missing, all := 0, 0
	for _, root := range w.sim.Messages(w.general) {
		for _, m := range append([]teams.Message{root}, root.Replies...) {
			all++
			got := state[m.ID]
			if got == nil || got["lastModifiedDateTime"] != m.Modified.Format("2006-01-02T15:04:05.999Z") || (got["deletedDateTime"] != nil) != m.Deleted {
				missing++
			}
		}
	}
	s := w.sim.WebhookStats()
	if s.Items != s.Delivered+s.Lost+s.Dropped+s.Discarded || s.Forged < 10 || forged < 10 {
		w.t.Errorf("unaccounted for: %+v, %d forged seen", s, forged)
	}
	if missing > s.Lost || all < 100 {
		w.t.Errorf("%d of %d messages are not as said, %d notifications were lost", missing, all, s.Lost)
	}
	w.t.Logf("%d messages, %d notifications in %d posts, %d copies, %d late, %d lost, %d forged; %d messages missed a change",
		all, s.Items, s.Posts, s.Copies, s.Late, s.Lost, s.Forged, missing)
}
