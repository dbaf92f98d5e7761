package mattermost

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// vaultMark is where the installation's mark is kept, by which it knows the tokens that it has minted.
const vaultMark = "mark"

// sayNoToken is for the person; what is wrong is told to the operator.
const sayNoToken = "Mattermost does not let Causeway act for you at present. Please tell your administrator: \"causeway check\" says what is missing."

// mark gives the description of tokens that this installation mints.
func (a *account) mark(ctx context.Context) (string, error) {
	data, err := a.vault.Load(ctx, vaultMark)
	if err == nil && data == nil {
		data = []byte(strings.ToLower(rand.Text()[:8]))
		err = a.vault.Save(ctx, vaultMark, data)
	}
	if err != nil {
		return "", fmt.Errorf("reading the mark of this installation: %w", err)
	}
	return appName + " " + string(data), nil
}

// Empower mints a token for the user, or keeps the one that they gave. A token of an earlier attempt is revoked, except the one that
// is in use, which is given again.
func (a *account) Empower(ctx context.Context, u bridge.UserID, given []byte) ([]byte, error) {
	if !model.IsValidId(string(u)) {
		return nil, gone("there is no user %q on this server", u)
	}
	defer a.actors.forget(u)
	if !a.simple() {
		g, err := decodeGrant(given)
		if err != nil {
			return nil, &bridge.Error{Kind: bridge.Rejected, Scope: bridge.ScopePerson, Hint: sayAgain, Err: errors.New("empowering Causeway to act as a person: they have given nothing")}
		}
		return a.newer(ctx, u, g)
	}
	if g, err := decodeGrant(given); err == nil && g.Refresh != "" { // given before the profile changed
		a.giveBack(ctx, a.client.as(g.secret()), g.App)
	}
	g, err := a.mint(ctx, string(u))
	if kind := bridge.KindOf(err); err != nil && (kind == bridge.Unauthorised && bridge.ScopeOf(err) != bridge.ScopeAccount || kind == bridge.Rejected || kind == bridge.Unsupported) {
		a.log.WithError(err).Warn("nobody can be connected: Causeway may not act as people")
		return nil, &bridge.Error{Kind: bridge.Rejected, Scope: bridge.ScopePerson, Hint: sayNoToken, Err: fmt.Errorf("minting a token for a person: %w", bare(err))}
	}
	if err != nil {
		return nil, fmt.Errorf("minting a token for a person: %w", err)
	}
	return g.encode(), nil
}

// newer gives what is kept to act as a user instead of what they have given, where it is newer: an app has one pair of tokens of each person, and who
// signs in is given the one that there is, which may have been renewed since.
func (a *account) newer(ctx context.Context, u bridge.UserID, given grant) ([]byte, error) {
	kept, ok, err := a.actors.kept(ctx, string(u))
	if err == nil && ok && kept.App == given.App && kept.Expires.After(given.Expires) && kept.Access != given.Access {
		given = kept
	}
	return given.encode(), nil // what cannot be read is not in use
}

func (a *account) mint(ctx context.Context, user string) (grant, error) {
	description, err := a.mark(ctx)
	if err != nil {
		return grant{}, err
	}
	inUse, _, err := a.actors.kept(ctx, user)
	if err != nil {
		inUse = grant{} // it cannot be read, so it is not in use
	}
	ours, err := a.minted(ctx, user, description)
	if err != nil {
		return grant{}, err
	}
	again := false
	for _, t := range ours {
		if t.Id == inUse.Token && t.IsActive {
			again = true
			continue
		}
		if err := a.revokeToken(ctx, t.Id); err != nil && bridge.KindOf(err) != bridge.Gone {
			return grant{}, fmt.Errorf("revoking a token of an earlier attempt: %w", err)
		}
	}
	if again {
		return inUse, nil
	}
	var made model.UserAccessToken
	if _, err := a.client.call(ctx, opPost, http.MethodPost, "/users/"+user+"/tokens", map[string]string{"description": description}, &made); err != nil {
		return grant{}, lacking(err, "create_user_access_token and edit_other_users (for a system administrator: manage_system)")
	}
	if made.Token == "" || made.UserId != user {
		return grant{}, &bridge.Error{Scope: bridge.ScopePerson, Err: errors.New("the server answered with no token of that user")}
	}
	return grant{Access: made.Token, Token: made.Id}, nil
}

