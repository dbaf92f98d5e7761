package msteams

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"golang.org/x/net/html"

	"causeway/bridge"
	"causeway/bridge/richtext"
	richhtml "causeway/bridge/richtext/html"
)

// Read gives the present state of one message.
func (a *account) Read(ctx context.Context, c bridge.ConversationID, id bridge.MessageID) (bridge.State, error) {
	m, err := a.message(ctx, c, id)
	if err != nil {
		return bridge.State{}, err
	}
	if e := a.eventIn(ctx, m); e.kind != "" {
		return a.eventState(ctx, c, m, e), nil
	}
	s, ok := a.state(ctx, c, m)
	if !ok {
		return bridge.State{}, &bridge.Error{Kind: bridge.Gone, Err: fmt.Errorf("reading a message: %s is a notice of Teams itself", id)}
	}
	return s, nil
}

// message reads one message as Graph has it, for a lane.
func (a *account) message(ctx context.Context, c bridge.ConversationID, id bridge.MessageID) (models.ChatMessageable, error) {
	p, err := a.messagePlace(c, id)
	if err != nil {
		return nil, err
	}
	return call[models.ChatMessageable](ctx, a.lanes, reading.at(p), p, nil, models.CreateChatMessageFromDiscriminatorValue)
}

// version is what is compared to see whether a message has changed. A deletion may leave the revision as it was.
type version struct {
	revision int64
	deleted  bool
}

func versionOf(m models.ChatMessageable) version {
	v := version{deleted: m.GetDeletedDateTime() != nil}
	var err error
	if v.revision, err = strconv.ParseInt(value(m.GetEtag()), 10, 64); err != nil {
		v.revision = modified(m).UnixMilli()
	}
	return v
}

// created is when a message was made. Notifications may leave out the fraction of the second, which the id has: the time
// of creation in milliseconds.
func created(m models.ChatMessageable) time.Time {
	t := value(m.GetCreatedDateTime())
	if t.Nanosecond() != 0 {
		return t
	}
	if n, err := strconv.ParseInt(value(m.GetId()), 10, 64); err == nil && n/1000 == t.Unix() {
		return time.UnixMilli(n).UTC()
	}
	return t
}

// modified is when a message was last changed, or else made.
func modified(m models.ChatMessageable) time.Time {
	created := value(m.GetCreatedDateTime())
	if t := value(m.GetLastModifiedDateTime()); t.After(created) {
		return t
	}
	return created
}

// idOf gives the id of a message in its conversation.
func idOf(m models.ChatMessageable) bridge.MessageID {
	return messageID(value(m.GetReplyToId()), value(m.GetId()))
}

// state makes a state of what Graph gives; false for those notices of Teams itself, such as that somebody joined, that the inbox does not want. Without
// being asked for them, Graph calls those unknownFutureValue.
func (a *account) state(ctx context.Context, c bridge.ConversationID, m models.ChatMessageable) (s bridge.State, ok bool) {
	defer func() { // one message must not end the process, nor keep all that comes after it from being read
		if p := recover(); p != nil {
			a.leaveOut(unreadMessage{c, idOf(m), value(m.GetWebUrl())}, fmt.Errorf("reading it: %v", p))
			s, ok = bridge.State{}, false
		}
	}()
	if e := a.eventIn(ctx, m); e.kind != "" && value(m.GetId()) != "" && a.wants(c, e.kind) {
		return a.eventState(ctx, c, m, e), true
	}
	if t := m.GetMessageType(); t != nil && *t != models.MESSAGE_CHATMESSAGETYPE || value(m.GetId()) == "" || m.GetEventDetail() != nil {
		return bridge.State{}, false
	}
	v := versionOf(m)
	s = bridge.State{
		Conversation: c, ID: idOf(m), Root: bridge.MessageID(value(m.GetReplyToId())),
		Author: a.author(ctx, m.GetFrom()), Created: created(m), Edited: value(m.GetLastEditedDateTime()),
		Revision: v.revision, Deleted: v.deleted,
	}
	if answered := answeredIn(m); answered != nil {
		s.Root = bridge.MessageID(referenceID(answered))
	}
	if s.Deleted {
		return s, true
	}
	code, rest, _ := a.snippets(ctx, c, m)
	s.Text, s.Key = text(m, code) // anybody can copy a key: whose it is, the gateway finds out
	s.Files = append(files(s.ID, m), rest...)
	s.Reactions = reactions(m.GetReactions())
	return s, true
}

