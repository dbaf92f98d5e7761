package mattermost

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// OpenConversation opens a direct channel, or a group channel of three to eight people; Mattermost knows one of each set of people. It adds to a
// group whoever makes it, so the bot only opens those that it is in itself. Rejected: there can be no such conversation.
func (a *account) OpenConversation(ctx context.Context, o bridge.Opening) (bridge.ConversationID, error) {
	me, config, err := a.self()
	if err != nil {
		return bridge.ConversationID{}, err
	}
	ids := make([]string, len(o.People))
	for i, p := range o.People {
		ids[i] = string(p)
	}
	opener := me.Id
	if o.As != "" {
		opener = string(o.As)
	}
	if err := openable(ids, opener, o.As == ""); err != nil {
		return bridge.ConversationID{}, fmt.Errorf("opening a conversation: %w", err)
	}
	var c model.Channel
	err = a.by(ctx, o.As, func(by *client, _ string) error {
		if err := a.openChannel(ctx, by, ids, &c); err != nil || c.Type != model.ChannelTypeGroup || o.Topic == "" || c.Header != "" {
			return err
		}
		return a.setHeader(ctx, by, &c, o.Topic)
	})
	if err != nil {
		if o.As == "" && forbidden(err) && !slices.Contains(ids, me.Id) {
			err = unsupported("only a system administrator may open a conversation of others: %w", bare(err))
		}
		return bridge.ConversationID{}, fmt.Errorf("opening a conversation: %w", err)
	}
	a.channels.Add(c.Id, c.Type)
	if o.As != "" {
		a.insiders.Add(c.Id, opener)
	}
	return bridge.ConversationID{Server: config.server, Channel: bridge.ChannelID(c.Id)}, nil
}

// openable says why there cannot be a conversation of these people that this one opens.
func openable(ids []string, opener string, bot bool) error {
	reject := func(why string) error { return &bridge.Error{Kind: bridge.Rejected, Err: errors.New(why)} }
	sorted := slices.Clone(ids)
	slices.Sort(sorted)
	switch among := slices.Contains(ids, opener); {
	case len(ids) == 0 || len(ids) > groupLimit:
		return reject(fmt.Sprintf("Mattermost has none of %d people", len(ids)))
	case len(slices.Compact(sorted)) < len(ids):
		return reject("somebody is named twice")
	case slices.ContainsFunc(ids, func(id string) bool { return !model.IsValidId(id) }):
		return gone("one of the people is no user of this server")
	case !among && !bot:
		return reject("who opens it is not in it")
	case !among && len(ids) != 2:
		return unsupported("Mattermost adds the bot to what it opens")
	}
	return nil
}

// openChannel finds or makes the channel of exactly these people.
func (a *account) openChannel(ctx context.Context, by *client, ids []string, c *model.Channel) error {
	path, name := "/channels/group", ""
	switch len(ids) {
	case 1:
		path, name = "/channels/direct", model.GetDMNameFromIds(ids[0], ids[0])
	case 2:
		path, name = "/channels/direct", model.GetDMNameFromIds(ids[0], ids[1])
	default:
		name = model.GetGroupNameFromUserIds(slices.Clone(ids))
	}
	if _, err := by.call(ctx, opChange, http.MethodPost, path, ids, c); err != nil {
		return err
	}
	if !model.IsValidId(c.Id) || c.Name != name {
		return &bridge.Error{Kind: bridge.Rejected, Err: errors.New("the server answered with a conversation of other people")}
	}
	return nil
}
