package html

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge/richtext"
	"causeway/bridge/richtext/richtexttest"
)

func TestParseGivesBackWhatRenderWrote(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 5_000 {
		doc := richtexttest.Doc(r, 3)
		rendered := Render(doc)
		want, got := richtext.Normalize(doc), Parse(rendered)
		if !reflect.DeepEqual(want, got) {
			t.Fatalf("%s\n(-want +got):\n%s", rendered, cmp.Diff(want, got))
		}
	}
}
