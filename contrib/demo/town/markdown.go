package town

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// markdownParser is the Markdown that Mattermost shows. It is not the one of the bridge, so that what the page shows does not
// depend on what is to be judged.
var markdownParser = goldmark.New(goldmark.WithExtensions(extension.Linkify, extension.Table, extension.Strikethrough)).Parser()

// Markdown gives a Mattermost text as it is shown, with the people whom @name may mean.
func Markdown(source string, people []Person) (nodes []Node) {
	defer func() {
		if recover() != nil { // a text that the parser chokes on
			nodes = []Node{{Tag: "p", Kids: []Node{textNode(source)}}}
		}
	}()
	r := markdownReader{source: []byte(source), people: people}
	return r.all(markdownParser.Parse(text.NewReader(r.source)), 0)
}

type markdownReader struct {
	source []byte
	people []Person
}

// all gives the children of a node.
func (r markdownReader) all(parent ast.Node, depth int) []Node {
	var out []Node
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		out = append(out, r.node(n, depth)...)
	}
	return joined(out)
}

func (r markdownReader) node(n ast.Node, depth int) []Node {
	if depth > deepest {
		return nil
	}
	element := func(tag string) []Node { return []Node{{Tag: tag, Kids: r.all(n, depth+1)}} }
	switch n := n.(type) {
	case *ast.Text:
		return r.text(n)
	case *ast.String:
		return []Node{textNode(string(n.Value))}
	case *ast.Emphasis:
		return element([]string{"em", "strong"}[min(n.Level, 2)-1])
	case *ast.CodeSpan:
		return []Node{{Tag: "code", Kids: []Node{textNode(r.raw(n))}}}
	case *ast.Link:
		return link(string(n.Destination), r.all(n, depth+1))
	case *ast.Image:
		return link(string(n.Destination), described(r.all(n, depth+1)))
	case *ast.AutoLink:
		return link(string(n.URL(r.source)), []Node{textNode(string(n.Label(r.source)))})
	case *ast.RawHTML: // Mattermost shows it as it was typed
		var b strings.Builder
		for i := range n.Segments.Len() {
			s := n.Segments.At(i)
			b.Write(s.Value(r.source))
		}
		return []Node{textNode(b.String())}
	case *ast.HTMLBlock:
		return []Node{{Tag: "p", Kids: []Node{textNode(strings.TrimSpace(r.lines(n) + string(n.ClosureLine.Value(r.source))))}}}
	case *ast.FencedCodeBlock, *ast.CodeBlock:
		return []Node{{Tag: "pre", Kids: []Node{textNode(strings.TrimSuffix(r.lines(n), "\n"))}}}
	case *ast.TextBlock:
		return r.all(n, depth+1)
	case *ast.Heading:
		return element("h" + string(rune('0'+n.Level)))
	case *ast.List:
		if n.IsOrdered() {
			return element("ol")
		}
		return element("ul")
	}
	switch n.Kind() {
	case ast.KindParagraph:
		return element("p")
	case ast.KindListItem:
		return element("li")
	case ast.KindBlockquote:
		return element("blockquote")
	case ast.KindThematicBreak:
		return []Node{{Tag: "hr"}}
	case east.KindStrikethrough:
		return element("del")
	case east.KindTable:
		return element("table")
	case east.KindTableHeader, east.KindTableRow:
		return element("tr")
	case east.KindTableCell:
		return element("td")
	}
	return r.all(n, depth+1)
}

// text gives plain text; in Mattermost every line break counts.
func (r markdownReader) text(n *ast.Text) []Node {
	said := n.Segment.Value(r.source)
	if !n.IsRaw() {
		said = util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(said)))
	}
	out := r.words(string(said))
	if n.SoftLineBreak() || n.HardLineBreak() {
		out = append(out, Node{Tag: "br"})
	}
	return out
}

// called finds what may be a mention or the name of an emoji.
var called = regexp.MustCompile(`@[A-Za-z0-9._-]*[A-Za-z0-9_-]|:[a-z0-9_+-]+:`)

// words shows mentions of people and emoji in a text.
func (r markdownReader) words(s string) []Node {
	var out []Node
	for {
		at := called.FindStringIndex(s)
		if at == nil {
			return append(out, textNode(s))
		}
		word := s[at[0]:at[1]]
		n := textNode(word)
		if emoji, ok := emojiNamed(strings.Trim(word, ":")); ok && word[0] == ':' {
			n = textNode(emoji)
		} else if word[0] == '@' && r.mentions(word[1:]) && !endsInWord(s[:at[0]]) {
			n = Node{Tag: "mention", Kids: []Node{textNode(word)}}
		}
		out = append(out, textNode(s[:at[0]]), n)
		s = s[at[1]:]
	}
}

func (r markdownReader) mentions(name string) bool {
	for _, p := range r.people {
		if strings.EqualFold(p.Call, name) {
			return true
		}
	}
	return name == "channel" || name == "all" || name == "here"
}

func endsInWord(s string) bool {
	return s != "" && (s[len(s)-1] >= '0' && s[len(s)-1] <= '9' || s[len(s)-1]|0x20 >= 'a' && s[len(s)-1]|0x20 <= 'z')
}

// raw is the text of a node's children as it was typed.
func (r markdownReader) raw(n ast.Node) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			b.Write(t.Segment.Value(r.source))
		}
	}
	return b.String()
}

func (r markdownReader) lines(n ast.Node) string {
	var b strings.Builder
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		b.Write(line.Value(r.source))
	}
	return b.String()
}

// link gives a link when its address is one that may be followed, else only what it says.
func link(address string, label []Node) []Node {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "mailto" {
		return label
	}
	return []Node{{Tag: "a", Link: u.String(), Kids: label}}
}
