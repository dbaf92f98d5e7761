package gateway

import (
	"slices"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/gateway/store"
)

// addressed gives a text of a message as it is addressed to people and leads to messages here.
func (p planner) addressed(w *store.Work, text richtext.Doc) richtext.Doc {
	text = text.MapLinks(func(address string) string {
		if to, ok := w.Message.Body.Links[address]; ok && to.ID == "" {
			return p.channelHere(to.Conversation, w.Conversation)
		}
		to, known := w.Links[address]
		place := p.gateway.table.Load().at(to.Conversation)
		// The address of a talk tells others who is in it.
		if !known || place == nil || place.talk != nil && to.Conversation != w.Conversation {
			return ""
		}
		return p.place.account.Bridge.Address(to.Conversation, to.ID)
	})
	return p.mentions(w, text)
}

// channelHere gives the address on this server, where something is written in here, of the channel that is joined with another server's; empty where there is none.
func (p planner) channelHere(there, here bridge.ConversationID) string {
	joined := p.gateway.table.Load().at(there)
	if joined == nil || joined.talk != nil || there.Server == here.Server {
		return ""
	}
	targets := joined.targets
	if slices.Contains(targets, here) {
		targets = []bridge.ConversationID{here}
	}
	for _, c := range targets {
		if c.Server == here.Server {
			return p.place.account.Bridge.Address(c, "")
		}
	}
	return ""
}

// linked tells which message, or conversation, of any account's server lies at an address.
func (g *Gateway) linked(address string) (to store.Linked, ok bool) {
	for _, a := range g.setup.Load().order {
		err := guarded(func() error { to.Conversation, to.ID, ok = a.Bridge.ReadAddress(address); return nil })
		if ok && err == nil {
			return to, true
		}
	}
	return store.Linked{}, false
}

// mentions gives a text of a message with the people whom it mentions as they are here. Those of whom that is not known are names, which call nobody,
// and so is everybody where the config does not say otherwise.
func (p planner) mentions(w *store.Work, text richtext.Doc) richtext.Doc {
	origin := p.gateway.table.Load().at(w.Message.Origin)
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
