package mattermost_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gorilla/websocket"

	"causeway/bridge"
	"causeway/bridge/mattermost"
	"causeway/bridge/mattermost/mmtest"
	sim "causeway/contrib/sim/mattermost"
)

func (b *bench) sinceReads() int { return b.sim.Counts()["GET /channels/{channel_id}/posts"] }

func TestAResumedSocketNeedsNoReading(t *testing.T) {
	b := newBench(t, sim.Options{})
	b.start()
	b.arrives(b.say("alice", "before"), "before")
	b.sim.ForgetRequests()
	for n := range 5 {
		b.sim.CutWebsockets(true)
		for i := range 20 {
			b.say("alice", fmt.Sprintf("%d %d", n, i))
		}
		b.wait("connected again", func() bool { return b.sim.Sockets("causeway") > 0 })
		id := b.say("bob", fmt.Sprintf("after %d", n))
		b.arrives(id, fmt.Sprintf("after %d", n))
	}
	if got := b.sinceReads(); got != 0 {
		t.Errorf("the channel was read %d times; counts %v", got, b.sim.Counts())
	}
	if got := b.account.Status().Sockets[bridge.OfAccount]; got != 1 {
		t.Errorf("%d sockets are counted as open, want 1", got)
	}
	if got := len(b.inbox.states); got != 106 {
		t.Errorf("%d posts arrived, want 106", got)
	}
}

func TestAForgottenSocketIsCaughtUp(t *testing.T) {
	b := newBench(t, sim.Options{})
	b.start()
	for n := range 3 {
		b.sim.CutWebsockets(n > 0) // too long a gap for the server's ring and queue, or no connection to resume
		var last string
		for i := range 400 {
			last = b.say("alice", fmt.Sprintf("%d %d", n, i))
		}
		b.arrives(last, fmt.Sprintf("%d 399", n))
		b.wait("all arrive", func() bool { b.inbox.mu.Lock(); defer b.inbox.mu.Unlock(); return len(b.inbox.states) == 400*(n+1) })
	}
}

func TestARestartedServerIsCaughtUp(t *testing.T) {
	b := newBench(t, sim.Options{})
	b.start()
	b.arrives(b.say("alice", "before"), "before")
	b.sim.Restart()
	b.arrives(b.say("alice", "after"), "after")
}

// The server leaves the socket of a revoked token open; only the ping shows it.
func TestARevokedTokenEndsRun(t *testing.T) {
	b := newBench(t, sim.Options{})
	b.start()
	b.sim.RevokeToken(b.world.Bot.Token)
	err := b.ended()
	if bridge.KindOf(err) != bridge.Unauthorised || bridge.ScopeOf(err) != bridge.ScopeAccount || strings.Contains(err.Error(), b.world.Bot.Token) {
		t.Errorf("Run gives %v (%v)", err, bridge.KindOf(err))
	}
}

// A token that was refused for a moment leaves a socket that lives and has missed something.
func TestAShortRefusalIsCaughtUp(t *testing.T) {
	b := newBench(t, sim.Options{})
	b.open = mattermost.NewTrusting
	b.connect(b.sim.URL())
	b.start()
	b.arrives(b.say("alice", "before"), "before")
	b.sim.RevokeToken(b.world.Bot.Token)
	missed := b.say("alice", "meanwhile")
	b.sim.RestoreToken(b.world.Bot.Token)
	b.sim.Inject(sim.Fault{Path: "/users/" + b.world.Bob.ID, Status: http.StatusUnauthorized, ErrorID: "api.context.session_expired.app_error"})
	if _, err := b.account.LookUp(t.Context(), bridge.UserID(b.world.Bob.ID)); bridge.KindOf(err) != bridge.Unauthorised {
		t.Fatalf("LookUp: %v", err)
	}
	b.arrives(missed, "meanwhile")
	b.arrives(b.say("alice", "after"), "after")
}

// What the server did not push without any sign is found by reading regularly, also when later posts have moved the cursor.
func TestReconcilingFindsWhatWasNotPushed(t *testing.T) {
	b := newBench(t, sim.Options{})
	b.open = mattermost.NewReconciling
	b.connect(b.sim.URL())
	b.start()
	b.arrives(b.say("alice", "before"), "before")
	b.sim.RevokeToken(b.world.Bot.Token)
	missed := b.say("alice", "meanwhile")
	b.sim.RestoreToken(b.world.Bot.Token)
	b.arrives(missed, "meanwhile")
}

