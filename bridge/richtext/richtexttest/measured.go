package richtexttest

import (
	"fmt"
	"strings"

	"causeway/bridge/richtext"
)

// Measured is a text whose conversion is measured.
type Measured struct {
	Name string
	// Doc is what the parse that was given makes of it.
	Doc richtext.Doc
}

// AllMeasured gives a short text, a long one, and the largest table that a message of Teams can hold. parse reads Markdown.
func AllMeasured(parse func(string) richtext.Doc) []Measured {
	long := strings.Repeat("Some **bold** and *italic* words, `code` and https://example.com/a_b?c=d.\nA [link](https://example.com), @someone :smile:\n\n- one\n- two\n  1. three\n\n> quoted\n\n```go\nfunc main() {}\n```\n\n", 22)[:4_000]
	return []Measured{
		{"200 B", parse("Could you **please** look at https://example.com/issues/42 before *Friday*? The `build` fails again, see [the log](https://example.com/log).\nI have asked @zoe, and she says that it is urgent :smile:")},
		{"4 KB", parse(long)},
		{"28 KB table", richtext.Doc{BigTable()}},
	}
}

// BigTable is about 28 KB in both forms, with a heading and 350 rows.
func BigTable() richtext.Block {
	text := func(s string) richtext.Run { return richtext.Run{Text: s} }
	table := richtext.Block{Kind: richtext.Table, Align: []richtext.Alignment{richtext.AlignNone, richtext.AlignRight}, Rows: []richtext.Row{{{text("name")}, {text("count")}, {text("what")}}}}
	for i := range 350 {
		table.Rows = append(table.Rows, richtext.Row{{text(fmt.Sprint("row ", i))}, {text(fmt.Sprint(i * i))},
			{richtext.Run{Text: "see", Style: richtext.Bold}, text(" "), richtext.Run{Text: "page", Link: "https://example.com/p"}}})
	}
	return table
}
