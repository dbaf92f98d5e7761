package bridgetest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// faultLaws: what the errors say is true, and the feed survives what happens to it.
var faultLaws = []Law{
	{Name: "the feed survives cuts without loss", needs: need(func(f Features) bool { return f.NoCut }, "cut the feed"), prove: feedSurvivesCuts},
	{Name: "the feed survives an outage without loss", needs: need(func(f Features) bool { return f.NoFail }, "fail"), prove: feedSurvivesOutage},
	{Name: "the feed survives throttling without loss", needs: need(func(f Features) bool { return f.NoThrottle }, "throttle"), prove: feedSurvivesThrottling},
	{Name: "a post whose answer was lost is found once", needs: needLoss, prove: lostPostIsFound},
	{Name: "changes whose answer was lost may be repeated", needs: needLoss, prove: lostChangesRepeat},
	{Name: "a throttled write is tried once and says when to come back", needs: need(func(f Features) bool { return f.NoThrottle }, "throttle"), prove: throttledSaysWhen},
	{Name: "a write during an outage is tried once", needs: need(func(f Features) bool { return f.NoFail }, "fail"), prove: outageIsTriedOnce},
	{Name: "a revoked token is Unauthorised until it is granted", needs: need(func(f Features) bool { return f.NoRevoke }, "revoke the token"), prove: revokedIsUnauthorised},
	{Name: "a failing conversation does not stop the other", needs: need(func(f Features) bool { return f.NoShut }, "shut a conversation"), prove: troubleStaysAlone},
}

var needLoss = need(func(f Features) bool { return f.NoLoseAnswer }, "lose an answer")

func feedSurvivesCuts(w *world) {
	p := w.Place()
	w.start(p)
	var said []bridge.MessageID
	for n := range 4 {
		said = append(said, w.Say(p.ID, Alice, fmt.Sprintf("before cut %d", n)))
		w.Cut()
		said = append(said, w.Say(p.ID, Bob, fmt.Sprintf("after cut %d", n)))
		w.Change(p.ID, said[0], Alice, fmt.Sprintf("changed after cut %d", n))
		if n%2 == 1 {
			w.converges(p)
		}
	}
	w.converges(p)
	w.restart(p)
	w.Say(p.ID, Bob, "after a restart")
	w.converges(p)
}

func feedSurvivesOutage(w *world) {
	p := w.Place()
	w.start(p)
	w.Say(p.ID, Alice, "before")
	w.converges(p)
	w.Fail(Reads, 3)
	if !w.Features().NoCut {
		w.Cut()
	}
	w.Say(p.ID, Bob, "during")
	w.converges(p)
	w.Say(p.ID, Bob, "after")
	w.converges(p)
}

func feedSurvivesThrottling(w *world) {
	p := w.Place()
	w.start(p)
	w.Throttle(Reads, 2, time.Second)
	if !w.Features().NoCut {
		w.Cut()
	}
	w.Say(p.ID, Alice, "during")
	w.converges(p)
	w.Say(p.ID, Bob, "after")
	w.converges(p)
}

// attempts counts the writes that do makes; -1 when the handle cannot.
func (w *world) attempts(do func()) int {
	if w.Features().NoAttempts {
		do()
		return -1
	}
	before := w.Attempts()
	do()
	return w.Attempts() - before
}

// once checks that what fails is tried once.
func (w *world) once(what string, attempts int) {
	w.Helper()
	if attempts != 1 && attempts != -1 {
		w.Errorf("%s made %d attempts, want 1", what, attempts)
	}
}

func lostPostIsFound(w *world) {
	p := w.Place()
	w.start(p)
	d := w.draft(p, "did you get this?")
	w.LoseAnswer()
	var id bridge.MessageID
	var err error
	w.once("Post", w.attempts(func() { id, err = w.tryPost(d) }))
	if err != nil {
		w.kind("Post", err, bridge.Uncertain)
	}
	seen := w.shows(p, "did you get this?")
	found, err2 := w.find(d)
	w.must("Find", err2)
	if !slices.Equal(found, []bridge.MessageID{seen[0].ID}) || err == nil && id != seen[0].ID {
		w.Errorf("Find gives %v, Post gave %q, people see %s", found, id, seen[0].ID)
	}
	w.arrives(p, seen[0].ID, func(s bridge.State) string {
		if s.Key != d.Key {
			return fmt.Sprintf("its key is %q, want %q", s.Key, d.Key)
		}
		return ""
	})
	w.post(w.draft(p, "next"))
	w.shows(p, "did you get this?", "next")
	w.converges(p)
}

func lostChangesRepeat(w *world) {
	p := w.Place()
	w.connect()
	can := w.bridge.Capabilities()
	d := w.draft(p, "first")
	id := w.post(d)
	lose := func(what string, do func() error, then ...bridge.Kind) {
		w.Helper()
		w.LoseAnswer()
		if err := do(); err != nil {
			w.kind(what, err, bridge.Uncertain)
		}
		if err := do(); err != nil {
			w.kind(what+" again", err, then...)
		}
	}
	if can.Edit {
		d.Text = richtext.Plain("second")
		lose("Edit", func() error { return w.edit(id, d) })
		w.shows(p, "second")
	}
	if can.Reactions {
		lose("React", func() error { return w.react(p, id, "👍", true) })
		own := []bridge.Reaction{{User: w.identity.User, Emoji: "👍"}}
		w.eventually("people see the reaction", func() string {
			if seen := w.Messages(p.ID); len(seen) != 1 || !slices.Equal(seen[0].Reactions, own) {
				return fmt.Sprintf("they see %+v", seen)
			}
			return ""
		})
	}
	if can.Delete {
		lose("Delete", func() error { return w.remove(p, id) }, bridge.Gone)
		w.shows(p)
	}
}

