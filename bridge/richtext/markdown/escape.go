package markdown

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// escaper writes texts so that they are text in markdown.
type escaper struct {
	options Options
	// inLabel: the text stands inside of "[…](…)".
	inLabel bool
	// lineStart: nothing stands before the text in its line; otherwise something of another run does.
	lineStart bool
	// lineEnd: nothing stands behind the text in its line.
	lineEnd bool
	// beforeLink: a link in brackets follows.
	beforeLink bool
	// inHeading: the line is a heading, so only what stands at its end may be mistaken.
	inHeading bool
	// inCell: the text stands in a table's cell.
	inCell bool
	// beginsItem: the text begins an item of a list.
	beginsItem bool
	// closes: a ">" stands somewhere in the line, so "<" may be mistaken for a tag.
	closes bool
	// afterWord: a letter or digit stands right before.
	afterWord bool
}

func (e escaper) escape(text string) string {
	var b strings.Builder
	force := e.forced(text)
	if force < 0 {
		b.WriteString(zeroWidth)
	}
	before := rune(' ')
	if !e.lineStart {
		before = edge
	}
	for i, r := range text {
		after := rune(' ')
		if end := i + utf8.RuneLen(r); end < len(text) {
			after, _ = utf8.DecodeRuneInString(text[end:])
		} else if !e.lineEnd {
			after = edge
		}
		if i == force && e.plain(r, before, after, text[i:]) {
			b.WriteByte('\\')
		}
		e.write(&b, r, before, after, text[i:])
		before = r
	}
	return b.String()
}

// edge stands for what another run has there.
const edge = rune(-1)

// plain tells whether write would write r without anything before it.
func (e escaper) plain(r, before, after rune, rest string) bool {
	var b strings.Builder
	e.write(&b, r, before, after, rest)
	first, _ := utf8.DecodeRuneInString(b.String())
	return first == r
}

// write writes r, the first character of rest, with what it needs before or behind it.
func (e escaper) write(b *strings.Builder, r, before, after rune, rest string) {
	switch r {
	case '@':
		b.WriteByte('@')
		if after != ' ' && !isWord(before) && !e.options.mayMention(rest) {
			b.WriteString(zeroWidth)
		}
		return
	case '<':
		if after == edge || after == '/' || after == '!' || after == '?' || e.closes && (isWord(after) || e.mayBeMail(rest)) {
			b.WriteString("&lt;")
			return
		}
	case '&':
		if reference(rest) > 0 {
			b.WriteString("&amp;")
			return
		}
	case '\\':
		if after == edge || after == ' ' && len(rest) == 1 || after < utf8.RuneSelf && isPunctuation(byte(after)) {
			b.WriteByte('\\')
		}
	case '`':
		b.WriteByte('\\')
	case '*':
		if before != ' ' || after != ' ' || e.lineStart && !e.inHeading && len(rest) == 1 {
			b.WriteByte('\\')
		}
	case '_':
		if (before != ' ' || after != ' ') && (!isWord(before) || !isWord(after)) {
			b.WriteByte('\\')
		}
	case '~':
		if before == '~' || after == '~' || before == edge || after == edge {
			b.WriteByte('\\')
		}
	case '[':
		if e.inLabel || e.beginsItem && before == ' ' && e.lineStart && box(rest[:min(len(rest), 4)]+edgeOfBox) > 0 {
			b.WriteByte('\\')
		}
	case '|':
		if e.inCell {
			b.WriteByte('\\')
		}
	case '$':
		if mayBeLatex(rest) {
			b.WriteString("$" + zeroWidth)
			return
		}
	case ']':
		if e.inLabel || after == edge || after == '(' || after == '[' || after == ':' {
			b.WriteByte('\\')
		}
	case '!':
		if after == '[' || after == edge && e.beforeLink {
			b.WriteByte('\\')
		}
	}
	b.WriteRune(r)
}

// mayBeMail tells whether text, which begins with "<", could be read as the address of a mailbox. Nearly every mark may be in
// one.
func (e escaper) mayBeMail(text string) bool {
	end := strings.IndexAny(text[1:], "@<> ") + 1
	if end == 0 {
		return !e.lineEnd // it may go on in the next run
	}
	return text[end] == '@'
}

func isWord(r rune) bool { return r != edge && (unicode.IsLetter(r) || unicode.IsDigit(r)) }

// nothing is what forced gives when no character must be escaped for where it stands.
const nothing = 1 << 30

// forced gives where a character stands that means something at the beginning of its line only (or, in a heading, at
// its end); -1 when a backslash would not help there, so that a zero-width space must stand before the text.
func (e escaper) forced(text string) int {
	if e.inHeading {
		if rest := strings.TrimRight(text, "#"); e.lineEnd && len(rest) < len(text) {
			return len(rest)
		}
		return nothing
	}
	if !e.lineStart || e.inCell || text == "" {
		return nothing
	}
	if strings.Trim(text, "|:- ") == "" && strings.Contains(text, "-") {
		return strings.IndexByte(text, '-') // underlines a heading, is a rule, or makes a table
	}
	switch text[0] {
	case '>':
		return 0
	case '-', '+', '*':
		if len(text) == 1 || text[1] == ' ' {
			return 0
		}
	case '#':
		if rest := strings.TrimLeft(text, "#"); len(text)-len(rest) <= 6 && (rest == "" || rest[0] == ' ') {
			return 0
		}
	case '=':
		if strings.Trim(text, "= ") == "" {
			return -1
		}
	}
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	if digits > 0 && digits < len(text) && (text[digits] == '.' || text[digits] == ')') &&
		(digits+1 == len(text) || text[digits+1] == ' ') {
		return digits
	}
	return nothing
}
