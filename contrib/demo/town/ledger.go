package town

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// ledger knows which message is a copy of which, and what has not crossed yet. It goes by what people see alone.
type ledger struct {
	twins   map[string]string    // the conversation on the other side, by each that has one
	names   [2]map[string]string // by side and what somebody is called there, in letters: what the same person is called on the other side
	entries [2]map[string]*entry
	order   [2][]*entry // as first seen, by side
	delays  []time.Duration
	touched uint64 // counts changes
}

// entry is a message on one side.
type entry struct {
	Message
	place   Place
	touched uint64   // value of ledger.touched when this entry, or what is known of it, last changed
	author  string   // whose words they are: of a copy, whom it names
	says    []string // what it says, by letters, in all ways in which the other side may show it
	said    []string // what it has said so far
	first   time.Time

	origin  *entry // of a copy, once it is known
	copy    *entry // of an original, once it has one
	guessed bool   // of an original: its copy is known by its place alone

	// Of originals: since when the other side does not show the same; zero when it does.
	behind time.Time
	// Of originals: how long the latest change took to cross, and on which side it was made.
	took time.Duration
	from Place
}

func newLedger() *ledger {
	return &ledger{twins: map[string]string{}, names: [2]map[string]string{{}, {}}, entries: [2]map[string]*entry{{}, {}}}
}

// join notes that two conversations, the left one first, are two sides of one.
func (l *ledger) join(left, right string) { l.twins[left], l.twins[right] = right, left }

// introduce notes that two names, the left one first, are of one person, so that a mention of the one may become one of the other.
func (l *ledger) introduce(left, right string) {
	l.names[Left][letters(left)], l.names[Right][letters(right)] = right, left
}

// update takes in what a side shows now.
func (l *ledger) update(where Place, now []Message) {
	for _, m := range now {
		e := l.entries[where][m.ID]
		if e == nil {
			if m.Deleted {
				continue // came and went unseen
			}
			e = &entry{place: where, Message: Message{ID: m.ID}, first: m.Seen}
			l.entries[where][m.ID] = e
			l.order[where] = append(l.order[where], e)
		} else if same(e.Message, m) {
			continue
		}
		l.take(e, m)
	}
}

// take gives an entry its new look and settles accounts with its counterpart.
func (l *ledger) take(e *entry, m Message) {
	if m.Deleted && e.Author != "" { // some services then no longer say whose it was
		m.Author, m.Person, m.Copy = e.Author, e.Person, e.Copy
	}
	e.Message = m
	l.listen(e)
	l.touch(e)
	switch {
	case e.Copy && e.origin == nil && !e.Deleted:
		l.marry(l.find(e, l.order[e.place.Other()], func(o *entry) bool { return !o.Copy && o.copy == nil }), e)
	case !e.Copy && e.copy == nil && !e.Deleted: // its copy may have been seen first
		l.marry(e, l.find(e, l.order[e.place.Other()], func(c *entry) bool { return c.Copy && c.origin == nil && !c.Deleted }))
	}
	l.settle(e, m.Seen)
	if e.Deleted {
		l.settleReplies(e, m.Seen)
	}
}

// listen notes whose words an entry shows and what it says.
func (l *ledger) listen(e *entry) {
	author, text := words(e.Message)
	e.author = author
	if e.Deleted {
		return
	}
	e.says = []string{text}
	if !e.Copy {
		e.says = append(e.says, letters(e.Source), letters(Plain(l.renamed(e.place, e.Body))))
	}
	for _, text := range e.says {
		if !slices.Contains(e.said, text) {
			e.said = append(e.said, text)
		}
	}
}

// renamed gives a text with those whom it mentions called as on the other side.
func (l *ledger) renamed(where Place, nodes []Node) []Node {
	out := slices.Clone(nodes)
	for i, n := range out {
		if name, ok := l.names[where][letters(Plain(n.Kids))]; ok && n.Tag == "mention" {
			out[i].Kids = []Node{textNode(name)}
		} else {
			out[i].Kids = l.renamed(where, n.Kids)
		}
	}
	return out
}

// settleReplies judges the replies to a message anew, since what it is counts for them as well.
func (l *ledger) settleReplies(e *entry, at time.Time) {
	for _, other := range l.order[e.place] {
		if other.Root == e.ID {
			l.settle(other, at)
		}
	}
}

// find gives the entry that fits e best: by its words first, then by its author, and the oldest of these.
func (l *ledger) find(e *entry, among []*entry, free func(*entry) bool) *entry {
	var best *entry
	highest := 0
	for _, x := range among {
		if !free(x) || x.Conversation != l.twins[e.Conversation] {
			continue
		}
		if fit := fits(x, e); fit > highest {
			best, highest = x, fit
		}
	}
	return best
}

// exact is what fits gives at least when both say the same; all else together is less.
const exact = 8

// fits says how well two messages may be instances of one: 0 is not at all.
func fits(a, b *entry) int {
	fit := 0
	for _, x := range a.said {
		for _, y := range b.said {
			switch {
			case x == y:
				fit = max(fit, exact)
			case len(x) > 3 && len(y) > 3 && (strings.Contains(x, y) || strings.Contains(y, x)):
				fit = max(fit, 2)
			case 2*common(x, y) > max(len(x), len(y)):
				fit = max(fit, 1)
			}
		}
	}
	if fit == 0 {
		return 0
	}
	if sameAuthor(a, b) {
		fit += 4
	}
	if !a.Deleted && !b.Deleted {
		fit++
	}
	return fit
}

