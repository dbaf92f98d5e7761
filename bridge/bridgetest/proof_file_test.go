package bridgetest_test

import (
	"context"
	"io"

	"causeway/bridge"
)

var fileProofs = []proof{
	{"a file that is always read from its beginning", "files that people attach are reported and read from any byte on", "from byte 1 on", func(_ *handle, b *broken) {
		b.open = func(ctx context.Context, c bridge.ConversationID, f bridge.File, _ int64) (io.ReadCloser, bridge.File, error) {
			return b.Bridge.Open(ctx, c, f, 0)
		}
	}},
	{"a file whose size is not told", "files that people attach are reported and read from any byte on", "bytes of -1", func(_ *handle, b *broken) {
		b.open = func(ctx context.Context, c bridge.ConversationID, f bridge.File, offset int64) (io.ReadCloser, bridge.File, error) {
			body, f, err := b.Bridge.Open(ctx, c, f, offset)
			f.Size = -1
			return body, f, err
		}
	}},
	{"an upload that posts at once", "uploaded files are seen whole in the post that shows them", "before anything was posted", func(_ *handle, b *broken) {
		b.upload = func(ctx context.Context, u bridge.Upload) (bridge.File, error) {
			if _, err := b.Bridge.Post(ctx, bridge.Draft{Conversation: u.Conversation, Key: "k"}); err != nil {
				return bridge.File{}, err
			}
			return b.Bridge.Upload(ctx, u)
		}
	}},
	{"posts that show no files", "uploaded files are seen whole in the post that shows them", "they see 0 files", drafted(func(d *bridge.Draft) { d.Files = nil })},
	{"an upload that always begins anew", "an upload that was cut goes on where it was", "from where it was cut", func(_ *handle, b *broken) {
		b.upload = func(ctx context.Context, u bridge.Upload) (bridge.File, error) {
			u.Resume = ""
			return b.Bridge.Upload(ctx, u)
		}
	}},
	{"an upload that hides why reading has failed", "an upload that was cut goes on where it was", "want its error", func(_ *handle, b *broken) {
		b.upload = func(ctx context.Context, u bridge.Upload) (bridge.File, error) {
			f, err := b.Bridge.Upload(ctx, u)
			if err != nil {
				err = &bridge.Error{Err: io.ErrUnexpectedEOF}
			}
			return f, err
		}
	}},
	{"an upload that reads whatever it is given", "a file that is too large is Rejected before it is read", "petabyte", func(_ *handle, b *broken) {
		b.upload = func(ctx context.Context, u bridge.Upload) (bridge.File, error) {
			if _, err := u.Open(ctx, 0); err != nil {
				return bridge.File{}, err
			}
			return b.Bridge.Upload(ctx, u)
		}
	}},
	{"edits that leave the files", "an edit shows just its files", "they see 1 files, want 2", func(_ *handle, b *broken) {
		shown := map[bridge.MessageID][]bridge.File{}
		b.post = func(ctx context.Context, d bridge.Draft) (bridge.MessageID, error) {
			id, err := b.Bridge.Post(ctx, d)
			shown[id] = d.Files
			return id, err
		}
		b.edit = func(ctx context.Context, id bridge.MessageID, d bridge.Draft) error {
			d.Files = shown[id]
			return b.Bridge.Edit(ctx, id, d)
		}
	}},
	{"a removal that does nothing", "copied files go with their post", "RemoveFile again succeeded", func(_ *handle, b *broken) {
		b.can = func() bridge.Capabilities {
			can := b.Bridge.Capabilities()
			can.RemoveFiles = true
			return can
		}
		b.removes = func(context.Context, bridge.ConversationID, bridge.UserID, bridge.File) error { return nil }
	}},
	{"files that are the account's whoever uploads", "a file uploaded as a person is shown in their post", "not there", func(_ *handle, b *broken) {
		b.upload = func(ctx context.Context, u bridge.Upload) (bridge.File, error) {
			u.As = ""
			return b.Bridge.Upload(ctx, u)
		}
	}},
}
