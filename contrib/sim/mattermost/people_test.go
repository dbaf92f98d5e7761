package mattermost

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/mattermost/mattermost/server/public/model"
)

func TestWhatPeopleDoIsWhatPeopleSee(t *testing.T) {
	w := newTown(t, Options{})
	step := func(id string, err error) string {
		t.Helper()
		check(t, err)
		w.add(time.Second)
		return id
	}
	root := step(w.Post("alice", "acme/town", "hello"))
	reply := step(w.Reply("bob", root, "hi"))
	nested := step(w.Reply("alice", reply, "a reply to a reply joins the thread"))
	me := step(w.SlashMe("bob", "acme/town", "waves"))
	hook := step(w.WebhookPost("alice", "acme/town", "CI", "green"))
	system := w.SystemPost("alice", "acme/town", "changed the header")
	w.add(time.Second)
	gone := step(w.Post("bob", "acme/town", "oops"))
	check(t, w.Edit("alice", root, "hello!"))
	check(t, w.React("bob", root, "heart"))
	check(t, w.React("alice", root, "heart"))
	check(t, w.React("alice", root, "tada"))
	check(t, w.Unreact("alice", root, "tada"))
	check(t, w.Delete("bob", gone))
	want := []PostView{
		{ID: root, Author: "alice", Shown: "alice", Text: "hello!", Edited: true, Reaction: map[string][]string{"heart": {"alice", "bob"}}},
		{ID: reply, Author: "bob", Shown: "bob", Text: "hi", Root: root},
		{ID: nested, Author: "alice", Shown: "alice", Text: "a reply to a reply joins the thread", Root: root},
		{ID: me, Author: "bob", Shown: "bob", Text: "*waves*", Type: "me"},
		{ID: hook, Author: "alice", Shown: "CI", Text: "green"},
	}
	same2(t, w.Posts("acme/town"), want)
	history := w.History(w.channel)
	tail := []PostView{{ID: system, Author: "alice", Shown: "System", Text: "changed the header", Type: "system_header_change"},
		{ID: gone, Author: "bob", Shown: "bob", Deleted: true}}
	same2(t, history[len(history)-2:], tail)
	if v, ok := w.Look(gone); !ok || !v.Deleted || v.Text != "" {
		t.Fatalf("Look at a deleted post: %+v %v", v, ok)
	}
	if _, ok := w.Look(model.NewId()); ok {
		t.Fatal("Look found what is not there")
	}
}

func same2(t *testing.T, got, want []PostView) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(PostView{}, "At", "Props")); diff != "" {
		t.Fatalf("posts (-want +got):\n%s", diff)
	}
}

func TestPeopleAreRefusedLikeClients(t *testing.T) {
	w := newTown(t, Options{})
	id := w.post("x")
	wantError(t, w.Edit("bob", id, "y"), 403, permissionID)
	wantError(t, w.Delete("bob", id), 403, permissionID)
	check(t, w.EditProps("root", id, model.StringInterface{"a": "b"}))
	_, err := w.Post("carol", w.channel, "not a member")
	wantError(t, err, 403, permissionID)
	check(t, w.Delete("alice", id))
	for _, err := range []error{w.Edit("alice", id, "y"), w.Delete("alice", id), w.React("bob", id, "heart"), w.Unreact("bob", id, "heart")} {
		wantError(t, err, 404, "app.post.get.app_error")
	}
	_, err = w.Reply("alice", id, "late")
	wantError(t, err, 404, "app.post.get.app_error")
	w.Leave(w.channel, "alice")
	_, err = w.Post("alice", w.channel, "left")
	wantError(t, err, 403, permissionID)
	w.Archive(w.channel, true)
	if _, err = w.Post("bob", w.channel, "archived"); err == nil {
		t.Fatal("a post in an archived channel")
	}
}

func TestNonsensePanics(t *testing.T) {
	w := newTown(t, Options{})
	for name, nonsense := range map[string]func(){
		"user":      func() { w.Token("nobody") },
		"channel":   func() { w.Posts("acme/nowhere") },
		"team":      func() { w.AddToTeam("nowhere", "alice") },
		"same user": func() { w.AddUser("alice") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			nonsense()
		}()
	}
	w.post("the lock was given back")
}

func TestConcurrentUse(t *testing.T) {
	w := newTown(t, Options{Now: time.Now, OnEvent: func(*model.WebSocketEvent) {}})
	k := w.connect(w.botToken)
	done := make(chan struct{})
	for _, who := range []string{"alice", "bob"} {
		go func() {
			defer func() { done <- struct{}{} }()
			for range 40 {
				id, err := w.Post(who, w.channel, "x")
				if err == nil {
					err = w.Edit(who, id, "y")
				}
				if err == nil {
					err = w.React(who, id, "heart")
				}
				if err == nil {
					_, err = w.Reply(who, id, "z")
				}
				if err != nil {
					t.Error(err)
				}
				_, _, err = w.asAlice.GetPostsSince(w.ctx, w.channel, 1, false)
				if err != nil {
					t.Error(err)
				}
			}
		}()
	}
	finished := 0
	for events := 0; events < 2*40*4; {
		select {
		case <-done:
			finished++
		default:
		}
		if f := k.read(); f.Seq > 1 {
			events++
		}
	}
	for ; finished < 2; finished++ {
		<-done
	}
	same(t, "posts", len(w.Posts(w.channel)), 160)
}
