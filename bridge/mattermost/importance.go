package mattermost

import (
	"context"
	"fmt"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// priorityImportant is a priority of posts beside [model.PostPriorityUrgent]; the model has no name for it.
const priorityImportant = "important"

// priorities are the server's words.
var priorities = map[richtext.Importance]string{richtext.Important: priorityImportant, richtext.Urgent: model.PostPriorityUrgent}

// prioritised gives a new post the priority that the first line of a draft tells, in the place of that line. The server takes it at the beginning of a thread
// only, and where PostPriority is on (PostPriorityCheckWithApp in the server's channels/app).
func prioritised(post *model.Post, d *bridge.Draft, config serverConfig) {
	words, level := richtext.Unmarked(d.Text)
	if level == richtext.Normal || !config.priorities || post.RootId != "" {
		return
	}
	d.Text = words
	post.Metadata = &model.PostMetadata{Priority: &model.PostPriority{Priority: model.NewPointer(priorities[level])}}
}

// priorityStays takes the line off a changed text that says how important it is, where the post is shown as that; its priority cannot be changed.
func (a *account) priorityStays(ctx context.Context, post string, d *bridge.Draft) error {
	words, level := richtext.Unmarked(d.Text)
	if level == richtext.Normal {
		return nil
	}
	var now model.Post
	err := a.by(ctx, d.As, func(c *client, _ string) error { return c.get(ctx, post, &now) })
	if err != nil {
		return fmt.Errorf("looking before: %w", err)
	}
	if importance(&now) == level {
		d.Text = words
	}
	return nil
}

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
