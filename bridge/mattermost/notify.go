package mattermost

import (
	"context"
	"fmt"
	"net/http"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/bridge/richtext/markdown"
)

// Notify tells a person something by an ephemeral post, which only they see. It is a direct message of the bot where the bot may not do
// that, where the notice is about no conversation, and where it has buttons: an ephemeral post could not be changed after a press.
func (a *account) Notify(ctx context.Context, n bridge.Notice) error {
	if !model.IsValidId(string(n.User)) {
		return gone("telling a person: there is no user %q on this server", n.User)
	}
	_, config, err := a.self()
	if err != nil {
		return err
	}
	text := spoken(n.Text, config)
	if n.Conversation == (bridge.ConversationID{}) || len(n.Choices) > 0 {
		return a.tellDirectly(ctx, n, text)
	}
	channel, err := a.channelOf(n.Conversation)
	if err != nil {
		return err
	}
	ephemeral := &model.PostEphemeral{UserID: string(n.User), Post: &model.Post{ChannelId: channel, Message: text}}
	_, err = a.client.call(ctx, opPost, http.MethodPost, "/posts/ephemeral", ephemeral, nil)
	switch {
	case forbidden(err):
		return a.tellDirectly(ctx, n, text)
	case err != nil:
		return fmt.Errorf("telling a person privately: %w", err)
	}
	return nil
}

// tellDirectly writes into the direct channel of bot and person.
func (a *account) tellDirectly(ctx context.Context, n bridge.Notice, text string) error {
	me, _, err := a.self()
	if err != nil {
		return err
	}
	rows, err := a.buttons(ctx, n.Choices, true)
	if err != nil {
		return fmt.Errorf("telling a person by direct message: %w", err)
	}
	var direct model.Channel
	if _, err := a.client.call(ctx, opChange, http.MethodPost, "/channels/direct", []string{me.Id, string(n.User)}, &direct); err != nil {
		return fmt.Errorf("opening a direct channel to tell a person: %w", err)
	}
	if known, err := a.knows(ctx, me.Id, direct.Id, n.Key); known || err != nil {
		return err
	}
	post := &model.Post{UserId: me.Id, ChannelId: direct.Id, Message: text, PendingPostId: string(n.Key)}
	if len(rows) > 0 {
		post.AddProp(model.PostPropsAttachments, rows)
	}
	if n.Key != "" {
		post.AddProp(propCauseway, map[string]any{propKey: string(n.Key)})
	}
	if _, err := a.client.call(ctx, opPost, http.MethodPost, "/posts?set_online=false", post, nil); err != nil {
		return fmt.Errorf("telling a person by direct message: %w", err)
	}
	return nil
}

// knows reports whether the bot has said what has the key among what was said last in its direct channel with somebody.
func (a *account) knows(ctx context.Context, bot, channel string, key bridge.Key) (bool, error) {
	if key == "" {
		return false, nil
	}
	var latest model.PostList
	if err := a.client.get(ctx, fmt.Sprintf("/channels/%s/posts?per_page=%d", channel, pageSize), &latest); err != nil {
		return false, fmt.Errorf("looking what a person was told: %w", err)
	}
	for _, p := range latest.Posts {
		if p.UserId == bot && keyOf(p) == key {
			return true, nil
		}
	}
	return false, nil
}

// spoken renders what Causeway itself says.
func spoken(text richtext.Doc, config serverConfig) string {
	return clip(markdown.Render(guardNames(text)), config.maxRunes)
}
