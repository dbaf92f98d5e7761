package town

import "strings"

// Node is a piece of a text as a page may show it. There are no attributes but the address of a link, and no elements but those of
// shown, so that nothing that somebody has typed can become anything else than text.
type Node struct {
	Tag  string `json:"e,omitempty"` // the element; empty: plain text
	Text string `json:"t,omitempty"` // of plain text
	Link string `json:"h,omitempty"` // of "a": http, https or mailto
	Kids []Node `json:"c,omitempty"`
}

// shown are the elements that a Node may be, besides "mention": a person's name that was meant as a mention.
var shown = map[string]bool{
	"p": true, "br": true, "hr": true, "em": true, "strong": true, "del": true, "u": true, "code": true, "pre": true,
	"blockquote": true, "ul": true, "ol": true, "li": true, "h1": true, "h2": true, "h3": true, "h4": true, "h5": true, "h6": true,
	"a": true, "table": true, "thead": true, "tbody": true, "tr": true, "th": true, "td": true,
}

// blocks begin a line of their own.
var blocks = map[string]bool{
	"p": true, "hr": true, "pre": true, "blockquote": true, "ul": true, "ol": true, "li": true, "table": true, "tr": true,
	"h1": true, "h2": true, "h3": true, "h4": true, "h5": true, "h6": true,
}

// Plain is what one reads of a text, one line per block.
func Plain(nodes []Node) string {
	var b strings.Builder
	plain(&b, nodes)
	return strings.TrimSpace(b.String())
}

func plain(b *strings.Builder, nodes []Node) {
	line := func() {
		if s := b.String(); s != "" && !strings.HasSuffix(s, "\n") {
			b.WriteByte('\n')
		}
	}
	for _, n := range nodes {
		if blocks[n.Tag] {
			line()
		}
		switch {
		case n.Tag == "br":
			b.WriteByte('\n')
		case n.Tag == "th" || n.Tag == "td":
			plain(b, n.Kids)
			b.WriteByte(' ')
			continue
		}
		b.WriteString(n.Text)
		plain(b, n.Kids)
		if blocks[n.Tag] {
			line()
		}
	}
}

// deepest is how deep elements may stand in each other; what lies deeper is shown as text. Nobody writes such a thing but to
// see what happens.
const deepest = 40

// described is what stands for a picture: what is said of it, or that it is one.
func described(label []Node) []Node {
	if Plain(label) == "" {
		return []Node{textNode("picture")}
	}
	return label
}

func textNode(s string) Node { return Node{Text: s} }

// joined makes one piece of neighbouring pieces of plain text.
func joined(nodes []Node) []Node {
	var out []Node
	for _, n := range nodes {
		if n.Tag == "" && n.Text == "" {
			continue
		}
		if last := len(out) - 1; n.Tag == "" && last >= 0 && out[last].Tag == "" {
			out[last].Text += n.Text
			continue
		}
		out = append(out, n)
	}
	return out
}
