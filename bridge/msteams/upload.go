package msteams

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"causeway/bridge"
)

const (
	// largestFile is what SharePoint takes.
	largestFile = 250 << 30
	// smallFile is up to where a file goes in one request; Graph takes 250 MB, but such a request cannot go on where it was cut.
	smallFile = 4 << 20
	// fragment is what one request of an upload session carries: a multiple of 320 KiB, of the 5 to 10 MiB that Microsoft recommends.
	fragment = 32 * (320 << 10)
	// transferTimeout is how long one request with bytes may take.
	transferTimeout = 15 * time.Minute
	// namesTried is how many names a file gets when there are others of its name.
	namesTried = 100
)

// The forms of ids that Upload gives: a file in a drive, and a picture that goes into the text together with the post.
const (
	storedFile   = "item"
	comingAlong  = "picture-of"
	pictureLimit = 1 << 20
	// picturesLimit is of all pictures of a post: a request may have 4 MB, and base64 makes four bytes of three.
	picturesLimit = 5 << 19
)

// pictureTypes can stand in a text.
var pictureTypes = []string{"image/png", "image/jpeg", "image/gif"}

// resumption is how an upload goes on.
type resumption struct {
	// Name in the folder, By whom, and Since when, in Unix milliseconds, it was tried: what lies there under this name since then is ours.
	Name  string `json:"name"`
	By    string `json:"by"`
	Since int64  `json:"since"`
	// Session is the address of the upload session; empty for a small file. It gives access.
	Session string `json:"session,omitempty"`
}

// Upload carries a file into the folder of a channel, or for a chat into the OneDrive of who writes, so that messages can refer to it. Small
// pictures come along with the post.
func (a *account) Upload(ctx context.Context, u bridge.Upload) (bridge.File, error) {
	if !a.carriesFiles() {
		return bridge.File{}, &bridge.Error{Kind: bridge.Unsupported, Err: errors.New("uploading a file: NoFiles is set")}
	}
	if u.File.Size > largestFile {
		const why = "it is larger than the 250 GB that Teams takes"
		return bridge.File{}, &bridge.Error{Kind: bridge.Rejected, Hint: why, Err: errors.New("uploading a file: " + why)}
	}
	if f, ok := inText(u); ok {
		return f, nil
	}
	who, err := a.writer(u.As)
	if err != nil {
		return bridge.File{}, err
	}
	f, err := a.store(ctx, who, u)
	if u.As != "" && !inChat(u.Conversation) && notAsThem(err) { // whose the file is does not matter to the message: the relay account can store it
		who = a.relay
		f, err = a.store(ctx, who, u)
	}
	if missing := who.tokens.lacks(writeFiles); missing != "" && notAsThem(err) { // the message itself can go out as it should
		err = &bridge.Error{Kind: bridge.Rejected, Hint: "Causeway has not been allowed to store files: grant the delegated permission " + missing + " to its app in Entra, with admin consent", Err: errors.Unwrap(err)}
	}
	if inChat(u.Conversation) {
		err = onlyTheFile(err)
	}
	var answer *answerError
	if errors.As(err, &answer) && answer.status == http.StatusInsufficientStorage { // waiting for room would hold up all that is said after it
		err = &bridge.Error{Kind: bridge.Rejected, Hint: "there is no room left where Teams keeps such files", Trace: answer.trace(), Err: errors.Unwrap(err)}
	}
	return f, err
}

// notAsThem: a person may not do that with their files, which says nothing of them otherwise.
func notAsThem(err error) bool {
	var answer *answerError
	return errors.As(err, &answer) && answer.status == http.StatusForbidden
}

