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
)

// pair is what somebody posted on one service, and what stands for it on the other.
type pair struct {
	name string
	// element is what the pair shows, and verdict what becomes of it, for the table in the README: "kept", "dropped" or
	// "degraded to …". Empty in most.
	element, verdict string
	in, out          string
}

// The files in testdata/pairs hold one pair after the other, each under a line "=====[ name ]=====", and are named after the
// service on which the first of each was posted. What follows in that line, "element: Tables; degraded: lines", makes the
// pair a row of the table in the README.
const (
	pairBegins = "=====[ "
	nameEnds   = " ]====="
	becomes    = "-----[ becomes ]-----\n"
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

// pairsIn reads a file of pairs.
func pairsIn(t *testing.T, path string) []pair {
	t.Helper()
	var all []pair
	for line := range strings.Lines(read(t, path)) {
		rest, begins := strings.CutPrefix(line, pairBegins)
		if !begins {
			if len(all) == 0 {
				t.Fatalf("%s does not begin with a pair", path)
			}
			all[len(all)-1].in += line
			continue
		}
		name, note, ok := strings.Cut(strings.TrimSpace(rest), nameEnds)
		if !ok {
			t.Fatalf("%s: cannot read %q", path, line)
		}
		one := pair{name: name}
		if note != "" {
			element, verdict, _ := strings.Cut(strings.TrimPrefix(note, " element: "), "; ")
			one.element, one.verdict = element, strings.Replace(verdict, "degraded: ", "degraded to ", 1)
			if one.verdict == "" {
				one.verdict = "kept"
			}
		}
		all = append(all, one)
	}
	for i := range all {
		one := &all[i]
		one.in, one.out, _ = strings.Cut(one.in, becomes)
		one.in, one.out = strings.TrimSuffix(one.in, "\n"), strings.TrimSuffix(one.out, "\n")
	}
	return all
}

func (p pair) String() string {
	head := pairBegins + p.name + nameEnds
	if p.element != "" {
		head += " element: " + p.element
		if p.verdict != "kept" {
			head += "; " + strings.Replace(p.verdict, "degraded to ", "degraded: ", 1)
		}
	}
	out := p.out
	if out != "" {
		out += "\n"
	}
	return head + "\n" + p.in + "\n" + becomes + out
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
				name := strings.TrimSuffix(filepath.Base(path), ".txt") + ": " + one.name
				doc := d.parse(one.in)
				got := d.render(doc)
				if !*update && got != one.out {
					t.Errorf("%s (-want +got):\n%s", name, cmp.Diff(one.out, got))
				}
				one.out = got
				checkLaws(t, name, d, doc, got)
				if back := d.other(got); one.verdict == "kept" && !reflect.DeepEqual(doc, back) {
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
