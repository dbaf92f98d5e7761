package msteams

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"causeway/bridge"
	"causeway/bridge/msteams/notification"
	"causeway/contrib/sim/teams"
	"causeway/contrib/sim/teams/notify"
)

func TestForgedNotificationsCostNothing(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		id := w.subscription().ID
		w.speak("what they are modelled on")
		time.Sleep(time.Minute)
		w.inbox.forget()
		w.sim.ResetRequests()
		for _, kind := range notify.Forgeries() {
			for range 50 {
				status, err := w.sim.Forge(w.Context(), id, kind)
				w.do(err)
				// A key that is not known may have been published just now: then it comes again.
				if status != http.StatusAccepted && status != http.StatusBadRequest && (status != http.StatusServiceUnavailable || kind != notify.StrangersToken) {
					t.Errorf("%v is answered by %d", kind, status)
				}
			}
		}
		time.Sleep(time.Minute)
		if _, n := w.inbox.counts(); n != 0 {
			t.Errorf("%d states were put", n)
		}
		t.Logf("calls of Graph: %v", w.sim.Calls(nil))
		if n := len(w.sim.Requests()); n > 5 { // a reading, and the keys of the login service
			t.Errorf("%d calls of Graph", n)
		}
		if s := w.account.Status(); s.Receiving != byNotifications || !slices.ContainsFunc(s.Facts, func(f bridge.Fact) bool { return strings.HasPrefix(f.Name, "forged") }) {
			t.Errorf("the status is %+v", s)
		}
	})
}

func TestAnInboxThatFailsGetsItAgain(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		w.stop()
		failed := make(chan error, 1)
		ctx, cancel := context.WithCancel(w.Context())
		defer cancel()
		go func() { failed <- w.account.Run(ctx, w.inbox) }()
		time.Sleep(10 * time.Second)
		w.inbox.mu.Lock()
		w.inbox.refuse = func(b bridge.Batch) error {
			if len(b.States) > 0 {
				return io.ErrShortWrite
			}
			return nil
		}
		w.inbox.mu.Unlock()
		w.speak("not stored at first")
		if err := <-failed; !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("Run: %v, want what the inbox said", err)
		}
		w.inbox.mu.Lock()
		w.inbox.refuse = nil
		w.inbox.mu.Unlock()
		w.start()
		time.Sleep(time.Hour)
		w.converged(1)
		if s := w.sim.WebhookStats(); s.Retries == 0 {
			t.Errorf("the delivery was not refused: %+v", s)
		}
	})
}

func TestTheHookRefusesWhatIsNoDelivery(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		h, mark := w.account.Handler(), "?state="+w.subscriber().mark()
		for name, c := range map[string]struct {
			method, path, body string
			want               int
		}{
			"a page":        {"GET", "/messages" + mark, "", http.StatusMethodNotAllowed},
			"another path":  {"POST", "/", "", http.StatusNotFound},
			"nonsense":      {"POST", "/messages" + mark, "hello", http.StatusBadRequest},
			"nothing":       {"POST", "/lifecycle" + mark, "", http.StatusBadRequest},
			"no collection": {"POST", "/messages" + mark, `{"value":{}}`, http.StatusBadRequest},
			"empty":         {"POST", "/messages" + mark, `{"value":[]}`, http.StatusAccepted},
			"too large":     {"POST", "/messages" + mark, `{"x":"` + strings.Repeat("x", notification.MaxBody) + `"}`, http.StatusRequestEntityTooLarge},
			"handshake":     {"POST", "/lifecycle" + mark + "&validationToken=a%3Cb", "", http.StatusOK},
			"a stranger":    {"POST", "/messages", `{"value":[]}`, http.StatusNotFound},
			"a guess":       {"POST", "/messages?state=0123456789abcdef0123456789abcdef&validationToken=x", "", http.StatusNotFound},
		} {
			answer := httptest.NewRecorder()
			h.ServeHTTP(answer, httptest.NewRequest(c.method, c.path, strings.NewReader(c.body)))
			if answer.Code != c.want {
				t.Errorf("%s: %d, want %d", name, answer.Code, c.want)
			}
			if name == "handshake" && (answer.Body.String() != "a&lt;b" || !strings.HasPrefix(answer.Header().Get("Content-Type"), "text/plain")) {
				t.Errorf("the handshake is answered by %q of %s", answer.Body, answer.Header().Get("Content-Type"))
			}
		}
		w.stop()
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, httptest.NewRequest("POST", "/messages"+mark, strings.NewReader(`{"value":[]}`)))
		if answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" {
			t.Errorf("while no feed runs: %d", answer.Code)
		}
		w.start()
	})
}

// TestABusyChannelHoldsUpNobody: people talk on while Causeway starts again and reads what it has missed.
func TestABusyChannelHoldsUpNobody(t *testing.T) {
	for _, every := range []time.Duration{2 * time.Second, 300 * time.Millisecond} {
		t.Run(every.String(), func(t *testing.T) {
			inRichWorld(t, teams.Options{}, func(w *richWorld) {
				quiet := w.id(w.random)
				w.inbox.watch(w.town, quiet)
				time.Sleep(time.Minute)
				w.stop()
				talking, hush := context.WithCancel(w.Context())
				said := 0
				done := make(chan struct{})
				go func() {
					defer close(done)
					for talking.Err() == nil {
						w.speak(fmt.Sprint("talk ", said))
						said++
						time.Sleep(every)
					}
				}()
				time.Sleep(5 * time.Minute)
				w.start()
				for n := range 10 {
					id, err := w.sim.Say(w.bob, w.random, fmt.Sprintf("<p>hello %d</p>", n))
					w.do(err)
					began := time.Now()
					for w.inbox.state(quiet, id).ID == "" && time.Since(began) < time.Minute {
						time.Sleep(10 * time.Millisecond)
					}
					if took := time.Since(began); took > 5*time.Second && n > 0 || took > 30*time.Second {
						t.Errorf("message %d of the quiet channel took %v", n, took)
					}
					time.Sleep(10 * time.Second)
				}
				time.Sleep(2 * usualDelay) // as long as the subscription is new
				reads := w.reads()
				time.Sleep(time.Minute)
				if n := w.reads() - reads; n > 2 {
					t.Errorf("%d reads in a minute: the busy channel has not opened", n)
				}
				hush()
				<-done
				time.Sleep(time.Minute)
				w.converged(said)
				w.inbox.inOrder(w.TB)
				w.logged("did not tell", 0)
			})
		})
	}
}

// stalled is a body that nobody goes on sending.
type stalled struct{ done <-chan struct{} }

func (s stalled) Read([]byte) (int, error) {
	<-s.done
	return 0, io.ErrUnexpectedEOF
}

func TestStrangersTakeNoPlaces(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		h, done := w.account.Handler(), make(chan struct{})
		var strangers sync.WaitGroup
		for range 1000 {
			strangers.Go(func() {
				h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/messages?state=guessed", stalled{done}))
			})
		}
		synctest.Wait()
		w.speak("heard")
		time.Sleep(time.Second)
		w.converged(1)
		close(done)
		strangers.Wait()
	})
}
