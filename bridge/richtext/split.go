package richtext

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Split cuts doc into pieces for which fits says true; one piece when doc fits as a whole, none when it is empty.
// It cuts between blocks, else between list items, lines, sentences, words, and only then inside of a word, as late
// as fits allows but never leaving a piece less than half full for the sake of a nicer place. Code and quotes go on
// as code and quotes, a list goes on counting, a table is cut between rows and has its heading again. Words are neither lost nor doubled: together the pieces have the same
// [Doc.PlainText] but for white space and the headings of tables.
//
// fits must not say true of a text and false of a beginning of it. It is asked about O(log n) times per piece, about
// texts not much longer than a piece. A single character that does not fit is given as a piece all the same.
func Split(doc Doc, fits func(Doc) bool) []Doc {
	rest := Normalize(doc)
	if len(rest) == 0 {
		return nil
	}
	if fits(rest) {
		return []Doc{rest}
	}
	rest = withoutWideHeadings(rest, fits)
	var pieces []Doc
	guess := 256
	for len(rest) > 0 {
		n := longest(rest, guess, fits)
		guess = n
		if total := weighUpTo(rest, n+1); n < total {
			if nicer := snap(rest, n); nicer < n && fits(Normalize(take(rest, nicer))) {
				n = nicer
			}
		}
		if piece := Normalize(take(rest, n)); len(piece) > 0 {
			pieces = append(pieces, piece)
		}
		rest = drop(rest, n)
	}
	return pieces
}

