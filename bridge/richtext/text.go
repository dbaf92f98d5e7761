package richtext

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"unicode"
)

// IsEmpty tells whether people would see nothing of doc.
func (doc Doc) IsEmpty() bool { return len(Normalize(doc)) == 0 }

// PlainText gives the words of doc, line by line, without any markup, list markers or addresses behind linked text. The
// cells of a table are separated by tabs, and tasks begin with their boxes.
func (doc Doc) PlainText() string {
	var b strings.Builder
	for _, block := range Normalize(doc) {
		writePlain(&b, block)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func writePlain(b *strings.Builder, block Block) {
	switch block.Kind {
	case Quote:
		for _, inner := range block.Blocks {
			writePlain(b, inner)
		}
		return
	case List:
		for _, item := range block.Items {
			for _, inner := range item {
				writePlain(b, inner)
			}
		}
		return
	case Rule:
		return
	case Table:
		for _, row := range block.Rows {
			for i, cell := range row {
				if i > 0 {
					b.WriteByte('\t')
				}
				for _, r := range cell {
					b.WriteString(r.Text)
				}
			}
			b.WriteByte('\n')
		}
		return
	case Code:
		b.WriteString(block.Text)
	default:
		b.WriteString(block.Task.Box())
		for _, r := range block.Runs {
			if r.Break {
				b.WriteByte('\n')
			}
			b.WriteString(r.Text)
		}
	}
	b.WriteByte('\n')
}

// Hash gives a short fingerprint of what people see: words, their styles and links, code, quotes, list items and
// tables. It does not change with what services normalise or cannot say: white space, line break or new paragraph, styles
// of spaces, underlining, levels of headings, numbers of lists, language of code, alignment of columns, rules, variation
// selectors of emoji, "/" at the end of a link; whether a name is a mention.
// It is stored, so the same text must always give the same hash.
func (doc Doc) Hash() string {
	s := seen{}
	s.blocks(doc.Reduced(Underline, func(Run) bool { return false }), "")
	sum := sha256.Sum256([]byte(s.b.String()))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// seen writes what Hash compares. Marks are control characters, which no canonical text contains.
type seen struct{ b strings.Builder }

func (s *seen) blocks(doc Doc, in string) {
	for _, b := range doc {
		switch b.Kind {
		case Quote:
			s.blocks(b.Blocks, in+">")
		case List:
			for _, item := range b.Items {
				s.b.WriteString(in + "\x01")
				s.blocks(item, in+"-")
			}
		case Code:
			s.b.WriteString(in + "\x02")
			s.text(b.Text)
			s.b.WriteByte('\n')
		case Heading:
			s.b.WriteString(in + "\x03")
			s.runs(b.Runs, in)
		case Paragraph:
			s.b.WriteString(in + "\x04" + strings.TrimSpace(b.Task.Box()))
			s.runs(b.Runs, in)
		case Table:
			for _, row := range b.Rows {
				s.b.WriteString(in + "\x0e")
				for _, cell := range row {
					s.b.WriteByte('\x0f')
					s.runs(cell, in)
				}
			}
		}
	}
}

func (s *seen) runs(runs []Run, in string) {
	style, link := Style(0), ""
	become := func(newStyle Style, newLink string) {
		if newStyle != style {
			style = newStyle
			s.b.WriteByte(0x10 + byte(style))
		}
		if newLink != link {
			link = newLink
			s.b.WriteString("\x05" + link + "\x06")
		}
	}
	for _, r := range runs {
		switch {
		case r.Break:
			become(0, "")
			s.b.WriteString("\n" + in + "\x04")
		case strings.TrimSpace(r.Text) != "":
			become(r.Style, strings.TrimRight(r.Link, "/"))
			s.text(r.Text)
		}
	}
	become(0, "")
	s.b.WriteByte('\n')
}

// text leaves white space out altogether: services move it between words and marks.
func (s *seen) text(text string) {
	for _, r := range text {
		if !unicode.IsSpace(r) && r != 0xFE0E && r != 0xFE0F {
			s.b.WriteRune(r)
		}
	}
}
