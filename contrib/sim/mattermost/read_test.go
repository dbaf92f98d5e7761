package mattermost

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
)

// texts shows a list's order: text, marked where deleted or a copy.
func texts(list *model.PostList) []string {
	out := []string{}
	for _, id := range list.Order {
		p := list.Posts[id]
		text := p.Message
		if p.DeleteAt > 0 {
			text += "deleted"
		}
		if p.OriginalId != "" {
			text += " copy"
		}
		out = append(out, text)
	}
	return out
}

func TestSinceIsStrictAndNewestFirst(t *testing.T) {
	w := newTown(t, Options{})
	w.post("one")
	at := w.millis()
	w.post("same millisecond")
	w.add(time.Millisecond)
	w.post("two")
	list := w.since(at)
	same(t, "strictly later", texts(list), []string{"two"})
	same(t, "nothing beside the order", len(list.Posts), 1)
	same(t, "all", texts(w.since(at-1)), []string{"two", "same millisecond", "one"})
	same(t, "none", texts(w.since(w.millis())), []string{})
}

func TestSinceShowsEditsAsCopies(t *testing.T) {
	w := newTown(t, Options{})
	id := w.post("one")
	w.add(time.Second)
	at := w.millis()
	w.add(time.Second)
	check(t, w.Edit("alice", id, "two"))
	list := w.since(at)
	same(t, "rows", texts(list), []string{"deleted copy", "two"})
	if p := list.Posts[id]; p.EditAt == 0 || p.OriginalId != "" {
		t.Fatalf("the edited post: %+v", p)
	}
}

func TestSinceShowsDeletions(t *testing.T) {
	w := newTown(t, Options{})
	root := w.post("root")
	w.add(time.Millisecond)
	reply := w.reply(root, "reply")
	check(t, w.React("bob", reply, "heart"))
	w.add(time.Second)
	at := w.millis()
	w.add(time.Second)
	check(t, w.Delete("root", root))
	list := w.since(at)
	same(t, "a root takes its replies along", texts(list), []string{"deleted", "deleted"})
	for _, id := range []string{root, reply} {
		p := list.Posts[id]
		if p.GetProp("deleteBy") != w.admin.Id || p.Metadata != nil && len(p.Metadata.Reactions) != 0 || p.DeleteAt != w.millis() {
			t.Fatalf("deleted: %+v", p)
		}
	}
}

func TestSinceBumpsRoots(t *testing.T) {
	w := newTown(t, Options{})
	root := w.post("root")
	w.add(time.Second)
	at := w.millis()
	w.add(time.Second)
	reply := w.reply(root, "reply")
	list := w.since(at)
	same(t, "a reply bumps its root", texts(list), []string{"reply", "root"})
	if list.Posts[root].UpdateAt != w.millis() || list.Posts[root].EditAt != 0 || list.Posts[root].ReplyCount != 1 {
		t.Fatalf("bumped root: %+v", list.Posts[root])
	}
	w.add(time.Second)
	at = w.millis()
	w.add(time.Second)
	check(t, w.React("bob", reply, "heart"))
	list = w.since(at)
	same(t, "a reaction to the reply does not", texts(list), []string{"reply"})
	if list.Posts[root] == nil {
		t.Fatal("the root does not come along outside of the order")
	}
	if got := list.Posts[reply].Metadata.Reactions; len(got) != 1 || got[0].EmojiName != "heart" {
		t.Fatalf("reactions of the reply: %v", got)
	}
	at = w.millis()
	w.add(time.Second)
	check(t, w.Delete("alice", reply))
	same(t, "a deleted reply bumps its root", texts(w.since(at)), []string{"deleted", "root"})
	at = w.millis()
	w.add(time.Second)
	collapsed, _, err := w.asBot.GetPostsSince(w.ctx, w.channel, at, true)
	check(t, err)
	w.reply(root, "again")
	same(t, "before", texts(collapsed), []string{})
	collapsed, _, err = w.asBot.GetPostsSince(w.ctx, w.channel, at, true)
	check(t, err)
	same(t, "collapsed threads leave replies out", texts(collapsed), []string{"root"})
}

func TestSinceReturnsTheOldestThousand(t *testing.T) {
	w := newTown(t, Options{})
	for i := range 1300 {
		w.add(time.Millisecond)
		w.post(fmt.Sprint(i))
	}
	url := "/channels/" + w.channel + fmt.Sprintf("/posts?since=%d&per_page=5", w.firstMillis)
	resp, err := w.asBot.DoAPIGet(w.ctx, url, "")
	check(t, err)
	defer resp.Body.Close()
	list := decode[model.PostList](t, resp)
	if len(list.Order) != 1000 || list.Posts[list.Order[0]].Message != "999" || list.Posts[list.Order[999]].Message != "0" {
		t.Fatalf("%d rows, from %q to %q", len(list.Order), list.Posts[list.Order[0]].Message, list.Posts[list.Order[len(list.Order)-1]].Message)
	}
}

func TestBackdatedPostsAreInvisibleToSince(t *testing.T) {
	w := newTown(t, Options{})
	at := w.millis()
	w.add(time.Second)
	p, _, err := w.asAdmin.CreatePost(w.ctx, &model.Post{ChannelId: w.channel, Message: "old", CreateAt: at - 5000})
	check(t, err)
	if p.CreateAt != at-5000 || p.UpdateAt != at-5000 {
		t.Fatalf("an administrator's create_at: %+v", p)
	}
	same(t, "since", texts(w.since(at)), []string{})
}

