package msteams

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/contrib/sim/teams"
)

// findings gives what Check says of permissions, fatal ones with an exclamation mark.
func (w *simWorld) findings(a *account, roles, scopes []string) []string {
	w.Helper()
	text, err := json.Marshal(map[string]any{"roles": roles})
	w.do(err)
	app := a.app.tokens.now()
	app.token = "e30." + base64.RawURLEncoding.EncodeToString(text) + ".x"
	a.app.tokens.set(app)
	var all []string
	list := append(a.checkApp(w.Context()), a.comparePermissions(scopes, true)...)
	for _, f := range list {
		all = append(all, map[bool]string{true: "! ", false: "- "}[f.Fatal]+f.Text)
	}
	return all
}

// TestCheckComparesPermissions as far as tokens tell: a user's always, an app's when it is a JWT.
func TestCheckComparesPermissions(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	a := w.connected()
	without := func(all []string, p string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(q string) bool { return q == p })
	}
	roles, scopes := append(a.needs(false, false), readAllOfUsers, readApps), a.needs(true, false)
	for _, c := range []struct {
		name          string
		roles, scopes []string
		want          []string
	}{
		{name: "all is well", roles: roles, scopes: append(scopes, "openid", "profile", "email", "offline_access")},
		{name: "in another case", roles: []string{"channelmessage.read.all", "CHANNELMEMBER.READ.ALL", "Channel.ReadBasic.All", "User.ReadBasic.All", readAllOfUsers, readApps}, scopes: scopes},
		{"messages cannot be read", without(roles, readMessages), scopes, []string{
			"! The app lacks the application permission ChannelMessage.Read.All (to read what is said in the channels): add it in Entra, app registration, API permissions, Microsoft Graph, application permissions, grant admin consent.",
		}},
		{name: "names can be looked up with what people need", roles: without(roles, readUsers), scopes: scopes},
		{"who has left cannot be seen", without(roles, readAllOfUsers), scopes, []string{
			"- The app could use the application permission User.Read.All (to see which people are still there when they have connected); all else works without it.",
		}},
		{"names cannot be looked up", without(without(roles, readUsers), readAllOfUsers), scopes, []string{
			"- The app lacks the application permission User.ReadBasic.All (to show people's names where a message lacks them): add it in Entra, app registration, API permissions, Microsoft Graph, application permissions, grant admin consent.",
			"- The app could use the application permission User.Read.All (to see which people are still there when they have connected); all else works without it.",
		}},
		{"nobody may be asked when the secret ends", without(roles, readApps), scopes, []string{
			"- The app could use the application permission Application.Read.All (to warn before the client secret ends); all else works without it.",
		}},
		{"the relay may not edit", roles, without(scopes, changeMessages), []string{
			"! The relay account lacks the delegated permission ChannelMessage.ReadWrite (to edit and delete those posts): add it in Entra, app registration, API permissions, Microsoft Graph, delegated permissions, grant admin consent, and run: causeway login msteams.contoso.",
		}},
		{"more than enough", append(without(without(roles, readUsers), readAllOfUsers), "User.ReadWrite.All"), scopes, []string{
			"- The app has the application permission User.ReadWrite.All, where User.Read.All is enough: grant that instead.",
		}},
		{"a permission to write messages is none to read them", append(without(roles, readMessages), "Group.ReadWrite.All"), scopes, []string{
			"! The app lacks the application permission ChannelMessage.Read.All (to read what is said in the channels): add it in Entra, app registration, API permissions, Microsoft Graph, application permissions, grant admin consent.",
			"- The app has application permissions that let it change things and that Causeway does not need: Group.ReadWrite.All; remove what no other program needs in Entra, app registration, API permissions.",
		}},
		{"superfluous", append(roles, "Chat.ReadWrite.All", "Mail.Send", "Mail.Read"), append(scopes, "Files.ReadWrite"), []string{
			"- The app has application permissions that let it change things and that Causeway does not need: Chat.ReadWrite.All, Mail.Send; remove what no other program needs in Entra, app registration, API permissions.",
			"- The app has application permissions that Causeway does not need: Mail.Read; remove what no other program needs in Entra, app registration, API permissions.",
			"- The relay account has delegated permissions that let it change things and that Causeway does not need: Files.ReadWrite; remove what no other program needs in Entra, app registration, API permissions.",
		}},
		{name: "it is not known what the relay may", roles: roles},
	} {
		if slices.ContainsFunc(append(c.roles, c.scopes...), func(p string) bool { return p == readChats || p == sendInChats }) {
			t.Fatalf("%s: permissions for chats, which are not carried here", c.name)
		}
		if diff := cmp.Diff(c.want, w.findings(a, c.roles, c.scopes)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	for _, opaque := range []string{"sim-access-x", "a.b", "a.!.c", "a.bm90IGpzb24.c"} {
		if roles := rolesOf(opaque); roles != nil {
			t.Errorf("%s has roles %v", opaque, roles)
		}
	}
	// A permission that is missing by the token's own words is found by Check as a whole, too.
	g := a.relay.tokens.now()
	g.scopes = without(g.scopes, sendMessages)
	a.relay.tokens.set(g)
	if !slices.ContainsFunc(a.Check(t.Context()), func(f bridge.Finding) bool { return f.Fatal && strings.Contains(f.Text, sendMessages) }) {
		t.Error("Check does not say that ChannelMessage.Send is missing")
	}
}

// TestWhatIsNeededFollowsFromTheConfig: nothing is asked for that is not used.
func TestWhatIsNeededFollowsFromTheConfig(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	w.settings.Cloud = "dod"
	a := w.account()
	if got := a.needs(true, false); slices.Contains(got, changeMessages) || !slices.Contains(got, sendMessages) {
		t.Errorf("where nothing can be edited or deleted, the relay account needs %v", got)
	}
	if strings.Contains(a.relayScopes(), changeMessages) || !strings.HasSuffix(a.relayScopes(), " offline_access") {
		t.Errorf("the relay account is asked to consent to %s", a.relayScopes())
	}
	if got := a.needs(false, true); !slices.Equal(got, []string{readAllOfUsers, readApps}) {
		t.Errorf("with a secret, useful are %v", got)
	}
	w.settings.Cloud = "gcc"
	if a := w.account(); !slices.Contains(a.needs(true, false), changeMessages) || a.why(changeMessages, true) == "" {
		t.Error("where posts can be deleted, the permission is needed")
	}
	w.settings.ClientSecret = ""
	w.settings.ClientCertificateFile, _ = certificate(t)
	if got := w.account().needs(false, true); !slices.Equal(got, []string{readAllOfUsers}) {
		t.Errorf("with a certificate, useful are %v", got)
	}
}

// TestMoreNamesOnlyWhatIsUsed, and nothing twice.
func TestMoreNamesOnlyWhatIsUsed(t *testing.T) {
	for p, others := range more {
		if !slices.ContainsFunc(operations, func(op *Operation) bool { return op.Permission == p }) {
			t.Errorf("%s is not in use", p)
		}
		if has(others, p) {
			t.Errorf("%s stands for itself", p)
		}
	}
}
