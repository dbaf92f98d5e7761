package bridge

import (
	"context"
	"io"
)

// Upload is one attempt to carry a file into a conversation.
type Upload struct {
	Conversation ConversationID
	// As is as whom the post that shows it will be written; empty: the account itself. A file belongs to who has uploaded it.
	As UserID
	// Members are all who may get to read it, in a direct or group conversation; none in channels, where all do who see them.
	Members []UserID
	// File is how it is at its origin: Name, Size, which is known, and Type.
	File File
	// Beside are those that the same post will show and that have been uploaded before.
	Beside []File
	// Open reads the file at its origin from a byte on. Its errors come back as they are.
	Open func(ctx context.Context, offset int64) (io.ReadCloser, error)
	// Resume is what Progress has stored last; empty: this is the first attempt.
	Resume string
	// Progress stores how the next attempt can go on, encrypted: it may hold what gives access. It returns when that is on disk.
	Progress func(ctx context.Context, resume string) error
}
