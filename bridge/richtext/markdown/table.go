package markdown

import (
	"bytes"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"

	"causeway/bridge/richtext"
)

// widestTable is how many columns are looked at: the library fills rows up, so that wide ones would cost the square of their
// length.
const widestTable = 64

// tableTransformer makes tables of paragraphs, unless they are too wide.
type tableTransformer struct{}

// Transform makes tables of a paragraph that holds some. A line without a "|" below one begins a paragraph of its own, as in Mattermost;
// GFM makes a row of it. However many tables there are, a line is looked at a fixed number of times.
func (tableTransformer) Transform(node *ast.Paragraph, reader text.Reader, pc parser.Context) {
	source, lines := reader.Source(), node.Lines().Sliced(0, node.Lines().Len())
	if slices.ContainsFunc(lines, func(line text.Segment) bool { return isTooWide(line.Value(source)) }) {
		return
	}
	parent, ends := node.Parent(), tableEnds(lines, source)
	rest := lines[ends:]
	for i, line := range rest { // which the library does for the paragraphs of its own
		rest[i] = line.TrimLeftSpace(source)
	}
	node.Lines().SetSliced(0, ends)
	for {
		extension.NewTableParagraphTransformer().Transform(node, reader, pc)
		if len(rest) == 0 {
			return
		}
		if _, isTable := parent.LastChild().(*east.Table); !isTable { // what has the looks of one need not be one
			node.Lines().AppendAll(rest)
			return
		}
		ends = tableEnds(rest, source)
		node = ast.NewParagraph()
		node.Lines().AppendAll(rest[:ends])
		parent.AppendChild(parent, node)
		rest = rest[ends:]
	}
}

// tableEnds gives how many of lines there are before the first that ends the first table in them: one without a "|" below its second line.
func tableEnds(lines []text.Segment, source []byte) int {
	begun := false
	for i, line := range lines {
		value := line.Value(source)
		switch {
		case bytes.IndexByte(value, '|') < 0:
			if begun {
				return i
			}
		case i > 0 && isDelimiter(value):
			begun = true
		}
	}
	return len(lines)
}

// isDelimiter tells whether line may be a table's second one.
func isDelimiter(line []byte) bool { return len(bytes.Trim(line, "|:- \t\n")) == 0 }

func isTooWide(line []byte) bool {
	return bytes.Count(line, []byte{'|'}) > widestTable && isDelimiter(line)
}

func (r *reader) table(n *east.Table) richtext.Block {
	table := richtext.Block{Kind: richtext.Table}
	for _, a := range n.Alignments {
		table.Align = append(table.Align, map[east.Alignment]richtext.Alignment{
			east.AlignLeft: richtext.AlignLeft, east.AlignCenter: richtext.AlignCenter, east.AlignRight: richtext.AlignRight,
		}[a])
	}
	r.inCell = true
	defer func() { r.inCell = false }()
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		var cells richtext.Row
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			cells = append(cells, r.inside(cell))
		}
		table.Rows = append(table.Rows, cells)
	}
	return table
}

// codeText gives the text of inline code. In a cell a "|" has a backslash before it even there.
func (r *reader) codeText(n ast.Node) string {
	code := deepInline(n, r.source)
	if r.inCell {
		code = strings.ReplaceAll(code, `\|`, "|")
	}
	return code
}

var dashes = map[richtext.Alignment]string{
	richtext.AlignNone: "---|", richtext.AlignLeft: ":--|", richtext.AlignCenter: ":-:|", richtext.AlignRight: "--:|",
}

// table gives the lines of a table.
func (o Options) table(table richtext.Block) []string {
	columns := table.Columns()
	var lines []string
	for i, row := range table.Rows {
		var b strings.Builder
		b.WriteByte('|')
		for j := range columns {
			if j < len(row) && len(row[j]) > 0 {
				w := lineWriter{options: o, inCell: true}
				b.WriteString(" " + w.line(row[j]))
			}
			b.WriteString(" |")
		}
		lines = append(lines, b.String())
		if i > 0 {
			continue
		}
		b.Reset()
		b.WriteByte('|')
		for j := range columns {
			b.WriteString(dashes[table.Alignment(j)])
		}
		lines = append(lines, b.String())
	}
	return lines
}
