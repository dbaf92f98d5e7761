package msteams

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"causeway/bridge"
	"causeway/bridge/msteams/notification"
	"causeway/contrib/sim/teams"
)

// patches counts the renewals so far.
func (w *richWorld) patches() int { return w.sim.Count(http.MethodPatch, "/subscriptions/{id}") }

// TestALostAnswerMakesNoSecondSubscription: Graph has one already when it is asked again (409).
func TestALostAnswerMakesNoSecondSubscription(t *testing.T) {
	for name, lost := range map[string]teams.Fault{"cut": {Drop: true}, "said to have failed": {Status: http.StatusGatewayTimeout}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &richWorld{simWorld: newSimWorld(t, teams.Options{})}
				w.richly()
				w.town = w.id(w.general)
				w.inbox = newTestInbox(w.town)
				lost.Method, lost.Template, lost.AfterEffect = http.MethodPost, "/subscriptions", true
				w.sim.Inject(lost)
				w.start()
				defer func() { w.stop() }()
				first := w.subscription()
				w.speak("before it is known")
				time.Sleep(5 * time.Minute)
				if again := w.subscription(); again.ID != first.ID {
					t.Errorf("subscription %s was replaced by %s", first.ID, again.ID)
				}
				if s := w.account.Status(); s.Receiving != byNotifications {
					t.Errorf("the status is %+v", s)
				}
				reads := w.reads()
				w.speak("told")
				time.Sleep(time.Minute)
				w.converged(2)
				w.inbox.inOrder(w.TB)
				if n := w.reads() - reads; n != 0 {
					t.Errorf("%d reads of what was notified", n)
				}
			})
		})
	}
}

// TestAnExpiredSubscriptionIsMadeAgain after days in which Causeway did not run, and what was said is read.
func TestAnExpiredSubscriptionIsMadeAgain(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		before := w.subscription()
		w.stop()
		w.speak("on the first day")
		time.Sleep(4 * 24 * time.Hour)
		w.speak("on the fourth")
		w.start()
		if after := w.subscription(); after.ID == before.ID {
			t.Error("the subscription has outlived its time")
		}
		w.speak("told")
		time.Sleep(time.Minute)
		w.converged(3)
		w.inbox.inOrder(w.TB)
		w.logged("level=warning", 0)
	})
}

// TestWhatAnEarlierRunHasLeftIsEnded: a subscription of a channel that nobody wants any more.
func TestWhatAnEarlierRunHasLeftIsEnded(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		w.stop()
		w.inbox.watch(w.id(w.random))
		w.start()
		if s := w.subscription(); !strings.Contains(s.Resource, w.random.ID) {
			t.Errorf("what is left is for %s", s.Resource)
		}
	})
}

// TestTheLifeOfASubscriptionHasNoGap: it is renewed when Graph asks for it, and in time when that is lost, with a token that lives as
// long as it is needed.
func TestTheLifeOfASubscriptionHasNoGap(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		first, before := w.subscription(), w.patches()
		w.do(w.sim.RequireReauthorization(first.ID))
		time.Sleep(time.Second)
		if n := w.patches() - before; n != 1 {
			t.Errorf("asked to renew, it was renewed %d times", n)
		}
		w.sim.SetWebhookFaults(teams.WebhookFaults{LoseRequest: 1}) // also what Graph asks
		w.sim.ResetRequests()
		const hours = 100
		for end := time.Now().Add(hours * time.Hour); time.Now().Before(end); time.Sleep(30 * time.Second) {
			if w.subscription().Paused {
				t.Fatal("the subscription has outlived its token")
			}
		}
		w.sim.SetWebhookFaults(teams.WebhookFaults{})
		w.speak("still told")
		time.Sleep(time.Minute)
		w.converged(1)
		s := w.sim.WebhookStats()
		if now := w.subscription(); now.ID != first.ID || s.Paused != 0 || s.Discarded != 0 {
			t.Errorf("subscription %s has become %s; %+v", first.ID, now.ID, s)
		}
		if n := w.patches(); n < hours || n > 2*hours {
			t.Errorf("it was renewed %d times in %d hours", n, hours)
		}
		if n := w.sim.Count(http.MethodPost, "/$batch"); n > hours/20 {
			t.Errorf("%d reads in %d hours: more than one in 20", n, hours)
		}
	})
}

