package mattermost_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/mattermost"
	sim "causeway/contrib/sim/mattermost"
)

func TestOnlyWhoAgreedLooksOnline(t *testing.T) {
	for name, role := range profiles {
		t.Run(name, func(t *testing.T) {
			g := gather(t, role, mattermost.ObserveAuto, "alice", "bob", "carol")
			ab, bc := g.sim.Direct("alice", "bob").Id, g.sim.Direct("bob", "carol").Id
			g.talks.Observe(bridge.Observed{User: g.user("alice"), Online: true}, bridge.Observed{User: g.user("bob")}, bridge.Observed{User: g.user("carol")})
			g.runs()
			g.listened("alice")
			g.comes(g.speaks("bob", ab, "to alice"), "to alice")
			g.comes(g.speaks("bob", bc, "to carol"), "to carol")
			if !g.online("alice") || g.online("bob") || g.online("carol") || g.sim.Sockets("bob")+g.sim.Sockets("carol") != 0 {
				t.Errorf("alice is %s, bob %s, carol %s", g.sim.Status("alice"), g.sim.Status("bob"), g.sim.Status("carol"))
			}
			g.observe(false, "alice", "bob", "carol") // she has changed her mind
			g.wait("alice looks offline", func() bool { return !g.online("alice") })
			g.comes(g.speaks("bob", ab, "still there"), "still there")
		})
	}
}

func TestOneConnectionBringsATalk(t *testing.T) {
	g := gather(t, "system_admin", mattermost.ObserveAuto, "alice", "bob", "carol", "dave")
	hub := map[string]string{}
	for _, other := range []string{"bob", "carol", "dave"} {
		hub[other] = g.sim.Direct("alice", other).Id
	}
	g.observe(true, "alice", "bob", "carol", "dave")
	g.runs()
	g.listened("alice")
	for _, other := range []string{"bob", "carol", "dave"} {
		g.comes(g.speaks(other, hub[other], "from "+other), "from "+other)
		if g.sim.Sockets(other) != 0 {
			t.Errorf("%s is listened to for nothing", other)
		}
	}
	// A talk that nobody brings yet.
	fresh := g.sim.Direct("carol", "dave").Id
	g.comes(g.speaks("carol", fresh, "new"), "new")
	g.wait("one of them is listened to", func() bool { return g.sim.Sockets("carol")+g.sim.Sockets("dave") == 1 })
	g.sim.ForgetRequests()
	g.comes(g.speaks("dave", fresh, "pushed"), "pushed")
}

func TestWhatComesOnSeveralConnectionsIsTakenOnce(t *testing.T) {
	g := gather(t, "system_admin", mattermost.ObserveAuto, "alice", "bob")
	ab := g.sim.Direct("alice", "bob").Id
	g.sim.Direct("bob", "bob") // so that both are listened to
	g.sim.Direct("alice", "alice")
	g.observe(true, "alice", "bob")
	g.runs()
	g.listened("alice", "bob")
	g.comes(g.speaks("bob", ab, "met"), "met")
	g.sim.ForgetRequests()
	var all []string
	for n := range 20 {
		all = append(all, g.speaks("bob", ab, fmt.Sprint(n)))
	}
	g.comes(all[19], "19")
	for n := range 3 {
		g.must(g.sim.React("alice", all[0], "heart"))
		g.wait("a reaction comes", func() bool { s, _ := g.talks.State(all[0]); return len(s.Reactions) == 1 })
		g.must(g.sim.Unreact("alice", all[0], "heart"))
		g.wait("it goes", func() bool { s, _ := g.talks.State(all[0]); return len(s.Reactions) == 0 })
		if got := g.sim.Counts()["GET /posts/{post_id}"]; got != 2*(n+1) {
			t.Errorf("after %d changes of reactions the post was read %d times", 2*(n+1), got)
		}
	}
	for n, id := range all[1:] {
		if _, puts := g.talks.State(id); puts != 1 {
			t.Errorf("message %d was put %d times", n+1, puts)
		}
	}
}

func TestATakenUpConnectionNeedsNoReading(t *testing.T) {
	g := gather(t, "system_admin", mattermost.ObserveAuto, "alice")
	ab := g.sim.Direct("alice", "bob").Id
	g.observe(true, "alice")
	g.runs()
	g.listened("alice")
	g.comes(g.speaks("bob", ab, "met"), "met")
	for n := range 3 {
		g.sim.ForgetRequests()
		g.sim.CutWebsocketsOf("alice", true)
		var last string
		for i := range 20 {
			last = g.speaks("bob", ab, fmt.Sprint(n, " ", i))
		}
		g.listened("alice")
		g.comes(last, fmt.Sprint(n, " 19"))
	}
}

