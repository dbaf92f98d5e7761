package msteams

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/microsoftgraph/msgraph-sdk-go/models"

	"causeway/bridge"
	"causeway/contrib/sim/teams"
	"causeway/contrib/sim/teams/notify"
)

// crossing is the way from an account to Graph on which somebody speaks just before a subscription begins to deliver, and again
// just after it. All this time lists of messages take a second, so that a notification is faster than what is read.
type crossing struct {
	next http.RoundTripper
	// method of the request with which it begins.
	method string
	// armed: the next request of that method for subscriptions is the one. slow: lists of messages take a second.
	armed, slow   atomic.Bool
	before, after func()
}

func (c *crossing) RoundTrip(r *http.Request) (*http.Response, error) {
	switch {
	case isRead(r):
		answer, err := c.next.RoundTrip(r)
		if c.slow.Load() {
			time.Sleep(time.Second)
		}
		return answer, err
	case r.Method == c.method && strings.Contains(r.URL.Path, "/subscriptions") && c.armed.CompareAndSwap(true, false):
		c.before()
		defer c.after()
	}
	return c.next.RoundTrip(r)
}

// cross lays a crossing on which two messages are said. Graph takes a moment to deliver them.
func (w *richWorld) cross() *crossing {
	c := &crossing{method: http.MethodPost}
	var release func()
	c.before = func() {
		c.slow.Store(true)
		time.Sleep(5 * time.Second) // the channel is read, if it is polled
		release = w.sim.HoldDeliveries()
		w.speak("just before")
	}
	c.after = func() {
		w.speak("just after")
		time.AfterFunc(500*time.Millisecond, release)
	}
	w.lay(c)
	return c
}

// lay puts a crossing between the account and Graph.
func (w *richWorld) lay(c *crossing) {
	w.wire.replace(func(next http.RoundTripper) http.RoundTripper {
		c.next = next
		return c
	})
}

// slowly makes lists of messages take a second.
func (w *richWorld) slowly() {
	c := &crossing{}
	c.slow.Store(true)
	w.lay(c)
}

// TestNothingIsOvertakenWhenASubscriptionBegins, whatever the reason is for which it does.
func TestNothingIsOvertakenWhenASubscriptionBegins(t *testing.T) {
	rooms := func(w *richWorld) []bridge.ConversationID {
		many := []bridge.ConversationID{w.town}
		for n := range mostSingly {
			many = append(many, w.id(w.team.AddChannel(fmt.Sprint("room ", n))))
		}
		return many
	}
	// Each makes a subscription begin; arm has the crossing used from then on, and said is how much was said besides.
	for name, c := range map[string]func(w *richWorld, arm func()) (said int){
		"the first one": func(w *richWorld, arm func()) int {
			w.stop()
			w.do(w.sim.RemoveSubscription(w.subscription().ID, false))
			w.inbox = newTestInbox(w.town)
			arm()
			w.start()
			return 0
		},
		"after days": func(w *richWorld, arm func()) int {
			w.stop()
			w.speak("meanwhile")
			time.Sleep(4 * 24 * time.Hour)
			arm()
			w.start()
			return 1
		},
		"at another address": func(w *richWorld, arm func()) int {
			w.stop()
			w.hook = strings.Replace(hookURL, "causeway.", "new.", 1)
			arm()
			w.start()
			return 0
		},
		"removed": func(w *richWorld, arm func()) int {
			arm()
			w.do(w.sim.RemoveSubscription(w.subscription().ID, true))
			return 0
		},
		"removed without a word": func(w *richWorld, arm func()) int {
			arm()
			w.do(w.sim.RemoveSubscription(w.subscription().ID, false))
			return 0
		},
		"removed, and the answer is lost": func(w *richWorld, arm func()) int {
			w.sim.Inject(teams.Fault{Method: http.MethodPost, Template: "/subscriptions", Drop: true, AfterEffect: true})
			arm()
			w.do(w.sim.RemoveSubscription(w.subscription().ID, true))
			return 0
		},
		"silent": func(w *richWorld, arm func()) int {
			arm()
			w.subscriber().foundSilent(w.town, 1, time.Now())
			return 0
		},
		"one for all": func(w *richWorld, arm func()) int {
			arm()
			w.inbox.watch(rooms(w)...)
			return 0
		},
		"one for each": func(w *richWorld, arm func()) int {
			w.inbox.watch(rooms(w)...)
			time.Sleep(10 * time.Minute)
			arm()
			w.inbox.watch(w.town)
			return 0
		},
	} {
		t.Run(name, func(t *testing.T) {
			inRichWorld(t, teams.Options{}, func(w *richWorld) {
				time.Sleep(10 * time.Minute)
				crossing := w.cross()
				said := c(w, func() { crossing.armed.Store(true) })
				time.Sleep(2 * time.Hour)
				if crossing.armed.Load() {
					t.Fatal("no subscription has begun")
				}
				w.converged(said + 2)
				w.inbox.inOrder(w.TB)
				if n := w.sim.WebhookStats().Discarded; n != 0 {
					t.Errorf("%d notifications have gone with their subscription", n)
				}
			})
		})
	}
}