// inText decides whether a file goes into the text of the post, and gives what stands for it. Its name is that of no other one
// there, since a picture in a text is known by its description alone.
func inText(u bridge.Upload) (bridge.File, bool) {
	kind, _, _ := strings.Cut(u.File.Type, ";")
	if !slices.Contains(pictureTypes, strings.TrimSpace(kind)) || u.File.Size == 0 || u.File.Size > pictureLimit {
		return bridge.File{}, false
	}
	total := u.File.Size
	var names []string
	for _, f := range u.Beside {
		if isInText(f) {
			total += f.Size
			names = append(names, f.Name)
		}
	}
	if total > picturesLimit {
		return bridge.File{}, false
	}
	sum := sha256.Sum256([]byte(u.File.ID))
	f := bridge.File{ID: comingAlong + ":" + hex.EncodeToString(sum[:12]), Name: cmp.Or(u.File.Name, "picture"), Size: u.File.Size, Type: strings.TrimSpace(kind)}
	for n := 2; slices.Contains(names, f.Name); n++ {
		f.Name = numbered(cmp.Or(u.File.Name, "picture"), n)
	}
	return f, true
}

func isInText(f bridge.File) bool { return strings.HasPrefix(f.ID, comingAlong+":") }

// numbered gives the nth name of those that a file can have.
func numbered(name string, n int) string {
	if n < 2 {
		return name
	}
	end := path.Ext(name)
	return strings.TrimSuffix(name, end) + " (" + strconv.Itoa(n) + ")" + end
}

// storedName is a name that SharePoint takes. Source: "Restrictions and limitations in OneDrive and SharePoint".
func storedName(name string) string {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`"*:<>?/\|`, r) || unicode.IsControl(r) {
			return '_'
		}
		return r
	}, name)
	name = strings.TrimRight(strings.TrimSpace(name), ". ")
	base := strings.ToUpper(strings.TrimSuffix(name, path.Ext(name)))
	reserved := slices.Contains([]string{"CON", "PRN", "AUX", "NUL", ".LOCK", "DESKTOP"}, base) || len(base) == 4 && (strings.HasPrefix(base, "COM") || strings.HasPrefix(base, "LPT"))
	switch {
	case name == "":
		return "file"
	case reserved || strings.HasPrefix(name, "~$") || strings.Contains(name, "_vti_"):
		name = "file " + strings.ReplaceAll(strings.TrimPrefix(name, "~$"), "_vti_", "_")
	}
	if r := []rune(name); len(r) > 120 { // an address may have 400 characters in all
		end := []rune(path.Ext(name))
		end = end[:min(len(end), 20)]
		name = string(r[:120-len(end)]) + string(end)
	}
	return name
}

// store carries a file into the folder for it as one account.
func (a *account) store(ctx context.Context, who *client, u bridge.Upload) (bridge.File, error) {
	folder, err := a.folder(ctx, who, u.Conversation)
	if err != nil {
		return bridge.File{}, err
	}
	up := uploading{a: a, who: who, by: string(cmp.Or(bridge.UserID(who.personID()), a.relayID())), folder: folder, Upload: u}
	item, err := up.carry(ctx)
	if err != nil {
		if bridge.KindOf(err) == bridge.Gone {
			a.folders.Remove(u.Conversation) // it may have been moved
			a.folders.Remove(a.folderKey(who))
			err = &bridge.Error{Err: err}
		}
		return bridge.File{}, err
	}
	if item.guid() == "" || item.Parent.Drive == "" {
		if err := who.exchange(ctx, opItem, place{drive: folder.Parent.Drive, item: item.ID}, nil, &item); err != nil {
			return bridge.File{}, err
		}
	}
	if item.guid() == "" {
		return bridge.File{}, &bridge.Error{Err: errors.New("uploading a file: Graph does not tell its eTag, by which messages refer to it")}
	}
	if inChat(u.Conversation) {
		if err := a.forTheChat(ctx, who, place{drive: cmp.Or(item.Parent.Drive, folder.Parent.Drive), item: item.ID}, u.Members); err != nil {
			return bridge.File{}, err
		}
	}
	return bridge.File{
		ID:   strings.Join([]string{storedFile, cmp.Or(item.Parent.Drive, folder.Parent.Drive), item.ID, item.guid()}, ":"),
		Name: item.Name, Size: item.Size, Type: u.File.Type, URL: item.addressIn(folder),
	}, nil
}

