package msteams

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"causeway/bridge"
)

// driveItem is what counts of a file or folder in SharePoint or OneDrive.
type driveItem struct {
	ID        string `json:"id"`
	ETag      string `json:"eTag"`
	Name      string `json:"name"`
	Size      int64  `json:"size"`
	WebURL    string `json:"webUrl"`
	Created   string `json:"createdDateTime"`
	CreatedBy struct {
		User struct {
			ID string `json:"id"`
		} `json:"user"`
	} `json:"createdBy"`
	Parent struct {
		Drive string `json:"driveId"`
		ID    string `json:"id"`
	} `json:"parentReference"`
	File *struct {
		Type string `json:"mimeType"`
	} `json:"file"`
	// Download gives the bytes to whoever knows it, for a while.
	Download string `json:"@microsoft.graph.downloadUrl"`
}

// guid gives the one in the eTag, "\"{GUID},1\"", by which messages refer to the file.
func (i driveItem) guid() string {
	_, rest, _ := strings.Cut(i.ETag, "{")
	id, _, _ := strings.Cut(rest, "}")
	if !guid.MatchString(id) {
		return ""
	}
	return strings.ToLower(id)
}

// largestPicture is how much of a picture in a text is read at most: Graph takes 4 MB.
const largestPicture = 8 << 20

// Open reads a picture that stands in a message's text, or a file of the channel that a message refers to.
func (a *account) Open(ctx context.Context, c bridge.ConversationID, f bridge.File, offset int64) (io.ReadCloser, bridge.File, error) {
	kind, rest, _ := strings.Cut(f.ID, ":")
	message, content, ok := strings.Cut(rest, ":")
	switch {
	case ok && kind == inlinePicture:
		return a.openPicture(ctx, c, f, bridge.MessageID(message), content, offset)
	case ok && kind == attachedFile && guid.MatchString(content):
		return a.openFile(ctx, c, bridge.MessageID(message), f, offset)
	}
	return nil, f, &bridge.Error{Kind: bridge.Gone, Err: fmt.Errorf("opening a file: %q is no file id", f.ID)}
}

// openPicture reads a picture. Graph does not promise to say how large it is, so it is read before; it is small.
func (a *account) openPicture(ctx context.Context, c bridge.ConversationID, f bridge.File, message bridge.MessageID, content string, offset int64) (io.ReadCloser, bridge.File, error) {
	if a.lacks(appPictures) {
		return nil, f, lacking("opening a picture")
	}
	p, err := a.messagePlace(c, message)
	if err != nil {
		return nil, f, err
	}
	p.content = content
	op := showing.at(p)
	body, err := a.app.download(ctx, op, p)
	if err != nil {
		return nil, f, err
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, largestPicture+1))
	switch {
	case err != nil:
		return nil, f, &bridge.Error{Err: fmt.Errorf("%s: %w", op.Doing, err)}
	case len(data) > largestPicture:
		return nil, f, &bridge.Error{Kind: bridge.Unsupported, Hint: "the picture is too large", Err: fmt.Errorf("%s: it has more than %d bytes", op.Doing, largestPicture)}
	}
	f.Size, f.Type = int64(len(data)), body.kind
	if f.Type == "" || f.Type == "application/octet-stream" {
		f.Type = http.DetectContentType(data)
	}
	return io.NopCloser(bytes.NewReader(data[min(offset, f.Size):])), f, nil
}

// shareOf is how /shares names what lies at an address.
func shareOf(address string) string {
	return "u!" + base64.RawURLEncoding.EncodeToString([]byte(address))
}

// openFile reads a file that a message refers to. In a channel it must lie in the channel's folder or be the author's own work: everybody can name
// any address, and the relay account reads more than who names it may, such as folders of the team that are not open to all.
func (a *account) openFile(ctx context.Context, c bridge.ConversationID, message bridge.MessageID, f bridge.File, offset int64) (io.ReadCloser, bridge.File, error) {
	if !a.carriesFiles() {
		return nil, f, &bridge.Error{Kind: bridge.Unsupported, Err: errors.New("opening a file: NoFiles is set")}
	}
	if inChat(c) {
		m, err := a.message(ctx, c, message)
		if err != nil {
			return nil, f, err
		}
		members, err := a.Members(ctx, c)
		if err != nil {
			return nil, f, err
		}
		return a.openInChat(ctx, f, offset, a.author(ctx, m.GetFrom()).ID, members)
	}
	folder, err := a.folder(ctx, a.relay, c)
	if err != nil {
		return nil, f, err
	}
	var item driveItem
	if err := a.relay.exchange(ctx, opShared, place{share: shareOf(f.URL)}, nil, &item); err != nil {
		return nil, f, err
	}
	switch of, err := a.ofChannel(ctx, c, message, item, folder); {
	case err != nil:
		return nil, f, err
	case !of:
		return nil, f, &bridge.Error{Kind: bridge.Unsupported, Hint: "it does not lie among the files of this channel", Err: errors.New("opening a file: it lies elsewhere")}
	}
	return a.openItem(ctx, item, f, offset)
}

