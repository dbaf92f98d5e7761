package gateway

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"causeway/bridge"
	"causeway/gateway/store"
)

// Several processes may deliver what is in one store. One of them reads, and does everything but deliver; to each conversation just one of all delivers, so that what
// is said keeps its order. Which one that is, the owner of the Gateway tells: at first everything is delivered by the one that reads, and nothing by one that helps.

// Peers are the other processes.
type Peers interface {
	// Tell has whoever delivers to these conversations look at them. It returns at once.
	Tell(all []bridge.ConversationID)
	// Posted tells whoever reads a conversation what was posted there. It returns at once.
	Posted(c bridge.ConversationID, id bridge.MessageID)
	// Turn takes the next turn of those in which one writer writes by several processes, each a time after the one before, and gives how long it is until then.
	Turn(ctx context.Context, writer string, every time.Duration) (time.Duration, error)
}

// leaveTime is how long a lane that is to stop may come to an end by itself. Then it waits for nothing any more, and a write that is under way has [writeGrace].
const leaveTime = 200 * time.Millisecond

// here reports whether this process delivers to a conversation. It is called with g.lanes held, which guards apart: where others deliver or, where it helps, where it
// does itself, with what keeps those others from it.
func (g *Gateway) here(c bridge.ConversationID) bool {
	_, apart := g.apart[c]
	return apart == g.helps
}

// Recall has a process that helps go by what the one that reads has found since.
func (g *Gateway) Recall(ctx context.Context) error {
	if err := g.recall(ctx); err != nil {
		return err
	}
	g.Look()
	return nil
}

// Take has this process deliver to conversations from now on. Nobody else may.
func (g *Gateway) Take(all []bridge.ConversationID) {
	g.lanes.Lock()
	defer g.lanes.Unlock()
	for _, c := range all {
		if g.helps {
			g.apart[c] = nil
		} else {
			delete(g.apart, c)
		}
		g.begin(c)
	}
}

// Leave has this process deliver to conversations no more, and returns when it has stopped. What it has begun is finished, or broken off after three seconds and
// finished by whoever delivers there next.
func (g *Gateway) Leave(ctx context.Context, all []bridge.ConversationID) error {
	var leaving []*lane
	g.lanes.Lock()
	for _, c := range all {
		if g.helps {
			delete(g.apart, c)
		} else {
			g.apart[c] = nil
		}
		if l := g.running[c]; l != nil {
			l.prod()
			leaving = append(leaving, l)
		}
	}
	g.lanes.Unlock()
	late := time.NewTimer(leaveTime)
	defer late.Stop()
	for _, l := range leaving {
		select {
		case <-l.left:
			continue
		case <-late.C:
			for _, l := range leaving {
				l.stop()
			}
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case <-l.left:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Heard has this process look at those conversations to which it delivers, and expect what was posted elsewhere.
func (g *Gateway) Heard(all []store.Hint) {
	t := g.table.Load()
	g.lanes.Lock()
	defer g.lanes.Unlock()
	for _, h := range all {
		switch p := t.at(h.Conversation); {
		case h.Posted == "" && g.here(h.Conversation):
			g.begin(h.Conversation)
		case h.Posted != "" && !g.helps && p != nil:
			p.account.Bridge.Expect(h.Conversation, h.Posted)
		}
	}
}

// Look has this process look at everything to which it delivers, and tell others of the rest.
func (g *Gateway) Look() {
	g.lanes.Lock()
	ctx := g.ctx
	g.lanes.Unlock()
	if ctx != nil {
		g.wakeLacking(ctx)
	}
}

// Apart notes what keeps others from delivering to a conversation; nil: nothing.
func (g *Gateway) Apart(c bridge.ConversationID, trouble *Trouble) {
	g.lanes.Lock()
	defer g.lanes.Unlock()
	if !g.here(c) && !g.helps {
		g.apart[c] = trouble
	}
}

// Channels gives the conversations that can be given away: those of the config that have been found, in an order that is always the same and mixes those of all
// services, some of which take longer than others. Direct and group conversations are delivered to by the
// process that reads, since what becomes of them depends on who is in them now.
func (g *Gateway) Channels() []bridge.ConversationID {
	t := g.table.Load()
	all := make([]bridge.ConversationID, 0, len(t.conversations))
	for c := range t.conversations {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b bridge.ConversationID) int {
		return cmp.Or(cmp.Compare(mixed(a), mixed(b)), compareConversations(a, b))
	})
	return all
}

// mixed is another number for each conversation, whatever their names have in common.
func mixed(c bridge.ConversationID) uint64 {
	sum := sha256.Sum256([]byte(c.String()))
	return binary.BigEndian.Uint64(sum[:])
}

// Able reports whether all accounts are connected, so that everything can be delivered.
func (g *Gateway) Able() bool {
	return !slices.ContainsFunc(g.setup.Load().order, func(a *account) bool { return !a.admits() })
}

// Troubles gives what keeps this process from delivering, by conversation.
func (g *Gateway) Troubles() map[bridge.ConversationID]*Trouble {
	all := map[bridge.ConversationID]*Trouble{}
	t := g.table.Load()
	g.lanes.Lock()
	defer g.lanes.Unlock()
	for c, l := range g.running {
		p := t.at(c)
		if p == nil {
			continue
		}
		if trouble := l.trouble.now(p.account.Name, delivering, storing, errands); trouble != nil {
			all[c] = trouble
		}
	}
	return all
}

// turn waits for the account's turn, or a person's, where other processes may write as them, too. It reports whether ctx is still alive.
func (g *Gateway) turn(ctx context.Context, a *account, as bridge.UserID) bool {
	if g.peers == nil || a.capabilities.PostInterval < time.Millisecond { // less than it takes
		return true
	}
	wait, err := g.peers.Turn(ctx, string(a.Name)+" "+string(as), a.capabilities.PostInterval)
	if err != nil { // then the service says when it is too much
		a.log.WithError(err).Debug("taking turns with other instances")
		return ctx.Err() == nil
	}
	return pause(ctx, wait)
}
