package bridgetest_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/bridge/richtext"
)

var writeProofs = []proof{
	{"a doubled post", "a post appears once with its author's name", "they see", func(_ *handle, b *broken) {
		b.post = func(ctx context.Context, d bridge.Draft) (bridge.MessageID, error) {
			if _, err := b.Bridge.Post(ctx, d); err != nil {
				return "", err
			}
			return b.Bridge.Post(ctx, d)
		}
	}},
	{"a post without its root", "a post appears once with its author's name", "stands in thread", drafted(func(d *bridge.Draft) { d.Root = "" })},
	{"a post without its author", "a post appears once with its author's name", "does not show who", drafted(func(d *bridge.Draft) { d.Author.Name = "" })},
	{"an edit that posts", "an edit changes the post and may be repeated", "they see", func(_ *handle, b *broken) {
		b.edit = func(ctx context.Context, _ bridge.MessageID, d bridge.Draft) error {
			_, err := b.Bridge.Post(ctx, d)
			return err
		}
	}},
	{"a deletion that does not say Gone", "a deleted post is gone for good", "deleting it again succeeded", func(_ *handle, b *broken) {
		b.remove = func(ctx context.Context, t bridge.Target) error {
			if err := b.Bridge.Delete(ctx, t); bridge.KindOf(err) != bridge.Gone {
				return err
			}
			return nil
		}
	}},
	{"a reaction that toggles", "reactions are set and removed and may be repeated", "the reactions", func(_ *handle, b *broken) {
		on := false
		b.react = func(ctx context.Context, t bridge.Target, emoji string, _ bool) error {
			on = !on
			return b.Bridge.React(ctx, t, emoji, on)
		}
	}},
	{"Gone taken for a passing failure", "what somebody else deleted is Gone", "is transient", func(_ *handle, b *broken) {
		b.edit = func(ctx context.Context, id bridge.MessageID, d bridge.Draft) error {
			if err := b.Bridge.Edit(ctx, id, d); err != nil {
				return errors.New(err.Error())
			}
			return nil
		}
	}},
	{"replies deleted with their root", "deleting a root takes nobody else's replies along", "no longer seen", func(h *handle, b *broken) {
		b.remove = func(ctx context.Context, t bridge.Target) error {
			for _, m := range h.service.Messages(t.Conversation.Channel) {
				if m.Root == t.ID {
					h.service.Delete(t.Conversation.Channel, m.ID)
				}
			}
			return b.Bridge.Delete(ctx, t)
		}
	}},
	{"Find by the words alone", "Find finds the posts with its key alone", "Find gives", func(h *handle, b *broken) {
		b.find = func(_ context.Context, d bridge.Draft, _ time.Time) (ids []bridge.MessageID, err error) {
			for _, m := range h.service.Messages(d.Conversation.Channel) {
				if m.Text == memory.Text(d.Text) {
					ids = append(ids, m.ID)
				}
			}
			return ids, nil
		}
	}},
	{"a stale Read", "Read gives the present state", "the change can be read", func(_ *handle, b *broken) {
		kept := map[bridge.MessageID]bridge.State{}
		b.read = func(ctx context.Context, c bridge.ConversationID, id bridge.MessageID) (bridge.State, error) {
			if s, any := kept[id]; any {
				return s, nil
			}
			s, err := b.Bridge.Read(ctx, c, id)
			kept[id] = s
			return s, err
		}
	}},
	{"an edit that the capabilities deny", "what the capabilities deny is Unsupported", "Edit succeeded", func(_ *handle, b *broken) {
		b.can = func() bridge.Capabilities { return bridge.Capabilities{Delete: true, Reactions: true} }
	}},
	{"a public notice", "a notice is seen by nobody else", "they see", func(_ *handle, b *broken) {
		b.notify = func(ctx context.Context, n bridge.Notice) error {
			_, err := b.Bridge.Post(ctx, bridge.Draft{Conversation: n.Conversation, Text: n.Text})
			return err
		}
	}},
}

