package gateway

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/gateway/store"
)

// inbox takes what one account reads.
type inbox struct {
	gateway *Gateway
	account *account
}

// Watched implements bridge.Inbox.
func (i inbox) Watched() ([]bridge.ConversationID, <-chan struct{}) {
	t := i.gateway.table.Load()
	return t.watched(i.account), t.changed
}

func compareConversations(a, b bridge.ConversationID) int {
	return cmp.Or(cmp.Compare(a.Server, b.Server), cmp.Compare(a.Channel, b.Channel))
}

// Cursor implements bridge.Inbox.
func (i inbox) Cursor(ctx context.Context, c bridge.ConversationID) (string, error) {
	cursor, err := i.gateway.store.Cursor(ctx, c)
	if err != nil {
		i.gateway.storeFailed(err)
	}
	return cursor, err
}

// Living implements bridge.Inbox.
func (i inbox) Living(ctx context.Context, c bridge.ConversationID, since time.Time) ([]bridge.MessageID, error) {
	return i.gateway.store.Living(ctx, c, since)
}

// Events implements bridge.Inbox.
func (i inbox) Events(c bridge.ConversationID) []bridge.Event {
	p := i.gateway.table.Load().at(c)
	if p == nil {
		return nil
	}
	var all []bridge.Event
	for _, wanted := range p.events {
		for _, e := range wanted {
			if !slices.Contains(all, e) {
				all = append(all, e)
			}
		}
	}
	return all
}

// Put implements bridge.Inbox.
func (i inbox) Put(ctx context.Context, b bridge.Batch) error {
	p := i.gateway.table.Load().at(b.Conversation)
	if p == nil || p.talk == nil {
		return i.put(ctx, p, b)
	}
	return i.gateway.talks.put(ctx, i, b)
}

func (i inbox) put(ctx context.Context, p *place, b bridge.Batch) error {
	if p == nil || p.account != i.account || !p.in {
		return nil // no longer read by this account
	}
	_, err := i.gateway.put(ctx, p, b)
	if err == nil {
		i.account.alive()
		i.gateway.heard(p, b)
	}
	return err
}

// heard tells who has said something that is carried, and whom it mentions.
func (g *Gateway) heard(p *place, b bridge.Batch) {
	if g.spoke == nil || len(p.targets) == 0 {
		return
	}
	for i := range b.States {
		s := &b.States[i]
		if s.Key != "" || s.Deleted || s.Author.ID == "" || s.Event != "" {
			continue
		}
		g.spoke(b.Conversation.Server, s.Author.ID)
		for _, who := range s.Text.Mentions() {
			if who != richtext.Everybody {
				g.spoke(b.Conversation.Server, bridge.UserID(who))
			}
		}
	}
}

// put stores what a conversation at p has said and wakes those that now lack something.
func (g *Gateway) put(ctx context.Context, p *place, b bridge.Batch) ([]bridge.ConversationID, error) {
	began := time.Now()
	woken, err := g.putSound(ctx, p, b)
	g.metrics.Stored("put", time.Since(began))
	if err = g.stored(err); err != nil {
		return nil, err
	}
	g.wake(woken...)
	return woken, nil
}

// routesOf is what the store must know about the conversation at p.
func (g *Gateway) routesOf(p *place, server bridge.ServerID) store.Routes {
	var takes func(bridge.ConversationID, time.Time) bool
	if p.talk != nil {
		takes = p.talk.takes
	}
	tells := func(target bridge.ConversationID, e bridge.Event) bool { return slices.Contains(p.events[target], e) }
	made := func(all []store.Made) { g.metrics.Taken(p.account.Name, len(all)); p.taken(all) }
	return store.Routes{Targets: p.targets, Takes: takes, Tells: tells, Own: g.own(server), Bare: bare, Linked: g.linked, Made: made, Ignored: func(id bridge.MessageID) {
		p.account.log.WithField(keyChannel, p.channel).WithField(keyID, string(id)).
			Info("somebody has edited one of several posts of a long message; that is not carried")
	}}
}

// take stores a message that was read by itself and tells whether that made the conversation called target lack something: not
// when it is known, or older than the beginning.
func (g *Gateway) take(ctx context.Context, p *place, s bridge.State, target bridge.ConversationID) (bool, error) {
	if !p.in {
		return false, nil
	}
	woken, err := g.put(ctx, p, bridge.Batch{Conversation: s.Conversation, States: []bridge.State{s}})
	return slices.Contains(woken, target), err
}

// Trouble implements bridge.Inbox. What Causeway itself has broken off, as when it ends, is none.
func (i inbox) Trouble(c bridge.ConversationID, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	if err == nil {
		i.account.alive()
	}
	i.account.reading.report(c.String(), i.account.log.WithField(keyConversation, c.String()), "reading", err)
}

// own tells which users of a server are Causeway's accounts. Of one whose successor in the config has not connected yet, something may still be read.
func (g *Gateway) own(server bridge.ServerID) func(bridge.UserID) bool {
	return func(u bridge.UserID) (own bool) {
		g.ours.Range(func(_, identity any) bool {
			id := identity.(*bridge.Identity)
			own = id.Server == server && id.User == u
			return !own
		})
		return own
	}
}