func TestPaging(t *testing.T) {
	w := newTown(t, Options{})
	w.add(time.Second)
	var ids []string
	for i := range 7 {
		w.add(time.Millisecond)
		ids = append(ids, w.post(fmt.Sprint(i)))
	}
	check(t, w.Delete("alice", ids[3]))
	check(t, w.Edit("alice", ids[4], "4 edited"))
	page := func(query string) *model.PostList {
		t.Helper()
		resp, err := w.asBot.DoAPIGet(w.ctx, "/channels/"+w.channel+"/posts?"+query, "")
		check(t, err)
		defer resp.Body.Close()
		list := decode[model.PostList](t, resp)
		return &list
	}
	same(t, "newest page", texts(page("per_page=2")), []string{"6", "5"})
	same(t, "second page", texts(page("per_page=2&page=1")), []string{"4 edited", "2"})
	same(t, "after", texts(page("per_page=2&after="+ids[0])), []string{"2", "1"})
	same(t, "after, next page", texts(page("per_page=2&page=1&after="+ids[0])), []string{"5", "4 edited"})
	same(t, "before", texts(page("per_page=2&before="+ids[2])), []string{"1", "0"})
	list := page("per_page=2&before=" + ids[6])
	if list.NextPostId != ids[6] || list.PrevPostId != ids[2] {
		t.Fatalf("neighbours: next %s, previous %s; posts %v", list.NextPostId, list.PrevPostId, ids)
	}
	for range 210 {
		w.post("many")
	}
	if n := len(page("per_page=1000").Order); n != MaxPerPage {
		t.Fatalf("per_page is not capped: %d", n)
	}
}

func TestPagesBringThreadsAlong(t *testing.T) {
	w := newTown(t, Options{})
	root := w.post("root")
	w.add(time.Millisecond)
	w.post("between")
	w.add(time.Millisecond)
	w.reply(root, "reply")
	list, _, err := w.asBot.GetPostsForChannel(w.ctx, w.channel, 0, 1, "", false, false)
	check(t, err)
	same(t, "order", texts(list), []string{"reply"})
	if list.Posts[root] == nil || len(list.Posts) != 2 {
		t.Fatalf("posts: %v", list.Posts)
	}
}

func TestETagsChangeWithEverything(t *testing.T) {
	w := newTown(t, Options{})
	id := w.post("x")
	etag := ""
	read := func() int {
		_, resp, err := w.asBot.GetPostsForChannel(w.ctx, w.channel, 0, 30, etag, false, false)
		check(t, err)
		if resp.StatusCode == http.StatusOK {
			etag = resp.Etag
		}
		return resp.StatusCode
	}
	same(t, "first", read(), 200)
	for _, change := range []func() error{
		func() error { return w.React("bob", id, "heart") },
		func() error { return w.Unreact("bob", id, "heart") },
		func() error { return w.Edit("alice", id, "y") },
		func() error { _, err := w.Reply("bob", id, "r"); return err },
		func() error { return w.Delete("alice", id) },
	} {
		same(t, "unchanged", read(), 304)
		w.add(time.Millisecond)
		check(t, change())
		same(t, "changed", read(), 200)
	}
}

func TestThreadsAndPostsByID(t *testing.T) {
	w := newTown(t, Options{})
	root := w.post("root")
	w.add(time.Millisecond)
	gone := w.reply(root, "gone")
	w.add(time.Millisecond)
	reply := w.reply(root, "reply")
	check(t, w.Delete("alice", gone))
	list, _, err := w.asBot.GetPostThread(w.ctx, root, "", false)
	check(t, err)
	same(t, "thread", texts(list), []string{"root", "reply"})
	list, _, err = w.asBot.GetPostThread(w.ctx, reply, "", false)
	check(t, err)
	same(t, "thread from a reply", texts(list), []string{"reply", "root"})
	_, _, err = w.asBot.GetPostThread(w.ctx, gone, "", false)
	wantError(t, err, 404, "app.post.get.app_error")
	posts, _, err := w.asBot.GetPostsByIds(w.ctx, []string{root, gone, model.NewId()})
	check(t, err)
	var got []string
	for _, p := range posts {
		got = append(got, fmt.Sprintf("%q %v", p.Message, p.DeleteAt > 0))
	}
	slices.Sort(got)
	same(t, "by ids", got, []string{`"" true`, `"root" false`})
	_, _, err = w.asBot.GetPostIncludeDeleted(w.ctx, gone, "")
	wantError(t, err, 403, permissionID)
	p, _, err := w.asAdmin.GetPostIncludeDeleted(w.ctx, gone, "")
	check(t, err)
	if p.Message != "" || p.DeleteAt == 0 {
		t.Fatalf("deleted post: %+v", p)
	}
}

func TestLastPostAtMovesWithNewPostsOnly(t *testing.T) {
	w := newTown(t, Options{})
	id := w.post("x")
	made := w.millis()
	w.add(time.Second)
	check(t, w.Edit("alice", id, "y"))
	check(t, w.React("bob", id, "heart"))
	check(t, w.Delete("alice", id))
	list, _, err := w.asBot.GetChannelsForUserWithLastDeleteAt(w.ctx, "me", 0)
	check(t, err)
	i := slices.IndexFunc(list, func(c *model.Channel) bool { return c.Id == w.channel })
	if list[i].LastPostAt != made {
		t.Fatalf("last_post_at %d, want %d", list[i].LastPostAt, made)
	}
}
