package gateway

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"causeway/bridge"
	"causeway/gateway/store"
)

const (
	// lateEvery is how often it is looked what is late, and whom to tell what had to wait. It is no round time, so that nothing else that is regular falls on the
	// same moment.
	lateEvery = 10*time.Second + 7*time.Millisecond
	// lateGrace is how long something must have been seen to be late: what has just been read after an outage is about to be delivered.
	lateGrace = time.Minute
)

// watchLate tells authors that what they said is late: once, and again when it has arrived.
func (g *Gateway) watchLate(ctx context.Context) {
	var trouble troubles
	seen := map[store.Speaker]time.Time{} // since when somebody is known to be late
	for pause(ctx, lateEvery) {
		due, err := g.store.Due(ctx)
		if err == nil {
			g.wake(due...)
			err = g.late(ctx, seen)
		}
		if ctx.Err() != nil {
			return
		}
		trouble.report(keeping, g.log, "looking what is late", err)
		if err != nil {
			g.storeFailed(err)
		}
	}
}

func (g *Gateway) late(ctx context.Context, seen map[store.Speaker]time.Time) error {
	after := g.setup.Load().keep.NoticeAfter
	if after <= 0 {
		return nil
	}
	all, err := g.store.Delays(ctx, time.Now().Add(-after))
	if err != nil {
		return err
	}
	now, late := time.Now(), map[store.Speaker][]store.Delay{}
	for _, d := range all {
		if g.table.Load().at(d.Target) != nil { // else the config does not bring it there any more
			late[d.Speaker] = append(late[d.Speaker], d)
		}
	}
	known, err := g.store.Delayed(ctx)
	if err != nil {
		return err
	}
	var fresh []store.Speaker
	for who := range late {
		if seen[who].IsZero() {
			seen[who] = now
		}
		if now.Sub(seen[who]) >= lateGrace && !slices.Contains(known, who) && g.table.Load().at(who.Conversation) != nil {
			fresh = append(fresh, who)
		}
	}
	for who := range seen {
		if late[who] == nil {
			delete(seen, who)
		}
	}
	for _, all := range byAuthor(fresh) {
		if err := g.told(g.store.Delay(ctx, all, g.delayed(late[all[0]])), all); err != nil {
			return err
		}
	}
	return g.caughtUp(ctx, slices.DeleteFunc(known, func(who store.Speaker) bool { return late[who] != nil }))
}

// byAuthor puts together the conversations of each author, in one order.
func byAuthor(all []store.Speaker) [][]store.Speaker {
	slices.SortFunc(all, func(a, b store.Speaker) int {
		return cmp.Or(cmp.Compare(a.Conversation.Server, b.Conversation.Server), cmp.Compare(a.User, b.User), compareConversations(a.Conversation, b.Conversation))
	})
	var groups [][]store.Speaker
	for i, who := range all {
		if i == 0 || who.User != all[i-1].User || who.Conversation.Server != all[i-1].Conversation.Server {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], who)
	}
	return groups
}

// caughtUp tells those of whom nothing is late any more that nothing is waiting, once that is so. What waits where the config does not bring it any more, or
// until they connect again, is not late, but nor is it caught up: of that nothing is said.
func (g *Gateway) caughtUp(ctx context.Context, all []store.Speaker) error {
	var arrived []store.Speaker
	for _, who := range all {
		if g.table.Load().at(who.Conversation) == nil {
			continue // they can be told when it is in the config again
		}
		targets, held, err := g.store.Waits(ctx, who)
		switch {
		case err != nil:
			return err
		case slices.ContainsFunc(targets, func(c bridge.ConversationID) bool { return g.table.Load().at(c) != nil }): // it is about to arrive
		case held || len(targets) > 0:
			err = g.store.CaughtUp(ctx, []store.Speaker{who}, "")
		default:
			arrived = append(arrived, who)
		}
		if err != nil {
			return err
		}
	}
	for _, all := range byAuthor(arrived) {
		if err := g.told(g.store.CaughtUp(ctx, all, "What you have said here is not late any more: nothing of it is waiting."), all); err != nil {
			return err
		}
	}
	return nil
}

func (g *Gateway) told(err error, all []store.Speaker) error {
	if err == nil {
		for _, who := range all {
			g.wake(who.Conversation)
		}
	}
	return err
}

// delayed is what somebody is told whose messages are late.
func (g *Gateway) delayed(all []store.Delay) string {
	oldest := all[0].Oldest
	var where []bridge.ConversationID
	for _, d := range all {
		if d.Oldest.Before(oldest) {
			oldest = d.Oldest
		}
		where = append(where, d.Target)
	}
	return fmt.Sprintf("What you have said here since %s has not arrived in %s yet. It is kept, and is delivered as soon as that is possible; you will be told.",
		oldest.UTC().Format("2006-01-02 15:04 MST"), g.titles(where))
}

// inWords says to an author why something was not delivered: what follows on "Your message".
func inWords(title string, err error) string {
	what, why := "was not delivered to ", "it failed again and again, though others got through"
	switch kind := bridge.KindOf(err); {
	case stackOf(err) != "":
		why = "a mistake in Causeway keeps it from that"
	case kind == bridge.Rejected:
		why = "it was refused there"
	case kind == bridge.Unsupported:
		why = "that cannot be done there"
	case kind == bridge.Gone:
		why = "where it belongs is not there any more"
	case kind == bridge.Unauthorised:
		why = "Causeway may not write it there"
	case kind == bridge.Uncertain:
		what, why = "may not have been delivered to ", "there was no answer, again and again"
	}
	return what + title + ": " + why
}
