package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/contrib/sim/teams/notify"
)

// desk is an engine with an endpoint that answers as a test wants and keeps what it was sent.
type desk struct {
	*notify.Engine
	t     *testing.T
	begin time.Time
	wait  func()

	mu     sync.Mutex
	gates  map[string]notify.Gate
	got    []arrival
	answer func(n int, w http.ResponseWriter, r *http.Request) // nil: 202
	onGate func()
	onBody func(wireBody)
	onRaw  func([]byte)
}

// arrival is one post: when it came, in seconds since the beginning, and the ids or events in it.
type arrival struct {
	At    float64
	Items string
}

type wireBody struct {
	Value []struct {
		SubscriptionID, ChangeType, ClientState, TenantID, Resource string
		ResourceData                                                struct {
			Type string `json:"@odata.type"`
			ID   string
		}
		EncryptedContent *notify.Encrypted
		LifecycleEvent   string
	}
	ValidationTokens []string
}

func (b wireBody) items() string {
	var list []string
	for _, it := range b.Value {
		list = append(list, it.ResourceData.ID+it.LifecycleEvent)
	}
	return strings.Join(list, " ")
}

// onDesk runs a test with fake time.
func onDesk(t *testing.T, conf notify.Config, f func(*desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &desk{t: t, begin: time.Now(), gates: map[string]notify.Gate{}}
		conf.Transport, d.wait = notify.Handler(d)
		d.Engine = notify.New(conf, notify.Host{
			Gate: func(id string) notify.Gate {
				d.mu.Lock()
				gate, onGate := d.gates[id], d.onGate
				d.mu.Unlock()
				if onGate != nil {
					onGate()
				}
				return gate
			},
			Token: func(app, tenant string) string { return "token for " + app + " in " + tenant },
			Forge: func(app, tenant string, f notify.Forgery) string { return "forged: " + string(f) },
		})
		defer d.wait()
		defer d.Close()
		f(d)
	})
}

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		d.t.Error(err)
	}
	var b wireBody
	json.Unmarshal(raw, &b) // garbage is what some tests send
	d.mu.Lock()
	n := len(d.got)
	d.got = append(d.got, arrival{At: time.Since(d.begin).Seconds(), Items: b.items()})
	answer, onBody, onRaw := d.answer, d.onBody, d.onRaw
	d.mu.Unlock()
	if onBody != nil {
		onBody(b)
	}
	if onRaw != nil {
		onRaw(raw)
	}
	if answer != nil {
		answer(n, w, r)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func (d *desk) set(gate notify.Gate) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gates["sub"] = gate
}

func (d *desk) arrivals() []arrival {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.got)
}

func (d *desk) order() (list []string) {
	for _, a := range d.arrivals() {
		list = append(list, a.Items)
	}
	return list
}

func item(n int) *notify.Item {
	id := fmt.Sprint(n)
	return &notify.Item{
		URL: "https://bridge.example/hook?account=a", Subscription: "sub", App: "app", Tenant: "tenant", ClientState: "state",
		ChangeType: "updated", Resource: "teams('t')/channels('c')/messages('" + id + "')", ID: id, Type: "chatMessage",
	}
}

// settled waits until nothing is to be delivered any more.
func (d *desk) settled() {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), 12*time.Hour)
	defer cancel()
	ok(d.t, d.Await(ctx))
}

func (d *desk) expect(want ...arrival) {
	d.t.Helper()
	if diff := cmp.Diff(want, d.arrivals()); diff != "" {
		d.t.Error(diff)
	}
}