// storedItem takes the id of a stored file apart.
func storedItem(f bridge.File) (p place, id string, ok bool) {
	parts := strings.Split(f.ID, ":")
	if len(parts) != 4 || parts[0] != storedFile {
		return place{}, "", false
	}
	return place{drive: parts[1], item: parts[2]}, parts[3], true
}

// uploading is one attempt.
type uploading struct {
	a      *account
	who    *client
	by     string
	folder driveItem
	bridge.Upload
}

func (up *uploading) place(name string) place {
	return place{drive: up.folder.Parent.Drive, item: up.folder.ID, name: name}
}

// carry goes on with what an earlier attempt has begun, or begins.
func (up *uploading) carry(ctx context.Context) (driveItem, error) {
	var r resumption
	if json.Unmarshal([]byte(up.Resume), &r) == nil && r.Name != "" && r.By == up.by {
		if r.Session != "" {
			offset, there, err := up.at(ctx, r.Session)
			if err != nil {
				return driveItem{}, err
			}
			if there {
				return up.fragments(ctx, r, offset)
			}
		}
		if item, ok, err := up.settled(ctx, r); ok || err != nil {
			return item, err
		}
	}
	if up.File.Size <= smallFile {
		return up.whole(ctx)
	}
	return up.begin(ctx)
}

// settled looks whether an earlier attempt has succeeded although its answer was lost.
func (up *uploading) settled(ctx context.Context, r resumption) (driveItem, bool, error) {
	var item driveItem
	err := up.who.exchange(ctx, opItemNamed, up.place(r.Name), nil, &item)
	if bridge.KindOf(err) == bridge.Gone && err != nil {
		return item, false, nil
	}
	created, _ := time.Parse(time.RFC3339, item.Created)
	ours := item.Size == up.File.Size && strings.EqualFold(item.CreatedBy.User.ID, up.by) && !created.Before(time.UnixMilli(r.Since).Add(-clockMargin))
	return item, ours, err
}

// clockMargin is how far Microsoft's clock may be behind.
const clockMargin = 5 * time.Minute

// remember stores how to go on.
func (up *uploading) remember(ctx context.Context, r resumption) error {
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("uploading a file: %w", err)
	}
	return up.Progress(ctx, string(text))
}

// names tries names until one is free. That another file has it is said by Graph with 409.
func (up *uploading) names(try func(name string) error) error {
	var err error
	for n := 1; n <= namesTried; n++ {
		err = try(numbered(storedName(up.File.Name), n))
		var answer *answerError
		if !errors.As(err, &answer) || answer.status != http.StatusConflict {
			return err
		}
	}
	return err
}

// whole sends a small file in one request.
func (up *uploading) whole(ctx context.Context) (item driveItem, err error) {
	err = up.names(func(name string) error {
		if err := up.remember(ctx, resumption{Name: name, By: up.by, Since: time.Now().UnixMilli()}); err != nil {
			return err
		}
		body, err := up.Open(ctx, 0)
		if err != nil {
			return err
		}
		defer body.Close()
		return up.who.put(ctx, opPutFile, up.place(name), &fileBody{Reader: body, length: up.File.Size}, &item)
	})
	return item, err
}

// begin opens an upload session and sends the file.
func (up *uploading) begin(ctx context.Context) (driveItem, error) {
	r := resumption{By: up.by, Since: time.Now().UnixMilli()}
	err := up.names(func(name string) error {
		var made struct {
			Address string `json:"uploadUrl"`
		}
		wanted := map[string]any{"item": map[string]any{"@microsoft.graph.conflictBehavior": "fail", "name": name}}
		if err := up.who.exchange(ctx, opUploadSession, up.place(name), wanted, &made); err != nil {
			return err
		}
		if made.Address == "" {
			return &bridge.Error{Err: fmt.Errorf("%s: the answer names no address", opUploadSession.Doing)}
		}
		r.Name, r.Session = name, made.Address
		return nil
	})
	if err != nil {
		return driveItem{}, err
	}
	if err := up.remember(ctx, r); err != nil {
		return driveItem{}, err
	}
	return up.fragments(ctx, r, 0)
}

