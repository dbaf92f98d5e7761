package richtext_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	. "causeway/bridge/richtext"
	"causeway/bridge/richtext/html"
	"causeway/bridge/richtext/markdown"
)

var update = flag.Bool("update", false, "write what the converters give into testdata; look at the difference before you keep it")

// TestGolden: NAME.json is a text in neutral form, NAME.md and NAME.html are what becomes of it. NAME.in.md and NAME.in.html
// are what people post; NAME.json is then what is read from it.
func TestGolden(t *testing.T) {
	inputs, err := filepath.Glob("testdata/*.in.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, input := range inputs {
		parse := markdown.Parse
		if filepath.Ext(input) == ".html" {
			parse = html.Parse
		}
		name, _, _ := strings.Cut(input, ".in.")
		golden(t, name+".json", asJSON(t, parse(read(t, input))))
	}
	neutral, err := filepath.Glob("testdata/*.json")
	if err != nil || len(neutral) < 6 {
		t.Fatalf("found %v, %v", neutral, err)
	}
	for _, path := range neutral {
		var doc Doc
		if err := json.Unmarshal([]byte(read(t, path)), &doc); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		golden(t, path, asJSON(t, Normalize(doc)))
		name := strings.TrimSuffix(path, ".json")
		golden(t, name+".md", markdown.Render(doc)+"\n")
		golden(t, name+".html", html.Render(doc)+"\n")
		for form, test := range map[string]struct{ want, got Doc }{
			"md":   {doc.Literal().Without(Underline), markdown.Parse(read(t, name+".md"))},
			"html": {doc.Literal(), html.Parse(read(t, name+".html"))},
		} {
			if diff := cmp.Diff(test.want, test.got); diff != "" {
				t.Errorf("%s.%s does not give the text back (-want +got):\n%s", name, form, diff)
			}
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(read(t, path), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func asJSON(t *testing.T, doc Doc) string {
	t.Helper()
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(doc); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
