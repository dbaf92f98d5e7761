package gateway

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/gateway/config"
	"causeway/gateway/store"
)

// planner says what an instance lacks. It does no I/O.
type planner struct {
	gateway *Gateway
	place   *place
}

func (p planner) capabilities() bridge.Capabilities { return p.place.account.capabilities }

func (p planner) plan(w *store.Work) (step store.Step) {
	if !p.capabilities().People || p.tells(w) {
		w.As = ""
	}
	if w.Above != "" && (p.place.talk == nil || !p.capabilities().Quotes) {
		w.RootID = w.Above
	}
	// A text that a bridge cannot split must not hold up the others.
	for tries := 0; ; tries++ {
		err := guarded(func() error { step = p.lacks(w); return nil })
		switch {
		case err == nil:
			return step
		case tries > 0:
			of(p.gateway.log, w).WithField(keyConversation, w.Conversation.String()).WithError(err).WithField(stackKey, stackOf(err)).Error("quarantined; see `causeway quarantine list`")
			return store.Step{Op: store.Refuse, Reason: err.Error(), Told: inWords(p.place.account.title(), err)}
		}
	}
}

// tells: it is told that something happened, which nobody has said and so nobody writes but Causeway itself, where it may.
func (p planner) tells(w *store.Work) bool {
	return w.Message.Body != nil && w.Message.Body.Event != "" && (p.place.talk == nil || p.place.account.mayRelay())
}

func (p planner) lacks(w *store.Work) store.Step {
	m := w.Message
	switch {
	case w.IsOrigin && !p.place.out:
		return store.Step{}
	case w.IsOrigin:
		return p.origin(w)
	case m.Deleted:
		if step := p.deletion(w); step.Op != store.Settled {
			return step
		}
		return discard(w, nil)
	case w.Phase == store.Removed:
		return p.removed(w)
	case !p.routed(w):
		return p.unrouted(w) // what the config no longer brings here is not shown here any more
	case m.Body == nil || w.Phase == store.Live && w.Version == m.Version:
		return p.reactions(w)
	}
	for _, part := range slices.Backward(w.Parts) {
		if part.Leaving && !part.Deleted && part.ID != "" && !w.Blanked && part.Able {
			return store.Step{Op: store.Delete, Part: part.Number, ID: part.ID, As: part.Writer} // begun before the message was restored
		}
	}
	switch {
	case m.Body.Bare:
		return store.Step{Op: store.Recall}
	case missingRoot(w) && m.Quote == nil:
		return store.Step{Op: store.Quote}
	}
	if origin := p.gateway.table.Load().at(m.Origin); p.parted(w, origin) {
		return p.left(w, origin)
	}
	followed := w.Frozen || w.Phase == store.Live && !p.capabilities().Edit
	if step, denied := p.unwanted(w); denied {
		return step
	}
	if !followed {
		if step := p.carry(w); step.Op != store.Settled {
			return step
		}
	}
	draft := p.draft(w)
	pieces := p.pieces(draft)
	if followed || stuck(w, pieces) {
		return p.followUp(w)
	}
	for n, piece := range pieces {
		part, posted := partOf(w, n)
		switch {
		case !posted:
			step := p.post(w, draft, n, piece)
			step.Whole = len(pieces) == 1
			return step
		case !part.Deleted && !shows(w, part, piece) && p.capabilities().Edit:
			return p.edit(w, part, draft, piece)
		}
	}
	if step := p.surplus(w, draft, len(pieces)); step.Op != store.Settled {
		return step
	}
	if step := discard(w, w.Message.Body.Files); step.Op != store.Settled {
		return step
	}
	return p.reactions(w)
}

// removed gives what is left to be done for a message that is not here any more, or never was.
func (p planner) removed(w *store.Work) store.Step {
	if w.Message.Body != nil {
		if step := discard(w, w.Message.Body.Files); step.Op != store.Settled {
			return step
		}
	}
	return p.asideAgain(w)
}

// shows tells whether a part says what it should.
func shows(w *store.Work, part store.Part, piece piece) bool {
	return part.Hash == piece.hash() || part.Hash == store.Theirs && part.Version == w.Message.Version
}

