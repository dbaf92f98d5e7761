package richtext

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxDepth is how deep lists and quotes nest in the canonical form; what lies deeper is lifted up to it. People
	// do not nest deeper, and everything that walks a text may recurse.
	maxDepth = 10
	// maxNumber is the largest number a list may count to: markdown knows nine digits.
	maxNumber = 999_999_999
	// maxLanguage is how long the name of a language may be.
	maxLanguage = 40
)

// Normalize gives the canonical form of doc, and leaves doc alone. Two texts that people cannot tell apart on a
// service have, as far as possible, one canonical form; both renderers and [Split] take it first, and what their
// parsers give is in it.
//
//   - Runs of one style are merged; empty runs, blocks and list items are dropped; a block of an unknown kind counts
//     as a paragraph.
//   - White space outside code is one space, with the styles that it has in common with both its neighbours; there
//     is none at the ends of a line. No-break spaces are spaces.
//   - A newline in a run is a line break. Two breaks in a row end the paragraph; there are none at its ends. A heading
//     is one line.
//   - Inline code excludes other styles and is one line; its inner spaces stay.
//   - A code block has no blank lines at its ends.
//   - Bare web addresses are linked ([Address]); links lead to http, https and mailto only.
//   - NUL and other control characters, zero-width spaces and byte order marks are gone, invalid UTF-8 is replaced.
//   - The cells of a table are one line each; those at the end of a row that are empty, and empty rows but the first,
//     are gone; a heading is not bold in addition. One cell alone is a paragraph. More than 64 columns are lines.
//   - The box of a task stands in its block, not in its text.
//   - A mention says whom, an emoji has a name, an image has an address: otherwise they are text.
//   - Quotes and lists nest ten deep at most.
func Normalize(doc Doc) Doc { return normalizeBlocks(doc, 0) }

func normalizeBlocks(doc Doc, depth int) Doc {
	var out Doc
	for _, b := range doc {
		out = appendNormalized(out, b, depth)
	}
	return out
}

func appendNormalized(out Doc, b Block, depth int) Doc {
	switch b.Kind {
	case Heading:
		for _, line := range normalizeRuns(b.Runs, true) {
			out = append(out, Block{Kind: Heading, Level: min(max(b.Level, 1), 6), Runs: line})
		}
	case Code:
		if text := normalizeCode(b.Text); text != "" {
			out = append(out, Block{Kind: Code, Text: text, Language: normalizeLanguage(b.Language)})
		}
	case Rule:
		out = append(out, Block{Kind: Rule})
	case Table:
		out = appendTable(out, b)
	case Quote:
		if depth == maxDepth {
			return appendLifted(out, b)
		}
		if blocks := normalizeBlocks(b.Blocks, depth+1); len(blocks) > 0 {
			out = append(out, Block{Kind: Quote, Blocks: blocks})
		}
	case List:
		if depth == maxDepth {
			return appendLifted(out, b)
		}
		out = appendList(out, b, depth)
	default:
		for _, runs := range normalizeRuns(b.Runs, false) {
			out = append(out, Block{Kind: Paragraph, Runs: runs})
		}
	}
	return out
}

func appendList(out Doc, b Block, depth int) Doc {
	list := Block{Kind: List, Ordered: b.Ordered}
	for _, item := range b.Items {
		if blocks := normalizeItem(item, depth+1); len(blocks) > 0 {
			list.Items = append(list.Items, blocks)
		}
	}
	if len(list.Items) == 0 {
		return out
	}
	if b.Ordered {
		list.Start = max(0, min(b.Start, maxNumber-len(list.Items)))
	}
	return append(out, list)
}

// normalizeItem gives the blocks of an item, of which the first may be a task.
func normalizeItem(item Doc, depth int) Doc {
	blocks := normalizeBlocks(item, depth)
	if len(blocks) == 0 || blocks[0].Kind != Paragraph {
		return blocks
	}
	first := &blocks[0]
	if item[0].Kind == Paragraph && (item[0].Task == TaskOpen || item[0].Task == TaskDone) && len(normalizeRuns(item[0].Runs, true)) > 0 {
		first.Task = item[0].Task
		return blocks
	}
	if task, n := boxed(first.Runs[0]); n > 0 {
		first.Task = task
		first.Runs[0].Text = first.Runs[0].Text[n:]
		if first.Runs[0].Text == "" {
			first.Runs = first.Runs[1:]
		}
	}
	return blocks
}

