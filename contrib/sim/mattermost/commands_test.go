package mattermost

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mattermost/mattermost/server/public/model"
)

// integration answers everything the same way and notes what came.
type integration struct {
	*httptest.Server
	heard []string
	say   string
	code  int
}

func newIntegration(t *testing.T) *integration {
	i := &integration{code: 200}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		i.heard = append(i.heard, r.Header.Get("Authorization")+" "+r.Header.Get("Content-Type")+" "+string(body))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(i.code)
		_, _ = io.WriteString(w, i.say)
	}))
	t.Cleanup(i.Close)
	return i
}

func TestCommands(t *testing.T) {
	w := newTown(t, Options{})
	i := newIntegration(t)
	team := w.teamByName("acme").Id
	add := func(as *model.Client4, word string) (*model.Command, error) {
		k, _, err := as.CreateCommand(w.ctx, &model.Command{TeamId: team, Trigger: word, URL: i.URL, Method: "P", Username: "Causeway"})
		return k, err
	}
	_, err := add(w.asBot, "msteams")
	wantError(t, err, 403, permissionID)
	k, err := add(w.asAdmin, "MSTeams")
	check(t, err)
	same(t, "the word", k.Trigger, "msteams")
	for _, word := range []string{"msteams", "shrug"} {
		_, err = add(w.asAdmin, word)
		wantError(t, err, 400, "api.command.duplicate_trigger.app_error")
	}
	i.say = `{"response_type":"ephemeral","text":"for alice"}`
	check(t, w.Command("alice", "acme/town", "/msteams connect  now"))
	if len(i.heard) != 1 || !strings.HasPrefix(i.heard[0], "Token "+k.Token+" application/x-www-form-urlencoded ") || !strings.Contains(i.heard[0], "text=connect++now") ||
		!strings.Contains(i.heard[0], "user_id="+w.alice.Id) || !strings.Contains(i.heard[0], "command=%2Fmsteams") {
		t.Errorf("the integration heard %v", i.heard)
	}
	shown := w.Ephemerals()
	if len(shown) != 1 || shown[0].To != w.alice.Id || shown[0].Post.Message != "for alice" || shown[0].Post.GetProp("override_username") != "Causeway" {
		t.Errorf("shown: %+v", shown)
	}
	i.say = `{"response_type":"in_channel","text":"for all"}`
	check(t, w.Command("alice", "acme/town", "/msteams"))
	if posts := w.Posts("acme/town"); len(posts) != 1 || posts[0].Author != "alice" || posts[0].Shown != "Causeway" {
		t.Errorf("in the channel: %+v", posts)
	}
	check(t, w.Command("alice", w.Direct("alice", "bob").Id, "/msteams"))
	wantError(t, w.Command("alice", "acme/town", "/nothing"), 404, "api.command.execute_command.not_found.app_error")
	wantError(t, w.Command("carol", "acme/town", "/msteams"), 403, permissionID)
	i.code = 401
	wantError(t, w.Command("alice", "acme/town", "/msteams"), 500, "api.command.execute_command.failed_resp.app_error")
	w.Configure(func(o *Options) { o.AllowedInternal = "none" })
	wantError(t, w.Command("alice", "acme/town", "/msteams"), 500, "api.command.execute_command.failed.app_error")
	moved := *k
	moved.URL, moved.Token = "https://causeway.example.com/x", "mine"
	kept, _, err := w.asAdmin.UpdateCommand(w.ctx, &moved)
	check(t, err)
	same(t, "the token stays", kept.Token, k.Token)
	_, err = w.asBot.DeleteCommand(w.ctx, k.Id)
	wantError(t, err, 404, "store.sql_command.get.missing.app_error")
	_, err = w.asAdmin.DeleteCommand(w.ctx, k.Id)
	check(t, err)
	w.Configure(func(o *Options) { o.NoCommands = true })
	_, err = add(w.asAdmin, "again")
	wantError(t, err, 501, "api.command.disabled.app_error")
}

