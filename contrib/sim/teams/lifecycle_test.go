package teams_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/contrib/sim/teams"
)

// inTime runs a test with fake time, which the stand-in has for its clock.
func inTime(t *testing.T, opts teams.Options, f func(*world, *receiver)) {
	t.Helper()
	testCertificate() // outside: it is kept for all tests
	synctest.Test(t, func(t *testing.T) {
		opts.Now = time.Now
		w, r := hooked(t, opts)
		f(w, r)
	})
}

func (w *world) renew(id string, life time.Duration) response {
	w.t.Helper()
	return w.send("PATCH", "/subscriptions/"+id, w.sim.AppToken(w.app), `{"expirationDateTime":"`+w.now().Add(life).Format(time.RFC3339Nano)+`"}`)
}

// moments are the posts to the lifecycle URL: what they say, and when, after a beginning.
func (r *receiver) moments(begin time.Time) (list []string) {
	for _, p := range r.all() {
		for _, it := range p.body.Value {
			if it.Lifecycle != "" {
				list = append(list, it.Lifecycle+" after "+p.at.Sub(begin).Truncate(time.Minute).String())
			}
		}
	}
	return list
}

func TestReauthorizationIsAskedForBeforeTheTokenRunsOut(t *testing.T) {
	inTime(t, teams.Options{TokenLifetime: time.Hour}, func(w *world, r *receiver) {
		begin := time.Now()
		id := w.subscribe(nil)
		time.Sleep(50 * time.Minute)
		w.send("POST", "/subscriptions/"+id+"/reauthorize", w.sim.AppToken(w.app), "").want(w.t, 204, "")
		time.Sleep(50 * time.Minute)
		w.renew(id, 40*time.Hour).want(w.t, 200, "")
		time.Sleep(70 * time.Minute)
		if d := cmp.Diff([]string{"reauthorizationRequired after 45m0s", "reauthorizationRequired after 1h35m0s", "reauthorizationRequired after 2h25m0s"}, r.moments(begin)); d != "" {
			w.t.Error(d)
		}
		p := r.all()[0]
		if it := p.body.Value[0]; p.path != "/lifecycle" || it.ClientState != "s3cret-state" || it.SubscriptionID != id || it.TenantID != w.tenant.ID || it.Resource != "" || strings.Contains(string(p.raw), "changeType") {
			w.t.Errorf("%s", p.raw)
		}
	})
}

func TestWithoutATokenDeliveriesWaitForIt(t *testing.T) {
	inTime(t, teams.Options{TokenLifetime: time.Hour}, func(w *world, r *receiver) {
		id := w.subscribe(nil)
		time.Sleep(61 * time.Minute)
		if !w.sim.Subscriptions()[0].Paused {
			w.t.Error("not paused")
		}
		w.say(w.bob, "meanwhile")
		w.delivered()
		if len(r.items()) != 0 {
			w.t.Error("delivered under a token that had run out")
		}
		time.Sleep(time.Hour)
		w.renew(id, 40*time.Hour).want(w.t, 200, "")
		w.delivered()
		if len(r.items()) != 1 || w.sim.Subscriptions()[0].Paused {
			w.t.Errorf("%d delivered after the renewal", len(r.items()))
		}
		w.sim.RevokeApp(w.app)
		w.say(w.bob, "lost")
		w.delivered()
		time.Sleep(4*time.Hour + time.Minute)
		w.send("POST", "/subscriptions/"+id+"/reauthorize", w.sim.AppToken(w.app), "").want(w.t, 204, "")
		w.say(w.bob, "again")
		w.delivered()
		if s := w.sim.WebhookStats(); len(r.items()) != 2 || s.Lost != 1 || s.Paused != 2 || len(r.events()) != 2 {
			w.t.Errorf("%d delivered, %v, %+v", len(r.items()), r.events(), s)
		}
	})
}

func TestASubscriptionOfAUserNeedsThatUser(t *testing.T) {
	inTime(t, teams.Options{}, func(w *world, r *receiver) {
		w.post("/subscriptions", w.as(w.bob), w.wish(nil)).want(w.t, 201, "")
		w.bob.SetDisabled(true)
		w.say(w.ada, "x")
		w.delivered()
		w.bob.SetDisabled(false)
		w.sim.RevokeUser(w.bob)
		w.delivered()
		if len(r.items()) != 0 || len(r.events()) != 1 {
			w.t.Errorf("%d delivered, %v", len(r.items()), r.events())
		}
	})
}

