package teams

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"
)

// token is an access token. It keeps the permissions it was issued with.
type token struct {
	app         *App
	tenant      *Tenant
	user        *User // nil: app-only
	permissions []string
	expires     time.Time
	revoked     bool
}

func (t *token) who() string {
	if t.user != nil {
		return t.user.UPN
	}
	return t.app.ClientID
}

// refreshToken stays valid when it is used; each use gives a further one.
type refreshToken struct {
	app     *App
	user    *User
	scopes  []string
	expires time.Time
	revoked bool
}

// refreshLifetime is how long a refresh token lives.
const refreshLifetime = 90 * 24 * time.Hour

// bearer finds the access token of a request; nil when there is none.
func (s *Sim) bearer(r *http.Request) *token {
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil
	}
	return s.tokens[value]
}

func (s *Sim) issueAccess(a *App, u *User, permissions []string) string {
	value := newSecret("sim-access-")
	if u == nil && s.opts.TokensTell {
		part := func(v any) string { return base64.RawURLEncoding.EncodeToString(encode(v)) }
		value = part(map[string]string{"typ": "JWT", "alg": "none"}) + "." + part(map[string]any{"appid": a.ClientID, "roles": permissions}) + "." + value
	}
	tenant := a.tenant
	if u != nil {
		tenant = u.tenant
	}
	t := &token{app: a, tenant: tenant, user: u, permissions: slices.Clone(permissions), expires: s.opts.Now().Add(s.opts.TokenLifetime)}
	s.tokens[value] = t
	return value
}

func (s *Sim) issueRefresh(a *App, u *User, scopes []string) string {
	value := newSecret("sim-refresh-")
	s.refresh[value] = &refreshToken{app: a, user: u, scopes: slices.Clone(scopes), expires: s.opts.Now().Add(refreshLifetime)}
	return value
}

// AppToken gives an app-only access token with the roles that the app has now.
func (s *Sim) AppToken(a *App) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issueAccess(a, nil, a.roles)
}

// SignIn gives the tokens of a person who has signed in and agreed to scopes; none means all that the app has consent
// for.
func (s *Sim) SignIn(a *App, u *User, scopes ...string) (access, refresh string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(scopes) == 0 {
		scopes = a.scopes
	}
	return s.issueAccess(a, u, scopes), s.issueRefresh(a, u, scopes)
}

// SetRoles replaces the application permissions; tokens that were issued keep what they have.
func (a *App) SetRoles(roles ...string) {
	a.tenant.sim.mu.Lock()
	defer a.tenant.sim.mu.Unlock()
	a.roles = slices.Clone(roles)
}

// SetScopes replaces the delegated permissions with consent; tokens that were issued keep what they have.
func (a *App) SetScopes(scopes ...string) {
	a.tenant.sim.mu.Lock()
	defer a.tenant.sim.mu.Unlock()
	a.scopes = slices.Clone(scopes)
}

// RevokeUser revokes all refresh tokens of a person, as after a reset by an administrator, and their access tokens.
func (s *Sim) RevokeUser(u *User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.refresh {
		r.revoked = r.revoked || r.user == u
	}
	for _, t := range s.tokens {
		t.revoked = t.revoked || t.user == u
	}
	s.tick()
}

// RevokeApp revokes all access tokens of an app, with and without a user; refresh tokens stay.
func (s *Sim) RevokeApp(a *App) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tokens {
		t.revoked = t.revoked || t.app == a
	}
	s.tick()
}

// ExpireAccessTokens makes every access token run out now.
func (s *Sim) ExpireAccessTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tokens {
		t.expires = s.opts.Now()
	}
	s.tick()
}
