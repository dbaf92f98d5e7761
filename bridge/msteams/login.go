package msteams

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"causeway/bridge"
	"causeway/bridge/msteams/entra"
)

// loginService is Entra ID's v2.0 endpoint of one tenant.
type loginService struct {
	// base is the address of the tenant there.
	base        string
	clientID    string
	credentials *credentials

	http *http.Client
	// clock is that of the last answer.
	clock bridge.Clock
}

// assertion signs who the app is (private_key_jwt). x5t, the SHA-1 of the certificate, tells Entra which key it was.
func (l *loginService) assertion(p proof, now time.Time) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"aud": l.base + "/oauth2/v2.0/token", "iss": l.clientID, "sub": l.clientID, "jti": newGUID(),
		"iat": now.Unix(), "nbf": now.Add(-time.Minute).Unix(), "exp": now.Add(10 * time.Minute).Unix(),
	})
	thumbprint := sha1.Sum(p.Certificate.Raw)
	t.Header["x5t"] = base64.RawURLEncoding.EncodeToString(thumbprint[:])
	signed, err := t.SignedString(p.Key)
	if err != nil {
		return "", fmt.Errorf("signing with the certificate's key: %w", err)
	}
	return signed, nil
}

// tokenAnswer is a token as the login service gives it.
type tokenAnswer struct {
	entra.Token
	received time.Time
}

func (t tokenAnswer) granted() granted {
	return granted{token: t.AccessToken, life: t.Life(), expires: t.received.Add(t.Life()), scopes: t.Scopes()}
}

// token asks for a token. public leaves the app's credentials away.
func (l *loginService) token(ctx context.Context, grant map[string]string, public bool) (tokenAnswer, error) {
	form := url.Values{"client_id": {l.clientID}}
	for k, v := range grant {
		form.Set(k, v)
	}
	if public {
		return l.askToken(ctx, form)
	}
	current, former := l.credentials.now()
	answer, err := l.askAs(ctx, form, current)
	if former != nil && credentialsRefused(err) {
		if other, otherErr := l.askAs(ctx, form, *former); otherErr == nil {
			l.credentials.accepted(*former)
			return other, nil
		}
	}
	if err == nil {
		l.credentials.accepted(current)
	}
	return answer, err
}

// askAs asks for a token as the app.
func (l *loginService) askAs(ctx context.Context, form url.Values, p proof) (tokenAnswer, error) {
	form = maps.Clone(form)
	if p.Key == nil {
		form.Set("client_secret", p.Secret.Reveal())
		return l.askToken(ctx, form)
	}
	signed, err := l.assertion(p, time.Now())
	if err != nil {
		return tokenAnswer{}, err
	}
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	form.Set("client_assertion", signed)
	return l.askToken(ctx, form)
}

func (l *loginService) askToken(ctx context.Context, form url.Values) (tokenAnswer, error) {
	status, header, body, err := l.ask(ctx, "token", form)
	if err != nil {
		return tokenAnswer{}, err
	}
	token, err := entra.ReadToken(status, header, body)
	return tokenAnswer{Token: token, received: time.Now()}, err
}

