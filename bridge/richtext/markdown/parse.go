package markdown

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"causeway/bridge/richtext"
)

// maxParsed is the longest text that is looked at for markup, in bytes. Mattermost takes 16,383 characters, at most
// 65,532 bytes; what is longer did not come from there.
const maxParsed = 1 << 17

// dialect is what Mattermost understands, without HTML and reference definitions: both stay text.
var dialect = parser.NewParser(
	parser.WithBlockParsers(
		util.Prioritized(parser.NewSetextHeadingParser(), 100),
		util.Prioritized(parser.NewThematicBreakParser(), 200),
		util.Prioritized(parser.NewListParser(), 300),
		util.Prioritized(parser.NewListItemParser(), 400),
		util.Prioritized(parser.NewCodeBlockParser(), 500),
		util.Prioritized(parser.NewATXHeadingParser(), 600),
		util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
		util.Prioritized(parser.NewBlockquoteParser(), 800),
		util.Prioritized(parser.NewParagraphParser(), 1000),
	),
	parser.WithInlineParsers(
		util.Prioritized(taskParser{}, 50),
		util.Prioritized(parser.NewCodeSpanParser(), 100),
		util.Prioritized(latexParser{}, 150),
		util.Prioritized(sizedParser{}, 190),
		util.Prioritized(parser.NewLinkParser(), 200),
		util.Prioritized(parser.NewAutoLinkParser(), 300),
		util.Prioritized(addressParser{}, 400),
		util.Prioritized(emphasisParser{parser.NewEmphasisParser()}, 500),
		util.Prioritized(strikeParser{}, 500),
	),
	parser.WithParagraphTransformers(util.Prioritized(tableTransformer{}, 200)),
)

// Parse gives the text of a Mattermost message in canonical form. It never fails: what is no markdown is text.
func Parse(s string) (doc richtext.Doc) {
	// A text that the parser chokes on must not end the process, and again at every start.
	defer func() {
		if recover() != nil {
			doc = richtext.Normalize(richtext.Plain(s))
		}
	}()
	if len(s) > maxParsed || hostile(s) {
		return richtext.Normalize(richtext.Plain(s))
	}
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "").Replace(s)
	tree, source := ended([]byte(s))
	r := &reader{source: source}
	return richtext.Normalize(r.blocks(tree, 0))
}

// addressParser makes links of bare web addresses, so that "_" in one is no emphasis.
type addressParser struct{}

// Trigger names the first character of an address that the parser stops at.
func (addressParser) Trigger() []byte { return []byte{':'} }

// Parse takes an address whose scheme has just been read as text.
func (addressParser) Parse(parent ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, segment := block.PeekLine()
	if !bytes.HasPrefix(line, []byte("://")) {
		return nil
	}
	before, ok := parent.LastChild().(*ast.Text)
	if !ok || before.Segment.Stop != segment.Start {
		return nil
	}
	read := before.Segment.Value(block.Source())
	for _, scheme := range [...]string{"https", "http"} {
		rest := len(read) - len(scheme)
		if rest < 0 || !bytes.EqualFold(read[rest:], []byte(scheme)) {
			continue
		}
		if r, _ := utf8.DecodeLastRune(read[:rest]); r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return nil
		}
		n := richtext.Address(scheme + string(line[:untilEnd(line)]))
		if n == 0 {
			return nil
		}
		n -= len(scheme)
		start := segment.Start - len(scheme)
		before.Segment = before.Segment.WithStop(start)
		block.Advance(n)
		return ast.NewAutoLink(ast.AutoLinkURL, ast.NewTextSegment(text.NewSegment(start, segment.Start+n)))
	}
	return nil
}

// untilEnd gives how much of line is looked at for an address, which ends at a space and at most marks. Copying whole lines
// would take time with the square of their length.
func untilEnd(line []byte) int {
	if end := bytes.IndexAny(line, " <>\"`\\|*^{}[]\t\n"); end >= 0 {
		return end
	}
	return len(line)
}

// strikeParser takes "~~"; the one that comes with the library also takes "~", which begins a channel's name here.
type strikeParser struct{}

// Trigger names the first character of the mark.
func (strikeParser) Trigger() []byte { return []byte{'~'} }

// Parse takes the mark.
func (s strikeParser) Parse(_ ast.Node, block text.Reader, pc parser.Context) ast.Node {
	before := block.PrecendingCharacter()
	line, segment := block.PeekLine()
	node := parser.ScanDelimiter(line, before, 2, s)
	if node == nil || node.OriginalLength != 2 || before == '~' {
		return nil
	}
	node.Segment = segment.WithStop(segment.Start + node.OriginalLength)
	block.Advance(node.OriginalLength)
	pc.PushDelimiter(node)
	return node
}

// IsDelimiter tells the characters of the mark.
func (strikeParser) IsDelimiter(b byte) bool { return b == '~' }

// CanOpenCloser tells whether two marks belong together.
func (strikeParser) CanOpenCloser(opener, closer *parser.Delimiter) bool {
	return opener.Char == closer.Char
}

// OnMatch gives what lies between two marks.
func (strikeParser) OnMatch(int) ast.Node { return east.NewStrikethrough() }

const (
	// maxMarks is how many marks a text may have: more than every other character of the longest message.
	maxMarks = 8_000
	// maxOpeners is how many quotes and lists one line may open: far more than anybody nests.
	maxOpeners = 50
)

