package mattermost_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/mattermost"
	"causeway/bridge/richtext"
	sim "causeway/contrib/sim/mattermost"
)

// profiles are both ways to act as people.
var profiles = map[string]string{"simple": "system_admin", "restricted": restricted}

func TestAPersonIsProvenAndActedAs(t *testing.T) {
	for name, role := range profiles {
		t.Run(name, func(t *testing.T) {
			c := newCrowd(t, sim.Options{}, role, nil)
			proof, err := c.prove("alice")
			c.must(err)
			want := bridge.Profile{Author: bridge.Author{ID: c.alice(), Name: "alice", Username: "alice"}, Email: "alice@example.com", EmailProven: true}
			if d := cmp.Diff(want, proof.Profile); d != "" {
				t.Error(d)
			}
			if got, want := c.sim.Authorized("alice"), map[string]int{"simple": 0, "restricted": 1}[name]; got != want {
				t.Errorf("after the proof alice has given %d tokens, want %d", got, want)
			}
			c.join()
			c.writesAsAlice(name)
			c.must(c.account.Verify(t.Context(), c.alice()))
			c.must(c.account.Release(t.Context(), c.alice()))
			if c.sim.Authorized("alice") != 0 || len(c.sim.Tokens("alice")) != 0 {
				t.Errorf("after the release: %d, %v", c.sim.Authorized("alice"), c.sim.Tokens("alice"))
			}
			c.wants(c.account.Verify(t.Context(), c.alice()), bridge.Unauthorised, bridge.ScopePerson)
			c.wants(c.account.Release(t.Context(), c.alice()), bridge.Gone, bridge.ScopeConversation)
			if c.sim.Apps() != 1 {
				t.Errorf("%d OAuth 2.0 apps were registered", c.sim.Apps())
			}
		})
	}
}

// TestAPermissionThatSomebodyHasIsNotRefused: a server without its database says that people lack the permission. What they do is tried again then, and
// not done otherwise; so it is while it cannot be asked whether they have it.
func TestAPermissionThatSomebodyHasIsNotRefused(t *testing.T) {
	for name, role := range profiles {
		t.Run(name, func(t *testing.T) {
			c := newCrowd(t, sim.Options{}, role, nil)
			c.join()
			id, err := c.account.Post(t.Context(), c.as("here"))
			c.must(err)
			target := bridge.Target{Conversation: c.conv, ID: id, As: c.alice()}
			for what, do := range map[string]func() error{
				"posting":  func() error { _, err := c.account.Post(t.Context(), c.as("and here")); return err },
				"editing":  func() error { return c.account.Edit(t.Context(), id, c.as("edited")) },
				"reacting": func() error { return c.account.React(t.Context(), target, "👍", true) },
				"deleting": func() error { return c.account.Delete(t.Context(), target) },
			} {
				refusal := sim.Fault{User: "alice", Status: 403, ErrorID: "api.context.permissions.app_error", Times: -1}
				for where, more := range map[string][]sim.Fault{
					"":                              nil,
					", and the bot is not answered": {{User: c.world.Bot.ID, Status: 500, ErrorID: "x", Times: -1}},
					", and the bot is refused, too": {{Path: "/channels/{channel_id}/members/{user_id}", User: c.world.Bot.ID, Status: 403, ErrorID: "api.context.permissions.app_error", Times: 1}},
				} {
					faults := []*sim.Injected{c.sim.Inject(refusal)}
					for _, f := range more {
						faults = append(faults, c.sim.Inject(f))
					}
					if err := do(); bridge.KindOf(err) != bridge.Transient {
						t.Errorf("%s%s: %v (%v)", what, where, err, bridge.KindOf(err))
					}
					for _, f := range faults {
						f.Cancel()
					}
				}
			}
		})
	}
}

