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

// stops gives what is said where a talk has been carried, and with the people that it has now is not: on the other side by the account itself where it may, else to
// each connected member; and here to each connected member who has been there before.
func (t *talks) stops(ctx context.Context, a *account, talk bridge.Talk, d *decision) (func(store.Met) []store.Telling, error) {
	left := t.leaving(talk)
	if len(left) == 0 {
		return func(store.Met) []store.Telling { return nil }, nil
	}
	other := d.link.other(a)
	if other.identity.Load() == nil { // whether it may say it is not known
		return nil, fmt.Errorf("%s has not connected yet", other.Name)
	}
	missing := a.names(ctx, d.verdict.Missing)
	return func(met store.Met) (all []store.Telling) {
		reason := direct.Reason(met.Reason)
		for _, p := range left {
			moved := slices.ContainsFunc(met.Changed, func(one store.Pair) bool { return one.ID == p.ID && one.State == store.PairMoved })
			if end := p.Other(talk.Conversation); moved && end.Conversation.Server == *other.server.Load() {
				all = append(all, t.stopLines(other, a, end, talk, reason, missing)...)
				all = append(all, t.stopsHere(other, p.Here(talk.Conversation), talk, reason, missing)...)
			}
		}
		return all
	}, nil
}

// isOff reports whether it is because of the config: an administrator has switched it off.
func isOff(r direct.Reason) bool {
	return r == direct.Off || r == direct.DirectOff || r == direct.GroupsOff
}

// stopLines say in a conversation of a that what is written there does not appear at the other account any more.
func (t *talks) stopLines(a, other *account, end store.PairEnd, talk bridge.Talk, r direct.Reason, missing []string) (all []store.Telling) {
	why := r.Text(missing)
	if len(talk.Members) == 0 {
		why = "everybody has left it"
	}
	text := richtext.Plain("The people in this conversation have changed in " + other.title() + ", and with those who are in it now it is not carried: " + why +
		". What is written here does not appear there any more.")
	if a.relays.Load() {
		return []store.Telling{{Conversation: end.Conversation, Text: text}}
	}
	for _, u := range end.Members {
		if t.connected(end.Conversation.Server, u) {
			all = append(all, store.Telling{Conversation: end.Conversation, User: u, Reason: int(direct.Moved), Text: text})
		}
	}
	return all
}

// stopsHere tells the connected members of a talk who were in it before that it is not carried any more.
func (t *talks) stopsHere(other *account, before store.PairEnd, talk bridge.Talk, r direct.Reason, missing []string) (all []store.Telling) {
	for _, u := range talk.Members {
		if direct.Tells(talk.Shape, r) && slices.Contains(before.Members, u) && t.connected(talk.Conversation.Server, u) {
			all = append(all, store.Telling{Conversation: talk.Conversation, User: u, Reason: int(r), Text: refusalText(other, r, missing)})
		}
	}
	return all
}
