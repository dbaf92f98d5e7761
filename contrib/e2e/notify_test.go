package e2e

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"causeway/contrib/e2e/harness"
	"causeway/contrib/sim/teams"
	"causeway/contrib/sim/teams/notify"
)

// newNotifiedPair has Graph send its notifications to Causeway.
func newNotifiedPair(t *testing.T, n int) *pair {
	t.Helper()
	p := newPairOn(t, harness.Shared(t).Mattermost, n, "rich")
	p.begin(t)
	p.eventually(t, "the subscription", func() string {
		return complain(len(p.sim.Subscriptions()) == 1, p.sim.Subscriptions())
	})
	return p
}

// TestNotificationsKeepTheOrder: what Graph delivers in order arrives in order, although it repeats itself, bundles, forges
// come in between, and Causeway is killed again and again.
func TestNotificationsKeepTheOrder(t *testing.T) {
	t.Parallel()
	const each, kills = 40, 5
	p := newNotifiedPair(t, 3)
	p.sim.SetWebhookFaults(teams.WebhookFaults{Seed: 3, Duplicate: 0.2, Batch: 5, Capitals: 0.5, TwicePerReaction: true, Forged: 0.2})
	people := p.talk(t, each)
	random := rand.New(rand.NewPCG(5, 5))
	for range kills {
		time.Sleep(time.Duration(1000+random.IntN(4000)) * time.Millisecond)
		p.causeway.Kill(t)
		time.Sleep(time.Duration(random.IntN(1500)) * time.Millisecond)
		p.run(t)
	}
	people.Wait()
	p.judge(t, 6*each)
	p.alike(t)
	p.noForgery(t)
	s := p.sim.WebhookStats()
	t.Logf("%d notifications, %d copies, %d forged, %d repeated", s.Items, s.Copies, s.Forged, s.Retries)
	if s.Copies == 0 || s.Forged == 0 || s.Retries == 0 {
		t.Errorf("the stand-in has not made every kind of trouble: %+v", s)
	}
}

// TestNotificationsOnABadDay has Graph deliver late, in disorder, in vain, and end subscriptions.
func TestNotificationsOnABadDay(t *testing.T) {
	t.Parallel()
	const each = 40
	p := newNotifiedPair(t, 3)
	p.sim.SetWebhookFaults(teams.WebhookFaults{
		Seed: 4, Duplicate: 0.1, Delay: 0.1, Reorder: 0.1, MaxDelay: 15 * time.Second, LoseRequest: 0.05, LoseAnswer: 0.05, Batch: 5,
		Capitals: 0.5, TwicePerReaction: true, NoNames: true, DeletedAsUpdated: 0.5, Remove: 0.01, Forged: 0.2,
	})
	people := p.talk(t, each)
	time.Sleep(10 * time.Second)
	p.sim.WebhookOutage(502)
	time.Sleep(10 * time.Second)
	p.sim.EndWebhookOutage()
	people.Wait()
	p.arrived(t, 6*each)
	p.noForgery(t)
	p.alike(t)
	s := p.sim.WebhookStats()
	t.Logf("%+v", s)
	if s.Retries == 0 || s.Late == 0 || s.Copies == 0 || s.Forged == 0 {
		t.Errorf("the stand-in has not made every kind of trouble: %+v", s)
	}
}

// arrived is judge where Graph delivers in disorder: what is marked as late may be many.
func (p *pair) arrived(t *testing.T, want int) {
	t.Helper()
	look := func() (there, here sums, wrong []string) {
		mm, tm := p.saidInMattermost(t), p.saidInTeams()
		there, wrong = compare(mm, p.inTeams())
		here, more := compare(tm, p.inMattermost(t))
		if len(mm)+len(tm) != want {
			there.missing++
		}
		return there, here, append(wrong, more...)
	}
	p.eventually(t, "everything on both sides", func() string {
		there, here, wrong := look()
		return complain(there.missing+there.doubled+here.missing+here.doubled == 0, wrong)
	})
	time.Sleep(5 * time.Second)
	there, here, wrong := look()
	t.Logf("%d messages: to Teams %+v, to Mattermost %+v; %d handed over late", want, there, here, p.late(t))
	if there != (sums{}) || here != (sums{}) {
		t.Errorf("%s", strings.Join(wrong, ", "))
	}
}

func (p *pair) noForgery(t *testing.T) {
	t.Helper()
	for _, text := range p.inMattermost(t) {
		if strings.Contains(text, notify.ForgedText) {
			t.Errorf("a forged message was carried: %s", text)
		}
	}
}
