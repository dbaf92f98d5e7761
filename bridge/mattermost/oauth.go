package mattermost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// app is Causeway's OAuth 2.0 application on the server. Its form in JSON is stored.
type app struct {
	ID     string `json:"id"`
	Secret string `json:"secret"`
}

const (
	// appName is what people read on the server's page of consent, and in their security settings.
	appName = "Causeway"
	// vaultApp is where the app is kept that the bot has registered.
	vaultApp = "oauth app"
)

const hintApp = "make one (Integrations > OAuth 2.0 Applications) and set OAuthClientID and OAuthClientSecret, or let the bot do it: permission manage_oauth"

// keptApp gives the app of the config, or the one that was registered before.
func (a *account) keptApp(ctx context.Context) (app, error) {
	if a.settings.OAuthClientID != "" {
		return app{ID: a.settings.OAuthClientID, Secret: a.settings.OAuthClientSecret.Reveal()}, nil
	}
	data, err := a.vault.Load(ctx, vaultApp)
	if err != nil {
		return app{}, fmt.Errorf("reading the OAuth 2.0 app: %w", err)
	}
	var kept app
	if data != nil && json.Unmarshal(data, &kept) == nil && kept.ID != "" {
		return kept, nil
	}
	return app{}, &bridge.Error{Kind: bridge.Unsupported, Err: errors.New("there is no OAuth 2.0 app"), Hint: hintApp}
}

// appFor gives the app to which the server sends browsers back at redirect. What the bot may do about it, it does: it registers
// one, takes up one that it has registered before, and adds the address. Unsupported: there is none.
func (a *account) appFor(ctx context.Context, redirect string) (app, error) {
	done, err := a.actors.turns.take(ctx, vaultApp)
	if err != nil {
		return app{}, err
	}
	defer done()
	kept, err := a.keptApp(ctx)
	if err != nil && bridge.KindOf(err) != bridge.Unsupported {
		return app{}, err
	}
	if err == nil {
		ready, err := a.lookApp(ctx, kept.ID, redirect)
		switch {
		case err == nil && ready:
			return kept, nil
		case err == nil || bridge.KindOf(err) != bridge.Gone:
			return app{}, err
		case a.settings.OAuthClientID != "":
			return app{}, &bridge.Error{Kind: bridge.Unsupported, Err: errors.New("the server has no OAuth 2.0 app with the client id OAuthClientID"), Hint: hintApp}
		}
	}
	if !a.may(model.PermissionManageOAuth) {
		return app{}, &bridge.Error{Kind: bridge.Unsupported, Err: errors.New("there is no OAuth 2.0 app"), Hint: hintApp}
	}
	return a.registerApp(ctx, redirect)
}

// lookApp makes sure that an app exists and takes the address. Gone: it does not exist.
func (a *account) lookApp(ctx context.Context, id, redirect string) (ready bool, err error) {
	var there model.OAuthApp
	if err := a.client.get(ctx, "/oauth/apps/"+id+"/info", &there); err != nil {
		return false, fmt.Errorf("looking at the OAuth 2.0 app: %w", err)
	}
	if slices.Contains(there.CallbackUrls, redirect) {
		return true, nil
	}
	there.CallbackUrls = append(there.CallbackUrls, redirect)
	if _, err := a.client.call(ctx, opChange, http.MethodPut, "/oauth/apps/"+id, &there, nil); err != nil {
		return false, &bridge.Error{Kind: bridge.Unsupported, Hint: "add it to the app's callback URLs (Integrations > OAuth 2.0 Applications)",
			Err: fmt.Errorf("the OAuth 2.0 app does not know the address %s: %w", redirect, err)}
	}
	return true, nil
}

// registerApp takes up an app that this bot has registered, or registers one, and keeps it.
func (a *account) registerApp(ctx context.Context, redirect string) (app, error) {
	me, config, err := a.self()
	if err != nil {
		return app{}, err
	}
	there, err := a.ownApp(ctx, me.Id, redirect)
	if err != nil {
		return app{}, err
	}
	if there == nil {
		there = &model.OAuthApp{}
		wanted := &model.OAuthApp{Name: appName, Description: "Joins this server with Microsoft Teams", Homepage: homepage(redirect, config.site),
			CallbackUrls: []string{redirect}, IsTrusted: true}
		if _, err := a.client.call(ctx, opPost, http.MethodPost, "/oauth/apps", wanted, there); err != nil {
			return app{}, fmt.Errorf("registering the OAuth 2.0 app: %w", lacking(err, "manage_oauth"))
		}
	}
	made := app{ID: there.Id, Secret: there.ClientSecret}
	data, err := json.Marshal(made)
	if err != nil {
		return app{}, fmt.Errorf("encoding the OAuth 2.0 app: %w", err)
	}
	if err := a.vault.Save(ctx, vaultApp, data); err != nil {
		return app{}, fmt.Errorf("storing the OAuth 2.0 app: %w", err)
	}
	return made, nil
}

// ownApp finds an app that this bot has registered for the same address.
func (a *account) ownApp(ctx context.Context, me, redirect string) (*model.OAuthApp, error) {
	for list, err := range pages[*model.OAuthApp](ctx, a.client, "/oauth/apps") {
		if err != nil {
			return nil, fmt.Errorf("listing the OAuth 2.0 apps: %w", lacking(err, "manage_oauth"))
		}
		for _, one := range list {
			if one.CreatorId == me && one.Name == appName && one.ClientSecret != "" && slices.Contains(one.CallbackUrls, redirect) {
				return one, nil
			}
		}
	}
	return nil, nil
}

