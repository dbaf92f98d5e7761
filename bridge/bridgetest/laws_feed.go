package bridgetest

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"causeway/bridge"
)

// feedLaws: what people do is reported.
var feedLaws = []Law{
	{Name: "what people say arrives whole and in order", prove: saysArrive},
	{Name: "a reply carries its root", prove: repliesCarryRoot},
	{Name: "an edit raises the revision and sets the edit time", prove: editsArrive},
	{Name: "reactions raise the revision and are no edit", needs: need(func(f Features) bool { return f.NoReactionFeed }, "tell of reactions"), prove: reactionsArrive},
	{Name: "a deletion is reported", prove: deletionsArrive},
	{Name: "what was restored is reported as newer", needs: need(func(f Features) bool { return f.NoRestore }, "restore messages"), prove: restoredArrive},
	{Name: "own posts come back with exactly their key", prove: ownPostsCarryKey},
	{Name: "a copy that a person makes carries no key", prove: copiesCarryNoKey},
	{Name: "nothing from before the beginning counts", prove: beginningIsNow},
	{Name: "what happened while the bridge was down is read afterwards", prove: downtimeIsRead},
	{Name: "the cursor never passes a gap", prove: cursorHasNoGap},
	{Name: "a cursor may be used again", prove: cursorIsReusable},
	{Name: "a refused Put loses nothing", prove: refusedPutLosesNothing},
	{Name: "two conversations do not mix", prove: conversationsDoNotMix},
	{Name: "what is watched may change while reading", prove: watchingChanges},
}

func saysArrive(w *world) {
	p := w.Place()
	w.start(p)
	texts := []string{"Guten Morgen", "two\nparagraphs", "grüße 你好 👩‍👩‍👧 🎉", "fourth", "fifth"}
	var ids []bridge.MessageID
	for n, text := range texts {
		ids = append(ids, w.Say(p.ID, Who(n%2), text))
	}
	var last time.Time
	for n, text := range texts {
		s := w.arrives(p, ids[n], hasText(text))
		want := w.Person(Who(n % 2))
		if s.Author.ID != want.ID || s.Author.Name != want.Name || want.Username != "" && s.Author.Username != want.Username {
			w.Errorf("%q is said by %+v, want %+v", text, s.Author, want)
		}
		if s.Root != "" || !s.Edited.IsZero() || s.Key != "" || len(s.Reactions) > 0 {
			w.Errorf("%q arrived as %+v", text, s)
		}
		if s.Created.Before(last) {
			w.Errorf("%q was said at %s, the message before it at %s", text, s.Created, last)
		}
		last = s.Created
	}
	w.inOrder(p, ids)
	w.converges(p)
}

func repliesCarryRoot(w *world) {
	p := w.Place()
	w.start(p)
	one, two := w.Say(p.ID, Alice, "one"), w.Say(p.ID, Bob, "two")
	for root, who := range map[bridge.MessageID]Who{one: Bob, two: Alice} {
		id := w.Reply(p.ID, root, who, "answer")
		if s := w.arrives(p, id, hasText("answer")); s.Root != root {
			w.Errorf("the answer to %s has root %q", root, s.Root)
		}
	}
	w.converges(p)
}

func editsArrive(w *world) {
	p := w.Place()
	w.start(p)
	id := w.Say(p.ID, Alice, "first")
	before := w.arrives(p, id, hasText("first"))
	for _, text := range []string{"second", "third"} {
		w.Change(p.ID, id, Alice, text)
		s := w.arrives(p, id, hasText(text))
		if s.Revision <= before.Revision || s.Edited.IsZero() || s.Edited.Before(before.Edited) || !s.Created.Equal(before.Created) {
			w.Errorf("after the edit: %+v; before: %+v", s, before)
		}
		before = s
	}
	w.converges(p)
}

func reactionsArrive(w *world) {
	p := w.Place()
	w.start(p)
	id := w.Say(p.ID, Alice, "what do you think?")
	before := w.arrives(p, id, hasText("what do you think?"))
	alice := bridge.Reaction{User: w.Person(Alice).ID, Emoji: "👍"}
	bob := bridge.Reaction{User: w.Person(Bob).ID, Emoji: "👍"}
	check := func(want ...bridge.Reaction) {
		w.Helper()
		s := w.arrives(p, id, hasReactions(want...))
		if s.Revision <= before.Revision {
			w.Errorf("revision %d after %d", s.Revision, before.Revision)
		}
		if !s.Edited.IsZero() {
			w.Errorf("a reaction counts as an edit at %s", s.Edited)
		}
		before = s
	}
	w.React(p.ID, id, Bob, "👍")
	check(bob)
	w.React(p.ID, id, Alice, "👍")
	check(alice, bob)
	w.Unreact(p.ID, id, Bob, "👍")
	check(alice)
	w.Unreact(p.ID, id, Alice, "👍")
	check()
}