// author gives who wrote a message: a person, or a bot or connector with the name it is shown by.
func (a *account) author(ctx context.Context, from models.IdentitySetable) bridge.Author {
	if from == nil {
		return bridge.Author{}
	}
	for _, who := range []models.Identityable{from.GetUser(), from.GetApplication(), from.GetDevice()} {
		if who == nil || value(who.GetId()) == "" && value(who.GetDisplayName()) == "" {
			continue
		}
		author := bridge.Author{ID: bridge.UserID(value(who.GetId())), Name: value(who.GetDisplayName())}
		if who == from.GetUser() {
			author.Avatar = a.photos.address(ctx, author.ID)
			if author.Name == "" {
				author.Name = a.nameOf(ctx, author.ID)
			} else if known, _ := a.names.Peek(author.ID); known != author.Name {
				a.names.Add(author.ID, author.Name)
			}
		}
		return author
	}
	return bridge.Author{}
}

// unknownName stands for somebody whose name cannot be found out.
const unknownName = "Somebody"

// nameless reports whether the name of who wrote could not be asked for at present.
func (a *account) nameless(s bridge.State) bool {
	return s.Author.Name == unknownName && s.Author.ID != "" && !a.names.Contains(s.Author.ID)
}

// nameOf gives the name of a person whose messages lack it (seen of people from outside the tenant, and in notifications).
func (a *account) nameOf(ctx context.Context, id bridge.UserID) string {
	name, known := a.names.Get(id)
	if known {
		return name
	}
	who, err := a.LookUp(ctx, id)
	switch {
	case err == nil && who.Name != "":
		name = who.Name
	case bridge.KindOf(err) == bridge.Transient || bridge.KindOf(err) == bridge.Throttled:
		return unknownName // and asked for again next time
	default:
		name = unknownName
	}
	a.names.Add(id, name)
	return name
}

func reactions(list []models.ChatMessageReactionable) []bridge.Reaction {
	var all []bridge.Reaction
	for _, r := range list {
		emoji := neutralEmoji(value(r.GetReactionType()), value(r.GetDisplayName()))
		if emoji == "" || r.GetUser() == nil || r.GetUser().GetUser() == nil {
			continue
		}
		one := bridge.Reaction{User: bridge.UserID(value(r.GetUser().GetUser().GetId())), Emoji: emoji}
		if one.User != "" && !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}

// text gives what a message says, and its key: subject, what it quotes, its text, and a line for each thing that is
// neither text nor file. code are the snippets that have been read, by the ids of their attachments.
func text(m models.ChatMessageable, code map[string]richtext.Block) (richtext.Doc, bridge.Key) {
	var body richtext.Doc
	var key string
	if b := m.GetBody(); b != nil {
		content := value(b.GetContent())
		if t := b.GetContentType(); t != nil && *t == models.HTML_BODYTYPE {
			if answeredIn(m) != nil {
				content = withoutEnd(content)
			}
			body, key = richhtml.Options{Picture: pictureText, Mention: calls(m)}.ParseWithKey(content)
		} else {
			body = richtext.Plain(content)
		}
	}
	before, behind := around(m, code)
	return richtext.Normalize(append(append(before, body...), behind...)), bridge.Key(key)
}

// pictureText gives what stands in a text for a picture: nothing for one that is carried as a file, else its
// description, linked.
func pictureText(source, alternative string) []richtext.Run {
	if hostedContent(source) != "" {
		return nil
	}
	if alternative == "" {
		alternative = "picture"
	}
	run := richtext.Run{Text: "[" + alternative + "]"}
	if strings.HasPrefix(source, "https://") || strings.HasPrefix(source, "http://") {
		run.Link = source
	}
	return []richtext.Run{run}
}

// card gives the line that stands for a card: what it is, and the first words found on it.
func card(kind, name, content string) string {
	label := "card"
	if strings.HasSuffix(kind, "codesnippet") {
		label = "code snippet"
	}
	if name == "" {
		var any any
		if json.Unmarshal([]byte(content), &any) == nil {
			name = firstWords(any)
		}
	}
	if name == "" {
		return "[" + label + ": see Teams]"
	}
	return "[" + label + ": " + strings.Join(strings.Fields(name), " ") + "]"
}

// firstWords looks for the title or text of a card, on it or in its parts from top to bottom.
func firstWords(v any) string {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range []string{"title", "text", "name", "summary"} {
			if s, ok := v[key].(string); ok && strings.TrimSpace(s) != "" {
				return s
			}
		}
		for _, key := range []string{"content", "body", "sections", "items", "columns"} {
			if s := firstWords(v[key]); s != "" {
				return s
			}
		}
	case []any:
		for _, item := range v {
			if s := firstWords(item); s != "" {
				return s
			}
		}
	}
	return ""
}