// writesAsAlice posts, edits, reacts and deletes.
func (c *crowd) writesAsAlice(profile string) {
	c.Helper()
	d := c.as("hello from elsewhere")
	id, err := c.account.Post(c.Context(), d)
	c.must(err)
	c.must(c.account.React(c.Context(), bridge.Target{Conversation: c.conv, ID: id, As: c.alice()}, "👍", true))
	d.Text = richtext.Plain("hello again")
	c.must(c.account.Edit(c.Context(), id, d))
	post, _ := c.sim.Look(string(id))
	props := model.StringInterface{"causeway": map[string]any{"key": string(d.Key)}}
	if profile == "restricted" {
		props["from_oauth_app"] = "true"
	}
	want := sim.PostView{ID: string(id), Author: "alice", Shown: "alice", Text: "hello again", Edited: true, Props: props, Reaction: map[string][]string{"+1": {"alice"}}}
	post.At = want.At
	if diff := cmp.Diff(want, post); diff != "" {
		c.Error(diff)
	}
	state, err := c.account.Read(c.Context(), c.conv, id)
	c.must(err)
	if state.Key != d.Key || state.Author.ID != c.alice() {
		c.Errorf("the state has the key %q and the author %+v", state.Key, state.Author)
	}
	found, err := c.account.Find(c.Context(), d, state.Created)
	c.must(err)
	if diff := cmp.Diff([]bridge.MessageID{id}, found); diff != "" {
		c.Error(diff)
	}
	relay := d
	relay.As = ""
	if found, err := c.account.Find(c.Context(), relay, state.Created); err != nil || len(found) != 0 {
		c.Errorf("the relay's posts with a person's key: %v (%v)", found, err)
	}
	c.must(c.account.React(c.Context(), bridge.Target{Conversation: c.conv, ID: id, As: c.alice()}, "👍", false))
	c.must(c.account.Delete(c.Context(), bridge.Target{Conversation: c.conv, ID: id, As: c.alice()}))
	status, _, err := c.sim.Client(c.world.Bob.Token).GetUserStatus(c.Context(), c.world.Alice.ID, "")
	c.must(err)
	if status.Status != model.StatusOffline {
		c.Errorf("acting as alice made her %s", status.Status)
	}
}

func TestWhereAPersonMayNotWriteTheRelayMay(t *testing.T) {
	for name, role := range profiles {
		t.Run(name, func(t *testing.T) {
			c := newCrowd(t, sim.Options{}, role, nil)
			c.join()
			id, err := c.account.Post(t.Context(), c.as("still here"))
			c.must(err)
			c.sim.Leave(c.channel, "alice")
			_, err = c.account.Post(t.Context(), c.as("not here"))
			c.wants(err, bridge.Unsupported, bridge.ScopePerson)
			c.wants(c.account.Edit(t.Context(), id, c.as("nor here")), bridge.Unsupported, bridge.ScopePerson)
			c.wants(c.account.React(t.Context(), bridge.Target{Conversation: c.conv, ID: id, As: c.alice()}, "👍", true), bridge.Unsupported, bridge.ScopePerson)
			members, err := c.account.Members(t.Context(), c.conv)
			c.must(err)
			if diff := cmp.Diff(2, len(members)); diff != "" {
				t.Errorf("she was brought back: %v", members)
			}
			// The conversation itself is judged as before.
			c.sim.Join(c.channel, "alice")
			nowhere := c.as("x")
			nowhere.Conversation.Channel = bridge.ChannelID(model.NewId())
			_, err = c.account.Post(t.Context(), nowhere)
			c.wants(err, bridge.Gone, bridge.ScopeConversation)
			c.sim.Archive(c.channel, true)
			_, err = c.account.Post(t.Context(), c.as("archived"))
			c.wants(err, bridge.Unauthorised, bridge.ScopeConversation)
		})
	}
}

func TestALostTokenIsThePersonsAlone(t *testing.T) {
	for name, role := range profiles {
		for how, lose := range map[string]func(*crowd){
			"revoked":     func(c *crowd) { c.sim.RevokeTokensOf("alice") },
			"deactivated": func(c *crowd) { c.sim.SetActive("alice", false) },
			"taken away from the vault": func(c *crowd) {
				c.must(c.vault.Delete(c.Context(), bridge.PersonGrant(c.alice())))
				c.connectAgain()
			},
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				c := newCrowd(t, sim.Options{}, role, nil)
				c.start()
				c.join()
				_, err := c.account.Post(t.Context(), c.as("before"))
				c.must(err)
				sockets := c.sim.Sockets("causeway")
				lose(c)
				_, err = c.account.Post(t.Context(), c.as("after"))
				c.wants(err, bridge.Unauthorised, bridge.ScopePerson)
				c.wants(c.account.Verify(t.Context(), c.alice()), bridge.Unauthorised, bridge.ScopePerson)
				c.arrives(c.say("bob", "the feed goes on"), "the feed goes on")
				if c.sim.Sockets("causeway") != sockets {
					t.Error("the bot's own connection suffered")
				}
				if how == "deactivated" {
					return
				}
				c.join() // connecting again heals
				_, err = c.account.Post(t.Context(), c.as("again"))
				c.must(err)
			})
		}
	}
}