// ofChannel tells whether a file lies in the channel's folder, or beside it and was made by the author of the message that refers to it.
func (a *account) ofChannel(ctx context.Context, c bridge.ConversationID, message bridge.MessageID, item, folder driveItem) (bool, error) {
	if item.Parent.Drive != folder.Parent.Drive {
		return false, nil
	}
	if below, err := a.below(ctx, item, folder); below || err != nil {
		return below, err
	}
	if item.CreatedBy.User.ID == "" {
		return false, nil
	}
	m, err := a.message(ctx, c, message)
	if err != nil {
		return false, err
	}
	from := m.GetFrom()
	return from != nil && from.GetUser() != nil && strings.EqualFold(value(from.GetUser().GetId()), item.CreatedBy.User.ID), nil
}

// deepest is how many folders lie in one another at most: a path has no more than 400 characters (page "Restrictions and limitations in OneDrive and
// SharePoint").
const deepest = 200

// below tells whether an item lies in a folder of its drive, or in one below that. It goes from parent to parent by their ids, as an address can be
// written in many ways. What cannot be seen on the way lies elsewhere.
func (a *account) below(ctx context.Context, item, folder driveItem) (bool, error) {
	for range deepest {
		switch {
		case item.Parent.ID == folder.ID:
			return true, nil
		case item.Parent.ID == "" || item.Parent.Drive != folder.Parent.Drive:
			return false, nil
		}
		p := place{drive: folder.Parent.Drive, item: item.Parent.ID}
		item = driveItem{}
		err := a.relay.exchange(ctx, opItem, p, nil, &item)
		switch kind := bridge.KindOf(err); {
		case err != nil && (kind == bridge.Gone || kind == bridge.Unauthorised && bridge.ScopeOf(err) == bridge.ScopeConversation):
			return false, nil
		case err != nil:
			return false, err
		case item.ID != p.item: // another one would say nothing of this
			return false, nil
		}
	}
	return false, nil
}

// openItem reads a file that has been found.
func (a *account) openItem(ctx context.Context, item driveItem, f bridge.File, offset int64) (io.ReadCloser, bridge.File, error) {
	switch {
	case item.File == nil || item.Download == "":
		return nil, f, &bridge.Error{Kind: bridge.Unsupported, Hint: "it is no file that can be copied", Err: errors.New("opening a file: it is a folder or the like")}
	}
	f.Size = item.Size
	if f.Type = item.File.Type; offset >= item.Size {
		return io.NopCloser(strings.NewReader("")), f, nil
	}
	body, err := a.fetch(ctx, item.Download, offset)
	return body, f, err
}

// fetch reads what lies at a pre-authorised address, from a byte on. The address gives access: it stands in no error.
func (a *account) fetch(ctx context.Context, address string, offset int64) (io.ReadCloser, error) {
	answer, err := a.bytesAt(ctx, opFetch, http.MethodGet, address, nil, 0, map[string]string{"Range": fmt.Sprintf("bytes=%d-", offset)})
	if err != nil {
		return nil, err
	}
	if answer.StatusCode == http.StatusOK {
		if _, err := io.CopyN(io.Discard, answer.Body, offset); err != nil {
			answer.Body.Close()
			return nil, &bridge.Error{Err: fmt.Errorf("%s: %w", opFetch.Doing, err)}
		}
	}
	return answer.Body, nil
}

// folder gives the folder in which the files of a channel lie, or of a chat those of who calls.
func (a *account) folder(ctx context.Context, who *client, c bridge.ConversationID) (driveItem, error) {
	if inChat(c) {
		return a.chatFolder(ctx, who)
	}
	if known, ok := a.folders.Get(c); ok {
		return known, nil
	}
	p, err := a.channelPlace(c)
	if err != nil {
		return driveItem{}, err
	}
	var folder driveItem
	if err := who.exchange(ctx, opFolder, p, nil, &folder); err != nil {
		if bridge.KindOf(err) == bridge.Gone {
			err = &bridge.Error{Kind: bridge.Rejected, Hint: "the channel has no folder for files yet: somebody must open its tab Files once", Err: err}
		}
		return driveItem{}, err
	}
	if folder.ID == "" || folder.Parent.Drive == "" || folder.WebURL == "" {
		return driveItem{}, &bridge.Error{Err: fmt.Errorf("%s: the answer describes no folder", opFolder.Doing)}
	}
	a.folders.Add(c, folder)
	return folder, nil
}

// carriesFiles: there is the permission to.
func (a *account) carriesFiles() bool { return !a.settings.NoFiles }

// addressIn gives the address of a file by its folder's: what Graph calls webUrl opens documents in an editor.
func (i driveItem) addressIn(folder driveItem) string {
	return strings.TrimRight(folder.WebURL, "/") + "/" + url.PathEscape(i.Name)
}
