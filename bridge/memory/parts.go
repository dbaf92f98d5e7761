package memory

import (
	"slices"
	"unicode/utf8"

	"causeway/bridge/richtext"
)

// length is what counts against [Options.MaxText]: characters, line ends included.
func length(d richtext.Doc) int { return utf8.RuneCountInString(Text(d)) }

// split cuts a text into texts of at most limit characters: between blocks where that is possible, else
// within them. What the parts say is what the text says.
func split(d richtext.Doc, limit int) []richtext.Doc {
	if length(d) <= limit {
		return []richtext.Doc{d}
	}
	var parts []richtext.Doc
	var part richtext.Doc
	size := 0
	for _, block := range d {
		for _, piece := range splitBlock(block, limit) {
			n := length(richtext.Doc{piece})
			if len(part) > 0 && size+1+n > limit {
				parts, part, size = append(parts, part), nil, 0
			}
			if len(part) > 0 {
				size++
			}
			part, size = append(part, piece), size+n
		}
	}
	return append(parts, part)
}

// splitBlock cuts one block that may be too long.
func splitBlock(b richtext.Block, limit int) []richtext.Block {
	if length(richtext.Doc{b}) <= limit {
		return []richtext.Block{b}
	}
	var pieces []richtext.Block
	with := func(change func(*richtext.Block)) {
		piece := b
		change(&piece)
		pieces = append(pieces, piece)
	}
	switch {
	case len(b.Items) > 0:
		for i, item := range b.Items {
			for _, d := range split(item, limit) {
				with(func(p *richtext.Block) { p.Items, p.Start = []richtext.Doc{d}, b.Start+i })
			}
		}
	case len(b.Blocks) > 0:
		for _, d := range split(b.Blocks, limit) {
			with(func(p *richtext.Block) { p.Blocks = d })
		}
	case len(b.Rows) > 0:
		for _, row := range b.Rows {
			one := richtext.Block{Kind: b.Kind, Rows: []richtext.Row{row}, Align: b.Align}
			if length(richtext.Doc{one}) > limit {
				one = richtext.Block{Kind: richtext.Paragraph, Runs: slices.Concat(row...)}
			}
			pieces = append(pieces, splitBlock(one, limit)...)
		}
	case len(b.Runs) > 0:
		for _, runs := range splitRuns(b.Runs, limit) {
			with(func(p *richtext.Block) { p.Runs = runs })
		}
	default:
		for text := range chunks(b.Text, limit) {
			with(func(p *richtext.Block) { p.Text = text })
		}
	}
	return pieces
}

func splitRuns(runs []richtext.Run, limit int) [][]richtext.Run {
	var lines [][]richtext.Run
	var line []richtext.Run
	room := limit
	for _, r := range runs {
		if r.Break {
			if room == 0 {
				lines, line, room = append(lines, line), nil, limit
			}
			line, room = append(line, r), room-1
			continue
		}
		for r.Text != "" {
			if room == 0 {
				lines, line, room = append(lines, line), nil, limit
			}
			piece := r
			piece.Text = prefix(r.Text, room)
			r.Text = r.Text[len(piece.Text):]
			line, room = append(line, piece), room-utf8.RuneCountInString(piece.Text)
		}
	}
	return append(lines, slices.Clip(line))
}

// prefix gives the first n characters of s.
func prefix(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

func chunks(s string, limit int) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for s != "" {
			p := prefix(s, limit)
			s = s[len(p):]
			if !yield(p) {
				return
			}
		}
	}
}
