package markdown

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"causeway/bridge/richtext"
)

// token is a piece of a line: text, or a mark that opens or closes a style.
type token struct {
	text        string
	open, close bool
}

// lineWriter writes the runs of one line.
type lineWriter struct {
	options   Options
	inHeading bool
	// inCell: the line is a table's cell; beginsItem: it is the first of an item.
	inCell, beginsItem bool
	tokens             []token
	// open has the styles whose marks are open, from the outermost to the innermost.
	open []richtext.Style
}

// afterWord tells whether the line so far ends with what an address cannot follow: a letter or digit, or the beginning of an
// address that goes on with whatever follows.
func (w *lineWriter) afterWord() bool {
	if len(w.tokens) == 0 {
		return false
	}
	before := w.tokens[len(w.tokens)-1].text
	last, _ := utf8.DecodeLastRuneInString(before)
	return isWord(last) || strings.HasSuffix(before, "://")
}

func mark(style richtext.Style) string {
	switch style {
	case richtext.Bold:
		return "**"
	case richtext.Italic:
		return "*"
	}
	return "~~"
}

func (w *lineWriter) line(runs []richtext.Run) string {
	closes := false
	for _, r := range runs {
		closes = closes || strings.Contains(r.Text, ">")
	}
	for i := range runs {
		w.changeStyle(runs[i:])
		e := escaper{
			options:    w.options,
			lineStart:  len(w.tokens) == 0,
			lineEnd:    i == len(runs)-1 && len(w.open) == 0,
			beforeLink: i+1 < len(runs) && runs[i+1].Link != "",
			inHeading:  w.inHeading,
			inCell:     w.inCell,
			beginsItem: w.beginsItem && len(w.tokens) == 0,
			closes:     closes,
			afterWord:  w.afterWord(),
		}
		w.tokens = append(w.tokens, token{text: e.run(runs[i:])})
	}
	w.closeTo(0)
	return joinTokens(w.tokens)
}

// changeStyle closes and opens marks for the first of runs; what stays open longest is outermost.
func (w *lineWriter) changeStyle(runs []richtext.Run) {
	keep := 0
	for keep < len(w.open) && runs[0].Style&w.open[keep] != 0 {
		keep++
	}
	w.closeTo(keep)
	missing := runs[0].Style &^ richtext.InlineCode
	for _, style := range w.open {
		missing &^= style
	}
	starred := 0 // how far the "*" or "**" opened here reaches
	for missing != 0 {
		longest, length := richtext.Style(0), 0
		for _, style := range [...]richtext.Style{richtext.Bold, richtext.Italic, richtext.Strike} {
			if n := reach(runs, style); missing&style != 0 && n > length {
				longest, length = style, n
			}
		}
		missing &^= longest
		if longest != richtext.Strike {
			// "***" that does not close as a whole could be closed by a "**" that is to open.
			if starred != 0 && (starred != length || length == farthest) {
				w.tokens = append(w.tokens, token{text: zeroWidth})
			}
			starred = length
		}
		w.open = append(w.open, longest)
		w.tokens = append(w.tokens, token{text: mark(longest), open: true})
	}
}

// farthest is how many runs are looked at to find the style that stays open longest.
const farthest = 8

func reach(runs []richtext.Run, style richtext.Style) int {
	n := 0
	for n < len(runs) && n < farthest && runs[n].Style&style != 0 {
		n++
	}
	return n
}

func (w *lineWriter) closeTo(keep int) {
	for len(w.open) > keep {
		last := len(w.open) - 1
		w.tokens = append(w.tokens, token{text: mark(w.open[last]), close: true})
		w.open = w.open[:last]
	}
}

// run gives the first of runs without the marks around it.
func (e escaper) run(runs []richtext.Run) string {
	r := runs[0]
	switch r.Kind {
	case richtext.Mention:
		if !e.afterWord && (len(runs) == 1 || endsName(runs[1])) {
			return "@" + e.options.Person(r)
		}
	case richtext.Image:
		e.inLabel, e.lineStart, e.lineEnd = true, false, false
		return "![" + e.escape(r.Alternative()) + "](" + destination(r.Link) + ")"
	}
	if r.Link == "" {
		return e.content(r)
	}
	if r.Link == r.Text && r.Style != richtext.InlineCode && !e.afterWord && isBare(runs) {
		return r.Text
	}
	e.inLabel, e.lineStart, e.lineEnd = true, false, false
	return "[" + e.content(r) + "](" + destination(r.Link) + ")"
}

func (e escaper) content(r richtext.Run) string {
	if r.Style != richtext.InlineCode {
		return e.escape(r.Text)
	}
	fence := strings.Repeat("`", longestTicks(r.Text)+1)
	if e.inCell {
		r.Text = strings.ReplaceAll(r.Text, "|", `\|`)
	}
	if r.Text[0] == '`' || r.Text[len(r.Text)-1] == '`' {
		return fence + " " + r.Text + " " + fence
	}
	return fence + r.Text + fence
}

