package bridgetest_test

import (
	"context"

	"causeway/bridge"
	"causeway/bridge/bridgetest"
)

const (
	lawTheirs  = "a post as a person is theirs and known by its key"
	lawChanged = "as a person their posts are changed"
	lawAlone   = "a revoked person stops nobody else"
)

var peopleProofs = []proof{
	{"a person's post written by the relay", lawTheirs, "is not just what", drafted(func(d *bridge.Draft) { d.As = "" })},
	{"a person's name in their own text", lawTheirs, "is not just what", drafted(func(d *bridge.Draft) {
		if d.As != "" {
			d.Text[0].Runs[0].Text = d.Author.Name + ": " + d.Text[0].Runs[0].Text
		}
	})},
	{"a person's post without its key", lawTheirs, "reported with key", state(func(s *bridge.State) { s.Key = "" })},
	{"what people say by hand with a key", lawTheirs, "not within", states(func(_ *handle, s bridge.State) []bridge.State {
		if s.Key == "" {
			return nil
		}
		return []bridge.State{s}
	})},
	{"a person's edit made by the relay", lawChanged, "Edit: ", func(_ *handle, b *broken) {
		b.edit = func(ctx context.Context, id bridge.MessageID, d bridge.Draft) error {
			d.As = ""
			return b.Bridge.Edit(ctx, id, d)
		}
	}},
	{"a person's reaction set by the relay", "a person's reactions are their own", "whose reactions", func(_ *handle, b *broken) {
		b.react = func(ctx context.Context, t bridge.Target, emoji string, on bool) error {
			t.As = ""
			return b.Bridge.React(ctx, t, emoji, on)
		}
	}},
	{"one person's token taken for the account's", lawAlone, "want the person alone", postError(func(err error) error {
		return &bridge.Error{Kind: bridge.KindOf(err), Scope: bridge.ScopeAccount, Err: err}
	})},
	{"a revoked person spoken for by the relay", lawAlone, "Post succeeded", func(_ *handle, b *broken) {
		b.post = func(ctx context.Context, d bridge.Draft) (bridge.MessageID, error) {
			id, err := b.Bridge.Post(ctx, d)
			if bridge.KindOf(err) == bridge.Unauthorised {
				d.As = ""
				return b.Bridge.Post(ctx, d)
			}
			return id, err
		}
	}},
	{"a revoked person verified", lawAlone, "Verify succeeded", func(_ *handle, b *broken) {
		b.verify = func(context.Context, bridge.UserID) error { return nil }
	}},
	{"all given back, what is kept, too", "what is kept outlives connecting that led to nothing", "Verify after Discard", func(_ *handle, b *broken) {
		b.discard = b.Bridge.Release
	}},
	{"a setting that stays", "how a person is notified is changed and put back", "the setting is", func(_ *handle, b *broken) {
		b.mute = func(context.Context, bridge.UserID, bridge.ConversationID, string) error { return nil }
	}},
	{"an author shown as a member", "nobody from elsewhere looks like a member", "is shown as", drafted(func(d *bridge.Draft) { d.Same = people[bridgetest.Alice].ID })},
	{"an author who is not shown", "nobody from elsewhere looks like a member", "is not shown", drafted(func(d *bridge.Draft) { d.Author.Name = "" })},
	{"a member listed twice", "Members gives everybody once", "is listed 2 times", func(_ *handle, b *broken) {
		b.members = func(ctx context.Context, c bridge.ConversationID) ([]bridge.UserID, error) {
			all, err := b.Bridge.Members(ctx, c)
			return append(all, all...), err
		}
	}},
}
