package mattermost

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const anID = "abcdefghijklmnopqrstuvwxyz"

// TestSetupBelievesOfItsRecordWhatItCanHaveDone: the bot may write the record itself.
func TestSetupBelievesOfItsRecordWhatItCanHaveDone(t *testing.T) {
	honest := `{"made":true,"roles":["system_admin","system_custom_group_admin"],"granted":["create_post_ephemeral","sysconsole_write_user_management_users"],` +
		`"settings":{"ServiceSettings.AllowedUntrustedInternalConnections":{"before":"a","after":"a b"},"ServiceSettings.DisableBotsWhenOwnerIsDeactivated":{"before":true,"after":false},` +
		`"ServiceSettings.EnableOAuthServiceProvider":{"before":false,"after":true},"ServiceSettings.EnableUserAccessTokens":{"before":false,"after":true},"ServiceSettings.SiteURL":{"before":"","after":"http://x"}},` +
		`"teams":["` + anID + `"],"channels":["` + anID + `"],"tokens":["` + anID + `"],"app":"` + anID + `"}`
	for text, want := range map[string]string{
		honest: honest,
		`{"roles":["system_user"],"granted":["manage_system"],"teams":["../../users"],"channels":["x"],"tokens":[""],"app":"../x"}`: `{}`,
		`{"settings":{"ServiceSettings.EnableUserAccessTokens":{"before":true,"after":false},"ServiceSettings.EnableCommands":{"before":"x","after":true},` +
			`"TeamSettings.EnableOpenServer":{"before":true,"after":false},"ServiceSettings.SiteURL":{"before":{},"after":[]},"ServiceSettings.EnableOAuthServiceProvider":{"before":[],"after":[]}}}`: `{}`,
	} {
		var r record
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(r.believed())
		if diff := cmp.Diff(want, string(got)); err != nil || diff != "" {
			t.Errorf("of %s: %v\n%s", text, err, diff)
		}
	}
}

func TestSetupRemembersWhatOthersHaveChangedBetweenTwoCalls(t *testing.T) {
	var r record
	r.set("x", false, true)
	r.set("x", true, true)
	r.set("y", "one", "two")
	r.set("y", "theirs", "two")
	r.set(trustedHosts, "a", "a own")
	r.set(trustedHosts, "a theirs own", "a theirs own other")
	if diff := cmp.Diff(map[string]change{"x": {false, true}, "y": {"theirs", "two"}, trustedHosts: {"a theirs", "a theirs own other"}}, r.Settings); diff != "" {
		t.Error(diff)
	}
}

// TestSetupTakesOnlyItsOwnHostsOut of the list of those that integrations may reach.
func TestSetupTakesOnlyItsOwnHostsOut(t *testing.T) {
	for now, want := range map[string]string{"a,b own": "a,b", "a,b theirs own": "a b theirs", "own": "", "own b": "b", "theirs": "theirs", "": ""} {
		if got := (change{"a,b", "a,b own"}).withoutHosts(now); got.Before != want {
			t.Errorf("of %q: %q, want %q", now, got.Before, want)
		}
	}
	if got := (change{"0.0.0.0/0", "a own"}).withoutHosts("a own"); got.Before != "" {
		t.Errorf("a host that was never there comes back: %q", got.Before)
	}
}
