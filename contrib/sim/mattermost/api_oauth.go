package mattermost

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
)

// OAuthLife is SessionLengthSSOInHours: how long an access token of OAuth 2.0 is good.
const OAuthLife = 720 * time.Hour

// codeLife is how long a code is good.
const codeLife = 10 * time.Minute

// code is what a browser brings back from /oauth/authorize.
type code struct {
	app, userID, redirect string
	expires               time.Time
}

func (s *Server) oauthOff(where, id string) *model.AppError {
	if !s.opts.NoOAuth {
		return nil
	}
	return fail(where, id, http.StatusNotImplemented)
}

func noApp() *model.AppError {
	return fail("GetOAuthApp", "app.oauth.get_app.find.app_error", http.StatusNotFound)
}

// postApp registers an app. Only an administrator makes one that people are not asked about.
func (s *Server) postApp(c *call) (any, *model.AppError) {
	var made model.OAuthApp
	if err := c.decode(&made); err != nil {
		return nil, err
	}
	if !s.may(c.user, "manage_oauth") {
		return nil, forbidden()
	}
	if err := s.oauthOff("CreateOAuthApp", "api.oauth.register_oauth_app.turn_off.app_error"); err != nil {
		return nil, err
	}
	made.Id, made.ClientSecret, made.CreatorId = "", model.NewId(), c.user.Id
	made.IsTrusted = made.IsTrusted && s.isAdmin(c.user)
	made.PreSave()
	if err := made.IsValid(); err != nil {
		return nil, err
	}
	s.apps[made.Id] = &made
	c.status = http.StatusCreated
	shown := made
	return &shown, nil
}

// ownApp finds the app of the path if the caller may manage it.
func (c *call) ownApp() (*model.OAuthApp, *model.AppError) {
	if !c.s.may(c.user, "manage_oauth") {
		return nil, forbidden()
	}
	if err := c.s.oauthOff("GetOAuthApp", "api.oauth.allow_oauth.turn_off.app_error"); err != nil {
		return nil, err
	}
	a := c.s.apps[c.params["app_id"]]
	switch {
	case a == nil:
		return nil, noApp()
	case a.CreatorId != c.user.Id && !c.s.may(c.user, "manage_system_wide_oauth"):
		return nil, forbidden()
	}
	return a, nil
}

func (s *Server) getApp(c *call) (any, *model.AppError) { return answer(c.ownApp()) }

// getAppInfo tells everybody about an app, without its secret.
func (s *Server) getAppInfo(c *call) (any, *model.AppError) {
	if err := s.oauthOff("GetOAuthApp", "api.oauth.allow_oauth.turn_off.app_error"); err != nil {
		return nil, err
	}
	a := s.apps[c.params["app_id"]]
	if a == nil {
		return nil, noApp()
	}
	shown := *a
	shown.ClientSecret = ""
	return &shown, nil
}

func (s *Server) getApps(c *call) (any, *model.AppError) {
	if !s.may(c.user, "manage_oauth") {
		return nil, fail("getOAuthApps", "api.command.admin_only.app_error", http.StatusForbidden)
	}
	if err := s.oauthOff("GetOAuthApps", "api.oauth.allow_oauth.turn_off.app_error"); err != nil {
		return nil, err
	}
	out := []*model.OAuthApp{}
	for _, a := range s.apps {
		if a.CreatorId == c.user.Id || s.may(c.user, "manage_system_wide_oauth") {
			out = append(out, a)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Id < out[j].Id })
	page, perPage := c.page()
	return cutPage(out, page, perPage), nil
}

// putApp changes everything but id, creator and secret.
func (s *Server) putApp(c *call) (any, *model.AppError) {
	old, err := c.ownApp()
	if err != nil {
		return nil, err
	}
	var changed model.OAuthApp
	if c.decode(&changed) != nil || changed.Id != old.Id {
		return nil, invalidBody()
	}
	changed.CreatorId, changed.ClientSecret, changed.CreateAt, changed.UpdateAt = old.CreatorId, old.ClientSecret, old.CreateAt, s.nowMillis()
	if !s.isAdmin(c.user) {
		changed.IsTrusted = old.IsTrusted
	}
	if err := changed.IsValid(); err != nil {
		return nil, err
	}
	*old = changed
	return &changed, nil
}

// deleteApp takes all its tokens along.
func (s *Server) deleteApp(c *call) (any, *model.AppError) {
	a, err := c.ownApp()
	if err != nil {
		return nil, err
	}
	delete(s.apps, a.Id)
	s.dropTokens(func(t *token) bool { return t.app == a.Id })
	return statusOK, nil
}

func (s *Server) dropTokens(which func(*token) bool) {
	for text, t := range s.tokens {
		if which(t) {
			s.bury(text)
		}
	}
}

// authorize is the page of consent. Here everybody consents at once, as to a trusted app.
func (s *Server) authorize(c *call) (any, *model.AppError) {
	if err := s.oauthOff("authorizeOAuth", "api.oauth.authorize_oauth.disabled.app_error"); err != nil {
		return nil, err
	}
	q := c.r.URL.Query()
	a := s.apps[q.Get("client_id")]
	redirectURI := q.Get("redirect_uri")
	switch {
	case q.Get("response_type") != model.AuthCodeResponseType || redirectURI == "":
		return nil, fail("authorizeOAuthPage", "model.authorize.is_valid.response_type.app_error", http.StatusBadRequest)
	case a == nil:
		return nil, noApp()
	case c.user == nil:
		return redirect(s.siteURL() + "/login?redirect_to=" + url.QueryEscape(c.r.RequestURI)), nil
	case !slices.Contains(a.CallbackUrls, redirectURI):
		return nil, fail("authorizeOAuthPage", "api.oauth.allow_oauth.redirect_callback.app_error", http.StatusBadRequest)
	}
	text := model.NewId()
	s.codes[text] = &code{app: a.Id, userID: c.user.Id, redirect: redirectURI, expires: s.now().Add(codeLife)}
	back, err := url.Parse(redirectURI)
	if err != nil {
		return nil, invalidURL()
	}
	query := back.Query()
	query.Set("code", text)
	query.Set("state", q.Get("state"))
	back.RawQuery = query.Encode()
	return redirect(back.String()), nil
}

