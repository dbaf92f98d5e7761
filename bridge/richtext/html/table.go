package html

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"causeway/bridge/richtext"
)

// widestRow is how many columns are looked at to see where cells of several columns or rows reach: more than a table of the
// neutral form has.
const widestRow = 100

// table reads a table. A cell of several columns or rows stands in the first of them, the others are empty.
func (b *builder) table(n *html.Node, l look) {
	var rows [][]*html.Node
	cells := 0
	for row := range n.Descendants() {
		switch {
		case row.Type != html.ElementNode || row.Data != "caption" && row.Data != "tr" || !within(row, n):
		case row.Data == "caption":
			b.children(row, l)
			b.endParagraph()
		default:
			rows = append(rows, cellsOf(row))
			cells += len(rows[len(rows)-1])
		}
	}
	if cells == 1 { // a frame around a text
		for _, row := range rows {
			for _, cell := range row {
				b.children(cell, l)
			}
		}
		return
	}
	table := richtext.Block{Kind: richtext.Table}
	s := spans{left: 4*cells + widestRow}
	for _, row := range rows {
		table.Rows = append(table.Rows, b.row(row, l, &s, &table))
	}
	b.block(table)
}

// spans are the cells of several columns or rows.
type spans struct {
	// taken is for how many rows more something from above stands in a column.
	taken [widestRow]int
	// left is how many empty cells may still be added. A table that needs more was made to hold up who reads it.
	left int
}

// fill gives row with empty cells where something from above stands.
func (s *spans) fill(row richtext.Row) richtext.Row {
	for len(row) < widestRow && s.taken[len(row)] > 0 && s.left > 0 {
		s.taken[len(row)]--
		s.left--
		row = append(row, nil)
	}
	return row
}

func cellsOf(row *html.Node) []*html.Node {
	var cells []*html.Node
	for cell := range row.ChildNodes() {
		if cell.Type == html.ElementNode && (cell.Data == "td" || cell.Data == "th") {
			cells = append(cells, cell)
		}
	}
	return cells
}

// within tells whether row belongs to table itself and not to one inside of it.
func within(row, table *html.Node) bool {
	for n := row.Parent; n != nil; n = n.Parent {
		if n.Data == "table" {
			return n == table
		}
	}
	return false
}

func (b *builder) row(cells []*html.Node, l look, s *spans, table *richtext.Block) richtext.Row {
	var row richtext.Row
	for _, cell := range cells {
		row = s.fill(row)
		align(table, len(row), cell)
		columns, rows := span(cell, "colspan"), span(cell, "rowspan")
		content := b.cell(cell, l)
		for i := range columns {
			if i > 0 && s.left == 0 {
				break
			}
			if len(row) < widestRow {
				s.taken[len(row)] = rows - 1
			}
			row = append(row, content)
			if i > 0 {
				s.left--
			}
			content = nil
		}
	}
	return s.fill(row)
}

// cell gives what is in a cell, as one line.
func (b *builder) cell(cell *html.Node, l look) []richtext.Run {
	if style := attr(cell, "style"); style != "" {
		l.style = withStyle(l.style, style)
	}
	if cell.Data == "th" {
		l.style |= richtext.Bold
	}
	return appendFlat(nil, b.inside(cell, l))
}

// span gives how many columns or rows a cell takes.
func span(cell *html.Node, name string) int {
	n, err := strconv.Atoi(strings.TrimSpace(attr(cell, name)))
	if err != nil || n < 1 {
		return 1
	}
	return min(n, widestRow)
}

// align takes the alignment of a column from the first cell that has one.
func align(table *richtext.Block, column int, cell *html.Node) {
	if column >= widestRow {
		return
	}
	if table.Alignment(column) != richtext.AlignNone {
		return
	}
	name := property(attr(cell, "style"), "text-align")
	if name == "" {
		name = strings.ToLower(attr(cell, "align"))
	}
	to, ok := map[string]richtext.Alignment{"left": richtext.AlignLeft, "center": richtext.AlignCenter, "right": richtext.AlignRight}[name]
	if !ok {
		return
	}
	for len(table.Align) <= column {
		table.Align = append(table.Align, richtext.AlignNone)
	}
	table.Align[column] = to
}

// appendFlat appends what is in doc as one line.
func appendFlat(runs []richtext.Run, doc richtext.Doc) []richtext.Run {
	for _, block := range doc {
		runs = append(runs, richtext.Run{Text: " "})
		switch block.Kind {
		case richtext.Quote:
			runs = appendFlat(runs, block.Blocks)
		case richtext.List:
			for _, item := range block.Items {
				runs = appendFlat(runs, item)
			}
		case richtext.Table:
			for _, row := range block.Rows {
				for _, cell := range row {
					runs = append(append(runs, richtext.Run{Text: " "}), cell...)
				}
			}
		case richtext.Code:
			runs = append(runs, richtext.Run{Text: block.Text, Style: richtext.InlineCode})
		}
		for _, r := range block.Runs {
			if r.Break {
				r = richtext.Run{Text: " "}
			}
			runs = append(runs, r)
		}
	}
	return runs
}

// table writes a table. Its heading is bold: Teams' own tables know no th.
func (b *writer) table(table richtext.Block) {
	columns := table.Columns()
	b.WriteString("<table><tbody>")
	for i, row := range table.Rows {
		b.WriteString("<tr>")
		for j := range columns {
			b.WriteString("<td")
			if name := alignments[table.Alignment(j)]; name != "" {
				b.WriteString(` style="text-align:` + name + `"`)
			}
			b.WriteByte('>')
			if j < len(row) && len(row[j]) > 0 {
				if i == 0 {
					b.WriteString("<strong>")
				}
				b.line(row[j])
				if i == 0 {
					b.WriteString("</strong>")
				}
			}
			b.WriteString("</td>")
		}
		b.WriteString("</tr>")
	}
	b.WriteString("</tbody></table>")
}

var alignments = map[richtext.Alignment]string{richtext.AlignLeft: "left", richtext.AlignCenter: "center", richtext.AlignRight: "right"}
