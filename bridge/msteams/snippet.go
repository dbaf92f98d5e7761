package msteams

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/microsoftgraph/msgraph-sdk-go/models"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

const (
	// codeSnippet is the type of an attachment that is a piece of code (page "chatMessageAttachment resource type"). Its content is JSON in a text, as the
	// programs write it: language, name, and where the code lies among the hosted contents of the message.
	codeSnippet = "application/vnd.microsoft.card.codesnippet"
	// longestSnippet is how much code stands in a text, in bytes; more is a file.
	longestSnippet = 64 << 10
	// snippetTime is how long the code is waited for. What is not there by then is a file, which can wait.
	snippetTime = 10 * time.Second
)

// snippets reads the code of a message's snippets: by the ids of their attachments what stands in its text, and those that do not as files. unread is why
// one of these cannot be read now, although it may be later.
func (a *account) snippets(ctx context.Context, c bridge.ConversationID, m models.ChatMessageable) (code map[string]richtext.Block, rest []bridge.File, unread error) {
	for _, t := range m.GetAttachments() {
		if value(t.GetContentType()) != codeSnippet || a.lacks(appPictures) {
			continue
		}
		var in struct {
			Name     string `json:"name"`
			Language string `json:"language"`
			Address  string `json:"codeSnippetUrl"`
		}
		_ = json.Unmarshal([]byte(value(t.GetContent())), &in) // what cannot be read is a line that says so
		id := hostedContent(in.Address)
		if id == "" {
			continue
		}
		f := bridge.File{ID: fileID(inlinePicture, idOf(m), id), Name: nonempty(in.Name, nonempty(value(t.GetName()), "code")) + ".txt", Size: -1, URL: value(m.GetWebUrl())}
		text, ok, err := a.readSnippet(ctx, c, f)
		if err != nil && unread == nil && !lasts(err) {
			unread = err
		}
		if !ok {
			rest = append(rest, f)
			continue
		}
		if code == nil {
			code = map[string]richtext.Block{}
		}
		code[value(t.GetId())] = richtext.Block{Kind: richtext.Code, Language: strings.ToLower(in.Language), Text: text}
	}
	return code, rest, unread
}

// lasts tells the errors that are the same at every further attempt.
func lasts(err error) bool {
	var e *bridge.Error
	return errors.As(err, &e) && (e.Kind == bridge.Gone || e.Kind == bridge.Rejected || e.Kind == bridge.Unsupported)
}

// readSnippet gives the text of a snippet; false when it is none, is long, or, with the error, is not there now.
func (a *account) readSnippet(ctx context.Context, c bridge.ConversationID, f bridge.File) (string, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, snippetTime)
	defer cancel()
	body, _, err := a.Open(ctx, c, f, 0)
	if err != nil {
		a.log.WithError(err).WithField("conversation", c.String()).Info("a code snippet cannot be read now; it is carried as a file")
		return "", false, err
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, longestSnippet+1))
	if err != nil || len(text) > longestSnippet || !utf8.Valid(text) || strings.TrimSpace(string(text)) == "" {
		return "", false, err
	}
	return strings.TrimRight(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n"), true, nil
}
