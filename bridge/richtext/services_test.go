package richtext_test

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

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

// FuzzBothServices: what somebody posts on one service is, when it comes back from the other, not taken for another text; and
// what is written for Teams is on the white list.
func FuzzBothServices(f *testing.F) {
	r := rand.New(rand.NewPCG(15, 16))
	for range 50 {
		doc := richtexttest.Doc(r, 2)
		f.Add(markdown.Render(doc), html.Render(doc))
	}
	for _, d := range richtexttest.Markdown {
		f.Add(d, "")
	}
	for _, d := range richtexttest.HTML {
		f.Add("", d)
	}
	f.Fuzz(func(t *testing.T, posted, body string) {
		if len(posted)+len(body) > 20_000 {
			return
		}
		checkThereAndBack(t, markdown.Parse(posted), directions[0])
		checkThereAndBack(t, html.Parse(body), directions[1])
	})
}

func checkThereAndBack(t *testing.T, doc Doc, d direction) {
	t.Helper()
	written := d.render(doc)
	checkLaws(t, "fuzz", d, doc, written)
	back := d.other(written)
	if again := d.other(d.render(back)); again.Hash() != doc.Hash() {
		t.Fatalf("%#v\nbecame\n%#v", doc, again)
	}
}

// TestPlainTextStaysPlain: what is only words on one side is only words on the other, whatever they look like.
func TestPlainTextStaysPlain(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 18))
	for range 5_000 {
		doc := Normalize(Doc{{Kind: Paragraph, Runs: []Run{{Text: richtexttest.Text(r)}}}})
		for _, d := range directions {
			back := d.other(d.render(doc))
			if diff := cmp.Diff(doc, back); diff != "" {
				t.Fatalf("%s of %q (-said +there):\n%s", d.to, doc.PlainText(), diff)
			}
			for _, b := range back {
				for _, run := range b.Runs {
					if b.Kind != Paragraph || run.Style != 0 || run.Kind != Literal || run.Link != "" && run.Link != run.Text {
						t.Fatalf("%s of %q is more than text: %#v", d.to, doc.PlainText(), back)
					}
				}
			}
		}
	}
}
