package msteams

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"

	"github.com/microsoftgraph/msgraph-sdk-go/models"
	nethtml "golang.org/x/net/html"

	"causeway/bridge"
	"causeway/bridge/richtext"
	richhtml "causeway/bridge/richtext/html"
)

const (
	// filesPerPost is how many files a post shows: as many as Teams' own programs attach.
	filesPerPost = 10
	// fileTags is about how many bytes a file takes in a post, besides its name and address.
	fileTags = 200
)

// body is the part of a message that is written: its text, the pictures in it, the files that it refers to, and the key. present are
// the pictures that the message shows already, by their descriptions.
func body(ctx context.Context, d bridge.Draft, present map[string]string) (models.ChatMessageable, error) {
	m := models.NewChatMessage()
	words, level := unmarked(d)
	if level != richtext.Normal {
		m.SetImportance(pointer(importances[level]))
	}
	text, calls := called(d.Conversation, shown(d, words))
	var hosted []models.ChatMessageHostedContentable
	var attached []models.ChatMessageAttachmentable
	for _, f := range d.Files {
		if isInText(f) {
			source, known := present[f.Name]
			if !known {
				one, err := hostedPicture(ctx, d, f, len(hosted)+1)
				if err != nil {
					return nil, err
				}
				hosted = append(hosted, one)
				source = fmt.Sprintf("../hostedContents/%d/$value", len(hosted))
			}
			text += `<p><img src="` + html.EscapeString(source) + `" alt="` + html.EscapeString(f.Name) + `"></p>`
			continue
		}
		_, id, ok := storedItem(f)
		if !ok {
			return nil, &bridge.Error{Kind: bridge.Rejected, Files: []string{f.ID}, Err: fmt.Errorf("%q is no file of this account", f.ID)}
		}
		one := models.NewChatMessageAttachment()
		one.SetId(&id)
		one.SetContentType(pointer(fileReference))
		one.SetContentUrl(&f.URL)
		one.SetName(&f.Name)
		attached = append(attached, one)
		text += `<attachment id="` + id + `"></attachment>`
	}
	content := models.NewItemBody()
	content.SetContentType(pointer(models.HTML_BODYTYPE))
	content.SetContent(pointer(text + richhtml.RenderWithKey(nil, string(d.Key))))
	m.SetBody(content)
	if len(calls) > 0 {
		m.SetMentions(calls)
	}
	if attached != nil {
		m.SetAttachments(attached)
	}
	if hosted != nil {
		m.SetHostedContents(hosted)
	}
	return m, nil
}

// hostedPicture reads a picture at its origin, to go along with the message.
func hostedPicture(ctx context.Context, d bridge.Draft, f bridge.File, n int) (models.ChatMessageHostedContentable, error) {
	if d.Open == nil {
		return nil, &bridge.Error{Kind: bridge.Rejected, Files: []string{f.ID}, Err: errors.New("a picture cannot be read at its origin")}
	}
	var data []byte
	source, err := d.Open(ctx, f)
	if err == nil {
		data, err = io.ReadAll(io.LimitReader(source, pictureLimit+1))
		source.Close()
	}
	switch kind := bridge.KindOf(err); {
	case err == nil && int64(len(data)) != f.Size:
		err = errors.New("it has changed meanwhile")
		return nil, &bridge.Error{Kind: bridge.Rejected, Files: []string{f.ID}, Err: fmt.Errorf("reading a picture: %w", err)}
	case err != nil && kind != bridge.Transient && kind != bridge.Throttled && kind != bridge.Uncertain:
		return nil, &bridge.Error{Kind: bridge.Rejected, Files: []string{f.ID}, Err: fmt.Errorf("reading a picture: %w", err)}
	case err != nil:
		return nil, &bridge.Error{Err: fmt.Errorf("reading a picture: %w", err)}
	}
	one := models.NewChatMessageHostedContent()
	one.SetContentBytes(data)
	one.SetContentType(&f.Type)
	one.SetAdditionalData(map[string]any{"@microsoft.graph.temporaryId": fmt.Sprint(n)})
	return one, nil
}

// changedBody is how a post of Causeway's is changed. An edit replaces the body with all that it refers to, so the pictures that it
// shows already are named as the message names them.
func (a *account) changedBody(ctx context.Context, id bridge.MessageID, d bridge.Draft) (models.ChatMessageable, error) {
	b, err := a.changedFiles(ctx, id, d)
	if err == nil && b.GetMentions() == nil {
		b.SetMentions([]models.ChatMessageMentionable{})
	}
	return b, err
}

func (a *account) changedFiles(ctx context.Context, id bridge.MessageID, d bridge.Draft) (models.ChatMessageable, error) {
	if !slices.ContainsFunc(d.Files, isInText) {
		b, err := body(ctx, d, nil)
		if err != nil {
			return nil, err
		}
		if len(d.Files) == 0 {
			b.SetAttachments([]models.ChatMessageAttachmentable{})
		}
		return b, nil
	}
	m, err := a.message(ctx, d.Conversation, id)
	if err != nil {
		return nil, err
	}
	if versionOf(m).deleted {
		return nil, &bridge.Error{Kind: bridge.Gone, Err: errors.New("it is deleted")}
	}
	return body(ctx, d, picturesByName(m))
}

// picturesByName gives the addresses of the pictures that a message shows, by their descriptions.
func picturesByName(m models.ChatMessageable) map[string]string {
	all := map[string]string{}
	if m.GetBody() == nil {
		return all
	}
	tokens := nethtml.NewTokenizer(strings.NewReader(value(m.GetBody().GetContent())))
	for {
		switch tokens.Next() {
		case nethtml.ErrorToken:
			return all
		case nethtml.StartTagToken, nethtml.SelfClosingTagToken:
			t := tokens.Token()
			var source, name string
			for _, at := range t.Attr {
				switch at.Key {
				case "src":
					source = at.Val
				case "alt":
					name = at.Val
				}
			}
			if t.Data == "img" && hostedContent(source) != "" {
				all[name] = source
			}
		}
	}
}