func throttledSaysWhen(w *world) {
	p := w.Place()
	w.connect()
	can := w.bridge.Capabilities()
	d := w.draft(p, "once")
	w.throttled("Post", func() error { _, err := w.tryPost(d); return err })
	id := w.post(d)
	w.shows(p, "once")
	if can.Edit {
		d.Text = richtext.Plain("changed")
		w.throttled("Edit", func() error { return w.edit(id, d) })
		w.shows(p, "once")
	}
	if can.Delete {
		w.throttled("Delete", func() error { return w.remove(p, id) })
		w.must("Delete after the pause", w.remove(p, id))
		w.shows(p)
	}
}

// throttled makes one write that is throttled, and waits until it may be repeated.
func (w *world) throttled(what string, do func() error) {
	w.Helper()
	const after = 2 * time.Second
	w.Throttle(Writes, 1, after)
	var err error
	w.once(what, w.attempts(func() { err = do() }))
	w.kind(what, err, bridge.Throttled)
	if got := bridge.AfterOf(err); got < after-time.Second/2 || got > after+prompt {
		w.Errorf("%s: come back after %s, the service says %s", what, got, after)
	}
	pause(w.ctx, bridge.AfterOf(err))
}

func outageIsTriedOnce(w *world) {
	p := w.Place()
	w.connect()
	d := w.draft(p, "once")
	w.Fail(Writes, 1)
	var err error
	w.once("Post", w.attempts(func() { _, err = w.tryPost(d) }))
	w.kind("Post", err, bridge.Transient, bridge.Uncertain)
	if found, err := w.find(d); err != nil || len(found) > 0 {
		w.Errorf("Find gives %v (%v), want none", found, err)
	}
	id := w.post(d)
	w.shows(p, "once")
	if w.bridge.Capabilities().Edit {
		d.Text = richtext.Plain("changed")
		w.Fail(Writes, 1)
		w.once("Edit", w.attempts(func() { err = w.edit(id, d) }))
		w.kind("Edit", err, bridge.Transient, bridge.Uncertain)
		w.must("Edit after the outage", w.edit(id, d))
		w.shows(p, "changed")
	}
}

func revokedIsUnauthorised(w *world) {
	p := w.Place()
	w.start(p)
	w.Say(p.ID, Alice, "before")
	w.converges(p)
	w.Revoke()
	_, err := w.tryPost(w.draft(p, "must not appear"))
	w.kind("Post", err, bridge.Unauthorised)
	ctx, cancel := w.limit()
	defer cancel()
	_, err = w.bridge.Connect(ctx)
	w.kind("Connect", w.note(err), bridge.Unauthorised)
	w.Say(p.ID, Bob, "meanwhile")
	w.Grant()
	w.eventually("Connect succeeds again", func() string {
		ctx, cancel := w.limit()
		defer cancel()
		if _, err := w.bridge.Connect(ctx); w.note(err) != nil {
			return err.Error()
		}
		return ""
	})
	w.post(w.draft(p, "after"))
	w.shows(p, "before", "meanwhile", "after")
	w.converges(p)
}

func troubleStaysAlone(w *world) {
	p, q := w.Place(), w.Other()
	w.start(p, q)
	w.Say(p.ID, Alice, "before")
	w.converges(p, q)
	w.Shut(p.ID)
	w.Say(q.ID, Bob, "the other goes on")
	w.converges(q)
	w.eventually("the trouble is reported", func() string {
		if err, any := w.inbox.trouble(p.ID); !any || err == nil {
			return fmt.Sprintf("last report: %v (any: %t)", err, any)
		}
		return ""
	})
	if err, any := w.inbox.trouble(q.ID); any && err != nil {
		w.Errorf("trouble of the other conversation: %v", err)
	}
	_, err := w.tryPost(w.draft(p, "must not appear"))
	w.kind("Post", err, bridge.Unauthorised, bridge.Gone)
	if bridge.ScopeOf(err) != bridge.ScopeConversation {
		w.Errorf("the error of one conversation has scope %d: %v", bridge.ScopeOf(err), err)
	}
	w.post(w.draft(q, "written to the other"))
	w.Reopen(p.ID)
	w.Say(p.ID, Alice, "after")
	w.converges(p, q)
	w.eventually("the end of the trouble is reported", func() string {
		if err, _ := w.inbox.trouble(p.ID); err != nil {
			return "last report: " + err.Error()
		}
		return ""
	})
	w.must("Post", w.write(func(ctx context.Context) error {
		_, err := w.bridge.Post(ctx, w.draft(p, "written again"))
		return err
	}))
}
