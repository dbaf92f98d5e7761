package richtext_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	. "causeway/bridge/richtext"
	"causeway/bridge/richtext/html"
	"causeway/bridge/richtext/markdown"
)

func TestWithMentionsFindsNamesInTextOnly(t *testing.T) {
	ids := map[string]string{"zoe.k": "1", "bob": "2", "a_": "3"}
	who := func(name string) (string, bool) { id, ok := ids[name]; return id, ok }
	at := func(name, id string) Run { return Run{Text: "@" + name, Kind: Mention, Who: id} }
	for in, want := range map[string]Doc{
		"@zoe.k":          {paragraph(at("zoe.k", "1"))},
		"hi @Zoe.K.":      {paragraph(text("hi "), at("Zoe.K", "1"), text("."))},
		"(@bob), @bob-":   {paragraph(text("("), at("bob", "2"), text("), "), at("bob", "2"), text("-"))},
		"@a_ @a__":        {paragraph(at("a_", "3"), text(" "), at("a_", "3"), text("_"))},
		"x@bob @bobby @":  {paragraph(text("x@bob @bobby @"))},
		"**@bob** `@bob`": {paragraph(Run{Text: "@bob", Style: Bold, Kind: Mention, Who: "2"}, text(" "), Run{Text: "@bob", Style: InlineCode})},
		"x**y@bob**":      {paragraph(text("x"), Run{Text: "y@bob", Style: Bold})},
		"[@bob](https://a.b) https://a.b/@bob": {paragraph(Run{Text: "@bob", Link: "https://a.b"}, text(" "),
			Run{Text: "https://a.b/@bob", Link: "https://a.b/@bob"})},
		"- | a | @bob |\n  |---|---|":      {{Kind: List, Items: []Doc{{{Kind: Table, Rows: []Row{{{text("a")}, {at("bob", "2")}}}}}}}},
		"```\n@bob\n```":                   {{Kind: Code, Text: "@bob"}},
		"@" + strings.Repeat("b", 100_000): {paragraph(text("@" + strings.Repeat("b", 100_000)))},
	} {
		if diff := cmp.Diff(want, markdown.Parse(in).WithMentions(who)); diff != "" {
			t.Errorf("%.40s (-want +got):\n%s", in, diff)
		}
	}
}

// TestSeveralWordsOfOneMentionAreOne: Teams makes a mention of each word of a name.
func TestSeveralWordsOfOneMentionAreOne(t *testing.T) {
	o := html.Options{Mention: func(id, name string) Run { return Run{Text: "@" + name, Kind: Mention, Who: "u" + id[:1]} }}
	at := func(name, who string) Run { return Run{Text: "@" + name, Kind: Mention, Who: who} }
	for in, want := range map[string]Doc{
		`<at id="0">Zoë</at>&nbsp;<at id="01">Krüger</at> hi`: {paragraph(at("Zoë Krüger", "u0"), text(" hi"))},
		`<at id="0">Zoë</at> <at id="1">Bob</at>`:             {paragraph(at("Zoë", "u0"), text(" "), at("Bob", "u1"))},
		`<at id="0">Zoë</at>, <at id="0">Zoë</at>`:            {paragraph(at("Zoë", "u0"), text(", "), at("Zoë", "u0"))},
		`<at id="0">Zoë</at> <at id="0">Zoë</at>`:             {paragraph(at("Zoë", "u0"), text(" "), at("Zoë", "u0"))},
	} {
		if diff := cmp.Diff(want, o.Parse(in)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
}

// TestNamesForgeNothing: whatever a person is called, a mention of them is that and nothing else, and so is their name.
func TestNamesForgeNothing(t *testing.T) {
	for _, name := range []string{
		`</at><at id="1">Boss`, `<attachment id="1"></attachment>`, `"><b>x</b>`, "@all", "@channel @here", "](https://evil.example)", "**x**\n\n# y", "`x`", "&lt;at&gt;",
		"all", "channel", "\u202eevil", "x\u0000y", `<abbr title="key"></abbr>`, "Zoë @bob", "|", "- [ ] x",
	} {
		doc := Doc{paragraph(text("hi "), Run{Text: "@" + name, Kind: Mention, Who: "7"}, text(" there"))}
		for _, o := range []html.Options{{}, {MentionID: func(r Run) (string, bool) { return r.Who, true }}} {
			written := o.Render(doc)
			if err := html.Allowed(written); err != nil {
				t.Errorf("%q: %v", name, err)
			}
			want := 0
			if o.MentionID != nil {
				want = 1
			}
			if n := strings.Count(written, "<at "); n != want || strings.Contains(written, "<attachment") || strings.Contains(written, "<abbr") {
				t.Errorf("%q became %s", name, written)
			}
			read := html.Options{Mention: func(id, name string) Run { return Run{Text: "@" + name, Kind: Mention, Who: id} }}
			if back := read.Parse(written); back.Hash() != doc.Hash() {
				t.Errorf("%q became %v", name, back)
			}
		}
		written := markdown.Render(doc)
		for _, call := range []string{"@all", "@channel", "@here", "@bob"} {
			if strings.Contains(written, call) {
				t.Errorf("%q calls somebody: %q", name, written)
			}
		}
		if got := markdown.Parse(written); got.Hash() != doc.Hash() {
			t.Errorf("%q became %v", name, got)
		}
		// Who a person is on the other side may be as wild: only a user's name is written.
		forged := markdown.Options{Person: func(Run) string { return name }}.Render(Doc{paragraph(Run{Text: "@x", Kind: Mention, Who: "7"})})
		if name != "all" && name != "channel" && strings.Contains(forged, name) {
			t.Errorf("%q was written as a user: %q", name, forged)
		}
	}
}

// TestImagesAndMentionsSurviveWhereTheyAreWritten: with options that write them, they are read again.
func TestImagesAndMentionsSurviveWhereTheyAreWritten(t *testing.T) {
	image := Run{Text: "[a [b] \"c\"]", Kind: Image, Link: "https://a.b/c_(d).png?e=1&f=2"}
	doc := Doc{paragraph(text("see "), image, text(" and "), Run{Text: "@zoe", Kind: Mention, Who: "zoe"}, text(", please")),
		{Kind: Table, Rows: []Row{{{image}, {text("x")}}}}}
	h := html.Options{Pictures: true, MentionID: func(r Run) (string, bool) { return r.Who, true },
		Mention: func(id, name string) Run { return Run{Text: "@" + name, Kind: Mention, Who: id} }}
	if diff := cmp.Diff(doc, h.Parse(h.Render(doc))); diff != "" {
		t.Errorf("html (-want +got):\n%s", diff)
	}
	m := markdown.Options{Pictures: true, Person: func(r Run) string { return r.Who }}
	got := markdown.Parse(m.Render(doc)).WithMentions(func(name string) (string, bool) { return name, name == "zoe" })
	if diff := cmp.Diff(doc, got); diff != "" {
		t.Errorf("markdown (-want +got):\n%s", diff)
	}
}
