package gateway

import (
	"context"
	"fmt"
	"slices"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/gateway/direct"
	"causeway/gateway/store"
)

// halted is a group that was carried, and then refused with the people that it had then.
type halted struct {
	// end is where it was carried to.
	end store.PairEnd
	// told are the connected members who know why it was refused.
	told []bridge.UserID
}

// haltedAs gives how a group was refused that is met with people with whom it is carried; nil: it was not, or was not carried before, or that it is carried again is known.
func (t *talks) haltedAs(talk bridge.Talk, there bridge.ServerID) *halted {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	k := t.known[talk.Conversation]
	if k == nil || len(k.periods) == 0 || talk.Shape != bridge.Group || k.latest().Since.After(talk.Since) {
		return nil
	}
	refused := len(k.periods) - 1
	begun := k.latest().Reason == 0 && k.latest().Since.Equal(talk.Since) && t.half(talk, there) // nothing has been said about it yet
	if begun {
		refused--
	}
	last := refused
	for last >= 0 && k.periods[last].Reason != 0 {
		last--
	}
	if last < 0 || last == refused {
		return nil
	}
	for p := range t.pairsOf(talk.Conversation) {
		end := p.Other(talk.Conversation)
		if p.State != store.PairMoved || end.Conversation.Server != there || !end.Known() || !slices.Equal(p.Here(talk.Conversation).Members, k.periods[last].Members) {
			continue
		}
		return &halted{end: end, told: k.toldOf(k.periods[refused], k.periods[last].Members, talk.Members, begun)}
	}
	return nil
}

// half reports whether the other end of a talk, with the people that it has now, is still to be opened. It is called with the mutex held.
func (t *talks) half(talk bridge.Talk, there bridge.ServerID) bool {
	for p := range t.pairsOf(talk.Conversation) {
		if end := p.Other(talk.Conversation); p.State == store.PairOpen && end.Conversation.Server == there && !end.Known() && slices.Equal(p.Here(talk.Conversation).Members, talk.Members) {
			return true
		}
	}
	return false
}

// toldOf gives those of now who know why a group was refused in a period. Once a pair is begun that is forgotten; then they are those who were told when it stopped, as they had been there before.
func (k *talk) toldOf(refused store.Talk, before, now []bridge.UserID, begun bool) (all []bridge.UserID) {
	for _, u := range now {
		if !begun && k.told[store.Told{User: u, Reason: refused.Reason}] ||
			begun && slices.Contains(refused.Members, u) && slices.Contains(before, u) && direct.Tells(refused.Shape, direct.Reason(refused.Reason)) {
			all = append(all, u)
		}
	}
	return all
}

// again gives what is said where a group that was refused is carried again, once it is known where to: there like where one has moved, and here to each who knows that it was refused.
func (t *talks) again(ctx context.Context, a, other *account, talk bridge.Talk, h *halted, members []bridge.UserID) (func(to bridge.ConversationID) []store.Telling, error) {
	if h == nil {
		return func(bridge.ConversationID) []store.Telling { return nil }, nil
	}
	if other.identity.Load() == nil { // whether it may say it is not known
		return nil, fmt.Errorf("%s has not connected yet", other.Name)
	}
	moved := t.moveLines(ctx, other, a, h.end, store.PairEnd{Conversation: bridge.ConversationID{Server: h.end.Conversation.Server}, Members: members})
	for i := range moved { // who knows that it was not carried any more does not know this yet
		moved[i].Each = moved[i].User != ""
	}
	return func(to bridge.ConversationID) (all []store.Telling) {
		if to == h.end.Conversation {
			all = t.againLines(other, a, h.end)
		} else {
			all = located(moved, to)
		}
		for _, u := range h.told {
			if t.connected(talk.Conversation.Server, u) {
				all = append(all, store.Telling{Conversation: talk.Conversation, User: u, Reason: int(direct.Moved), Each: true, Text: richtext.Plain("What you write here appears in " + other.title() + " again.")})
			}
		}
		return all
	}, nil
}

// located fills in where something is said that was not known.
func located(lines []store.Telling, c bridge.ConversationID) (all []store.Telling) {
	for _, one := range lines {
		if one.Conversation.Channel == "" {
			one.Conversation = c
		}
		all = append(all, one)
	}
	return all
}

// againLines say in a conversation of a that it is carried again, with the people who are in it.
func (t *talks) againLines(a, other *account, end store.PairEnd) (all []store.Telling) {
	text := richtext.Plain("The people in this conversation are the same again in " + other.title() + ". What is written here appears there from now on.")
	if a.relays.Load() {
		return []store.Telling{{Conversation: end.Conversation, Text: text}}
	}
	for _, u := range end.Members {
		if t.connected(end.Conversation.Server, u) {
			all = append(all, store.Telling{Conversation: end.Conversation, User: u, Reason: int(direct.Moved), Each: true, Text: text})
		}
	}
	return all
}