func TestSubscriptionsExpire(t *testing.T) {
	inTime(t, teams.Options{}, func(w *world, r *receiver) {
		begin := time.Now()
		id := w.subscribe(map[string]any{"expirationDateTime": w.now().Add(50 * time.Minute).Format(time.RFC3339Nano)})
		r.mu.Lock()
		r.answer = func(*http.Request, int) int { return 503 }
		r.mu.Unlock()
		time.Sleep(40 * time.Minute)
		w.say(w.bob, "not acknowledged in time")
		time.Sleep(10 * time.Minute)
		if n := len(w.sim.Subscriptions()); n != 0 {
			w.t.Errorf("%d subscriptions", n)
		}
		w.say(w.bob, "unheard")
		w.get("/subscriptions/"+id, w.sim.AppToken(w.app)).want(w.t, 404, "ResourceNotFound")
		w.renew(id, time.Hour).want(w.t, 404, "ResourceNotFound")
		r.mu.Lock()
		r.answer = nil
		r.mu.Unlock()
		w.delivered()
		s := w.sim.WebhookStats()
		if s.Items != 1 || s.Delivered != 0 || s.Discarded != 1 || r.moments(begin)[0] != "reauthorizationRequired after 35m0s" {
			w.t.Errorf("%+v %v", s, r.moments(begin))
		}
		w.subscribe(nil) // no longer there, so no conflict
	})
}

func TestAClockMovedByHandNeedsATick(t *testing.T) {
	w, r := hooked(t, teams.Options{})
	w.subscribe(nil)
	w.clock.Add(50 * time.Minute)
	w.sim.Tick()
	w.sim.Tick()
	w.delivered()
	if d := cmp.Diff([]string{"reauthorizationRequired"}, r.events()); d != "" {
		t.Error(d)
	}
	w.clock.Add(48 * time.Hour)
	if n := len(w.sim.Subscriptions()); n != 0 {
		t.Errorf("%d subscriptions", n)
	}
}

func TestSubscriptionsCanBeRemoved(t *testing.T) {
	w, r := hooked(t, teams.Options{})
	first := w.subscribe(nil)
	ok(t, w.sim.RequireReauthorization(first))
	ok(t, w.sim.RemoveSubscription(first, true))
	second := w.subscribe(nil)
	ok(t, w.sim.RemoveSubscription(second, false))
	w.delivered()
	if d := cmp.Diff([]string{"reauthorizationRequired", "subscriptionRemoved"}, r.events()); d != "" {
		t.Error(d)
	}
	for _, err := range []error{w.sim.RemoveSubscription(first, true), w.sim.RequireReauthorization(first)} {
		if !errors.Is(err, teams.ErrNoSubscription) {
			t.Error(err)
		}
	}
	w.subscribe(map[string]any{"lifecycleNotificationUrl": nil, "expirationDateTime": w.now().Add(time.Hour).Format(time.RFC3339Nano)})
	w.sim.SetWebhookFaults(teams.WebhookFaults{Remove: 1, RemoveSilently: 1})
	w.say(w.bob, "unheard")
	w.delivered()
	if len(w.sim.Subscriptions()) != 0 || len(r.items()) != 0 || len(r.events()) != 2 {
		t.Errorf("%v, %d heard, %v", w.sim.Subscriptions(), len(r.items()), r.events())
	}
	w.subscribe(nil)
	w.sim.SetWebhookFaults(teams.WebhookFaults{Remove: 1})
	w.say(w.bob, "unheard, but told")
	w.delivered()
	if len(r.events()) != 3 {
		t.Errorf("%v", r.events())
	}
}

func TestAnHourOfOutageIsMadeUpFor(t *testing.T) {
	inTime(t, teams.Options{}, func(w *world, r *receiver) {
		id := w.subscribe(nil)
		w.sim.WebhookOutage(0)
		for range 60 {
			w.say(w.bob, "x")
			time.Sleep(w.sim.WebhookTime(time.Minute))
		}
		w.sim.EndWebhookOutage()
		w.renew(id, 40*time.Hour).want(w.t, 200, "")
		w.delivered()
		if s := w.sim.WebhookStats(); len(r.items()) != 60 || s.Retries < 120 || s.Lost+s.Dropped != 0 {
			w.t.Errorf("%d received, %+v", len(r.items()), s)
		}
	})
}
