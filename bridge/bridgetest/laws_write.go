package bridgetest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// writeLaws: what the bridge writes is what people see.
var writeLaws = []Law{
	{Name: "a post appears once with its author's name", prove: postAppears},
	{Name: "an edit changes the post and may be repeated", prove: editChanges},
	{Name: "a deleted post is gone for good", prove: deleteRemoves},
	{Name: "reactions are set and removed and may be repeated", prove: reactSets},
	{Name: "what somebody else deleted is Gone", prove: goneIsGone},
	{Name: "deleting a root takes nobody else's replies along", prove: repliesStay},
	{Name: "Find finds the posts with its key alone", prove: findFinds},
	{Name: "Read gives the present state", prove: readReads},
	{Name: "what the capabilities deny is Unsupported", prove: deniedIsUnsupported},
	{Name: "a notice is seen by nobody else", prove: noticeIsPrivate},
}

func postAppears(w *world) {
	p := w.Place()
	w.connect()
	d := w.draft(p, "hello from elsewhere")
	id := w.post(d)
	answer := w.draft(p, "an answer from elsewhere")
	answer.Root = id
	w.post(answer)
	root := w.Say(p.ID, Alice, "alice asks")
	late := w.draft(p, "answered from elsewhere")
	late.Root = root
	w.post(late)
	seen := w.shows(p, "hello from elsewhere", "an answer from elsewhere", "alice asks", "answered from elsewhere")
	for n, want := range []bridge.MessageID{"", id, "", root} {
		if seen[n].Root != want {
			w.Errorf("%q stands in thread %q, want %q", seen[n].Text, seen[n].Root, want)
		}
		if n != 2 && !strings.Contains(seen[n].Author+seen[n].Text, d.Author.Name) {
			w.Errorf("%q by %q does not show who said it", seen[n].Text, seen[n].Author)
		}
	}
	if seen[0].ID != id {
		w.Errorf("Post gave id %s, people see %s", id, seen[0].ID)
	}
}

func editChanges(w *world) {
	p := w.Place()
	w.connect()
	if !w.bridge.Capabilities().Edit {
		w.Skip("this service cannot edit")
	}
	d := w.draft(p, "first")
	id := w.post(d)
	other := w.post(w.draft(p, "another"))
	d.Text = richtext.Plain("second")
	for range 2 {
		w.must("Edit", w.edit(id, d))
		if seen := w.shows(p, "second", "another"); seen[0].ID != id || seen[1].ID != other {
			w.Errorf("after the edit: %+v", seen)
		}
	}
}

func deleteRemoves(w *world) {
	p := w.Place()
	w.connect()
	if !w.bridge.Capabilities().Delete {
		w.Skip("this service cannot delete")
	}
	d := w.draft(p, "to be deleted")
	id := w.post(d)
	w.post(w.draft(p, "stays"))
	w.shows(p, "to be deleted", "stays")
	w.must("Delete", w.remove(p, id))
	w.shows(p, "stays")
	w.kind("deleting it again", w.remove(p, id), bridge.Gone)
	if w.bridge.Capabilities().Edit {
		w.kind("editing what was deleted", w.edit(id, d), bridge.Gone)
	}
	if found, err := w.find(d); err != nil || len(found) > 0 {
		w.Errorf("Find gives %v (%v) of what was deleted", found, err)
	}
}

func reactSets(w *world) {
	p := w.Place()
	w.connect()
	if !w.bridge.Capabilities().Reactions {
		w.Skip("this service cannot react")
	}
	w.Say(p.ID, Alice, "nice")
	id := w.Messages(p.ID)[0].ID
	w.React(p.ID, id, Bob, "👍")
	bob := bridge.Reaction{User: w.Person(Bob).ID, Emoji: "👍"}
	own := bridge.Reaction{User: w.identity.User, Emoji: "👍"}
	check := func(want ...bridge.Reaction) {
		w.Helper()
		w.eventually("people see the reactions", func() string {
			if got := w.Messages(p.ID)[0].Reactions; !slices.Equal(reactions(got), reactions(want)) || len(got) != len(want) {
				return fmt.Sprintf("they see %v, want %v", got, want)
			}
			return ""
		})
	}
	for _, on := range []bool{true, true, false, false} {
		w.must("React", w.react(p, id, "👍", on))
		if on {
			check(bob, own)
		} else {
			check(bob)
		}
	}
}

func goneIsGone(w *world) {
	p := w.Place()
	w.connect()
	can := w.bridge.Capabilities()
	d := w.draft(p, "a moderator will not like this")
	id := w.post(d)
	w.shows(p, "a moderator will not like this")
	w.RemoveAny(p.ID, id)
	w.shows(p)
	if can.Edit {
		w.kind("Edit", w.edit(id, d), bridge.Gone)
	}
	if can.Reactions {
		w.kind("React", w.react(p, id, "👍", true), bridge.Gone)
	}
	if can.Delete {
		w.kind("Delete", w.remove(p, id), bridge.Gone)
	}
	w.shows(p)
}

