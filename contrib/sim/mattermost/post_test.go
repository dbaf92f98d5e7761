package mattermost

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
)

func TestAPostIsStoredAsSent(t *testing.T) {
	w := newTown(t, Options{})
	sent := &model.Post{ChannelId: w.channel, UserId: w.alice.Id, Message: "  hi \n", PendingPostId: "k1", CreateAt: 5}
	sent.SetProps(model.StringInterface{"override_username": "Zoe", "gateway": map[string]any{"n": 1.0}})
	made, resp, err := w.asBot.CreatePost(w.ctx, sent)
	check(t, err)
	if resp.StatusCode != http.StatusCreated || made.UserId != w.bot.Id || made.Message != "  hi \n" || made.PendingPostId != "k1" ||
		made.CreateAt != w.millis() || made.UpdateAt != made.CreateAt || made.EditAt != 0 || len(made.Id) != 26 {
		t.Fatalf("made %+v", made)
	}
	got, _, err := w.asAlice.GetPost(w.ctx, made.Id, "")
	check(t, err)
	if got.PendingPostId != "" {
		t.Errorf("pending_post_id is stored: %q", got.PendingPostId)
	}
	same(t, "props", got.GetProps(), model.StringInterface{"from_bot": "true", "override_username": "Zoe", "gateway": map[string]any{"n": 1.0}})
}

func TestRefusedPosts(t *testing.T) {
	w := newTown(t, Options{})
	root := w.post("root")
	reply := w.reply(root, "reply")
	gone := w.post("gone")
	check(t, w.Delete("alice", gone))
	elsewhere, err := w.Post("alice", "acme/square", "elsewhere")
	check(t, err)
	w.AddChannel("acme", "attic", model.ChannelTypeOpen)
	w.Join("acme/attic", "bridge")
	w.Archive("acme/attic", true)
	long := strings.Repeat("é", MaxPostRunes)
	ids := func(n int) (out []string) {
		for range n {
			out = append(out, model.NewId())
		}
		return out
	}
	const rootID, channelRootID = "api.post.create_post.root_id.app_error", "api.post.create_post.channel_root_id.app_error"
	for name, c := range map[string]struct {
		post   *model.Post
		status int
		id     string
	}{
		"at the limit":           {&model.Post{Message: long}, 0, ""},
		"one rune too long":      {&model.Post{Message: long + "x"}, 400, "model.post.is_valid.message_length.app_error"},
		"empty":                  {&model.Post{Message: ""}, 0, ""},
		"NUL in the text":        {&model.Post{Message: "a\x00b"}, 500, "app.post.save.app_error"},
		"NUL in the props":       {&model.Post{Message: "a", Props: model.StringInterface{"a": "b\x00"}}, 500, "app.post.save.app_error"},
		"own id":                 {&model.Post{Message: "a", Id: model.NewId()}, 400, "app.post.save.existing.app_error"},
		"system type":            {&model.Post{Message: "a", Type: "system_join_channel"}, 400, "api.context.invalid_param.app_error"},
		"unknown type":           {&model.Post{Message: "a", Type: "other"}, 400, "model.post.is_valid.type.app_error"},
		"custom type":            {&model.Post{Message: "a", Type: "custom_x"}, 0, ""},
		"type me":                {&model.Post{Message: "a", Type: "me"}, 0, ""},
		"reply":                  {&model.Post{Message: "a", RootId: root}, 0, ""},
		"reply to a reply":       {&model.Post{Message: "a", RootId: reply}, 400, rootID},
		"reply to a deleted":     {&model.Post{Message: "a", RootId: gone}, 400, rootID},
		"reply to nothing":       {&model.Post{Message: "a", RootId: model.NewId()}, 400, rootID},
		"reply across channels":  {&model.Post{Message: "a", RootId: elsewhere}, 400, channelRootID},
		"archived channel":       {&model.Post{Message: "a", ChannelId: w.mustChannel("acme/attic").Id}, 400, "api.post.create_post.can_not_post_to_deleted.error"},
		"eleven files":           {&model.Post{Message: "a", FileIds: ids(11)}, 400, "model.post.is_valid.file_ids.app_error"},
		"body over 300 000":      {&model.Post{Message: "a", Props: model.StringInterface{"x": strings.Repeat("x", 301000)}}, 413, "api.context.request_body_too_large.app_error"},
		"prop of 299 000 bytes":  {&model.Post{Message: "a", Props: model.StringInterface{"x": strings.Repeat("x", 299000)}}, 0, ""},
		"files of somebody else": {&model.Post{Message: "a", FileIds: ids(2)}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := c.post.Clone()
			if p.ChannelId == "" {
				p.ChannelId = w.channel
			}
			made, _, err := w.asBot.CreatePost(w.ctx, p)
			if c.status != 0 {
				wantError(t, err, c.status, c.id)
				return
			}
			check(t, err)
			if len(made.FileIds) != 0 {
				t.Errorf("files of others were attached: %v", made.FileIds)
			}
		})
	}
}

