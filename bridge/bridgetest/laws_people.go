package bridgetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"

	"causeway/bridge"
	"causeway/bridge/names"
	"causeway/bridge/richtext"
)

var needPeople = need(func(f Features) bool { return f.NoPeople }, "connect people")

// peopleLaws: what the bridge does as a connected person is theirs.
var peopleLaws = []Law{
	{Name: "a post as a person is theirs and known by its key", needs: needPeople, prove: postIsTheirs},
	{Name: "as a person their posts are changed", needs: needPeople, prove: changesAreTheirs},
	{Name: "a person's reactions are their own", needs: needPeople, prove: reactionsAreTheirs},
	{Name: "a revoked person stops nobody else", needs: needPeople, prove: revokedAlone},
	{Name: "what is kept outlives connecting that led to nothing", needs: needPeople, prove: keptOutlives},
	{Name: "how a person is notified is changed and put back", needs: needPeople, prove: notificationsComeBack},
	{Name: "Members gives everybody once", prove: membersAreListed},
	{Name: "nobody from elsewhere looks like a member", prove: nobodyLooksLikeAMember},
}

// persons connects people and a bridge that can act as them.
func (w *world) persons(start bool, who ...Who) Place {
	w.Helper()
	p := w.Place()
	for _, one := range who {
		w.ConnectPerson(one)
	}
	if start {
		w.start(p)
	} else {
		w.connect()
	}
	if !w.bridge.Capabilities().People {
		w.Skip("this service's accounts cannot act as people")
	}
	return p
}

// as is something that a connected person said elsewhere, where they are called otherwise.
func (w *world) as(p Place, who Who, text string) bridge.Draft {
	d := w.draft(p, text)
	d.As = w.Person(who).ID
	return d
}

func postIsTheirs(w *world) {
	p := w.persons(true, Alice)
	alice := w.Person(Alice)
	d := w.as(p, Alice, "my own words")
	id := w.post(d)
	answer := w.as(p, Alice, "an answer of mine")
	answer.Root = id
	w.post(answer)
	seen := w.shows(p, "my own words", "an answer of mine")
	for n, m := range seen {
		if m.Author != alice.Name || squash(m.Text) != []string{"my own words", "an answer of mine"}[n] {
			w.Errorf("%q by %q is not just what %q said", m.Text, m.Author, alice.Name)
		}
	}
	if seen[1].Root != id {
		w.Errorf("the answer stands in thread %q, want %q", seen[1].Root, id)
	}
	w.arrives(p, id, func(s bridge.State) string {
		if s.Key != d.Key || s.Author.ID != alice.ID {
			return fmt.Sprintf("it is reported with key %q as of %s, want %q of %s", s.Key, s.Author.ID, d.Key, alice.ID)
		}
		return ""
	})
	w.Say(p.ID, Alice, "said by hand")
	w.converges(p)
	relayed := d // as a store that was restored plans it, which does not know that they have connected
	relayed.As, relayed.Anybody = "", true
	if found, err := w.find(relayed); err != nil || !slices.Equal(found, []bridge.MessageID{id}) {
		w.Errorf("whoever has written it, Find gives %q, %v, want %q", found, err, id)
	}
	found, err := w.find(d)
	w.must("Find", err)
	if !slices.Equal(found, []bridge.MessageID{id}) {
		w.Errorf("Find gives %v, want %v", found, id)
	}
}

func changesAreTheirs(w *world) {
	p := w.persons(false, Alice)
	can := w.bridge.Capabilities()
	d := w.as(p, Alice, "first")
	id := w.post(d)
	texts := []string{"first", "by hand"}
	own := w.Say(p.ID, Alice, "by hand")
	w.shows(p, texts...)
	if can.Edit {
		d.Text = richtext.Plain("second")
		w.must("Edit", w.edit(id, d))
		mine := w.as(p, Alice, "mended")
		mine.Key = ""
		w.must("editing what they wrote by hand", w.edit(own, mine))
		for _, m := range w.shows(p, "second", "mended") {
			if m.Author != w.Person(Alice).Name || strings.Contains(m.Text, d.Author.Name) {
				w.Errorf("%q is by %q now", m.Text, m.Author)
			}
		}
	}
	if !can.Delete {
		return
	}
	for _, one := range []bridge.MessageID{id, own} {
		w.must("Delete", w.write(func(ctx context.Context) error {
			return w.bridge.Delete(ctx, bridge.Target{Conversation: p.ID, ID: one, As: d.As})
		}))
	}
	w.shows(p)
}

func reactionsAreTheirs(w *world) {
	p := w.persons(false, Alice)
	if !w.bridge.Capabilities().Reactions {
		w.Skip("this service cannot react")
	}
	id := w.Say(p.ID, Bob, "nice")
	w.must("React", w.react(p, id, "👍", true))
	alice := bridge.Reaction{User: w.Person(Alice).ID, Emoji: "👍"}
	relay := bridge.Reaction{User: w.identity.User, Emoji: "👍"}
	for _, on := range []bool{true, true, false, false} {
		w.must("React", w.write(func(ctx context.Context) error {
			return w.bridge.React(ctx, bridge.Target{Conversation: p.ID, ID: id, As: alice.User}, "👍", on)
		}))
		want := []bridge.Reaction{relay}
		if on {
			want = append(want, alice)
		}
		w.eventually("people see whose reactions there are", func() string {
			if got := w.Messages(p.ID)[0].Reactions; !slices.Equal(reactions(got), reactions(want)) {
				return fmt.Sprintf("they see %v, want %v", got, want)
			}
			return ""
		})
	}
}

