package msteams

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/microsoftgraph/msgraph-sdk-go/models"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// Notify tells somebody something as the relay account, in the chat that the two have. What is about another chat says with whom that is. What has a key, and is among
// what was said there last, is not said again. Where the operator does not want that, nobody is told.
func (a *account) Notify(ctx context.Context, n bridge.Notice) error {
	self := a.relayID()
	switch {
	case !a.env.Direct:
		return a.Base.Notify(ctx, n)
	case a.settings.NoNotices:
		return &bridge.Error{Kind: bridge.Unsupported, Err: errors.New("telling a person: NoNotices is set")}
	case self == "":
		return &bridge.Error{Kind: bridge.Unauthorised, Scope: bridge.ScopeAccount, Hint: a.loginHint(), Err: errors.New("telling a person: the relay account is not connected")}
	case self == n.User:
		return &bridge.Error{Kind: bridge.Rejected, Err: errors.New("telling a person: that is the relay account itself")}
	}
	id, err := a.makeChat(ctx, a.relay, bridge.Opening{As: self, People: []bridge.UserID{self, n.User}})
	if err != nil {
		if bridge.KindOf(err) == bridge.Uncertain { // of two people there is only one chat: nothing is doubled by making it again
			err = &bridge.Error{Err: fmt.Errorf("telling a person: %w", err)}
		}
		return err
	}
	if known, err := a.knows(ctx, id, n.Key); known || err != nil {
		return err
	}
	text, err := a.about(ctx, n)
	if err != nil {
		return err
	}
	b, err := body(ctx, bridge.Draft{Text: append(text, n.Text.Literal()...), Key: n.Key}, nil)
	if err != nil {
		return fmt.Errorf("telling a person: %w", err)
	}
	return a.relay.perform(ctx, opPostChat, place{chat: id}, b)
}

// knows reports whether the relay account has said what has the key among what was said last in its chat with somebody.
func (a *account) knows(ctx context.Context, chat string, key bridge.Key) (bool, error) {
	if key == "" {
		return false, nil
	}
	latest, err := a.pageFor(ctx, a.lanes, opChatMessages, a.lanes.base+opChatMessages.address(place{chat: chat}))
	if err != nil {
		return false, fmt.Errorf("looking what a person was told: %w", err)
	}
	return slices.ContainsFunc(latest.messages, func(m models.ChatMessageable) bool {
		_, its := text(m, nil)
		return its == key && m.GetDeletedDateTime() == nil && a.by(m, "")
	}), nil
}

// about says which chat a notice is about: it is read in another one. Nothing, where that cannot be told, or is none of theirs any more.
func (a *account) about(ctx context.Context, n bridge.Notice) (richtext.Doc, error) {
	p, err := a.channelPlace(n.Conversation)
	if err != nil || p.chat == "" {
		return nil, nil
	}
	now, err := a.chat(ctx, a.lanes, p.chat)
	if kind := bridge.KindOf(err); err != nil && (kind == bridge.Transient || kind == bridge.Throttled) {
		return nil, fmt.Errorf("telling a person about a chat: %w", err)
	} else if err != nil {
		return nil, nil
	}
	var names []string
	there := false
	for _, m := range now.Members {
		switch {
		case strings.EqualFold(m.User, string(n.User)):
			there = true
		case m.Name != "":
			names = append(names, m.Name)
		}
	}
	switch {
	case !there:
		return nil, nil
	case now.Topic != "":
		return richtext.Plain("About your chat “" + now.Topic + "”:"), nil
	case len(names) == 0:
		return nil, nil
	}
	named := names[:min(len(names), namedAtMost)]
	return richtext.Plain("About your chat with " + enumerated(named, len(names)-len(named)) + ":"), nil
}

// namedAtMost is how many people a notice names of a chat.
const namedAtMost = 4
