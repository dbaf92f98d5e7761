package mattermost

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/bridge/richtext/markdown"
)

// Post writes a new message, which carries the key in its props and as pending_post_id. Gone: the channel or the Root does not
// exist any more.
func (a *account) Post(ctx context.Context, d bridge.Draft) (bridge.MessageID, error) {
	channel, err := a.channelOf(d.Conversation)
	if err != nil {
		return "", err
	}
	_, config, err := a.fresh(ctx)
	if err != nil {
		return "", err
	}
	post := &model.Post{ChannelId: channel, RootId: string(d.Root), PendingPostId: string(d.Key), FileIds: fileIDs(d)}
	if err := a.dress(ctx, post, d, config); err != nil {
		return "", fmt.Errorf("posting: %w", err)
	}
	var made model.Post
	writer := ""
	err = a.by(ctx, d.As, func(c *client, user string) error {
		post.UserId, writer = user, user
		_, err := c.call(ctx, opPost, http.MethodPost, "/posts?set_online=false", post, &made)
		err = a.rootless(ctx, c, err, d.Root, channel)
		return a.doubt(ctx, a.explain(ctx, c, err, channel, ""), d.As, channel, model.PermissionCreatePost)
	})
	if err != nil {
		return "", fmt.Errorf("posting: %w", err)
	}
	if !model.IsValidId(made.Id) || made.ChannelId != channel || made.RootId != string(d.Root) || made.UserId != writer || keyOf(&made) != d.Key {
		return "", &bridge.Error{Kind: bridge.Uncertain, Err: fmt.Errorf("posting: the server answered with another post, %q", made.Id)}
	}
	a.wrote(channel)
	if missing := missingFiles(d, &made); len(missing) > 0 {
		return "", a.takeBack(ctx, d, &made, missing)
	}
	return bridge.MessageID(made.Id), nil
}

// takeBack deletes a post that lacks some of its files.
func (a *account) takeBack(ctx context.Context, d bridge.Draft, made *model.Post, missing []string) error {
	err := a.by(ctx, d.As, func(c *client, _ string) error {
		_, err := c.call(ctx, opChange, http.MethodDelete, "/posts/"+made.Id, nil, nil)
		return err
	})
	if err != nil && bridge.KindOf(err) != bridge.Gone {
		return &bridge.Error{Kind: bridge.Uncertain, Err: fmt.Errorf("posting: files are missing, and the post cannot be taken back: %w", err)}
	}
	return fmt.Errorf("posting: %w", lacksFiles(missing))
}

// dress gives a new post its text and props. A person's own post needs the key alone; a relay's shows the author.
func (a *account) dress(ctx context.Context, post *model.Post, d bridge.Draft, config serverConfig) error {
	called, err := a.called(ctx, d.Text)
	if err != nil {
		return err
	}
	prioritised(post, &d, config)
	if d.As != "" {
		post.Message = message(d, true, called)
		post.SetProps(props(bridge.Draft{Key: d.Key}, config))
		return nil
	}
	kind, err := a.kindOf(ctx, post.ChannelId)
	if err != nil {
		return err
	}
	named := overrides(config, kind)
	post.Message = message(d, named, called)
	if named && d.Author.Name != "" {
		d.Author.Name = richtext.Line(d.Author.Name)
		if d.Author.Name, err = a.shownAs(ctx, d.Author, d.Same); err != nil {
			return err
		}
	}
	post.SetProps(props(d, config))
	return nil
}

