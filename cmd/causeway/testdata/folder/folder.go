// Package folder is a chat service in a folder: each file NAME.chat is a channel, each line of it a message as JSON.
// People write by adding a line to the file. It shows how little a further bridge needs, and is the one that a test
// adds to the command.
package folder

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// Settings is the table [folder.NAME].
type Settings struct {
	// Folder is where the channels are.
	Folder string
	// Deaf makes reading go on whatever its context says, as no bridge should.
	Deaf bool
}

// Validate reports what is wrong.
func (s *Settings) Validate(report func(key, problem string)) {
	if s.Folder == "" {
		report("Folder", "missing")
	}
}

func init() {
	bridge.Register(bridge.Protocol{
		Name:     "folder",
		Title:    "Folder",
		Settings: func() any { return new(Settings) },
		New: func(env bridge.Env, settings any) (bridge.Bridge, error) {
			return &account{env: env, settings: settings.(*Settings)}, nil
		},
	})
}

const (
	suffix = ".chat"
	// me is who Causeway is there.
	me bridge.UserID = "causeway"
	// pace is how often files are looked at.
	pace = 20 * time.Millisecond
)

// Line is a message in a file.
type Line struct {
	ID     bridge.MessageID `json:"id"`
	Time   time.Time        `json:"time"`
	Author string           `json:"author"`
	Text   string           `json:"text"`
	Key    bridge.Key       `json:"key,omitempty"`
}

type account struct {
	bridge.Base
	env      bridge.Env
	settings *Settings
}

// Capabilities has none: what cannot be edited or deleted is answered.
func (a *account) Capabilities() bridge.Capabilities { return bridge.Capabilities{} }

// Connect looks whether the folder is there.
func (a *account) Connect(context.Context) (bridge.Identity, error) {
	info, err := os.Stat(a.settings.Folder)
	if err == nil && !info.IsDir() {
		err = errors.New("it is no folder")
	}
	if err != nil {
		return bridge.Identity{}, &bridge.Error{Kind: bridge.Unauthorised, Scope: bridge.ScopeAccount, Hint: "make it, or set Folder",
			Err: fmt.Errorf("opening the folder: %w", err)}
	}
	return bridge.Identity{Server: a.server(), User: me, Name: string(me)}, nil
}

func (a *account) server() bridge.ServerID { return bridge.ServerID("folder:" + a.settings.Folder) }

func (a *account) path(c bridge.ConversationID) string {
	return filepath.Join(a.settings.Folder, string(c.Channel)+suffix)
}

// Resolve takes the name of a file without its end.
func (a *account) Resolve(_ context.Context, name string, _ bridge.Access) (bridge.Conversation, error) {
	c := bridge.Conversation{ID: bridge.ConversationID{Server: a.server(), Channel: bridge.ChannelID(name)}, Name: name}
	if _, err := os.Stat(a.path(c.ID)); err != nil {
		return c, &bridge.Error{Kind: bridge.Gone, Err: fmt.Errorf("finding the channel: %w", err)}
	}
	return c, nil
}

// Conversations lists the files.
func (a *account) Conversations(context.Context) ([]bridge.Conversation, error) {
	files, err := filepath.Glob(filepath.Join(a.settings.Folder, "*"+suffix))
	var all []bridge.Conversation
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), suffix)
		all = append(all, bridge.Conversation{ID: bridge.ConversationID{Server: a.server(), Channel: bridge.ChannelID(name)}, Name: name})
	}
	return all, err
}

// Run looks at the files again and again.
func (a *account) Run(ctx context.Context, inbox bridge.Inbox) error {
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for ctx.Err() == nil || a.settings.Deaf {
		watched, _ := inbox.Watched()
		for _, c := range watched {
			inbox.Trouble(c, a.readOn(ctx, inbox, c))
		}
		if a.settings.Deaf {
			ctx = context.WithoutCancel(ctx)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
	return nil
}

// readOn puts what was added since the cursor, which counts bytes.
func (a *account) readOn(ctx context.Context, inbox bridge.Inbox, c bridge.ConversationID) error {
	cursor, err := inbox.Cursor(ctx, c)
	if err != nil {
		return err
	}
	all, err := os.ReadFile(a.path(c))
	if err != nil {
		return fmt.Errorf("reading %s: %w", c.Channel, err)
	}
	all = all[:bytes.LastIndexByte(all, '\n')+1] // somebody may be writing
	end := strconv.Itoa(len(all))
	if cursor == "" {
		if err := inbox.Put(ctx, bridge.Batch{Conversation: c, Cursor: end, Begin: time.Now()}); err != nil {
			return err
		}
		a.env.Log.WithField("channel", string(c.Channel)).Info("reading begins")
		return nil
	}
	from, err := strconv.Atoi(cursor)
	if err != nil || from >= len(all) {
		return err
	}
	b := bridge.Batch{Conversation: c, Cursor: end}
	for _, l := range lines(all[from:]) {
		author := bridge.Author{ID: bridge.UserID(l.Author), Name: l.Author}
		if l.Key != "" {
			author.ID = me // whatever name it shows
		}
		b.States = append(b.States, bridge.State{
			Conversation: c, ID: l.ID, Author: author,
			Created: l.Time, Revision: 1, Text: richtext.Plain(l.Text), Key: l.Key,
		})
	}
	return inbox.Put(ctx, b)
}

// lines leaves out what is no message.
func lines(text []byte) []Line {
	var all []Line
	for line := range bytes.Lines(text) {
		var l Line
		if json.Unmarshal(line, &l) == nil && l.ID != "" {
			all = append(all, l)
		}
	}
	return all
}

// Post adds a line.
func (a *account) Post(_ context.Context, d bridge.Draft) (bridge.MessageID, error) {
	l := Line{ID: bridge.MessageID(rand.Text()), Time: time.Now(), Author: d.Author.Name, Text: d.Text.PlainText(), Key: d.Key}
	text, err := json.Marshal(l)
	if err != nil {
		return "", &bridge.Error{Kind: bridge.Rejected, Err: err}
	}
	f, err := os.OpenFile(a.path(d.Conversation), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return "", fmt.Errorf("writing a message: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Close()); err != nil {
		return "", &bridge.Error{Kind: bridge.Uncertain, Err: fmt.Errorf("writing a message: %w", err)}
	}
	return l.ID, nil
}

// Find looks for the key.
func (a *account) Find(_ context.Context, d bridge.Draft, since time.Time) ([]bridge.MessageID, error) {
	all, err := os.ReadFile(a.path(d.Conversation))
	if err != nil {
		return nil, fmt.Errorf("looking for a message: %w", err)
	}
	var found []bridge.MessageID
	for _, l := range lines(all) {
		if l.Key == d.Key && !l.Time.Before(since) {
			found = append(found, l.ID)
		}
	}
	return found, nil
}