// postAccessToken changes a code or a refresh token into tokens. Scopes are ignored: a token may do all that the user may.
func (s *Server) postAccessToken(c *call) (any, *model.AppError) {
	const where = "GetOAuthAccessToken"
	form, parseErr := url.ParseQuery(string(c.body))
	if parseErr != nil {
		return nil, fail(where, "api.oauth.get_access_token.bad_request.app_error", http.StatusBadRequest)
	}
	grant := form.Get("grant_type")
	switch {
	case grant != model.AccessTokenGrantType && grant != model.RefreshTokenGrantType:
		return nil, fail(where, "api.oauth.get_access_token.bad_grant.app_error", http.StatusBadRequest)
	case grant == model.AccessTokenGrantType && form.Get("code") == "":
		return nil, fail(where, "api.oauth.get_access_token.missing_code.app_error", http.StatusBadRequest)
	case grant == model.RefreshTokenGrantType && form.Get("refresh_token") == "":
		return nil, fail(where, "api.oauth.get_access_token.missing_refresh_token.app_error", http.StatusBadRequest)
	case !model.IsValidId(form.Get("client_id")):
		return nil, fail(where, "api.oauth.get_access_token.bad_client_id.app_error", http.StatusBadRequest)
	}
	if err := s.oauthOff(where, "api.oauth.get_access_token.disabled.app_error"); err != nil {
		return nil, err
	}
	a := s.apps[form.Get("client_id")]
	if a == nil {
		return nil, fail(where, "api.oauth.get_access_token.credentials.app_error", http.StatusNotFound)
	}
	if subtle.ConstantTimeCompare([]byte(a.ClientSecret), []byte(form.Get("client_secret"))) == 0 {
		return nil, fail(where, "api.oauth.get_access_token.credentials.app_error", http.StatusForbidden)
	}
	c.header.Set("Cache-Control", "no-store")
	if grant == model.RefreshTokenGrantType {
		for text, t := range s.tokens {
			if t.app != "" && t.refresh == form.Get("refresh_token") {
				s.bury(text) // the access token, too
				return s.grant(t.app, t.userID), nil
			}
		}
		return nil, fail(where, "api.oauth.get_access_token.refresh_token.app_error", http.StatusNotFound)
	}
	return s.exchange(a.Id, form)
}

// exchange takes a code, once. Who has a token already gets the same again.
func (s *Server) exchange(app string, form url.Values) (any, *model.AppError) {
	const where = "GetOAuthAccessToken"
	k := s.codes[form.Get("code")]
	switch {
	case k == nil:
		return nil, fail(where, "api.oauth.get_access_token.expired_code.app_error", http.StatusBadRequest)
	case s.now().After(k.expires) || s.users[k.userID].DeleteAt != 0:
		delete(s.codes, form.Get("code"))
		return nil, fail(where, "api.oauth.get_access_token.expired_code.app_error", http.StatusForbidden)
	case k.redirect != form.Get("redirect_uri"):
		return nil, fail(where, "api.oauth.get_access_token.redirect_uri.app_error", http.StatusBadRequest)
	}
	delete(s.codes, form.Get("code"))
	for text, t := range s.tokens {
		if t.app == app && t.userID == k.userID {
			if s.now().Before(t.expires) {
				return s.accessResponse(text, t), nil
			}
			s.bury(text)
		}
	}
	return s.grant(app, k.userID), nil
}

func (s *Server) grant(app, userID string) *model.AccessResponse {
	text := model.NewId()
	t := &token{userID: userID, app: app, refresh: model.NewId(), expires: s.now().Add(OAuthLife)}
	s.tokens[text] = t
	return s.accessResponse(text, t)
}

func (s *Server) accessResponse(text string, t *token) *model.AccessResponse {
	return &model.AccessResponse{
		AccessToken: text, TokenType: model.AccessTokenType, RefreshToken: t.refresh, ExpiresInSeconds: int32(t.expires.Sub(s.now()) / time.Second),
	}
}

// postDeauthorize revokes what the caller has given to an app.
func (s *Server) postDeauthorize(c *call) (any, *model.AppError) {
	var asked struct {
		ClientID string `json:"client_id"`
	}
	if c.decode(&asked) != nil || !model.IsValidId(asked.ClientID) {
		return nil, invalidBody()
	}
	if err := s.oauthOff("DeauthorizeOAuthAppForUser", "api.oauth.allow_oauth.turn_off.app_error"); err != nil {
		return nil, err
	}
	id := c.user.Id
	s.dropTokens(func(t *token) bool { return t.app == asked.ClientID && t.userID == id })
	return statusOK, nil
}

// Authorized gives how many OAuth 2.0 tokens a user has given that are good.
func (s *Server) Authorized(who string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, n := s.mustUser(who).Id, 0
	for _, t := range s.tokens {
		if t.app != "" && t.userID == id && s.now().Before(t.expires) {
			n++
		}
	}
	return n
}

// DeleteApps deletes all OAuth 2.0 apps with their tokens, as an administrator does.
func (s *Server) DeleteApps() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.apps)
	s.dropTokens(func(t *token) bool { return t.app != "" })
}

// Apps gives how many there are.
func (s *Server) Apps() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.apps)
}
