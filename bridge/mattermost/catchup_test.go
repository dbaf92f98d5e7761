package mattermost_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	sim "causeway/contrib/sim/mattermost"
)

// A long outage: 1,300 new posts, 300 edits, deletions, reactions and replies in old threads.
func TestALongOutageIsReadWhole(t *testing.T) {
	for name, options := range map[string]sim.Options{"latest changes last": {}, "deleted posts last": {DeletedLast: true}} {
		t.Run(name, func(t *testing.T) { longOutage(t, options) })
	}
}

func longOutage(t *testing.T, options sim.Options) {
	b := newBench(t, options)
	b.start()
	var old []string
	for n := range 700 {
		old = append(old, b.say("alice", fmt.Sprintf("old %d", n)))
	}
	b.arrives(old[699], "old 699")
	b.stop()

	want := map[string]string{}
	for n := range 1300 {
		id := b.say("bob", fmt.Sprintf("new %d", n))
		want[id] = fmt.Sprintf("new %d", n)
		switch {
		case n < 300:
			b.must(b.sim.Edit("alice", old[n], fmt.Sprintf("edited %d", n)))
			want[old[n]] = fmt.Sprintf("edited %d", n)
		case n < 350:
			b.must(b.sim.Delete("alice", old[n]))
		case n < 400:
			b.must(b.sim.React("bob", old[n], "thumbsup"))
		case n < 450:
			reply, err := b.sim.Reply("bob", old[n], fmt.Sprintf("reply %d", n))
			b.must(err)
			want[reply] = fmt.Sprintf("reply %d", n)
		case n < 460: // what came and went meanwhile must not be there
			gone := b.say("bob", "gone")
			b.must(b.sim.Delete("bob", gone))
		}
	}

	b.connect(b.sim.URL())
	b.sim.ForgetRequests()
	b.start()
	last := b.say("alice", "the end")
	b.arrives(last, "the end")
	for id, text := range want {
		if got := b.inbox.state(id); said(got) != text || got.Deleted {
			t.Fatalf("%s is %q (deleted: %t), want %q", id, said(got), got.Deleted, text)
		}
	}
	for n := 300; n < 350; n++ {
		if !b.inbox.state(old[n]).Deleted {
			t.Errorf("old %d was deleted, and is not", n)
		}
	}
	for n := 350; n < 400; n++ {
		if got := b.inbox.state(old[n]).Reactions; len(got) != 1 || got[0].Emoji != "👍" || string(got[0].User) != b.world.Bob.ID {
			t.Errorf("old %d has reactions %v", n, got)
		}
	}
	var inOrder []string
	for _, id := range b.inbox.order {
		if text := said(b.inbox.states[id]); strings.HasPrefix(text, "new ") {
			inOrder = append(inOrder, text)
		}
		if text := said(b.inbox.states[id]); text == "gone" {
			t.Error("what was deleted meanwhile is there")
		}
	}
	for n, text := range inOrder {
		if text != fmt.Sprintf("new %d", n) {
			t.Fatalf("at %d comes %q", n, text)
		}
	}
	if len(inOrder) != 1300 {
		t.Errorf("%d of 1300 new posts arrived", len(inOrder))
	}
	t.Logf("requests: %v", b.sim.Counts())
}

func TestTheCursorMovesOnlyWithTheLastChunk(t *testing.T) {
	b := newBench(t, sim.Options{})
	b.start()
	b.stop()
	before := b.inbox.cursor(b.conv)
	var last string
	for n := range 450 {
		last = b.say("bob", fmt.Sprint(n))
	}
	b.connect(b.sim.URL())
	b.inbox.puts = nil
	b.start()
	b.arrives(last, "449")
	b.inbox.mu.Lock()
	defer b.inbox.mu.Unlock()
	var cursors []string
	for _, p := range b.inbox.puts {
		if len(p.States) > 0 {
			cursors = append(cursors, p.Cursor)
		}
	}
	if len(cursors) != 3 || cursors[0] != "" || cursors[1] != "" || cursors[2] <= before {
		t.Errorf("chunks came with cursors %q after %q", cursors, before)
	}
}

