package teams

import (
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// keptTags are the tags that stay in a message body, each with the attributes that stay. There is no official list: it
// holds what documented bodies use and what Teams programs were seen to write.
var keptTags = map[string][]string{
	"p": nil, "div": nil, "span": nil, "br": nil, "hr": nil,
	"em": nil, "i": nil, "strong": nil, "b": nil, "u": nil, "s": nil, "del": nil, "strike": nil, "sub": nil, "sup": nil,
	"h1": nil, "h2": nil, "h3": nil, "h4": nil, "h5": nil, "h6": nil,
	"ul": nil, "ol": {"start"}, "li": nil, "blockquote": nil, "pre": nil, "code": nil, "codeblock": {"class"},
	"table": nil, "thead": nil, "tbody": nil, "tr": nil, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"},
	"a": {"href", "title"}, "img": {"src", "alt", "width", "height"},
	"at": {"id"}, "attachment": {"id"}, "emoji": {"id", "alt", "title"}, "abbr": {"title"},
}

// emptied are the tags whose content goes as well.
var emptied = map[string]bool{
	"script": true, "style": true, "head": true, "title": true, "iframe": true, "object": true, "embed": true,
	"template": true, "noscript": true, "svg": true, "math": true, "textarea": true, "select": true, "xmp": true,
}

var void = map[string]bool{"br": true, "hr": true, "img": true}

// NormaliseHTML is what the service makes of an html body before it stores it: known tags stay with few attributes,
// of unknown ones only the text stays, scripts and styles go with their content, entities are written one way. An empty
// <abbr title="…"> was seen to survive; stripAbbr is the service on which it does not.
func NormaliseHTML(text string, stripAbbr bool) string {
	var b strings.Builder
	for _, n := range parseBody(text) {
		writeNode(&b, n, stripAbbr)
	}
	return b.String()
}

// parseBody parses a fragment. Parsing from memory cannot fail.
func parseBody(text string) []*html.Node {
	body := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
	nodes, err := html.ParseFragmentWithOptions(strings.NewReader(text), body, html.ParseOptionEnableScripting(false))
	if err != nil {
		return nil
	}
	return nodes
}

func writeNode(b *strings.Builder, n *html.Node, stripAbbr bool) {
	switch n.Type {
	case html.TextNode:
		b.WriteString(escapeText(n.Data))
		return
	case html.ElementNode:
	default:
		return // comments, doctypes
	}
	attrs, keep := keptTags[n.Data]
	switch {
	case emptied[n.Data], stripAbbr && n.Data == "abbr":
		return
	case n.Data == "a" && attribute(n, "href") != "" && !safeLink(attribute(n, "href")):
		keep = false
	}
	if keep {
		b.WriteString("<" + n.Data)
		for _, a := range n.Attr {
			if a.Namespace == "" && slices.Contains(attrs, a.Key) {
				b.WriteString(" " + a.Key + `="` + strings.ReplaceAll(escapeText(a.Val), `"`, "&quot;") + `"`)
			}
		}
		b.WriteString(">")
		if void[n.Data] {
			return
		}
	}
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		writeNode(b, child, stripAbbr)
	}
	if keep {
		b.WriteString("</" + n.Data + ">")
	}
}

func safeLink(href string) bool {
	u, err := url.Parse(strings.TrimSpace(href))
	return err == nil && (u.Scheme == "http" || u.Scheme == "https" || u.Scheme == "mailto")
}

var textEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\u00a0", "&nbsp;")

func escapeText(s string) string { return textEscaper.Replace(s) }

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// references lists what a body refers to: the ids of its <at> and <attachment> tags and the sources of its pictures.
func references(text string) (ats, attachments, images []string) {
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode {
			switch n.Data {
			case "at":
				ats = append(ats, attribute(n, "id"))
			case "attachment":
				attachments = append(attachments, attribute(n, "id"))
			case "img":
				images = append(images, attribute(n, "src"))
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	for _, n := range parseBody(text) {
		walk(n)
	}
	return ats, attachments, images
}

// alternative is the alternative text of the picture with this hosted content.
func alternative(text, id string) (alt string) {
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Data == "img" && strings.Contains(attribute(n, "src"), "/"+id+"/") {
			alt = attribute(n, "alt")
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	for _, n := range parseBody(text) {
		walk(n)
	}
	return alt
}

// blocks begin a line of their own in plain text.
var blocks = map[string]bool{
	"p": true, "div": true, "h1": true, "h2": true, "h3": true, "h4": true, "h5": true, "h6": true, "li": true,
	"blockquote": true, "pre": true, "codeblock": true, "tr": true, "hr": true, "ul": true, "ol": true, "table": true,
}

// PlainText is what a person reads of an html body, one line per block, without layout.
func PlainText(text string) string {
	var b strings.Builder
	line := func() {
		if s := b.String(); s != "" && !strings.HasSuffix(s, "\n") {
			b.WriteByte('\n')
		}
	}
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			b.WriteString(strings.ReplaceAll(n.Data, "\u00a0", " "))
			return
		}
		if blocks[n.Data] {
			line()
		}
		switch n.Data {
		case "br":
			b.WriteByte('\n')
		case "img", "emoji":
			b.WriteString(attribute(n, "alt"))
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
		if blocks[n.Data] {
			line()
		}
	}
	for _, n := range parseBody(text) {
		walk(n)
	}
	return strings.TrimSpace(b.String())
}
