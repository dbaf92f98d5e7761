package bridgetest_test

import (
	"context"
	"io"
	"time"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// broken is a bridge of which single methods are replaced; those that are nil are as they should be.
type broken struct {
	bridge.Bridge
	can     func() bridge.Capabilities
	connect func(ctx context.Context) (bridge.Identity, error)
	resolve func(ctx context.Context, name string, need bridge.Access) (bridge.Conversation, error)
	run     func(ctx context.Context, inbox bridge.Inbox) error
	read    func(ctx context.Context, c bridge.ConversationID, id bridge.MessageID) (bridge.State, error)
	parts   func(d bridge.Draft) []richtext.Doc
	post    func(ctx context.Context, d bridge.Draft) (bridge.MessageID, error)
	edit    func(ctx context.Context, id bridge.MessageID, d bridge.Draft) error
	remove  func(ctx context.Context, t bridge.Target) error
	react   func(ctx context.Context, t bridge.Target, emoji string, on bool) error
	find    func(ctx context.Context, d bridge.Draft, since time.Time) ([]bridge.MessageID, error)
	lookUp  func(ctx context.Context, u bridge.UserID) (bridge.Author, error)
	notify  func(ctx context.Context, n bridge.Notice) error
	direct  func(ctx context.Context, o bridge.Opening) (bridge.ConversationID, error)
	talk    func(ctx context.Context, c bridge.ConversationID) (bridge.Talk, error)
	rename  func(ctx context.Context, c bridge.ConversationID, as bridge.UserID, topic string) error
	members func(ctx context.Context, c bridge.ConversationID) ([]bridge.UserID, error)
	verify  func(ctx context.Context, u bridge.UserID) error
	open    func(ctx context.Context, c bridge.ConversationID, f bridge.File, offset int64) (io.ReadCloser, bridge.File, error)
	upload  func(ctx context.Context, u bridge.Upload) (bridge.File, error)
	removes func(ctx context.Context, c bridge.ConversationID, as bridge.UserID, f bridge.File) error
	discard func(ctx context.Context, u bridge.UserID) error
	address func(c bridge.ConversationID, id bridge.MessageID) string
	mute    func(ctx context.Context, u bridge.UserID, c bridge.ConversationID, setting string) error
}

// variation replaces methods of a bridge that passes all laws.
type variation func(h *handle, b *broken)

func (b *broken) Capabilities() bridge.Capabilities {
	if b.can != nil {
		return b.can()
	}
	return b.Bridge.Capabilities()
}

func (b *broken) Address(c bridge.ConversationID, id bridge.MessageID) string {
	if b.address != nil {
		return b.address(c, id)
	}
	return b.Bridge.Address(c, id)
}

func (b *broken) Connect(ctx context.Context) (bridge.Identity, error) {
	if b.connect != nil {
		return b.connect(ctx)
	}
	return b.Bridge.Connect(ctx)
}

func (b *broken) Resolve(ctx context.Context, name string, need bridge.Access) (bridge.Conversation, error) {
	if b.resolve != nil {
		return b.resolve(ctx, name, need)
	}
	return b.Bridge.Resolve(ctx, name, need)
}

func (b *broken) Run(ctx context.Context, inbox bridge.Inbox) error {
	if b.run != nil {
		return b.run(ctx, inbox)
	}
	return b.Bridge.Run(ctx, inbox)
}

func (b *broken) Read(ctx context.Context, c bridge.ConversationID, id bridge.MessageID) (bridge.State, error) {
	if b.read != nil {
		return b.read(ctx, c, id)
	}
	return b.Bridge.Read(ctx, c, id)
}

func (b *broken) Parts(d bridge.Draft) []richtext.Doc {
	if b.parts != nil {
		return b.parts(d)
	}
	return b.Bridge.Parts(d)
}

func (b *broken) Post(ctx context.Context, d bridge.Draft) (bridge.MessageID, error) {
	if b.post != nil {
		return b.post(ctx, d)
	}
	return b.Bridge.Post(ctx, d)
}

func (b *broken) Edit(ctx context.Context, id bridge.MessageID, d bridge.Draft) error {
	if b.edit != nil {
		return b.edit(ctx, id, d)
	}
	return b.Bridge.Edit(ctx, id, d)
}

func (b *broken) Delete(ctx context.Context, t bridge.Target) error {
	if b.remove != nil {
		return b.remove(ctx, t)
	}
	return b.Bridge.Delete(ctx, t)
}

func (b *broken) React(ctx context.Context, t bridge.Target, emoji string, on bool) error {
	if b.react != nil {
		return b.react(ctx, t, emoji, on)
	}
	return b.Bridge.React(ctx, t, emoji, on)
}

func (b *broken) Find(ctx context.Context, d bridge.Draft, since time.Time) ([]bridge.MessageID, error) {
	if b.find != nil {
		return b.find(ctx, d, since)
	}
	return b.Bridge.Find(ctx, d, since)
}

func (b *broken) Notify(ctx context.Context, n bridge.Notice) error {
	if b.notify != nil {
		return b.notify(ctx, n)
	}
	return b.Bridge.Notify(ctx, n)
}

func (b *broken) LookUp(ctx context.Context, u bridge.UserID) (bridge.Author, error) {
	if b.lookUp != nil {
		return b.lookUp(ctx, u)
	}
	return b.Bridge.LookUp(ctx, u)
}

func (b *broken) OpenConversation(ctx context.Context, o bridge.Opening) (bridge.ConversationID, error) {
	if b.direct != nil {
		return b.direct(ctx, o)
	}
	return b.Bridge.OpenConversation(ctx, o)
}

func (b *broken) Talk(ctx context.Context, c bridge.ConversationID) (bridge.Talk, error) {
	if b.talk != nil {
		return b.talk(ctx, c)
	}
	return b.Bridge.Talk(ctx, c)
}

func (b *broken) Rename(ctx context.Context, c bridge.ConversationID, as bridge.UserID, topic string) error {
	if b.rename != nil {
		return b.rename(ctx, c, as, topic)
	}
	return b.Bridge.Rename(ctx, c, as, topic)
}

func (b *broken) Members(ctx context.Context, c bridge.ConversationID) ([]bridge.UserID, error) {
	if b.members != nil {
		return b.members(ctx, c)
	}
	return b.Bridge.Members(ctx, c)
}

func (b *broken) Verify(ctx context.Context, u bridge.UserID) error {
	if b.verify != nil {
		return b.verify(ctx, u)
	}
	return b.Bridge.Verify(ctx, u)
}

func (b *broken) Discard(ctx context.Context, u bridge.UserID, grant []byte) error {
	if b.discard != nil {
		return b.discard(ctx, u)
	}
	return b.Bridge.Discard(ctx, u, grant)
}

func (b *broken) SetNotifications(ctx context.Context, u bridge.UserID, c bridge.ConversationID, setting string) error {
	if b.mute != nil {
		return b.mute(ctx, u, c, setting)
	}
	return b.Bridge.SetNotifications(ctx, u, c, setting)
}

func (b *broken) Open(ctx context.Context, c bridge.ConversationID, f bridge.File, offset int64) (io.ReadCloser, bridge.File, error) {
	if b.open != nil {
		return b.open(ctx, c, f, offset)
	}
	return b.Bridge.Open(ctx, c, f, offset)
}

func (b *broken) Upload(ctx context.Context, u bridge.Upload) (bridge.File, error) {
	if b.upload != nil {
		return b.upload(ctx, u)
	}
	return b.Bridge.Upload(ctx, u)
}

func (b *broken) RemoveFile(ctx context.Context, c bridge.ConversationID, as bridge.UserID, f bridge.File) error {
	if b.removes != nil {
		return b.removes(ctx, c, as, f)
	}
	return b.Bridge.RemoveFile(ctx, c, as, f)
}

// between stands between a bridge and the inbox.
type between struct {
	bridge.Inbox
	put      func(ctx context.Context, b bridge.Batch, next func(context.Context, bridge.Batch) error) error
	cursor   func(ctx context.Context, c bridge.ConversationID) (string, error)
	trouble  func(c bridge.ConversationID, err error)
	watched  func() ([]bridge.ConversationID, <-chan struct{})
	observed func() ([]bridge.Observed, <-chan struct{})
	interest func(c bridge.ConversationID) bridge.Interest
	begin    func(c bridge.ConversationID) time.Time
	meet     func(ctx context.Context, t bridge.Talk) (bridge.Interest, error)
}

func (i *between) Put(ctx context.Context, b bridge.Batch) error {
	if i.put != nil {
		return i.put(ctx, b, i.Inbox.Put)
	}
	return i.Inbox.Put(ctx, b)
}

func (i *between) Cursor(ctx context.Context, c bridge.ConversationID) (string, error) {
	if i.cursor != nil {
		return i.cursor(ctx, c)
	}
	return i.Inbox.Cursor(ctx, c)
}

func (i *between) Trouble(c bridge.ConversationID, err error) {
	if i.trouble != nil {
		i.trouble(c, err)
		return
	}
	i.Inbox.Trouble(c, err)
}

func (i *between) Watched() ([]bridge.ConversationID, <-chan struct{}) {
	if i.watched != nil {
		return i.watched()
	}
	return i.Inbox.Watched()
}

func (i *between) Observed() ([]bridge.Observed, <-chan struct{}) {
	if i.observed != nil {
		return i.observed()
	}
	return i.Inbox.Observed()
}

func (i *between) Interest(c bridge.ConversationID) bridge.Interest {
	if i.interest != nil {
		return i.interest(c)
	}
	return i.Inbox.Interest(c)
}

func (i *between) Begin(c bridge.ConversationID) time.Time {
	if i.begin != nil {
		return i.begin(c)
	}
	return i.Inbox.Begin(c)
}

func (i *between) Meet(ctx context.Context, t bridge.Talk) (bridge.Interest, error) {
	if i.meet != nil {
		return i.meet(ctx, t)
	}
	return i.Inbox.Meet(ctx, t)
}

// puts is a variation of what is put.
func puts(put func(h *handle, ctx context.Context, b bridge.Batch, next func(context.Context, bridge.Batch) error) error) variation {
	return func(h *handle, b *broken) {
		b.run = func(ctx context.Context, inbox bridge.Inbox) error {
			return b.Bridge.Run(ctx, &between{Inbox: inbox,
				put: func(ctx context.Context, batch bridge.Batch, next func(context.Context, bridge.Batch) error) error {
					return put(h, ctx, batch, next)
				}})
		}
	}
}

// states is a variation of the states that are put: change gives what stands for one of them.
func states(change func(h *handle, s bridge.State) []bridge.State) variation {
	return puts(func(h *handle, ctx context.Context, b bridge.Batch, next func(context.Context, bridge.Batch) error) error {
		var changed []bridge.State
		for _, s := range b.States {
			changed = append(changed, change(h, s)...)
		}
		b.States = changed
		return next(ctx, b)
	})
}

// state is a variation of single states.
func state(change func(s *bridge.State)) variation {
	return states(func(_ *handle, s bridge.State) []bridge.State {
		change(&s)
		return []bridge.State{s}
	})
}

// postError is a variation of what Post says when it fails.
func postError(change func(err error) error) variation {
	return func(_ *handle, b *broken) {
		b.post = func(ctx context.Context, d bridge.Draft) (bridge.MessageID, error) {
			id, err := b.Bridge.Post(ctx, d)
			if err != nil {
				err = change(err)
			}
			return id, err
		}
	}
}

// drafted is a variation of what is posted.
func drafted(change func(d *bridge.Draft)) variation {
	return func(_ *handle, b *broken) {
		b.post = func(ctx context.Context, d bridge.Draft) (bridge.MessageID, error) {
			change(&d)
			return b.Bridge.Post(ctx, d)
		}
	}
}
