package msteams

import (
	"github.com/microsoftgraph/msgraph-sdk-go/models"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// importances are Graph's words.
var importances = map[richtext.Importance]models.ChatMessageImportance{
	richtext.Important: models.HIGH_CHATMESSAGEIMPORTANCE, richtext.Urgent: models.URGENT_CHATMESSAGEIMPORTANCE,
}

// unmarked gives the text of a draft without the line that says how important it is, and what that says. Graph takes no empty text, so where there is
// nothing else the line stays.
func unmarked(d bridge.Draft) (richtext.Doc, richtext.Importance) {
	words, level := richtext.Unmarked(d.Text)
	if len(words) == 0 {
		return d.Text, richtext.Normal
	}
	return words, level
}

// importance tells how important the author says that a message is.
func importance(m models.ChatMessageable) richtext.Importance {
	of := m.GetImportance()
	switch {
	case of == nil:
	case *of == models.HIGH_CHATMESSAGEIMPORTANCE:
		return richtext.Important
	case *of == models.URGENT_CHATMESSAGEIMPORTANCE:
		return richtext.Urgent
	}
	return richtext.Normal
}
