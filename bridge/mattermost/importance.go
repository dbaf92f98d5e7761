package mattermost

import (
	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge/richtext"
)

// priorityImportant is a priority of posts beside [model.PostPriorityUrgent]; the model has no name for it.
const priorityImportant = "important"

// importance tells how important the author says that a post is. Servers that do not let them say so leave it out.
func importance(p *model.Post) richtext.Importance {
	priority := p.GetPriority()
	switch {
	case priority == nil || priority.Priority == nil:
	case *priority.Priority == priorityImportant:
		return richtext.Important
	case *priority.Priority == model.PostPriorityUrgent:
		return richtext.Urgent
	}
	return richtext.Normal
}