// Edit changes the text and the files of a post; its props, the key among them, stay.
func (a *account) Edit(ctx context.Context, id bridge.MessageID, d bridge.Draft) error {
	channel, err := a.channelOf(d.Conversation)
	if err != nil {
		return err
	}
	post, err := postPath(id)
	if err != nil {
		return err
	}
	_, config, err := a.fresh(ctx)
	if err != nil {
		return err
	}
	named := true
	if d.As == "" {
		kind, err := a.kindOf(ctx, channel)
		if err != nil {
			return fmt.Errorf("editing a post: %w", err)
		}
		named = overrides(config, kind)
	}
	called, err := a.called(ctx, d.Text)
	if err == nil {
		err = a.priorityStays(ctx, post, &d)
	}
	if err != nil {
		return fmt.Errorf("editing a post: %w", err)
	}
	patch := map[string]any{"message": message(d, named, called)}
	if d.Key != "" { // what somebody has written themselves keeps its files
		patch["file_ids"] = fileIDs(d)
	}
	var now model.Post
	err = a.by(ctx, d.As, func(c *client, _ string) error {
		_, err := c.call(ctx, opEdit, http.MethodPut, post+"/patch", patch, &now)
		err = a.gone(ctx, c, err, id)
		return a.doubt(ctx, a.explain(ctx, c, err, channel, id), d.As, channel, model.PermissionEditPost)
	})
	if err == nil && d.Key != "" {
		if missing := missingFiles(d, &now); len(missing) > 0 {
			err = lacksFiles(missing)
		}
	}
	if err != nil {
		return fmt.Errorf("editing a post: %w", err)
	}
	return nil
}

// Delete removes a post. The first of a thread stays (Unsupported) as long as it has replies, which the server would
// delete with it.
func (a *account) Delete(ctx context.Context, t bridge.Target) error {
	channel, err := a.channelOf(t.Conversation)
	if err != nil {
		return err
	}
	path, err := postPath(t.ID)
	if err != nil {
		return err
	}
	err = a.by(ctx, t.As, func(c *client, _ string) error {
		var post model.Post
		if err := c.get(ctx, path, &post); err != nil {
			return a.doubt(ctx, fmt.Errorf("looking before: %w", err), t.As, channel, model.PermissionDeletePost)
		}
		if post.RootId == "" && post.ReplyCount > 0 {
			return unsupported("it has replies, which would be deleted with it")
		}
		_, err := c.call(ctx, opChange, http.MethodDelete, path, nil, nil)
		err = a.gone(ctx, c, err, t.ID)
		return a.doubt(ctx, a.explain(ctx, c, err, channel, t.ID), t.As, channel, model.PermissionDeletePost)
	})
	if err != nil {
		return fmt.Errorf("deleting a post: %w", err)
	}
	return nil
}

// React sets or removes a reaction, the bot's or a person's. Unsupported: Mattermost has no such emoji, or the post has too many already.
func (a *account) React(ctx context.Context, t bridge.Target, emoji string, on bool) error {
	channel, err := a.channelOf(t.Conversation)
	if err != nil {
		return err
	}
	post, err := postPath(t.ID)
	if err != nil {
		return err
	}
	name, ok := emojiName(emoji)
	if !ok {
		return unsupported("reacting: Mattermost has no emoji %q", emoji)
	}
	err = a.by(ctx, t.As, func(c *client, user string) (err error) {
		may := model.PermissionRemoveReaction
		if on {
			may = model.PermissionAddReaction
			reaction := &model.Reaction{UserId: user, PostId: string(t.ID), EmojiName: name}
			_, err = c.call(ctx, opChange, http.MethodPost, "/reactions", reaction, nil)
		} else {
			_, err = c.call(ctx, opChange, http.MethodDelete, "/users/"+user+post+"/reactions/"+url.PathEscape(name), nil, nil)
		}
		err = a.gone(ctx, c, err, t.ID)
		return a.doubt(ctx, a.explain(ctx, c, err, channel, t.ID), t.As, channel, may)
	})
	if err != nil {
		return fmt.Errorf("reacting: %w", err)
	}
	return nil
}

// Read gives the present state of one message.
func (a *account) Read(ctx context.Context, c bridge.ConversationID, id bridge.MessageID) (bridge.State, error) {
	channel, err := a.channelOf(c)
	if err != nil {
		return bridge.State{}, err
	}
	path, err := postPath(id)
	if err != nil {
		return bridge.State{}, err
	}
	var post model.Post
	if err := a.reading(ctx, channel, func(by *client) error { return by.get(ctx, path, &post) }); err != nil {
		return bridge.State{}, fmt.Errorf("reading a post: %w", err)
	}
	if post.ChannelId != channel || !shown(&post, bridge.Events()) || post.DeleteAt != 0 {
		return bridge.State{}, gone("reading a post: there is no message %s in %s", id, c)
	}
	b, err := a.newBatch(ctx, []*model.Post{&post}, bridge.Events())
	if err != nil {
		return bridge.State{}, err
	}
	state, ok := b.state(&post)
	if !ok {
		return bridge.State{}, gone("reading a post: there is no message %s in %s", id, c)
	}
	if before, known := a.posts.posts.Peek(post.Id); known {
		if fingerprint(state) != before.print {
			before.revision++
		}
		state.Revision = max(state.Revision, before.revision)
	}
	return state, nil
}