// stuck: to show pieces, a post would have to be changed that was written as somebody as whom Causeway cannot act now. The change
// is said in a reply, as where the service does not let posts be edited. Nothing of that is remembered: once they have connected again, the next
// change edits their post, and the replies are taken back, since the message has no such parts.
func stuck(w *store.Work, pieces []piece) bool {
	for n, piece := range pieces {
		if part, posted := partOf(w, n); posted && !part.Deleted && !part.Able && !shows(w, part, piece) {
			return true
		}
	}
	return false
}

// edit changes a part as who wrote it. A person may have changed it, too, so it is looked at before.
func (p planner) edit(w *store.Work, part store.Part, draft bridge.Draft, piece piece) store.Step {
	draft.Text, draft.Files = piece.text, piece.files
	return p.looked(w, store.Step{Op: store.Edit, Part: part.Number, ID: part.ID, Draft: p.written(w, draft, part.Writer), Hash: piece.hash()})
}

// looked gives a step that overwrites what a person has written, or first the look at it. What is not read cannot be looked at.
func (p planner) looked(w *store.Work, step store.Step) store.Step {
	step.Seen = p.place.in
	if step.Draft.As != "" && p.place.in && !w.Looked {
		return store.Step{Op: store.Look, Part: step.Part, ID: step.ID, Before: step.Draft.As}
	}
	return step
}

// written says as whom a draft is written: as its author, who needs no name in the text, or by the relay.
func (p planner) written(w *store.Work, draft bridge.Draft, as bridge.UserID) bridge.Draft {
	if draft.As = as; as != "" {
		draft.Author, draft.Same = w.Message.Body.Author, ""
	}
	return draft
}

// origin makes the place where a message was said look like what its author has made of a copy of it.
func (p planner) origin(w *store.Work) store.Step {
	first, posted := partOf(w, 0)
	m, can := w.Message, p.capabilities()
	behind := posted && !first.Deleted && first.Version < m.Version
	switch {
	case m.Deleted && (!behind || w.Told):
		return store.Step{}
	case m.Deleted && w.As != "" && can.Delete && !w.Blanked && !(can.DeleteTakesReplies && w.HasReplies):
		return store.Step{Op: store.Delete, ID: first.ID, As: w.As}
	case m.Deleted && w.As != "" && can.Edit && !w.Frozen:
		return store.Step{Op: store.Blank, ID: first.ID, Hash: hashOf(blank.text), Draft: bridge.Draft{Conversation: w.Conversation, As: w.As, Text: blank.text}}
	case m.Deleted:
		return store.Step{Op: store.Stay}
	case m.Body == nil || !behind || w.As == "" || !can.Edit || w.Frozen:
		return p.reactions(w) // an origin that cannot be edited stays as it is
	case p.place.talk != nil && p.apart(w):
		return p.left(w, p.place)
	}
	draft := bridge.Draft{Conversation: w.Conversation, As: w.As, Author: m.Body.Author, Text: p.addressed(w, m.Body.Text)}
	pieces := p.place.account.Bridge.Parts(draft)
	if len(pieces) != 1 {
		return p.reactions(w) // nor is it cut into several
	}
	draft.Text = pieces[0]
	return p.looked(w, store.Step{Op: store.Edit, ID: first.ID, Draft: draft, Hash: hashOf(draft.Text)})
}

// routed reports whether the config still carries the message's origin here. An origin that is not in the table may be
// there under another name, while not all channels of the config have been found; of talks there are no other names.
func (p planner) routed(w *store.Work) bool {
	t := p.gateway.table.Load()
	origin := t.at(w.Message.Origin)
	if origin == nil {
		return !t.complete && p.place.talk == nil
	}
	return slices.Contains(origin.targets, w.Conversation)
}

// surplus removes parts that a shorter text does not need any more, or blanks them.
func (p planner) surplus(w *store.Work, draft bridge.Draft, needed int) store.Step {
	for _, part := range w.Parts {
		switch {
		case part.Number < needed || part.ID == "" || part.Deleted || part.Hash == blank.hash() || !part.Able:
		case p.capabilities().Delete && !w.Blanked:
			return store.Step{Op: store.Delete, Part: part.Number, ID: part.ID, As: part.Writer}
		case p.capabilities().Edit:
			return p.edit(w, part, draft, blank)
		}
	}
	return store.Step{}
}

