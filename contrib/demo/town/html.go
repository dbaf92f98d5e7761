package town

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// renamed are elements of a Teams message that are shown as another one.
var renamed = map[string]string{
	"b": "strong", "i": "em", "s": "del", "strike": "del", "div": "p", "codeblock": "pre", "at": "mention",
}

// HTML gives the body of a Teams message as it is shown.
func HTML(body string) []Node {
	root := &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body}
	parsed, err := html.ParseFragment(strings.NewReader(body), root)
	if err != nil { // deeper than the parser goes
		return []Node{{Tag: "p", Kids: []Node{textNode(body)}}}
	}
	var out []Node
	for _, n := range parsed {
		out = append(out, htmlNode(n, 0)...)
	}
	return joined(out)
}

func htmlNode(n *html.Node, depth int) []Node {
	switch {
	case n.Type == html.TextNode:
		return []Node{textNode(n.Data)}
	case n.Type != html.ElementNode || depth > deepest:
		return nil
	}
	var kids []Node
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		kids = append(kids, htmlNode(c, depth+1)...)
	}
	kids = joined(kids)
	tag := n.Data
	if other, ok := renamed[tag]; ok {
		tag = other
	}
	switch {
	case tag == "a":
		return link(attribute(n, "href"), kids)
	case tag == "img" && strings.Contains(attribute(n, "src"), "/hostedContents/"): // shown below the text, with the files
		return nil
	case tag == "img":
		return described([]Node{textNode(attribute(n, "alt"))})
	case tag == "emoji":
		return []Node{textNode(attribute(n, "alt"))}
	case tag == "script" || tag == "style":
		return nil
	case tag == "p" && len(kids) > 0 && blocks[kids[0].Tag]: // a <div> around blocks
		return kids
	case tag == "mention" || shown[tag]:
		return []Node{{Tag: tag, Kids: kids}}
	}
	return kids
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}
