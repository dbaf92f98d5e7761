package html

import (
	"strings"

	"golang.org/x/net/html"
)

// maxKey is the longest key: see bridge.Key.
const maxKey = 64

// IsKey tells whether s can be a key: 1 to 64 characters of A-Z a-z 0-9 - _.
func IsKey(s string) bool {
	if s == "" || len(s) > maxKey {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// key gives the title of the empty abbr that is the very last thing of the body: its last node, or the last one of
// the paragraph or div at its end, into which Teams may have wrapped it. Nowhere else does it count, for people
// quote, forward and copy what Causeway wrote.
func key(nodes []*html.Node) string {
	var last *html.Node
	for _, n := range nodes {
		last = later(last, n)
	}
	for last != nil && (last.Data == "p" || last.Data == "div") {
		var inner *html.Node
		for c := range last.ChildNodes() {
			inner = later(inner, c)
		}
		last = inner
	}
	if last == nil || last.Type != html.ElementNode || last.Data != "abbr" || last.FirstChild != nil {
		return ""
	}
	if title := attr(last, "title"); IsKey(title) {
		return title
	}
	return ""
}

// later gives n unless it is only white space or a comment.
func later(last, n *html.Node) *html.Node {
	if n.Type == html.CommentNode || n.Type == html.TextNode && strings.Trim(n.Data, " \t\r\n\f") == "" {
		return last
	}
	return n
}