func revokedAlone(w *world) {
	p := w.persons(true, Alice, Bob)
	verify := func(who Who) error {
		ctx, cancel := w.limit()
		defer cancel()
		return w.note(w.bridge.Verify(ctx, w.Person(who).ID))
	}
	w.must("Verify", verify(Alice))
	d := w.as(p, Alice, "before")
	id := w.post(d)
	w.RevokePerson(Alice)
	refused := func(what string, err error) {
		w.Helper()
		w.kind(what, err, bridge.Unauthorised)
		if bridge.ScopeOf(err) != bridge.ScopePerson {
			w.Errorf("%s: %v holds for scope %d, want the person alone", what, err, bridge.ScopeOf(err))
		}
	}
	_, err := w.tryPost(w.as(p, Alice, "not any more"))
	refused("Post", err)
	if w.bridge.Capabilities().Edit {
		d.Text = richtext.Plain("changed")
		refused("Edit", w.edit(id, d))
	}
	w.kind("Verify", verify(Alice), bridge.Unauthorised)
	w.must("Verify of somebody else", verify(Bob))
	w.post(w.as(p, Bob, "bob goes on"))
	w.post(w.draft(p, "the relay goes on"))
	w.Say(p.ID, Alice, "alice goes on by hand")
	w.shows(p, "before", "bob goes on", "the relay goes on", "alice goes on by hand")
	w.converges(p)
}

func keptOutlives(w *world) {
	p := w.persons(false, Alice)
	alice := w.Person(Alice).ID
	for range 2 {
		ctx, cancel := w.limit()
		w.must("Discard", w.note(w.bridge.Discard(ctx, alice, nil)))
		w.must("Verify after Discard", w.note(w.bridge.Verify(ctx, alice)))
		cancel()
	}
	w.post(w.as(p, Alice, "still myself"))
	w.shows(p, "still myself")
}

func notificationsComeBack(w *world) {
	p := w.persons(false, Alice)
	muted, alice := w.bridge.Capabilities().Muted, w.Person(Alice).ID
	if muted == "" {
		w.Skip("this service cannot change how people are notified")
	}
	ask := func() string {
		ctx, cancel := w.limit()
		defer cancel()
		setting, err := w.bridge.Notifications(ctx, alice, p.ID)
		w.must("Notifications", w.note(err))
		return setting
	}
	before := ask()
	if before == muted || before == "" {
		w.Errorf("the setting is %q to begin with", before)
	}
	for _, setting := range []string{muted, muted, before, before} {
		ctx, cancel := w.limit()
		w.must("SetNotifications", w.note(w.bridge.SetNotifications(ctx, alice, p.ID, setting)))
		cancel()
		if got := ask(); got != setting {
			w.Errorf("the setting is %q, want %q", got, setting)
		}
	}
}

func membersAreListed(w *world) {
	p := w.Place()
	w.connect()
	ctx, cancel := w.limit()
	defer cancel()
	all, err := w.bridge.Members(ctx, p.ID)
	if bridge.KindOf(w.note(err)) == bridge.Unsupported {
		w.Skip("this service does not list members")
	}
	w.must("Members", err)
	for _, who := range []Who{Alice, Bob} {
		n := 0
		for _, u := range all {
			if u == w.Person(who).ID {
				n++
			}
		}
		if n != 1 {
			w.Errorf("%s is listed %d times in %v", w.Person(who).ID, n, all)
		}
	}
}

// nobodyLooksLikeAMember: anybody elsewhere may call themselves what a member is called, or nearly so.
func nobodyLooksLikeAMember(w *world) {
	p := w.Place()
	w.connect()
	alice := w.Person(Alice).Name
	for _, called := range []string{alice, strings.ToUpper(alice), alice[:1] + "\u200b" + alice[1:], "\u200f" + alice, strings.ReplaceAll(alice, "A", "\u0410"), w.Person(Bob).Name} {
		d := w.draft(p, "who am I?")
		d.Author.Name = called
		id := w.post(d)
		w.tellsApart(p, id, called)
		if w.bridge.Capabilities().Edit {
			d.Text = richtext.Plain("I am " + rand.Text())
			w.must("Edit", w.edit(id, d))
			w.tellsApart(p, id, called)
		}
	}
}

// tellsApart makes sure that a post shows its author, as nobody who is a member.
func (w *world) tellsApart(p Place, id bridge.MessageID, called string) {
	w.Helper()
	for _, m := range w.Messages(p.ID) {
		if m.ID != id {
			continue
		}
		shown := append(strings.Split(m.Text, "\n"), m.Author)
		for _, who := range []Who{Alice, Bob} {
			if name := w.Person(who).Name; slices.ContainsFunc(shown, func(line string) bool { return names.Shape(line) == names.Shape(name) }) {
				w.Errorf("an author from elsewhere who is called %q is shown as %q is: %q", called, name, shown)
			}
		}
		if !slices.ContainsFunc(shown, func(line string) bool { return strings.Contains(names.Shape(line), names.Shape(called)) }) {
			w.Errorf("the author %q is not shown: %q", called, shown)
		}
		return
	}
	w.Errorf("post %s is not there", id)
}
