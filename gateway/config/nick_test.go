package config_test

import (
	"testing"

	"causeway/gateway/config"
)

func TestNickFormat(t *testing.T) {
	n := config.Nick{Nick: "Åsa", UserID: "u1", Bridge: "hq", Protocol: "mattermost", Label: "MM", Gateway: "town", Channel: "square"}
	for format, want := range map[string]string{
		"{NICK}":            "Åsa",
		"{NOPINGNICK}":      "Å\u200bsa",
		"{USERID}@{BRIDGE}": "u1@hq",
		"[{PROTOCOL}/{LABEL}] {GATEWAY} {CHANNEL}": "[mattermost/MM] town square",
		"{NICK}{NICK}{}{nick}{":                    "ÅsaÅsa{}{nick}{",
		"":                                         "",
	} {
		if got := n.Format(format); got != want {
			t.Errorf("Format(%q) = %q, want %q", format, got, want)
		}
	}
}

func TestNickIsNeverTakenForAVariable(t *testing.T) {
	n := config.Nick{Nick: "{CHANNEL}", Channel: "{NICK}"}
	if got, want := n.Format("{NICK} in {CHANNEL}"), "{CHANNEL} in {NICK}"; got != want {
		t.Errorf("Format = %q, want %q", got, want)
	}
}

func TestNickWithoutLettersIsLeftAlone(t *testing.T) {
	if got, want := (config.Nick{}).Format("<{NOPINGNICK}>"), "<\u200b>"; got != want {
		t.Errorf("Format = %q, want %q", got, want)
	}
}
