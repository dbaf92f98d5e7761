package msteams

import (
	"github.com/microsoftgraph/msgraph-sdk-go/models"

	"causeway/bridge/richtext"
)

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