// minted lists the tokens that this installation has minted for a user.
func (a *account) minted(ctx context.Context, user, description string) ([]*model.UserAccessToken, error) {
	all, err := a.tokensOf(ctx, user)
	if err != nil {
		return nil, lacking(err, "read_user_access_token and edit_other_users")
	}
	return slices.DeleteFunc(all, func(t *model.UserAccessToken) bool { return t.Description != description }), nil
}

// tokensOf lists the personal access tokens of a user.
func (a *account) tokensOf(ctx context.Context, user string) (all []*model.UserAccessToken, err error) {
	for list, err := range pages[*model.UserAccessToken](ctx, a.client, "/users/"+user+"/tokens") {
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

func (a *account) revokeToken(ctx context.Context, id string) error {
	_, err := a.client.call(ctx, opChange, http.MethodPost, "/users/tokens/revoke", map[string]string{"token_id": id}, nil)
	return lacking(err, "revoke_user_access_token and edit_other_users")
}

// Discard revokes the tokens that this installation has minted for a user and that are not in use, and those that they gave. An app has one pair of
// tokens of each person, so what they gave may be what is kept by now.
func (a *account) Discard(ctx context.Context, u bridge.UserID, given []byte) error {
	done, err := a.actors.turns.take(ctx, string(u)) // nothing is renewed meanwhile
	if err != nil {
		return err
	}
	defer done()
	kept, ok, err := a.actors.kept(ctx, string(u))
	if err != nil {
		return fmt.Errorf("giving back what a person gave: %w", err)
	}
	if g, err := decodeGrant(given); err == nil && g.Refresh != "" && !(ok && kept.App == g.App) {
		if err := a.deauthorize(ctx, a.client.as(g.secret()), g.App); err != nil && !lost(err) && bridge.KindOf(err) != bridge.Unsupported {
			return fmt.Errorf("giving back what a person gave: %w", err)
		}
	}
	if !a.simple() {
		return nil
	}
	description, err := a.mark(ctx)
	if err != nil {
		return err
	}
	ours, err := a.minted(ctx, string(u), description)
	for _, t := range ours {
		if err == nil && t.Id != kept.Token {
			err = a.revokeToken(ctx, t.Id)
			if bridge.KindOf(err) == bridge.Gone {
				err = nil
			}
		}
	}
	if err != nil {
		return fmt.Errorf("revoking tokens that nobody needs: %w", err)
	}
	return nil
}

// Release revokes what is kept to act as a user. Gone: it was not good any more.
func (a *account) Release(ctx context.Context, u bridge.UserID) error {
	defer a.actors.forget(u)
	g, ok, err := a.actors.kept(ctx, string(u))
	if err != nil {
		return fmt.Errorf("releasing a person: %w", err)
	}
	if !ok {
		return gone("releasing a person: nothing is kept to act as them")
	}
	if g.Token != "" {
		if err := a.revokeToken(ctx, g.Token); err != nil {
			return fmt.Errorf("releasing a person: %w", err)
		}
		return nil
	}
	err = a.by(ctx, u, func(c *client, _ string) error { return a.deauthorize(ctx, c, g.App) })
	switch {
	case lost(err):
		return gone("releasing a person: their tokens are not good any more")
	case bridge.KindOf(err) == bridge.Unsupported: // the server is no OAuth 2.0 provider at present
		a.log.WithError(err).Warn("the tokens of somebody who disconnects could not be revoked; they end by themselves")
		return nil
	}
	return wrap("releasing a person", err)
}
