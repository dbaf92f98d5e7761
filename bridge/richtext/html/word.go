package html

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"causeway/bridge/richtext"
)

// Word's lists are paragraphs whose style says "mso-list:l0 level2 lfo1", with the dot or number in a span whose style is
// "mso-list:Ignore".

// wordLevel gives how deep in one of Word's lists the paragraph n is an item, from 1; 0 when it is none.
func wordLevel(n *html.Node) int {
	for word := range strings.FieldsSeq(property(attr(n, "style"), "mso-list")) {
		if digits, ok := strings.CutPrefix(word, "level"); ok {
			if level, err := strconv.Atoi(digits); err == nil && level > 0 {
				return min(level, 9) // as deep as Word's lists go
			}
		}
	}
	return 0
}

func isWordMarker(n *html.Node) bool {
	return n.Type == html.ElementNode && property(attr(n, "style"), "mso-list") == "ignore"
}

// wordItem adds the paragraph n to the list that its neighbours make.
func (b *builder) wordItem(n *html.Node, level int, l look) {
	marker := ""
	for c := range n.Descendants() {
		if isWordMarker(c) {
			marker = strings.TrimSpace(textOf(c))
			break
		}
	}
	list := richtext.Block{Kind: richtext.List, Items: []richtext.Doc{b.inside(n, l)}}
	if number, ok := strings.CutSuffix(marker, "."); ok || strings.HasSuffix(marker, ")") {
		list.Ordered, list.Start = true, 1
		if first, err := strconv.Atoi(strings.TrimSuffix(number, ")")); err == nil {
			list.Start = first
		}
	}
	doc := &b.doc
	if b.listed != len(b.doc) {
		doc = new(richtext.Doc)
	}
	appendAtLevel(doc, list, level)
	if doc != &b.doc {
		b.doc = append(b.doc, *doc...)
	}
	b.listed = len(b.doc)
}

// appendAtLevel appends list, of one item, to the list at the end of doc or in its last item.
func appendAtLevel(doc *richtext.Doc, list richtext.Block, level int) {
	if n := len(*doc); n > 0 && (*doc)[n-1].Kind == richtext.List {
		last := &(*doc)[n-1]
		switch {
		case level > 1:
			appendAtLevel(&last.Items[len(last.Items)-1], list, level-1)
			return
		case last.Ordered == list.Ordered:
			last.Items = append(last.Items, list.Items...)
			return
		}
	}
	*doc = append(*doc, list)
}
