package msteams

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"causeway/bridge"
)

// granted is an access token.
type granted struct {
	token   string
	expires time.Time
	// life is how long it was good for when it was made.
	life time.Duration
	// scopes are the delegated permissions that the answer named; nil when it named none.
	scopes []string
	// claims are those that Graph had asked for; empty as a rule.
	claims string
	// instead: it was made in the place of one that Graph had refused.
	instead bool
}

// fresh tells whether the token will do for a while: it is renewed when a fifth of its life is left, and at least the
// five minutes before its end, when that is less.
func (g granted) fresh(now time.Time) bool {
	return g.token != "" && now.Before(g.expires.Add(-min(5*time.Minute, g.life/5)))
}

// tokens gives out an access token and renews it, one caller at a time while the others wait for the result.
type tokens struct {
	// renew asks the login service; claims is empty, or what Graph wants to see in the token.
	renew func(ctx context.Context, claims string) (granted, error)
	// hint is what to do when Graph refuses the token.
	hint string
	// again: one that Graph refuses is replaced before it counts as refused, unless it was quite lately made for that reason itself.
	again bool

	// turn is held by whoever renews.
	turn chan struct{}

	mu      sync.Mutex
	current granted
	// claims are what the next token must hold.
	claims string
	// dropped: the next token is made in the place of one that was refused.
	dropped bool
}

func newTokens(hint string, renew func(ctx context.Context, claims string) (granted, error)) *tokens {
	return &tokens{renew: renew, hint: hint, turn: make(chan struct{}, 1)}
}

// get gives a token that is good for a while.
func (t *tokens) get(ctx context.Context) (string, error) {
	if now := t.now(); now.fresh(time.Now()) {
		return now.token, nil
	}
	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		return "", &bridge.Error{Err: fmt.Errorf("waiting for a token: %w", ctx.Err())}
	}
	defer func() { <-t.turn }()
	if now := t.now(); now.fresh(time.Now()) { // by whom we waited for
		return now.token, nil
	}
	claims := t.wanted()
	g, err := t.renew(ctx, claims)
	if err != nil {
		return "", err
	}
	g.claims = claims
	t.set(g)
	return g.token, nil
}

func (t *tokens) wanted() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.claims
}

func (t *tokens) now() granted {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.current
}

func (t *tokens) set(g granted) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g.instead, t.dropped = t.dropped, false
	t.current = g
	if t.claims == g.claims {
		t.claims = ""
	}
}

// refused takes up what Graph said about a token.
func (t *tokens) refused(token string, answer *answerError) {
	switch {
	case answer.status != http.StatusUnauthorized:
	case answer.claims == "":
		answer.renewed = t.drop(token) && t.again
	default:
		answer.renewed = t.challenge(token, answer.claims)
	}
}

// confirm asks for the next token where that one is what a person's grant is held against: whether Entra still gives one tells whether they are lost,
// Graph's refusal of one token does not. It gives the error when it does not.
func (t *tokens) confirm(ctx context.Context, answer *answerError) error {
	if !t.again || !answer.renewed {
		return nil
	}
	_, err := t.get(ctx)
	if bridge.KindOf(err) == bridge.Unauthorised {
		return err
	}
	return nil // it is seen at the next attempt
}

// challenge takes up that Graph wants claims in the token: the next one is asked for with them. It reports false when
// the token was made with just these claims: then another one will not do either.
func (t *tokens) challenge(token, claims string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current.token != token {
		return true // it has been renewed since
	}
	vain := t.current.claims == claims
	t.current, t.claims = granted{}, claims
	return !vain
}

// newToken is how old a token may be, that was made in the place of a refused one, for another one to be hardly better.
const newToken = time.Minute

// drop forgets a token that Graph refused, unless it has been renewed since. It reports whether another one may do.
func (t *tokens) drop(token string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current.token != token {
		return true
	}
	made, instead := t.current.expires.Add(-t.current.life), t.current.instead
	t.current, t.dropped = granted{}, true
	return !instead || time.Since(made) > newToken
}

// dropOlder forgets a token that lives no longer than that, or than most of its life where it never lives so long: what is
// begun with it must not end with it.
func (t *tokens) dropOlder(life time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Until(t.current.expires) < min(life, t.current.life*2/3) {
		t.current = granted{}
	}
}

