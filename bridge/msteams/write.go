package msteams

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/microsoft/kiota-abstractions-go/serialization"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/teams"

	"causeway/bridge"
	"causeway/bridge/richtext"
	richhtml "causeway/bridge/richtext/html"
)

const (
	// largestBody is how many bytes of HTML a post may have: Teams' limit is "about 28 KB" of everything in it.
	largestBody = 27 << 10
	// longestKey is how long a key may be.
	longestKey = 64
)

// shown is a draft's text as people see it: with the author's name on a line of its own, unless the author writes it.
func shown(d bridge.Draft, text richtext.Doc) richtext.Doc {
	if d.As != "" || d.Author.Name == "" {
		return text
	}
	name := richtext.Block{Kind: richtext.Paragraph, Runs: []richtext.Run{{Text: richtext.Line(d.Author.Name), Style: richtext.Bold}}}
	return append(richtext.Doc{name}, text...)
}

// Parts splits a text so that each part fits into a post with name, markup and key. There is room for the name in every part, as long as it may
// be shown: the relay account may have to write what its author cannot.
func (a *account) Parts(d bridge.Draft) []richtext.Doc {
	d.As = ""
	d = apart(d)
	key := strings.Repeat("k", longestKey)
	room := largestBody
	for _, f := range d.Files {
		room -= len(f.URL) + 2*len(f.Name) + fileTags
	}
	room = max(room, largestBody/4)
	parts := richtext.Split(d.Text, func(text richtext.Doc) bool {
		return len(richhtml.RenderWithKey(shown(d, text), key))+callRoom(text) <= room
	})
	if len(parts) == 0 {
		return []richtext.Doc{nil}
	}
	return parts
}

// lacking refuses what the cloud does not have; [bridge.Capabilities] say so before.
func lacking(doing string) error {
	return &bridge.Error{Kind: bridge.Unsupported, Err: errors.New(doing + ": not possible in this cloud")}
}

// posted is what counts of the answer to a post. The SDK's model of it costs more than the rest of a post together.
type posted struct {
	ID   string `json:"id"`
	Body struct {
		ContentType string `json:"contentType"`
		Content     string `json:"content"`
	} `json:"body"`
	// answers: Teams has put it together of the text and what it answers.
	answers bool
}

// Post writes a new message or reply.
func (a *account) Post(ctx context.Context, d bridge.Draft) (bridge.MessageID, error) {
	writer, err := a.writer(d.As)
	if err != nil {
		return "", err
	}
	p, err := a.channelPlace(d.Conversation)
	if err != nil {
		return "", err
	}
	if p.chat != "" {
		return a.postInChat(ctx, writer, p, d)
	}
	op := opPost
	if d.Root != "" {
		op = opPostReply
		p.message, _, _ = strings.Cut(string(d.Root), "/") // threads are one level deep
	}
	d = a.named(ctx, d)
	var made posted
	err = orInWords(d, func(d bridge.Draft) error {
		b, err := body(ctx, d, nil)
		if err != nil {
			return fmt.Errorf("%s: %w", op.Doing, err)
		}
		made = posted{}
		return writer.ask(ctx, op, p, b, &made)
	})
	if err != nil {
		return "", err
	}
	if made.ID == "" {
		return "", &bridge.Error{Kind: bridge.Uncertain, Err: fmt.Errorf("%s: the answer holds no id", op.Doing)}
	}
	a.learnKeys(ctx, d, made)
	id := messageID(p.message, made.ID)
	a.Expect(d.Conversation, id)
	return id, nil
}

// Edit makes a post look like the draft, key included. A message that a person wrote themselves keeps its files.
func (a *account) Edit(ctx context.Context, id bridge.MessageID, d bridge.Draft) error {
	if a.lacks(editing) {
		return lacking("editing a message")
	}
	if d.As == "" || d.Key != "" {
		d = a.named(ctx, d)
	}
	return orInWords(d, func(d bridge.Draft) error {
		var b models.ChatMessageable
		var err error
		if d.As != "" && d.Key == "" {
			b, err = a.ownBody(ctx, id, d)
		} else if b, err = a.changedBody(ctx, id, d); err == nil && d.Root != "" && inChat(d.Conversation) {
			err = a.keepAnswered(ctx, id, d, b)
		}
		if err != nil {
			return fmt.Errorf("editing a message: %w", err)
		}
		return a.change(ctx, bridge.Target{Conversation: d.Conversation, ID: id, As: d.As}, editingOf, b)
	})
}

// Delete removes a post; the replies to it stay. Graph answers the same when it was gone before, so it is looked at
// first.
func (a *account) Delete(ctx context.Context, t bridge.Target) error {
	if a.lacks(deleting) {
		return lacking("deleting a message")
	}
	m, err := a.message(ctx, t.Conversation, t.ID)
	if err != nil {
		return fmt.Errorf("before deleting: %w", err)
	}
	if versionOf(m).deleted {
		return &bridge.Error{Kind: bridge.Gone, Err: errors.New("deleting a message: it is deleted already")}
	}
	return a.change(ctx, t, removing, nil)
}

