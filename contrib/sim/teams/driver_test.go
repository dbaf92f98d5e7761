package teams_test

import (
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"causeway/contrib/sim/teams"
	"github.com/google/go-cmp/cmp"
)

// serve puts a Sim on a loopback port for one test.
func serve(t *testing.T, sim *teams.Sim) *teams.Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	srv := teams.Serve(l, sim)
	t.Cleanup(func() { ok(t, srv.Close()) })
	return srv
}

func TestWhatPeopleDoAndSee(t *testing.T) {
	w := newWorld(t, teams.Options{})
	s, c := w.sim, w.general
	root := w.say(w.ada, "<p>Hello <b>all</b></p>", teams.Subject("Title"))
	reply := w.reply(w.bob, root, "<p>Hi</p>")
	gone := w.say(w.cyd, "x < y", teams.Plain())
	ok(t, s.React(w.bob, c, root, "like"))
	ok(t, s.React(w.bob, c, root, "👍")) // the same, in the other way of writing
	ok(t, s.React(w.cyd, c, root, "🎉"))
	ok(t, s.Unreact(w.cyd, c, root, "🎉"))
	ok(t, s.Edit(w.bob, c, reply, "<p>Hi <i>there</i></p>"))
	ok(t, s.Delete(w.ada, c, gone))
	system := s.SystemMessage(c, "membersAddedEventMessageDetail", nil)

	got := s.Messages(c)
	for i := range got {
		got[i].Created, got[i].Modified = time.Time{}, time.Time{}
		for j := range got[i].Replies {
			got[i].Replies[j].Created, got[i].Replies[j].Modified = time.Time{}, time.Time{}
		}
	}
	want := []teams.Message{
		{ID: root, Author: w.ada, Subject: "Title", HTML: "<p>Hello <b>all</b></p>", Raw: "<p>Hello <b>all</b></p>", Text: "Hello all",
			Reactions: []teams.Reaction{{User: w.bob, Emoji: "like"}},
			Replies: []teams.Message{{ID: reply, RootID: root, Author: w.bob, HTML: "<p>Hi <i>there</i></p>", Raw: "<p>Hi <i>there</i></p>",
				Text: "Hi there", Edited: true}}},
		{ID: gone, Author: w.cyd, Raw: "x < y", Deleted: true},
		{ID: system, HTML: "<systemEventMessage/>", Raw: "<systemEventMessage/>"},
	}
	byPointer := cmp.Comparer(func(a, b *teams.User) bool { return a == b })
	if d := cmp.Diff(want, got, byPointer); d != "" {
		t.Error(d)
	}
	ok(t, s.Undelete(w.cyd, c, gone))
	if m, there := s.Message(c, gone); !there || m.Text != "x < y" || m.Deleted {
		t.Errorf("restored: %+v", m)
	}
}

func TestDriverRefusesWhatPeopleCannotDo(t *testing.T) {
	w := newWorld(t, teams.Options{})
	s, c := w.sim, w.general
	id := w.say(w.bob, "x")
	reply := w.reply(w.bob, id, "y")
	_, strangerErr := s.Say(w.eve, c, "x")
	_, nestedErr := s.Reply(w.bob, c, reply, "x")
	_, outsideErr := s.Say(w.bob, w.secret, "x")
	deleted := w.say(w.bob, "z")
	ok(t, s.Delete(w.bob, c, deleted))
	for name, e := range map[string]struct{ got, want error }{
		"a stranger speaks":                 {strangerErr, teams.ErrNotMember},
		"an outsider of a private channel":  {outsideErr, teams.ErrNotMember},
		"a reply to a reply":                {nestedErr, teams.ErrNoMessage},
		"a stranger reacts":                 {s.React(w.eve, c, id, "👍"), teams.ErrNotMember},
		"an edit of another's":              {s.Edit(w.ada, c, id, "x"), teams.ErrNotAllowed},
		"a deletion of another's":           {s.Delete(w.cyd, c, id), teams.ErrNotAllowed},
		"an edit of what is deleted":        {s.Edit(w.bob, c, deleted, "x"), teams.ErrNoMessage},
		"an undeletion by another":          {s.Undelete(w.cyd, c, deleted), teams.ErrNotAllowed},
		"an undeletion of what never was":   {s.Undelete(w.bob, c, "1"), teams.ErrNoMessage},
		"a reaction to what is no id":       {s.React(w.bob, c, "x", "👍"), teams.ErrNoMessage},
		"a login with a code that is wrong": {s.ApproveDevice("x", w.bob), teams.ErrNoCode},
	} {
		if !errors.Is(e.got, e.want) {
			t.Errorf("%s: %v, want %v", name, e.got, e.want)
		}
	}
}