// TestNothingIsOvertakenWhenASubscriptionGoesOn that has paused, although Graph did not keep all of what was said.
func TestNothingIsOvertakenWhenASubscriptionGoesOn(t *testing.T) {
	for name, quick := range map[string]time.Duration{"before it is said": time.Second, "afterwards": 0} {
		t.Run(name, func(t *testing.T) {
			inRichWorld(t, teams.Options{}, func(w *richWorld) {
				mend := w.sim.Inject(teams.Fault{Method: http.MethodPatch, Template: "/subscriptions/{id}", Status: http.StatusServiceUnavailable, Times: -1})
				time.Sleep(3 * time.Hour)
				crossing := &crossing{method: http.MethodPatch}
				crossing.before = func() {
					crossing.slow.Store(true)
					time.Sleep(5 * time.Second)
					w.sim.SetWebhookFaults(teams.WebhookFaults{Lose: 1})
					w.speak("just before")
					w.sim.SetWebhookFaults(teams.WebhookFaults{})
				}
				crossing.after = func() {
					w.speak("just after")
					time.Sleep(quick) // until it is delivered, and read what was said before
				}
				w.lay(crossing)
				crossing.armed.Store(true)
				mend()
				time.Sleep(2 * time.Hour)
				if crossing.armed.Load() {
					t.Fatal("the subscription does not go on")
				}
				w.converged(2)
				w.inbox.inOrder(w.TB)
			})
		})
	}
}

// TestOrderIsLostByGraphAlone: as long as it delivers each notification at once, and in order, nothing else that it does makes
// a message come after a younger one.
func TestOrderIsLostByGraphAlone(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inRichWorld(t, teams.Options{}, func(w *richWorld) {
				w.sim.SetWebhookFaults(teams.WebhookFaults{
					Seed: seed, Duplicate: 0.1, LoseAnswer: 0.05, Batch: 20, Capitals: 0.5, TwicePerReaction: true, NoNames: true,
					DeletedAsUpdated: 0.5, Remove: 0.02, RemoveSilently: 0.1, Forged: 0.2,
				})
				n := w.talk(150)
				w.sim.SetWebhookFaults(teams.WebhookFaults{})
				time.Sleep(2 * time.Hour)
				w.converged(n)
				w.inbox.inOrder(w.TB)
				if s := w.sim.WebhookStats(); s.Copies == 0 || s.Retries == 0 || s.Forged == 0 || s.Handshakes < 4 {
					t.Errorf("the stand-in has not made every kind of trouble: %+v", s)
				}
			})
		})
	}
}

// TestPeopleTalkOnWhileASubscriptionIsFound that was made although Graph's answer was lost.
func TestPeopleTalkOnWhileASubscriptionIsFound(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		time.Sleep(10 * time.Minute)
		w.slowly()
		w.sim.Inject(teams.Fault{Method: http.MethodPost, Template: "/subscriptions", Drop: true, AfterEffect: true})
		w.do(w.sim.RemoveSubscription(w.subscription().ID, true))
		const said = 300
		for n := range said {
			w.speak(fmt.Sprint("talk ", n))
			time.Sleep(300 * time.Millisecond)
		}
		time.Sleep(5 * time.Minute)
		w.converged(said)
		w.inbox.inOrder(w.TB)
	})
}

// TestWhatANewSubscriptionDoesNotTellIsRead: it takes Graph some time until it tells of everything.
func TestWhatANewSubscriptionDoesNotTellIsRead(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		w.sim.SetWebhookFaults(teams.WebhookFaults{Lose: 1})
		w.speak("too early")
		w.sim.SetWebhookFaults(teams.WebhookFaults{})
		time.Sleep(2 * usualDelay)
		w.converged(1)
		w.logged("did not tell", 0)
		reads := w.reads()
		time.Sleep(10 * time.Hour)
		if n := w.reads() - reads; n != 0 {
			t.Errorf("%d reads afterwards", n)
		}
	})
}

