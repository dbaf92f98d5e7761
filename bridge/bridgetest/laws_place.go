package bridgetest

import (
	"context"
	"errors"
	"slices"

	"causeway/bridge"
)

// placeLaws: who and where.
var placeLaws = []Law{
	{Name: "Connect tells who the account is and Check finds nothing fatal", prove: connectTells},
	{Name: "Resolve finds by every name and says what is unknown", prove: resolveFinds},
	{Name: "people are known by their id", prove: peopleAreKnown},
	{Name: "a direct conversation is opened once", prove: directIsOpenedOnce},
}

func connectTells(w *world) {
	w.connect()
	first := w.identity
	if first.User == "" || first.Name == "" || first.Server != w.Place().ID.Server {
		w.Errorf("the account is %+v, the conversation is on %q", first, w.Place().ID.Server)
	}
	ctx, cancel := w.limit()
	defer cancel()
	for _, f := range w.bridge.Check(ctx) {
		w.leaks("a finding", f.Text)
		if f.Fatal {
			w.Errorf("Check finds: %s", f.Text)
		}
	}
	if again, err := w.bridge.Connect(ctx); w.note(err) != nil || again != first {
		w.Errorf("a second Connect gives %+v (%v), want %+v", again, err, first)
	}
	w.stop()
	w.connect()
	if w.identity != first {
		w.Errorf("after a restart the account is %+v, before it was %+v", w.identity, first)
	}
}

func resolveFinds(w *world) {
	w.connect()
	ctx, cancel := w.limit()
	defer cancel()
	listed, err := w.bridge.Conversations(ctx)
	w.must("Conversations", w.note(err))
	for _, p := range []Place{w.Place(), w.Other()} {
		at := slices.IndexFunc(listed, func(c bridge.Conversation) bool { return c.ID == p.ID })
		if at < 0 {
			w.Fatalf("%s is not in the list of conversations", p.ID)
		}
		for _, name := range append(slices.Clone(p.Names), listed[at].Name) {
			c, err := w.bridge.Resolve(ctx, name, bridge.Read|bridge.Write)
			if w.note(err) != nil || c.ID != p.ID || c.Name == "" {
				w.Errorf("Resolve(%q) gives %+v (%v), want %s", name, c, err, p.ID)
			}
		}
	}
	for _, name := range []string{"no-such-team/no-such-channel", "x", "https://example.com/somewhere"} {
		_, err := w.bridge.Resolve(ctx, name, bridge.Read)
		w.kind("Resolve of "+name, w.note(err), bridge.Gone)
		var known *bridge.Error
		if !errors.As(err, &known) || known.Hint == "" {
			w.Errorf("Resolve of %s: %v gives no hint", name, err)
		}
	}
}

func peopleAreKnown(w *world) {
	w.connect()
	ctx, cancel := w.limit()
	defer cancel()
	for _, who := range []Who{Alice, Bob} {
		want := w.Person(who)
		got, err := w.bridge.LookUp(ctx, want.ID)
		if bridge.KindOf(w.note(err)) == bridge.Unsupported && err != nil {
			w.Skip("this service cannot look up people")
		}
		if err != nil || got.ID != want.ID || got.Name != want.Name {
			w.Errorf("LookUp(%s) gives %+v (%v), want %+v", want.ID, got, err, want)
		}
	}
}

func directIsOpenedOnce(w *world) {
	w.connect()
	opened := func(people ...bridge.UserID) (id bridge.ConversationID, err error) {
		err = w.write(func(ctx context.Context) error {
			id, err = w.bridge.OpenConversation(ctx, bridge.Opening{People: people})
			return err
		})
		return id, err
	}
	alice, bob := w.Person(Alice).ID, w.Person(Bob).ID
	one, err := opened(alice, bob)
	if err != nil && bridge.KindOf(err) == bridge.Unsupported {
		w.Skip("this service cannot open direct conversations")
	}
	w.must("OpenConversation", err)
	same, err := opened(bob, alice)
	w.must("OpenConversation", err)
	if one != same || one.Channel == "" || one == w.Place().ID || one == w.Other().ID {
		w.Errorf("the conversation of alice and bob is %s, then %s", one, same)
	}
}
