package app

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
)

// prepared gives the left service a setup that notes how it is called, asks, keeps a secret, and makes a config.
func (w *world) prepared(calls *[]bridge.SetupCall) {
	w.protocols[0].Setup = &bridge.Setup{Account: "hq", Options: []string{"team", "direct"}, Run: func(ctx context.Context, c bridge.SetupCall) error {
		noted := c
		noted.Desk, noted.Settings = nil, nil
		*calls = append(*calls, noted)
		login, err := c.Desk.Login(ctx)
		if err != nil {
			return err
		}
		c.Desk.Say("To be changed: all.")
		if agreed, err := c.Desk.Agreed(ctx); err != nil || !agreed {
			return err
		}
		path, err := c.Desk.Keep("left.token", "made with "+login.Token)
		if err != nil {
			return err
		}
		return c.Desk.Config("[" + string(c.Account) + "]\nTokenFile = \"" + path + "\"\n")
	}}
}

func (w *world) callWith(stdin string, args ...string) result {
	w.Helper()
	var out, errs output
	c := Command{Protocols: w.protocols, Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs}
	code := c.Run(w.Context(), append([]string{"-c", w.path("config.toml")}, args...))
	return result{code, w.short(out.String()), w.short(errs.String())}
}

func TestSetupAsksOnceAndShowsNoSecret(t *testing.T) {
	t.Setenv(adminToken, "")
	w := newWorld(t, "")
	if err := os.Remove(w.path("config.toml")); err != nil {
		t.Fatal(err)
	}
	var calls []bridge.SetupCall
	w.prepared(&calls)
	args := []string{"setup", "left", "--team", "a", "--team", "b", "--direct", "--public-url", "https://causeway.example.com/"}
	if got := w.callWith("", args...); got.code != exitFailed || !strings.Contains(got.errors, "who is the administrator?") {
		t.Errorf("without a log-in: %+v", got)
	}
	if got := w.callWith("s3cr3t\n", args...); got != (result{code: exitFailed, out: "To be changed: all.\n", errors: "causeway: nothing was changed: add --yes to have it done\n"}) {
		t.Errorf("without consent: %+v", got)
	}
	if got := w.callWith("s3cr3t\n", append(args, "--yes")...); got != (result{out: "To be changed: all.\nWrote config.toml. Next: `causeway setup msteams` says how to register the app of Teams; add its account to config.toml, and a [[gateway]] that joins two channels.\n"}) {
		t.Errorf("with consent: %+v", got)
	}
	for name, want := range map[string]string{"left.token": "made with s3cr3t\n", "config.toml": "# Made by causeway setup; config.toml.example explains every key, and shows what a [[gateway]] is.\n\n[left.hq]\nTokenFile = \"left.token\"\n"} {
		text, err := os.ReadFile(w.path(name))
		if info, bad := os.Stat(w.path(name)); err != nil || bad != nil || string(text) != want || info.Mode() != 0o600 {
			t.Errorf("%s: %v %v %v\n%s", name, err, bad, info, text)
		}
	}
	t.Setenv(adminToken, "0ther")
	if got := w.callWith("", append(args, "--yes", "--undo")...); got.code != exitOK || !strings.HasSuffix(got.out, "In config.toml:\n\n[left.hq]\nTokenFile = \"left.token\"\n") {
		t.Errorf("where there is a config: %+v", got)
	}
	want := bridge.SetupCall{Account: "left.hq", Options: map[string][]string{"team": {"a", "b"}, "direct": {""}, flagPublicURL: {"https://causeway.example.com/"}},
		PublicURL: "https://causeway.example.com", Redirect: "https://causeway.example.com/connect/back"}
	undo := want
	undo.Undo = true
	if diff := cmp.Diff([]bridge.SetupCall{want, want, want, undo}, calls); diff != "" {
		t.Error(diff)
	}
}

func TestSetupTakesTheAccountOfTheConfig(t *testing.T) {
	w := newWorld(t, strings.Replace(accounts, "[http]\n", "[http]\nPublicURL = \"https://here.example.com\"\n", 1)+oneGateway)
	var calls []bridge.SetupCall
	w.prepared(&calls)
	w.callWith("s3cr3t\n", "setup", "left")
	w.callWith("s3cr3t\n", "setup", "left", "--account", "third")
	var names []string
	for _, c := range calls {
		names = append(names, string(c.Account)+" "+c.PublicURL)
	}
	if diff := cmp.Diff([]string{"left.one https://here.example.com", "left.third https://here.example.com"}, names); diff != "" {
		t.Error(diff)
	}
	if got := w.callWith("", "setup", "left", "--test"); got.code != exitOK || !strings.Contains(got.out, "account left.one\n  ok       connected as bot\n") || strings.Contains(got.out, "right") {
		t.Errorf("--test: %+v", got)
	}
	for args, want := range map[string]string{
		"setup right":                      `there is no setup of "right"`,
		"setup left --cloud x":             "setup left takes no --cloud",
		"setup":                            "setup needs mattermost|msteams",
		"setup left --test --account none": "the config has no such account of left",
	} {
		if got := w.callWith("", strings.Fields(args)...); got.code == exitOK || !strings.Contains(got.errors, want) {
			t.Errorf("%s: %+v, want %s", args, got, want)
		}
	}
}