// TestWhatCouldNotBeProvenIsNotOvertaken: the login service has no new key to give at first.
func TestWhatCouldNotBeProvenIsNotOvertaken(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		time.Sleep(10 * time.Minute)
		w.sim.RotateSigningKeys()
		mend := w.sim.Inject(teams.Fault{Method: http.MethodGet, Template: "/{tenant}/*", Status: http.StatusServiceUnavailable, Times: -1})
		w.speak("nobody can tell") // again after 10 s
		time.Sleep(5 * time.Second)
		w.speak("nor of this") // again after 15 s
		time.Sleep(time.Second)
		mend()
		w.slowly()
		time.Sleep(5 * time.Second)
		w.speak("but of this") // after 11 s
		time.Sleep(time.Minute)
		w.converged(3)
		w.inbox.inOrder(w.TB)
		if s := w.sim.WebhookStats(); s.Retries == 0 {
			t.Errorf("nothing was refused: %+v", s)
		}
	})
}

// TestWhatCouldNotBeProvenIsReadAMinuteLater when its channel had been read just before, and until then nothing goes ahead of it.
func TestWhatCouldNotBeProvenIsReadAMinuteLater(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		time.Sleep(10 * time.Minute)
		reads := w.sim.Count(http.MethodPost, "/$batch")
		w.subscriber().reader.nudge(func(bridge.ConversationID) bool { return true })
		time.Sleep(time.Second)
		w.sim.RotateSigningKeys()
		mend := w.sim.Inject(teams.Fault{Method: http.MethodGet, Template: "/{tenant}/*", Status: http.StatusServiceUnavailable, Times: -1})
		w.speak("nobody can tell") // again after 10 s
		time.Sleep(5 * time.Second)
		w.speak("nor of this") // again after 15 s
		time.Sleep(time.Second)
		mend()
		time.Sleep(5 * time.Second)
		w.speak("but of this") // after 11 s
		time.Sleep(time.Minute)
		w.converged(3)
		if n := w.sim.Count(http.MethodPost, "/$batch") - reads; n != 2 {
			t.Errorf("%d reads, want 2 that are a minute apart", n)
		}
		w.speak("and of this")
		time.Sleep(time.Second)
		w.converged(4)
		w.inbox.inOrder(w.TB)
		w.logged("did not tell", 0)
	})
}

// TestWhatNobodyCanProveIsRead as long as the login service has no keys to give.
func TestWhatNobodyCanProveIsRead(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		time.Sleep(10 * time.Minute)
		w.sim.RotateSigningKeys()
		mend := w.sim.Inject(teams.Fault{Method: http.MethodGet, Template: "/{tenant}/*", Status: http.StatusServiceUnavailable, Times: -1})
		for n := range 20 {
			w.speak(fmt.Sprint("nobody can tell ", n))
			time.Sleep(30 * time.Second)
		}
		time.Sleep(time.Minute)
		w.converged(20)
		mend()
		time.Sleep(time.Hour) // Graph has repeated the last of them
		reads := w.reads()
		w.speak("but of this")
		time.Sleep(time.Second)
		w.converged(21)
		w.inbox.inOrder(w.TB)
		if n := w.reads() - reads; n != 0 {
			t.Errorf("%d reads", n)
		}
		w.logged("did not tell", 0)
	})
}

// TestWhatComesTooLateToBeProvenIsRead, but not more than once a minute: anybody could have kept it.
func TestWhatComesTooLateToBeProvenIsRead(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		time.Sleep(10 * time.Minute)
		w.sim.SetWebhookFaults(teams.WebhookFaults{Lose: 1})
		w.speak("its notification comes with an old token")
		reads := w.sim.Count(http.MethodPost, "/$batch")
		for range 10 {
			_, err := w.sim.Forge(w.Context(), w.subscription().ID, notify.ExpiredToken)
			w.do(err)
		}
		time.Sleep(10 * time.Second)
		w.converged(1)
		if n := w.sim.Count(http.MethodPost, "/$batch") - reads; n != 1 {
			t.Errorf("%d reads, want 1", n)
		}
	})
}