// TestARootThatIsThereIsNotGone: a server without its database says that it is not there. The reply is tried again then.
func TestARootThatIsThereIsNotGone(t *testing.T) {
	c := newCrowd(t, sim.Options{}, profiles["simple"], nil)
	c.join()
	root, err := c.account.Post(t.Context(), c.as("the root"))
	c.must(err)
	reply := c.as("a reply")
	reply.Root = root
	refusal := sim.Fault{Path: "/posts", Method: "POST", Status: 400, ErrorID: "api.post.create_post.root_id.app_error", Times: -1}
	for name, more := range map[string][]sim.Fault{"": nil, "the server cannot tell": {{Path: "/posts/{post_id}", Status: 500, ErrorID: "x", Times: -1}}} {
		faults := []*sim.Injected{c.sim.Inject(refusal)}
		for _, f := range more {
			faults = append(faults, c.sim.Inject(f))
		}
		_, err = c.account.Post(t.Context(), reply)
		if bridge.KindOf(err) != bridge.Transient {
			t.Errorf("%s: %v (%v)", name, err, bridge.KindOf(err))
		}
		for _, f := range faults {
			f.Cancel()
		}
	}
	_, err = c.account.Post(t.Context(), reply)
	c.must(err)
	reply = c.as("a reply that comes too late")
	reply.Root, err = c.account.Post(t.Context(), c.as("another root"))
	c.must(err)
	c.must(c.account.Delete(t.Context(), bridge.Target{Conversation: c.conv, ID: reply.Root, As: c.alice()}))
	_, err = c.account.Post(t.Context(), reply)
	c.wants(err, bridge.Gone, bridge.ScopeConversation)
}

// TestATokenIsNotLostBecauseTheServerSaysSoWithoutItsDatabase: it then answers that good tokens are not, and apps not there. They are tried again.
func TestATokenIsNotLostBecauseTheServerSaysSoWithoutItsDatabase(t *testing.T) {
	for name, refusals := range map[string][]sim.Fault{
		"simple": {{User: "alice", Status: 401, ErrorID: "api.context.session_expired.app_error", Times: -1}},
		"simple, and the bot is not answered": {{User: "alice", Status: 401, ErrorID: "api.context.session_expired.app_error", Times: -1},
			{Path: "/users/{user_id}/tokens", Status: 500, ErrorID: "x", Times: -1}},
		"restricted": {{User: "alice", Status: 401, ErrorID: "api.context.session_expired.app_error", Times: -1},
			{Path: "/oauth/access_token", Status: 404, ErrorID: "api.oauth.get_access_token.credentials.app_error", Times: -1},
			{Path: "/users/{user_id}/teams/members", Status: 500, ErrorID: "x", Times: -1}},
		"simple, and the bot is refused": {{User: "alice", Status: 401, ErrorID: "api.context.session_expired.app_error", Times: -1},
			{Path: "/users/{user_id}/tokens", Status: 403, ErrorID: "api.context.permissions.app_error", Times: -1},
			{Path: "/users/{user_id}/teams/members", Status: 500, ErrorID: "x", Times: -1}},
		"restricted, just when it is back": {{User: "alice", Status: 401, ErrorID: "api.context.session_expired.app_error", Times: 1},
			{Path: "/oauth/access_token", Status: 404, ErrorID: "api.oauth.get_access_token.credentials.app_error", Times: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			profile, _, _ := strings.Cut(name, ",")
			c := newCrowd(t, sim.Options{}, profiles[profile], nil)
			c.join()
			_, err := c.account.Post(t.Context(), c.as("before"))
			c.must(err)
			var faults []*sim.Injected
			for _, f := range refusals {
				faults = append(faults, c.sim.Inject(f))
			}
			_, err = c.account.Post(t.Context(), c.as("meanwhile"))
			if back := strings.HasSuffix(name, "back"); back {
				c.must(err)
			} else {
				c.wants(err, bridge.Transient, bridge.ScopePerson)
			}
			for _, f := range faults {
				f.Cancel()
			}
			_, err = c.account.Post(t.Context(), c.as("after"))
			c.must(err)
		})
	}
}