func always(status int) func(int, http.ResponseWriter, *http.Request) {
	return func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

func TestDeliveriesKeepTheirOrder(t *testing.T) {
	onDesk(t, notify.Config{}, func(d *desk) {
		var want []string
		for n := range 50 {
			d.Send(item(n))
			want = append(want, fmt.Sprint(n))
		}
		d.settled()
		if diff := cmp.Diff(want, d.order()); diff != "" {
			t.Error(diff)
		}
		if s := d.Stats(); s.Items != 50 || s.Delivered != 50 || s.Posts != 50 || s.Retries != 0 || s.LargestPost != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestWhatIsNotAcknowledgedIsRepeatedWithGrowingIntervals(t *testing.T) {
	onDesk(t, notify.Config{}, func(d *desk) {
		d.answer = func(n int, w http.ResponseWriter, r *http.Request) {
			switch n {
			case 0:
				w.WriteHeader(http.StatusInternalServerError)
			case 2:
				time.Sleep(10*time.Second - time.Millisecond) // in time for a repeated post
			case 3:
				w.WriteHeader(http.StatusBadRequest)
			case 4:
				http.Redirect(w, r, "https://elsewhere.example/", http.StatusTemporaryRedirect)
			}
		}
		d.Send(item(1), item(2))
		d.settled()
		d.expect(arrival{0, "1"}, arrival{0, "2"}, arrival{10, "1"})
		d.Send(item(3))
		d.settled()
		last := d.arrivals()[3:]
		var intervals []float64
		for i := range last[1:] {
			intervals = append(intervals, math.Round(last[i+1].At-last[i].At))
		}
		if diff := cmp.Diff([]float64{10, 30}, intervals); diff != "" {
			t.Error(diff)
		}
		if s := d.Stats(); s.Delivered != 3 || s.Retries != 3 || s.Lost != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestAFirstPostHasThreeSecondsAndARepeatedOneTen(t *testing.T) {
	onDesk(t, notify.Config{}, func(d *desk) {
		d.answer = func(n int, w http.ResponseWriter, r *http.Request) {
			if n < 2 {
				<-r.Context().Done()
			}
		}
		d.Send(item(1))
		d.settled()
		d.expect(arrival{0, "1"}, arrival{3 + 10, "1"}, arrival{3 + 10 + 10 + 30, "1"})
	})
}

func TestAfterFourHoursANotificationIsLost(t *testing.T) {
	onDesk(t, notify.Config{}, func(d *desk) {
		d.answer = always(503)
		d.Send(item(1))
		d.settled()
		list := d.arrivals()
		if end := list[len(list)-1].At; end < 3.8*3600 || end > 4*3600 {
			t.Errorf("the last attempt was after %v s", end)
		}
		if s := d.Stats(); s.Lost != 1 || s.Delivered != 0 || len(list) < 20 || s.Retries != len(list)-1 {
			t.Errorf("%+v, %d attempts", s, len(list))
		}
	})
}

func TestSpeedMakesHoursSeconds(t *testing.T) {
	onDesk(t, notify.Config{Speed: 1000}, func(d *desk) {
		d.Outage(0)
		d.Send(item(1))
		time.Sleep(d.Real(time.Hour))
		if at := time.Since(d.begin); at != 3600*time.Millisecond {
			t.Errorf("an hour takes %v", at)
		}
		if len(d.arrivals()) != 0 {
			t.Error("something arrived during the outage")
		}
		d.EndOutage()
		d.settled()
		if at := time.Since(d.begin); at < 3600*time.Millisecond || at > 4200*time.Millisecond || d.Stats().Delivered != 1 {
			t.Errorf("delivered after %v: %+v", at, d.Stats())
		}
		d.Outage(502)
		d.Send(item(2))
		time.Sleep(time.Second)
		if d.Stats().Delivered != 1 {
			t.Error("delivered through an outage")
		}
	})
}

func TestASlowEndpointIsServedTenMinutesLate(t *testing.T) {
	onDesk(t, notify.Config{}, func(d *desk) {
		d.answer = func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 8 || n == 9 {
				<-r.Context().Done() // two of ten: 20 %
			}
		}
		for n := range 10 {
			d.Send(item(n))
		}
		time.Sleep(7 * time.Second) // both have failed; the repetition is not yet due
		d.Send(item(10))
		d.settled()
		list := d.arrivals()
		if last := list[len(list)-1]; last.Items != "10" || last.At < 600 || last.At > 610 {
			t.Errorf("%+v", list)
		}
	})
}

func TestAnEndpointThatDoesNotAnswerLosesNotifications(t *testing.T) {
	onDesk(t, notify.Config{Sample: 2, Retry: []time.Duration{time.Second}}, func(d *desk) {
		d.answer = func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 0 || n == 1 {
				<-r.Context().Done()
			}
		}
		d.Send(item(1))
		time.Sleep(20 * time.Second) // 3 s, 1 s, 10 s: half of the answers are beyond 10 s
		d.Send(item(2))
		time.Sleep(11 * time.Minute)
		d.Send(item(3))
		d.settled()
		if s := d.Stats(); s.Dropped != 1 || s.Delivered != 2 {
			t.Errorf("%+v", s)
		}
		if diff := cmp.Diff([]string{"1", "1", "1", "3"}, d.order()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestPausedAndGoneSubscriptions(t *testing.T) {
	onDesk(t, notify.Config{}, func(d *desk) {
		d.set(notify.Paused)
		d.Send(item(1), item(2), &notify.Item{URL: "https://bridge.example/life", Subscription: "sub", Lifecycle: "reauthorizationRequired"})
		d.settled()
		d.expect(arrival{0, "reauthorizationRequired"})
		time.Sleep(time.Hour)
		d.set(notify.Open)
		d.Resume("sub")
		d.settled()
		d.expect(arrival{0, "reauthorizationRequired"}, arrival{3600, "1"}, arrival{3600, "2"})
		d.set(notify.Paused)
		d.Send(item(3))
		d.settled()
		time.Sleep(4 * time.Hour)
		synctest.Wait()
		d.Resume("sub")
		d.set(notify.Gone)
		d.Send(item(4))
		d.settled()
		if s := d.Stats(); s.Lost != 1 || s.Discarded != 1 || s.Delivered != 2 || s.Paused != 3 || s.LifecycleDelivered != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestARenewalInTheSameMomentIsNotMissed(t *testing.T) {
	onDesk(t, notify.Config{}, func(d *desk) {
		d.set(notify.Paused)
		d.onGate = func() { d.Resume("sub") } // renewed after the stand-in was asked, before the item was put away
		d.Send(item(1))
		d.settled()
		d.expect(arrival{0, "1"})
	})
}

func TestItemsThatWaitGoTogether(t *testing.T) {
	onDesk(t, notify.Config{Batch: 3}, func(d *desk) {
		release := d.Hold()
		for n := range 7 {
			d.Send(item(n))
		}
		d.Send(&notify.Item{URL: item(0).URL, Subscription: "sub", Lifecycle: "missed"})
		time.Sleep(time.Minute)
		if len(d.arrivals()) != 0 {
			t.Error("held items left")
		}
		release()
		d.settled()
		d.expect(arrival{60, "0 1 2"}, arrival{60, "3 4 5"}, arrival{60, "6"}, arrival{60, "missed"})
		if n := d.Stats().LargestPost; n != 3 {
			t.Errorf("largest post: %d", n)
		}
	})
}

func TestPostsAreInParallelWhenAskedFor(t *testing.T) {
	onDesk(t, notify.Config{Parallel: 4}, func(d *desk) {
		d.answer = func(int, http.ResponseWriter, *http.Request) { time.Sleep(time.Second) }
		for n := range 8 {
			d.Send(item(n))
		}
		d.settled()
		if took := time.Since(d.begin); took != 2*time.Second {
			t.Errorf("eight posts of a second, four at once, took %v", took)
		}
		if s := d.Stats(); s.PerSecond() != 4 {
			t.Errorf("%v per second", s.PerSecond())
		}
		d.ResetStats()
		if s := d.Stats(); s.PerSecond() != 0 || s.Items != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestCloseEndsWhatIsOnItsWay(t *testing.T) {
	onDesk(t, notify.Config{}, func(d *desk) {
		d.answer = func(_ int, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		d.Send(item(1))
		synctest.Wait()
		failed := make(chan error, 1)
		go func() { failed <- d.Await(context.Background()) }()
		synctest.Wait()
		d.Close()
		if err := <-failed; !errors.Is(err, notify.ErrClosed) {
			t.Error(err)
		}
		d.Send(item(2))
		d.After(time.Second, func() { t.Error("a timer ran after Close") })
		if took := time.Since(d.begin); took != 0 || len(d.arrivals()) != 1 {
			t.Errorf("%v, %v", took, d.arrivals())
		}
	})
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	onDesk(t, notify.Config{}, func(d *desk) {
		d.answer = always(500)
		d.Send(item(1))
		ctx, cancel := context.WithTimeout(d.t.Context(), time.Minute)
		defer cancel()
		if err := d.Await(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestHandshake(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, r.URL.Query().Get("validationToken"))
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"as it should be": {echo, ""},
		"status": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(http.StatusAccepted)
			io.WriteString(w, r.URL.Query().Get("validationToken"))
		}, "answered 202"},
		"type": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, r.URL.Query().Get("validationToken"))
		}, "content type"},
		"still encoded": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			io.WriteString(w, r.URL.RawQuery[strings.Index(r.URL.RawQuery, "=")+1:])
		}, "did not give the token back"},
		"late":              {func(w http.ResponseWriter, r *http.Request) { time.Sleep(10*time.Second + 1); echo(w, r) }, "deadline"},
		"just in time":      {func(w http.ResponseWriter, r *http.Request) { time.Sleep(10*time.Second - 1); echo(w, r) }, ""},
		"connection is cut": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			onDesk(t, notify.Config{}, func(d *desk) {
				d.answer = func(_ int, w http.ResponseWriter, r *http.Request) {
					if q := r.URL.Query(); r.Method != "POST" || q.Get("account") != "a" || r.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
						t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
					}
					c.answer(w, r)
				}
				err := d.Handshake(d.t.Context(), item(0).URL)
				if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("%v, want %q", err, c.want)
				}
				s := d.Stats()
				if s.Handshakes != 1 || (s.HandshakesFailed == 1) != (err != nil) {
					t.Errorf("%+v", s)
				}
			})
		})
	}
	onDesk(t, notify.Config{HandshakeToken: func() string { return "<b>" }}, func(d *desk) {
		d.answer = func(_ int, w http.ResponseWriter, r *http.Request) { echo(w, r) }
		ok(t, d.Handshake(d.t.Context(), item(0).URL))
		d.Outage(0)
		if d.Handshake(d.t.Context(), item(0).URL) == nil {
			t.Error("a handshake during an outage")
		}
		if d.Handshake(d.t.Context(), "https://x\n") == nil {
			t.Error("a handshake with a broken URL")
		}
	})
}
