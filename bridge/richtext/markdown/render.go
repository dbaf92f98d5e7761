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
// Parse gives the same text again, in canonical form.
func Render(doc richtext.Doc) string { return Options{}.Render(doc) }

// Render is [Render] with options.
func (o Options) Render(doc richtext.Doc) string {
	return strings.Join(o.blocks(richtext.Normalize(doc), false), "\n")
}

// blocks gives the lines of doc; tight: a list follows a paragraph without an empty line, as in an item.
func (o Options) blocks(doc richtext.Doc, tight bool) []string {
	var lines []string
	for i, block := range doc {
		if i > 0 {
			before := doc[i-1].Kind
			switch {
			case before == block.Kind && (before == richtext.List || before == richtext.Quote):
				lines = append(lines, "", zeroWidth, "") // otherwise they were one
			case tight && before == richtext.Paragraph && block.Kind == richtext.List && (!block.Ordered || block.Start == 1):
			default:
				lines = append(lines, "")
			}
		}
		lines = append(lines, o.block(block)...)
	}
	return lines
}

func (o Options) block(block richtext.Block) []string {
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
	case richtext.Rule:
		return []string{"***"} // "---" would underline, and "- ---" would not be an item
	}
	return o.paragraph(block.Runs)
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

func (o Options) paragraph(runs []richtext.Run) []string {
	var lines []string
	start := 0
	for i := 0; i <= len(runs); i++ {
		if i == len(runs) || runs[i].Break {
			w := lineWriter{options: o}
			lines = append(lines, w.line(runs[start:i]))
			start = i + 1
		}
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