// missingRoot reports whether the message answers one that was not here when it was posted, or is not here now.
func missingRoot(w *store.Work) bool {
	_, posted := partOf(w, 0)
	return w.Message.RootID != "" && (w.Unrooted || w.RootID == "" && !posted)
}

func partOf(w *store.Work, n int) (part store.Part, posted bool) {
	for _, part := range w.Parts {
		if part.Number == n {
			return part, part.ID != ""
		}
	}
	return store.Part{}, false
}

// post makes part n, as the author where they are connected here; the later parts of a message follow in its thread.
func (p planner) post(w *store.Work, draft bridge.Draft, n int, piece piece) store.Step {
	draft.Text, draft.Files = piece.text, piece.files
	if first, posted := partOf(w, 0); n > 0 && posted {
		draft.Root = cmp.Or(w.Thread, first.ID)
		if w.Alone {
			draft.Root = ""
		}
	}
	if !w.Message.Deleted {
		draft = p.written(w, draft, w.As)
	}
	if step, denied := p.mayNot(w, draft.As); denied {
		return step
	}
	return store.Step{Op: store.Post, Part: n, Draft: draft, Hash: piece.hash()}
}

// followUp answers a change of what cannot be edited with an "edited:" reply.
func (p planner) followUp(w *store.Work) store.Step {
	draft := p.draft(w)
	draft.Files = nil // those that are there are shown already, and no post can show them again
	// Who was called has been called.
	draft.Text = append(richtext.Doc{italic("edited:")}, draft.Text.Literal()...)
	return p.reply(w, draft)
}

// reply posts those pieces of draft that have not been posted for the present version.
func (p planner) reply(w *store.Work, draft bridge.Draft) store.Step {
	done, next := 0, len(w.Parts)
	for _, part := range w.Parts {
		switch {
		case part.ID == "":
			next = min(next, part.Number)
		case part.Version == w.Message.Version:
			done++
		}
	}
	pieces := p.pieces(draft)
	if done >= len(pieces) {
		return p.reactions(w)
	}
	return p.post(w, draft, next, pieces[done])
}

// blank stands where a message was that its replies need.
var blank = piece{text: richtext.Doc{italic("(message deleted)")}}

// deletion removes what can be removed, and blanks what must stay for its replies. Where neither can be done, a reply tells.
func (p planner) deletion(w *store.Work) store.Step {
	can := p.capabilities()
	first, posted := partOf(w, 0)
	keepFirst := w.Blanked || !can.Delete || can.DeleteTakesReplies && w.HasReplies || posted && !first.Able
	for _, part := range slices.Backward(w.Parts) {
		if part.ID != "" && !part.Deleted && part.Able && (part.Number > 0 && can.Delete && !w.Blanked && !told(w, part) || !keepFirst) {
			return store.Step{Op: store.Delete, Part: part.Number, ID: part.ID, As: part.Writer}
		}
	}
	if !posted || first.Deleted || !keepFirst {
		return store.Step{}
	}
	draft := bridge.Draft{Conversation: w.Conversation, Root: w.RootID, Text: blank.text}
	hash := hashOf(draft.Text)
	switch {
	case first.Hash == hash:
		return store.Step{}
	case can.Edit && !w.Frozen && first.Able:
		draft.As = first.Writer
		return store.Step{Op: store.Blank, ID: first.ID, Draft: draft, Hash: hash}
	}
	return p.reply(w, draft)
}

// told: the part is the reply that tells that its message was deleted.
func told(w *store.Work, part store.Part) bool {
	return part.Version == w.Message.Version && part.Hash == blank.hash()
}

