package mattermost

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
)

func (w *town) send() (*model.Response, error) {
	_, resp, err := w.asBot.CreatePost(w.ctx, &model.Post{ChannelId: w.channel, Message: "x"})
	return resp, err
}

func TestInjectedStatus(t *testing.T) {
	w := newTown(t, Options{})
	i := w.Inject(Fault{Method: "POST", Path: "/posts", User: "bridge", Skip: 1, Times: 2, Status: 503, ErrorID: "api.context.server_busy.app_error"})
	var got []int
	for range 4 {
		resp, _ := w.send()
		got = append(got, resp.StatusCode)
	}
	same(t, "statuses", got, []int{201, 503, 503, 201})
	same(t, "hits", i.Hits(), 2)
	same(t, "posts", len(w.Posts(w.channel)), 2)
	_, err := w.send()
	check(t, err)
	i = w.Inject(Fault{User: "alice", Times: -1, Status: 500})
	if _, err = w.send(); err != nil {
		t.Fatalf("the fault is another user's: %v", err)
	}
	_, _, err = w.asAlice.GetMe(w.ctx, "")
	wantError(t, err, 500, "")
	i.Cancel()
	_, _, err = w.asAlice.GetMe(w.ctx, "")
	check(t, err)
}

func TestInjectedPlainAnswer(t *testing.T) {
	w := newTown(t, Options{})
	w.Inject(Fault{Path: "/posts", Status: 429, Plain: "limit exceeded", RetryAfter: 1500 * time.Millisecond})
	resp, err := w.send()
	var app *model.AppError
	if resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "2" || err == nil || errors.As(err, &app) {
		t.Fatalf("got %d, Retry-After %q, %v", resp.StatusCode, resp.Header.Get("Retry-After"), err)
	}
}

func TestTemplatesMatch(t *testing.T) {
	w := newTown(t, Options{})
	id := w.post("x")
	w.Inject(Fault{Method: "PUT", Path: "/posts/{post_id}/patch", Status: 500})
	_, _, err := w.asAlice.PatchPost(w.ctx, id, &model.PostPatch{Message: model.NewPointer("y")})
	wantError(t, err, 500, "")
}

func TestLostRequestsAndAnswers(t *testing.T) {
	w := newTown(t, Options{})
	w.Inject(Fault{Path: "/posts", LoseRequest: true})
	if _, err := w.send(); err == nil {
		t.Fatal("a lost request was answered")
	}
	same(t, "no effect", len(w.Posts(w.channel)), 0)
	w.Inject(Fault{Path: "/posts", LoseAnswer: true})
	if _, err := w.send(); err == nil {
		t.Fatal("a lost answer arrived")
	}
	same(t, "an effect", len(w.Posts(w.channel)), 1)
	var lost []string
	for _, r := range w.Requests() {
		lost = append(lost, r.String()+" "+r.Lost)
	}
	same(t, "log", lost, []string{"POST /posts request", "POST /posts answer"})
}

func TestDelays(t *testing.T) {
	w := newTown(t, Options{})
	for name, f := range map[string]Fault{"before": {Delay: time.Hour}, "after": {DelayAnswer: time.Hour}} {
		f.Path = "/posts"
		fault := w.Inject(f)
		ctx, cancel := context.WithTimeout(w.ctx, 300*time.Millisecond)
		_, _, err := w.asBot.CreatePost(ctx, &model.Post{ChannelId: w.channel, Message: name})
		cancel()
		fault.Cancel() // where the machine was so busy that it did not meet the request
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%s: %v", name, err)
		}
	}
	w.Inject(Fault{Path: "/posts", Delay: time.Millisecond})
	_, err := w.send()
	check(t, err)
}

func TestRandomFaultsRepeat(t *testing.T) {
	run := func(seed uint64) (out []int) {
		w := newTown(t, Options{})
		w.SetRandomFaults(&RandomFaults{Seed: seed, Method: "POST", Path: "/posts", Status503: 0.2, Status429: 0.2, LoseRequest: 0.1, LoseAnswer: 0.1})
		for range 60 {
			resp, err := w.send()
			if resp == nil || err != nil && resp.StatusCode == 0 {
				out = append(out, 0)
				continue
			}
			out = append(out, resp.StatusCode)
		}
		w.ClearFaults()
		if _, err := w.send(); err != nil {
			t.Errorf("after ClearFaults: %v", err)
		}
		return out
	}
	first := run(7)
	same(t, "the same seed", run(7), first)
	kinds := map[int]bool{}
	for _, status := range first {
		kinds[status] = true
	}
	same(t, "kinds of failure", kinds, map[int]bool{0: true, 201: true, 429: true, 503: true})
}

func TestOutage(t *testing.T) {
	w := newTown(t, Options{})
	k := w.connect(w.botToken)
	w.SetOutage(true)
	if _, err := w.send(); err == nil {
		t.Fatal("an answer during the outage")
	}
	if _, err := k.try(); err == nil {
		t.Fatal("the socket is open during the outage")
	}
	w.post("meanwhile")
	w.SetOutage(false)
	_, err := w.send()
	check(t, err)
	w.resumed(k, 2).takes(2, 2)
}

func TestRateLimit(t *testing.T) {
	w := newTown(t, Options{RateLimit: RateLimit{PerSec: 10, MaxBurst: 2}})
	var got []int
	for range 4 {
		resp, _ := w.send()
		got = append(got, resp.StatusCode)
	}
	same(t, "statuses", got, []int{201, 201, 201, 429})
	resp, err := w.asBot.HTTPClient.Get(w.URL() + "/api/v4/system/ping")
	check(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	check(t, err)
	if resp.StatusCode != http.StatusTooManyRequests || string(body) != "limit exceeded\n" || resp.Header.Get("Retry-After") != "1" ||
		resp.Header.Get("X-Ratelimit-Limit") != "3" || resp.Header.Get("X-Ratelimit-Remaining") != "0" {
		t.Fatalf("%d %q %v", resp.StatusCode, body, resp.Header)
	}
	w.add(100 * time.Millisecond)
	_, err = w.send()
	check(t, err)
	w.SetRateLimit(RateLimit{})
	for range 10 {
		_, err = w.send()
		check(t, err)
	}
}

func TestTheLogTellsWhatAMessageCosts(t *testing.T) {
	w := newTown(t, Options{})
	w.ForgetRequests()
	_, err := w.send()
	check(t, err)
	_, _, _ = w.asAlice.GetPost(w.ctx, model.NewId(), "")
	w.connectManual() // posting has made the bot online before
	type line struct {
		Call, User string
		Status     int
	}
	var got []line
	for _, r := range w.Requests() {
		got = append(got, line{r.String(), r.User, r.Status})
	}
	same(t, "log", got, []line{{"POST /posts", "bridge", 201}, {"GET /posts/{post_id}", "alice", 404}, {"GET /websocket", "bridge", 101}})
	same(t, "counts", w.Counts(), map[string]int{"POST /posts": 1, "GET /posts/{post_id}": 1, "GET /websocket": 1})
}