func TestPendingPostIDs(t *testing.T) {
	w := newTown(t, Options{})
	post := func(c *model.Client4, key, channel, text string) (string, error) {
		p, _, err := c.CreatePost(w.ctx, &model.Post{ChannelId: channel, Message: text, PendingPostId: key})
		if err != nil {
			return "", err
		}
		return p.Id, nil
	}
	must := func(c *model.Client4, key, channel, text string) string {
		t.Helper()
		id, err := post(c, key, channel, text)
		check(t, err)
		return id
	}
	first := must(w.asBot, "a", w.channel, "one")
	w.add(25 * time.Second)
	if again := must(w.asAlice, "a", w.mustChannel("acme/square").Id, "other text, user and channel"); again != first {
		t.Fatal("the key is not global")
	}
	w.add(6 * time.Second)
	if again := must(w.asBot, "a", w.channel, "one"); again == first {
		t.Fatal("a repeat extended the 30 seconds")
	}

	first = must(w.asBot, "b", w.channel, "two")
	w.Restart()
	if again := must(w.asBot, "b", w.channel, "two"); again == first {
		t.Fatal("a restart kept the pending ids")
	}

	first = must(w.asBot, "c", w.channel, "three")
	check(t, w.Delete("root", first))
	_, err := post(w.asBot, "c", w.channel, "three")
	wantError(t, err, 500, "api.post.deduplicate_create_post.failed_to_get")
	w.add(PendingPostLife)
	must(w.asBot, "c", w.channel, "three")

	_, err = post(w.asBot, "d", w.channel, strings.Repeat("x", MaxPostRunes+1))
	wantError(t, err, 400, "model.post.is_valid.message_length.app_error")
	must(w.asBot, "d", w.channel, "a failed create frees the key")

	hidden := must(w.asAlice, "e", w.mustChannel("acme/cellar").Id, "private")
	if id := must(w.asBot, "e", w.channel, "may not read it"); id == hidden {
		t.Fatal("a post was handed to somebody who may not read it")
	}
}

func TestParallelPostsWithOneKeyAreOnePost(t *testing.T) {
	w := newTown(t, Options{})
	var wg sync.WaitGroup
	ids := make([]string, 8)
	for i := range ids {
		wg.Go(func() {
			p, _, err := w.asBot.CreatePost(w.ctx, &model.Post{ChannelId: w.channel, Message: "x", PendingPostId: "k"})
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = p.Id
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("several posts: %v", ids)
		}
	}
	if n := len(w.Posts(w.channel)); n != 1 {
		t.Fatalf("%d posts are stored", n)
	}
}

func TestARepeatDuringTheFirstIsPending(t *testing.T) {
	w := newTown(t, Options{})
	held := w.Inject(Fault{Method: "POST", Path: "/posts", DelayInside: time.Hour})
	ctx, cancel := contextOf(t)
	first := make(chan error, 1)
	go func() {
		_, _, err := w.asBot.CreatePost(ctx, &model.Post{ChannelId: w.channel, Message: "x", PendingPostId: "k"})
		first <- err
	}()
	eventually(t, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.pending.Contains("k")
	})
	_, _, err := w.asBot.CreatePost(w.ctx, &model.Post{ChannelId: w.channel, Message: "x", PendingPostId: "k"})
	wantError(t, err, 500, "api.post.deduplicate_create_post.pending")
	cancel()
	if err := <-first; err == nil || held.Hits() != 1 {
		t.Fatalf("the first request was not held: %v, %d hits", err, held.Hits())
	}
}

func TestEditing(t *testing.T) {
	w := newTown(t, Options{})
	made, _, err := w.asBot.CreatePost(w.ctx, &model.Post{ChannelId: w.channel, Message: "one", Props: model.StringInterface{"k": "v"}})
	check(t, err)
	w.add(10 * time.Millisecond)
	edited, _, err := w.asBot.PatchPost(w.ctx, made.Id, &model.PostPatch{Message: model.NewPointer("two")})
	check(t, err)
	if edited.EditAt != w.millis() || edited.UpdateAt != w.millis() || edited.CreateAt != made.CreateAt || edited.Message != "two" {
		t.Fatalf("edited: %+v", edited)
	}
	same(t, "props kept", edited.GetProps(), model.StringInterface{"k": "v", "from_bot": "true"})
	at := edited.EditAt
	w.add(10 * time.Millisecond)
	edited, _, err = w.asBot.PatchPost(w.ctx, made.Id, &model.PostPatch{Props: &model.StringInterface{"other": "x"}})
	check(t, err)
	same(t, "props replaced as a whole", edited.GetProps(), model.StringInterface{"other": "x"})
	if edited.EditAt != at || edited.UpdateAt != w.millis() {
		t.Fatalf("a change of props moved edit_at %d, or not update_at %d", edited.EditAt, edited.UpdateAt)
	}
	put, _, err := w.asBot.UpdatePost(w.ctx, made.Id, &model.Post{Id: made.Id, Message: "three"})
	check(t, err)
	if put.Message != "three" || len(put.GetProps()) != 0 {
		t.Fatalf("put: %+v", put)
	}
	rows := w.Rows(w.channel)
	var copies []string
	for _, r := range rows {
		if r.OriginalId == made.Id {
			copies = append(copies, r.Message)
			if r.DeleteAt == 0 || r.UpdateAt != r.DeleteAt || r.Id == made.Id {
				t.Errorf("copy of an edit: %+v", r)
			}
		}
	}
	same(t, "copies", copies, []string{"one", "two", "two"})
}

