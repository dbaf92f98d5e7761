package store

import (
	"causeway/bridge"
	"causeway/bridge/richtext"
)

// Linked is a message to which an address leads, or without an id a conversation. The channel is empty where the address does not tell it; then the id says enough.
type Linked struct {
	Conversation bridge.ConversationID
	ID           bridge.MessageID
}

// links gives the messages to which a text leads, by their addresses.
func (r Routes) links(text richtext.Doc) map[string]Linked {
	if r.Linked == nil {
		return nil
	}
	var all map[string]Linked
	for _, address := range text.Links() {
		if one, ok := r.Linked(address); ok {
			if all == nil {
				all = map[string]Linked{}
			}
			all[address] = one
		}
	}
	return all
}

// linkedQuery finds the first post that an instance of a message has on a server, here ($5) before elsewhere, by any post of the message.
const linkedQuery = `SELECT c.channel, p.id FROM parts x JOIN conversations y ON y.id = x.conversation JOIN instances a ON a.id = x.instance
	JOIN instances b ON b.message = a.message AND b.phase = 1 JOIN parts p ON p.instance = b.id AND p.number = 0 AND p.deleted = 0 AND p.id IS NOT NULL
	JOIN conversations c ON c.id = b.conversation
	WHERE x.conversation IN (SELECT id FROM conversations WHERE server = $1 AND ($2 = '' OR channel = $2)) AND x.id = $3 AND x.number >= 0 AND c.server = $4
	ORDER BY b.conversation <> $5, b.id LIMIT 1`

// loadLinks finds out where the messages are, on this server, to which a message leads.
func (l *lane) loadLinks(w *Work) error {
	if w.Message.Body == nil {
		return nil
	}
	for address, to := range w.Message.Body.Links {
		if to.Conversation.Server == l.name.Server || to.ID == "" {
			continue // it leads to this server already, or to no message
		}
		var one Linked
		found, err := l.found(linkedQuery, []any{string(to.Conversation.Server), string(to.Conversation.Channel), string(to.ID), string(l.name.Server), l.here},
			(*string)(&one.Conversation.Channel), (*string)(&one.ID))
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		if one.Conversation.Server = l.name.Server; w.Links == nil {
			w.Links = map[string]Linked{}
		}
		w.Links[address] = one
	}
	return nil
}
