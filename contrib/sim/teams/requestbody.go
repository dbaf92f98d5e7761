package teams

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"
)

// maxMessage is the size of one message with its mentions and cards, in bytes: about 28 KB by the Teams limits.
const maxMessage = 28 << 10

var zeroTime time.Time

// shape names the properties that an object in a request may have. A nil shape takes any value; the shape of a list is
// that of its items.
type shape map[string]shape

var (
	anyIdentity  = shape{"id": nil, "displayName": nil, "userIdentityType": nil, "applicationIdentityType": nil, "conversationIdentityType": nil, "tagType": nil, "tenantId": nil}
	identitySet  = shape{"application": anyIdentity, "device": anyIdentity, "conversation": anyIdentity, "user": anyIdentity, "tag": anyIdentity}
	messageShape = shape{
		"body": {"contentType": nil, "content": nil}, "subject": nil, "summary": nil, "importance": nil, "locale": nil, "messageType": nil,
		"attachments":    {"id": nil, "contentType": nil, "contentUrl": nil, "content": nil, "name": nil, "thumbnailUrl": nil, "teamsAppId": nil},
		"mentions":       {"id": nil, "mentionText": nil, "mentioned": identitySet},
		"hostedContents": {"@microsoft.graph.temporaryId": nil, "contentBytes": nil, "contentType": nil},
		"reactions":      {"reactionType": nil, "createdDateTime": nil, "displayName": nil, "reactionContentUrl": nil, "user": identitySet},
	}
	postShape = messageShape
	// The documented edits repeat some members that cannot be changed; these are read and left alone.
	patchShape    = with(messageShape, shape{"from": identitySet, "deletedDateTime": nil})
	reactionShape = shape{"reactionType": nil}
)

func with(base, more shape) shape {
	out := shape{}
	for k, v := range base {
		out[k] = v
	}
	for k, v := range more {
		out[k] = v
	}
	return out
}

// check refuses properties that the shape does not have. @odata.type is allowed everywhere.
func (s shape) check(path string, raw json.RawMessage) error {
	if s == nil {
		return nil
	}
	raw = bytes.TrimSpace(raw)
	if len(raw) > 0 && raw[0] == '[' {
		var items []json.RawMessage
		if err := json.Unmarshal(raw, &items); err != nil {
			return badRequest("Unable to read JSON request payload at %s.", path)
		}
		for _, item := range items {
			if err := s.check(path, item); err != nil {
				return err
			}
		}
		return nil
	}
	if bytes.Equal(raw, []byte("null")) {
		return nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return badRequest("Unable to read JSON request payload at '%s'.", path)
	}
	for name, value := range object {
		inner, ok := s[name]
		if !ok && name != "@odata.type" {
			return badRequest("The property '%s' does not exist or cannot be set here.", path+name)
		}
		if err := inner.check(path+name+"/", value); err != nil {
			return err
		}
	}
	return nil
}

// objectKeys gives the names of an object's properties.
func objectKeys(raw []byte) ([]string, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, badRequest("Unable to read JSON request payload.")
	}
	keys := make([]string, 0, len(object))
	for k := range object {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys, nil
}

// draft is what a request wants a message to be.
type draft struct {
	content    content
	subject    *string
	importance string

	hasBody, hasSubject, hasImportance bool
}

type draftJSON struct {
	Body *struct {
		ContentType *string `json:"contentType"`
		Content     *string `json:"content"`
	} `json:"body"`
	Subject     *string          `json:"subject"`
	Importance  *string          `json:"importance"`
	MessageType *string          `json:"messageType"`
	Attachments []attachmentJSON `json:"attachments"`
	Mentions    []struct {
		ID          *int          `json:"id"`
		MentionText string        `json:"mentionText"`
		Mentioned   mentionedJSON `json:"mentioned"`
	} `json:"mentions"`
	Hosted []struct {
		ID          string `json:"@microsoft.graph.temporaryId"`
		Bytes       []byte `json:"contentBytes"`
		ContentType string `json:"contentType"`
	} `json:"hostedContents"`
	Reactions []json.RawMessage `json:"reactions"`
}

// readMessage reads and checks the body of a POST or PATCH.
func (c *call) readMessage(allowed shape) (draft, error) {
	var d draft
	keys, err := objectKeys(c.body)
	if err != nil {
		return d, err
	}
	if err := allowed.check("", c.body); err != nil {
		return d, err
	}
	var in draftJSON
	if err := json.Unmarshal(c.body, &in); err != nil {
		return d, badRequest("Unable to read JSON request payload: %v", err)
	}
	posting := c.r.Method == http.MethodPost
	d.hasSubject = slices.Contains(keys, "subject")
	d.hasImportance = in.Importance != nil
	d.hasBody = in.Body != nil
	d.subject = in.Subject
	d.importance = "normal"
	if d.hasImportance {
		d.importance = *in.Importance
	}
	switch {
	case !slices.Contains([]string{"normal", "high", "urgent"}, d.importance):
		return d, badRequest("Invalid importance '%s'.", d.importance)
	case in.MessageType != nil && *in.MessageType != "message":
		return d, badRequest("Only messages of type 'message' can be written.")
	case posting && len(in.Reactions) > 0:
		return d, badRequest("Reactions are set by setReaction.")
	case posting && !d.hasBody:
		return d, badRequest("Missing body in the request.")
	case !d.hasBody && len(in.Mentions)+len(in.Attachments)+len(in.Hosted) > 0:
		return d, badRequest("Mentions, attachments and hosted contents need a body.")
	case !d.hasBody:
		return d, nil
	}
	d.content, err = c.readContent(in)
	return d, err
}

