package markdown

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge/richtext"
	"causeway/bridge/richtext/richtexttest"
)

// FuzzParse: whatever people type, the text is canonical and survives being written and read again.
func FuzzParse(f *testing.F) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 50 {
		f.Add(Render(richtexttest.Doc(r, 2)))
		f.Add(richtexttest.Text(r) + "\n" + richtexttest.Text(r))
	}
	for _, s := range richtexttest.Markdown {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		doc := Parse(s)
		if normal := richtext.Normalize(doc); !reflect.DeepEqual(doc, normal) {
			t.Fatalf("not canonical (-canonical +got):\n%s", cmp.Diff(normal, doc))
		}
		if len(s) < 10_000 {
			roundTrip(t, doc)
		}
	})
}

// FuzzRender: whatever is in the runs, it survives being written and read again.
func FuzzRender(f *testing.F) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 100 {
		f.Add(richtexttest.Text(r), "https://a.b/(c)", richtexttest.Text(r), uint32(r.Uint32()))
	}
	f.Fuzz(func(t *testing.T, a, link, b string, shape uint32) {
		if len(a)+len(b) < 10_000 {
			roundTrip(t, richtexttest.Shaped(a, link, b, shape))
		}
	})
}