func TestAForgottenConnectionIsReadAfter(t *testing.T) {
	for name, role := range profiles {
		t.Run(name, func(t *testing.T) {
			g := gather(t, role, mattermost.ObserveAuto, "alice")
			ab := g.sim.Direct("alice", "bob").Id
			g.observe(true, "alice")
			g.runs()
			g.listened("alice")
			first := g.speaks("bob", ab, "met")
			g.comes(first, "met")
			g.sim.SetOutage(true)
			g.must(g.sim.Edit("bob", first, "edited"))
			missed := g.speaks("bob", ab, "missed")
			fresh := g.speaks("carlo", g.carlos(), "from somebody new")
			g.sim.ForgetConnections()
			g.sim.SetOutage(false)
			g.comes(first, "edited")
			g.comes(missed, "missed")
			g.comes(fresh, "from somebody new")
			g.listened("alice")
		})
	}
}

// carlos makes one more person, who is not connected, and their direct channel with alice.
func (g *gathering) carlos() string {
	g.ids["carlo"] = g.sim.AddUser("carlo").Id
	return g.sim.Direct("carlo", "alice").Id
}

func TestALostTokenOfWhoIsObservedIsTold(t *testing.T) {
	for name, role := range profiles {
		for way, agreed := range map[string]bool{"listened to": true, "asked about": false} {
			if name == "simple" && !agreed {
				continue // there the bot asks by its own right
			}
			t.Run(name+" "+way, func(t *testing.T) {
				g := gather(t, role, mattermost.ObserveAuto, "alice", "bob")
				ab, ac := g.sim.Direct("alice", "bob").Id, g.carlos()
				g.observe(agreed, "alice", "bob")
				g.runs()
				g.comes(g.speaks("bob", ab, "met"), "met")
				g.comes(g.speaks("carlo", ac, "this too"), "this too")
				g.sim.RevokeTokensOf("alice")
				g.wait("her loss is told", func() bool { return len(g.talks.LostPeople()) > 0 })
				for _, u := range g.talks.LostPeople() {
					if u != g.user("alice") {
						t.Errorf("%s is told lost", u)
					}
				}
				g.comes(g.speaks("alice", ab, "by bob's right"), "by bob's right")
				missed := g.speaks("carlo", ac, "while she was lost")
				g.observe(agreed, "bob")
				g.connects("alice")
				g.observe(agreed, "alice", "bob")
				g.comes(missed, "while she was lost")
				if agreed {
					g.wait("a connection that works", func() bool { return g.online("alice") })
				}
			})
		}
	}
}

// decides has talks decided by their speakers.
func (g *gathering) decides(decide func(talk bridge.Talk) (bridge.Interest, error)) {
	g.talks.Decide = decide
}

func TestARefusedTalkIsMetAnewByWhoWasNotToldYet(t *testing.T) {
	for way, agreed := range map[string]bool{"listened to": true, "asked about": false} {
		t.Run(way, func(t *testing.T) {
			g := gather(t, "system_admin", mattermost.ObserveAuto, "alice")
			ab := g.sim.Direct("alice", "bob").Id
			g.decides(func(bridge.Talk) (bridge.Interest, error) { return bridge.Refused, nil })
			g.observe(agreed, "alice")
			g.runs()
			if agreed {
				g.listened("alice")
			}
			g.speaks("bob", ab, "one")
			g.wait("it is met", func() bool { return len(g.meetings(ab)) == 1 })
			g.speaks("bob", ab, "two")
			g.speaks("alice", ab, "three")
			g.wait("it is met for her", func() bool { return len(g.meetings(ab)) == 2 })
			g.speaks("bob", ab, "four")
			g.decides(nil)
			other := g.carlos()
			g.comes(g.speaks("carlo", other, "something else"), "something else")
			if d := cmp.Diff([]string{"bob", "alice"}, g.meetings(ab)); d != "" {
				t.Error(d)
			}
			if posts := g.sim.Counts()["GET /posts/{post_id}"]; posts != 0 {
				t.Errorf("%d posts were read", posts)
			}
		})
	}
}

