package mattermost_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	sim "causeway/contrib/sim/mattermost"
)

// needed are the settings of which check tells.
var needed = []string{"SiteURL", "EnableBotAccountCreation", "EnablePostUsernameOverride", "EnablePostIconOverride", "EnableUserAccessTokens", "EnableOAuthServiceProvider",
	"EnableCommands", "AllowedUntrustedInternalConnections", "PostEditTimeLimit", "RestrictDirectMessage", "EnableFileAttachments", "RequireEmailVerification", "ShowEmailAddress", "RateLimitSettings", "DisableBotsWhenOwnerIsDeactivated"}

// TestCheckTellsTheStateOfEachSetting, whether it is as it should be or not.
func TestCheckTellsTheStateOfEachSetting(t *testing.T) {
	states := func(options sim.Options, role string) map[string]string {
		c := newCrowd(t, options, role, nil)
		all := map[string]string{}
		for _, f := range c.account.Check(t.Context()) {
			for _, name := range needed {
				if strings.Contains(f.Text+f.Next, "Settings."+name) || strings.Contains(f.Text+f.Next, name+".") {
					all[name] = state(f)
				}
			}
		}
		return all
	}
	well := states(sim.Options{BotsOutliveOwners: true, ClientConfig: map[string]string{"RequireEmailVerification": "true"}}, "system_admin")
	want := map[string]string{}
	for _, name := range needed {
		want[name] = "fine"
	}
	if diff := cmp.Diff(want, well); diff != "" {
		t.Errorf("where all is well (-want +got):\n%s", diff)
	}
	ill := states(sim.Options{NoUsernameOverride: true, NoIconOverride: true, NoOAuth: true, NoCommands: true, HideEmail: true, NoFiles: true, AllowedInternal: "none", PostEditTimeLimit: 60e9,
		RateLimit: sim.RateLimit{PerSec: 1000, MaxBurst: 1000}, ClientConfig: map[string]string{"SiteURL": "", "RestrictDirectMessage": "team"}}, "system_admin")
	for name := range want {
		if !slices.Contains([]string{"EnableBotAccountCreation", "EnableUserAccessTokens"}, name) {
			want[name] = "notable"
		}
	}
	if diff := cmp.Diff(want, ill); diff != "" {
		t.Errorf("where much is wrong (-want +got):\n%s", diff)
	}
	if got := states(sim.Options{}, "")["DisableBotsWhenOwnerIsDeactivated"]; got != "unsure" {
		t.Errorf("what the bot may not look up is %q", got)
	}
}

func state(f bridge.Finding) string {
	switch {
	case f.Fatal:
		return "fatal"
	case f.Fine:
		return "fine"
	case f.Unsure:
		return "unsure"
	}
	return "notable"
}