func repliesStay(w *world) {
	p := w.Place()
	w.connect()
	if !w.bridge.Capabilities().Delete {
		w.Skip("this service cannot delete")
	}
	id := w.post(w.draft(p, "root"))
	w.shows(p, "root")
	w.Reply(p.ID, id, Alice, "alice's answer")
	err := w.remove(p, id)
	seen := w.Messages(p.ID)
	if !slices.ContainsFunc(seen, func(m Seen) bool { return m.Text == "alice's answer" }) {
		w.Errorf("alice's answer is no longer seen: %+v (%v)", seen, err)
	}
	if err != nil {
		w.kind("Delete", err, bridge.Unsupported)
		w.shows(p, "root", "alice's answer")
	}
}

func findFinds(w *world) {
	p := w.Place()
	w.connect()
	d, same := w.draft(p, "the same words"), w.draft(p, "the same words")
	id, twin := w.post(d), w.post(same)
	w.Say(p.ID, Alice, "the same words")
	answer := w.draft(p, "an answer")
	answer.Root = id
	answered := w.post(answer)
	for _, want := range []struct {
		draft bridge.Draft
		ids   []bridge.MessageID
	}{
		{d, []bridge.MessageID{id}},
		{same, []bridge.MessageID{twin}},
		{answer, []bridge.MessageID{answered}},
		{w.draft(p, "the same words"), nil},
	} {
		found, err := w.find(want.draft)
		w.must("Find", err)
		if !slices.Equal(found, want.ids) {
			w.Errorf("Find gives %v, want %v", found, want.ids)
		}
	}
}

func readReads(w *world) {
	p := w.Place()
	w.connect()
	id := w.Say(p.ID, Alice, "present")
	reads := func(id bridge.MessageID) (bridge.State, error) {
		ctx, cancel := w.limit()
		defer cancel()
		s, err := w.bridge.Read(ctx, p.ID, id)
		return s, w.note(err)
	}
	if _, err := reads(id); bridge.KindOf(err) == bridge.Unsupported {
		w.Skip("this service cannot read one message")
	}
	check := func(what string, check func(bridge.State) string) {
		w.Helper()
		w.eventually(what, func() string {
			s, err := reads(id)
			if err != nil {
				return err.Error()
			}
			if s.ID != id || s.Conversation != p.ID || s.Author.ID != w.Person(Alice).ID {
				return fmt.Sprintf("it is %+v", s)
			}
			return check(s)
		})
	}
	check("what was said can be read", hasText("present"))
	w.Change(p.ID, id, Alice, "changed")
	check("the change can be read", hasText("changed"))
	w.React(p.ID, id, Bob, "👍")
	check("the reaction can be read", hasReactions(bridge.Reaction{User: w.Person(Bob).ID, Emoji: "👍"}))
	answer := w.Reply(p.ID, id, Bob, "an answer")
	w.eventually("an answer can be read", func() string {
		if s, err := reads(answer); err != nil || s.Root != id {
			return fmt.Sprintf("%+v (%v)", s, err)
		}
		return ""
	})
	w.Remove(p.ID, answer, Bob)
	w.eventually("the deletion can be read", func() string {
		if s, err := reads(answer); !s.Deleted && bridge.KindOf(err) != bridge.Gone {
			return fmt.Sprintf("%+v (%v)", s, err)
		}
		return ""
	})
}

func deniedIsUnsupported(w *world) {
	p := w.Place()
	w.connect()
	can := w.bridge.Capabilities()
	d := w.draft(p, "what can be done with this?")
	id := w.post(d)
	if !can.Edit {
		w.kind("Edit", w.edit(id, d), bridge.Unsupported)
	}
	if !can.Reactions {
		w.kind("React", w.react(p, id, "👍", true), bridge.Unsupported)
	}
	if !can.Delete {
		w.kind("Delete", w.remove(p, id), bridge.Unsupported)
	}
	w.shows(p, "what can be done with this?")
}

func noticeIsPrivate(w *world) {
	p := w.Place()
	w.connect()
	err := w.write(func(ctx context.Context) error {
		return w.bridge.Notify(ctx, bridge.Notice{Conversation: p.ID, User: w.Person(Alice).ID, Text: richtext.Plain("for alice alone")})
	})
	if err != nil {
		w.kind("Notify", err, bridge.Unsupported)
	}
	w.post(w.draft(p, "for all"))
	w.shows(p, "for all")
}