// TestAReplacedKeyStillOpens what was encrypted for it and comes late; it is kept as long as that may come.
func TestAReplacedKeyStillOpens(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		w.stop()
		old, err := notification.NewKeys(time.Now().Add(time.Hour - notification.RotateAfter))
		w.do(err)
		text, err := old.Marshal()
		w.do(err)
		w.do(w.vault.Save(w.Context(), notificationKeysVaultName, text))
		w.start()
		before := w.subscription()
		if before.CertificateID != old.Current().ID {
			t.Fatalf("the subscription has certificate %s, want %s", before.CertificateID, old.Current().ID)
		}
		time.Sleep(time.Hour) // now a year has passed
		release := w.sim.HoldDeliveries()
		w.speak("sealed for the old key")
		w.subscriber().signal()
		time.Sleep(10 * time.Second)
		after := w.subscription()
		if after.ID != before.ID || after.CertificateID == before.CertificateID {
			t.Errorf("subscription %s with certificate %s has become %s with %s", before.ID, before.CertificateID, after.ID, after.CertificateID)
		}
		w.speak("sealed for the new key")
		reads := w.reads()
		release()
		time.Sleep(10 * time.Second)
		w.converged(2)
		w.inbox.inOrder(w.TB)
		w.logged("A new key for notifications has been made", 1)
		if n := w.reads() - reads; n != 0 {
			t.Errorf("%d reads: the notifications could not be opened", n)
		}
		kept := func() bool {
			text, err := w.vault.Load(w.Context(), notificationKeysVaultName)
			w.do(err)
			keys, err := notification.UnmarshalKeys(text)
			w.do(err)
			if !keys.Has(after.CertificateID) {
				t.Error("the new key is not in the vault")
			}
			return keys.Has(old.Current().ID)
		}
		if !kept() {
			t.Error("the old key is not in the vault any more")
		}
		time.Sleep(3 * 24 * time.Hour)
		if !kept() {
			t.Error("the old key is not in the vault any more after three days")
		}
		time.Sleep(2 * 24 * time.Hour)
		if kept() {
			t.Error("the old key is in the vault after five days")
		}
	})
}

// TestOneBadItemSpoilsNoOther of the same delivery, and what it was about is read.
func TestOneBadItemSpoilsNoOther(t *testing.T) {
	for name, damage := range map[string]func(item, content map[string]any){
		"its content is damaged": func(_, content map[string]any) { content["data"] = "AAAA" },
		"its content is missing": func(item, _ map[string]any) { delete(item, "encryptedContent") },
		"its content is no text": func(_, content map[string]any) { content["dataKey"] = 5 },
		"its key is not known":   func(_, content map[string]any) { content["encryptionCertificateId"] = "another" },
		"its change is missing":  func(item, _ map[string]any) { delete(item, "changeType") },
		"it names another": func(item, _ map[string]any) {
			item["resource"] = strings.Replace(item["resource"].(string), "messages('", "messages('1", 1)
		},
		"it names nothing": func(item, _ map[string]any) { item["resource"] = "///" },
	} {
		t.Run(name, func(t *testing.T) {
			inRichWorld(t, teams.Options{}, func(w *richWorld) {
				w.sim.SetWebhookFaults(teams.WebhookFaults{Batch: 20})
				release := w.sim.HoldDeliveries()
				var said []string
				for n := range 3 {
					said = append(said, w.speak(fmt.Sprint("message ", n)))
				}
				statuses := make(chan int, 1)
				inner := *w.hooked.Load()
				var h http.Handler = http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
					body, err := io.ReadAll(r.Body)
					if err != nil {
						t.Error(err)
					}
					r.Body = io.NopCloser(bytes.NewReader(damaged(t, body, damage)))
					got := httptest.NewRecorder()
					inner.ServeHTTP(got, r)
					statuses <- got.Code
					answer.WriteHeader(got.Code)
				})
				w.hooked.Store(&h)
				release()
				if status := <-statuses; status != http.StatusAccepted {
					t.Errorf("the delivery is answered by %d", status)
				}
				for _, n := range []int{0, 2} {
					if w.inbox.state(w.town, said[n]).ID == "" {
						t.Errorf("message %d was not taken", n)
					}
				}
				time.Sleep(time.Minute)
				w.converged(3)
			})
		})
	}
}