// fileReference is the type of an attachment that is a file in SharePoint or OneDrive.
const fileReference = "reference"

// The forms of file ids: they name the message, since pictures are read below its path.
const (
	attachedFile  = "file"
	inlinePicture = "picture"
)

func fileID(kind string, message bridge.MessageID, id string) string {
	return kind + ":" + string(message) + ":" + id
}

// files gives the files that a message refers to and the pictures in its text. Graph tells neither size nor type.
func files(id bridge.MessageID, m models.ChatMessageable) []bridge.File {
	var all []bridge.File
	for _, t := range m.GetAttachments() {
		if value(t.GetContentType()) != fileReference {
			continue
		}
		address := value(t.GetContentUrl())
		name := value(t.GetName())
		if name == "" {
			name = baseName(address)
		}
		all = append(all, bridge.File{ID: fileID(attachedFile, id, value(t.GetId())), Name: name, Size: -1, URL: address})
	}
	if b := m.GetBody(); b != nil && b.GetContentType() != nil && *b.GetContentType() == models.HTML_BODYTYPE {
		for i, content := range pictures(value(b.GetContent())) {
			all = append(all, bridge.File{ID: fileID(inlinePicture, id, content), Name: fmt.Sprintf("picture-%d", i+1), Size: -1, URL: value(m.GetWebUrl())})
		}
	}
	return all
}

func baseName(address string) string {
	u, err := url.Parse(address)
	if err != nil || path.Base(u.Path) == "/" || path.Base(u.Path) == "." {
		return "file"
	}
	return path.Base(u.Path)
}

// pictures gives the ids of the hosted contents that a body shows.
func pictures(body string) []string {
	var all []string
	tokens := html.NewTokenizer(strings.NewReader(body))
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			return all
		case html.StartTagToken, html.SelfClosingTagToken:
			t := tokens.Token()
			if t.Data != "img" {
				continue
			}
			for _, at := range t.Attr {
				if at.Key != "src" {
					continue
				}
				if id := hostedContent(at.Val); id != "" && !slices.Contains(all, id) {
					all = append(all, id)
				}
			}
		}
	}
}

// hostedContent gives the id in an address ".../hostedContents/{id}/$value"; empty when it is none.
func hostedContent(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	rest, ok := strings.CutSuffix(u.Path, "/$value")
	i := strings.LastIndex(rest, "/hostedContents/")
	if !ok || i < 0 {
		return ""
	}
	return rest[i+len("/hostedContents/"):]
}