var faultProofs = []proof{
	{"a cut that loses what was said", "the feed survives cuts without loss", "not within", losesAfterFailure},
	{"an outage that loses what was said", "the feed survives an outage without loss", "not within", losesAfterFailure},
	{"throttling that loses what was said", "the feed survives throttling without loss", "not within", losesAfterFailure},
	{"a cut taken for an end", "the feed survives cuts without loss", "Run returned nil", func(_ *handle, b *broken) {
		b.run = func(ctx context.Context, inbox bridge.Inbox) error {
			_ = b.Bridge.Run(ctx, inbox)
			return nil
		}
	}},
	{"a lost answer taken for a failure", "a post whose answer was lost is found once", "is transient", postError(func(err error) error {
		return errors.New(err.Error())
	})},
	{"a blind Find", "a post whose answer was lost is found once", "Find gives", func(_ *handle, b *broken) {
		b.find = func(context.Context, bridge.Draft, time.Time) ([]bridge.MessageID, error) { return nil, nil }
	}},
	{"a second try after a lost answer", "a post whose answer was lost is found once", "attempts", func(_ *handle, b *broken) {
		b.post = func(ctx context.Context, d bridge.Draft) (bridge.MessageID, error) {
			id, err := b.Bridge.Post(ctx, d)
			if bridge.KindOf(err) == bridge.Uncertain {
				return b.Bridge.Post(ctx, d)
			}
			return id, err
		}
	}},
	{"a lost answer to an edit taken for a failure", "changes whose answer was lost may be repeated", "is transient", func(_ *handle, b *broken) {
		b.edit = func(ctx context.Context, id bridge.MessageID, d bridge.Draft) error {
			if err := b.Bridge.Edit(ctx, id, d); err != nil {
				return errors.New(err.Error())
			}
			return nil
		}
	}},
	{"a swallowed Retry-After", lawThrottled, "come back after", postError(func(err error) error {
		return &bridge.Error{Kind: bridge.KindOf(err), Err: err}
	})},
	{"a throttled write tried again", lawThrottled, "attempts", func(_ *handle, b *broken) {
		b.post = func(ctx context.Context, d bridge.Draft) (bridge.MessageID, error) {
			id, err := b.Bridge.Post(ctx, d)
			if bridge.KindOf(err) == bridge.Throttled {
				time.Sleep(bridge.AfterOf(err))
				return b.Bridge.Post(ctx, d)
			}
			return id, err
		}
	}},
	{"a failed write tried again", "a write during an outage is tried once", "attempts", func(_ *handle, b *broken) {
		b.post = func(ctx context.Context, d bridge.Draft) (bridge.MessageID, error) {
			if id, err := b.Bridge.Post(ctx, d); err == nil {
				return id, nil
			}
			return b.Bridge.Post(ctx, d)
		}
	}},
	{"a revoked token taken for a failure", lawRevoked, "is transient", postError(func(err error) error { return errors.New(err.Error()) })},
	{"a leaked token in an error", lawRevoked, "stands in an error", func(_ *handle, b *broken) {
		b.connect = func(ctx context.Context) (bridge.Identity, error) {
			id, err := b.Bridge.Connect(ctx)
			if err != nil {
				err = fmt.Errorf("signing in with %s: %w", token, err)
			}
			return id, err
		}
	}},
	{"a leaked token in the log", "a post appears once with its author's name", "stands in the log", func(h *handle, b *broken) {
		b.post = func(ctx context.Context, d bridge.Draft) (bridge.MessageID, error) {
			h.set(func() { h.log.WriteString("POST /posts Authorization: Bearer " + token + "\n") })
			return b.Bridge.Post(ctx, d)
		}
	}},
	{"a failing conversation that ends Run", lawShut, "not within", func(_ *handle, b *broken) {
		b.run = func(ctx context.Context, inbox bridge.Inbox) error {
			ctx, cancel := context.WithCancelCause(ctx)
			defer cancel(nil)
			err := b.Bridge.Run(ctx, &between{Inbox: inbox, trouble: func(_ bridge.ConversationID, err error) { cancel(err) }})
			if err == nil && context.Cause(ctx) != ctx.Err() {
				return context.Cause(ctx)
			}
			return err
		}
	}},
	{"trouble that nobody is told", lawShut, "the trouble is reported", func(_ *handle, b *broken) {
		b.run = func(ctx context.Context, inbox bridge.Inbox) error {
			return b.Bridge.Run(ctx, &between{Inbox: inbox, trouble: func(bridge.ConversationID, error) {}})
		}
	}},
	{"one conversation's error for the whole account", lawShut, "has scope", postError(func(err error) error {
		return &bridge.Error{Kind: bridge.KindOf(err), Scope: bridge.ScopeAccount, Err: err}
	})},
}

// losesAfterFailure is a variation that goes on at the present after a failure, not behind the cursor.
func losesAfterFailure(h *handle, b *broken) {
	failed := false
	b.run = func(ctx context.Context, inbox bridge.Inbox) error {
		skip := failed
		err := b.Bridge.Run(ctx, &between{Inbox: inbox, put: func(ctx context.Context, batch bridge.Batch, put next) error {
			if skip {
				skip, batch.States = false, nil
			}
			return put(ctx, batch)
		}})
		failed = err != nil
		return err
	}
}

