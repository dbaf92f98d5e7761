package teams

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// SayOption changes how a message is said.
type SayOption func(*saying)

type saying struct {
	plain       bool
	at          time.Time
	subject     string
	importance  string
	forwards    *forwarded
	mentions    []*User
	all         bool
	attachments []File
	pictures    [][]byte
	snippets    []snippet
	quotes      []string
	keepRest    bool
}

// Plain says that the text is plain text, not HTML.
func Plain() SayOption { return func(o *saying) { o.plain = true } }

// At dates a message back.
func At(t time.Time) SayOption { return func(o *saying) { o.at = t } }

// Subject gives a root message its title.
func Subject(text string) SayOption { return func(o *saying) { o.subject = text } }

// Important gives a message an importance: "high" or "urgent".
func Important(level string) SayOption { return func(o *saying) { o.importance = level } }

// forwarded is a message of somebody's, as HTML, that somebody else shows.
type forwarded struct{ author, html string }

// Forwarding shows above the text what somebody has said elsewhere.
func Forwarding(author, html string) SayOption {
	return func(o *saying) { o.forwards = &forwarded{author, html} }
}

// forward puts a forwarded message above the text. What is in such an attachment is on no page of the documentation: it is what the programs write.
func (body *content) forward(f forwarded) {
	card, err := json.Marshal(map[string]any{"originalMessageId": "1", "originalMessageContent": f.html,
		"originalMessageSender": map[string]any{"user": map[string]any{"displayName": f.author}}})
	if err != nil {
		panic(err) // texts can be encoded
	}
	body.attachments = append(body.attachments, attachmentJSON{ID: "forwarded", ContentType: ptr("forwardedMessageReference"), Content: ptr(string(card))})
	body.text = `<attachment id="forwarded"></attachment>` + body.text
}

// Mentioning lists the people whom <at id="0">…</at>, <at id="1">…</at> and so on stand for.
func Mentioning(users ...*User) SayOption { return func(o *saying) { o.mentions = users } }

// MentioningAll has <at id="N">…</at> stand for the whole channel or chat, where N counts on from those of Mentioning.
func MentioningAll() SayOption { return func(o *saying) { o.all = true } }

// File is a shared file as a message refers to it.
type File struct{ ID, Name, URL string }

// WithFiles attaches references to files; each one gets its <attachment> at the end of the text.
func WithFiles(files ...File) SayOption { return func(o *saying) { o.attachments = files } }

// WithPictures puts PNG pictures behind the text, as when somebody pastes them.
func WithPictures(pictures ...[]byte) SayOption { return func(o *saying) { o.pictures = pictures } }

// snippet is a piece of code.
type snippet struct{ language, code string }

// WithSnippet puts a piece of code behind the text, as the programs do with long ones.
func WithSnippet(language, code string) SayOption {
	return func(o *saying) { o.snippets = append(o.snippets, snippet{language, code}) }
}

// enclose makes hosted contents of pieces of code, and cards that name them.
func (m *message) enclose(snippets []snippet) {
	for n, one := range snippets {
		h := hosted{id: newSecret("aWQ9"), contentType: "text/plain", data: []byte(one.code), placed: true}
		m.content.hosted = append(m.content.hosted, h)
		id := fmt.Sprintf("code%d", n)
		card, err := json.Marshal(map[string]string{"name": "snippet", "language": one.language, "codeSnippetUrl": m.hostedAddress(h)})
		if err != nil {
			panic(err) // texts can be encoded
		}
		m.content.attachments = append(m.content.attachments, attachmentJSON{ID: id, ContentType: ptr("application/vnd.microsoft.card.codesnippet"), Content: ptr(string(card))})
		m.content.text += `<attachment id="` + id + `"></attachment>`
	}
}

// hostedAddress is where a hosted content lies.
func (m *message) hostedAddress(h hosted) string {
	path := m.channel.path() + "/messages/" + m.thread().textID()
	if m.root != nil {
		path += "/replies/" + m.textID()
	}
	return "https://graph.microsoft.com/v1.0" + path + "/hostedContents/" + h.id + "/$value"
}

// paste makes hosted contents of pictures.
func (m *message) paste(pictures [][]byte) {
	for _, data := range pictures {
		h := hosted{id: newSecret("aWQ9"), contentType: "image/png", data: data, placed: true}
		m.content.hosted = append(m.content.hosted, h)
		m.content.text += `<p><img src="` + m.hostedAddress(h) + `" alt="image"></p>`
	}
}

// Quoting makes it an answer to messages of the same chat, as the programs do it: by a reference to each above the text.
func Quoting(ids ...string) SayOption { return func(o *saying) { o.quotes = ids } }

// KeepingRest leaves in an edited message what stands beside its words, as Teams' own programs do: what it answers, its files and pictures.
func KeepingRest() SayOption { return func(o *saying) { o.keepRest = true } }

// keep takes over what stands beside the words of an older content.
func (body *content) keep(old content) {
	for _, h := range old.hosted {
		body.text += "<p>" + regexp.MustCompile(`<img [^>]*/hostedContents/`+regexp.QuoteMeta(h.id)+`/[^>]*>`).FindString(old.text) + "</p>"
	}
	body.hosted = append(body.hosted, old.hosted...)
	quotes := old.quotes()
	for _, a := range old.attachments {
		if !slices.ContainsFunc(quotes, func(q attachmentJSON) bool { return q.ID == a.ID }) {
			body.text += `<attachment id="` + a.ID + `"></attachment>`
			body.attachments = append(body.attachments, a)
		}
	}
	body.answer(quotes)
}