// homepage gives the server's part of an address; the app must have one.
func homepage(redirect, other string) string {
	u, err := url.Parse(redirect)
	if err != nil || u.Host == "" {
		return other
	}
	return u.Scheme + "://" + u.Host
}

// SignIn gives the address of the server's page of consent, which a trusted app does not show. Mattermost 11.1 has no PKCE. Where only people
// themselves can give Causeway a token, nobody can be connected without it.
func (a *account) SignIn(ctx context.Context, s bridge.SignIn) (string, error) {
	address, err := a.consentPage(ctx, s)
	if bridge.KindOf(err) == bridge.Unsupported && !a.simple() {
		a.log.WithError(err).Warn("nobody can be connected: people cannot give Causeway a token")
		return "", &bridge.Error{Kind: bridge.Rejected, Scope: bridge.ScopePerson, Hint: sayNoSignIn, Err: bare(err)}
	}
	return address, err
}

func (a *account) consentPage(ctx context.Context, s bridge.SignIn) (string, error) {
	_, config, err := a.fresh(ctx)
	if err != nil {
		return "", err
	}
	if !config.oauth {
		return "", &bridge.Error{Kind: bridge.Unsupported, Err: errors.New("signing a person in: the server is no OAuth 2.0 provider at present"), Hint: hintOAuthOff}
	}
	app, err := a.appFor(ctx, s.Redirect)
	if err != nil {
		return "", fmt.Errorf("signing a person in: %w", err)
	}
	query := url.Values{"response_type": {model.AuthCodeResponseType}, "client_id": {app.ID}, "redirect_uri": {s.Redirect}, "state": {s.State}}
	return config.site + "/oauth/authorize?" + query.Encode(), nil
}

// Words for the person.
const (
	sayAgain    = "The sign-in was not completed in time, or its answer was used before. Please begin again."
	sayNoSignIn = "Mattermost does not let people sign in to other programs here, and Causeway needs that to write in your name. Please tell your administrator: \"causeway check\" says what is missing."
	sayNoPerson = "This Mattermost account is not a person's own account here, so it cannot be connected."
)

// Prove takes the code to the server and asks whose it is. Where the bot mints the tokens, what was given is given back at once.
func (a *account) Prove(ctx context.Context, s bridge.SignIn, code string) (bridge.Proof, error) {
	_, config, err := a.self()
	if err != nil {
		return bridge.Proof{}, err
	}
	app, err := a.keptApp(ctx)
	if err != nil {
		return bridge.Proof{}, fmt.Errorf("proving who signed in: %w", err)
	}
	var answer accessResponse
	err = a.client.submit(ctx, opPost, "/oauth/access_token", url.Values{
		"grant_type": {model.AccessTokenGrantType}, "client_id": {app.ID}, "client_secret": {app.Secret}, "redirect_uri": {s.Redirect}, "code": {code},
	}, &answer)
	switch kind := bridge.KindOf(err); {
	case err != nil && kind == bridge.Rejected:
		return bridge.Proof{}, &bridge.Error{Kind: bridge.Rejected, Scope: bridge.ScopePerson, Hint: sayAgain, Err: fmt.Errorf("proving who signed in: %w", bare(err))}
	case err != nil:
		return bridge.Proof{}, fmt.Errorf("proving who signed in: %w", ofPerson(err))
	}
	given, err := answer.grant(app.ID, time.Now())
	if err != nil {
		return bridge.Proof{}, err
	}
	as := a.client.as(given.secret())
	var user model.User
	if err := as.get(ctx, "/users/me", &user); err != nil {
		return bridge.Proof{}, fmt.Errorf("asking who signed in: %w", ofPerson(err))
	}
	if user.IsBot || user.IsRemote() || !model.IsValidId(user.Id) {
		a.giveBack(ctx, as, app.ID)
		return bridge.Proof{}, &bridge.Error{Kind: bridge.Rejected, Scope: bridge.ScopePerson, Hint: sayNoPerson, Err: errors.New("proving who signed in: it is a bot, or a user of another server")}
	}
	proof := bridge.Proof{Profile: profileOf(&user, config)}
	if a.simple() {
		a.giveBack(ctx, as, app.ID)
		return proof, nil
	}
	proof.Grant = given.encode()
	return proof, nil
}

// giveBack revokes tokens that nobody needs. What cannot be given back ends by itself.
func (a *account) giveBack(ctx context.Context, as *client, app string) {
	if err := a.deauthorize(ctx, as, app); err != nil {
		a.log.WithError(err).Warn("a token of a sign-in could not be given back; it ends by itself")
	}
}

// deauthorize revokes all tokens that the app has been given by whom the client acts as.
func (a *account) deauthorize(ctx context.Context, as *client, app string) error {
	body, err := json.Marshal(map[string]string{"client_id": app})
	if err != nil {
		return fmt.Errorf("revoking tokens of OAuth 2.0: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, as.timeout)
	defer cancel()
	answer, err := as.send(ctx, opChange, http.MethodPost, as.base.String()+"/oauth/deauthorize", string(body), map[string]string{"Content-Type": "application/json"})
	if _, err = as.read(ctx, opChange, answer, err, nil); err != nil {
		return fmt.Errorf("revoking tokens of OAuth 2.0: %w", err)
	}
	return nil
}
