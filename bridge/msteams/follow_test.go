package msteams

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/contrib/sim/teams"
)

// TestOneSubscriptionForEachPerson, who is observed: made, adopted by the next run, and ended when they part.
func TestOneSubscriptionForEachPerson(t *testing.T) {
	inTalkWorld(t, true, teams.Options{}, func(w *talkWorld) {
		t := w.TB
		resources := func() (list []string) {
			for _, s := range w.sim.Subscriptions() {
				list = append(list, s.Resource+" "+s.ID)
			}
			slices.Sort(list)
			return list
		}
		first := resources()
		if len(first) != 2 || !strings.HasPrefix(first[0], "/users/") {
			t.Errorf("subscriptions: %v", first)
		}
		w.stop()
		w.start()
		if d := cmp.Diff(first, resources()); d != "" {
			t.Errorf("after a restart: %s", d)
		}
		chat := w.tenant.AddChat(w.bob, w.carla)
		w.inbox.observe(w.aliceID)
		time.Sleep(time.Second)
		if got := resources(); len(got) != 1 || !strings.Contains(got[0], string(w.aliceID)) {
			t.Errorf("after Bob has parted: %v", got)
		}
		w.says(w.carla, chat, "none of ours")
		time.Sleep(time.Hour)
		if got := w.inbox.happened(); got != "" {
			t.Errorf("of somebody who has parted: %s", got)
		}
	})
}

// TestWhoCannotBeSubscribedToIsPolled, and said so.
func TestWhoCannotBeSubscribedToIsPolled(t *testing.T) {
	inTalkWorld(t, true, teams.Options{Subscriptions: teams.SubscriptionLimits{PerTenant: 1}}, func(w *talkWorld) {
		t := w.TB
		time.Sleep(time.Minute)
		a, b := w.tenant.AddChat(w.alice, w.carla), w.tenant.AddChat(w.bob, w.carla)
		for _, c := range []*teams.Channel{a, b} {
			w.says(w.carla, c, "hello")
		}
		time.Sleep(3 * time.Minute)
		w.converged(a)
		w.converged(b)
		id := w.says(w.carla, b, "later")
		time.Sleep(2 * time.Minute)
		w.do(w.sim.Edit(w.carla, b, id, "<p>edited</p>"))
		time.Sleep(2 * time.Minute)
		w.converged(b)
		s := w.account.Status()
		if !slices.ContainsFunc(s.Facts, func(f bridge.Fact) bool { return f.Name == "polled instead" && strings.Contains(f.Value, "limit") }) {
			t.Errorf("the status is %+v", s)
		}
	})
}

// TestWebhooksAnswerInTime while a talk is being met that takes for ever, and a store stalls for none of them.
func TestWebhooksAnswerInTime(t *testing.T) {
	inTalkWorld(t, true, teams.Options{}, func(w *talkWorld) {
		hang := make(chan struct{})
		defer close(hang)
		w.inbox.decides(func(bridge.Talk) (bridge.Interest, error) { <-hang; return bridge.Ignored, nil })
		for range 30 {
			w.says(w.carla, w.tenant.AddChat(w.alice, w.carla), "x")
			w.says(w.carla, w.tenant.AddGroupChat("", w.alice, w.carla, w.bob), "x")
		}
		time.Sleep(5 * time.Second)
		ctx, cancel := context.WithTimeout(w.Context(), 10*time.Second)
		defer cancel()
		if err := w.sim.AwaitDeliveries(ctx); err != nil {
			w.Errorf("deliveries: %v", err)
		}
		if s := w.sim.WebhookStats(); s.Retries > 0 || s.Lost > 0 || s.Delivered < 3*30 || s.Delivered != s.Items {
			w.Errorf("deliveries: %+v", s)
		}
	})
}

// TestManyPeopleAreFollowedWithinMicrosoftsLimits: nothing is throttled, also at a start and after it, and all that is said arrives.
func TestManyPeopleAreFollowedWithinMicrosoftsLimits(t *testing.T) {
	const crowd = 60
	inBothModes(t, teams.Options{Throttle: teams.Documented}, func(w *talkWorld) {
		t := w.TB
		w.stop()
		time.Sleep(time.Minute)
		var all []*teams.User
		for n := range crowd {
			all = append(all, w.tenant.AddUser(fmt.Sprint("Person ", n)))
		}
		w.inbox.observe(people(all...)...)
		var chats []*teams.Channel
		for n := range crowd {
			chats = append(chats, w.tenant.AddChat(all[n], all[(n+1)%crowd]))
			if n%4 == 0 {
				chats = append(chats, w.tenant.AddGroupChat("", all[n], all[(n+5)%crowd], all[(n+9)%crowd]))
			}
		}
		speak := func(text string) {
			for n, c := range chats {
				who := c.Members()[n%2]
				w.says(who, c, text)
			}
		}
		speak("one")
		w.start()
		time.Sleep(10 * time.Minute)
		speak("two")
		time.Sleep(10 * time.Minute)
		w.stop()
		speak("three")
		time.Sleep(time.Minute)
		w.start()
		time.Sleep(10 * time.Minute)
		for _, c := range chats {
			w.converged(c)
		}
		w.inbox.inOrder(t)
		throttled := map[string]int{}
		for _, r := range w.sim.Requests() {
			if r.Status == http.StatusTooManyRequests {
				throttled[r.Method+" "+r.Template]++
			}
		}
		if len(throttled) > 0 {
			t.Errorf("throttled: %v", throttled)
		}
		t.Logf("Graph calls: %v", w.sim.Calls(nil))
	})
}

// TestChatsInOtherClouds are followed where chats cannot be listed in an order, messages neither, and nothing tells of them.
func TestChatsInOtherClouds(t *testing.T) {
	for _, cloud := range []teams.Cloud{teams.GCC, teams.GCCHigh, teams.China} {
		t.Run(string(cloud), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &talkWorld{chatWorld: newChatWorld(t, teams.Options{Cloud: cloud})}
				w.settings.Cloud = string(cloud)
				w.richly()
				w.inbox = newTalkInbox(w.chatWorld, w.aliceID)
				for range 120 {
					w.tenant.AddChat(w.alice, w.tenant.AddUser("Somebody"))
				}
				w.start()
				defer func() { w.stop() }()
				chat, group := w.tenant.AddChat(w.alice, w.carla), w.tenant.AddGroupChat("", w.alice, w.bob, w.carla)
				w.says(w.carla, chat, "one")
				w.says(w.carla, group, "two")
				time.Sleep(2 * time.Minute)
				w.says(w.carla, chat, "three")
				time.Sleep(2 * time.Minute)
				w.converged(chat)
				w.converged(group)
				if n := len(w.inbox.meetings()); n != 2 {
					t.Errorf("%d talks were met", n)
				}
				d := w.draftIn(chat, w.aliceID, "an answer")
				id, err := w.account.Post(t.Context(), d)
				w.do(err)
				if err := w.account.Edit(t.Context(), id, d); bridge.KindOf(err) != bridge.Unsupported {
					t.Errorf("editing: %v", err)
				}
			})
		})
	}
}
