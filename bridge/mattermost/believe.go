package mattermost

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// A server without its database refuses what is good: it takes a session that it cannot look up for one that is not there, and answers 401, and an app or a
// refresh token in the same way 404 (found by contrib/chaos on 11.1: GetSession, GetOAuthAccessTokenForCodeFlow), and says that people lack a permission
// (SessionHasPermissionToChannel takes a failed look for a no), or that the root of a reply is not there (CreatePost), or a post that
// is to be deleted (DeletePost, 400). Who believed that would declare people lost, who would have to connect again, take a reply out of its thread, or leave what was deleted.

// revoked makes sure that a personal access token that was refused is not good any more, by asking as the bot whether it is there. Its error tells: lost, or
// else that it is to be tried again.
func (s *actors) revoked(ctx context.Context, user string, g grant) error {
	refused := lostFor("the server does not accept their token any more")
	if _, config, err := s.account.self(); err == nil && !config.tokens {
		return &bridge.Error{Kind: bridge.Unauthorised, Scope: bridge.ScopePerson, Hint: hintTokensOff, Err: errors.New("acting as a person: access tokens are switched off")}
	}
	var who model.User
	tokens, err := s.account.tokensOf(ctx, user)
	if err == nil {
		if !slices.ContainsFunc(tokens, func(t *model.UserAccessToken) bool { return t.Id == g.Token && t.IsActive }) {
			return refused
		}
		err = s.account.client.get(ctx, "/users/"+user, &who)
	}
	switch {
	case err == nil && who.DeleteAt != 0, bridge.KindOf(err) == bridge.Gone:
		return refused
	case forbidden(err):
		again := s.account.surely(ctx, forbidden, func() error {
			_, err := s.account.tokensOf(ctx, user)
			return err
		})
		if forbidden(again) { // the bot may not know
			return refused
		}
		return unsure(fmt.Errorf("asking whether a token that was refused is there: %w", bare(err)))
	case err != nil:
		return unsure(fmt.Errorf("asking whether a token that was refused is there: %w", bare(err)))
	}
	return unsure(errors.New("the server does not accept their token, which is there"))
}

// surely makes sure of a refusal: it is tried again, between two looks at what only the database can tell. It gives nil or another error where that goes well or
// fails otherwise.
func (a *account) surely(ctx context.Context, refused func(error) bool, try func() error) error {
	look := func() error {
		if err := a.client.get(ctx, "/users/me/teams/members", nil); err != nil {
			return unsure(fmt.Errorf("asking whether the server can tell: %w", bare(err)))
		}
		return nil
	}
	if err := look(); err != nil {
		return err
	}
	err := try()
	if !refused(err) {
		return err
	}
	return cmp.Or(look(), err)
}

// gone makes sure that a post is not there of which a refusal says so: what was to be changed.
func (a *account) gone(ctx context.Context, c *client, refused error, id bridge.MessageID) error {
	return a.absent(ctx, c, refused, id, func(*model.Post) bool { return false })
}

// rootless makes sure that a reply cannot stand below its root, which is not there, is a reply itself, or stands in another channel.
func (a *account) rootless(ctx context.Context, c *client, refused error, root bridge.MessageID, channel string) error {
	if root == "" {
		return refused
	}
	return a.absent(ctx, c, refused, root, func(p *model.Post) bool { return p.RootId != "" || p.ChannelId != channel })
}

// absent makes sure that a post is not there of which a refusal says so, or that it is another reason that lasts.
func (a *account) absent(ctx context.Context, c *client, refused error, id bridge.MessageID, unfit func(*model.Post) bool) error {
	if bridge.KindOf(refused) != bridge.Gone {
		return refused
	}
	var post model.Post
	err := c.get(ctx, "/posts/"+string(id), &post)
	switch kind := bridge.KindOf(err); {
	case err == nil && unfit(&post), err != nil && (kind == bridge.Gone || kind == bridge.Rejected || kind == bridge.Unsupported):
		return refused
	case err != nil:
		err = fmt.Errorf("asking whether a post is there: %w", bare(err))
	default:
		err = fmt.Errorf("although the post is there: %w", bare(refused))
	}
	return &bridge.Error{Kind: bridge.Transient, Scope: bridge.ScopeConversation, Err: err}
}

// unsure is tried again.
func unsure(err error) error {
	return &bridge.Error{Kind: bridge.Transient, Scope: bridge.ScopePerson, Err: fmt.Errorf("acting as a person: %w", err)}
}