func TestARootsReplies(t *testing.T) {
	b := newBench(t, sim.Options{})
	b.start()
	root := b.say("alice", "root")
	var replies []string
	for n := range 3 {
		id, err := b.sim.Reply("bob", root, fmt.Sprint(n))
		b.must(err)
		replies = append(replies, id)
	}
	b.arrives(replies[2], "2")
	b.must(b.sim.Delete("alice", root))
	for _, id := range replies {
		b.wait("replies go with their root", func() bool { return b.inbox.state(id).Deleted })
	}
}

func TestNothingUnchangedIsPutAgain(t *testing.T) {
	b := newBench(t, sim.Options{})
	b.start()
	root := b.say("alice", "root")
	b.arrives(root, "root")
	b.sim.CutWebsockets(false) // the next connection reads from the cursor
	reply, err := b.sim.Reply("bob", root, "moves update_at of its root")
	b.must(err)
	b.arrives(reply, "moves update_at of its root")
	b.must(b.sim.Pin("alice", root, true))
	b.must(b.sim.Edit("bob", reply, "edited"))
	b.arrives(reply, "edited")
	times := map[bridge.MessageID]int{}
	for _, p := range b.inbox.puts {
		for _, s := range p.States {
			times[s.ID]++
		}
	}
	if times[bridge.MessageID(root)] != 1 || times[bridge.MessageID(reply)] != 2 {
		t.Errorf("the root was put %d times, want 1; the reply %d times, want 2", times[bridge.MessageID(root)], times[bridge.MessageID(reply)])
	}
}

// A post that an administrator dated into the future would otherwise hide all that is said until then.
func TestAPostFromTheFutureDoesNotMoveTheCursorThere(t *testing.T) {
	b := newBench(t, sim.Options{})
	b.start()
	id, err := b.sim.PostWith("admin", b.channel, &model.Post{Message: "from the future", CreateAt: model.GetMillis() + 3_600_000})
	b.must(err)
	b.arrives(id, "from the future")
	b.stop()
	missed := b.say("alice", "said while it was down")
	b.connect(b.sim.URL())
	b.start()
	b.arrives(missed, "said while it was down")
}

func TestLivePostsCostNoRequests(t *testing.T) {
	b := newBench(t, sim.Options{})
	b.start()
	first := b.say("alice", "first")
	b.arrives(first, "first") // who alice is was asked once
	b.sim.ForgetRequests()
	var ids []string
	for n := range 100 {
		ids = append(ids, b.say("alice", fmt.Sprint(n)))
	}
	b.must(b.sim.Edit("alice", ids[0], "edited"))
	b.must(b.sim.Delete("alice", ids[1]))
	b.arrives(ids[99], "99")
	b.arrives(ids[0], "edited")
	b.wait("the deletion arrives", func() bool { return b.inbox.state(ids[1]).Deleted })
	if requests := b.sim.Requests(); len(requests) != 0 {
		t.Errorf("%d requests for 102 events, want none: %+v", len(requests), requests[0])
	}
	order := slices.Index(b.inbox.order, bridge.MessageID(ids[0]))
	for n, id := range ids {
		if b.inbox.order[order+n] != bridge.MessageID(id) {
			t.Fatalf("post %d came out of order", n)
		}
	}
}

func TestReactionsOfOnePostAreReadTogether(t *testing.T) {
	b := newBench(t, sim.Options{})
	b.start()
	id := b.say("alice", "react!")
	b.arrives(id, "react!")
	names := []string{"+1", "tada", "smile", "heart", "rocket", "eyes", "wave", "fire", "100", "clap"}
	held := make(chan struct{})
	b.inbox.mu.Lock()
	once := false
	b.inbox.refuse = func(batch bridge.Batch) error {
		if !once { // while the first state is being stored, the other events queue up
			once = true
			<-held
		}
		return nil
	}
	b.inbox.mu.Unlock()
	b.sim.ForgetRequests()
	for _, name := range names {
		b.must(b.sim.React("bob", id, name))
	}
	close(held)
	b.wait("all reactions arrive", func() bool { return len(b.inbox.state(id).Reactions) == len(names) })
	if got := len(b.sim.Requests()); got > 4 {
		t.Errorf("%d requests for %d reactions", got, len(names))
	}
}
