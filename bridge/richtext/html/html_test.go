package html

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge/richtext"
	"causeway/bridge/richtext/richtexttest"
)

func roundTrip(t *testing.T, doc richtext.Doc) {
	t.Helper()
	rendered := Render(doc)
	want, got := doc.Literal(), Parse(rendered)
	if !reflect.DeepEqual(want, got) {
		t.Fatalf("%q\n%s\n(-want +got):\n%s", rendered, rendered, cmp.Diff(want, got))
	}
}

func TestParseGivesBackWhatRenderWrote(t *testing.T) {
	for depth := range 4 {
		for _, one := range []bool{true, false} {
			r := rand.New(rand.NewPCG(1, 2))
			for range 1_000 * (5 - depth) {
				if one {
					roundTrip(t, richtext.Doc{richtexttest.Block(r, depth)})
				} else {
					roundTrip(t, richtexttest.Doc(r, depth))
				}
			}
		}
	}
}
