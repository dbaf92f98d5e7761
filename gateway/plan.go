package gateway

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
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
	// A text that a bridge cannot split must not hold up the others.
	err := guarded(func() error { step = p.lacks(w); return nil })
	if err != nil {
		p.gateway.log.WithError(err).WithField("message", w.Instance).Warn("quarantined; see `causeway quarantine list`")
		return store.Step{Op: store.Refuse, Reason: err.Error()}
	}
	return step
}

func (p planner) lacks(w *store.Work) store.Step {
	m := w.Message
	switch {
	case w.IsOrigin && (m.Deleted || !p.place.out):
		return store.Step{}
	case w.IsOrigin:
		return p.reactions(w)
	case m.Deleted:
		return p.deletion(w)
	case w.Phase == store.Removed || !p.routed(w):
		return store.Step{} // what the config no longer brings here is not shown here any more
	case m.Body == nil || w.Phase == store.Live && w.Version == m.Version:
		return p.reactions(w)
	}
	for _, part := range slices.Backward(w.Parts) {
		if part.Leaving && !part.Deleted && part.ID != "" && !w.Blanked {
			return store.Step{Op: store.Delete, Part: part.Number, ID: part.ID} // begun before the message was restored
		}
	}
	if missingRoot(w) && m.Quote == nil {
		return store.Step{Op: store.Quote}
	}
	if w.Frozen || w.Phase == store.Live && !p.capabilities().Edit {
		return p.followUp(w)
	}
	draft := p.draft(w)
	pieces := p.place.account.Bridge.Parts(draft)
	for n, piece := range pieces {
		part, posted := partOf(w, n)
		hash := hashOf(piece)
		switch {
		case !posted:
			return p.post(w, draft, n, piece, hash)
		case !part.Deleted && part.Hash != hash && p.capabilities().Edit:
			draft.Text = piece
			return store.Step{Op: store.Edit, Part: n, ID: part.ID, Draft: forPart(draft, n), Hash: hash}
		}
	}
	if step := p.surplus(w, draft, len(pieces)); step.Op != store.Settled {
		return step
	}
	return p.reactions(w)
}

// routed reports whether the config still carries the message's origin here. An origin that is not in the table may be
// there under another name, while not all channels of the config have been found.
func (p planner) routed(w *store.Work) bool {
	t := p.gateway.table.Load()
	origin := t.conversations[w.Message.Origin]
	if origin == nil {
		return !t.complete
	}
	return slices.Contains(origin.targets, w.Conversation)
}

