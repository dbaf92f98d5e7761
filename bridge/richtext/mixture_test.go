package richtext_test

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	. "causeway/bridge/richtext"
	"causeway/bridge/richtext/html"
	"causeway/bridge/richtext/markdown"
	"causeway/bridge/richtext/richtexttest"
)

// mixture gives a random text of both kinds of markup and of what looks like it.
func mixture(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(8) {
		switch r.IntN(4) {
		case 0:
			b.WriteString(richtexttest.Markdown[r.IntN(len(richtexttest.Markdown))])
		case 1:
			b.WriteString(richtexttest.HTML[r.IntN(len(richtexttest.HTML))])
		default:
			b.WriteString(richtexttest.Text(r))
		}
		b.WriteString([]string{"", "\n", "\n\n", " ", "\n  ", "\n> ", "\n- ", " | "}[r.IntN(8)])
	}
	return b.String()
}

// TestMixturesSurvive: whatever is made of a text by either parser, it is canonical, and survives being written and read.
func TestMixturesSurvive(t *testing.T) {
	r := rand.New(rand.NewPCG(19, 20))
	for range 3_000 {
		s := mixture(r)
		for _, doc := range []Doc{html.Parse(s), markdown.Parse(s)} {
			literal := doc.Literal()
			for name, test := range map[string]struct{ want, got Doc }{
				"canonical form": {Normalize(doc), doc},
				"html":           {literal, html.Parse(html.Render(doc))},
				"markdown":       {literal.Without(Underline), markdown.Parse(markdown.Render(doc))},
			} {
				if !reflect.DeepEqual(test.want, test.got) {
					t.Fatalf("%s of %q (-want +got):\n%s", name, s, cmp.Diff(test.want, test.got))
				}
			}
			if err := html.Allowed(html.Render(doc)); err != nil {
				t.Fatalf("%q: %v", s, err)
			}
			if literal.Hash() != doc.Hash() || literal.Without(Underline).Hash() != doc.Hash() {
				t.Fatalf("%q has another hash when it has crossed", s)
			}
		}
	}
}