// boxed tells which task a line is that begins with r, and how long the box is; 0 when it is none.
func boxed(r Run) (Task, int) {
	if r.Style != 0 || r.Link != "" || r.Kind != Literal {
		return NoTask, 0
	}
	for _, task := range [...]Task{TaskOpen, TaskDone} {
		box := strings.TrimSuffix(task.Box(), " ")
		rest, ok := strings.CutPrefix(r.Text, box)
		if !ok {
			continue
		}
		if rest, ok = strings.CutPrefix(strings.TrimPrefix(rest, "\uFE0F"), " "); ok {
			return task, len(r.Text) - len(rest)
		}
	}
	return NoTask, 0
}

// appendLifted appends the blocks inside a quote or list that lies too deep, without recursion: the input may come
// from anywhere.
func appendLifted(out Doc, b Block) Doc {
	pending := Doc{b}
	for len(pending) > 0 {
		last := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		switch last.Kind {
		case Quote:
			pending = appendReversed(pending, last.Blocks)
		case List:
			for _, item := range slices.Backward(last.Items) {
				pending = appendReversed(pending, item)
			}
		default:
			out = appendNormalized(out, last, maxDepth)
		}
	}
	return out
}

func appendReversed(to, from Doc) Doc {
	for _, b := range slices.Backward(from) {
		to = append(to, b)
	}
	return to
}

// isDropped tells the characters that nobody sees and that services add to keep text from becoming a mention or
// markup: zero-width space, word joiner and byte order mark.
func isDropped(r rune) bool { return r == 0x200B || r == 0x2060 || r == 0xFEFF }

// clean replaces invalid UTF-8 and removes what is dropped; only "\n" and "\t" are left of the control characters.
func clean(s string) string {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] >= ' ' && s[i] < 0x7F || s[i] == '\n' || s[i] == '\t'
	}
	if plain {
		return s
	}
	if strings.ContainsRune(s, '\r') {
		s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
	}
	// strings.Map turns every invalid byte into U+FFFD.
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == 0x85 || r == 0x2028 || r == 0x2029:
			return '\n'
		case r == '\v' || r == '\f' || r == 0xA0 || r == 0x202F:
			return ' '
		case isDropped(r) || unicode.IsControl(r):
			return -1
		}
		return r
	}, s)
}

func normalizeCode(text string) string {
	lines := strings.Split(clean(text), "\n")
	for len(lines) > 0 && strings.Trim(lines[0], " \t") == "" {
		lines = lines[1:]
	}
	for len(lines) > 0 && strings.Trim(lines[len(lines)-1], " \t") == "" {
		lines = lines[:len(lines)-1]
	}
	for i, line := range lines {
		if strings.Trim(line, " \t") == "" {
			lines[i] = "" // services strip them
		}
	}
	return strings.Join(lines, "\n")
}

func normalizeLanguage(language string) string {
	if len(language) > maxLanguage {
		return ""
	}
	for i := 0; i < len(language); i++ {
		c := language[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && (i == 0 || !strings.ContainsRune("+-#._", rune(c))) {
			return ""
		}
	}
	return language
}

// line builds the runs of paragraphs, word by word.
type line struct {
	paragraphs [][]Run
	runs       []Run
	// oneLine: breaks are spaces.
	oneLine bool
	// What stands between the last word and the next.
	breaks int
	space  bool
	// Style and link that all of the pending white space has.
	spaceStyle Style
	spaceLink  string
}

// normalizeRuns gives the runs of each paragraph that runs make.
func normalizeRuns(runs []Run, oneLine bool) [][]Run {
	if len(runs) == 0 {
		return nil
	}
	l := line{oneLine: oneLine, runs: make([]Run, 0, 2*len(runs)-1)} // between two there may be a space
	for _, r := range runs {
		l.add(r)
	}
	l.endParagraph()
	return l.paragraphs
}

func (l *line) add(r Run) {
	if r.Break {
		l.lineBreak()
		return
	}
	text, link := clean(r.Text), CleanLink(r.Link)
	if r.Style&InlineCode != 0 {
		l.addCode(text, link)
		return
	}
	style := r.Style & inked
	if r.Kind != Literal {
		whole := Run{Text: strings.Join(strings.Fields(text), " "), Style: style, Link: link, Kind: r.Kind, Who: r.Who}
		if whole = normalizeKind(whole); whole.Kind != Literal {
			l.word(whole)
			return
		}
	}
	for text != "" {
		switch text[0] {
		case '\n':
			l.lineBreak()
			text = text[1:]
		case ' ', '\t':
			l.white(style, link)
			text = strings.TrimLeft(text, " \t")
		default:
			end := words(text)
			l.word(Run{Text: text[:end], Style: style, Link: link})
			text = text[end:]
		}
	}
}

// words gives how much of text, which begins with a word, is words with one space between them.
func words(text string) int {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\t', '\n':
			return i
		case ' ':
			if i+1 == len(text) || text[i+1] == ' ' || text[i+1] == '\t' || text[i+1] == '\n' {
				return i
			}
		}
	}
	return len(text)
}

