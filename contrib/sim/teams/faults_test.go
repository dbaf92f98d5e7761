package teams_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"causeway/contrib/sim/teams"
	"github.com/google/go-cmp/cmp"
)

const messagesTemplate = "/teams/{id}/channels/{id}/messages"

func TestFaultsAreScripted(t *testing.T) {
	w := newWorld(t, teams.Options{})
	token := w.as(w.bob)
	w.sim.Inject(teams.Fault{Method: "POST", Template: messagesTemplate, Status: 429, RetryAfter: 1500 * time.Millisecond, Skip: 1, Times: 2})
	w.sim.Inject(teams.Fault{Template: "/users*", Status: 503})
	post := func() response { return w.post(w.messages(), token, hello) }
	post().want(t, 201, "")
	if r := post().want(t, 429, "TooManyRequests"); r.header.Get("Retry-After") != "2" {
		t.Errorf("Retry-After: %q", r.header.Get("Retry-After"))
	}
	w.get(w.messages(), token).want(t, 200, "")
	post().want(t, 429, "")
	post().want(t, 201, "")
	if r := w.get("/users/"+w.bob.ID, token).want(t, 503, "ServiceUnavailable"); r.header.Get("Retry-After") != "" {
		t.Errorf("Retry-After: %q", r.header.Get("Retry-After"))
	}
	w.get("/users", token).want(t, 200, "")
	if n := len(w.sim.Messages(w.general)); n != 2 {
		t.Errorf("%d messages", n)
	}
	remove := w.sim.Inject(teams.Fault{Times: -1, Status: 500})
	post().want(t, 500, "InternalServerError")
	post().want(t, 500, "InternalServerError")
	remove()
	post().want(t, 201, "")
	w.sim.Inject(teams.Fault{Where: func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/me") }, Status: 403, Code: "Odd", Message: "so"})
	post().want(t, 201, "")
	w.get("/me", token).want(t, 403, "Odd")
}

func TestLostRequestsAndAnswers(t *testing.T) {
	for _, over := range []string{"in process", "TCP"} {
		t.Run(over, func(t *testing.T) {
			w := newWorld(t, teams.Options{})
			send := func() error { return w.post(w.messages(), w.as(w.bob), hello).err }
			if over == "TCP" {
				srv := serve(t, w.sim)
				send = func() error {
					req, err := http.NewRequest("POST", srv.GraphURL()+w.messages(), strings.NewReader(hello))
					ok(t, err)
					req.Header.Set("Authorization", "Bearer "+w.as(w.bob))
					req.Header.Set("Content-Type", "application/json")
					resp, err := http.DefaultClient.Do(req)
					if err == nil {
						resp.Body.Close()
					}
					return err
				}
			}
			count := func() int { return len(w.sim.Messages(w.general)) }
			w.sim.Inject(teams.Fault{Method: "POST", Drop: true})
			if err := send(); err == nil || count() != 0 {
				t.Errorf("lost request: %v, %d messages", err, count())
			}
			w.sim.Inject(teams.Fault{Method: "POST", Drop: true, AfterEffect: true})
			if err := send(); err == nil || count() != 1 {
				t.Errorf("lost answer: %v, %d messages", err, count())
			}
			ok(t, send())
			if count() != 2 {
				t.Errorf("%d messages at the end", count())
			}
			var lost []bool
			for _, r := range w.sim.Requests() {
				lost = append(lost, r.Lost)
			}
			if d := cmp.Diff([]bool{false, true, false}, lost); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestAnErrorCanBeALie(t *testing.T) {
	w := newWorld(t, teams.Options{})
	w.sim.Inject(teams.Fault{Status: 502, AfterEffect: true})
	w.post(w.messages(), w.as(w.bob), hello).want(t, 502, "BadGateway")
	if n := len(w.sim.Messages(w.general)); n != 1 {
		t.Errorf("%d messages", n)
	}
}

func TestALostAnswerInABatchCutsTheBatch(t *testing.T) {
	w := newWorld(t, teams.Options{})
	w.sim.Inject(teams.Fault{Template: messagesTemplate, Drop: true, AfterEffect: true})
	r, _ := w.batch(w.as(w.bob), `{"id":"1","method":"POST","url":"`+w.messages()+`","body":{"body":{"content":"x"}},"headers":{"Content-Type":"application/json"}}`)
	if !errors.Is(r.err, io.ErrUnexpectedEOF) || len(w.sim.Messages(w.general)) != 1 {
		t.Errorf("%v, %d messages", r.err, len(w.sim.Messages(w.general)))
	}
}

func TestFaultsOfTheLogin(t *testing.T) {
	w := newWorld(t, teams.Options{})
	_, refresh := w.sim.SignIn(w.app, w.bob)
	use := func() response {
		return w.login(w.tokenPath(), "grant_type", "refresh_token", "client_id", w.app.ClientID, "refresh_token", refresh)
	}
	w.sim.Inject(teams.Fault{Template: "/{tenant}/oauth2/v2.0/token", Status: 400, Code: "interaction_required", Message: "Say who you are."})
	w.sim.Inject(teams.Fault{Template: "/{tenant}/oauth2/v2.0/token", Status: 503, RetryAfter: time.Second})
	w.sim.Inject(teams.Fault{Template: "/{tenant}/oauth2/v2.0/token", Drop: true, AfterEffect: true})
	if r := use(); r.status != 400 || r.text("error") != "interaction_required" {
		t.Errorf("%d %s", r.status, r.raw)
	}
	if r := use(); r.status != 503 || r.text("error") != "temporarily_unavailable" || r.header.Get("Retry-After") != "1" {
		t.Errorf("%d %s", r.status, r.raw)
	}
	if r := use(); r.err == nil {
		t.Error("the answer was not lost")
	}
	use().want(t, 200, "")
}

func TestOutage(t *testing.T) {
	w := newWorld(t, teams.Options{})
	w.sim.Outage(503)
	w.get("/users", w.appToken).want(t, 503, "")
	if r := w.login(w.tokenPath()); r.status != 503 {
		t.Errorf("login: %d", r.status)
	}
	w.sim.Outage(0)
	if r := w.get("/users", w.appToken); r.err == nil {
		t.Errorf("the connection was not cut: %d", r.status)
	}
	w.sim.EndOutage()
	w.get("/users", w.appToken).want(t, 200, "")
}

func TestChaosRepeatsWithItsSeed(t *testing.T) {
	run := func(seed uint64) (outcomes []int, messages int) {
		w := newWorld(t, teams.Options{})
		w.sim.SetChaos(teams.Chaos{Seed: seed, Throttled: .1, Failed: .1, FailedAfter: .1, LoseRequest: .1, LoseAnswer: .1})
		for range 300 {
			r := w.post(w.messages(), w.as(w.bob), hello)
			if r.err != nil {
				r.status = -1
			}
			outcomes = append(outcomes, r.status)
		}
		return outcomes, len(w.sim.Messages(w.general))
	}
	first, messages := run(7)
	again, _ := run(7)
	if d := cmp.Diff(first, again); d != "" {
		t.Errorf("same seed: %s", d)
	}
	if other, _ := run(8); cmp.Equal(first, other) {
		t.Error("another seed gives the same")
	}
	count := map[int]int{}
	for _, status := range first {
		count[status]++
	}
	for _, status := range []int{201, 429, 500, 502, 503, 504, -1} {
		if count[status] == 0 {
			t.Errorf("never %d: %v", status, count)
		}
	}
	if messages <= count[201] || messages >= 300 {
		t.Errorf("%d messages, %d answers 201: nothing took effect silently", messages, count[201])
	}
	w := newWorld(t, teams.Options{})
	w.sim.SetChaos(teams.Chaos{Failed: 1})
	if r := w.get("/users", w.appToken); r.status < 500 {
		t.Errorf("certain failure: %d", r.status)
	}
	w.sim.SetChaos(teams.Chaos{})
	w.get("/users", w.appToken).want(t, 200, "")
}

func TestDelayEndsWithTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, teams.Options{Now: time.Now})
		w.sim.Inject(teams.Fault{Delay: 10 * time.Second, Times: 2})
		begin := time.Now()
		w.get("/users", w.appToken).want(t, 200, "")
		if d := time.Since(begin); d != 10*time.Second {
			t.Errorf("answered after %v", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, "POST", "http://graph.test/v1.0"+w.messages(), strings.NewReader(hello))
		ok(t, err)
		if _, err := w.sim.Transport().RoundTrip(req); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("cancelled: %v", err)
		}
		if d := time.Since(begin); d != 11*time.Second {
			t.Errorf("gave up after %v", d-10*time.Second)
		}
	})
}

func TestRequestLog(t *testing.T) {
	w := newWorld(t, teams.Options{})
	w.post(w.messages(), w.as(w.bob), hello)
	w.get("/planets", w.appToken)
	w.batch(w.appToken, getItem("1", "/users"))
	w.sim.Inject(teams.Fault{Drop: true})
	w.get("/users", w.appToken)
	var got []teams.Request
	for _, r := range w.sim.Requests() {
		r.At, r.Path = time.Time{}, ""
		if r.App != "" && r.App != w.app.ClientID {
			t.Errorf("a request of the app %s", r.App)
		}
		r.App = ""
		got = append(got, r)
	}
	id := w.app.ClientID
	want := []teams.Request{
		{Method: "POST", Template: messagesTemplate, Status: 201, Who: w.bob.UPN},
		{Method: "GET", Status: 400, Who: id, AppOnly: true},
		{Method: "GET", Template: "/users", Status: 200, Who: id, AppOnly: true, Batch: true},
		{Method: "POST", Template: "/$batch", Status: 200, Who: id, AppOnly: true},
		{Method: "GET", Template: "/users", Fault: true},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if n := w.sim.Count("GET", "/users"); n != 2 {
		t.Errorf("%d requests counted", n)
	}
	w.sim.ResetRequests()
	if n := w.sim.Count("", ""); n != 0 {
		t.Errorf("%d requests after the reset", n)
	}
}
