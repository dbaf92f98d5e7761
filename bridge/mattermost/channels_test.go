package mattermost

import (
	"testing"

	"causeway/bridge"
	"causeway/bridge/richtext/html"
)

// TestNamesOfChannelsAreLinks where the server has found them, and nothing else of what it tells.
func TestNamesOfChannelsAreLinks(t *testing.T) {
	for post, want := range map[string]string{
		`{"message":"see ~town","props":{"channel_mentions":{"town":{"display_name":"Town <b>","team_name":"acme"}}}}`: `<p>see <a href="https://chat.example.org/acme/channels/town">~Town &lt;b&gt;</a></p>`,
		`{"message":"see ~town"}`: `<p>see ~town</p>`,
		`{"message":"see ~town","props":{"channel_mentions":{"town":{"display_name":"Town","team_name":"../x?"}}}}`: `<p>see ~town</p>`,
		`{"message":"see ~town","props":{"channel_mentions":{"town":7}}}`:                                           `<p>see ~town</p>`,
		`{"message":"see ~town","props":{"channel_mentions":"what"}}`:                                               `<p>see ~town</p>`,
	} {
		if got := html.Render(stateOf(postOf(t, post), person{}, nil, testConfig).Text); got != want {
			t.Errorf("%s: %s, want %s", post, got, want)
		}
	}
}

// TestAddressesOfChannels are known of those that have been found.
func TestAddressesOfChannels(t *testing.T) {
	var r rooms
	r.note(bridge.Conversation{ID: bridge.ConversationID{Server: "mattermost:x", Channel: "c1"}, Link: "https://chat.example.org/acme/channels/town"}, testConfig)
	r.note(bridge.Conversation{ID: bridge.ConversationID{Server: "mattermost:x", Channel: "c2"}}, testConfig)
	r.note(bridge.Conversation{ID: bridge.ConversationID{Server: "mattermost:x", Channel: "c3"}, Link: "https://other.example/acme/channels/town"}, testConfig)
	if id, ok := r.at("acme/channels/town"); id != "c1" || !ok || r.path("c1") != "acme/channels/town" || r.path("c2") != "" || r.path("c3") != "" {
		t.Errorf("town is %s (%t), at %q", id, ok, r.path("c1"))
	}
	r.note(bridge.Conversation{ID: bridge.ConversationID{Server: "mattermost:x", Channel: "c1"}, Link: "https://chat.example.org/acme/channels/city"}, testConfig)
	if id, ok := r.at("acme/channels/town"); ok {
		t.Errorf("where it was is still %s", id)
	}
}

// TestWhatAPermalinkShowsIsNotCarried: the server adds a preview of the post to which a link leads, for those who may read it.
func TestWhatAPermalinkShowsIsNotCarried(t *testing.T) {
	p := postOf(t, `{"message":"see https://chat.example.org/acme/pl/aaaaaaaaaaaaaaaaaaaaaaaaaa","props":{"previewed_post":"aaaaaaaaaaaaaaaaaaaaaaaaaa"},
		"metadata":{"embeds":[{"type":"permalink","data":{"post_id":"aaaaaaaaaaaaaaaaaaaaaaaaaa","team_name":"acme","channel_display_name":"Secrets","channel_type":"P",
			"post":{"id":"aaaaaaaaaaaaaaaaaaaaaaaaaa","message":"the secret","file_ids":["f1"],"metadata":{"files":[{"id":"f1","name":"secret.txt"}]}}}},
			{"type":"opengraph","url":"https://x.example","data":{"title":"a title"}}]}}`)
	s := stateOf(p, person{}, nil, testConfig)
	const link = "https://chat.example.org/acme/pl/aaaaaaaaaaaaaaaaaaaaaaaaaa"
	if got, want := html.Render(s.Text), `<p>see <a href="`+link+`">`+link+`</a></p>`; got != want || len(s.Files) > 0 {
		t.Errorf("%s with %v, want %s", got, s.Files, want)
	}
}
