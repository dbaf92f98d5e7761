package msteams

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"causeway/bridge"
)

// Files of direct and group conversations lie in the OneDrive of who sends them, in the folder that Teams' own programs use, and are shared with
// exactly the members, who may read them (page "driveItem: invite").

// chatFolderName is what Teams' programs call that folder (observed).
const chatFolderName = "Microsoft Teams Chat Files"

// folderKey is under what the folder of somebody is remembered.
func (a *account) folderKey(who *client) bridge.ConversationID {
	return bridge.ConversationID{Server: a.server, Channel: bridge.ChannelID("files of " + who.personID())}
}

// chatFolder gives the folder for files of chats in the OneDrive of who calls, which is made where it lacks.
func (a *account) chatFolder(ctx context.Context, who *client) (driveItem, error) {
	if who.personID() == "" {
		return driveItem{}, &bridge.Error{Kind: bridge.Rejected, Hint: "in direct and group conversations files can be sent as connected people only",
			Err: errors.New("storing a file: the relay account is no member of the conversation")}
	}
	key := a.folderKey(who)
	if known, ok := a.folders.Get(key); ok {
		return known, nil
	}
	var folder driveItem
	look := func() error {
		return who.exchange(ctx, opOwnFolder, place{name: chatFolderName}, nil, &folder)
	}
	err := look()
	if bridge.KindOf(err) == bridge.Gone && err != nil {
		var drive struct {
			ID string `json:"id"`
		}
		if err = who.exchange(ctx, opOwnDrive, place{}, nil, &drive); err != nil {
			if bridge.KindOf(err) == bridge.Gone { // it would have been made by this call (page "Get drive")
				err = &bridge.Error{Kind: bridge.Rejected, Hint: "its sender has no OneDrive, where Teams keeps the files of conversations", Err: errors.Unwrap(err)}
			}
			return folder, err
		}
		wanted := map[string]any{"name": chatFolderName, "folder": map[string]any{}, "@microsoft.graph.conflictBehavior": "fail"}
		err = who.exchange(ctx, opMakeFolder, place{drive: drive.ID}, wanted, &folder)
		var answer *answerError
		if errors.As(err, &answer) && answer.status == http.StatusConflict { // made meanwhile
			err = look()
		}
	}
	if err != nil {
		return folder, err
	}
	if folder.ID == "" || folder.Parent.Drive == "" || folder.WebURL == "" {
		return folder, &bridge.Error{Err: fmt.Errorf("%s: the answer describes no folder", opOwnFolder.Doing)}
	}
	a.folders.Add(key, folder)
	return folder, nil
}

// share lets the members of a chat read a file, and nobody else. Doing it twice is harmless.
func (a *account) share(ctx context.Context, who *client, item place, members []bridge.UserID) error {
	type recipient struct {
		ObjectID string `json:"objectId"`
	}
	var others []recipient
	for _, m := range members {
		if string(m) != who.personID() {
			others = append(others, recipient{string(m)})
		}
	}
	if len(others) == 0 {
		return nil
	}
	wanted := map[string]any{"recipients": others, "roles": []string{"read"}, "requireSignIn": true, "sendInvitation": false}
	var answer struct {
		Value []struct {
			Error *problem `json:"error"`
		} `json:"value"`
	}
	if err := who.exchange(ctx, opInvite, item, wanted, &answer); err != nil {
		return err
	}
	for _, one := range answer.Value { // of several, some may fail (status 207)
		if one.Error != nil {
			return unshared(fmt.Errorf("%s: %s: %s", opInvite.Doing, one.Error.Code, one.Error.Message))
		}
	}
	return nil
}

func unshared(err error) error {
	return &bridge.Error{Kind: bridge.Rejected, Hint: "its sender's OneDrive does not let it be shared with everybody in the conversation", Err: err}
}

// forTheChat shares a file that has been stored with those for whom it is. One that cannot be shared is of no use, and goes again.
func (a *account) forTheChat(ctx context.Context, who *client, item place, members []bridge.UserID) error {
	err := a.share(ctx, who, item, members)
	if notAsThem(err) || bridge.KindOf(err) == bridge.Rejected && err != nil {
		err = unshared(errors.Unwrap(err))
		_ = who.exchange(ctx, opRemoveFile, item, nil, nil) // nobody else sees it where it stays
	}
	return err
}

// onlyTheFile: what somebody's OneDrive does not allow says nothing of what they may write in the chat, where nobody else can write for them. So
// the message goes out, without the file.
func onlyTheFile(err error) error {
	if notAsThem(err) && bridge.KindOf(err) != bridge.Rejected {
		return &bridge.Error{Kind: bridge.Rejected, Hint: "its sender's OneDrive does not let Causeway store it", Err: errors.Unwrap(err)}
	}
	return err
}

// openInChat reads a file of a chat: as its author where they are connected, else as another member, but then only what is the author's own. What a
// member can read the author may not, and must not get it by mentioning it.
func (a *account) openInChat(ctx context.Context, f bridge.File, offset int64, author bridge.UserID, members []bridge.UserID) (io.ReadCloser, bridge.File, error) {
	readers := append([]bridge.UserID{author}, slices.DeleteFunc(slices.Clone(members), func(m bridge.UserID) bool { return m == author })...)
	for _, reader := range readers {
		kept, err := a.env.Vault.Load(ctx, bridge.PersonGrant(reader))
		if err != nil {
			return nil, f, &bridge.Error{Err: fmt.Errorf("%s: %w", opShared.Doing, err)}
		}
		if kept == nil {
			continue
		}
		who, err := a.persons.get(reader)
		if err != nil {
			return nil, f, &bridge.Error{Err: err}
		}
		var item driveItem
		if err := who.exchange(ctx, opShared, place{share: shareOf(f.URL)}, nil, &item); err != nil {
			if lostGrant(err) || reader != author && bridge.KindOf(err) == bridge.Gone {
				continue // the next one may be able to
			}
			return nil, f, err
		}
		if reader != author && !strings.EqualFold(item.CreatedBy.User.ID, string(author)) {
			return nil, f, &bridge.Error{Kind: bridge.Unsupported, Hint: "it is not the sender's own", Err: errors.New("opening a file: it is somebody else's")}
		}
		return a.openItem(ctx, item, f, offset)
	}
	return nil, f, &bridge.Error{Kind: bridge.Unsupported, Hint: "nobody of the conversation is connected who could read it", Err: errors.New("opening a file: there is nobody who could")}
}

// lostGrant: it cannot be acted as this person any more.
func lostGrant(err error) bool {
	return bridge.KindOf(err) == bridge.Unauthorised && bridge.ScopeOf(err) == bridge.ScopePerson
}
