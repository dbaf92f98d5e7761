// Package docs holds pages for operators. Its test keeps them true where that can be tested.
package docs

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge/msteams"
)

// TestTeamsAppListsThePermissionsInUse: who grants permissions shall grant what is called, no less and no more.
func TestTeamsAppListsThePermissionsInUse(t *testing.T) {
	var want []string
	for _, op := range msteams.Operations() {
		row := op.Permission + " application"
		if op.Delegated() {
			row = op.Permission + " delegated"
		}
		want = append(want, row)
	}
	slices.Sort(want)
	var listed []string
	for _, m := range regexp.MustCompile("\\| `([A-Za-z.]+)` \\| (application|delegated) \\|").FindAllStringSubmatch(read(t, "teams-app.md"), -1) {
		listed = append(listed, m[1]+" "+m[2])
	}
	slices.Sort(listed)
	if diff := cmp.Diff(slices.Compact(want), listed); diff != "" {
		t.Errorf("the permissions of docs/teams-app.md (-in use +listed):\n%s", diff)
	}
}

var update = flag.Bool("update", false, "write what is made by tests into README")

// callsTable is every call of Graph that Causeway makes, by permission.
func callsTable() string {
	type grant struct {
		permission, as string
		optional       bool
	}
	var order []grant
	calls, why := map[grant][]string{}, map[grant][]string{}
	add := func(list []string, text string) []string {
		if slices.Contains(list, text) {
			return list
		}
		return append(list, text)
	}
	for _, op := range msteams.Operations() {
		g := grant{op.Permission, "application", op.Optional}
		if op.Delegated() {
			g.as = "delegated"
		}
		if calls[g] == nil {
			order = append(order, g)
		}
		calls[g] = add(calls[g], "`"+op.Method+" "+op.Path+"`")
		why[g] = add(why[g], op.Why)
	}
	slices.SortStableFunc(order, func(x, y grant) int { return strings.Compare(x.as, y.as) })
	table := "| permission | type | calls | why |\n|---|---|---|---|\n"
	for _, g := range order {
		reason := strings.Join(why[g], "; ")
		if g.optional {
			reason += "; optional"
		}
		table += "| `" + g.permission + "` | " + g.as + " | " + strings.Join(calls[g], "<br>") + " | " + reason + " |\n"
	}
	return table
}

// TestEveryCallOfGraphIsListed with its permission, as it stands in the code.
func TestEveryCallOfGraphIsListed(t *testing.T) {
	kept(t, "<!-- calls: written by go test ./docs -update -->\n", callsTable(), "<!-- end of calls -->\n")
}

const readme = "../README.md"

// kept compares what stands in README between two lines with what it is to be, or writes it.
func kept(t *testing.T, begin, want, end string) {
	t.Helper()
	page := read(t, readme)
	before, rest, begins := strings.Cut(page, begin)
	listed, after, ends := strings.Cut(rest, end)
	if !begins || !ends {
		t.Fatalf("%s has no lines %q and %q", readme, begin, end)
	}
	if *update {
		if err := os.WriteFile(readme, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("after %q in %s (-as it is +as it says); go test ./docs -update puts it right:\n%s", begin, readme, diff)
	}
}

// TestReadmeListsThePermissionsInUse: the optional ones may be left out there.
func TestReadmeListsThePermissionsInUse(t *testing.T) {
	optional := map[string]bool{}
	var want []string
	for _, op := range msteams.Operations() {
		row := map[bool]string{true: "delegated ", false: "application "}[op.Delegated()] + op.Permission
		if optional[row] = op.Optional; !op.Optional {
			want = append(want, row)
		}
	}
	slices.Sort(want)
	var listed []string
	for _, row := range regexp.MustCompile(`(?m)^ *\| (application|delegated) \| ([^|]+) \|`).FindAllStringSubmatch(read(t, readme), -1) {
		for _, p := range regexp.MustCompile("`([A-Za-z.]+)`").FindAllStringSubmatch(row[2], -1) {
			if name := row[1] + " " + p[1]; !optional[name] {
				listed = append(listed, name)
			}
		}
	}
	slices.Sort(listed)
	if diff := cmp.Diff(slices.Compact(want), listed); diff != "" {
		t.Errorf("the permissions of README.md (-in use +listed):\n%s", diff)
	}
}

// TestLinksLeadSomewhere follows the links from page to page and file.
func TestLinksLeadSomewhere(t *testing.T) {
	pages := []string{"../README.md", "../ARCHITECTURE.md", "config.md", "mattermost-bot.md", "people.md", "privacy.md", "teams-app.md", "troubleshooting.md"}
	found := 0
	for _, page := range pages {
		for _, m := range regexp.MustCompile(`\]\(([^):#]+)[^):]*\)`).FindAllStringSubmatch(read(t, page), -1) {
			found++
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s links to nothing: %v", page, err)
			}
		}
	}
	if found == 0 {
		t.Error("no link was found: does this test still read them?")
	}
}

func read(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
