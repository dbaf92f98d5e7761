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
// (SessionHasPermissionToChannel takes a failed look for a no), or that the root of a reply is not there (CreatePost). Who
// believed that would declare people lost, who would have to connect again, or take a reply out of its thread.

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

// rootless makes sure that the root of a reply that was refused for lack of it is gone.
func (a *account) rootless(ctx context.Context, c *client, refused error, root bridge.MessageID) error {
	if root == "" || bridge.KindOf(refused) != bridge.Gone {
		return refused
	}
	switch err := c.get(ctx, "/posts/"+string(root), nil); {
	case bridge.KindOf(err) == bridge.Gone:
		return refused
	case err != nil:
		return unsure(fmt.Errorf("asking whether the root of a reply is there: %w", bare(err)))
	}
	return unsure(fmt.Errorf("although the root of the reply is there: %w", bare(refused)))
}

// unsure is tried again.
func unsure(err error) error {
	return &bridge.Error{Kind: bridge.Transient, Scope: bridge.ScopePerson, Err: fmt.Errorf("acting as a person: %w", err)}
}
