package richtext

import "slices"

// maxColumns is how wide a table may be in the canonical form; a wider one becomes lines. Rows are filled up when they are
// written, so what is written would otherwise grow with the square of what was read.
const maxColumns = 64

// appendTable appends the canonical form of a table: see [Normalize].
func appendTable(out Doc, b Block) Doc {
	table := Block{Kind: Table}
	width := 0
	for i, row := range b.Rows {
		cells := normalizeRow(row, i == 0)
		if len(cells) == 0 && i > 0 {
			continue
		}
		width = max(width, len(cells))
		table.Rows = append(table.Rows, cells)
	}
	switch {
	case width == 0:
		return out
	case width > maxColumns:
		return append(out, table.lines())
	case width == 1 && len(table.Rows) == 1:
		return append(out, Block{Kind: Paragraph, Runs: table.Rows[0][0]}) // a frame around a text
	}
	for _, a := range b.Align[:min(len(b.Align), width)] {
		if a != AlignLeft && a != AlignCenter && a != AlignRight {
			a = AlignNone
		}
		table.Align = append(table.Align, a)
	}
	for n := len(table.Align); n > 0 && table.Align[n-1] == AlignNone; n-- {
		table.Align = table.Align[:n-1]
	}
	if len(table.Align) == 0 {
		table.Align = nil
	}
	return append(out, table)
}

func normalizeRow(row Row, heading bool) Row {
	var cells Row
	for _, cell := range row {
		if heading { // which is bold as it is
			cell = slices.Clone(cell)
			for i := range cell {
				cell[i].Style &^= Bold
			}
		}
		var line []Run
		if lines := normalizeRuns(cell, true); len(lines) > 0 {
			line = lines[0]
		}
		cells = append(cells, line)
	}
	for len(cells) > 0 && len(cells[len(cells)-1]) == 0 {
		cells = cells[:len(cells)-1]
	}
	if len(cells) == 0 {
		return nil
	}
	return cells
}

// Columns gives how many columns a table has.
func (b Block) Columns() int {
	n := 0
	for _, row := range b.Rows {
		n = max(n, len(row))
	}
	return n
}

// Alignment gives the alignment of a table's column.
func (b Block) Alignment(column int) Alignment {
	if column < len(b.Align) {
		return b.Align[column]
	}
	return AlignNone
}

// lines gives a table as a paragraph with a line for each row, in canonical form.
func (b Block) lines() Block {
	var runs []Run
	for i, row := range b.Rows {
		if i > 0 {
			runs = append(runs, Run{Break: true})
		}
		for j, cell := range row {
			if j > 0 {
				runs = append(runs, Run{Text: " | "})
			}
			runs = append(runs, cell...)
		}
	}
	return Block{Kind: Paragraph, Runs: mergeRuns(slices.Concat(normalizeRuns(runs, false)...))}
}

// When a table is cut, each piece has its heading: that weighs nothing, unless there is nothing else.

func (b Block) cut() []Row {
	if len(b.Rows) > 1 {
		return b.Rows[1:]
	}
	return b.Rows
}

func (b Block) withCut(rows []Row) Block {
	if len(b.Rows) > 1 {
		rows = append([]Row{b.Rows[0]}, rows...)
	}
	b.Rows = rows
	return b
}

func weighTable(b Block, limit int) int {
	n := 0
	for rows := b.cut(); len(rows) > 0 && n < limit; rows = rows[1:] {
		n += weighRow(rows[0], limit-n)
	}
	return n
}

func weighRow(row Row, limit int) int {
	n := 0
	for i := 0; i < len(row) && n < limit; i++ {
		n += weighRuns(row[i], limit-n)
	}
	return n + 1
}

func takeTable(b Block, n int) Block {
	var rows []Row
	for _, row := range b.cut() {
		if n <= 0 {
			break
		}
		weight := weighRow(row, n+1)
		if weight > n {
			row = takeRow(row, n)
		}
		rows = append(rows, row)
		n -= weight
	}
	return b.withCut(rows)
}

func takeRow(row Row, n int) Row {
	var cells Row
	for _, cell := range row {
		if n <= 0 {
			break
		}
		cells = append(cells, takeRuns(cell, n))
		n -= weighRuns(cell, n+1)
	}
	return cells
}

func dropTable(b Block, n int) Block {
	rows := slices.Clone(b.cut())
	for len(rows) > 0 {
		weight := weighRow(rows[0], n+1)
		if weight > n {
			break
		}
		n -= weight
		rows = rows[1:]
	}
	if len(rows) > 0 && n > 0 {
		rows[0] = dropRow(rows[0], n)
	}
	return b.withCut(rows)
}

// dropRow empties the cells before place n, so that the others stay in their columns.
func dropRow(row Row, n int) Row {
	cells := slices.Clone(row)
	for i, cell := range cells {
		if n <= 0 {
			break
		}
		cells[i] = dropRuns(cell, n)
		n -= weighRuns(cell, n+1)
	}
	return cells
}

// table offers the places in a table.
func (p *places) table(b Block) {
	for _, row := range b.cut() {
		if p.at > p.limit {
			return
		}
		for _, cell := range row {
			for _, r := range cell {
				p.text(r.Text)
			}
			p.offer(p.at, behindWord)
		}
		p.at++
		p.offer(p.at, behindItem)
	}
}

// withoutWideHeadings gives doc with those tables as lines whose heading would take more than half of a piece.
func withoutWideHeadings(doc Doc, fits func(Doc) bool) Doc {
	out := slices.Clone(doc)
	for i := range out {
		b := &out[i]
		switch b.Kind {
		case Table:
			if len(b.Rows) > 1 && !fits(Doc{{Kind: Table, Rows: []Row{b.Rows[0], b.Rows[0]}}}) {
				*b = b.lines()
			}
		case Quote:
			b.Blocks = withoutWideHeadings(b.Blocks, fits)
		case List:
			b.Items = slices.Clone(b.Items)
			for j := range b.Items {
				b.Items[j] = withoutWideHeadings(b.Items[j], fits)
			}
		}
	}
	return out
}