func TestMentionsFilesAndDatesOfTheDriver(t *testing.T) {
	w := newWorld(t, teams.Options{})
	young := w.say(w.ada, "young")
	old := w.say(w.bob, `<at id="0">Ada</at> see`, teams.Mentioning(w.ada), teams.At(w.clock.Now().Add(-time.Hour)),
		teams.WithFiles(teams.File{ID: "f1", Name: "a.txt", URL: "https://files.example/a.txt"}))
	r := w.get(w.messages(old), w.appToken).want(t, 200, "")
	if r.text("mentions", 0, "mentioned", "user", "id") != w.ada.ID || r.text("attachments", 0, "contentUrl") != "https://files.example/a.txt" ||
		r.text("createdDateTime") != "2026-03-01T08:00:00.12Z" || r.text("body", "content") != `<at id="0">Ada</at> see<attachment id="f1"></attachment>` {
		t.Errorf("message: %s", r.raw)
	}
	if d := cmp.Diff([]string{young, old}, w.get(w.messages(), w.appToken).ids()); d != "" {
		t.Error(d)
	}
	if seen := w.sim.Messages(w.general); seen[0].ID != old {
		t.Errorf("people see %+v first", seen[0])
	}
}

func TestEventsComeInOrderWhateverTheirSource(t *testing.T) {
	w := newWorld(t, teams.Options{})
	var got []teams.EventKind
	var ids []string
	w.sim.OnChange(func(e teams.Event) {
		if e.Kind == teams.Created && e.RootID == "" { // a hook may use the driver
			if _, err := w.sim.Reply(w.ada, e.Channel, e.ID, "welcome"); err != nil {
				t.Error(err)
			}
		}
		got, ids = append(got, e.Kind), append(ids, e.ID)
	})
	id := w.post(w.messages(), w.as(w.bob), hello).want(t, 201, "").text("id")
	w.post(w.messages(id, "setReaction"), w.as(w.bob), `{"reactionType":"👍"}`).want(t, 204, "")
	ok(t, w.sim.Unreact(w.bob, w.general, id, "👍"))
	w.send("PATCH", w.messages(id), w.as(w.bob), hello).want(t, 204, "")
	ok(t, w.sim.Delete(w.bob, w.general, id))
	w.post(w.messages(id, "undoSoftDelete"), w.as(w.bob), "").want(t, 204, "")
	want := []teams.EventKind{teams.Created, teams.Created, teams.Reacted, teams.Unreacted, teams.Edited, teams.Deleted, teams.Undeleted}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if ids[0] != id || ids[1] == id {
		t.Errorf("ids: %v", ids)
	}
}

func TestManyWritersAtOnceLoseNothing(t *testing.T) {
	w := newWorld(t, teams.Options{})
	srv := serve(t, w.sim)
	if srv.GraphURL() != srv.LoginURL()+"/v1.0" {
		t.Errorf("addresses %s and %s", srv.GraphURL(), srv.LoginURL())
	}
	events := 0
	w.sim.OnChange(func(teams.Event) { events++ }) // one at a time, so no lock is needed
	var all sync.WaitGroup
	for _, u := range []*teams.User{w.ada, w.bob, w.cyd} {
		token := w.as(u)
		all.Go(func() {
			for range 50 {
				if r := w.post(w.messages(), token, hello); r.status != 201 {
					t.Errorf("%d %s", r.status, r.raw)
				}
				w.get(w.messages()+"?$expand=replies", token)
				if _, err := w.sim.Say(u, w.general, "x"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if n := len(w.sim.Messages(w.general)); n != 300 || events != 300 {
		t.Errorf("%d messages, %d events", n, events)
	}
}
