package markdown

import (
	"html"
	"strings"

	"github.com/yuin/goldmark/ast"

	"causeway/bridge/richtext"
)

func styled(like richtext.Run, text string) richtext.Run {
	like.Text = text
	return like
}

// address gives the run of an address that links to itself.
func (r *reader) address(n *ast.AutoLink, like richtext.Run) richtext.Run {
	label := string(n.Label(r.source))
	like.Link = label
	if n.AutoLinkType == ast.AutoLinkEmail {
		like.Link = "mailto:" + label
	}
	return styled(like, label)
}

// addressInLabel gives the source of an address that is only the text of another link, together with the text behind
// it, of which the address may have taken the half of a character reference; and the node after both.
func (r *reader) addressInLabel(n *ast.AutoLink) (string, ast.Node) {
	source := string(n.Label(r.source))
	next := n.NextSibling()
	if t, ok := next.(*ast.Text); ok && !t.SoftLineBreak() && !t.HardLineBreak() {
		source += string(t.Segment.Value(r.source))
		next = t.NextSibling()
	}
	return source, next
}

// link appends the text of a link. One that leads nowhere in the neutral form (another page of the same server, a
// program) stays what was typed.
func (r *reader) link(runs []richtext.Run, n ast.Node, destination string, like richtext.Run, depth int) []richtext.Run {
	destination = unescape(destination)
	if link := richtext.CleanLink(destination); link != "" {
		like.Link = link
		return r.runs(runs, n, like, depth+1)
	}
	runs = append(runs, styled(like, "["))
	runs = r.runs(runs, n, like, depth+1)
	return append(runs, styled(like, "]("+destination+")"))
}

// picture appends an image, or what was typed where it leads nowhere in the neutral form.
func (r *reader) picture(runs []richtext.Run, n *ast.Image, like richtext.Run) []richtext.Run {
	alternative := strings.TrimSpace(unescape(deepInline(n, r.source)))
	if alternative == "" {
		alternative = "picture"
	}
	destination := unescape(string(n.Destination))
	if like.Link == "" {
		like.Link, like.Kind = richtext.CleanLink(destination), richtext.Image
	}
	if like.Link == "" && destination != "" {
		like.Kind = richtext.Literal
		return append(runs, styled(like, "!["+alternative+"]("+destination+")"))
	}
	return append(runs, styled(like, "["+alternative+"]"))
}

// deepInline gives the source of the text in n.
func deepInline(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			b.Write(n.Segment.Value(source))
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.AutoLink:
			b.Write(n.Label(source))
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// unescape gives what backslashes and character references in s stand for; the library leaves that to its renderer.
func unescape(s string) string {
	if !strings.ContainsAny(s, `\&`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && isPunctuation(s[i+1]):
			i++
			b.WriteByte(s[i])
		case s[i] == '&':
			n := reference(s[i:])
			if n == 0 {
				b.WriteByte('&')
				continue
			}
			b.WriteString(html.UnescapeString(s[i : i+n]))
			i += n - 1
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// longestReference is longer than the longest name, "&CounterClockwiseContourIntegral;".
const longestReference = 40

// reference gives the length of the character reference ("&amp;", "&#42;") that s may begin with; 0 when it cannot be
// one. Names that do not exist are left alone by whoever resolves it.
func reference(s string) int {
	for i := 1; i < len(s) && i < longestReference; i++ {
		c := s[i]
		switch {
		case c == ';':
			if i == 1 {
				return 0
			}
			return i + 1
		case c == '#' && i == 1, isAlphanumeric(c):
		default:
			return 0
		}
	}
	return 0
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

func isPunctuation(c byte) bool { return c > ' ' && c < 0x7F && !isAlphanumeric(c) }
