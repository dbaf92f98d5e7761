package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// code is all of the program's own, tests left out.
func code(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, folder := range []string{"../gateway", "../bridge"} {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			all.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

// TestTroubleshootingQuotesWhatIsSaid: what stands in the column "it says", and what a log line is quoted as, is said by the code; … stands
// for anything.
func TestTroubleshootingQuotesWhatIsSaid(t *testing.T) {
	said := code(t)
	page := read(t, "troubleshooting.md")
	quoted := regexp.MustCompile("`([A-Z][^`]+\\.)`").FindAllStringSubmatch(page, -1)
	in := false
	for line := range strings.Lines(page) {
		cells := strings.Split(line, "|")
		switch {
		case len(cells) < 3:
			in = false
		case strings.TrimSpace(cells[1]) == "it says":
			in = true
		case in:
			quoted = append(quoted, regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[1], -1)...)
		}
	}
	if len(quoted) < 15 {
		t.Fatalf("only %d quotations were found: does this test still read them?", len(quoted))
	}
	for _, q := range quoted {
		for part := range strings.SplitSeq(q[1], "…") {
			if part = strings.TrimSpace(part); !strings.Contains(said, part) {
				t.Errorf("nothing says %q of %q", part, q[1])
			}
		}
	}
}
