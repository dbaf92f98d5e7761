package markdown

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// sizedParser takes pictures with a size, "![words](address =100x50)", which are Mattermost's own (its help page "Format messages").
type sizedParser struct{}

// Trigger names the first character of a picture.
func (sizedParser) Trigger() []byte { return []byte{'!'} }

// Parse takes a picture whose size stands behind its address. Any other is left to the library's parser.
func (sizedParser) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, segment := block.PeekLine()
	if !bytes.HasPrefix(line, []byte("![")) {
		return nil
	}
	words, rest, ok := bytes.Cut(line[:min(len(line), longestPicture)], []byte("]("))
	address, _, closes := bytes.Cut(rest, []byte(")"))
	if !ok || !closes || bytes.ContainsAny(words[len("!["):], "[]\n\\`") {
		return nil
	}
	parts := bytes.Fields(address)
	if len(parts) != 2 || !isSize(string(parts[1])) {
		return nil
	}
	link := ast.NewLink()
	link.Destination = parts[0]
	picture := ast.NewImage(link)
	picture.AppendChild(picture, ast.NewTextSegment(text.NewSegment(segment.Start+len("!["), segment.Start+len(words))))
	block.Advance(len(words) + len("](") + len(address) + len(")"))
	return picture
}

// longestPicture is how much of a line is looked at, in bytes: far more than a picture's words and address have.
const longestPicture = 4096

// isSize knows "=100x50", "=100x" and "=100".
func isSize(s string) bool {
	digits, ok := strings.CutPrefix(s, "=")
	wide, high, _ := strings.Cut(digits, "x")
	return ok && wide != "" && strings.Trim(wide+high, "0123456789") == ""
}
