package msteams

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"causeway/bridge"
)

// said is a desk at which everything is only shown.
type said struct {
	bridge.SetupDesk
	text string
}

func (s *said) Say(text string) { s.text += text }

func setUpText(t *testing.T, call bridge.SetupCall) string {
	t.Helper()
	var desk said
	call.Account, call.Desk = "msteams.contoso", &desk
	if err := setUp(t.Context(), call); err != nil {
		t.Fatal(err)
	}
	return desk.text
}

// permitted gives the permissions that a text lists.
func permitted(text string) []string {
	var all []string
	for _, m := range regexp.MustCompile(`(?m)^  (application|delegated) +(\S+)`).FindAllStringSubmatch(text, -1) {
		all = append(all, m[1]+" "+m[2])
	}
	return all
}

func TestSetupAsksForWhatIsChosenAndNoMore(t *testing.T) {
	const public = "https://causeway.example.com"
	with := func(options ...string) map[string][]string {
		all := map[string][]string{}
		for _, o := range options {
			name, value, _ := strings.Cut(o, "=")
			all[name] = []string{value}
		}
		return all
	}
	channels := []string{"application Channel.ReadBasic.All", "application ChannelMember.Read.All", "application User.ReadBasic.All", "application Application.Read.All", "application ChannelMessage.Read.All",
		"delegated User.Read", "delegated Team.ReadBasic.All", "delegated Channel.ReadBasic.All", "delegated ChannelMessage.Send", "delegated ChannelMessage.ReadWrite", "delegated Files.ReadWrite.All", "delegated offline_access"}
	for name, c := range map[string]struct {
		call bridge.SetupCall
		want []string
	}{
		"channels alone": {bridge.SetupCall{}, channels},
		"what people say to each other, where nobody can connect": {bridge.SetupCall{Options: with("direct")}, channels},
		"a certificate, without files, where nothing can be edited": {bridge.SetupCall{Options: with("cloud=gcchigh", "no-files", "certificate")},
			slices.DeleteFunc(slices.Clone(channels), func(p string) bool {
				return slices.Contains([]string{"application Application.Read.All", "delegated ChannelMessage.ReadWrite", "delegated Files.ReadWrite.All"}, p)
			})},
		"people, and what they say to each other": {bridge.SetupCall{Options: with("direct"), PublicURL: public, Redirect: public + "/connect/back"},
			[]string{"application Channel.ReadBasic.All", "application ChannelMember.Read.All", "application User.Read.All", "application Application.Read.All", "application ProfilePhoto.Read.All",
				"application ChannelMessage.Read.All", "application Chat.ReadBasic.All", "application Chat.Read.All",
				"delegated User.Read", "delegated Team.ReadBasic.All", "delegated Channel.ReadBasic.All", "delegated ChannelMessage.Send", "delegated ChannelMessage.ReadWrite", "delegated Files.ReadWrite.All",
				"delegated Chat.Create", "delegated ChatMessage.Send", "delegated Chat.ReadWrite", "delegated offline_access", "delegated openid", "delegated profile"}},
	} {
		if got := permitted(setUpText(t, c.call)); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", name, got, c.want)
		}
	}
}

func TestSetupSaysWhyNobodysChatsAreRead(t *testing.T) {
	const why = "Those for direct and group messages are left out"
	direct := map[string][]string{setupDirect: {""}}
	if text := setUpText(t, bridge.SetupCall{Options: direct}); !strings.Contains(text, why) {
		t.Error(text)
	}
	if text := setUpText(t, bridge.SetupCall{Options: direct, PublicURL: "https://x", Redirect: "https://x/connect/back"}) + setUpText(t, bridge.SetupCall{}); strings.Contains(text, why) {
		t.Error(text)
	}
}

// TestSetupManifestHoldsWhatIsListed: each permission stands in it by its id, or is said to be missing and looked up by the commands.
func TestSetupManifestHoldsWhatIsListed(t *testing.T) {
	const public = "https://causeway.example.com"
	text := setUpText(t, bridge.SetupCall{Options: map[string][]string{setupDirect: {""}}, PublicURL: public, Redirect: public + "/connect/back"})
	_, rest, _ := strings.Cut(text, "\n\n{")
	object, _, _ := strings.Cut("{"+rest, "\n}\n")
	var m manifest
	if err := json.Unmarshal([]byte(object+"\n}"), &m); err != nil {
		t.Fatalf("%v\n%s", err, object)
	}
	if m.Web == nil || !slices.Equal(m.Web.RedirectURIs, []string{public + "/connect/back"}) || !m.IsFallbackPublicClient || m.SignInAudience != "AzureADMyOrg" || len(m.RequiredResourceAccess) != 1 {
		t.Fatalf("%+v", m)
	}
	names := map[resourceAccess]string{}
	for delegated, ids := range permissionIDs {
		for name, id := range ids {
			if !guid.MatchString(id) {
				t.Errorf("%s has no id: %q", name, id)
			}
			g := grant{name: name, delegated: delegated}
			if names[resourceAccess{id, g.kind()}] = name; len(names) == 0 {
				t.Fatal("nothing is known")
			}
		}
	}
	if want := len(permissionIDs[false]) + len(permissionIDs[true]); len(names) != want {
		t.Errorf("%d ids of %d permissions", len(names), want)
	}
	var got []string
	for _, one := range m.RequiredResourceAccess[0].ResourceAccess {
		kind := map[string]string{"Role": "application ", "Scope": "delegated "}[one.Type]
		got = append(got, kind+names[one])
	}
	var want []string
	for _, one := range permitted(text) {
		if one == "application ProfilePhoto.Read.All" {
			if !strings.Contains(text, "ProfilePhoto.Read.All is not in it") || !strings.Contains(text, "appRoles[?value=='ProfilePhoto.Read.All']") {
				t.Errorf("it is neither in the manifest nor looked up: %s", one)
			}
			continue
		}
		want = append(want, one)
	}
	if !slices.Equal(got, want) {
		t.Errorf("in the manifest %q\nlisted %q", got, want)
	}
}

func TestSetupRefusesACloudThatThereIsNot(t *testing.T) {
	err := setUp(context.Background(), bridge.SetupCall{Options: map[string][]string{setupCloud: {"mars"}}, Desk: &said{}})
	if err == nil || !strings.Contains(err.Error(), `--cloud must be "global"`) {
		t.Errorf("%v", err)
	}
}
