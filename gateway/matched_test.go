package gateway

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/store"
)

// match stores that the users of two services have the same address.
func (w *world) match(a *memory.Service, u bridge.UserID, b *memory.Service, v bridge.UserID, name string) {
	w.t.Helper()
	if err := w.store.NoteMatch(w.t.Context(), store.Match{
		User: store.User{Server: a.Server(), User: u}, OtherServer: b.Server(), Other: v, Name: name, Seen: time.Now(),
	}); err != nil {
		w.t.Fatal(err)
	}
}

// drafts notes who the authors of posts are said to be.
type drafts struct {
	bridge.Bridge
	same []bridge.UserID
}

func (d *drafts) Post(ctx context.Context, draft bridge.Draft) (bridge.MessageID, error) {
	d.same = append(d.same, draft.Same)
	return d.Bridge.Post(ctx, draft)
}

func TestWhoIsMatchedIsCalledAsThereAndWrittenByTheRelay(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{})
		w.accounts[1].NickFormat = "{NICK} at {BRIDGE}"
		var d, back drafts
		w.wrap("b", func(inner bridge.Bridge) bridge.Bridge { d.Bridge = inner; return &d })
		w.wrap("a", func(inner bridge.Bridge) bridge.Bridge { back.Bridge = inner; return &back })
		w.route(inout("a", "town"), inout("b", "town"))
		w.start()
		root := a.Say("town", "ben", "a question")
		w.wait(time.Second)
		w.match(a, "alice", b, "ally", "Ally Chen")
		a.Reply("town", root, "alice", "an answer")
		w.wait(time.Second)
		b.Say("town", "ally", "from there")
		w.wait(time.Second)
		w.same(all(b)[:2], []said{{By: "bot as ben at a", Text: "a question"}, {By: "bot as Ally Chen at a", Text: "an answer"}})
		w.same(all(a)[2], said{By: "bot as ally", Text: "from there"})
		w.same(d.same, []bridge.UserID{"", "ally"})
		w.same(back.same, []bridge.UserID{"alice"}) // nobody has looked for her from there: it was found out from here
	})
}

// heard notes who has spoken.
type heard struct {
	mutex sync.Mutex
	all   []string
}

func (h *heard) spoke(s bridge.ServerID, u bridge.UserID) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.all = append(h.all, string(s)+" "+string(u))
}

func TestPeopleWhoSpeakAreTold(t *testing.T) {
	inWorld(t, func(w *world) {
		var h heard
		w.spoke = h.spoke
		a, b := w.pair(memory.Options{}, memory.Options{})
		id := a.Say("town", "ann", "hello")
		w.wait(time.Second)
		b.Say("town", "bea", "hello")
		w.wait(time.Second)
		a.Delete("town", id)
		w.wait(time.Second)
		h.mutex.Lock()
		defer h.mutex.Unlock()
		w.same(slices.Compact(h.all), []string{"memory:a ann", "memory:b bea"}) // and none of the copies
	})
}