func sameAuthor(a, b *entry) bool {
	return strings.Contains(a.author, b.author) || strings.Contains(b.author, a.author)
}

// common is how many bytes two texts have in common at their beginning.
func common(x, y string) int {
	n := 0
	for n < len(x) && n < len(y) && x[n] == y[n] {
		n++
	}
	return n
}

func (l *ledger) marry(origin, copied *entry) {
	if origin == nil || copied == nil {
		return
	}
	origin.copy, copied.origin = copied, origin
	if origin.behind.IsZero() { // its copy was seen first
		origin.behind, origin.from = origin.first, origin.place
	}
	l.settle(origin, copied.first)
	for _, e := range []*entry{origin, copied} {
		l.touch(e)
		l.settleReplies(e, copied.first)
	}
}

// settle notes whether the two instances of a message agree since some time, and how long it took.
func (l *ledger) settle(e *entry, at time.Time) {
	origin := e
	if e.Copy {
		origin = e.origin
	}
	if origin == nil {
		return
	}
	agreed := l.agree(origin)
	switch {
	case agreed && !origin.behind.IsZero():
		if origin.copy != nil {
			origin.took = max(0, at.Sub(origin.behind))
			l.delays = append(l.delays, origin.took)
		}
		origin.behind = time.Time{}
	case !agreed && origin.behind.IsZero():
		origin.behind, origin.from = at, e.place
	default:
		return
	}
	l.touch(origin)
	if origin.copy != nil {
		l.touch(origin.copy)
	}
}

// agree reports whether both instances of a message show the same.
func (l *ledger) agree(o *entry) bool {
	c := o.copy
	switch {
	case c == nil:
		return o.Deleted
	case o.Deleted:
		return c.Deleted || l.blanked(c, o)
	case c.Deleted:
		return l.gone(c)
	}
	return sameText(o, c) && sameFiles(o.Message, c.Message) && slices.Equal(emojis(o.Message), emojis(c.Message)) && l.sameThread(o, c)
}

// sameText reports whether a copy says what its original says, as it is shown or as it was typed: one side may have markup that
// the other can only show as such. Where the copy is known by its place alone and the original shows no word, there is nothing to
// compare.
func sameText(o, c *entry) bool {
	return slices.Contains(o.says, c.says[0]) || o.guessed && strings.IndexFunc(o.says[0], isLetter) < 0
}

// blanked reports whether a copy stays only because others have replied to it: Mattermost would take their replies along.
func (l *ledger) blanked(c, o *entry) bool {
	_, text := words(c.Message)
	return c.Root == "" && !slices.Contains(o.said, text)
}

// gone reports whether a copy was deleted with its whole thread by somebody who may do that.
func (l *ledger) gone(c *entry) bool {
	root := l.entries[c.place][c.Root]
	return root != nil && root.Deleted
}

// sameThread reports whether a copy is a reply to the copy of what the original replies to.
func (l *ledger) sameThread(o, c *entry) bool {
	root := l.entries[o.place][o.Root]
	if root == nil {
		return c.Root == ""
	}
	other := root.copy
	if root.Copy {
		other = root.origin
	}
	return other == nil || c.Root == other.ID
}

func (l *ledger) touch(e *entry) {
	l.touched++
	e.touched = l.touched
}

// same reports whether nothing has changed in a way that can be seen.
func same(a, b Message) bool {
	return a.Source == b.Source && a.Deleted == b.Deleted && a.Author == b.Author && a.Root == b.Root && a.Edited == b.Edited &&
		slices.Equal(a.Files, b.Files) &&
		slices.EqualFunc(a.Reactions, b.Reactions, func(x, y Reaction) bool { return x.Emoji == y.Emoji && slices.Equal(x.By, y.By) })
}

// words gives whose words a message shows and what they say, both by letters.
func words(m Message) (author, text string) {
	author, said := m.Author, m.Body
	if m.Headed && len(said) > 0 && said[0].Tag == "p" && len(said[0].Kids) > 0 && said[0].Kids[0].Tag == "strong" {
		author, said = Plain(said[0].Kids[:1]), append([]Node{{Tag: "p", Kids: said[0].Kids[1:]}}, said[1:]...)
	}
	return letters(author), letters(Plain(said))
}

// shortcode is an emoji by its name, which one side may show as such and the other as a picture.
var shortcode = regexp.MustCompile(`:[a-z0-9_+-]+:`)

// nothing stands for a text of which nothing is seen, such as a rule or an empty block of code. No other text is it by its letters.
const nothing = " "

// letters keeps what is the same in the markup of either side; of a text without any letter, all but the spaces.
func letters(text string) string {
	kept := strings.Map(func(r rune) rune {
		if isLetter(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, shortcode.ReplaceAllString(text, ""))
	if kept == "" {
		kept = bare(strings.Join(strings.Fields(text), ""))
	}
	return cmp.Or(kept, nothing)
}

func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// emojis gives which emoji stand under a message, sorted.
func emojis(m Message) []string {
	var out []string
	for _, r := range m.Reactions {
		out = append(out, bare(r.Emoji))
	}
	slices.Sort(out)
	return out
}

// byTime orders messages as their service dates them.
func byTime(a, b *entry) int { return cmp.Or(a.At.Compare(b.At), a.first.Compare(b.first)) }