// longest gives the greatest weight with which the beginning of doc fits, at least 1, starting to look at guess.
func longest(doc Doc, guess int, fits func(Doc) bool) int {
	fitsAt := func(n int) bool { return fits(Normalize(take(doc, n))) }
	low, high := 1, max(guess, 2)
	total := weighUpTo(doc, high)
	for total > low && fitsAt(min(high, total)) {
		low = min(high, total)
		if low == total && weighUpTo(doc, low+1) == low {
			return low
		}
		high *= 2
		total = weighUpTo(doc, high)
	}
	high = min(high, total)
	for low+1 < high {
		if middle := (low + high) / 2; fitsAt(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// The weight of a text is its number of characters, and one more for the end of each paragraph, code block and rule.
// Line breaks weigh 1. A place in a text is the weight before it.

func weigh(doc Doc) int { return weighUpTo(doc, int(^uint(0)>>1)) }

// weighUpTo gives the weight of doc, or limit when it is more, and does not look further than that.
func weighUpTo(doc Doc, limit int) int {
	n := 0
	for i := 0; i < len(doc) && n < limit; i++ {
		n += weighBlock(doc[i], limit-n)
	}
	return min(n, limit)
}

func weighBlock(b Block, limit int) int {
	n := 0
	switch b.Kind {
	case Quote:
		return weighUpTo(b.Blocks, limit)
	case List:
		for i := 0; i < len(b.Items) && n < limit; i++ {
			n += weighUpTo(b.Items[i], limit-n)
		}
		return n
	case Code:
		return count(b.Text, limit) + 1
	case Table:
		return weighTable(b, limit)
	}
	return weighRuns(b.Runs, limit) + 1
}

func weighRuns(runs []Run, limit int) int {
	n := 0
	for i := 0; i < len(runs) && n < limit; i++ {
		n += weighRun(runs[i], limit-n)
	}
	return n
}

func weighRun(r Run, limit int) int {
	if r.Break {
		return 1
	}
	return count(r.Text, limit)
}

// count gives the number of characters of s, counting no further than limit.
func count(s string, limit int) int {
	if len(s) > 4*limit && limit < len(s) {
		return min(limit, utf8.RuneCountInString(s[:4*limit]))
	}
	return utf8.RuneCountInString(s)
}

// take gives the beginning of doc up to place n.
func take(doc Doc, n int) Doc {
	var out Doc
	for _, b := range doc {
		if n <= 0 {
			break
		}
		weight := weighBlock(b, n+1)
		if weight <= n {
			out = append(out, b)
		} else if head := takeBlock(b, n); head.Kind != "" {
			out = append(out, head)
		}
		n -= weight
	}
	return out
}

func takeBlock(b Block, n int) Block {
	switch b.Kind {
	case Quote:
		b.Blocks = take(b.Blocks, n)
	case List:
		var items []Doc
		for _, item := range b.Items {
			if n <= 0 {
				break
			}
			weight := weighUpTo(item, n+1)
			items = append(items, take(item, n))
			n -= weight
		}
		b.Items = items
	case Code:
		b.Text = b.Text[:offset(b.Text, n)]
	case Rule:
		return Block{}
	case Table:
		return takeTable(b, n)
	default:
		b.Runs = takeRuns(b.Runs, n)
	}
	return b
}

func takeRuns(runs []Run, n int) []Run {
	var out []Run
	for _, r := range runs {
		if n <= 0 {
			break
		}
		weight := weighRun(r, n+1)
		if weight > n {
			r.Text, r.Kind, r.Who = r.Text[:offset(r.Text, n)], Literal, ""
		}
		out = append(out, r)
		n -= weight
	}
	return out
}

// drop gives what is left of doc behind place n. It may overwrite the first block of doc, nothing else.
func drop(doc Doc, n int) Doc {
	for len(doc) > 0 {
		weight := weighBlock(doc[0], n+1)
		if weight > n {
			break
		}
		n -= weight
		doc = doc[1:]
	}
	if len(doc) > 0 && n > 0 {
		doc[0] = dropBlock(doc[0], n)
	}
	return doc
}

func dropBlock(b Block, n int) Block {
	switch b.Kind {
	case Quote:
		b.Blocks = drop(slices.Clone(b.Blocks), n)
	case List:
		items := slices.Clone(b.Items)
		for len(items) > 0 {
			weight := weighUpTo(items[0], n+1)
			if weight > n {
				break
			}
			n -= weight
			items = items[1:]
			b.Start++
		}
		if len(items) > 0 {
			items[0] = drop(slices.Clone(items[0]), n)
		}
		if !b.Ordered {
			b.Start = 0
		}
		b.Items = items
	case Code:
		b.Text = b.Text[offset(b.Text, n):]
	case Table:
		return dropTable(b, n)
	default:
		b.Runs, b.Task = dropRuns(b.Runs, n), NoTask
	}
	return b
}

func dropRuns(runs []Run, n int) []Run {
	runs = slices.Clone(runs)
	for len(runs) > 0 && n > 0 {
		weight := weighRun(runs[0], n+1)
		if weight > n {
			first := &runs[0]
			first.Text, first.Kind, first.Who = first.Text[offset(first.Text, n):], Literal, ""
			break
		}
		n -= weight
		runs = runs[1:]
	}
	return runs
}

// offset gives where the n-th character of s begins.
func offset(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

// How good a place is for cutting. Between characters that make one sign (an emoji and its colour) it is not.
const (
	insideSign = iota
	insideWord
	behindWord
	behindSentence
	behindLine
	behindItem
	behindBlock
)

// snap gives the best place to cut in the second half of the first n of doc.
func snap(doc Doc, n int) int {
	for _, from := range [...]int{n/2 + 1, 1} {
		p := places{limit: n, from: from}
		p.blocks(doc, behindBlock)
		if p.best > 0 {
			return p.best
		}
	}
	return n
}

// places walks a text and remembers the last of the best places from from to limit.
type places struct {
	at, from, limit int
	best, quality   int
}

func (p *places) offer(at, quality int) {
	if at >= p.from && at <= p.limit && quality >= p.quality && quality > insideSign {
		p.best, p.quality = at, quality
	}
}

func (p *places) blocks(doc Doc, quality int) {
	for _, b := range doc {
		if p.at > p.limit {
			return
		}
		switch b.Kind {
		case Quote:
			p.blocks(b.Blocks, behindItem)
		case List:
			for _, item := range b.Items {
				p.blocks(item, behindItem)
			}
		case Code:
			p.text(b.Text)
			p.at++
		case Table:
			p.table(b)
		case Rule:
			p.at++
		default:
			for _, r := range b.Runs {
				if r.Break {
					p.at++
					p.offer(p.at, behindLine)
				} else {
					p.text(r.Text)
				}
			}
			p.at++
		}
		p.offer(p.at, quality)
	}
}

func (p *places) text(text string) {
	var before rune
	flags := 0
	for i, r := range text {
		if p.at > p.limit {
			return
		}
		quality := insideWord
		switch {
		case i == 0:
			quality = insideWord
		case before == '\n':
			quality = behindLine
		case before == ' ' && strings.ContainsRune(".!?…:;", beforeSpace(text[:i])):
			quality = behindSentence
		case unicode.IsSpace(before) || before == '。':
			quality = behindWord
		case joins(before, r, flags):
			quality = insideSign
		}
		p.offer(p.at, quality)
		if isFlag(r) {
			flags++
		} else {
			flags = 0
		}
		before = r
		p.at++
	}
}

func beforeSpace(text string) rune {
	r, _ := utf8.DecodeLastRuneInString(strings.TrimRight(text, " "))
	return r
}

// joins tells whether before and r belong to one sign; flags is how many letters of flags stand before r.
func joins(before, r rune, flags int) bool {
	const joiner = 0x200D
	return r == joiner || before == joiner || unicode.In(r, unicode.Mn, unicode.Me, unicode.Mc) ||
		r >= 0x1F3FB && r <= 0x1F3FF || isFlag(r) && flags%2 == 1 || r >= 0xE0020 && r <= 0xE007F
}

func isFlag(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }
