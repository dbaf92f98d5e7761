package mattermost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

const (
	// filesPerPost is how many files a post can show (model.PostFileidsMaxRunes).
	filesPerPost = 10
	// smallFile is up to where a file goes in one request. The first part of a resumable upload needs 5 MiB on the server.
	smallFile = 5 << 20
	// uploadPart is how much one request of a resumable upload carries.
	uploadPart = 8 << 20
	// partTimeout is how long one part may take.
	partTimeout = 15 * time.Minute
	// longestFileName in characters; the server's column has 256.
	longestFileName = 200
)

// Open reads a file from a byte on.
func (a *account) Open(ctx context.Context, c bridge.ConversationID, f bridge.File, offset int64) (io.ReadCloser, bridge.File, error) {
	channel, err := a.channelOf(c)
	if err != nil {
		return nil, f, err
	}
	if !model.IsValidId(f.ID) {
		return nil, f, gone("opening a file: there is no file %q", f.ID)
	}
	if f.Size >= 0 && offset >= f.Size { // of nothing there is no range
		return io.NopCloser(strings.NewReader("")), f, nil
	}
	headers := map[string]string{"Range": fmt.Sprintf("bytes=%d-", offset), "Accept-Encoding": "identity"}
	var answer *http.Response
	err = a.reading(ctx, channel, func(by *client) (err error) {
		answer, err = by.send(ctx, opRead, http.MethodGet, by.APIURL+"/files/"+f.ID, "", headers)
		return err
	})
	if err != nil {
		return nil, f, fmt.Errorf("opening a file: %w", err)
	}
	size := answer.ContentLength
	if answer.StatusCode == http.StatusPartialContent {
		size += offset
	} else if _, err := io.CopyN(io.Discard, answer.Body, offset); err != nil { // the server's storage knows no ranges
		answer.Body.Close()
		return nil, f, &bridge.Error{Err: fmt.Errorf("opening a file: %w", err)}
	}
	if f.Size < 0 {
		f.Size = size
	}
	if f.Type == "" {
		f.Type = answer.Header.Get("Content-Type")
	}
	return answer.Body, f, nil
}

func rejectedFile(why string) error {
	return &bridge.Error{Kind: bridge.Rejected, Err: errors.New("uploading a file: " + why), Hint: why}
}

// Upload carries a file into a channel: a small one in one request, a larger one in parts, which the server remembers.
func (a *account) Upload(ctx context.Context, u bridge.Upload) (bridge.File, error) {
	channel, err := a.channelOf(u.Conversation)
	if err != nil {
		return bridge.File{}, err
	}
	_, config, err := a.fresh(ctx)
	if err != nil {
		return bridge.File{}, err
	}
	switch {
	case config.noFiles:
		return bridge.File{}, rejectedFile("files are switched off on that Mattermost server")
	case config.maxFile > 0 && u.File.Size > config.maxFile:
		return bridge.File{}, rejectedFile(fmt.Sprintf("it is larger than the %d MB that Mattermost takes there", config.maxFile>>20))
	}
	u.File.Name = fileName(u.File.Name)
	var info model.FileInfo
	err = a.by(ctx, u.As, func(c *client, user string) (err error) {
		if u.File.Size <= smallFile {
			info, err = c.uploadWhole(ctx, channel, u)
		} else {
			info, err = c.uploadParts(ctx, channel, u)
		}
		err = a.explain(ctx, c, err, channel, "")
		if u.As == "" {
			return a.doubtOfBot(ctx, err, user, channel, model.PermissionUploadFile)
		}
		return a.doubt(ctx, err, u.As, channel, model.PermissionUploadFile)
	})
	if err != nil {
		return bridge.File{}, fmt.Errorf("uploading a file: %w", err)
	}
	if !model.IsValidId(info.Id) || info.Size != u.File.Size {
		return bridge.File{}, &bridge.Error{Err: fmt.Errorf("uploading a file: %d bytes have arrived of %d", info.Size, u.File.Size)}
	}
	return bridge.File{ID: info.Id, Name: info.Name, Size: info.Size, Type: info.MimeType, URL: fileURL(config.site, info.Id)}, nil
}

// fileName is a name that the server takes as it is: it keeps what stands behind the last slash.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || unicode.IsControl(r) {
			return '_'
		}
		return r
	}, name)
	if name == "" || name == "." || name == ".." {
		return "file"
	}
	if runes(name) > longestFileName {
		end := clip(path.Ext(name), 20)
		name = clip(name, longestFileName-runes(end)) + end
	}
	return name
}

