package markdown

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// Mattermost shows "$…$" as a formula where an administrator has switched that on, and a client cannot see whether. So only
// what nobody writes but as a formula is one here: it holds one of the characters that formulas are made with. It becomes
// code, dollars and all, so that nothing in it is taken for a mark.

// formula gives the length of the formula that line begins with, dollars included; 0 when it begins with none.
func formula(line string) int {
	n := dollars(line)
	if n == 0 {
		return 0
	}
	inner := line[1 : n-1]
	if !strings.ContainsAny(inner, `\^_{`) || strings.ContainsAny(inner, "`*[<~") || strings.Contains(inner, "://") || strings.Contains(inner, zeroWidth) {
		return 0
	}
	if n < len(line) && (isAlphanumeric(line[n]) || line[n] == '$') {
		return 0
	}
	return n
}

// dollars gives the length of what stands from the dollar at the beginning of line to the next, where neither has a space
// inside.
func dollars(line string) int {
	end := strings.IndexAny(line[1:], "$\n") + 1
	if end < 2 || line[end] != '$' || isBlank(line[1]) || isBlank(line[end-1]) || line[end-1] == '\\' {
		return 0
	}
	return end + 1
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// mayBeLatex tells whether text, which begins with a dollar, could be read as a formula however it is escaped.
func mayBeLatex(text string) bool { return dollars(text) > 0 }

// untilNext gives how much of line, which begins with a dollar, is looked at for a formula: up to the next one and what
// follows that.
func untilNext(line []byte) int {
	if end := bytes.IndexByte(line[1:], '$'); end >= 0 {
		return min(len(line), end+1+2)
	}
	return 1
}

// latexParser takes formulas.
type latexParser struct{}

// Trigger names the first character of a formula.
func (latexParser) Trigger() []byte { return []byte{'$'} }

// Parse takes a formula.
func (latexParser) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, segment := block.PeekLine()
	before := block.PrecendingCharacter()
	if before == '$' || before == '\\' || isWord(before) {
		return nil
	}
	n := formula(string(line[:untilNext(line)]))
	if n == 0 {
		return nil
	}
	code := ast.NewCodeSpan()
	code.AppendChild(code, ast.NewRawTextSegment(segment.WithStop(segment.Start+n)))
	block.Advance(n)
	return code
}
