package markdown

import (
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// emphasisParser takes "*" and "_" as CommonMark does, and beyond that "**" between punctuation and a letter: "**Note:**text" and "**「強調」**です"
// are bold in Mattermost (the rule "strong" of github.com/mattermost/marked), and whoever writes Japanese or Chinese has no spaces.
type emphasisParser struct{ parser.InlineParser }

// Parse takes the mark.
func (e emphasisParser) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	before := block.PrecendingCharacter()
	node := e.InlineParser.Parse(parent, block, pc)
	mark, ok := node.(*parser.Delimiter)
	if !ok || mark.Char != '*' || mark.OriginalLength != 2 {
		return node
	}
	line, _ := block.PeekLine()
	after, _ := utf8.DecodeRune(line)
	mark.CanClose = mark.CanClose || isPunct(before) && isWord(after)
	mark.CanOpen = mark.CanOpen || isWord(before) && isPunct(after)
	return node
}
