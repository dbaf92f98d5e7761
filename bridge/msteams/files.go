package msteams

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"causeway/bridge"
)

// Open reads a picture that stands in a message's text. Files in SharePoint need a permission that this version does
// not ask for.
func (a *account) Open(ctx context.Context, c bridge.ConversationID, f bridge.File) (io.ReadCloser, error) {
	kind, rest, _ := strings.Cut(f.ID, ":")
	message, content, ok := strings.Cut(rest, ":")
	switch {
	case !ok:
		return nil, &bridge.Error{Kind: bridge.Gone, Err: fmt.Errorf("opening a file: %q is no file id", f.ID)}
	case kind != inlinePicture:
		return nil, &bridge.Error{Kind: bridge.Unsupported, Err: errors.New("opening a file: files in SharePoint cannot be read yet")}
	}
	if a.lacks(appPictures) {
		return nil, lacking("opening a picture")
	}
	p, err := a.messagePlace(c, bridge.MessageID(message))
	if err != nil {
		return nil, err
	}
	p.content = content
	return a.app.download(ctx, showing.at(p), p)
}