// hostile tells texts made to hold up who reads them: finding the partners of marks, and opening lists in lists, takes
// time with the square of their number.
func hostile(s string) bool {
	marks := 0
	for line := range strings.Lines(s) {
		if openers(line) > maxOpeners {
			return true
		}
		for i := 0; i < len(line); i++ {
			switch line[i] {
			case '*', '_', '~', '`':
				if i == 0 || line[i-1] != line[i] {
					marks++
				}
			case '[', '>':
				marks++
			}
		}
	}
	return marks > maxMarks
}

// openers gives how many quotes and lists line may open.
func openers(line string) int {
	n := 0
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '>':
			n++
		case strings.IndexByte("-+*.)", c) >= 0:
			if i+1 < len(line) && (line[i+1] == ' ' || line[i+1] == '\t') {
				n++
			}
		case c != ' ' && c != '\t' && (c < '0' || c > '9'):
			return n
		}
	}
	return n
}

// reader turns the library's syntax tree into blocks.
type reader struct {
	source []byte
	// inCell: a table's cell is being read.
	inCell bool
}

// maxDepth bounds the recursion; [richtext.Normalize] lifts what lies deeper than people nest anyway.
const maxDepth = 100

func (r *reader) blocks(parent ast.Node, depth int) richtext.Doc {
	var doc richtext.Doc
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		doc = append(doc, r.block(n, depth)...)
	}
	return doc
}

func (r *reader) block(n ast.Node, depth int) richtext.Doc {
	if depth > maxDepth {
		return r.deepText(n)
	}
	switch n := n.(type) {
	case *ast.Heading:
		return richtext.Doc{{Kind: richtext.Heading, Level: n.Level, Runs: r.inside(n)}}
	case *ast.ThematicBreak:
		return richtext.Doc{{Kind: richtext.Rule}}
	case *ast.FencedCodeBlock:
		language := unescape(string(n.Language(r.source)))
		return richtext.Doc{{Kind: richtext.Code, Text: r.lines(n), Language: language}}
	case *ast.CodeBlock:
		return richtext.Doc{{Kind: richtext.Code, Text: r.lines(n)}}
	case *ast.Blockquote:
		return richtext.Doc{{Kind: richtext.Quote, Blocks: r.blocks(n, depth+1)}}
	case *ast.List:
		list := richtext.Block{Kind: richtext.List, Ordered: n.IsOrdered(), Start: n.Start}
		for item := n.FirstChild(); item != nil; item = item.NextSibling() {
			list.Items = append(list.Items, r.blocks(item, depth+1))
		}
		return richtext.Doc{list}
	case *east.Table:
		return richtext.Doc{r.table(n)}
	}
	if box, ok := n.FirstChild().(*east.TaskCheckBox); ok {
		return richtext.Doc{{Kind: richtext.Paragraph, Runs: r.inside(n), Task: taskOf(box)}}
	}
	return richtext.Doc{{Kind: richtext.Paragraph, Runs: r.inside(n)}}
}

// deepText gives the paragraphs and code in n one after the other.
func (r *reader) deepText(n ast.Node) richtext.Doc {
	var doc richtext.Doc
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering || n.Type() != ast.TypeBlock {
			return ast.WalkContinue, nil
		}
		switch n.(type) {
		case *ast.Blockquote, *ast.List, *ast.ListItem:
			return ast.WalkContinue, nil
		}
		doc = append(doc, r.block(n, 0)...)
		return ast.WalkSkipChildren, nil
	})
	return doc
}

func (r *reader) lines(n ast.Node) string {
	var b strings.Builder
	for i := range n.Lines().Len() {
		segment := n.Lines().At(i)
		b.Write(segment.Value(r.source))
	}
	return b.String()
}

func (r *reader) inside(n ast.Node) []richtext.Run {
	return r.runs(nil, n, richtext.Run{}, 0)
}

// runs appends what is in n; like has the style and link of the texts.
func (r *reader) runs(runs []richtext.Run, parent ast.Node, like richtext.Run, depth int) []richtext.Run {
	for n := parent.FirstChild(); n != nil; {
		if address, ok := n.(*ast.AutoLink); ok && like.Link != "" {
			var source string
			source, n = r.addressInLabel(address)
			runs = append(runs, styled(like, unescape(source)))
			continue
		}
		runs = r.inline(runs, n, like, depth)
		n = n.NextSibling()
	}
	return runs
}

func (r *reader) inline(runs []richtext.Run, n ast.Node, like richtext.Run, depth int) []richtext.Run {
	if depth > maxDepth {
		return append(runs, styled(like, unescape(deepInline(n, r.source))))
	}
	switch n := n.(type) {
	case *ast.Text:
		runs = append(runs, styled(like, unescape(string(n.Segment.Value(r.source)))))
		if n.SoftLineBreak() || n.HardLineBreak() {
			runs = append(runs, richtext.Run{Break: true})
		}
		return runs
	case *ast.CodeSpan:
		like.Style |= richtext.InlineCode
		return append(runs, styled(like, r.codeText(n)))
	case *east.TaskCheckBox:
		return runs // is in the block
	case *ast.Emphasis:
		if n.Level == 2 {
			like.Style |= richtext.Bold
		} else {
			like.Style |= richtext.Italic
		}
		return r.runs(runs, n, like, depth+1)
	case *east.Strikethrough:
		like.Style |= richtext.Strike
		return r.runs(runs, n, like, depth+1)
	case *ast.AutoLink:
		return append(runs, r.address(n, like))
	case *ast.Link:
		return r.link(runs, n, string(n.Destination), like, depth)
	case *ast.Image:
		return r.picture(runs, n, like)
	}
	return r.runs(runs, n, like, depth+1)
}
