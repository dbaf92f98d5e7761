package gateway

import (
	"context"
	"errors"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/gateway/store"
)

// Keep says how long what is kept, and when it is told; 0 means for ever, or never.
type Keep struct {
	// Messages is how long it is known what is a copy of what, counted from when it was said; see [store.Store.Prune].
	Messages time.Duration
	// Quarantine is how long what could not be delivered can be tried again.
	Quarantine time.Duration
	// NoticeAfter is how late a message must be for its author to be told.
	NoticeAfter time.Duration
}

// keepEvery is how often it is looked what has become too old; keepPause lets others write in between.
const (
	keepEvery = time.Hour
	keepPause = 50 * time.Millisecond
)

// keeping is the place of these duties in the troubles.
const keeping = "keeping"

// watchKept forgets what is old.
func (g *Gateway) watchKept(ctx context.Context) {
	var trouble troubles
	for pause(ctx, keepEvery) {
		keep := g.setup.Load().keep
		err := g.dropOld(ctx, keep.Quarantine)
		if err == nil {
			err = g.prune(ctx, keep.Messages)
		}
		if ctx.Err() != nil {
			return
		}
		trouble.report(keeping, g.log, "forgetting what is old", g.stored(err))
	}
}

// prune forgets which posts are copies of messages that are older than age, a few at a time.
func (g *Gateway) prune(ctx context.Context, age time.Duration) error {
	if age <= 0 {
		return nil
	}
	var from time.Time
	pruned := 0
	for {
		p, err := g.store.Prune(ctx, from, time.Now().Add(-age), g.unread)
		if err != nil {
			return err
		}
		if pruned += p.Messages; p.Done {
			break
		}
		if from = p.Next; !pause(ctx, keepPause) {
			return nil
		}
	}
	if pruned > 0 {
		g.log.WithField("messages", pruned).Info("it is forgotten which posts are copies of old messages; see KeepMessages in [storage]")
	}
	return nil
}

// readIn is how long an account must have been connected for what was said before to have been read.
const readIn = time.Hour

// unread reports whether there may be something in a conversation that has not been read for long: it cannot be read, or could not until a short while ago.
func (g *Gateway) unread(c bridge.ConversationID) bool {
	p := g.table.Load().at(c)
	return p != nil && p.in && (!p.account.connectedFor(readIn) || p.account.reading.now(p.account.Name, c.String()) != nil)
}

// dropOld gives up what has been in quarantine for longer than age.
func (g *Gateway) dropOld(ctx context.Context, age time.Duration) error {
	if age <= 0 {
		return nil
	}
	all, err := g.store.QuarantinedBefore(ctx, time.Now().Add(-age))
	for i := 0; err == nil && i < len(all); i++ {
		var c bridge.ConversationID
		c, err = g.Drop(ctx, all[i].Instance)
		switch {
		case errors.Is(err, store.ErrNotQuarantined): // somebody has retried it meanwhile
			err = nil
		case err == nil:
			g.log.WithFields(logrus.Fields{keyConversation: c.String(), keyMessage: all[i].Message, keyInstance: all[i].Instance}).Warn("given up after its time in quarantine; see QuarantineDays in [storage]")
		}
	}
	return err
}
