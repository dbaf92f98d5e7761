package gateway

import (
	"cmp"
	"fmt"
	"slices"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/gateway/direct"
	"causeway/gateway/store"
)

// aside shows a message of somebody whom nobody can act as to each connected member who was there when it was said, and when its text was written that it has
// now, by a direct message of the account, which may not write in the conversation itself. Mark follows where it was said.
func (p planner) aside(w *store.Work, origin *place, mark string) []store.Telling {
	d := p.draft(w)
	during := origin.talk.period(w.Message.Created)
	where, others := "to you", len(during.Members)-1
	if slices.Contains(during.Members, w.Message.Body.Author.ID) {
		others-- // of apps and of who has left nobody is in it
	}
	switch {
	case during == origin.talk.latest() && during.Topic != "": // what it is called now is for those who are in it now
		where = "in “" + during.Topic + "”"
	case others == 1:
		where = "to you and another one"
	case others > 1:
		where = fmt.Sprintf("to you and %d others", others)
	}
	d.Text = append(richtext.Doc{{Kind: richtext.Paragraph, Runs: []richtext.Run{
		{Text: cmp.Or(d.Author.Name, "Somebody"), Style: richtext.Bold}, {Text: " " + where + " in " + origin.account.title() + mark + ":"}}}}, d.Text...)
	parts := p.place.account.Bridge.Parts(d)
	members := origin.talk.pairs[w.Conversation].Here(w.Conversation).Members
	var all []store.Telling
	for _, u := range p.place.talk.readers {
		if !slices.Contains(members, u) || !p.saw(w, origin, u) {
			continue
		}
		for _, text := range parts {
			all = append(all, store.Telling{Conversation: w.Conversation, User: u, Reason: int(direct.AuthorNotConnected), Way: store.Aside, Each: true, Shows: true, Text: text})
		}
	}
	return all
}

// saw reports whether somebody to whom a message was said was there when its text was written that it has now.
func (p planner) saw(w *store.Work, origin *place, u bridge.UserID) bool {
	all := origin.talk.pairs[w.Conversation].Here(w.Message.Origin).Members
	if origin.talk.saw(w.Message.Edited, all) { // as all of them were
		return true
	}
	other, known := p.gateway.talks.counterpart(w.Conversation.Server, u, w.Message.Origin.Server)
	return known && slices.Contains(all, other) && origin.talk.saw(w.Message.Edited, []bridge.UserID{other})
}

// asideAgain gives what becomes of a message that is not here and has changed: where it was shown by direct messages, so is its new text.
func (p planner) asideAgain(w *store.Work) store.Step {
	m, origin := w.Message, p.gateway.table.Load().at(w.Message.Origin)
	unknown := p.place.account.identity.Load() == nil && p.capabilities().RelayAside // whether it may write in the conversation
	if p.place.talk == nil || origin == nil || origin.talk == nil || p.place.account.speaksFor() != direct.BesideTalks && !unknown || !p.routed(w) {
		return store.Step{}
	}
	switch {
	case len(w.Parts) > 0, w.As != "", w.Lost, p.barred(w), w.Version >= m.Version, m.Edited.IsZero(): // it was here, or is nothing new
	case m.Body == nil, m.Body.Bare, m.Body.Event != "":
	case !origin.talk.takes(w.Conversation, m.Created):
	case unknown:
		return store.Step{Op: store.Recall} // waits until the account has connected, and is planned anew then
	default:
		return deny(w, direct.AuthorNotConnected, p.aside(w, origin, ", edited")...)
	}
	return store.Step{}
}
