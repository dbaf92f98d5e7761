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

// Transform makes a table of a paragraph that is one. A line without a "|" below it is a paragraph of its own, as in Mattermost; GFM makes
// a row of it.
func (t tableTransformer) Transform(node *ast.Paragraph, reader text.Reader, pc parser.Context) {
	begins, ends := 0, node.Lines().Len() // its second line, and the first behind it
	for i := range node.Lines().Len() {
		line := node.Lines().At(i)
		value := line.Value(reader.Source())
		bars, isDelimiter := bytes.Count(value, []byte{'|'}), len(bytes.Trim(value, "|:- \t\n")) == 0
		switch {
		case bars > widestTable && isDelimiter:
			return
		case begins == 0 && bars > 0 && isDelimiter:
			begins = i
		case begins > 0 && bars == 0:
			ends = min(ends, i)
		}
	}
	rest := slices.Clone(node.Lines().Sliced(ends, node.Lines().Len()))
	node.Lines().SetSliced(0, ends)
	parent := node.Parent()
	extension.NewTableParagraphTransformer().Transform(node, reader, pc)
	switch _, isTable := parent.LastChild().(*east.Table); {
	case len(rest) == 0:
	case isTable:
		below := ast.NewParagraph()
		for _, line := range rest {
			below.Lines().Append(line.TrimLeftSpace(reader.Source()))
		}
		parent.AppendChild(parent, below)
		t.Transform(below, reader, pc)
	default: // it was no table
		node.Lines().AppendAll(rest)
	}
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