func deletionsArrive(w *world) {
	p := w.Place()
	w.start(p)
	id, stays := w.Say(p.ID, Alice, "oops"), w.Say(p.ID, Bob, "stays")
	before := w.arrives(p, id, hasText("oops"))
	w.Remove(p.ID, id, Alice)
	if s := w.arrives(p, id, isDeleted); s.Revision < before.Revision {
		w.Errorf("deleted at revision %d after %d", s.Revision, before.Revision)
	}
	w.arrives(p, stays, hasText("stays"))
	w.converges(p)
}

func restoredArrive(w *world) {
	p := w.Place()
	w.start(p)
	id := w.Say(p.ID, Alice, "back soon")
	w.arrives(p, id, hasText("back soon"))
	w.Remove(p.ID, id, Alice)
	deleted := w.arrives(p, id, isDeleted)
	w.Restore(p.ID, id, Alice)
	if s := w.arrives(p, id, hasText("back soon")); s.Revision <= deleted.Revision {
		w.Errorf("restored at revision %d after %d", s.Revision, deleted.Revision)
	}
	w.converges(p)
}

func ownPostsCarryKey(w *world) {
	p := w.Place()
	w.start(p)
	root := w.draft(p, "from elsewhere")
	answer := w.draft(p, "and an answer")
	id := w.post(root)
	answer.Root = id
	answered := w.post(answer)
	for posted, d := range map[bridge.MessageID]bridge.Draft{id: root, answered: answer} {
		s := w.arrives(p, posted, func(s bridge.State) string {
			if s.Key != d.Key {
				return fmt.Sprintf("its key is %q, want %q", s.Key, d.Key)
			}
			return ""
		})
		if s.Author.ID != w.identity.User || s.Root != d.Root {
			w.Errorf("it is by %q in thread %q, want %q and %q", s.Author.ID, s.Root, w.identity.User, d.Root)
		}
	}
	if w.bridge.Capabilities().Edit {
		root.Text = w.draft(p, "changed").Text
		w.must("Edit", w.edit(id, root))
		w.arrives(p, id, func(s bridge.State) string {
			if s.Key != root.Key || plain(s.Text) == "from elsewhere" {
				return fmt.Sprintf("key %q and text %q", s.Key, plain(s.Text))
			}
			return ""
		})
	}
	w.converges(p)
}

func copiesCarryNoKey(w *world) {
	p := w.Place()
	w.start(p)
	d := w.draft(p, "copy me")
	id := w.post(d)
	w.eventually("people see the post", func() string {
		if len(w.Messages(p.ID)) == 0 {
			return "nothing"
		}
		return ""
	})
	copied := w.Quote(p.ID, id, Alice, "look at this")
	s := w.arrives(p, copied, func(bridge.State) string { return "" })
	if s.Key != "" && !(w.Features().KeyCopied && s.Key == d.Key) {
		w.Errorf("what alice copied carries the key %q", s.Key)
	}
	if s.Author.ID != w.Person(Alice).ID {
		w.Errorf("what alice copied is by %+v", s.Author)
	}
	if found, err := w.find(d); err != nil || !slices.Equal(found, []bridge.MessageID{id}) {
		w.Errorf("Find gives %v (%v), want %s alone", found, err, id)
	}
}

func beginningIsNow(w *world) {
	p := w.Place()
	old := w.Say(p.ID, Alice, "long ago")
	pause(w.ctx, 10*time.Millisecond) // so that it has another time than the beginning, unless the clock is coarse
	w.start(p)
	begin, _ := w.inbox.begin(p.ID)
	fresh := w.Say(p.ID, Alice, "now")
	if s := w.arrives(p, fresh, hasText("now")); s.Created.Before(begin) {
		w.Errorf("said at %s after the beginning, which is given as %s", s.Created, begin)
	}
	w.React(p.ID, old, Bob, "👍")
	marker := w.Say(p.ID, Bob, "marker")
	w.arrives(p, marker, hasText("marker"))
	// Of one with the time of the beginning itself nobody can tell.
	if s, arrived := w.inbox.state(p.ID, old); arrived && s.Created.After(begin) {
		w.Errorf("a message from before the beginning (%s) was reported as of %s", begin, s.Created)
	}
}

func downtimeIsRead(w *world) {
	p := w.Place()
	w.start(p)
	var old []bridge.MessageID
	for n := range 6 {
		old = append(old, w.Say(p.ID, Alice, fmt.Sprintf("old %d", n)))
	}
	w.React(p.ID, old[5], Bob, "🎉")
	w.converges(p)
	w.stop()

	first := w.Say(p.ID, Bob, "while it was down")
	w.Change(p.ID, old[0], Alice, "old 0, changed")
	w.Remove(p.ID, old[1], Alice)
	w.React(p.ID, old[2], Bob, "👍")
	reply := w.Reply(p.ID, old[3], Bob, "an answer to something old")
	brief := w.Say(p.ID, Alice, "said and deleted while it was down")
	w.Remove(p.ID, brief, Alice)
	w.Change(p.ID, first, Bob, "while it was down, changed")
	w.Unreact(p.ID, old[5], Bob, "🎉")
	last := w.Say(p.ID, Alice, "the last one")

	w.restart(p)
	w.converges(p)
	w.arrives(p, old[1], isDeleted)
	w.arrives(p, old[0], hasText("old 0, changed"))
	if s, arrived := w.inbox.state(p.ID, brief); arrived && !s.Deleted {
		w.Error("what was deleted while the bridge was down is reported as there")
	}
	w.inOrder(p, []bridge.MessageID{first, reply, last})
}