func TestAReactivatedBotListensAgain(t *testing.T) {
	b := newBench(t, sim.Options{})
	b.start()
	b.sim.SetActive("causeway", false)
	if err := b.ended(); bridge.KindOf(err) != bridge.Unauthorised {
		t.Fatalf("Run gives %v", err)
	}
	b.say("alice", "meanwhile")
	b.sim.SetActive("causeway", true)
	b.start()
	b.arrives(b.say("alice", "after"), "after")
	if len(b.inbox.states) != 2 {
		t.Errorf("%d posts arrived, want 2", len(b.inbox.states))
	}
}

// A server that takes the websocket but never answers on it: the first silence is noticed by the ping.
func TestASilentSocketIsReplaced(t *testing.T) {
	b := newBench(t, sim.Options{})
	var silent atomic.Bool
	upgrade := websocket.Upgrader{}
	proxy := mmtest.NewProxy(t, b.sim.URL())
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" || !silent.CompareAndSwap(true, false) {
			proxy.ServeHTTP(w, r)
			return
		}
		conn, err := upgrade.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		for {
			if _, _, err := conn.ReadMessage(); err != nil {
				return
			}
		}
	}))
	t.Cleanup(front.Close)
	t.Cleanup(front.CloseClientConnections)
	t.Cleanup(b.stop)
	b.connect(front.URL)
	b.start()
	silent.Store(true)
	b.sim.CutWebsockets(true)
	b.wait("the silent socket was tried", func() bool { return !silent.Load() })
	b.arrives(b.say("alice", "said into the silence"), "said into the silence")
}

func TestARefusedWebsocketSaysWhy(t *testing.T) {
	b := newBench(t, sim.Options{})
	proxy := mmtest.NewProxy(t, b.sim.URL())
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			http.Error(w, "no websockets here", http.StatusBadRequest)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	b.connect(front.URL)
	err := b.account.Run(t.Context(), b.inbox)
	if err == nil || !strings.Contains(err.Error(), "let websockets through") || bridge.KindOf(err) != bridge.Transient {
		t.Errorf("Run gives %v", err)
	}
}

// While the store hangs, more is said than the channel's queue holds: it falls back to reading.
func TestASlowStoreLosesNothing(t *testing.T) {
	b := newBench(t, sim.Options{})
	b.start()
	b.arrives(b.say("alice", "before"), "before")
	release := make(chan struct{})
	held := make(chan struct{}, 1)
	b.inbox.mu.Lock()
	blocked := false
	b.inbox.refuse = func(bridge.Batch) error {
		if !blocked {
			blocked = true
			held <- struct{}{}
			b.inbox.mu.Unlock()
			<-release
			b.inbox.mu.Lock()
		}
		return nil
	}
	b.inbox.mu.Unlock()
	b.say("alice", "held")
	<-held
	var last string
	for n := range 1500 {
		last = b.say("alice", fmt.Sprint(n))
	}
	close(release)
	b.arrives(last, "1499")
	b.wait("all arrive", func() bool { b.inbox.mu.Lock(); defer b.inbox.mu.Unlock(); return len(b.inbox.states) == 1502 })
}

func TestBeingRemovedAndInvited(t *testing.T) {
	b := newBench(t, sim.Options{})
	b.start()
	trouble := func() error { b.inbox.mu.Lock(); defer b.inbox.mu.Unlock(); return b.inbox.troubles[b.conv] }
	b.sim.Remove("admin", b.channel, "causeway")
	b.wait("the removal is reported", func() bool { return bridge.KindOf(trouble()) == bridge.Unauthorised })
	if !strings.Contains(trouble().Error(), "/invite @causeway") {
		t.Errorf("trouble without the next step: %v", trouble())
	}
	missed := b.say("alice", "said while it was out")
	b.sim.Join(b.channel, "causeway")
	b.arrives(missed, "said while it was out")
	b.wait("the end of the trouble is reported", func() bool { return trouble() == nil })

	b.sim.Archive(b.channel, true)
	b.wait("the archiving is reported", func() bool { err := trouble(); return err != nil && strings.Contains(err.Error(), "archived") })
	_, err := b.account.Post(t.Context(), b.draft("into the archive"))
	if bridge.KindOf(err) != bridge.Unauthorised || bridge.ScopeOf(err) != bridge.ScopeConversation {
		t.Errorf("posting into an archived channel: %v", err)
	}
	b.sim.Archive(b.channel, false)
	b.arrives(b.say("alice", "back"), "back")
	b.wait("the end of the trouble is reported", func() bool { return trouble() == nil })
}
