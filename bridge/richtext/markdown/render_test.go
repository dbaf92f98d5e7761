package markdown

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge/richtext"
)

func plain(s string) richtext.Doc {
	return richtext.Doc{{Kind: richtext.Paragraph, Runs: []richtext.Run{{Text: s}}}}
}

// TestRenderEscapesOnlyWhatWouldMeanSomething: people see the markdown as it is in notifications.
func TestRenderEscapesOnlyWhatWouldMeanSomething(t *testing.T) {
	for in, want := range map[string]string{
		"snake_case_name is 2 * 3 = 6":    "snake_case_name is 2 * 3 = 6",
		"(a) [b] {c} a-b c+d #tag ~town":  "(a) [b] {c} a-b c+d #tag ~town",
		":smile: :white_check_mark: :+1:": ":smile: :white_check_mark: :+1:",
		"a < b && c > d":                  "a < b && c > d",
		"C:\\dir is 5€ | 3$":              "C:\\dir is 5€ | 3$",
		"mail a@b.c, a@channel":           "mail a@b.c, a@channel",
		"at @ six":                        "at @ six",
		"https://a.b/c_d_e?f=g&h#i":       "https://a.b/c_d_e?f=g&h#i",
		"3.5 is 1.":                       "3.5 is 1.",
		"-1":                              "-1",
		"*bold*":                          "\\*bold\\*",
		"_it_":                            "\\_it\\_",
		"~~no~~":                          "\\~\\~no\\~\\~",
		"`x`":                             "\\`x\\`",
		"# h":                             "\\# h",
		"> q":                             "\\> q",
		"- a":                             "\\- a",
		"+ a":                             "\\+ a",
		"* a":                             "\\* a",
		"1. a":                            "1\\. a",
		"12) a":                           "12\\) a",
		"---":                             "\\---",
		"===":                             "\u200b===",
		"|---|:--|":                       "|\\---|:--|",
		"[a](https://b.c)":                "[a\\](https://b.c)",
		"![a](b)":                         "\\![a\\](b)",
		"[a]: b":                          "[a\\]: b",
		"<b>x</b>":                        "&lt;b>x&lt;/b>",
		"<|a@b.c> <- <+x@y.z>":            "&lt;|a@b.c> <- &lt;+x@y.z>",
		"&lt;":                            "&amp;lt;",
		"a\\*b":                           "a\\\\\\*b",
		"@channel @all @here @user":       "@\u200bchannel @\u200ball @\u200bhere @\u200buser",
		"(@all) .@all -@all _@all":        "(@\u200ball) .@\u200ball -@\u200ball \\_@\u200ball",
		"@\u200ball":                      "@\u200ball",
	} {
		got := Render(plain(in))
		if got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestRenderWritesTheUsualMarkdown(t *testing.T) {
	bold, italic, strike, code := richtext.Bold, richtext.Italic, richtext.Strike, richtext.InlineCode
	doc := richtext.Doc{
		{Kind: richtext.Heading, Level: 2, Runs: []richtext.Run{{Text: "Title #"}}},
		{Kind: richtext.Paragraph, Runs: []richtext.Run{
			{Text: "a "}, {Text: "b", Style: bold}, {Text: " "}, {Text: "c", Style: italic}, {Text: " "}, {Text: "d", Style: bold | italic},
			{Break: true}, {Text: "e", Style: strike}, {Text: " "}, {Text: "f`", Style: code}, {Text: " "}, {Text: "g", Link: "https://a.b/(c)"}, {Text: "bold ", Style: bold}, {Text: "both", Style: bold | italic},
		}},
		{Kind: richtext.List, Items: []richtext.Doc{
			append(plain("one"), richtext.Block{Kind: richtext.List, Ordered: true, Start: 1, Items: []richtext.Doc{plain("two")}}),
			append(plain("three"), plain("four")...),
		}},
		{Kind: richtext.Quote, Blocks: append(plain("q"), richtext.Block{Kind: richtext.Code, Language: "go", Text: "x\n\n```"})},
		{Kind: richtext.Rule},
	}
	want := "## Title \\#\n\na **b** *c* ***d***\n~~e~~ `` f` `` [g](https://a.b/(c))**bold *both***\n\n" +
		"- one\n  1. two\n- three\n\n  four\n\n> q\n>\n> ````go\n> x\n>\n> ```\n> ````\n\n***"
	if diff := cmp.Diff(want, Render(doc)); diff != "" {
		t.Error(diff)
	}
	roundTrip(t, doc)
}

// TestAddressesDoNotRunTogether: what stands before a link may be the beginning of an address.
func TestAddressesDoNotRunTogether(t *testing.T) {
	for _, before := range []string{"https://", "see http://", "x", "://", "HTTPS://"} {
		roundTrip(t, richtext.Doc{{Kind: richtext.Paragraph, Runs: []richtext.Run{{Text: before}, {Text: "https://a.b", Link: "https://a.b"}}}})
	}
}

func TestOptionsLetSomeMentionsThrough(t *testing.T) {
	o := Options{Mention: func(name string) bool { return name == "z.oe" }}
	if got, want := o.Render(plain("@z.oe @z.oe2 @all")), "@z.oe @\u200bz.oe2 @\u200ball"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParseKeepsWhatHasNoNeutralForm(t *testing.T) {
	for in, want := range map[string]string{
		"| a | b |\nc":              "| a | b |\nc",
		"<b>x</b> <!-- y -->":       "<b>x</b> <!-- y -->",
		"[ref]: https://a.b":        "[ref]: https://a.b",
		"[a](/b \"t\") [c](d)":      "[a](/b) [c](d)",
		"![a](https://b.c/d.png)":   "[a]",
		"![](https://b.c/d.png)":    "[picture]",
		"![a](b)":                   "![a](b)",
		"~town and ~more~":          "~town and ~more~",
		"@\u200ball":                "@all",
		"&amp;lt; &nope; &#x1F600;": "&lt; &nope; 😀",
	} {
		if got := Parse(in).PlainText(); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestLongRulesAreNotHostile(t *testing.T) {
	doc := Parse("**a**\n\n" + strings.Repeat("-", 200) + "\n\n" + strings.Repeat(".", 200))
	if len(doc) != 3 || doc[0].Runs[0].Style != richtext.Bold || doc[1].Kind != richtext.Rule {
		t.Errorf("got %v", doc)
	}
}

func BenchmarkParse(b *testing.B) {
	s := Render(long())
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		Parse(s)
	}
}

func BenchmarkRender(b *testing.B) {
	doc := long()
	b.SetBytes(int64(len(Render(doc))))
	for b.Loop() {
		Render(doc)
	}
}

// long is about as long as people write.
func long() richtext.Doc {
	return Parse("# Title\n\nSome **bold** and *italic* words, `code` and https://a.b/c_d.\nA second line with a [link](https://c.d).\n\n" +
		"- one\n- two\n  1. three\n\n> quoted words\n\n```go\nfunc main() {\n\tprintln(1)\n}\n```\n\nThe end, with @someone and snake_case.")
}