func (l *line) addCode(text, link string) {
	text = strings.NewReplacer("\n", " ", "\t", " ").Replace(text)
	code := strings.Trim(text, " ")
	if strings.HasPrefix(text, " ") {
		l.white(0, link)
	}
	if code == "" {
		return
	}
	l.word(Run{Text: code, Style: InlineCode, Link: link})
	if strings.HasSuffix(text, " ") {
		l.white(0, link)
	}
}

func (l *line) lineBreak() {
	if l.oneLine {
		l.white(0, "")
		return
	}
	if len(l.runs) > 0 {
		l.breaks++
	}
}

func (l *line) white(style Style, link string) {
	if !l.space {
		l.space, l.spaceStyle, l.spaceLink = true, style, link
		return
	}
	l.spaceStyle &= style
	if l.spaceLink != link {
		l.spaceLink = ""
	}
}

func (l *line) word(r Run) {
	switch {
	case l.breaks > 1:
		l.endParagraph()
	case l.breaks == 1:
		l.runs = append(l.runs, Run{Break: true})
	case l.space && len(l.runs) > 0:
		before := l.runs[len(l.runs)-1]
		between := l.spaceStyle & before.Style & r.Style &^ InlineCode
		if l.spaceLink != before.Link || l.spaceLink != r.Link || before.Kind != Literal || r.Kind != Literal {
			l.spaceLink = ""
		}
		l.append(Run{Text: " ", Style: between, Link: l.spaceLink})
	}
	l.breaks, l.space = 0, false
	l.append(r)
}

func (l *line) append(r Run) { l.runs = append(l.runs, r) }

// endParagraph merges what has been gathered, and links bare addresses.
func (l *line) endParagraph() {
	if len(l.runs) == 0 {
		return
	}
	runs := mergeRuns(l.runs)
	if slices.ContainsFunc(runs, mayHoldAddress) {
		var out []Run
		for _, r := range runs {
			if mayHoldAddress(r) {
				out = appendLinked(out, r)
			} else {
				out = append(out, r)
			}
		}
		runs = mergeRuns(out)
	}
	l.paragraphs = append(l.paragraphs, slices.Clip(runs))
	l.runs, l.breaks, l.space = nil, 0, false
}

// mayHoldAddress tells the runs in which a bare address may be found.
func mayHoldAddress(r Run) bool {
	return !r.Break && r.Link == "" && r.Style != InlineCode && r.Kind == Literal && strings.Contains(r.Text, "://")
}

// mergeRuns merges neighbours of one style in place, each stretch in one go so that the work stays linear.
func mergeRuns(runs []Run) []Run {
	out := runs[:0]
	for i := 0; i < len(runs); {
		j := i + 1
		for j < len(runs) && !runs[i].Break && !runs[j].Break && runs[i].Kind == Literal && runs[j].Kind == Literal &&
			runs[j].Style == runs[i].Style && runs[j].Link == runs[i].Link {
			j++
		}
		merged := runs[i]
		if j > i+1 {
			var b strings.Builder
			for _, r := range runs[i:j] {
				b.WriteString(r.Text)
			}
			merged.Text = b.String()
		}
		out = append(out, merged)
		i = j
	}
	return out
}

// appendLinked appends r with the bare addresses in it linked.
func appendLinked(out []Run, r Run) []Run {
	text, start := r.Text, 0
	for i := 0; i < len(text); {
		skip := strings.IndexAny(text[i:], "hH")
		if skip < 0 {
			break
		}
		i += skip
		n := 0
		if before, _ := utf8.DecodeLastRuneInString(text[:i]); !inWord(before) {
			n = Address(text[i:])
		}
		if n == 0 {
			i++
			continue
		}
		if start < i {
			out = append(out, Run{Text: text[start:i], Style: r.Style})
		}
		out = append(out, Run{Text: text[i : i+n], Style: r.Style, Link: text[i : i+n]})
		i += n
		start = i
	}
	if start < len(text) {
		out = append(out, Run{Text: text[start:], Style: r.Style})
	}
	return out
}

// inWord tells whether an address right behind r would be part of a word; the start of a run is not.
func inWord(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}