// React sets or takes back the reaction of the relay account, or of a person.
func (a *account) React(ctx context.Context, t bridge.Target, emoji string, on bool) error {
	if strings.HasPrefix(emoji, ":") {
		return &bridge.Error{Kind: bridge.Unsupported, Err: fmt.Errorf("reacting: Graph sets no emoji but those of Unicode, and %s is somebody's own", emoji)}
	}
	emoji = qualified(emoji)
	if on {
		b := teams.NewItemChannelsItemMessagesItemSetReactionPostRequestBody()
		b.SetReactionType(&emoji)
		return a.change(ctx, t, reacting, b)
	}
	b := teams.NewItemChannelsItemMessagesItemUnsetReactionPostRequestBody()
	b.SetReactionType(&emoji)
	return a.change(ctx, t, takingOff, b)
}

// change does something to a message, by the operation for such a one.
func (a *account) change(ctx context.Context, t bridge.Target, how variants, body serialization.Parsable) error {
	writer, err := a.writer(t.As)
	if err != nil {
		return err
	}
	p, err := a.messagePlace(t.Conversation, t.ID)
	if err != nil {
		return err
	}
	op := how.at(p)
	if p.user = string(t.As); p.user == "" {
		p.user = string(a.relayID())
	}
	err = writer.perform(ctx, op, p, body)
	if t.As != "" {
		return a.changedAs(ctx, t, err)
	}
	if bridge.KindOf(err) == bridge.Unauthorised && bridge.ScopeOf(err) == bridge.ScopeConversation && op.Permission == changeMessages {
		return a.refused(ctx, t, err)
	}
	return err
}

// refused looks why Graph has forbidden to change a post: a post of an earlier relay account can never be changed by
// the present one, and must not hold up the conversation as a missing permission does.
func (a *account) refused(ctx context.Context, t bridge.Target, refusal error) error {
	m, err := a.message(ctx, t.Conversation, t.ID)
	switch {
	case bridge.KindOf(err) == bridge.Gone:
		return err
	case err != nil || m.GetFrom() == nil || m.GetFrom().GetUser() == nil:
		return refusal
	case bridge.UserID(value(m.GetFrom().GetUser().GetId())) == a.relayID():
		return refusal
	}
	var known *bridge.Error
	if errors.As(refusal, &known) {
		refusal = known.Err // its hint does not apply
	}
	return &bridge.Error{Kind: bridge.Rejected, Err: refusal, Hint: "the post was written by another account than the present relay account"}
}

// keyMemory is what is known about whether this tenant keeps keys in posts. It is learnt from the answers to posts.
type keyMemory struct {
	mu     sync.Mutex
	loaded bool
	known  string
}

const (
	keysVaultName = "key-survives"
	keysSurvive   = "yes"
	keysVanish    = "no"
)

// load reads what an earlier run has learnt.
func (k *keyMemory) load(ctx context.Context, vault bridge.Vault) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.loaded {
		return nil
	}
	text, err := vault.Load(ctx, keysVaultName)
	if err != nil {
		return fmt.Errorf("loading whether keys survive: %w", err)
	}
	k.known, k.loaded = string(text), true
	return nil
}

func (k *keyMemory) state() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.known
}

// learn takes in what a post showed; true when that is news.
func (k *keyMemory) learn(state string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	news := k.known != state
	k.known, k.loaded = state, true
	return news
}

// learnKeys looks whether the key is still in a post as Graph stored it.
func (a *account) learnKeys(ctx context.Context, d bridge.Draft, made posted) {
	if d.Key == "" || made.Body.Content == "" {
		return
	}
	if a.keys.state() == keysSurvive && strings.Contains(made.Body.Content, string(d.Key)) {
		return // nothing has changed
	}
	state := keysVanish
	if strings.EqualFold(made.Body.ContentType, "html") {
		if _, key := richhtml.ParseWithKey(withoutEnd(made.Body.Content)); bridge.Key(key) == d.Key {
			state = keysSurvive
		}
	}
	if state == keysVanish && made.answers {
		return // that says nothing of other posts
	}
	if !a.keys.learn(state) {
		return
	}
	if state == keysVanish {
		a.log.Warn("This tenant removes the mark that Causeway puts into its posts. A post whose answer is lost is recognised by its text instead, which can fail when somebody writes the same twice.")
	}
	// The post stands: that it could not be noted what it showed is no reason to call it failed.
	if err := a.env.Vault.Save(context.WithoutCancel(ctx), keysVaultName, []byte(state)); err != nil {
		a.log.WithError(err).Warn("Cannot store whether this tenant keeps the mark in posts.")
	}
}
