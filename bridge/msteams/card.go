package msteams

import (
	"causeway/bridge/richtext"
	cards "causeway/bridge/richtext/card"
)

// cardText gives what people read on a card, and a line that stands for one that cannot be read.
func cardText(kind, name, content string) richtext.Doc {
	if doc := cards.Doc(kind, content); len(doc) > 0 {
		return doc
	}
	return richtext.Plain(card(kind, name, content))
}
