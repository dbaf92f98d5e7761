package html

import (
	"strings"

	"golang.org/x/net/html"

	"causeway/bridge/richtext"
)

// maxDepth is how deep elements may nest. The time that the standard's way of parsing takes grows with the square of the
// depth, and everything that walks the tree recurses. Teams' own bodies stay far below.
const maxDepth = 200

// tooDeep tells, without building a tree, whether elements of s nest too deep. Elements that end by themselves when the
// next one begins are not counted.
func tooDeep(s string) bool {
	depth := 0
	tokens := html.NewTokenizer(strings.NewReader(s))
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			return false
		case html.StartTagToken, html.SelfClosingTagToken:
			name, _ := tokens.TagName()
			if !endsItself(string(name)) {
				depth++
			}
		case html.EndTagToken:
			name, _ := tokens.TagName()
			if depth > 0 && !endsItself(string(name)) {
				depth--
			}
		}
		if depth > maxDepth {
			return true
		}
	}
}

func endsItself(name string) bool {
	switch name {
	case "p", "br", "hr", "img", "li", "tr", "td", "th", "tbody", "thead", "tfoot", "dt", "dd", "option", "input", "wbr",
		"meta", "link", "col", "area", "base", "embed", "source", "track", "param":
		return true
	}
	return false
}

// flat gives the text of s without any structure but lines.
func flat(s string) richtext.Doc {
	var runs []richtext.Run
	skip := ""
	tokens := html.NewTokenizer(strings.NewReader(s))
	for {
		kind := tokens.Next()
		if kind == html.ErrorToken {
			return richtext.Normalize(richtext.Doc{{Kind: richtext.Paragraph, Runs: runs}})
		}
		switch kind {
		case html.TextToken:
			if skip == "" {
				runs = append(runs, richtext.Run{Text: collapse(string(tokens.Text()))})
			}
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			raw, _ := tokens.TagName()
			name := string(raw)
			switch {
			case kind == html.EndTagToken && name == skip:
				skip = ""
			case kind == html.StartTagToken && (name == "script" || name == "style"):
				skip = name
			case isBlock(name) || name == "br":
				runs = append(runs, richtext.Run{Break: true})
			}
		}
	}
}