// at asks how far an upload session has come; false: it is over.
func (up *uploading) at(ctx context.Context, address string) (offset int64, there bool, err error) {
	answer, err := up.a.bytesAt(ctx, opUploadState, http.MethodGet, address, nil, 0, nil)
	if err != nil {
		if bridge.KindOf(err) == bridge.Gone || bridge.KindOf(err) == bridge.Rejected || bridge.KindOf(err) == bridge.Unauthorised {
			return 0, false, nil
		}
		return 0, false, err
	}
	defer answer.Body.Close()
	var state struct {
		Next []string `json:"nextExpectedRanges"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&state); err != nil {
		return 0, false, &bridge.Error{Err: fmt.Errorf("%s: %w", opUploadState.Doing, err)}
	}
	if len(state.Next) == 0 {
		return 0, false, nil
	}
	first, _, _ := strings.Cut(state.Next[0], "-")
	if offset, err = strconv.ParseInt(first, 10, 64); err != nil || offset < 0 || offset >= up.File.Size {
		return 0, false, nil
	}
	return offset, true, nil
}

// anotherPart is the code where a fragment of an earlier attempt is still being received.
const anotherPart = "resourceModified"

// fragments sends the rest of a file, fragment by fragment. What went wrong is found out by the next attempt, which asks where the
// session stands.
func (up *uploading) fragments(ctx context.Context, r resumption, offset int64) (item driveItem, err error) {
	body, err := up.Open(ctx, offset)
	if err != nil {
		return item, err
	}
	defer body.Close()
	for offset < up.File.Size {
		n := min(fragment, up.File.Size-offset)
		part := &fileBody{Reader: io.LimitReader(body, n), length: n}
		span := map[string]string{"Content-Range": fmt.Sprintf("bytes %d-%d/%d", offset, offset+n-1, up.File.Size)}
		answer, err := up.a.bytesAt(ctx, opFragment, http.MethodPut, r.Session, part, n, span)
		if err != nil {
			var refused *answerError
			if errors.As(err, &refused) && (refused.status == http.StatusConflict || refused.status == http.StatusNotFound || refused.status == http.StatusRequestedRangeNotSatisfiable) {
				if refused.status == http.StatusConflict && refused.code != anotherPart { // another file has taken the name meanwhile: it begins anew
					if err := up.Progress(ctx, ""); err != nil {
						return item, err
					}
				}
				return item, &bridge.Error{Err: err}
			}
			return item, err
		}
		if offset += n; offset < up.File.Size {
			answer.Body.Close()
			continue
		}
		err = json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&item)
		answer.Body.Close()
		if err != nil || item.ID == "" {
			return item, &bridge.Error{Err: fmt.Errorf("%s: the answer describes no file", opFragment.Doing)}
		}
	}
	return item, nil
}

// RemoveFile removes a stored file, as who has uploaded it or as the relay account.
func (a *account) RemoveFile(ctx context.Context, c bridge.ConversationID, as bridge.UserID, f bridge.File) error {
	p, _, ok := storedItem(f)
	if !ok {
		return nil // a picture in a text goes with it
	}
	who, err := a.writer(as)
	if err != nil {
		return err
	}
	err = who.exchange(ctx, opRemoveFile, p, nil, nil)
	if as != "" && err != nil && bridge.KindOf(err) != bridge.Gone {
		err = a.relay.exchange(ctx, opRemoveFile, p, nil, nil)
	}
	return err
}
