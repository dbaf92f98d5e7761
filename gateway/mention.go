package gateway

import (
	"causeway/bridge/richtext"
	"causeway/gateway/store"
)

// mentions gives a text of a message with the people whom it mentions as they are here. Those of whom that is not known are names, which call nobody,
// and so is everybody where the config does not say otherwise.
func (p planner) mentions(w *store.Work, text richtext.Doc) richtext.Doc {
	origin := p.gateway.table.Load().conversations[w.Message.Origin]
	return text.MapMentions(func(r richtext.Run) (richtext.Run, bool) {
		if r.Who == richtext.Everybody {
			return r, w.IsOrigin || origin != nil && origin.wakes[w.Conversation]
		}
		who, known := w.Called[r.Who]
		if !known {
			return r, false
		}
		name := who.Name
		if p.capabilities().Handles {
			name = who.Username
		}
		r.Who = string(who.User)
		if name != "" {
			r.Text = "@" + name
		}
		return r, true
	})
}
