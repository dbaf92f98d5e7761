// Package docs holds pages for operators. Its test keeps them true where that can be tested.
package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge/msteams"
)

// TestTeamsAppListsThePermissionsInUse: who grants permissions shall grant what is called, no less and no more.
func TestTeamsAppListsThePermissionsInUse(t *testing.T) {
	var want []string
	for _, op := range msteams.Operations() {
		row := op.Permission + " application"
		if op.Relay {
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

// TestLinksLeadSomewhere follows the links from page to page and file.
func TestLinksLeadSomewhere(t *testing.T) {
	pages := []string{"../README.md", "../ARCHITECTURE.md", "mattermost-bot.md", "teams-app.md"}
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
