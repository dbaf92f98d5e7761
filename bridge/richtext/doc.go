// Package richtext is the neutral form of what people write: a small tree that both markdown and Teams' HTML convert
// to and from. There is no markup in it, so nothing a person types can become markup or a mention on the way.
//
// [Normalize] gives the canonical form. Two laws hold for both converters, and their tests prove them on random texts:
// what a parser gives is canonical, and parsing what was rendered gives the canonical form of what was to be rendered.
package richtext

// Doc is a text: its blocks from top to bottom. The zero value is the empty text.
type Doc []Block

// BlockKind is the kind of a [Block].
type BlockKind string

// The kinds of blocks.
const (
	Paragraph BlockKind = "p"
	Heading   BlockKind = "h"
	Code      BlockKind = "code"
	Quote     BlockKind = "quote"
	List      BlockKind = "list"
	Rule      BlockKind = "rule"
)

// Block is a paragraph or what stands in place of one. Which fields count depends on its kind.
type Block struct {
	Kind BlockKind `json:"k"`
	// Level of a heading, 1 to 6.
	Level int `json:"n,omitempty"`
	// Runs of a paragraph or heading.
	Runs []Run `json:"r,omitempty"`
	// Text of a code block, lines separated by "\n", without a last one.
	Text string `json:"t,omitempty"`
	// Language of a code block; may be empty.
	Language string `json:"l,omitempty"`
	// Blocks of a quote.
	Blocks Doc `json:"b,omitempty"`
	// Items of a list.
	Items []Doc `json:"i,omitempty"`
	// Ordered lists count from Start.
	Ordered bool `json:"o,omitempty"`
	Start   int  `json:"s,omitempty"`
}

// Style is a set of flags.
type Style uint8

// The styles of a run. InlineCode excludes the others.
const (
	Bold Style = 1 << iota
	Italic
	Strike
	InlineCode
)

// Run is a stretch of text in one style, or a line break.
type Run struct {
	Text  string `json:"t,omitempty"`
	Style Style  `json:"s,omitempty"`
	// Link is where the run leads; only http, https and mailto addresses.
	Link string `json:"l,omitempty"`
	// Break: a line break, nothing else counts.
	Break bool `json:"b,omitempty"`
}

// Plain gives a text of one unstyled paragraph per line of s.
func Plain(s string) Doc {
	var doc Doc
	start := 0
	for i := 0; i <= len(s); i++ {
		if i == len(s) || s[i] == '\n' {
			if start < i {
				doc = append(doc, Block{Kind: Paragraph, Runs: []Run{{Text: s[start:i]}}})
			}
			start = i + 1
		}
	}
	return doc
}
