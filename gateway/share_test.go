package gateway

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/store"
)

// confidant keeps what a gateway tells the other processes.
type confidant struct {
	all    []bridge.ConversationID
	posted []bridge.MessageID
}

func (t *confidant) Tell(all []bridge.ConversationID) { t.all = append(t.all, all...) }

func (t *confidant) Posted(_ bridge.ConversationID, id bridge.MessageID) {
	t.posted = append(t.posted, id)
}

func (*confidant) Turn(context.Context, string, time.Duration) (time.Duration, error) { return 0, nil }

func towns(server string) []bridge.ConversationID {
	return []bridge.ConversationID{{Server: bridge.ServerID("memory:" + server), Channel: "town"}}
}

// A conversation that is left is delivered to no more when Leave returns. What was under way is finished when that is soon, else broken off.
func TestWhoLeavesAConversationHasStopped(t *testing.T) {
	for name, one := range map[string]struct {
		takes, left time.Duration
		writes      int
	}{
		"what ends soon is finished":        {time.Second, 900 * time.Millisecond, 2},
		"what takes too long is broken off": {time.Hour, leaveTime + writeGrace, 3},
		"there is nothing to wait for":      {0, 0, 2},
		"nobody waits for another try":      {-1, leaveTime, 3},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				var posts atomic.Int64
				a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{Fault: func(ctx context.Context, c memory.Call) error {
					if c.Op != memory.Post || c.After || posts.Add(1) > 1 {
						return nil
					}
					if one.takes < 0 {
						return memory.Throttles(bridge.ScopeConversation, time.Hour)
					}
					pause(ctx, one.takes)
					return ctx.Err()
				}})
				w.route(inout("a", "town"), inout("b", "town"))
				w.start()
				others := &confidant{}
				w.gateway.peers = others
				a.Say("town", "ann", "one")
				w.wait(100 * time.Millisecond)
				began := time.Now()
				if err := w.gateway.Leave(w.t.Context(), towns("b")); err != nil {
					w.t.Fatal(err)
				}
				if took := time.Since(began); took != one.left {
					t.Errorf("it has left after %v, not %v", took, one.left)
				}
				stood := slices.Clone(texts(b, "town"))
				a.Say("town", "ann", "two")
				w.wait(2 * time.Hour)
				w.same(texts(b, "town"), stood)
				w.same(slices.Contains(others.all, towns("b")[0]), true) // whoever delivers there now is told
				w.gateway.Take(towns("b"))
				w.wait(time.Minute)
				w.same(texts(b, "town"), []string{"one", "two"})
				w.same(b.Writes(), one.writes) // a post that fails counts, too
			})
		})
	}
}

// expecting is an account that notes what it is to expect.
type expecting struct {
	bridge.Bridge
	all *[]bridge.MessageID
}

func (e expecting) Expect(_ bridge.ConversationID, id bridge.MessageID) { *e.all = append(*e.all, id) }

// Who reads is told what who helps has posted, and nobody else looks for it.
func TestWhoReadsExpectsWhatWhoHelpsHasPosted(t *testing.T) {
	inWorld(t, func(w *world) {
		var expected []bridge.MessageID
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{})
		w.wrap("b", func(b bridge.Bridge) bridge.Bridge { return expecting{b, &expected} })
		w.route(inout("a", "town"), inout("b", "town"))
		w.start()
		if err := w.gateway.Leave(w.t.Context(), towns("b")); err != nil {
			w.t.Fatal(err)
		}
		others := &confidant{}
		ctx, stop := context.WithCancel(w.t.Context())
		helper := New(Options{Plan: Plan{Accounts: []Account{{Name: "memory.a", Protocol: "memory", NickFormat: "{NICK}", Bridge: a.Account("memory.a", "bot")},
			{Name: "memory.b", Protocol: "memory", NickFormat: "{NICK}", Bridge: b.Account("memory.b", "bot")}}, Routes: w.routes}, Store: w.store, Log: w.gateway.log, Helps: true, Peers: others})
		ended := make(chan error, 1)
		go func() { ended <- helper.Run(ctx) }()
		w.wait(time.Second)
		a.Say("town", "ann", "before it is taken")
		w.wait(time.Minute)
		w.same(texts(b, "town"), []string{}) // nobody delivers there
		helper.Take(towns("b"))
		a.Say("town", "ann", "afterwards")
		w.wait(time.Second)
		helper.Heard([]store.Hint{{Conversation: towns("b")[0]}})
		w.wait(time.Second)
		w.same(texts(b, "town"), []string{"before it is taken", "afterwards"})
		w.same(len(others.posted), 2)
		w.gateway.Heard([]store.Hint{{Conversation: towns("b")[0], Posted: others.posted[1]}})
		w.same(expected, others.posted[1:])
		w.same(texts(a, "town"), []string{"before it is taken", "afterwards"}) // one reads: nothing comes back
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
