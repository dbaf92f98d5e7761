package richtext_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	. "causeway/bridge/richtext"
	"causeway/bridge/richtext/html"
	"causeway/bridge/richtext/markdown"
	"causeway/bridge/richtext/richtexttest"
)

// direction is one of the two ways.
type direction struct {
	from, to     string
	parse, other func(string) Doc
	render       func(Doc) string
}

var directions = []direction{
	{"mattermost", "teams", markdown.Parse, html.Parse, html.Render},
	{"teams", "mattermost", html.Parse, markdown.Parse, markdown.Render},
}

// pairsIn reads a file of pairs in testdata/pairs, which is named after the service on which the first of each was posted.
func pairsIn(t *testing.T, path string) []richtexttest.Pair {
	t.Helper()
	all, err := richtexttest.Pairs(path)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// pairFiles gives the files of pairs that were posted on a service, what people write most first.
func pairFiles(t *testing.T, service string) []string {
	t.Helper()
	var paths []string
	for _, about := range []string{"text", "blocks", "tables", "links", "names", "office"} {
		path := "testdata/pairs/" + service + "-" + about + ".txt"
		if _, err := os.Stat(path); err == nil {
			paths = append(paths, path)
		}
	}
	all, err := filepath.Glob("testdata/pairs/" + service + "-*.txt")
	if err != nil || len(paths) == 0 || len(all) != len(paths) {
		t.Fatalf("%v has files that are not tested: %v, %v", all, paths, err)
	}
	return paths
}

// fewestPairs are promised to be tested.
const fewestPairs = 150

// TestPairs: what is posted on one service becomes what testdata/pairs says on the other, and means the same there.
func TestPairs(t *testing.T) {
	pairs := 0
	for _, d := range directions {
		for _, path := range pairFiles(t, d.from) {
			all := pairsIn(t, path)
			pairs += len(all)
			for i := range all {
				one := &all[i]
				name := strings.TrimSuffix(filepath.Base(path), ".txt") + ": " + one.Name
				doc := d.parse(one.In)
				got := d.render(doc)
				if !*update && got != one.Out {
					t.Errorf("%s (-want +got):\n%s", name, cmp.Diff(one.Out, got))
				}
				one.Out = got
				checkLaws(t, name, d, doc, got)
				if back := d.other(got); one.Verdict == "kept" && !reflect.DeepEqual(doc, back) {
					t.Errorf("%s is not kept (-posted +there):\n%s", name, cmp.Diff(doc, back))
				}
			}
			if *update {
				var b strings.Builder
				for _, one := range all {
					b.WriteString(one.String())
				}
				if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if pairs < fewestPairs {
		t.Errorf("%d pairs, want %d at least", pairs, fewestPairs)
	}
}

// checkLaws checks what holds of every text that was written for the other service.
func checkLaws(t *testing.T, name string, d direction, doc Doc, written string) {
	t.Helper()
	if canonical := Normalize(doc); !reflect.DeepEqual(canonical, doc) {
		t.Errorf("%s: what was read is not canonical:\n%s", name, cmp.Diff(canonical, doc))
	}
	if back := d.other(written); back.Hash() != doc.Hash() {
		t.Errorf("%s: is taken for another text when it comes back:\n%s", name, cmp.Diff(doc, back))
	}
	if d.to == "mattermost" && strings.Contains(written, "\u00a0") || !utf8.ValidString(written) {
		t.Errorf("%s: no-break spaces or broken characters in %q", name, written)
	}
	if d.to == "teams" {
		if err := html.Allowed(written); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
