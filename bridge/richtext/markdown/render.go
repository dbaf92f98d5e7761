package markdown

import (
	"strconv"
	"strings"

	"causeway/bridge/richtext"
)

// Options tell [Options.Render] what to do with mentions. The zero value does what [Render] does.
type Options struct {
	// Mention tells whether "@name" may notify whom it names. What follows "@" is given up to the first character
	// that cannot be in a user's name; a "." or "-" at its end may belong to the sentence. nil: nobody is notified.
	Mention func(name string) bool
	// Person gives the user name, without "@", that a mention calls; "", or nil: their name stands there as text.
	Person func(mention richtext.Run) string
	// Pictures: images are shown, which makes those who read them load them; otherwise they are links.
	Pictures bool
}

func (o Options) mayMention(text string) bool {
	if o.Mention == nil {
		return false
	}
	end := 1
	for end < len(text) && (isAlphanumeric(text[end]) || strings.IndexByte(".-_", text[end]) >= 0) {
		end++
	}
	return o.Mention(text[1:end])
}

// Render gives doc as markdown in which what a person typed is text: it cannot become markup, and it notifies nobody.
// Parse gives the same text again, in canonical form
// and not underlined: markdown has no mark for that.
func Render(doc richtext.Doc) string { return Options{}.Render(doc) }

// Render is [Render] with options.
func (o Options) Render(doc richtext.Doc) string {
	return strings.Join(o.blocks(doc.Reduced(richtext.Underline, o.keeps), false), "\n")
}

// keeps tells whether a mention, emoji or image is written as such.
func (o Options) keeps(r richtext.Run) bool {
	switch r.Kind {
	case richtext.Mention:
		return o.Person != nil && isUserName(o.Person(r))
	case richtext.Image:
		return o.Pictures
	}
	return true
}

// blocks gives the lines of doc; inItem: of an item, where a list follows a paragraph without an empty line.
func (o Options) blocks(doc richtext.Doc, inItem bool) []string {
	var lines []string
	for i, block := range doc {
		if i > 0 {
			before := doc[i-1].Kind
			switch {
			case before == block.Kind && (before == richtext.List || before == richtext.Quote):
				lines = append(lines, "", zeroWidth, "") // otherwise they were one
			case inItem && before == richtext.Paragraph && block.Kind == richtext.List && (!block.Ordered || block.Start == 1):
			default:
				lines = append(lines, "")
			}
		}
		lines = append(lines, o.block(block, inItem && i == 0)...)
	}
	return lines
}

func (o Options) block(block richtext.Block, beginsItem bool) []string {
	switch block.Kind {
	case richtext.Heading:
		w := lineWriter{options: o, inHeading: true}
		return []string{strings.Repeat("#", block.Level) + " " + w.line(block.Runs)}
	case richtext.Code:
		fence := strings.Repeat("`", max(3, longestTicks(block.Text)+1))
		return append(append([]string{fence + block.Language}, strings.Split(block.Text, "\n")...), fence)
	case richtext.Quote:
		return indent(o.blocks(block.Blocks, false), "> ", "> ")
	case richtext.List:
		return o.list(block)
	case richtext.Table:
		return o.table(block)
	case richtext.Rule:
		return []string{"***"} // "---" would underline, and "- ---" would not be an item
	}
	return o.paragraph(block, beginsItem)
}

func (o Options) list(list richtext.Block) []string {
	var lines []string
	for i, item := range list.Items {
		marker := "- "
		if list.Ordered {
			marker = strconv.Itoa(list.Start+i) + ". "
		}
		lines = append(lines, indent(o.blocks(item, true), marker, strings.Repeat(" ", len(marker)))...)
	}
	return lines
}

// indent puts first before the first line and rest before the others.
func indent(lines []string, first, rest string) []string {
	for i, line := range lines {
		prefix := rest
		if i == 0 {
			prefix = first
		}
		if line == "" {
			prefix = strings.TrimRight(prefix, " ")
		}
		lines[i] = prefix + line
	}
	return lines
}

func (o Options) paragraph(block richtext.Block, beginsItem bool) []string {
	var lines []string
	start := 0
	for i := 0; i <= len(block.Runs); i++ {
		if i == len(block.Runs) || block.Runs[i].Break {
			w := lineWriter{options: o, beginsItem: beginsItem && start == 0 && block.Task == richtext.NoTask}
			lines = append(lines, w.line(block.Runs[start:i]))
			start = i + 1
		}
	}
	if beginsItem {
		lines[0] = boxes[block.Task] + lines[0]
	}
	return lines
}

// longestTicks gives the length of the longest row of backticks in s.
func longestTicks(s string) int {
	longest, row := 0, 0
	for i := 0; i < len(s); i++ {
		if s[i] == '`' {
			row++
			longest = max(longest, row)
		} else {
			row = 0
		}
	}
	return longest
}
