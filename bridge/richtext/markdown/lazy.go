package markdown

import (
	"bytes"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// In Mattermost a line that begins where the "-" of an item stands, or before it, is not the item's any more: people close a list with a
// sentence below it (the lexer of github.com/mattermost/marked leaves the list at such a line). CommonMark takes the sentence for the end of the item.

// ended parses source with lists that end where Mattermost's do.
func ended(source []byte) (ast.Node, []byte) {
	tree := dialect.Parse(text.NewReader(source))
	lines := sentencesBelow(nil, tree, source)
	if len(lines) == 0 {
		return tree, source
	}
	var b bytes.Buffer
	from := 0
	for _, line := range lines {
		b.Write(source[from:line])
		b.WriteByte('\n')
		from = line
	}
	b.Write(source[from:])
	return dialect.Parse(text.NewReader(b.Bytes())), b.Bytes()
}

// sentencesBelow appends where the lines begin that end a list of parent, or one in it.
func sentencesBelow(lines []int, parent ast.Node, source []byte) []int {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		switch n.(type) {
		case *ast.List, *ast.ListItem:
			lines = sentencesBelow(lines, n, source)
		case *ast.Paragraph, *ast.TextBlock:
			if _, ok := parent.(*ast.ListItem); ok {
				lines = appendBelow(lines, n, source)
			}
		}
	}
	return lines
}

// appendBelow appends where the first line of n begins that stands further left than the item allows.
func appendBelow(lines []int, n ast.Node, source []byte) []int {
	most := 0
	for i := range n.Lines().Len() {
		start := bytes.LastIndexByte(source[:n.Lines().At(i).Start], '\n') + 1
		indent := 0
		for start+indent < len(source) && isBlank(source[start+indent]) {
			indent++
		}
		switch {
		case i > 0 && indent <= most:
			return append(lines, start)
		case i == 0 && n.PreviousSibling() == nil:
			most = indent // where the item's mark stands
		case i == 0:
			most = indent - 1
		}
	}
	return lines
}