func TestAnIgnoredTalkIsLeftAlone(t *testing.T) {
	g := gather(t, "system_admin", mattermost.ObserveAuto, "alice")
	ab, ac := g.sim.Direct("alice", "bob").Id, g.carlos()
	g.decides(func(talk bridge.Talk) (bridge.Interest, error) {
		if talk.Conversation == g.talk(ab) {
			return bridge.Ignored, nil
		}
		return bridge.Carried, nil
	})
	g.observe(true, "alice")
	g.runs()
	g.listened("alice")
	id := g.speaks("bob", ab, "one")
	g.wait("it is met", func() bool { return len(g.meetings(ab)) == 1 })
	for range 10 {
		g.speaks("bob", ab, "more")
	}
	g.must(g.sim.Edit("bob", id, "edited"))
	g.comes(g.speaks("carlo", ac, "something else"), "something else")
	if got := len(g.meetings(ab)); got != 1 {
		t.Errorf("it was met %d times", got)
	}
	if s, _ := g.talks.State(id); s.ID != "" {
		t.Error("it was read")
	}
}

func TestAMeetingHoldsUpNobodyElseAndIsTriedAgain(t *testing.T) {
	g := gather(t, "system_admin", mattermost.ObserveAuto, "alice")
	ab, ac := g.sim.Direct("alice", "bob").Id, g.carlos()
	var mu sync.Mutex
	failures, held := 0, make(chan struct{})
	g.decides(func(talk bridge.Talk) (bridge.Interest, error) {
		if talk.Conversation != g.talk(ab) {
			return bridge.Carried, nil
		}
		<-held
		mu.Lock()
		defer mu.Unlock()
		if failures++; failures < 3 {
			return bridge.Unmet, errors.New("the other side does not answer")
		}
		return bridge.Carried, nil
	})
	g.observe(true, "alice")
	g.runs()
	g.listened("alice")
	first := g.speaks("bob", ab, "first")
	second := g.speaks("alice", ab, "second")
	g.comes(g.speaks("carlo", ac, "meanwhile"), "meanwhile")
	close(held)
	g.comes(first, "first")
	g.comes(second, "second")
}

// A process that dies while a talk is being met, or before, finds it again.
func TestAMeetingThatWasBrokenOffIsHadAgain(t *testing.T) {
	for way, agreed := range map[string]bool{"listened to": true, "asked about": false} {
		t.Run(way, func(t *testing.T) {
			g := gather(t, "system_admin", mattermost.ObserveAuto, "alice")
			ab := g.sim.Direct("alice", "bob").Id
			g.decides(func(bridge.Talk) (bridge.Interest, error) { return bridge.Unmet, errors.New("not yet") })
			g.observe(agreed, "alice")
			g.runs()
			if agreed {
				g.listened("alice")
			}
			first := g.speaks("bob", ab, "first")
			g.wait("it is met in vain", func() bool { return len(g.meetings(ab)) > 0 })
			g.end()
			g.decides(nil)
			g.connectAgain()
			g.runs()
			g.comes(first, "first")
		})
	}
}

func TestTheBotsOwnDirectMessagesAreNotMet(t *testing.T) {
	for way, agreed := range map[string]bool{"listened to": true, "asked about": false} {
		t.Run(way, func(t *testing.T) {
			g := gather(t, "system_admin", mattermost.ObserveAuto, "alice")
			own, ab := g.sim.Direct("causeway", "alice").Id, g.sim.Direct("alice", "bob").Id
			g.observe(agreed, "alice")
			g.runs()
			if agreed {
				g.listened("alice")
			}
			g.speaks("causeway", own, "for you")
			g.speaks("alice", own, "thanks")
			g.comes(g.speaks("bob", ab, "something else"), "something else")
			if got := g.meetings(own); len(got) != 0 {
				t.Errorf("it was met: %v", got)
			}
		})
	}
}

// TestByWebsocketEachHasAConnection, also who has no conversation yet: the first word of one comes at once.
func TestByWebsocketEachHasAConnection(t *testing.T) {
	g := gather(t, "system_admin", mattermost.ObserveWebsocket, "alice", "bob", "carol")
	g.observe(false, "alice", "bob", "carol")
	g.runs()
	g.listened("alice", "bob", "carol")
	// Asking, as after each connection, finds nothing.
	for _, name := range []string{"alice", "bob", "carol"} {
		g.sim.Inject(sim.Fault{Path: "/users/" + string(g.user(name)) + "/channels", Times: -1, Status: http.StatusServiceUnavailable})
	}
	g.comes(g.speaks("alice", g.sim.Direct("alice", "bob").Id, "first"), "first")
}

