package richtext_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fidelityPage is where the table of elements stands, between these two lines.
const (
	fidelityPage   = "../../README.md"
	fidelityBefore = "<!-- fidelity: written by go test ./bridge/richtext -update -->\n"
	fidelityAfter  = "<!-- end of fidelity -->\n"
)

// fidelityTable is what becomes of each element, by the pairs that show it. That "kept" is true, TestPairs sees to.
func fidelityTable(t *testing.T) string {
	t.Helper()
	var order []string
	verdicts := map[string]map[string]string{}
	for _, d := range directions {
		verdicts[d.from] = map[string]string{}
		for _, path := range pairFiles(t, d.from) {
			for _, one := range pairsIn(t, path) {
				if one.Element == "" {
					continue
				}
				if verdicts[d.from][one.Element] != "" {
					t.Errorf("%s: %q is shown twice", path, one.Element)
				}
				if verdicts["mattermost"][one.Element] == "" {
					order = append(order, one.Element)
				}
				verdicts[d.from][one.Element] = one.Verdict
			}
		}
	}
	var b strings.Builder
	b.WriteString("| in a text | Mattermost → Teams | Teams → Mattermost |\n|---|---|---|\n")
	for _, element := range order {
		b.WriteString("| " + element)
		for _, d := range directions {
			verdict := verdicts[d.from][element]
			if verdict == "" {
				verdict = "–"
			}
			b.WriteString(" | " + verdict)
		}
		b.WriteString(" |\n")
	}
	return b.String()
}

// TestReadmeTellsWhatIsKept in a text and what becomes of the rest, as the pairs in testdata show it.
func TestReadmeTellsWhatIsKept(t *testing.T) {
	page := read(t, fidelityPage)
	before, rest, begins := strings.Cut(page, fidelityBefore)
	listed, after, ends := strings.Cut(rest, fidelityAfter)
	if !begins || !ends {
		t.Fatalf("%s has no table of elements", fidelityPage)
	}
	want := fidelityTable(t)
	if *update {
		if err := os.WriteFile(fidelityPage, []byte(before+fidelityBefore+want+fidelityAfter+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("the elements in %s (-in the pairs +listed); go test ./bridge/richtext -update puts it right:\n%s", fidelityPage, diff)
	}
}
