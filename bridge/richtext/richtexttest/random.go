// Package richtexttest makes texts for the tests of what converts [richtext.Doc].
package richtexttest

import (
	"math/rand/v2"
	"strings"

	"causeway/bridge/richtext"
)

// scraps are what people type, and what a converter may mistake for markup.
var scraps = []string{
	"a", "word", "Zoë", "日本語", "　", "😀", "👨‍👩‍👧", "1", "42", " ", "  ", " ", "\t", ".", ",", "!", "?", ":", ";", "'", "\"",
	"*", "**", "***", "_", "__", "~", "~~", "~~~", "`", "``", "```", "#", "##", "# ", "###### x", ">", "> ", ">>", "-", "- ",
	"--", "---", "- - -", "+", "+ ", "=", "===", "1. ", "1) ", "12.", "|", "|a|b|", "|---|---|", ":--|--:", "\\", "\\\\", "\\*",
	"[", "]", "[x]", "[x](y)", "](", "[x]: y", "![", "![x](y)", "(", ")", "<", ">", "<b>", "</b>", "<at id=\"0\">", "<!--", "-->",
	"<https://a.b>", "<a@b.c>", "&", "&amp;", "&lt;", "&#42;", "&copy", "&nbsp;", "@", "@all", "@channel", "@here", "@user", "a@b.c",
	":smile:", ":+1:", "#hashtag", "snake_case_name", "2*3*4", "~town", "$x$", "^", "{", "}", "https://a.b", "http://x.y/p_a_th?q=1&r=(2)",
	"https://", "https://a.b/c.", "www.a.b", "mailto:a@b.c", "https://a.b/@user", "☐ ", "☑ x", "[ ] ", "[x] y", "$x^2$", "$a_1$", "5$-10$", "C:\\dir\\*.go", "\x00", "\u200b", "\u0301", "\xff", "\u00a0",
	"\u2003", "\u2028", "\u202e", "\ufeff", "\v", "\r\n", "\n", "\n\n",
}

var links = []string{
	"", "", "", "", "https://a.b", "https://a.b/c(d)e", "http://x.y/?a=1&b=2&lt;", "mailto:a@b.c", "HTTPS://A.B/*_~`[]",
	"javascript:alert(1)", "https://a.b/ c>d\"e'", "https://a.b/@user", "https://a.b/\\)",
}

// Doc gives a random text, not in canonical form; depth bounds how deep it nests.
func Doc(r *rand.Rand, depth int) richtext.Doc {
	var doc richtext.Doc
	for range 1 + r.IntN(4) {
		doc = append(doc, Block(r, depth))
	}
	return doc
}

// Block gives a random block.
func Block(r *rand.Rand, depth int) richtext.Block {
	kinds := 11
	if depth == 0 {
		kinds = 8
	}
	switch r.IntN(kinds) {
	case 4:
		return richtext.Block{Kind: richtext.Heading, Level: 1 + r.IntN(6), Runs: Runs(r)}
	case 5:
		languages := []string{"", "go", "c++", "not one"}
		return richtext.Block{Kind: richtext.Code, Text: code(r), Language: languages[r.IntN(len(languages))]}
	case 6:
		return richtext.Block{Kind: richtext.Rule}
	case 7:
		return Table(r)
	case 8:
		return richtext.Block{Kind: richtext.Quote, Blocks: Doc(r, depth-1)}
	case 9, 10:
		list := richtext.Block{Kind: richtext.List}
		if r.IntN(2) == 0 {
			list.Ordered, list.Start = true, []int{0, 1, 7, 99, 1 << 40}[r.IntN(5)]
		}
		for range 1 + r.IntN(3) {
			item := Doc(r, depth-1)
			item[0].Task = []richtext.Task{richtext.NoTask, richtext.NoTask, richtext.TaskOpen, richtext.TaskDone}[r.IntN(4)]
			list.Items = append(list.Items, item)
		}
		return list
	}
	return richtext.Block{Kind: richtext.Paragraph, Runs: Runs(r)}
}

// Table gives a random table.
func Table(r *rand.Rand) richtext.Block {
	table := richtext.Block{Kind: richtext.Table}
	for range 1 + r.IntN(3) {
		var row richtext.Row
		for range 1 + r.IntN(3) {
			var cell []richtext.Run
			if r.IntN(4) > 0 {
				cell = Runs(r)
			}
			row = append(row, cell)
		}
		table.Rows = append(table.Rows, row)
	}
	for range r.IntN(4) {
		table.Align = append(table.Align, []richtext.Alignment{"", "l", "c", "r", "?"}[r.IntN(5)])
	}
	return table
}

// Runs gives random runs.
func Runs(r *rand.Rand) []richtext.Run {
	var runs []richtext.Run
	for range 1 + r.IntN(5) {
		if r.IntN(8) == 0 {
			runs = append(runs, richtext.Run{Break: true})
			continue
		}
		run := richtext.Run{Text: Text(r), Link: links[r.IntN(len(links))]}
		if r.IntN(2) == 0 {
			run.Style = richtext.Style(r.IntN(32))
		}
		if r.IntN(6) == 0 {
			run.Kind = []richtext.RunKind{richtext.Mention, richtext.Emoji, richtext.Image}[r.IntN(3)]
			run.Who = []string{"", "u1", "\"><b>"}[r.IntN(3)]
		}
		runs = append(runs, run)
	}
	return runs
}

// Text gives a random text of one run.
func Text(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(5) {
		b.WriteString(scraps[r.IntN(len(scraps))])
	}
	return b.String()
}

func code(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(4) {
		b.WriteString([]string{"", "\t", "    ", " "}[r.IntN(4)] + Text(r) + "\n")
	}
	return b.String()
}
