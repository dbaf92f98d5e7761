package gateway

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/gateway/direct"
	"causeway/gateway/store"
)

// waitingAgain is how often somebody is told that something waits for them on the other side.
const waitingAgain = time.Hour

// title is what people call the service of an account.
func (a *account) title() string { return cmp.Or(a.Title, a.Label, a.Protocol) }

// refusalText says that a talk is not carried.
func refusalText(other *account, r direct.Reason, missing []string) richtext.Doc {
	return richtext.Plain("What you write here does not appear in " + other.title() + ": " + r.Text(missing) + ".")
}

// goesOn tells an author that people have changed, and that their message stays here.
func (p planner) goesOn(w *store.Work) store.Telling {
	why, now := "the people in the conversation there have changed. It goes on in another one here, with exactly them.", p.place.talk.latest()
	switch {
	case len(now.Members) == 0:
		why = "everybody has left the conversation there."
	case now.Reason != 0:
		why = "the people in the conversation there have changed, and with those who are in it now it is not carried."
	}
	return store.Telling{Conversation: w.Message.Origin, User: w.Message.Body.Author.ID, Reason: int(direct.Moved), Text: richtext.Plain(
		"What you write here does not appear in " + p.place.account.title() + " any more: " + why)}
}

// stays tells an author that a change of theirs does not follow to where a message is, or was said; nobody where they are not there any more.
func (p planner) stays(w *store.Work, origin *place) []store.Telling {
	author := w.Message.Body.Author.ID
	if !slices.Contains(origin.talk.latest().Members, author) {
		return nil
	}
	return []store.Telling{{Conversation: w.Message.Origin, User: author, Reason: int(direct.ChangeStays), Text: richtext.Plain(
		"You have changed an earlier message. That does not appear on the other side: the people in the conversation have changed since it was written.")}}
}

// notAllowed tells an author what they have to do so that their message goes on.
func (p planner) notAllowed(w *store.Work) store.Telling {
	return store.Telling{Conversation: w.Message.Origin, User: w.Message.Body.Author.ID, Reason: int(direct.NotAllowed), Way: store.Asking, Text: waitsText(p.place.account)}
}

// waitsText says that what somebody writes waits until they have allowed it.
func waitsText(other *account) richtext.Doc {
	return richtext.Plain("What you write here does not appear in " + other.title() + " yet: Causeway may not write there in your name. " +
		"Connect your accounts again, and allow what Causeway asks for; what you have written appears then.")
}

// unconnected tells those who should know that a message cannot be written where it should go.
func (p planner) unconnected(w *store.Work, origin *place, o direct.Outcome) []store.Telling {
	var all []store.Telling
	if o.Author {
		all = append(all, store.Telling{Conversation: w.Message.Origin, User: w.Message.Body.Author.ID, Reason: int(o.Reason), Way: store.Asking, Lasting: true,
			Text: refusalText(p.place.account, o.Reason, nil)})
	}
	here := origin.talk.latest().Members
	pair := origin.talk.pairs[w.Conversation]
	for _, u := range o.Waiting {
		if !slices.Contains(here, u) || u == w.Message.Body.Author.ID {
			continue
		}
		if other, ok := p.gateway.talks.counterpart(w.Message.Origin.Server, u, w.Conversation.Server); ok && slices.Contains(pair.Other(w.Message.Origin).Members, other) {
			all = append(all, store.Telling{Conversation: w.Conversation, User: other, Reason: int(o.Reason), Way: store.Aside, Again: waitingAgain, Lasting: true,
				Text: richtext.Plain("Something waits for you in " + origin.account.title() + ": somebody who has not connected has written to you there.")})
		}
	}
	return all
}

// counterpart gives who a connected user is on another server.
func (t *talks) counterpart(server bridge.ServerID, u bridge.UserID, other bridge.ServerID) (bridge.UserID, bool) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	who, ok := t.users[store.User{Server: server, User: u}]
	if !ok {
		return "", false
	}
	for there, one := range t.users {
		if one.person == who.person && there.Server == other {
			return there.User, true
		}
	}
	return "", false
}

// names gives what people are called, as far as the service tells.
func (a *account) names(ctx context.Context, all []bridge.UserID) []string {
	var names []string
	for _, u := range all {
		var who bridge.Author
		err := guarded(func() (err error) { who, err = a.Bridge.LookUp(ctx, u); return err })
		if err != nil || who.Name == "" {
			who.Name = string(u)
		}
		names = append(names, who.Name)
	}
	return names
}

// atOnceLines say, in a conversation that people have begun at once with one on the other side, which of the two goes on.
func (t *talks) atOnceLines(a, other *account, talk bridge.Talk) []store.Telling {
	text := richtext.Plain("Somebody has begun a conversation with the same people in " + other.title() + " at the same time, so there are two of them here. It goes on in this one: what is said in " +
		other.title() + " appears here from now on. What was said in the other one stays there.")
	if a.relays.Load() {
		return []store.Telling{{Conversation: talk.Conversation, Text: text}}
	}
	var all []store.Telling
	for _, u := range talk.Members {
		if t.connected(talk.Conversation.Server, u) {
			all = append(all, store.Telling{Conversation: talk.Conversation, User: u, Reason: int(direct.AtOnce), Text: text})
		}
	}
	return all
}

// moveLines say at both conversations of a where the talk goes on whose people have changed at the other account: by the account itself where
// it may, else each connected member is told.
func (t *talks) moveLines(ctx context.Context, a, other *account, from, to store.PairEnd) []store.Telling {
	list := func(members []bridge.UserID) string { return strings.Join(a.names(ctx, members), ", ") }
	texts := map[bridge.ConversationID]richtext.Doc{
		from.Conversation: richtext.Plain("The people in this conversation have changed in " + other.title() + ". It goes on in the one with " + list(to.Members) + "."),
		to.Conversation:   richtext.Plain("This goes on from the conversation with " + list(from.Members) + ", since people have changed in " + other.title() + "."),
	}
	var all []store.Telling
	for i, e := range []store.PairEnd{from, to} {
		if a.relays.Load() {
			all = append(all, store.Telling{Conversation: e.Conversation, Text: texts[e.Conversation]})
			continue
		}
		for _, u := range e.Members {
			if t.connected(e.Conversation.Server, u) {
				all = append(all, store.Telling{Conversation: e.Conversation, User: u, Reason: int(direct.Moved), Each: i == 1, Text: texts[e.Conversation]}) // who knows whence it goes on does not know where yet
			}
		}
	}
	return all
}