// longestTail is how much text right behind an address is looked at to see whether it would be read as part of it.
const longestTail = 200

// isBare tells whether the first of runs, an address, may be written without brackets: it will be read as the
// whole address, whatever follows, and it mentions nobody.
func isBare(runs []richtext.Run) bool {
	address := runs[0].Text
	for i := 1; i < len(address); i++ {
		if address[i] == '@' && !isAlphanumeric(address[i-1]) {
			return false
		}
	}
	var b strings.Builder
	b.WriteString(address)
	for _, r := range runs[1:] {
		end := strings.IndexAny(r.Text, " <&\\`[]")
		if r.Break || r.Style == richtext.InlineCode || end == 0 && r.Text[0] == ' ' {
			break
		}
		if end >= 0 && r.Text[end] != ' ' {
			return false // written in another way than it reads
		}
		b.WriteString(r.Text)
		if end >= 0 {
			break
		}
		if b.Len() > len(address)+longestTail {
			return false
		}
	}
	return richtext.Address(b.String()) == len(address)
}

// destination gives link as it stands in parentheses. Its own are escaped only where they do not pair: Mattermost's web
// client counts them.
func destination(link string) string {
	escape := !paired(link)
	var b strings.Builder
	for i := 0; i < len(link); i++ {
		switch c := link[i]; {
		case escape && (c == '(' || c == ')'):
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '&' && reference(link[i:]) > 0:
			b.WriteString("&amp;")
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// mostPaired is how deep parentheses may nest to be left alone; parsers differ beyond.
const mostPaired = 3

func paired(link string) bool {
	open := 0
	for i := 0; i < len(link); i++ {
		switch link[i] {
		case '(':
			open++
		case ')':
			open--
		}
		if open < 0 || open > mostPaired {
			return false
		}
	}
	return open == 0
}

// joinTokens joins tokens, with zero-width spaces where a mark would not count otherwise. Markdown's rule: a mark opens
// when what follows is no white space, and no punctuation unless white space or punctuation stands before; closing is
// the mirror image.
func joinTokens(tokens []token) string {
	var b strings.Builder
	for i := 0; i < len(tokens); {
		if t := tokens[i]; !t.open && !t.close {
			b.WriteString(t.text)
			i++
			continue
		}
		end := i + 1
		for end < len(tokens) && tokens[end].open == tokens[i].open && tokens[end].close == tokens[i].close {
			end++
		}
		// Marks of one character, closing and opening, would be read as one.
		if end < len(tokens) && tokens[i].close && tokens[end].open && tokens[end-1].text[0] == tokens[end].text[0] {
			writeMarks(&b, tokens[i:end], zeroWidthRune)
			b.WriteString(zeroWidth)
		} else {
			writeMarks(&b, tokens[i:end], firstRune(tokens, end))
		}
		i = end
	}
	return b.String()
}

func firstRune(tokens []token, i int) rune {
	if i == len(tokens) {
		return '\n'
	}
	r, _ := utf8.DecodeRuneInString(tokens[i].text)
	return r
}

// writeMarks writes marks that all open or all close; after is what follows them.
func writeMarks(b *strings.Builder, marks []token, after rune) {
	before, _ := utf8.DecodeLastRuneInString(b.String())
	if b.Len() == 0 {
		before = '\n'
	}
	if before == rune(marks[0].text[0]) {
		b.WriteString(zeroWidth)
		before = zeroWidthRune
	}
	opens := marks[0].open
	inside, outside := before, after
	if opens {
		inside, outside = after, before
	}
	separate := unicode.IsSpace(inside) || isPunct(inside) && !unicode.IsSpace(outside) && !isPunct(outside)
	for i, m := range marks {
		if i > 0 && m.text[0] != marks[i-1].text[0] && !unicode.IsSpace(outside) && !isPunct(outside) {
			separate = true // one mark is punctuation beside the other
		}
	}
	for _, m := range marks {
		if separate && !opens {
			b.WriteString(zeroWidth)
		}
		b.WriteString(m.text)
		if separate && opens {
			b.WriteString(zeroWidth)
		}
	}
}

func isPunct(r rune) bool { return unicode.IsPunct(r) || unicode.IsSymbol(r) }

// isUserName tells whether name is one that Mattermost allows, so that nothing else can be written as a mention.
func isUserName(name string) bool {
	if name == "" || len(name) > 64 || strings.HasSuffix(name, ".") {
		return false
	}
	for i := 0; i < len(name); i++ {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && strings.IndexByte("._-", c) < 0 {
			return false
		}
	}
	return true
}

// endsName tells whether a user's name that is followed by r ends there.
func endsName(r richtext.Run) bool {
	if r.Break {
		return true
	}
	first, _ := utf8.DecodeRuneInString(r.Text)
	return !isWord(first) && !strings.ContainsRune("._-:@", first)
}