// changedText is a variation of the text that is posted.
func changedText(change func(string) string) variation {
	return drafted(func(d *bridge.Draft) { d.Text = richtext.Plain(change(memory.Text(d.Text))) })
}

// mentioning is a variation whose posts notify whom their text, or their author's name, names.
func mentioning(h *handle, b *broken) {
	b.post = func(_ context.Context, d bridge.Draft) (bridge.MessageID, error) {
		return h.service.SayDoc(d.Conversation.Channel, d.Root, "u-bot", append(richtext.Plain(d.Author.Name), d.Text...)), nil
	}
}

var textProofs = []proof{
	{"a text that loses how important it is", "what is important comes back as that", "want \"❗ Important\" once", drafted(func(d *bridge.Draft) { d.Text, _ = richtext.Unmarked(d.Text) })},
	{"a text that is not split", "parts fit and nothing of a long text is lost", "too long", func(_ *handle, b *broken) {
		b.parts = func(d bridge.Draft) []richtext.Doc { return []richtext.Doc{d.Text} }
	}},
	{"a long text without its end", "parts fit and nothing of a long text is lost", "the text says", func(_ *handle, b *broken) {
		b.parts = func(d bridge.Draft) []richtext.Doc { return b.Bridge.Parts(d)[:1] }
	}},
	{"parts that differ from time to time", "parts fit and nothing of a long text is lost", "different parts", func(_ *handle, b *broken) {
		odd := false
		b.parts = func(d bridge.Draft) []richtext.Doc {
			if odd = !odd; odd {
				return b.Bridge.Parts(d)
			}
			return append(b.Bridge.Parts(d), richtext.Plain("more"))
		}
	}},
	{"a text taken for markup", lawHostile, "does not stand in", changedText(func(s string) string { return strings.ReplaceAll(s, "**", "") })},
	{"a text taken for HTML", lawHostile, "does not stand in", changedText(html.UnescapeString)},
	{"a text that mentions", lawHostile, "notifies", func(h *handle, b *broken) {
		b.post = func(_ context.Context, d bridge.Draft) (bridge.MessageID, error) {
			return h.service.SayDoc(d.Conversation.Channel, d.Root, "u-bot", d.Text), nil
		}
	}},
	{"a name that mentions", "hostile names mention nobody", "the name", mentioning},
}

var placeProofs = []proof{
	{"another identity after a restart", "Connect tells who the account is and Check finds nothing fatal", "a second Connect", func(_ *handle, b *broken) {
		n := 0
		b.connect = func(ctx context.Context) (bridge.Identity, error) {
			n++
			id, err := b.Bridge.Connect(ctx)
			id.User += bridge.UserID(fmt.Sprint(n))
			return id, err
		}
	}},
	{"a name that finds anything", "Resolve finds by every name and says what is unknown", "succeeded", func(h *handle, b *broken) {
		b.resolve = func(ctx context.Context, name string, need bridge.Access) (bridge.Conversation, error) {
			if c, err := b.Bridge.Resolve(ctx, name, need); err == nil {
				return c, nil
			}
			return bridge.Conversation{ID: h.one.ID, Name: name}, nil
		}
	}},
	{"an unknown name without a hint", "Resolve finds by every name and says what is unknown", "gives no hint", func(_ *handle, b *broken) {
		b.resolve = func(ctx context.Context, name string, need bridge.Access) (bridge.Conversation, error) {
			c, err := b.Bridge.Resolve(ctx, name, need)
			if err != nil {
				err = &bridge.Error{Kind: bridge.KindOf(err), Err: errors.New("not found")}
			}
			return c, err
		}
	}},
	{"people under another name", "people are known by their id", "LookUp", func(_ *handle, b *broken) {
		b.lookUp = func(ctx context.Context, u bridge.UserID) (bridge.Author, error) {
			who, err := b.Bridge.LookUp(ctx, u)
			who.Name = string(u)
			return who, err
		}
	}},
	{"one conversation for each order of its people", "a direct conversation is opened once", "then", func(h *handle, b *broken) {
		n := 0
		b.direct = func(context.Context, bridge.Opening) (bridge.ConversationID, error) {
			n++
			return h.service.AddChannel(bridge.ChannelID(fmt.Sprint("direct-", n)), fmt.Sprint("direct/", n)), nil
		}
	}},
}
