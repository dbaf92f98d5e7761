package bridgetest_test

import (
	"context"
	"fmt"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/bridge/richtext"
)

var feedProofs = []proof{
	{"order", lawSays, "messages arrived as", func(h *handle, b *broken) {
		var held bridge.State
		states(func(_ *handle, s bridge.State) []bridge.State {
			switch memory.Text(s.Text) {
			case "Guten Morgen":
				held = s
				return nil
			case "fifth":
				return []bridge.State{s, held}
			}
			return []bridge.State{s}
		})(h, b)
	}},
	{"a dropped message", lawSays, "has not arrived", func(h *handle, b *broken) {
		states(func(_ *handle, s bridge.State) []bridge.State {
			if memory.Text(s.Text) == "fourth" {
				return nil
			}
			return []bridge.State{s}
		})(h, b)
	}},
	{"a doubled message", lawSays, "people do not see it", states(func(_ *handle, s bridge.State) []bridge.State {
		twin := s
		twin.ID += "-twin"
		return []bridge.State{s, twin}
	})},
	{"a cut text", lawSays, "its text is", state(func(s *bridge.State) {
		if len(s.Text) > 1 {
			s.Text = s.Text[:1]
		}
	})},
	{"a wrong author", lawSays, "is said by", state(func(s *bridge.State) { s.Author.Name = "somebody" })},
	{"everything at one wrong time", lawSays, "it has no time", state(func(s *bridge.State) { s.Created = time.Time{} })},
	{"another conversation's state", lawSays, "has a state of", state(func(s *bridge.State) { s.Conversation.Channel = "c9" })},
	{"a lost reply root", "a reply carries its root", "has root", state(func(s *bridge.State) { s.Root = "" })},
	{"a frozen revision", "an edit raises the revision and sets the edit time", "without a new revision", state(func(s *bridge.State) { s.Revision = 1 })},
	{"a lost edit time", "an edit raises the revision and sets the edit time", "after the edit", state(func(s *bridge.State) { s.Edited = time.Time{} })},
	{"a reaction taken for an edit", "reactions raise the revision and are no edit", "counts as an edit", state(func(s *bridge.State) {
		if s.Revision > 1 {
			s.Edited = s.Created
		}
	})},
	{"reactions of one person only", "reactions raise the revision and are no edit", "its reactions are", state(func(s *bridge.State) {
		s.Reactions = s.Reactions[:min(1, len(s.Reactions))]
	})},
	{"a hidden deletion", "a deletion is reported", "it is not deleted", states(hideDeleted)},
	{"a deleted message that keeps its text", "a deletion is reported", "it is deleted and has a text", state(func(s *bridge.State) {
		if s.Deleted {
			s.Text = richtext.Plain("oops")
		}
	})},
	{"a restored message of an old revision", "what was restored is reported as newer", "not within", state(func(s *bridge.State) {
		if s.Revision == 3 {
			s.Revision = 1
		}
	})},
	{"a lost key", "own posts come back with exactly their key", "its key is", state(func(s *bridge.State) { s.Key = "" })},
	{"a shown name as author", "own posts come back with exactly their key", "it is by", state(func(s *bridge.State) { s.Author.ID = bridge.UserID(s.Author.Name) })},
	{"a key that an edit loses", "own posts come back with exactly their key", "text \"changed\"", state(func(s *bridge.State) {
		if !s.Edited.IsZero() {
			s.Key = ""
		}
	})},
	{"a key taken from a quote", "a copy that a person makes carries no key", "carries the key", state(func(s *bridge.State) {
		if len(s.Text) > 0 && s.Text[0].Kind == richtext.Quote {
			s.Key = "taken"
		}
	})},
	{"a beginning in the past", "nothing from before the beginning counts", "a message from before the beginning", puts(
		func(_ *handle, ctx context.Context, b bridge.Batch, put next) error {
			if !b.Begin.IsZero() {
				b.Begin = b.Begin.Add(-time.Hour)
			}
			return put(ctx, b)
		})},
	{"a beginning in the future", "nothing from before the beginning counts", "said at", puts(
		func(_ *handle, ctx context.Context, b bridge.Batch, put next) error {
			if !b.Begin.IsZero() {
				b.Begin = b.Begin.Add(time.Hour)
			}
			return put(ctx, b)
		})},
	{"a beginning after every start", "what happened while the bridge was down is read afterwards", "put again", func(_ *handle, b *broken) {
		b.run = func(ctx context.Context, inbox bridge.Inbox) error {
			return b.Bridge.Run(ctx, &between{Inbox: inbox, cursor: func(context.Context, bridge.ConversationID) (string, error) { return "", nil }})
		}
	}},
	{"a deletion missed while down", "what happened while the bridge was down is read afterwards", "people do not see it", states(hideDeleted)},
	{"an old thread missed while down", "what happened while the bridge was down is read afterwards", "an answer to something old", states(
		func(_ *handle, s bridge.State) []bridge.State {
			if s.Root != "" {
				return nil
			}
			return []bridge.State{s}
		})},
	{"a cursor stored before its states", "the cursor never passes a gap", "not within", puts(
		func(_ *handle, ctx context.Context, b bridge.Batch, put next) error {
			if b.Begin.IsZero() {
				if err := put(ctx, bridge.Batch{Conversation: b.Conversation, Cursor: b.Cursor}); err != nil {
					return err
				}
				b.Cursor = ""
			}
			return put(ctx, b)
		})},
	{"a cursor that only this run understands", "a cursor may be used again", "not within", func(h *handle, b *broken) {
		b.run = func(ctx context.Context, inbox bridge.Inbox) error {
			return b.Bridge.Run(ctx, &between{Inbox: inbox, cursor: func(ctx context.Context, c bridge.ConversationID) (string, error) {
				stored, err := inbox.Cursor(ctx, c)
				if stored != "" {
					stored = fmt.Sprint(len(h.service.Messages(c.Channel)))
				}
				return stored, err
			}})
		}
	}},
	{"a refused Put taken for stored", "a refused Put loses nothing", "has not arrived", puts(
		func(_ *handle, ctx context.Context, b bridge.Batch, put next) error {
			_ = put(ctx, b)
			return nil
		})},
	{"conversations mixed up", "two conversations do not mix", "not within", puts(
		func(h *handle, ctx context.Context, b bridge.Batch, put next) error {
			if b.Begin.IsZero() {
				b.Conversation = h.one.ID
				for n := range b.States {
					b.States[n].Conversation = h.one.ID
				}
			}
			return put(ctx, b)
		})},
	{"a set that never changes", "what is watched may change while reading", "it has no cursor", func(_ *handle, b *broken) {
		b.run = func(ctx context.Context, inbox bridge.Inbox) error {
			return b.Bridge.Run(ctx, &between{Inbox: inbox, watched: func() ([]bridge.ConversationID, <-chan struct{}) {
				ids, _ := inbox.Watched()
				return ids, nil
			}})
		}
	}},
}