func TestSwitchedOffTokensNameTheSetting(t *testing.T) {
	c := newCrowd(t, sim.Options{}, "system_admin", func(s *mattermost.Settings) { s.Profile = mattermost.ProfileSimple })
	c.start()
	c.join()
	c.sim.Configure(func(o *sim.Options) { o.NoUserAccessTokens = true })
	_, err := c.account.Connect(t.Context())
	c.must(err)
	_, err = c.account.Post(t.Context(), c.as("x"))
	c.wants(err, bridge.Unauthorised, bridge.ScopePerson)
	if !strings.Contains(err.Error(), "EnableUserAccessTokens") {
		t.Errorf("%v does not name the setting", err)
	}
	c.must(c.vault.Delete(t.Context(), bridge.PersonGrant(c.alice())))
	_, err = c.account.Empower(t.Context(), c.alice(), nil)
	c.wants(err, bridge.Rejected, bridge.ScopePerson)
	var e *bridge.Error
	if !errors.As(err, &e) || strings.Contains(e.Hint, "EnableUserAccessTokens") || e.Hint == "" {
		t.Errorf("the hint for the person is %q", e.Hint)
	}
}

func TestMintingLeavesNothingBehind(t *testing.T) {
	c := newCrowd(t, sim.Options{}, "system_admin", nil)
	first, err := c.account.Empower(t.Context(), c.alice(), nil)
	c.must(err)
	second, err := c.account.Empower(t.Context(), c.alice(), nil) // a crash was between
	c.must(err)
	if got := c.sim.Tokens("alice"); len(got) != 1 || string(first) == string(second) {
		t.Errorf("after two attempts alice has the tokens %v", got)
	}
	c.must(c.vault.Save(t.Context(), bridge.PersonGrant(c.alice()), second))
	third, err := c.account.Empower(t.Context(), c.alice(), nil) // she connects again while she is connected
	c.must(err)
	if string(third) != string(second) {
		t.Error("the token in use was replaced")
	}
	c.must(c.account.Verify(t.Context(), c.alice()))
	// Another installation's tokens are left alone.
	_, _, err = c.sim.Client(c.world.Admin).CreateUserAccessToken(t.Context(), c.world.Alice.ID, "Causeway elsewhere")
	c.must(err)
	c.must(c.account.Release(t.Context(), c.alice()))
	if diff := cmp.Diff([]string{"Causeway elsewhere"}, c.sim.Tokens("alice")); diff != "" {
		t.Error(diff)
	}
}

func TestReleasingWhereOAuthIsOff(t *testing.T) {
	c := newCrowd(t, sim.Options{}, restricted, nil)
	c.join()
	c.sim.Configure(func(o *sim.Options) { o.NoOAuth = true })
	c.must(c.account.Release(t.Context(), c.alice()))
}