func postPath(id bridge.MessageID) (string, error) {
	if !model.IsValidId(string(id)) {
		return "", gone("there is no message %q on this server", id)
	}
	return "/posts/" + string(id), nil
}

// kindOf gives the type of a channel; it asks once.
func (a *account) kindOf(ctx context.Context, id string) (model.ChannelType, error) {
	if kind, ok := a.channels.Get(id); ok {
		return kind, nil
	}
	var c model.Channel
	if err := a.client.get(ctx, "/channels/"+id, &c); err != nil {
		return "", fmt.Errorf("asking for the channel: %w", err)
	}
	a.channels.Add(id, c.Type)
	return c.Type, nil
}

// explain looks why a write was forbidden: Mattermost answers 403 also when channel or post do not exist. Without a post id only
// the channel is looked for.
func (a *account) explain(ctx context.Context, c *client, refused error, channel string, post bridge.MessageID) error {
	if refused == nil || !forbidden(refused) && !notThere(refused) {
		return refused
	}
	path := "/channels/" + channel
	if post != "" {
		path = "/posts/" + string(post)
	}
	if err := c.get(ctx, path, nil); bridge.KindOf(err) == bridge.Gone {
		return err
	}
	return refused
}

// overrides says whether clients show Author.Name in the place of the bot's: never in direct and group messages.
func overrides(config serverConfig, kind model.ChannelType) bool {
	return config.showNames && (kind == model.ChannelTypeOpen || kind == model.ChannelTypePrivate)
}

// props carry the key and, whether or not the server shows them now, the author's name and picture.
func props(d bridge.Draft, config serverConfig) model.StringInterface {
	p := model.StringInterface{propCauseway: map[string]any{propKey: string(d.Key)}}
	if d.Author.Name == "" {
		return p
	}
	p[model.PostPropsFromWebhook] = "true" // a string: the value true is not honoured
	p[model.PostPropsOverrideUsername] = d.Author.Name
	switch {
	case config.showIcons && d.Author.Avatar != "":
		p[model.PostPropsOverrideIconURL] = d.Author.Avatar
	case config.showIcons && model.IsValidId(string(d.Same)):
		p[model.PostPropsOverrideIconURL] = config.site + "/api/v4/users/" + string(d.Same) + "/image"
	default:
		p[propUserIcon] = "true"
	}
	return p
}

// message renders the draft, in which these people are called, with the author's name on a line of its own when the server does not show it.
func message(d bridge.Draft, nameShown bool, called usernames) string {
	doc := d.Text
	if d.Author.Name != "" && !nameShown {
		doc = richtext.Prepend(doc, richtext.Run{Text: d.Author.Name, Style: richtext.Bold}, richtext.Run{Text: ":"}, richtext.Run{Break: true})
	}
	return strings.ReplaceAll(markdown.Options{Person: called.of}.Render(guardNames(doc)), "\x00", "") // the server answers a NUL with 500
}

// Parts splits a text so that each part, with the author's name, fits into a post.
func (a *account) Parts(d bridge.Draft) []richtext.Doc {
	a.mu.Lock()
	limit := a.config.maxRunes
	a.mu.Unlock()
	parts := richtext.Split(d.Text, func(part richtext.Doc) bool {
		whole := d
		whole.Text = part
		return runes(message(whole, d.As != "", longestNames(part))) <= limit
	})
	if len(parts) == 0 {
		return []richtext.Doc{d.Text}
	}
	return parts
}

func runes(s string) int { return len([]rune(s)) }

func clip(s string, limit int) string {
	if r := []rune(s); len(r) > limit {
		return string(r[:limit])
	}
	return s
}