// TestWhatCameWithoutTokensIsNotOvertaken when they come again.
func TestWhatCameWithoutTokensIsNotOvertaken(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		time.Sleep(10 * time.Minute)
		w.subscriber().distrust(errors.New("no tokens"))
		time.Sleep(time.Minute)
		w.slowly()
		time.Sleep(time.Minute)
		w.sim.SetWebhookFaults(teams.WebhookFaults{Lose: 1})
		w.speak("without a token")
		w.sim.SetWebhookFaults(teams.WebhookFaults{})
		w.speak("with one")
		time.Sleep(time.Minute)
		w.converged(2)
		w.inbox.inOrder(w.TB)
		w.logged("are genuine again", 1)
	})
}

// TestAChannelThatCannotBeReadIsHeardAllTheSame after a while, and what was not told of comes when it can be read.
func TestAChannelThatCannotBeReadIsHeardAllTheSame(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		channel := w.general.ID
		mend := w.sim.Inject(teams.Fault{
			Where: func(r *http.Request) bool { return strings.Contains(r.URL.Path, channel) }, Status: http.StatusInternalServerError, Times: -1,
		})
		w.do(w.sim.RemoveSubscription(w.subscription().ID, true))
		untold := w.speak("nobody tells of this")
		time.Sleep(time.Minute)
		told := w.speak("but of this")
		time.Sleep(patience / 2)
		if w.inbox.state(w.town, told).ID != "" {
			t.Error("it has gone ahead of what is to be read")
		}
		time.Sleep(2 * patience)
		if w.inbox.state(w.town, told).ID == "" {
			t.Error("it is held up by a channel that cannot be read")
		}
		quick := w.speak("and at once of this")
		time.Sleep(time.Second)
		if w.inbox.state(w.town, quick).ID == "" {
			t.Error("the next one is held up, too")
		}
		w.logged("This channel cannot be read", 1)
		mend()
		time.Sleep(5 * time.Minute)
		if w.inbox.state(w.town, untold).ID == "" {
			t.Error("what was not told of is missing")
		}
		w.converged(3)
	})
}

// TestALongGapIsReadOnce: when the channel looks afterwards as it did at the beginning, its subscription tells of the rest.
func TestALongGapIsReadOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &richWorld{simWorld: newSimWorld(t, teams.Options{})}
		w.richly()
		w.town = w.id(w.general)
		w.inbox = newTestInbox(w.town)
		w.start()
		w.stop()
		for n := range 200 {
			w.speak(fmt.Sprint("meanwhile ", n))
			time.Sleep(time.Second)
		}
		w.sim.Inject(teams.Fault{Where: isItem, Skip: 1, Times: 3, Status: http.StatusTooManyRequests, RetryAfter: time.Minute})
		w.start()
		defer func() { w.stop() }()
		time.Sleep(10 * time.Minute)
		w.converged(200)
		reads := w.reads()
		w.speak("told")
		time.Sleep(time.Second)
		w.converged(201)
		w.inbox.inOrder(w.TB)
		time.Sleep(10 * time.Minute)
		if n := w.reads() - reads; n != 0 {
			t.Errorf("%d reads of a channel that has been read", n)
		}
	})
}

// TestADeletionIsNotLate although the message is old and Graph leaves its date alone.
func TestADeletionIsNotLate(t *testing.T) {
	inRichWorld(t, teams.Options{DeletionMovesNothing: true}, func(w *richWorld) {
		id := w.speak("for some hours")
		time.Sleep(5 * time.Hour)
		reads := w.reads()
		w.do(w.sim.Delete(w.alice, w.general, id))
		time.Sleep(time.Minute)
		w.converged(1)
		if n := w.reads() - reads; n != 0 {
			t.Errorf("%d reads", n)
		}
	})
}

// TestOldestFirstKnowsHalfTimes: notifications may leave the fraction of a second out of the time.
func TestOldestFirstKnowsHalfTimes(t *testing.T) {
	first := fromJSON(t, `"id":"946684800100","createdDateTime":"2000-01-01T00:00:00.1Z"`)
	second := fromJSON(t, `"id":"946684800200","createdDateTime":"2000-01-01T00:00:00Z"`)
	list := []models.ChatMessageable{second, first}
	slices.SortFunc(list, oldestFirst)
	if list[0] != first {
		t.Error("the younger one comes first")
	}
}