// damaged changes the second of three items of a delivery.
func damaged(t testing.TB, body []byte, damage func(item, content map[string]any)) []byte {
	t.Helper()
	var c struct {
		Value  []map[string]any `json:"value"`
		Tokens []string         `json:"validationTokens"`
	}
	if err := json.Unmarshal(body, &c); err != nil || len(c.Value) != 3 {
		t.Errorf("the delivery has %d items, want 3 (%v)", len(c.Value), err)
		return body
	}
	content, _ := c.Value[1]["encryptedContent"].(map[string]any)
	damage(c.Value[1], content)
	text, err := json.Marshal(c)
	if err != nil {
		t.Error(err)
	}
	return text
}

// stalling is an inbox that takes its time before it stores.
type stalling struct {
	*testInbox
	stall atomic.Int64
}

func (s *stalling) Put(ctx context.Context, b bridge.Batch) error {
	time.Sleep(time.Duration(s.stall.Load())) // a commit that has begun is not given up
	return s.testInbox.Put(ctx, b)
}

// TestAStoreThatStallsIsAnsweredInTime: Graph gives up an address that does not answer, so it is told to come again.
func TestAStoreThatStallsIsAnsweredInTime(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		w.stop()
		slow := &stalling{testInbox: w.inbox}
		w.stop = w.running(w.account, slow)
		time.Sleep(10 * time.Second)
		inner := *w.hooked.Load()
		var longest atomic.Int64
		var h http.Handler = http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
			began := time.Now()
			inner.ServeHTTP(answer, r)
			longest.Store(max(longest.Load(), int64(time.Since(began))))
		})
		w.hooked.Store(&h)
		slow.stall.Store(int64(19 * time.Second)) // while one delivery has just begun to wait
		for n := range 20 {
			w.speak(fmt.Sprint("slowly ", n))
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		slow.stall.Store(0)
		time.Sleep(time.Hour)
		w.converged(20)
		w.inbox.inOrder(w.TB)
		s := w.sim.WebhookStats()
		if took := time.Duration(longest.Load()); took != takeTime || s.Retries == 0 || s.Dropped != 0 {
			t.Errorf("the longest answer took %v, want %v; %+v", took, takeTime, s)
		}
	})
}

// TestFewChannelsAgainHaveSubscriptionsOfTheirOwn, and nothing is missed or overtaken meanwhile.
func TestFewChannelsAgainHaveSubscriptionsOfTheirOwn(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		many := []bridge.ConversationID{w.town}
		for n := range mostSingly {
			many = append(many, w.id(w.team.AddChannel(fmt.Sprint("room ", n))))
		}
		count := 0
		for _, channels := range [][]bridge.ConversationID{many, {w.town}, many} {
			w.inbox.watch(channels...)
			for range 100 {
				w.speak(fmt.Sprint("said meanwhile ", count))
				count++
				time.Sleep(100 * time.Millisecond)
			}
			time.Sleep(5 * time.Minute)
			w.converged(count)
			if s := w.subscription(); strings.Contains(s.Resource, "getAllMessages") != (len(channels) > 1) {
				t.Errorf("for %d channels there is a subscription for %s", len(channels), s.Resource)
			}
		}
		w.inbox.inOrder(w.TB)
		w.logged("did not tell", 0)
	})
}

// TestPollingStandsInForASubscriptionThatIsNoMore, however it ended, and although all that is tried about it only fails on.
func TestPollingStandsInForASubscriptionThatIsNoMore(t *testing.T) {
	for name, end := range map[string]func(w *richWorld){
		"removed, and not made again": func(w *richWorld) {
			w.sim.Inject(teams.Fault{Method: http.MethodPost, Template: "/subscriptions", Status: http.StatusServiceUnavailable, Times: -1})
			w.do(w.sim.RemoveSubscription(w.subscription().ID, true))
		},
		"not renewed": func(w *richWorld) {
			w.sim.Inject(teams.Fault{Method: http.MethodPatch, Template: "/subscriptions/{id}", Status: http.StatusServiceUnavailable, Times: -1})
			time.Sleep(3 * time.Hour)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inRichWorld(t, teams.Options{}, func(w *richWorld) {
				time.Sleep(10 * time.Minute)
				end(w)
				time.Sleep(5 * time.Minute)
				w.sim.SetWebhookFaults(teams.WebhookFaults{Lose: 1})
				w.speak("nobody tells of this")
				time.Sleep(2 * time.Minute)
				w.converged(1)
			})
		})
	}
}