func TestWhoIsNotObservedAnyMoreIsLetGo(t *testing.T) {
	g := gather(t, "system_admin", mattermost.ObserveWebsocket, "alice", "bob")
	g.sim.Direct("alice", "bob")
	g.sim.Direct("alice", "alice")
	g.sim.Direct("bob", "bob")
	g.talks.Watch(g.conv, time.Time{})
	g.observe(false, "alice", "bob")
	g.runs()
	g.listened("alice", "bob")
	g.wait("the status says so", func() bool {
		return strings.Contains(fmt.Sprint(g.account.Status().Facts), "2 people observed by websocket, 0 by polling")
	})
	g.observe(false, "bob")
	g.wait("alice is let go", func() bool { return g.sim.Sockets("alice") == 0 && !g.online("alice") })
	g.observe(false)
	g.wait("bob is, too", func() bool { return g.sim.Sockets("bob") == 0 })
	g.sim.ForgetRequests()
	g.speaks("alice", g.sim.Direct("alice", "bob").Id, "unheard")
	g.comes(g.say("alice", "in the channel"), "in the channel")
	if got := g.sim.Counts()["GET /users/{user_id}/channels"]; got > 1 {
		t.Errorf("their channels were listed %d times", got)
	}
}

func TestChannelsOfWhoIsObservedAreReadByTheBotAlone(t *testing.T) {
	g := gather(t, "system_admin", mattermost.ObserveAuto, "alice", "bob")
	ab := g.sim.Direct("alice", "bob").Id
	g.talks.Watch(g.conv, time.Time{})
	g.observe(true, "alice", "bob")
	g.runs()
	g.comes(g.speaks("bob", ab, "met"), "met")
	id := g.say("bob", "in the channel")
	g.comes(id, "in the channel")
	g.must(g.sim.Edit("bob", id, "edited"))
	g.comes(id, "edited")
	g.must(g.sim.React("bob", id, "heart"))
	g.wait("a reaction comes", func() bool { s, _ := g.talks.State(id); return len(s.Reactions) == 1 })
	if _, puts := g.talks.State(id); puts != 3 {
		t.Errorf("three states were put %d times", puts)
	}
	if d := cmp.Diff([]string(nil), g.meetings(g.channel)); d != "" {
		t.Errorf("the channel was met: %s", d)
	}
}

func TestAskingRespectsALimit(t *testing.T) {
	g := gather(t, "system_admin", mattermost.ObservePoll, "alice")
	ab := g.sim.Direct("alice", "bob").Id
	g.observe(true, "alice")
	g.runs()
	g.comes(g.speaks("bob", ab, "met"), "met")
	g.sim.Inject(sim.Fault{Method: "GET", Path: "/users/{user_id}/teams/{team_id}/channels", Status: 429, RetryAfter: time.Second, Times: 1})
	id := g.speaks("bob", ab, "a little later")
	g.comes(id, "a little later")
}

// Somebody who has just connected has nothing carried that was said before.
func TestWhatWasSaidBeforeTheyWereObservedIsNotMet(t *testing.T) {
	for way, agreed := range map[string]bool{"listened to": true, "asked about": false} {
		t.Run(way, func(t *testing.T) {
			g := gather(t, "system_admin", mattermost.ObserveAuto, "alice")
			ab, ac := g.sim.Direct("alice", "bob").Id, g.carlos()
			_, err := g.sim.PostWith("admin", ab, &model.Post{Message: "long ago", CreateAt: time.Now().Add(-3 * time.Hour).UnixMilli()})
			g.must(err)
			g.observe(agreed, "alice")
			g.runs()
			g.comes(g.speaks("carlo", ac, "now"), "now")
			if got := g.meetings(ab); len(got) != 0 {
				t.Errorf("it was met: %v", got)
			}
		})
	}
}

// Somebody disconnects: what was carried can still be edited, so the talk is read on where that can be.
func TestATalkWithoutAnybodyConnectedIsReadByAnAdministrator(t *testing.T) {
	g := gather(t, "system_admin", mattermost.ObserveAuto)
	ab := g.sim.Direct("alice", "bob").Id
	g.talks.Watch(g.talk(ab), time.Now().Add(-time.Second))
	id := g.speaks("alice", ab, "read")
	g.runs()
	g.comes(id, "read")
	g.must(g.sim.Edit("alice", id, "edited"))
	g.comes(id, "edited")
}
