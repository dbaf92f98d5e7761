package teams_test

import (
	"strconv"
	"testing"
	"time"

	"causeway/contrib/sim/teams"
)

func TestThrottling(t *testing.T) {
	for _, c := range []struct {
		name    string
		allowed int // of ten requests at the same moment
		request func(w *world, n int) response
	}{
		{"reading one channel", 1, func(w *world, n int) response { return w.get(w.messages(), w.appToken) }},
		{"reading two channels", 2, func(w *world, n int) response {
			c := []*teams.Channel{w.general, w.secret}[n%2]
			return w.get(channelPath(c, w.team)+"/messages", w.appToken)
		}},
		{"posting as two people into one channel", 1, func(w *world, n int) response {
			return w.post(w.messages(), w.as([]*teams.User{w.ada, w.bob}[n%2]), hello)
		}},
		{"posting as one person into two channels", 1, func(w *world, n int) response {
			c := []*teams.Channel{w.general, w.secret}[n%2]
			return w.post(channelPath(c, w.team)+"/messages", w.as(w.ada), hello)
		}},
		{"reading a team", 4, func(w *world, n int) response { return w.get("/teams/"+w.team.ID, w.appToken) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, teams.Options{Throttle: teams.Documented})
			allowed := 0
			for n := range 10 {
				r := c.request(w, n)
				switch r.status {
				case 200, 201:
					allowed++
				case 429:
					if s, err := strconv.Atoi(r.header.Get("Retry-After")); err != nil || s < 1 || r.code() != "TooManyRequests" || r.header.Get("x-ms-throttle-scope") == "" {
						t.Fatalf("refusal: %v %s", r.header, r.raw)
					}
				default:
					t.Fatalf("%d %s", r.status, r.raw)
				}
			}
			if allowed != c.allowed {
				t.Errorf("%d of ten were allowed, want %d", allowed, c.allowed)
			}
		})
	}
}

func TestWaitingAsToldIsEnoughAndComingBackEarlyIsNot(t *testing.T) {
	w := newWorld(t, teams.Options{Throttle: teams.Documented})
	read := func() response { return w.get(w.messages(), w.appToken) }
	read().want(t, 200, "")
	for range 8 {
		w.clock.Add(600 * time.Millisecond)
		read().want(t, 429, "TooManyRequests")
	}
	refused := read().want(t, 429, "")
	after, err := strconv.Atoi(refused.header.Get("Retry-After"))
	ok(t, err)
	w.clock.Add(time.Duration(after) * time.Second)
	read().want(t, 200, "")
}

func TestSustainedRateIsLower(t *testing.T) {
	w := newWorld(t, teams.Options{Throttle: teams.Documented})
	allowed := 0
	for range 30 {
		if w.get(w.messages(), w.appToken).status == 200 {
			allowed++
		}
		w.clock.Add(time.Second)
	}
	if allowed != 24 {
		t.Errorf("%d of 30 requests in 30 s were allowed, want 24 (0.83 per second)", allowed)
	}
}

func TestThrottleCanBeOffScaledAndReplaced(t *testing.T) {
	w := newWorld(t, teams.Options{})
	count := func() (allowed int) {
		for range 50 {
			if w.get(w.messages(), w.appToken).status == 200 {
				allowed++
			}
		}
		return allowed
	}
	if n := count(); n != 50 {
		t.Errorf("off: %d", n)
	}
	w.sim.SetThrottle(teams.Throttle{On: true, Factor: 5})
	if n := count(); n != 5 {
		t.Errorf("five times: %d", n)
	}
	w.sim.SetThrottle(teams.Throttle{On: true, Limits: map[string]teams.Limit{"readMessages": {AppTenant: 7}}})
	if n := count(); n != 7 {
		t.Errorf("replaced: %d", n)
	}
}

func TestTheSustainedShareCanBeLeftOut(t *testing.T) {
	w := newWorld(t, teams.Options{Throttle: teams.Throttle{On: true, Sustained: 1}})
	for range 60 {
		w.get(w.messages(), w.appToken).want(t, 200, "")
		w.clock.Add(time.Second)
	}
}

func TestIdentityReadsCostUnits(t *testing.T) {
	for query, c := range map[string]struct{ allowed, cost int }{
		"/users": {35, 2}, "/users?$select=id": {70, 1}, "/users?$top=5": {70, 1}, "/users?$top=5&$select=id": {70, 1}, "/me": {70, 1},
	} {
		w := newWorld(t, teams.Options{Throttle: teams.Throttle{On: true, Factor: .02}, EmptyPageEvery: -1})
		token, allowed := w.as(w.bob), 0
		for range 400 {
			r := w.get(query, token)
			if r.status == 429 {
				break
			}
			if got := r.want(t, 200, "").header.Get("x-ms-resource-unit"); got != strconv.Itoa(c.cost) {
				t.Fatalf("%s costs %s", query, got)
			}
			allowed++
		}
		if allowed != c.allowed {
			t.Errorf("%s: %d in ten seconds, want %d", query, allowed, c.allowed)
		}
		w.clock.Add(10 * time.Second)
		w.get(query, token).want(t, 200, "")
	}
}

func TestLargerTenantsHaveMoreUnits(t *testing.T) {
	w := newWorld(t, teams.Options{Throttle: teams.Throttle{On: true, Factor: .1}})
	for range 50 {
		w.tenant.AddUser("Somebody")
	}
	token, allowed := w.as(w.bob), 0
	for w.get("/me", token).status == 200 {
		allowed++
	}
	if allowed != 500 {
		t.Errorf("%d", allowed)
	}
}

func TestSubscriptionCallsAreThrottled(t *testing.T) {
	w, _ := hooked(t, teams.Options{Throttle: teams.Documented})
	for range 25 {
		w.get("/subscriptions", w.appToken).want(t, 200, "")
	}
	w.get("/subscriptions", w.appToken).want(t, 429, "TooManyRequests")
	w.subscribe(nil) // another row
	w.clock.Add(20 * time.Second)
	w.get("/subscriptions", w.appToken).want(t, 200, "")
}

func TestABatchIsThrottledByItsItems(t *testing.T) {
	w := newWorld(t, teams.Options{Throttle: teams.Documented})
	read := []string{getItem("1", w.messages()), getItem("2", w.messages()), getItem("3", channelPath(w.secret, w.team)+"/messages")}
	r, a := w.batch(w.appToken, read...)
	r.want(t, 200, "")
	if a["1"]["status"] != 200.0 || a["2"]["status"] != 429.0 || a["3"]["status"] != 200.0 {
		t.Errorf("%s", r.raw)
	}
	if after := a["2"]["headers"].(map[string]any)["Retry-After"]; after != "1" {
		t.Errorf("Retry-After of the item: %v", after)
	}
	w.sim.SetThrottle(teams.Throttle{On: true, BatchFails: true})
	r, _ = w.batch(w.appToken, read...)
	r.want(t, 424, "FailedDependency")
	w.clock.Add(time.Minute)
	r, _ = w.batch(w.appToken, read[1:]...)
	r.want(t, 200, "")
}
