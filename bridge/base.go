package bridge

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"causeway/bridge/richtext"
)

// Base answers Unsupported to everything that a small service need not have. Embed it.
type Base struct{}

func unsupported(what string) error {
	return &Error{Kind: Unsupported, Err: errors.New(what + ": not supported by this service")}
}

// Now does not know the time.
func (Base) Now() time.Time { return time.Time{} }

// Check finds nothing.
func (Base) Check(context.Context) []Finding { return nil }

// Login answers Unsupported.
func (Base) Login(context.Context, func(string)) error {
	return &Error{Kind: Unsupported, Err: errors.New("signing in: this account needs no login"), Hint: "its token is in the config"}
}

// Read answers Unsupported.
func (Base) Read(context.Context, ConversationID, MessageID) (State, error) {
	return State{}, unsupported("reading one message")
}

// Open answers Unsupported.
func (Base) Open(context.Context, ConversationID, File, int64) (io.ReadCloser, File, error) {
	return nil, File{}, unsupported("opening a file")
}

// Upload answers Unsupported.
func (Base) Upload(context.Context, Upload) (File, error) {
	return File{}, unsupported("sending a file")
}

// RemoveFile answers Unsupported.
func (Base) RemoveFile(context.Context, ConversationID, UserID, File) error {
	return unsupported("removing a file")
}

// Expect expects nothing.
func (Base) Expect(ConversationID, MessageID) {}

// Parts gives the text as one part.
func (Base) Parts(d Draft) []richtext.Doc { return []richtext.Doc{d.Text} }

// Edit answers Unsupported.
func (Base) Edit(context.Context, MessageID, Draft) error { return unsupported("editing") }

// Delete answers Unsupported.
func (Base) Delete(context.Context, Target) error { return unsupported("deleting") }

// React answers Unsupported.
func (Base) React(context.Context, Target, string, bool) error { return unsupported("reacting") }

// Find answers Unsupported.
func (Base) Find(context.Context, Draft, time.Time) ([]MessageID, error) {
	return nil, unsupported("finding a post")
}

// Notify answers Unsupported.
func (Base) Notify(context.Context, Notice) error { return unsupported("telling a person") }

// Address knows none.
func (Base) Address(ConversationID, MessageID) string { return "" }

// ReadAddress knows none.
func (Base) ReadAddress(string) (ConversationID, MessageID, bool) {
	return ConversationID{}, "", false
}

// OpenConversation answers Unsupported.
func (Base) OpenConversation(context.Context, Opening) (ConversationID, error) {
	return ConversationID{}, unsupported("opening a direct conversation")
}

// Talk answers Unsupported.
func (Base) Talk(context.Context, ConversationID) (Talk, error) {
	return Talk{}, unsupported("asking for a direct conversation")
}

// Topic keeps it as it is.
func (Base) Topic(topic string) string { return topic }

// Rename answers Unsupported.
func (Base) Rename(context.Context, ConversationID, UserID, string) error {
	return unsupported("renaming a group conversation")
}

// LookUp answers Unsupported.
func (Base) LookUp(context.Context, UserID) (Author, error) {
	return Author{}, unsupported("looking up a person")
}

// Profile answers Unsupported.
func (Base) Profile(context.Context, UserID) (Profile, error) {
	return Profile{}, unsupported("asking for a user")
}

// FindUser answers Unsupported.
func (Base) FindUser(context.Context, string) (Profile, error) {
	return Profile{}, unsupported("finding a user")
}

// Members answers Unsupported.
func (Base) Members(context.Context, ConversationID) ([]UserID, error) {
	return nil, unsupported("listing members")
}

// Administers answers Unsupported.
func (Base) Administers(context.Context, ConversationID, UserID) (bool, error) {
	return false, unsupported("asking who decides about a channel")
}

// Directory answers Unsupported.
func (Base) Directory(context.Context, string, func([]Profile) error) (string, error) {
	return "", unsupported("reading the directory")
}

// Deactivate answers Unsupported.
func (Base) Deactivate(context.Context, UserID) error { return unsupported("deactivating a user") }

// SignIn answers Unsupported.
func (Base) SignIn(context.Context, SignIn) (string, error) {
	return "", unsupported("signing a person in")
}

// Prove answers Unsupported.
func (Base) Prove(context.Context, SignIn, string) (Proof, error) {
	return Proof{}, unsupported("signing a person in")
}

// Empower answers Unsupported.
func (Base) Empower(context.Context, UserID, []byte) ([]byte, error) {
	return nil, unsupported("acting as a person")
}

// Release answers Unsupported.
func (Base) Release(context.Context, UserID) error { return unsupported("acting as a person") }

// Discard answers Unsupported.
func (Base) Discard(context.Context, UserID, []byte) error { return unsupported("acting as a person") }

// Verify answers Unsupported.
func (Base) Verify(context.Context, UserID) error { return unsupported("acting as a person") }

// Notifications answers Unsupported.
func (Base) Notifications(context.Context, UserID, ConversationID) (string, error) {
	return "", unsupported("asking how somebody is notified")
}

// SetNotifications answers Unsupported.
func (Base) SetNotifications(context.Context, UserID, ConversationID, string) error {
	return unsupported("changing how somebody is notified")
}

// Handler gives none.
func (Base) Handler() http.Handler { return nil }

// Status tells nothing.
func (Base) Status() Status { return Status{} }

// Subscriptions gives none.
func (Base) Subscriptions() []Subscription { return nil }

// Renew answers Unsupported.
func (Base) Renew(context.Context) error { return unsupported("renewing subscriptions") }

// Close does nothing.
func (Base) Close() error { return nil }