// reactions sets what people elsewhere have set, and removes what they have removed: as themselves where they are connected here, else
// by the relay, once for all of them.
func (p planner) reactions(w *store.Work) store.Step {
	first, posted := partOf(w, 0)
	if !posted || first.Deleted || !p.capabilities().Reactions {
		return store.Step{}
	}
	if len(w.Leaving) > 0 {
		return store.Step{Op: store.Unreact, ID: first.ID, Emoji: w.Leaving[0].Emoji, As: w.Leaving[0].Writer}
	}
	for _, m := range w.Wanted {
		switch {
		case m.Writer == "" && p.place.talk != nil && !p.place.account.mayRelay(): // nobody can set it
		case p.place.talk != nil && !slices.Contains(w.Set, m) && p.divided(w, m): // nor is it for whoever is here
		case slices.Contains(w.Taken, m) || w.Unclear:
			return store.Step{Op: store.Look, ID: first.ID, Since: w.LookAfter}
		case !slices.Contains(w.Set, m) && !slices.Contains(w.Refused, m):
			return store.Step{Op: store.React, ID: first.ID, Emoji: m.Emoji, As: m.Writer}
		}
	}
	for _, m := range slices.Concat(w.Set, w.Begun) {
		if !slices.Contains(w.Wanted, m) {
			return store.Step{Op: store.Unreact, ID: first.ID, Emoji: m.Emoji, As: m.Writer}
		}
	}
	if w.Unclear {
		return store.Step{Op: store.Look, ID: first.ID, Since: w.LookAfter}
	}
	return store.Step{Await: w.Longing && p.place.talk != nil && !p.place.account.mayRelay()}
}

// sent gives the draft that an intent was made for, as far as it can still be known.
func (p planner) sent(w *store.Work, step store.Step) bridge.Draft {
	if w.Message.Body == nil || w.Message.Deleted {
		return step.Draft
	}
	draft := p.draft(w)
	if pieces := p.pieces(draft); step.Part < len(pieces) {
		draft.Text, draft.Files = pieces[step.Part].text, pieces[step.Part].files
	}
	draft = p.written(w, draft, step.As)
	draft.Root, draft.Key, draft.Anybody = step.Draft.Root, step.Draft.Key, step.Draft.Anybody
	return draft
}

// draft gives the whole message as it shall look here.
func (p planner) draft(w *store.Work) bridge.Draft {
	body := w.Message.Body
	author := body.Author
	if author.Name != "" {
		author.Name = cmp.Or(w.SameName, author.Name)
	}
	d := bridge.Draft{Conversation: w.Conversation, Author: p.author(w, author), Same: w.Same, Text: p.addressed(w, body.Text)}
	if w.Late {
		d.Text = dated(d.Text, w.Message.Created)
	}
	if missingRoot(w) && w.Message.Quote != nil {
		d.Text = append(richtext.Doc{quote(p.author(w, w.Message.Quote.Author).Name, w.Message.Quote.Text)}, d.Text...)
	} else if !w.Unrooted {
		d.Root = w.RootID
	}
	p.showFiles(w, &d)
	return d
}

// author gives the name that RemoteNickFormat makes of an author from elsewhere.
func (p planner) author(w *store.Work, a bridge.Author) bridge.Author {
	origin := p.gateway.table.Load().at(w.Message.Origin)
	nick := config.Nick{Nick: a.Name, UserID: string(a.ID)}
	if origin != nil {
		nick.Bridge, nick.Protocol, nick.Label = shortName(origin.account.Name), origin.account.Protocol, origin.account.Label
		nick.Channel, nick.Gateway = origin.channel, origin.gateways[w.Conversation]
	}
	if a.Name != "" {
		a.Name = nick.Format(p.place.account.NickFormat)
	}
	return a
}

// shortName gives NAME of "protocol.NAME".
func shortName(a bridge.AccountName) string {
	_, name, _ := strings.Cut(string(a), ".")
	return name
}

// dated puts before a text when it was said.
func dated(text richtext.Doc, at time.Time) richtext.Doc {
	line := italic(lateMark + at.UTC().Format("2006-01-02 15:04 MST") + ")")
	if len(text) == 0 || text[0].Kind != richtext.Paragraph {
		return append(richtext.Doc{line}, text...)
	}
	first := text[0]
	first.Runs = slices.Concat(line.Runs, []richtext.Run{{Text: " "}}, first.Runs)
	return append(richtext.Doc{first}, text[1:]...)
}

func italic(s string) richtext.Block {
	return richtext.Block{Kind: richtext.Paragraph, Runs: []richtext.Run{{Text: s, Style: richtext.Italic}}}
}

// quoteLength is how much of a missing root is quoted, in characters.
const quoteLength = 150

// quote shows what is answered where it cannot be linked to.
func quote(author string, text richtext.Doc) richtext.Block {
	if len(text) == 0 {
		return richtext.Block{Kind: richtext.Quote, Blocks: richtext.Plain("(a message that is not here)")}
	}
	return richtext.Quoting(author, text.Literal().Excerpt(quoteLength))
}
