package msteams

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/msteams/notification"
	"causeway/contrib/sim/teams"
)

// TestNobodyIsAskedToLookUnderALock: whoever follows people's chats holds a lock of their own while they ask what lives, so that each would wait
// for the other for ever.
func TestNobodyIsAskedToLookUnderALock(t *testing.T) {
	for name, act := range map[string]func(s *subscriber, f *feed, w *watched){
		"a delivery was late": func(s *subscriber, _ *feed, w *watched) { s.afterOutage(w) },
		"a subscription was removed": func(s *subscriber, f *feed, _ *watched) {
			s.lifecycle(&notification.Item{Lifecycle: notification.SubscriptionRemoved, Subscription: f.id})
		},
		"it was silent again": func(s *subscriber, f *feed, w *watched) {
			f.silent = time.Now()
			s.foundSilent(w.id, 1, f.since.Add(time.Hour))
		},
		"it began to live": func(s *subscriber, f *feed, _ *watched) {
			f.since = time.Time{}
			_ = s.tended(f, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newSimWorld(t, teams.Options{})
			w.richly()
			a, inbox := w.account(), newTestInbox()
			r := newReader(a, inbox)
			followed, err := a.newTalks(t.Context(), inbox, r)
			w.do(err)
			s, err := a.newSubscriber(t.Context(), inbox, r, followed)
			w.do(err)
			r.talks, r.live, followed.covered = followed, s.live, s.coversPerson
			c := a.chatID("19:a_b@unq.gbl.spaces")
			chat, err := r.open(t.Context(), c)
			w.do(err)
			r.channels[c] = chat
			reached := make(chan struct{})
			once := sync.OnceFunc(func() { close(reached) })
			now := time.Now()
			f := &feed{resource: "x", id: "x", person: "ann", since: now, renewed: now, expires: now.Add(time.Hour), authorised: now.Add(time.Hour),
				readers: func(bridge.ConversationID) []bridge.UserID { once(); return []bridge.UserID{"ann"} }}
			s.feeds["x"] = f

			followed.mu.Lock() // as whoever follows does
			var work sync.WaitGroup
			work.Go(func() { act(s, f, chat) })
			<-reached
			asked := make(chan struct{})
			work.Go(func() {
				followed.covered("ann")
				close(asked)
			})
			select {
			case <-asked:
			case <-time.After(10 * time.Second):
				t.Error("what lives cannot be told")
			}
			followed.mu.Unlock()
			work.Wait()
		})
	}
}

// TestSeveralChannelsFindOneSilence: each of those that share a subscription finds it by itself, and it is replaced for all.
func TestSeveralChannelsFindOneSilence(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		rooms := []bridge.ConversationID{w.town}
		for range mostSingly {
			rooms = append(rooms, w.id(w.team.AddChannel("room")))
		}
		w.inbox.watch(rooms...)
		time.Sleep(10 * time.Minute)
		before, now := w.subscription(), time.Now()
		for _, c := range rooms[:2] {
			w.subscriber().foundSilent(c, 1, now)
		}
		time.Sleep(time.Minute) // when it has been replaced
		w.subscriber().foundSilent(rooms[2], 1, now)
		time.Sleep(5 * time.Minute)
		if after := w.subscription(); after.ID == before.ID {
			t.Error("the subscription was not replaced")
		}
		if s := w.account.Status(); s.Receiving != byNotifications || !strings.HasPrefix(s.Facts[0].Value, "1 of 1 alive") {
			t.Errorf("the status is %+v", s)
		}
		reads := w.reads()
		w.speak("told")
		time.Sleep(time.Minute)
		w.converged(1)
		if n := w.reads() - reads; n != 0 {
			t.Errorf("%d reads", n)
		}
	})
}

// refusing answers requests that subscribe to something by 403.
type refusing struct {
	next     http.RoundTripper
	resource string
}

func (f refusing) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := drain(r)
	if err != nil || r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/subscriptions") || !strings.Contains(string(body), f.resource) {
		return f.next.RoundTrip(r)
	}
	return &http.Response{Status: "403 Forbidden", StatusCode: http.StatusForbidden, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(`{"error":{"code":"Forbidden","message":"not for this person"}}`)), Request: r}, nil
}

// TestWhatIsNotNeededEndsAlthoughAPersonsSubscriptionFails: that stands in for no channel.
func TestWhatIsNotNeededEndsAlthoughAPersonsSubscriptionFails(t *testing.T) {
	inTalkWorld(t, true, teams.Options{}, func(w *talkWorld) {
		w.stop()
		w.wire.replace(func(next http.RoundTripper) http.RoundTripper { return refusing{next, "/users/" + w.alice.ID + "/"} })
		for _, s := range w.sim.Subscriptions() {
			w.do(w.sim.RemoveSubscription(s.ID, false))
		}
		w.inbox.watch(w.id(w.general), w.id(w.random))
		w.start()
		time.Sleep(10 * time.Minute)
		if got := w.subscribed(); got != "General Random bob" {
			t.Fatalf("subscribed: %s", got)
		}
		w.inbox.watch(w.id(w.general))
		time.Sleep(10 * time.Minute)
		if got := w.subscribed(); got != "General bob" {
			t.Errorf("subscribed: %s, want General bob", got)
		}
	})
}

// subscribed names what there are subscriptions for.
func (w *talkWorld) subscribed() string {
	var all []string
	for _, of := range []struct{ name, id string }{{"General", w.general.ID}, {"Random", w.random.ID}, {"alice", w.alice.ID}, {"bob", w.bob.ID}} {
		for _, s := range w.sim.Subscriptions() {
			if strings.Contains(s.Resource, of.id) {
				all = append(all, of.name)
			}
		}
	}
	return strings.Join(all, " ")
}