// surplus removes parts that a shorter text does not need any more, or blanks them.
func (p planner) surplus(w *store.Work, draft bridge.Draft, needed int) store.Step {
	draft.Text = blank
	hash := hashOf(blank)
	for _, part := range w.Parts {
		switch {
		case part.Number < needed || part.ID == "" || part.Deleted || part.Hash == hash:
		case p.capabilities().Delete && !w.Blanked:
			return store.Step{Op: store.Delete, Part: part.Number, ID: part.ID}
		case p.capabilities().Edit:
			return store.Step{Op: store.Edit, Part: part.Number, ID: part.ID, Draft: forPart(draft, part.Number), Hash: hash}
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

// post makes part n; the later parts of a message follow in its thread.
func (p planner) post(w *store.Work, draft bridge.Draft, n int, text richtext.Doc, hash string) store.Step {
	draft.Text = text
	if first, posted := partOf(w, 0); n > 0 && posted {
		draft.Root = cmp.Or(w.Thread, first.ID)
		if w.Alone {
			draft.Root = ""
		}
	}
	return store.Step{Op: store.Post, Part: n, Draft: forPart(draft, n), Hash: hash}
}

// forPart leaves out of a later part what only the first one has.
func forPart(d bridge.Draft, n int) bridge.Draft {
	if n > 0 {
		d.Files = nil
	}
	return d
}

// followUp answers a change of what cannot be edited with an "edited:" reply.
func (p planner) followUp(w *store.Work) store.Step {
	draft := p.draft(w)
	draft.Text = append(richtext.Doc{italic("edited:")}, draft.Text...)
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
	pieces := p.place.account.Bridge.Parts(draft)
	if done >= len(pieces) {
		return p.reactions(w)
	}
	return p.post(w, draft, next, pieces[done], hashOf(pieces[done]))
}

// blank stands where a message was that its replies need.
var blank = richtext.Doc{italic("(message deleted)")}

// deletion removes what can be removed, and blanks what must stay for its replies.
func (p planner) deletion(w *store.Work) store.Step {
	can := p.capabilities()
	keepFirst := w.Blanked || !can.Delete || can.DeleteTakesReplies && w.HasReplies
	for _, part := range slices.Backward(w.Parts) {
		if part.ID != "" && !part.Deleted && (part.Number > 0 && can.Delete && !w.Blanked || !keepFirst) {
			return store.Step{Op: store.Delete, Part: part.Number, ID: part.ID}
		}
	}
	first, posted := partOf(w, 0)
	if !posted || first.Deleted || !keepFirst {
		return store.Step{}
	}
	draft := bridge.Draft{Conversation: w.Conversation, Root: w.RootID, Text: blank}
	hash := hashOf(draft.Text)
	switch {
	case first.Hash == hash:
		return store.Step{}
	case can.Edit && !w.Frozen:
		return store.Step{Op: store.Blank, ID: first.ID, Draft: draft, Hash: hash}
	}
	return p.reply(w, draft)
}

// reactions sets what people elsewhere have set, and removes what they have removed.
func (p planner) reactions(w *store.Work) store.Step {
	first, posted := partOf(w, 0)
	if !posted || first.Deleted || !p.capabilities().Reactions {
		return store.Step{}
	}
	for _, emoji := range w.Wanted {
		if !slices.Contains(w.Set, emoji) && !slices.Contains(w.Refused, emoji) {
			return store.Step{Op: store.React, ID: first.ID, Emoji: emoji}
		}
	}
	for _, emoji := range slices.Concat(w.Set, w.Begun) {
		if !slices.Contains(w.Wanted, emoji) {
			return store.Step{Op: store.Unreact, ID: first.ID, Emoji: emoji}
		}
	}
	return store.Step{}
}

// sent gives the draft that an intent was made for, as far as it can still be known.
func (p planner) sent(w *store.Work, step store.Step) bridge.Draft {
	if w.Message.Body == nil || w.Message.Deleted {
		return step.Draft
	}
	draft := p.draft(w)
	if pieces := p.place.account.Bridge.Parts(draft); step.Part < len(pieces) {
		draft.Text = pieces[step.Part]
	}
	draft.Root, draft.Key = step.Draft.Root, step.Draft.Key
	return draft
}

// draft gives the whole message as it shall look here.
func (p planner) draft(w *store.Work) bridge.Draft {
	body := w.Message.Body
	d := bridge.Draft{Conversation: w.Conversation, Author: p.author(w, body.Author), Text: body.Text}
	if w.Late {
		d.Text = dated(d.Text, w.Message.Created)
	}
	if missingRoot(w) && w.Message.Quote != nil {
		d.Text = append(richtext.Doc{quote(p.author(w, w.Message.Quote.Author).Name, w.Message.Quote.Text)}, d.Text...)
	} else if !w.Unrooted {
		d.Root = w.RootID
	}
	if p.capabilities().Files {
		d.Files = body.Files
		return d
	}
	d.Text = slices.Clone(d.Text)
	for _, f := range body.Files {
		d.Text = append(d.Text, fileLine(f))
	}
	return d
}

// author gives the name that RemoteNickFormat makes of an author from elsewhere.
func (p planner) author(w *store.Work, a bridge.Author) bridge.Author {
	origin := p.gateway.table.Load().conversations[w.Message.Origin]
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
	line := italic("(sent " + at.UTC().Format("2006-01-02 15:04 MST") + ")")
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
	return richtext.Quoting(author, text.Excerpt(quoteLength))
}

// fileLine stands for a file that cannot cross.
func fileLine(f bridge.File) richtext.Block {
	size := ""
	if f.Size >= 0 {
		size = " (" + fileSize(f.Size) + ")"
	}
	return richtext.Block{Kind: richtext.Paragraph, Runs: []richtext.Run{{Text: "📎 "}, {Text: f.Name, Link: f.URL}, {Text: size}}}
}

func fileSize(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d bytes", n)
	}
	units, size := "kMGT", float64(n)/1000
	for size >= 1000 && len(units) > 1 {
		units, size = units[1:], size/1000
	}
	return fmt.Sprintf("%.1f %cB", size, units[0])
}

// hashOf tells whether a part shows what it should.
func hashOf(text richtext.Doc) string {
	raw, _ := json.Marshal(text) // plain data: cannot fail
	sum := sha256.Sum256(raw)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}
