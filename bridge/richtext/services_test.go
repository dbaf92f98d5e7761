package richtext_test

import (
	"math/rand/v2"
	"testing"

	. "causeway/bridge/richtext"
	"causeway/bridge/richtext/html"
	"causeway/bridge/richtext/markdown"
	"causeway/bridge/richtext/richtexttest"
)

// TestHashSurvivesBothServices: a text that goes there and back is not taken for a human's edit.
func TestHashSurvivesBothServices(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	check := func(doc Doc) {
		t.Helper()
		onMattermost := markdown.Parse(markdown.Render(html.Parse(html.Render(doc))))
		onTeams := html.Parse(html.Render(onMattermost))
		if onTeams.Hash() != doc.Hash() || onMattermost.PlainText() != doc.Literal().PlainText() {
			t.Fatalf("%#v\nbecame\n%#v", Normalize(doc), onTeams)
		}
	}
	for range 3_000 {
		check(richtexttest.Doc(r, 3))
	}
	for _, s := range richtexttest.Markdown {
		check(markdown.Parse(s))
	}
	for _, s := range richtexttest.HTML {
		check(html.Parse(s))
	}
}

// TestSplitPiecesSurviveTheServices: what is posted in pieces reads like the whole.
func TestSplitPiecesSurviveTheServices(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for range 500 {
		doc := withoutTables(richtexttest.Doc(r, 3)).Literal()
		pieces := Split(doc, func(doc Doc) bool { return len(markdown.Render(doc)) <= 300 })
		for i, piece := range pieces {
			pieces[i] = html.Parse(html.Render(markdown.Parse(markdown.Render(piece))))
		}
		if got, want := joined(pieces), withoutSpace(doc.PlainText()); got != want {
			t.Fatalf("got  %q\nwant %q", got, want)
		}
	}
}
