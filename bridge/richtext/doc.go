// Package richtext is the neutral form of what people write: a small tree that both markdown and Teams' HTML convert
// to and from. There is no markup in it, so nothing a person types can become markup or a mention on the way.
//
// Its grammar, in which { } is any number and [ ] is none or one:
//
//	doc       = { block }
//	block     = paragraph | heading | quote | list | code | table | rule
//	paragraph = line { break line }
//	heading   = level line                        level 1 to 6
//	quote     = block { block }
//	list      = [ number ] item { item }          counts from number; without one its items have dots
//	item      = block { block } | task { block }
//	task      = ( open | done ) paragraph         a paragraph with a box before it
//	code      = [ language ] text
//	table     = { alignment } row { row }         the first row is the heading; an alignment for each column
//	row       = cell { cell }
//	cell      = [ line ]
//	line      = run { run }
//	run       = { bold | italic | strike | underline } [ link ] literal
//	          | [ link ] inline code
//	          | { bold | … } ( mention | emoji | image )
//	mention   = who "@name"                       a person, where who they are is known, or everybody
//	emoji     = ":name:"                          one that no character stands for
//	image     = address "[description]"           a picture that stays where it is
//
// Mentions, emoji and images are runs like others, marked with a [RunKind]: their text is what stands for them where
// nothing better can, so that whoever does not know the mark shows a name, a word or a link, and never nothing.
//
// [Normalize] gives the canonical form. Two laws hold for both converters, and their tests prove them on random texts:
// what a parser gives is canonical, and parsing what was rendered gives the canonical form of what was to be rendered,
// less what a service cannot say (markdown: underlining, see [Doc.Without]).
package richtext

// Doc is a text: its blocks from top to bottom. The zero value is the empty text. It is stored as JSON.
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
	Table     BlockKind = "table"
	Rule      BlockKind = "rule"
)

// Block is a paragraph or what stands in place of one. Which fields count depends on its kind.
type Block struct {
	Kind BlockKind `json:"k"`
	// Level of a heading, 1 to 6.
	Level int `json:"n,omitempty"`
	// Runs of a paragraph or heading.
	Runs []Run `json:"r,omitempty"`
	// Task of a paragraph that begins the item of a list.
	Task Task `json:"c,omitempty"`
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
	// Rows of a table; the first is its heading. A row may end early: the cells that it lacks are empty.
	Rows []Row `json:"w,omitempty"`
	// Align has the alignments of a table's columns; those that it lacks are AlignNone.
	Align []Alignment `json:"a,omitempty"`
}

// Row is a row of a table: its cells.
type Row [][]Run

// Alignment is how the cells of a column stand.
type Alignment string

// The alignments.
const (
	AlignNone   Alignment = ""
	AlignLeft   Alignment = "l"
	AlignCenter Alignment = "c"
	AlignRight  Alignment = "r"
)

// Task is the box before the item of a list.
type Task string

// The states of a task.
const (
	NoTask   Task = ""
	TaskOpen Task = "o"
	TaskDone Task = "d"
)

// The characters that stand for the box of a task where there are no boxes. A paragraph at the beginning of an item that
// begins with one of them and a space is a task.
const (
	OpenBox = "☐"
	DoneBox = "☑"
)

// Box gives the character that stands for the box of t, with a space behind it; "" for NoTask.
func (t Task) Box() string {
	switch t {
	case TaskOpen:
		return OpenBox + " "
	case TaskDone:
		return DoneBox + " "
	}
	return ""
}

// Style is a set of flags.
type Style uint8

// The styles of a run. InlineCode excludes the others.
const (
	Bold Style = 1 << iota
	Italic
	Strike
	InlineCode
	Underline
)

// inked are the styles that a text other than code may have.
const inked = Bold | Italic | Strike | Underline

// RunKind says that a run is more than text.
type RunKind string

// The kinds of runs.
const (
	// Literal is text and nothing else.
	Literal RunKind = ""
	// Mention calls the person whom Who names; the text is "@" and their name.
	Mention RunKind = "m"
	// Emoji is one that no character stands for; the text is its name between colons.
	Emoji RunKind = "e"
	// Image is the picture at the address Link; the text is its description in brackets.
	Image RunKind = "i"
)

// Run is a stretch of text in one style, or a line break.
type Run struct {
	Text  string `json:"t,omitempty"`
	Style Style  `json:"s,omitempty"`
	// Link is where the run leads; only http, https and mailto addresses.
	Link string `json:"l,omitempty"`
	// Break: a line break, nothing else counts.
	Break bool    `json:"b,omitempty"`
	Kind  RunKind `json:"k,omitempty"`
	// Who is mentioned: an id of the service where the text was read, until it is translated for the service where it is
	// to be written; or [Everybody].
	Who string `json:"w,omitempty"`
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