func TestRefusedEditsAndDeletions(t *testing.T) {
	w := newTown(t, Options{PostEditTimeLimit: time.Minute})
	patch := func(c *model.Client4, id, text string) error {
		_, _, err := c.PatchPost(w.ctx, id, &model.PostPatch{Message: &text})
		return err
	}
	id := w.post("x")
	wantError(t, patch(w.asAlice, id, strings.Repeat("x", MaxPostRunes+1)), 400, "model.post.is_valid.message_length.app_error")
	wantError(t, patch(w.asAlice, id, "\x00"), 500, "app.post.update.app_error")
	wantError(t, patch(w.asAlice, model.NewId(), "x"), 403, permissionID)
	wantError(t, patch(w.asAlice, w.SystemPost("alice", w.channel, "header"), "x"), 400, "api.post.update_post.system_message.app_error")
	w.add(2 * time.Minute)
	wantError(t, patch(w.asAdmin, id, "late"), 400, "api.post.update_post.permissions_time_limit.app_error")
	_, err := w.asAlice.DeletePost(w.ctx, id)
	check(t, err)
	_, err = w.asAlice.DeletePost(w.ctx, id)
	wantError(t, err, 404, "app.post.get.app_error")
	wantError(t, patch(w.asAlice, id, "x"), 403, permissionID)

	id = w.post("archived")
	w.Archive("acme/town", true)
	wantError(t, patch(w.asAlice, id, "x"), 400, "api.post.patch_post.can_not_update_post_in_deleted.error")
	_, _, err = w.asAlice.SaveReaction(w.ctx, &model.Reaction{UserId: w.alice.Id, PostId: id, EmojiName: "heart"})
	wantError(t, err, 403, "api.reaction.save.archived_channel.app_error")
	_, err = w.asAlice.DeletePost(w.ctx, id)
	wantError(t, err, 400, "api.post.delete_post.can_not_delete_post_in_deleted.error")
	if _, _, err = w.asAlice.GetPost(w.ctx, id, ""); err != nil {
		t.Fatalf("reading an archived channel: %v", err)
	}
}

func TestReactions(t *testing.T) {
	w := newTown(t, Options{})
	id := w.post("x")
	react := func(emoji string) error {
		_, _, err := w.asBot.SaveReaction(w.ctx, &model.Reaction{UserId: w.bot.Id, PostId: id, EmojiName: emoji})
		return err
	}
	at := func() int64 {
		p, _, err := w.asBot.GetPost(w.ctx, id, "")
		check(t, err)
		return p.UpdateAt
	}
	for _, emoji := range []string{"heart", "heart", "+1", "thumbsup"} {
		w.add(time.Millisecond)
		check(t, react(emoji))
		if at() != w.millis() {
			t.Fatalf("update_at did not move with %s", emoji)
		}
	}
	check(t, w.React("alice", id, "heart"))
	got, _, err := w.asBot.GetReactions(w.ctx, id)
	check(t, err)
	var names []string
	for _, x := range got {
		names = append(names, w.users[x.UserId].Username+" "+x.EmojiName)
	}
	same(t, "reactions", names, []string{"bridge heart", "bridge +1", "bridge thumbsup", "alice heart"})
	for _, emoji := range []string{"👍", "no_such_emoji"} {
		wantError(t, react(emoji), 404, "app.emoji.get_by_name.no_result")
	}
	for range 2 { // removing what is not there is fine, and moves update_at
		w.add(time.Millisecond)
		_, err = w.asBot.DeleteReaction(w.ctx, &model.Reaction{UserId: w.bot.Id, PostId: id, EmojiName: "heart"})
		check(t, err)
		if at() != w.millis() {
			t.Fatal("update_at did not move with a removal")
		}
	}
	_, err = w.asBot.DeleteReaction(w.ctx, &model.Reaction{UserId: w.alice.Id, PostId: id, EmojiName: "heart"})
	wantError(t, err, 403, permissionID)
	_, err = w.asAdmin.DeleteReaction(w.ctx, &model.Reaction{UserId: w.alice.Id, PostId: id, EmojiName: "heart"})
	check(t, err)
	bulk, _, err := w.asBot.GetBulkReactions(w.ctx, []string{id, w.post("none")})
	check(t, err)
	if len(bulk) != 2 || len(bulk[id]) != 2 {
		t.Fatalf("bulk: %v", bulk)
	}
}

func TestFiftyDifferentEmoji(t *testing.T) {
	w := newTown(t, Options{})
	id := w.post("x")
	n := 0
	var over, known string
	for name := range model.SystemEmojis {
		if n == MaxUniqueEmoji {
			over = name
			break
		}
		check(t, w.React("alice", id, name))
		known = name
		n++
	}
	wantError(t, w.React("bob", id, over), 400, "app.reaction.save.save.too_many_reactions")
	check(t, w.React("bob", id, known))
}