// ask posts a form once.
func (l *loginService) ask(ctx context.Context, endpoint string, form url.Values) (status int, header http.Header, body []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, l.base+"/oauth2/v2.0/"+endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, nil, fmt.Errorf("forming the address of the login service: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	sent := time.Now()
	answer, err := l.http.Do(r)
	if err != nil {
		return 0, nil, nil, bare(err)
	}
	defer answer.Body.Close()
	l.clock.Note(answer.Header, sent, time.Now())
	if body, err = io.ReadAll(io.LimitReader(answer.Body, 1<<20)); err != nil {
		return 0, nil, nil, fmt.Errorf("reading the login service's answer: %w", err)
	}
	return answer.StatusCode, answer.Header, body, nil
}

// get reads a public document of the login service.
func (l *loginService) get(ctx context.Context, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("forming the address of the login service: %w", err)
	}
	r.Header.Set("Accept", "application/json")
	answer, err := l.http.Do(r)
	if err != nil {
		return nil, bare(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the login service answered %d", answer.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("reading the login service's answer: %w", err)
	}
	return body, nil
}

// deviceCode begins a sign-in by device code.
func (l *loginService) deviceCode(ctx context.Context, scopes string) (entra.DeviceCode, error) {
	var code entra.DeviceCode
	status, header, body, err := l.ask(ctx, "devicecode", url.Values{"client_id": {l.clientID}, "scope": {scopes}})
	if err == nil {
		err = entra.Read(status, header, body, &code)
	}
	return code, err
}

// Login signs the relay account in: show gets an address and a code, and Login waits until somebody has entered the
// code there, or it has expired. The refresh token is in the vault when it returns. Nothing is posted: whether the
// tenant keeps the key in a post is seen in the answer to the first one.
func (a *account) Login(ctx context.Context, show func(text string)) error {
	code, err := a.login.deviceCode(ctx, a.relayScopes())
	if err != nil {
		return a.loginFailed("beginning to sign in", err, "check TenantID and ClientID")
	}
	if code.DeviceCode == "" || code.VerificationURI == "" || code.ExpiresIn <= 0 {
		return &bridge.Error{Scope: bridge.ScopeAccount, Err: errors.New("beginning to sign in: the login service's answer holds no code")}
	}
	code.ExpiresIn = min(code.ExpiresIn, entra.Longest)
	show(fmt.Sprintf("Open %s in a browser, enter the code %s and sign in as the account that Causeway shall write as.\nWaiting (the code is good for %v) …",
		code.VerificationURI, code.UserCode, time.Duration(code.ExpiresIn)*time.Second))
	answer, public, err := a.awaitLogin(ctx, code)
	if err != nil {
		return err
	}
	if answer.RefreshToken == "" {
		return &bridge.Error{Kind: bridge.Unauthorised, Scope: bridge.ScopeAccount, Hint: "the app's permissions must include offline_access",
			Err: errors.New("signing in: the login service gave no refresh token")}
	}
	g, err := a.keepLogin(ctx, answer, relayLogin{Public: public})
	if err != nil {
		return err
	}
	a.relay.tokens.set(g)
	me, err := a.me(ctx)
	if err != nil {
		return err
	}
	show("Signed in as " + me.Name + ".")
	return nil
}

// awaitLogin asks for the token until the person has signed in.
func (a *account) awaitLogin(ctx context.Context, code entra.DeviceCode) (answer tokenAnswer, public bool, err error) {
	interval := time.Duration(min(max(1, code.Interval), 60)) * time.Second
	ends := time.Now().Add(time.Duration(code.ExpiresIn) * time.Second)
	failed := func(err error) (tokenAnswer, bool, error) {
		return tokenAnswer{}, false, a.loginFailed("signing in", err, "try again: causeway login "+string(a.env.Account))
	}
	for {
		if err := pause(ctx, interval); err != nil {
			return tokenAnswer{}, false, &bridge.Error{Scope: bridge.ScopeAccount, Err: fmt.Errorf("signing in: %w", err)}
		}
		answer, err := a.login.token(ctx, map[string]string{
			"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": code.DeviceCode,
		}, public)
		var r *entra.Refusal
		switch {
		case err == nil:
			return answer, public, nil
		case !errors.As(err, &r) || r.Status >= 500: // the network: the code stays good
			if time.Now().After(ends) {
				return failed(err)
			}
		case r.Code == "authorization_pending":
		case r.Code == "slow_down":
			interval += 5 * time.Second
		case r.AADSTS == "AADSTS700025" && !public:
			// "Client is public so neither 'client_assertion' nor 'client_secret' should be presented."
			public = true
		default:
			return failed(err)
		}
	}
}

// pause waits, or until ctx ends, whose error it then gives.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