// cursorHasNoGap ends Run after every single Put that is stored, and lets people go on meanwhile.
func cursorHasNoGap(w *world) {
	p := w.Place()
	w.start(p)
	var said []bridge.MessageID
	for round := range 8 {
		killed := make(chan struct{}, 1)
		run := w.run
		w.inbox.hooks(nil, func() {
			run.cancel()
			select {
			case killed <- struct{}{}:
			default:
			}
		})
		said = append(said, w.Say(p.ID, Alice, fmt.Sprintf("%d a", round)))
		said = append(said, w.Say(p.ID, Bob, fmt.Sprintf("%d b", round)))
		w.Change(p.ID, said[round], Who(round%2), fmt.Sprintf("changed in round %d", round))
		select {
		case <-killed:
		case <-time.After(w.Within()):
			w.Fatalf("nothing was put within %s", w.Within())
		}
		w.Say(p.ID, Bob, fmt.Sprintf("%d c, while it is down", round))
		w.inbox.hooks(nil, nil)
		w.restart(p)
	}
	w.converges(p)
}

// cursorIsReusable takes the stored cursor back to an older one, as a restored backup does.
func cursorIsReusable(w *world) {
	p := w.Place()
	w.start(p)
	w.inbox.mu.Lock()
	backup := w.inbox.cursors[p.ID]
	w.inbox.mu.Unlock()
	ids := []bridge.MessageID{w.Say(p.ID, Alice, "one"), w.Say(p.ID, Bob, "two")}
	w.converges(p)
	w.stop()
	w.inbox.mu.Lock()
	w.inbox.cursors[p.ID] = backup
	clear(w.inbox.newest)
	w.inbox.arrived = nil
	w.inbox.mu.Unlock()
	w.restart(p)
	w.converges(p)
	w.inOrder(p, ids)
}

func refusedPutLosesNothing(w *world) {
	p := w.Place()
	w.start(p)
	var refused atomic.Int32
	w.inbox.hooks(func(_ context.Context, b bridge.Batch) error {
		if len(b.States) > 0 && refused.Add(1) <= 3 {
			return errDisk
		}
		return nil
	}, nil)
	w.Say(p.ID, Alice, "the disk is full")
	w.eventually("the Put is refused", func() string {
		if refused.Load() == 0 {
			return "nothing was put"
		}
		return ""
	})
	w.Say(p.ID, Bob, "and more comes")
	w.converges(p)
	w.restart(p)
	w.Say(p.ID, Bob, "after a restart")
	w.converges(p)
}

func conversationsDoNotMix(w *world) {
	p, q := w.Place(), w.Other()
	w.start(p, q)
	for n := range 4 {
		w.Say(p.ID, Alice, fmt.Sprintf("in the first, %d", n))
		id := w.Say(q.ID, Alice, fmt.Sprintf("in the second, %d", n))
		w.Reply(q.ID, id, Bob, fmt.Sprintf("answer in the second, %d", n))
	}
	one, two := w.draft(p, "posted in the first"), w.draft(q, "posted in the second")
	w.post(one)
	id := w.post(two)
	if found, err := w.find(two); err != nil || !slices.Equal(found, []bridge.MessageID{id}) {
		w.Errorf("Find in the second gives %v (%v), want %s", found, err, id)
	}
	one.Conversation = q.ID
	if found, err := w.find(one); err != nil || len(found) > 0 {
		w.Errorf("Find gives %v (%v) in a conversation where it was not posted", found, err)
	}
	w.converges(p, q)
}

func watchingChanges(w *world) {
	p, q := w.Place(), w.Other()
	w.start(p)
	w.ignored[message{q.ID, w.Say(q.ID, Alice, "not watched yet")}] = true
	w.inbox.watch(p, q)
	w.eventually("the second conversation begins", func() string {
		if _, begun := w.inbox.begin(q.ID); begun {
			return ""
		}
		return "it has no cursor"
	})
	w.Say(p.ID, Bob, "in the first")
	w.Say(q.ID, Bob, "in the second")
	w.converges(p, q)
	w.inbox.watch(q)
	w.Say(q.ID, Bob, "still watched")
	w.converges(q)
	w.Say(p.ID, Bob, "in the first, not watched")
	w.inbox.watch(p, q)
	w.converges(p, q)
}