// uploadWhole sends a file in one request.
func (c *client) uploadWhole(ctx context.Context, channel string, u bridge.Upload) (info model.FileInfo, err error) {
	body, err := u.Open(ctx, 0)
	if err != nil {
		return info, err
	}
	defer body.Close()
	length := u.File.Size
	if length == 0 {
		length = -1 // the server refuses a body of which it is told that it is empty
	}
	var made model.FileUploadResponse
	query := url.Values{"channel_id": {channel}, "filename": {u.File.Name}}
	if err := c.stream(ctx, "/files?"+query.Encode(), body, length, &made); err != nil {
		return info, err
	}
	if len(made.FileInfos) != 1 {
		return info, unreadable(opPost, errors.New("it describes no file"))
	}
	return *made.FileInfos[0], nil
}

// uploadParts sends a file part by part, from where an earlier attempt has come to.
func (c *client) uploadParts(ctx context.Context, channel string, u bridge.Upload) (info model.FileInfo, err error) {
	session, err := c.session(ctx, channel, u)
	if err != nil {
		return info, err
	}
	body, err := u.Open(ctx, session.FileOffset)
	if err != nil {
		return info, err
	}
	defer body.Close()
	for offset := session.FileOffset; offset < u.File.Size; {
		n := min(uploadPart, u.File.Size-offset)
		if err := c.stream(ctx, "/uploads/"+session.Id, io.LimitReader(body, n), n, &info); err != nil {
			return info, err
		}
		offset += n
	}
	return info, nil
}

// session gives the resumable upload that was begun before, when the server still knows it, or a new one.
func (c *client) session(ctx context.Context, channel string, u bridge.Upload) (s model.UploadSession, err error) {
	if model.IsValidId(u.Resume) {
		err := c.get(ctx, "/uploads/"+u.Resume, &s)
		switch kind := bridge.KindOf(err); {
		case err == nil && s.ChannelId == channel && s.FileSize == u.File.Size && s.FileOffset < s.FileSize:
			return s, nil
		case err != nil && kind != bridge.Gone && kind != bridge.Rejected && !forbidden(err):
			return s, err
		}
	}
	wanted := map[string]any{"channel_id": channel, "filename": u.File.Name, "file_size": u.File.Size}
	s = model.UploadSession{}
	if _, err := c.call(ctx, opPost, http.MethodPost, "/uploads", wanted, &s); err != nil {
		return s, err
	}
	if !model.IsValidId(s.Id) {
		return s, unreadable(opPost, errors.New("it names no upload"))
	}
	return s, u.Progress(ctx, s.Id)
}

// source remembers why a body could not be read, which the HTTP client hides.
type source struct {
	io.Reader
	failed atomic.Pointer[error]
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && err != io.EOF {
		s.failed.Store(&err)
	}
	return n, err
}

// stream sends a body of a length, -1 for unknown, to path below /api/v4 and reads the answer into out.
func (c *client) stream(ctx context.Context, path string, body io.Reader, length int64, out any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, partTimeout, fmt.Errorf("no answer within %v", partTimeout))
	defer cancel()
	var sent atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	from := &source{Reader: body}
	r, err := http.NewRequestWithContext(traced, http.MethodPost, c.APIURL+path, from)
	if err != nil {
		return fmt.Errorf("forming the request: %w", err)
	}
	r.ContentLength = length
	r.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	r.Header.Set("Content-Type", "application/octet-stream")
	answer, err := c.uploads.Do(r)
	c.count(r.Method, c.APIURL+path, answer)
	if failed := from.failed.Load(); failed != nil {
		if err == nil {
			answer.Body.Close()
		}
		return *failed
	}
	if err != nil {
		return c.unanswered(opPost, sent.Load(), because(ctx, plain(err)))
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusMultipleChoices {
		return c.refused(opPost, answer, model.AppErrorFromJSON(answer.Body))
	}
	if answer.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := json.NewDecoder(answer.Body).Decode(out); err != nil {
		return unreadable(opPost, because(ctx, err))
	}
	return nil
}

// fileIDs are those of a draft's files.
func fileIDs(d bridge.Draft) []string {
	ids := []string{}
	for _, f := range d.Files {
		ids = append(ids, f.ID)
	}
	return ids
}

// missingFiles gives the files that a post should show and does not. The server leaves out, without a word, what was not uploaded by
// who posts, stands in another post, or is gone.
func missingFiles(d bridge.Draft, post *model.Post) []string {
	return slices.DeleteFunc(fileIDs(d), func(id string) bool { return slices.Contains(post.FileIds, id) })
}

func lacksFiles(missing []string) error {
	return &bridge.Error{Kind: bridge.Rejected, Files: missing, Err: errors.New("the server has left out files that are not there any more, or belong to somebody else")}
}