func TestButtons(t *testing.T) {
	w := newTown(t, Options{})
	i := newIntegration(t)
	post := func(id string) string {
		made, _, err := w.asBot.CreatePost(w.ctx, &model.Post{ChannelId: w.channel, Message: "press", Props: model.StringInterface{"mine": "kept", "attachments": []*model.SlackAttachment{{
			Actions: []*model.PostAction{{Id: id, Name: "Go", Type: "button", Integration: &model.PostActionIntegration{URL: i.URL, Context: map[string]any{"secret": "s"}}}},
		}}}})
		check(t, err)
		return made.Id
	}
	dashed := post("go-on")
	wantError(t, w.Press("alice", dashed, "Go"), 404, "api.context.404.app_error")
	id := post("go")
	seen, _, err := w.asAlice.GetPost(w.ctx, id, "")
	check(t, err)
	if a := seen.Attachments()[0].Actions[0]; a.Integration != nil {
		t.Errorf("clients see %+v", a.Integration)
	}
	wantError(t, w.Press("carol", w.private(i.URL), "Go"), 403, permissionID)
	i.say = `{"ephemeral_text":"noted"}`
	check(t, w.Press("alice", id, "Go"))
	var request model.PostActionIntegrationRequest
	_, body, _ := strings.Cut(i.heard[0], "application/json ")
	check(t, json.Unmarshal([]byte(body), &request))
	if !strings.HasPrefix(i.heard[0], " application/json") || request.UserId != w.alice.Id || request.PostId != id || request.Context["secret"] != "s" {
		t.Errorf("the integration heard %v", i.heard)
	}
	same(t, "the buttons stay", w.Buttons(id), []string{"Go"})
	i.say = `{"update":{"message":"done"}}`
	check(t, w.Press("alice", id, "Go"))
	same(t, "without props they stay", w.Buttons(id), []string{"Go"})
	i.say = `{"update":{"message":"done","props":{}}}`
	check(t, w.Press("alice", id, "Go"))
	if v, _ := w.Look(id); v.Text != "done" || len(w.Buttons(id)) != 0 || !v.Edited {
		t.Errorf("afterwards: %+v", v)
	}
	i.code = 500
	wantError(t, w.Press("alice", post("x"), "Go"), 400, "api.post.do_action.action_integration.app_error")
}

// private makes a post with a button where carol is not.
func (w *town) private(address string) string {
	w.t.Helper()
	made, _, err := w.asAlice.CreatePost(w.ctx, &model.Post{ChannelId: w.mustChannel("acme/cellar").Id, Message: "x", Props: model.StringInterface{"attachments": []*model.SlackAttachment{{
		Actions: []*model.PostAction{{Id: "go", Name: "Go", Type: "button", Integration: &model.PostActionIntegration{URL: address}}},
	}}}})
	check(w.t, err)
	return made.Id
}

func TestUsersAreSearched(t *testing.T) {
	w := newTown(t, Options{})
	w.ChangeUser("alice", func(u *model.User) { u.FirstName, u.LastName, u.Nickname = "Alice", "Chen", "Ali" })
	w.SetActive("carol", false)
	for term, want := range map[string][]string{
		"ALICE chen": {"alice"}, "lic": {"alice"}, "@bob": {"bob"}, "chen bob": nil, "Ali": {"alice"}, "carol": nil, "Àlice": nil,
	} {
		found, _, err := w.asBot.SearchUsers(w.ctx, &model.UserSearch{Term: term})
		check(t, err)
		var names []string
		for _, u := range found {
			names = append(names, u.Username)
		}
		if d := cmp.Diff(want, names); d != "" {
			t.Errorf("%q: %s", term, d)
		}
	}
	found, _, err := w.asBot.SearchUsers(w.ctx, &model.UserSearch{Term: "carol", AllowInactive: true})
	check(t, err)
	same(t, "inactive ones", len(found), 1)
	_, _, err = w.asBot.SearchUsers(w.ctx, &model.UserSearch{})
	wantError(t, err, 400, "api.context.invalid_body_param.app_error")
	list, _, err := w.asBot.GetUsersInTeam(w.ctx, w.teamByName("acme").Id, 0, 2, "")
	check(t, err)
	same(t, "a page", fmt.Sprint(list[0].Username, list[1].Username), "alicebob")
}