func hideDeleted(_ *handle, s bridge.State) []bridge.State {
	if s.Deleted {
		return nil
	}
	return []bridge.State{s}
}

// deaf is a variation of Run that goes on after its context ended, until the test is over.
func deaf(h *handle, b *broken) {
	over := make(chan struct{})
	h.t.Cleanup(func() { close(over) })
	b.run = func(ctx context.Context, inbox bridge.Inbox) error {
		err := b.Bridge.Run(ctx, inbox)
		<-over
		return err
	}
}

// deafToPosts is a variation of Post that does not listen to its context.
func deafToPosts(_ *handle, b *broken) {
	b.post = func(ctx context.Context, d bridge.Draft) (bridge.MessageID, error) {
		return b.Bridge.Post(context.WithoutCancel(ctx), d)
	}
}

var endProofs = []proof{
	{"an ignored cancel", "Run ends at once while nothing happens", "Run has not returned", deaf},
	{"an ignored cancel in Put", "Run ends at once while Put hangs", "Run has not returned", deaf},
	{"an ignored cancel while hanging", "Run ends at once while the service hangs", "Run has not returned", deaf},
	{"an ignored cancel while throttled", "Run ends at once while the service throttles", "Run has not returned", deaf},
	{"an ignored cancel of a write", "a hanging write ends with its context and is uncertain", "Post has not returned", deafToPosts},
	{"a write after its context ended", "a context that has ended writes nothing", "with a context that had ended", deafToPosts},
	{"an error for a context that ended", "Run ends at once while nothing happens", "want nil", func(_ *handle, b *broken) {
		b.run = func(ctx context.Context, inbox bridge.Inbox) error {
			if err := b.Bridge.Run(ctx, inbox); err != nil {
				return err
			}
			return ctx.Err()
		}
	}},
	{"a goroutine left behind", "Run ends at once while nothing happens", "is left", func(h *handle, b *broken) {
		over := make(chan struct{})
		h.t.Cleanup(func() { close(over) })
		b.run = func(ctx context.Context, inbox bridge.Inbox) error {
			go func() { <-over }()
			return b.Bridge.Run(ctx, inbox)
		}
	}},
}