// readContent makes the stored content of a body with all that belongs to it.
func (c *call) readContent(in draftJSON) (content, error) {
	out := content{contentType: "text"}
	if in.Body.ContentType != nil {
		out.contentType = *in.Body.ContentType
	}
	switch {
	case out.contentType != "text" && out.contentType != "html":
		return out, badRequest("Invalid contentType '%s'.", out.contentType)
	case in.Body.Content == nil || *in.Body.Content == "":
		return out, badRequest("Missing content in the body.")
	case out.contentType == "text" && len(in.Mentions)+len(in.Attachments)+len(in.Hosted) > 0:
		return out, badRequest("Mentions, attachments and hosted contents need a body of type html.")
	}
	out.text = *in.Body.Content
	if size := messageSize(in); size > maxMessage {
		return out, refuse(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "Request Entity too large: %d bytes.", size)
	}
	if out.contentType == "text" {
		return out, nil
	}
	ats, attached, images := references(out.text)
	if err := out.takeMentions(in, ats); err != nil {
		return out, err
	}
	if err := out.takeAttachments(in, attached); err != nil {
		return out, err
	}
	if err := out.takeHosted(in, images); err != nil {
		return out, err
	}
	out.text = NormaliseHTML(out.text, c.sim.opts.StripAbbr)
	return out, nil
}

// messageSize counts text, markup, mentions and cards.
func messageSize(in draftJSON) int {
	size := len(*in.Body.Content)
	for _, m := range in.Mentions {
		size += len(m.MentionText)
	}
	for _, a := range in.Attachments {
		for _, s := range []*string{a.Content, a.ContentURL, a.Name, a.ThumbnailURL} {
			if s != nil {
				size += len(*s)
			}
		}
	}
	return size
}

// takeMentions pairs <at id> with mentions, one to one.
func (out *content) takeMentions(in draftJSON, ats []string) error {
	listed := map[string]bool{}
	for _, m := range in.Mentions {
		if m.ID == nil {
			return badRequest("A mention has no id.")
		}
		id := string(encode(*m.ID))
		who := m.Mentioned
		kinds := 0
		for _, identity := range []map[string]any{who.User, who.Application, who.Conversation, who.Tag} {
			if identity != nil {
				kinds++
			}
		}
		switch {
		case listed[id]:
			return badRequest("Mention id %s is used more than once.", id)
		case kinds != 1:
			return badRequest("Mention %s must name one user, application, conversation or tag.", id)
		case who.Conversation != nil && who.Conversation["conversationIdentityType"] == nil:
			return badRequest("Mention %s has no conversationIdentityType.", id)
		}
		listed[id] = true
		out.mentions = append(out.mentions, mentionJSON{ID: *m.ID, MentionText: m.MentionText, Mentioned: who})
	}
	seen := map[string]bool{}
	for _, id := range ats {
		if !listed[id] || seen[id] {
			return badRequest("Mentions and <at> tags must pair one to one: id '%s'.", id)
		}
		seen[id] = true
	}
	if len(seen) != len(listed) {
		return badRequest("Mentions and <at> tags must pair one to one.")
	}
	return nil
}

// takeAttachments pairs <attachment id> with attachments.
func (out *content) takeAttachments(in draftJSON, tags []string) error {
	ids := map[string]bool{}
	for _, a := range in.Attachments {
		if a.Content != nil && a.ContentURL != nil {
			return badRequest("Attachment '%s' has both content and contentUrl.", a.ID)
		}
		ids[a.ID] = true
		out.attachments = append(out.attachments, a)
	}
	for _, id := range tags {
		if !ids[id] {
			return badRequest("The body refers to attachment '%s', which is not in attachments.", id)
		}
	}
	return nil
}

// takeHosted pairs pictures, in the body or in cards, with hosted contents.
func (out *content) takeHosted(in draftJSON, images []string) error {
	for _, h := range in.Hosted {
		if h.ID == "" || len(h.Bytes) == 0 || h.ContentType == "" {
			return badRequest("A hosted content needs @microsoft.graph.temporaryId, contentBytes and contentType.")
		}
		source := hostedSource(h.ID)
		inCard := slices.ContainsFunc(in.Attachments, func(a attachmentJSON) bool {
			return a.Content != nil && strings.Contains(*a.Content, source)
		})
		if !inCard && !slices.Contains(images, source) {
			return badRequest("Neither the body nor a card shows hosted content '%s'.", h.ID)
		}
		out.hosted = append(out.hosted, hosted{id: h.ID, contentType: h.ContentType, data: h.Bytes})
	}
	for _, src := range images {
		if id, ok := strings.CutPrefix(src, "../hostedContents/"); ok {
			id = strings.TrimSuffix(id, "/$value")
			if !slices.ContainsFunc(out.hosted, func(h hosted) bool { return h.id == id }) {
				return badRequest("The body shows hosted content '%s', which is not in hostedContents.", id)
			}
		}
	}
	return nil
}

// readReaction reads the body of setReaction and unsetReaction. Choice: only Unicode is accepted, since the legacy
// words are documented for answers only.
func (c *call) readReaction() (string, error) {
	if err := reactionShape.check("", c.body); err != nil {
		return "", err
	}
	var in struct {
		Type string `json:"reactionType"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return "", badRequest("Unable to read JSON request payload: %v", err)
	}
	plain := strings.IndexFunc(in.Type, func(r rune) bool { return r > 0x7f }) < 0
	if plain || len(in.Type) > 64 {
		return "", badRequest("Invalid reactionType '%s': a Unicode emoji is needed.", in.Type)
	}
	return in.Type, nil
}