// TestWhatLedToNothingIsGivenBack: alice has signed in, or a token was minted for her, and then nothing was stored.
func TestWhatLedToNothingIsGivenBack(t *testing.T) {
	for name, role := range profiles {
		t.Run(name, func(t *testing.T) {
			c := newCrowd(t, sim.Options{}, role, nil)
			proof, err := c.prove("alice")
			c.must(err)
			_, err = c.account.Empower(t.Context(), c.alice(), proof.Grant)
			c.must(err)
			_, _, err = c.sim.Client(c.world.Admin).CreateUserAccessToken(t.Context(), c.world.Alice.ID, "Causeway elsewhere")
			c.must(err)
			given := func() []string {
				all := c.sim.Tokens("alice")
				for range c.sim.Authorized("alice") {
					all = append(all, "by herself")
				}
				return all
			}
			if n := len(given()); n != 2 {
				t.Fatalf("alice has %v", given())
			}
			for range 2 {
				c.must(c.account.Discard(t.Context(), c.alice(), proof.Grant))
				if diff := cmp.Diff([]string{"Causeway elsewhere"}, given()); diff != "" {
					t.Error(diff)
				}
			}
			// Now she connects, and begins once more in vain: what is kept stays good.
			c.join()
			again, err := c.prove("alice")
			c.must(err)
			c.must(c.account.Discard(t.Context(), c.alice(), again.Grant))
			c.must(c.account.Discard(t.Context(), c.alice(), nil))
			c.must(c.account.Verify(t.Context(), c.alice()))
			_, err = c.account.Post(t.Context(), c.as("still myself"))
			c.must(err)
			if n := len(given()); n != 2 {
				t.Errorf("alice has %v", given())
			}
		})
	}
}

// TestWhatWasRenewedDuringAWalkIsKept: alice signs in again, and is given the pair of tokens that there is. It is renewed before she presses.
func TestWhatWasRenewedDuringAWalkIsKept(t *testing.T) {
	var ahead atomic.Int64 // the server's clock
	c := newCrowd(t, sim.Options{Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }}, restricted, nil)
	c.join()
	ahead.Store(int64(time.Hour))
	proof, err := c.prove("alice")
	c.must(err)
	first, err := c.vault.Load(t.Context(), bridge.PersonGrant(c.alice()))
	c.must(err)
	if !strings.Contains(string(first), accessIn(t, proof.Grant)) {
		t.Fatalf("she was given another token than the one that is kept")
	}
	c.sim.ExpireAccess("alice")
	c.connectAgain()
	_, err = c.account.Post(t.Context(), c.as("this renews it"))
	c.must(err)
	renewed, err := c.vault.Load(t.Context(), bridge.PersonGrant(c.alice()))
	c.must(err)
	made, err := c.account.Empower(t.Context(), c.alice(), proof.Grant)
	c.must(err)
	if accessIn(t, made) != accessIn(t, renewed) || accessIn(t, made) == accessIn(t, first) {
		t.Error("the older pair of tokens takes the place of the newer one")
	}
	// But what she gives after she has taken her right back is newer.
	c.sim.RevokeTokensOf("alice")
	proof, err = c.prove("alice")
	c.must(err)
	made, err = c.account.Empower(t.Context(), c.alice(), proof.Grant)
	c.must(err)
	if accessIn(t, made) != accessIn(t, proof.Grant) {
		t.Error("what she gave last is not taken")
	}
}

func accessIn(t *testing.T, data []byte) string {
	t.Helper()
	var g struct{ Access string }
	if err := json.Unmarshal(data, &g); err != nil || g.Access == "" {
		t.Fatalf("no token in it (%v)", err)
	}
	return g.Access
}

// TestAPostThatIsThereIsNotGone: nor is what was to be changed, and a deletion that was taken for done would never be made.
func TestAPostThatIsThereIsNotGone(t *testing.T) {
	c := newCrowd(t, sim.Options{}, profiles["simple"], nil)
	c.join()
	id, err := c.account.Post(t.Context(), c.as("a post"))
	c.must(err)
	target := bridge.Target{Conversation: c.conv, ID: id, As: c.alice()}
	for path, change := range map[string]struct {
		method string
		do     func() error
	}{
		"/posts/{post_id}/patch": {"PUT", func() error { return c.account.Edit(t.Context(), id, c.as("another text")) }},
		"/reactions":             {"POST", func() error { return c.account.React(t.Context(), target, "👍", true) }},
		"/posts/{post_id}":       {"DELETE", func() error { return c.account.Delete(t.Context(), target) }},
	} {
		fault := c.sim.Inject(sim.Fault{Path: path, Method: change.method, Status: 400, ErrorID: "app.post.get.app_error", Times: -1})
		c.wants(change.do(), bridge.Transient, bridge.ScopeConversation)
		fault.Cancel()
	}
	c.must(c.account.Delete(t.Context(), target))
	c.wants(c.account.Delete(t.Context(), target), bridge.Gone, bridge.ScopeConversation)
}