// lacks gives the permission when the token is known not to have it, and "" otherwise: Microsoft names a user's
// permissions beside the token, an app's not.
func (t *tokens) lacks(permission string) string {
	if s := t.now().scopes; s != nil && !slices.ContainsFunc(s, func(have string) bool { return strings.EqualFold(have, permission) }) {
		return permission
	}
	return ""
}

// forget makes the next caller get another token.
func (t *tokens) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.current = granted{}
}

// relayVaultName is where the relay's refresh token is kept.
const relayVaultName = "relay"

// relayLogin is what is kept of the relay's login.
type relayLogin struct {
	RefreshToken string `json:"refresh_token"`
	// Public: the app is a public client for Entra, which then refuses the app's own credentials beside the token.
	Public bool `json:"public,omitempty"`
}

// appToken gets a token for the app itself.
func (a *account) appToken(ctx context.Context, claims string) (granted, error) {
	answer, err := a.login.token(ctx, withClaims(claims, map[string]string{"grant_type": "client_credentials", "scope": a.graphScope(".default")}), false)
	if err != nil {
		return granted{}, a.loginFailed("getting the app's token", err, "check TenantID, ClientID and ClientSecret")
	}
	return answer.granted(), nil
}

// relayToken gets a token for the relay account from its refresh token.
func (a *account) relayToken(ctx context.Context, claims string) (granted, error) {
	saved, err := a.loadLogin(ctx)
	if err != nil {
		return granted{}, err
	}
	if saved.RefreshToken == "" {
		return granted{}, &bridge.Error{Kind: bridge.Unauthorised, Scope: bridge.ScopeAccount, Hint: a.loginHint(),
			Err: errors.New("getting the relay account's token: nobody has signed in yet")}
	}
	answer, err := a.renewed(ctx, claims, saved.RefreshToken, saved.Public, a.relayScopesFor)
	if err != nil {
		return granted{}, a.loginFailed("renewing the relay account's token", err, a.loginHint())
	}
	return a.keepLogin(ctx, answer, saved)
}

func withClaims(claims string, grant map[string]string) map[string]string {
	if claims != "" {
		grant["claims"] = claims
	}
	return grant
}

// keepLogin stores the newest refresh token before anything is done with the tokens. The old one stays valid, but the
// newest lives longest.
func (a *account) keepLogin(ctx context.Context, answer tokenAnswer, saved relayLogin) (granted, error) {
	if answer.RefreshToken != "" && answer.RefreshToken != saved.RefreshToken {
		saved.RefreshToken = answer.RefreshToken
		text, err := json.Marshal(saved)
		if err != nil {
			return granted{}, fmt.Errorf("writing down the relay account's login: %w", err)
		}
		// The old token may be used up: what was handed out is stored whatever becomes of the caller.
		if err := a.env.Vault.Save(context.WithoutCancel(ctx), relayVaultName, text); err != nil {
			return granted{}, &bridge.Error{Scope: bridge.ScopeAccount, Err: fmt.Errorf("storing the relay account's login: %w", err)}
		}
	}
	return answer.granted(), nil
}

func (a *account) loadLogin(ctx context.Context) (relayLogin, error) {
	var saved relayLogin
	text, err := a.env.Vault.Load(ctx, relayVaultName)
	if err != nil {
		return saved, &bridge.Error{Scope: bridge.ScopeAccount, Err: fmt.Errorf("loading the relay account's login: %w", err)}
	}
	if text == nil {
		return saved, nil
	}
	if json.Unmarshal(text, &saved) != nil { // its error could show parts of the token
		return saved, &bridge.Error{Kind: bridge.Unauthorised, Scope: bridge.ScopeAccount, Hint: a.loginHint(),
			Err: errors.New("loading the relay account's login: what was stored cannot be read")}
	}
	return saved, nil
}

func (a *account) loginHint() string { return "run: causeway login " + string(a.env.Account) }

// graphScope names a permission the way the login service wants it.
func (a *account) graphScope(permission string) string { return a.graphOrigin + "/" + permission }
