package card

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge/richtext/html"
	"causeway/bridge/richtext/markdown"
)

const prefix = "application/vnd.microsoft.card."

// TestCardsAreReadable: what people see on a card, as Mattermost shows it.
func TestCardsAreReadable(t *testing.T) {
	for name, test := range map[string]struct{ kind, content, want string }{
		"adaptive": {prefix + "adaptive", `{"type":"AdaptiveCard","body":[
			{"type":"TextBlock","text":"Build **failed**","size":"Large","weight":"Bolder"},
			{"type":"TextBlock","text":"by [Ann](https://example.com/ann)\n\n- one\n- two"},
			{"type":"TextBlock","text":"not seen","isVisible":false},
			{"type":"ColumnSet","columns":[{"type":"Column","items":[{"type":"TextBlock","text":"left","weight":"bolder"}]},{"type":"Column","items":[{"type":"Image","url":"https://example.com/a.png","altText":"logo"}]}]},
			{"type":"FactSet","facts":[{"title":"State:","value":"red"},{"title":"Since","value":"*today*"}]},
			{"type":"RichTextBlock","inlines":["a ",{"type":"TextRun","text":"b","weight":"Bolder","italic":true},{"type":"TextRun","text":" c","strikethrough":true}]},
			{"type":"Table","rows":[{"type":"TableRow","cells":[{"items":[{"type":"TextBlock","text":"k"}]},{"items":[{"type":"TextBlock","text":"v"}]}]},{"cells":[{"items":[{"type":"TextBlock","text":"1"}]},{"items":[{"type":"TextBlock","text":"2"},{"type":"TextBlock","text":"3"}]}]}]},
			{"type":"CodeBlock","codeSnippet":"x := 1","language":"Go"},
			{"type":"Input.Text","id":"x","label":"Comment"},
			{"type":"Unknown","items":[{"type":"TextBlock","text":"inside"}]}],
			"actions":[{"type":"Action.OpenUrl","title":"Open","url":"https://example.com/b"},{"type":"Action.Submit","title":"Approve"},{"type":"Action.OpenUrl","title":"Bad","url":"javascript:x"}]}`,
			"#### Build **failed**\n\nby [Ann](https://example.com/ann)\n\n- one\n- two\n\n**left**\n\n[\\[logo\\]](https://example.com/a.png)\n\n**State:** red\n**Since:** *today*\n\n" +
				"a ***b*** ~~c~~\n\n| k | v |\n|---|---|\n| 1 | 2 3 |\n\n```go\nx := 1\n```\n\n[Comment]\n\ninside\n\n[Open](https://example.com/b) · [Approve] · [Bad]"},
		"adaptive that says nothing": {prefix + "adaptive", `{"type":"AdaptiveCard","body":[{"type":"Image"}],"fallbackText":"See Teams"}`, "See Teams"},
		"hero": {prefix + "hero", `{"title":"*Title*","subtitle":"<h3>Sub</h3>","text":"Body <br>and a <a href=\"https://example.com\">link</a>","images":[{"url":"https://example.com/a.png","alt":"cat"}],
			"buttons":[{"type":"openUrl","title":"Go","value":"https://example.com/go"},{"type":"messageBack","title":"Login","value":"x"}]}`,
			"**\\*Title\\*\u200b**\n\n### Sub\n\nBody\nand a [link](https://example.com)\n\n[\\[cat\\]](https://example.com/a.png)\n\n[Go](https://example.com/go) · [Login]"},
		"thumbnail": {prefix + "thumbnail", `{"title":"T","text":"a & b"}`, "**T**\n\na & b"},
		"list": {"application/vnd.microsoft.teams.card.list", `{"title":"Files","items":[{"type":"file","title":"plan.pdf","subtitle":"in plans","tap":{"type":"openUrl","value":"https://example.com/plan"}},{"type":"section","title":"More"}],"buttons":[{"type":"imBack","title":"Pick","value":"p"}]}`,
			"**Files**\n\n- **[plan.pdf](https://example.com/plan)**\n  in plans\n- **More**\n\n[Pick]"},
		"connector": {"application/vnd.microsoft.teams.card.o365connector", `{"title":"Push","summary":"s","text":"2 commits by <b>Ann</b>","sections":[{"activityTitle":"Ann","activitySubtitle":"on **main**","facts":[{"name":"State","value":"green"}]}],
			"potentialAction":[{"@type":"OpenUri","name":"View","targets":[{"os":"default","uri":"https://example.com/v"}]},{"@type":"ActionCard","name":"Comment"}]}`,
			"**Push**\n\n2 commits by **Ann**\n\n**Ann**\n\non **main**\n\n**State:** green\n\n[View](https://example.com/v) · [Comment]"},
		"connector that says nothing":       {"application/vnd.microsoft.teams.card.o365connector", `{"summary":"Pushed"}`, "Pushed"},
		"snippet with its code":             {prefix + "codesnippet", `{"name":"main.go","language":"Go","lines":["a","\tb"]}`, "**main.go**\n\n```go\na\n\tb\n```"},
		"snippet with an address alone":     {prefix + "codesnippet", `{"name":"main.go","language":"Go","codeSnippetUrl":"https://example.com"}`, ""},
		"a card that is unknown":            {prefix + "other", `{"title":"x"}`, ""},
		"no card at all":                    {prefix + "adaptive", `no JSON`, ""},
		"values that are not what they are": {prefix + "adaptive", `{"body":[{"type":"TextBlock","text":7},{"type":"FactSet","facts":"x"},3,{"type":["a"]},{"type":"Table","rows":[{"cells":4}]}],"actions":{}}`, "7"},
		"names that are markup": {prefix + "hero", `{"title":"<at id=\"0\">@all</at> **x** [y](https://example.com)","buttons":[{"type":"openUrl","title":"](x) @here","value":"https://example.com"}]}`,
			"**&lt;at id=\"0\">@\u200ball&lt;/at> \\*\\*x\\*\\* [y\\](https://example.com)**\n\n[\\](x) @\u200bhere](https://example.com)"},
	} {
		if diff := cmp.Diff(test.want, markdown.Render(Doc(test.kind, test.content))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestDeepCardsAreBounded(t *testing.T) {
	deep := strings.Repeat(`{"type":"Container","items":[`, 1_000) + `{"type":"TextBlock","text":"deep"}` + strings.Repeat(`]}`, 1_000)
	doc := Doc(prefix+"adaptive", `{"body":[{"type":"TextBlock","text":"top"},`+deep+`]}`)
	if got := doc.PlainText(); got != "top" {
		t.Errorf("got %q", got)
	}
}

// FuzzDoc: whatever an app puts into a card, its text can be written on both sides, and is on the white list in Teams.
func FuzzDoc(f *testing.F) {
	f.Add("adaptive", `{"body":[{"type":"TextBlock","text":"a"},{"type":"FactSet","facts":[{"title":"b","value":"c"}]}],"actions":[{"title":"d"}]}`)
	f.Add("hero", `{"title":"a","text":"<b>b</b>","images":[{"url":"https://a.b"}],"buttons":[{"type":"openUrl","title":"c","value":"https://a.b"}]}`)
	f.Add("o365connector", `{"sections":[{"activityTitle":"a","facts":[{"name":"b","value":"c"}]}]}`)
	f.Add("codesnippet", `{"code":"a"}`)
	f.Fuzz(func(t *testing.T, kind, content string) {
		doc := Doc(prefix+kind, content)
		if err := html.Allowed(html.Render(doc)); err != nil {
			t.Fatal(err)
		}
		if got := markdown.Parse(markdown.Render(doc)); got.Hash() != doc.Hash() {
			t.Fatalf("%v became %v", doc, got)
		}
	})
}
