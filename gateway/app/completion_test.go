package app

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// present skips a test whose shell is not installed; with REQUIRE_INSTALLED=1 it fails.
func present(t *testing.T, shell string) {
	t.Helper()
	if _, err := exec.LookPath(shell); err != nil {
		if os.Getenv("REQUIRE_INSTALLED") == "1" {
			t.Fatal(err)
		}
		t.Skipf("%s is not installed", shell)
	}
}

const completedConfig = "[mattermost.hq]\nServer = \"x\"\n  [msteams.contoso]\n[[gateway]]\n[[gateway.inout]]\naccount = \"mattermost.hq\"\n"

// scripted writes the completion of a shell into a folder with a config, and gives that.
func scripted(t *testing.T, shell string) string {
	t.Helper()
	w := newWorld(t, completedConfig)
	w.write("other.toml", "[msteams.other]\n")
	w.write("matterbridge.toml", "")
	got := w.call("completion", shell)
	if got.code != 0 || got.errors != "" {
		t.Fatalf("%+v", got)
	}
	w.write("script", got.out)
	return w.dir
}

// spoken runs a script in a folder.
func spoken(t *testing.T, dir, shell string, args ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), shell, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "TERM=dumb")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", shell, err, out)
	}
	words := strings.Fields(string(out))
	slices.Sort(words)
	return words
}

// completed is what a shell offers for a line whose last word is being typed.
var completed = map[string][]string{
	"causeway ch":                           {"channels", "check"},
	"causeway -c other.toml login ":         {"msteams.other"},
	"causeway login m":                      {"mattermost.hq", "msteams.contoso"},
	"causeway login mattermost.hq ":         {},
	"causeway quarantine ":                  {"drop", "list", "retry"},
	"causeway people in":                    {"invite"},
	"causeway help reke":                    {"rekey"},
	"causeway completion ":                  {"bash", "fish", "zsh"},
	"causeway render --from ":               {"mattermost", "msteams"},
	"causeway render --from mattermost --t": {"--to"},
	"causeway import matter":                {"matterbridge.toml"},
	"causeway check --js":                   {"--json"},
	"causeway check -c oth":                 {"other.toml"},
}

func TestBashCompletes(t *testing.T) {
	present(t, "bash")
	dir := scripted(t, "bash")
	got := map[string][]string{}
	for line := range completed {
		words := strings.Split(line, " ")
		got[line] = spoken(t, dir, "bash", append([]string{"--norc", "-c", `source ./script
[[ $(complete -p causeway) == "complete -F _causeway causeway" ]] || echo "not registered"
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_causeway
printf '%s\n' "${COMPREPLY[@]}"`, "bash"}, words...)...)
	}
	want := map[string][]string{}
	for line, words := range completed {
		want[line] = words
	}
	if diff := cmp.Diff(want, got, cmp.Transformer("none", func(l []string) []string { return append([]string{}, l...) })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := spoken(t, dir, "bash", "--norc", "-c", `source ./script; COMP_WORDS=(causeway ""); COMP_CWORD=1; _causeway; printf '%s\n' "${COMPREPLY[@]}"`); !slices.Equal(got, slices.Sorted(slices.Values(verbNames()))) {
		t.Errorf("of all commands it offers %v", got)
	}
}

func TestFishCompletes(t *testing.T) {
	present(t, "fish")
	dir := scripted(t, "fish")
	for line, want := range completed {
		lines := spokenLines(t, dir, "fish", "--no-config", "-c", "source ./script; complete -C '"+line+"'")
		var got []string
		for _, l := range lines {
			word, _, _ := strings.Cut(l, "\t")
			got = append(got, strings.TrimSpace(word))
		}
		slices.Sort(got)
		if line == "causeway login mattermost.hq " { // fish does not count arguments
			continue
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", line, got, want)
		}
	}
}

func spokenLines(t *testing.T, dir, shell string, args ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), shell, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "TERM=dumb")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", shell, err, out)
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
}

// TestZshTakesTheScript: that it is valid, and registers itself; what it offers can only be seen by hand.
func TestZshTakesTheScript(t *testing.T) {
	present(t, "zsh")
	dir := scripted(t, "zsh")
	if got := spoken(t, dir, "zsh", "-f", "-c", "autoload -Uz compinit; compinit -u -D; source ./script; print ${_comps[causeway]}"); !slices.Equal(got, []string{"_causeway"}) {
		t.Errorf("%v", got)
	}
}

func TestCompletionOfAnUnknownShell(t *testing.T) {
	got := newWorld(t, "").call("completion", "bsah")
	if got.code != 2 || !strings.HasPrefix(got.errors, "causeway: there is no completion for \"bsah\"; did you mean bash?\nUsage: causeway completion ") {
		t.Errorf("%+v", got)
	}
}
