package matterbridge

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"causeway/gateway/config"
)

// width is how long a line of a comment is at most, where its words allow it.
const width = 110

// page is the config that is being written.
type page struct {
	strings.Builder
	toDo, leftOut int
	err           error
}

// blank begins a paragraph.
func (p *page) blank() {
	if p.Len() > 0 && !strings.HasSuffix(p.String(), "\n\n") {
		p.WriteByte('\n')
	}
}

func (p *page) line(text string) { p.WriteString(strings.TrimRight(text, " ") + "\n") }

// comment writes words as a comment, over several lines where they are long. No word can end the comment.
func (p *page) comment(indent, format string, args ...any) {
	row := indent + "#"
	for _, word := range strings.Fields(printable(fmt.Sprintf(format, args...))) {
		if n := utf8.RuneCountInString(row); n > len(indent)+1 && n+1+utf8.RuneCountInString(word) > width {
			p.line(row)
			row = indent + "#"
		}
		row += " " + word
	}
	p.line(row)
}

// todo says what a person must do.
func (p *page) todo(indent, format string, args ...any) {
	p.toDo++
	p.comment(indent, "TO DO: "+format, args...)
}

// left says what is not carried over, and why.
func (p *page) left(indent, format string, args ...any) {
	p.leftOut++
	p.comment(indent, "Left out: "+format, args...)
}

// old writes lines of comments of the old config.
func (p *page) old(indent string, lines []string) {
	for _, line := range lines {
		p.line(indent + printable(line))
	}
}

// text writes a key with a text, and the comment that stood beside it.
func (p *page) text(indent, key, value, beside string) {
	shown, err := config.ShownText(value)
	if err != nil {
		p.err = fmt.Errorf("writing %s: %w", key, err)
	}
	p.value(indent, key, shown, beside)
}

func (p *page) value(indent, key, shown, beside string) {
	if beside != "" {
		shown += "  " + printable(beside)
	}
	p.line(indent + key + " = " + shown)
}

// printable keeps control characters out of comments, which TOML forbids there.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F {
			return ' '
		}
		return r
	}, text)
}
