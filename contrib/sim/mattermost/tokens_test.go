package mattermost

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
)

func TestPersonalAccessTokens(t *testing.T) {
	w := newTown(t, Options{RolePermissions: map[string][]string{"system_custom_group_admin": {"create_user_access_token", "read_user_access_token", "revoke_user_access_token", "edit_other_users"}}})
	mint := func(as *model.Client4, who string) (*model.UserAccessToken, error) {
		made, _, err := as.CreateUserAccessToken(w.ctx, who, "a test")
		return made, err
	}
	_, err := mint(w.asAlice, w.alice.Id)
	wantError(t, err, 403, permissionID)
	_, err = mint(w.asBot, w.alice.Id)
	wantError(t, err, 403, permissionID)
	w.AddUser("mole", "system_admin")
	w.ChangeUser("bridge", func(u *model.User) { u.Roles += " system_custom_group_admin" })
	_, err = mint(w.asBot, w.mustUser("mole").Id)
	wantError(t, err, 403, permissionID)
	_, _, err = w.asBot.CreateUserAccessToken(w.ctx, w.alice.Id, "")
	wantError(t, err, 400, "api.context.invalid_body_param.app_error")
	made, err := mint(w.asBot, w.alice.Id)
	check(t, err)
	list, _, err := w.asBot.GetUserAccessTokensForUser(w.ctx, w.alice.Id, 0, 10)
	check(t, err)
	if len(list) != 1 || list[0].Token != "" || list[0].Id != made.Id || !list[0].IsActive {
		t.Fatalf("listed: %+v", list)
	}
	works := func(want int) {
		t.Helper()
		_, response, _ := w.Client(made.Token).GetMe(w.ctx, "")
		same(t, "with the token", response.StatusCode, want)
	}
	works(200)
	_, err = w.asBot.DisableUserAccessToken(w.ctx, made.Id)
	check(t, err)
	works(401)
	_, err = w.asBot.EnableUserAccessToken(w.ctx, made.Id)
	check(t, err)
	works(200)
	// Deactivation kills it, and it lives again with its user.
	_, err = w.asAdmin.UpdateUserActive(w.ctx, w.alice.Id, false)
	check(t, err)
	works(401)
	_, err = w.asAdmin.UpdateUserActive(w.ctx, w.alice.Id, true)
	check(t, err)
	works(200)
	// Switched off for people, not for bots.
	ofBot, err := mint(w.asAdmin, w.bot.Id)
	check(t, err)
	w.Configure(func(o *Options) { o.NoUserAccessTokens = true })
	works(401)
	_, _, err = w.Client(ofBot.Token).GetMe(w.ctx, "")
	check(t, err)
	_, err = mint(w.asAdmin, w.alice.Id)
	wantError(t, err, 501, "app.user_access_token.disabled")
	w.Configure(func(o *Options) { o.NoUserAccessTokens = false })
	works(200)
	_, err = w.asAdmin.RevokeUserAccessToken(w.ctx, made.Id)
	check(t, err)
	works(401)
	_, err = w.asAdmin.RevokeUserAccessToken(w.ctx, made.Id)
	wantError(t, err, 404, "app.user_access_token.get_by_user.app_error")
}

// exchange asks for tokens as an app does.
func (w *town) exchange(app *model.OAuthApp, more url.Values) (*model.AccessResponse, error) {
	form := url.Values{"client_id": {app.Id}, "client_secret": {app.ClientSecret}, "redirect_uri": {app.CallbackUrls[0]}}
	for k, v := range more {
		form[k] = v
	}
	answer, _, err := w.Client("").GetOAuthAccessToken(w.ctx, form)
	return answer, err
}

func (w *town) newApp(as *model.Client4) (*model.OAuthApp, error) {
	app, _, err := as.CreateOAuthApp(w.ctx, &model.OAuthApp{Name: "x", Homepage: "https://x.example.com", CallbackUrls: []string{"https://x.example.com/back"}, IsTrusted: true})
	return app, err
}

func (w *town) code(app *model.OAuthApp, who string) url.Values {
	w.t.Helper()
	query := url.Values{"response_type": {"code"}, "client_id": {app.Id}, "redirect_uri": {app.CallbackUrls[0]}, "state": {"s"}}
	location, err := w.Authorize(who, w.URL()+"/oauth/authorize?"+query.Encode())
	check(w.t, err)
	back, err := url.Parse(location)
	check(w.t, err)
	return url.Values{"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}}
}

func TestOAuth(t *testing.T) {
	w := newTown(t, Options{})
	_, err := w.newApp(w.asAlice)
	wantError(t, err, 403, permissionID)
	app, err := w.newApp(w.asAdmin)
	check(t, err)
	code := w.code(app, "alice")
	first, err := w.exchange(app, code)
	check(t, err)
	same(t, "life in hours", int(first.ExpiresInSeconds)/3600, 720)
	_, err = w.exchange(app, code)
	wantError(t, err, 400, "api.oauth.get_access_token.expired_code.app_error")
	again, err := w.exchange(app, w.code(app, "alice"))
	check(t, err)
	same(t, "the same token again", *again, *first)

	asApp := w.Client(first.AccessToken)
	post, _, err := asApp.CreatePost(w.ctx, &model.Post{ChannelId: w.channel, Message: "x"})
	check(t, err)
	same(t, "the mark", post.GetProp("from_oauth_app"), any("true"))
	_, _, err = w.Client(w.code2(app, "root").AccessToken).CreateUserAccessToken(w.ctx, w.alice.Id, "x")
	wantError(t, err, 403, permissionID)

	refresh := func(token string) (*model.AccessResponse, error) {
		return w.exchange(app, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
	}
	second, err := refresh(first.RefreshToken)
	check(t, err)
	if second.AccessToken == first.AccessToken || second.RefreshToken == first.RefreshToken {
		t.Error("a refresh keeps a token")
	}
	_, err = refresh(first.RefreshToken)
	wantError(t, err, 404, "api.oauth.get_access_token.refresh_token.app_error")
	w.add(OAuthLife + time.Second)
	_, _, err = w.Client(second.AccessToken).GetMe(w.ctx, "")
	wantError(t, err, 401, "api.context.session_expired.app_error")
	third, err := refresh(second.RefreshToken)
	check(t, err)
	_, _, err = w.Client(third.AccessToken).GetMe(w.ctx, "")
	check(t, err)

	wrong := *app
	wrong.ClientSecret = model.NewId()
	_, err = w.exchange(&wrong, w.code(app, "alice"))
	wantError(t, err, 403, "api.oauth.get_access_token.credentials.app_error")
	late := w.code(app, "alice")
	w.add(codeLife + time.Second)
	_, err = w.exchange(app, late)
	wantError(t, err, 403, "api.oauth.get_access_token.expired_code.app_error")
	elsewhere := w.code(app, "alice")
	elsewhere.Set("redirect_uri", "https://evil.example.com")
	_, err = w.exchange(app, elsewhere)
	wantError(t, err, 400, "api.oauth.get_access_token.redirect_uri.app_error")

	r, err := http.NewRequestWithContext(w.ctx, "POST", w.URL()+"/oauth/deauthorize", strings.NewReader(`{"client_id":"`+app.Id+`"}`))
	check(t, err)
	r.Header.Set("Authorization", "Bearer "+third.AccessToken)
	answer, err := http.DefaultClient.Do(r)
	check(t, err)
	answer.Body.Close()
	same(t, "deauthorised", answer.StatusCode, 200)
	_, _, err = w.Client(third.AccessToken).GetMe(w.ctx, "")
	wantError(t, err, 401, "api.context.session_expired.app_error")
	_, err = refresh(third.RefreshToken)
	wantError(t, err, 404, "api.oauth.get_access_token.refresh_token.app_error")

	w.Configure(func(o *Options) { o.NoOAuth = true })
	_, err = w.exchange(app, code)
	wantError(t, err, 501, "api.oauth.get_access_token.disabled.app_error")
	_, _, err = w.asAdmin.GetOAuthAppInfo(w.ctx, app.Id)
	wantError(t, err, 501, "api.oauth.allow_oauth.turn_off.app_error")
}

func (w *town) code2(app *model.OAuthApp, who string) *model.AccessResponse {
	w.t.Helper()
	answer, err := w.exchange(app, w.code(app, who))
	check(w.t, err)
	return answer
}

func TestOAuthInABrowser(t *testing.T) {
	w := newTown(t, Options{SiteURL: "https://chat.example.org"})
	app, err := w.newApp(w.asAdmin)
	check(t, err)
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := browser.Get(w.URL() + "/oauth/authorize?response_type=code&client_id=" + app.Id + "&redirect_uri=" + url.QueryEscape(app.CallbackUrls[0]))
	check(t, err)
	answer.Body.Close()
	if to := answer.Header.Get("Location"); answer.StatusCode != 302 || !strings.HasPrefix(to, "https://chat.example.org/login?redirect_to=%2Foauth%2Fauthorize") {
		t.Errorf("who is not logged in is sent to %q (%d)", to, answer.StatusCode)
	}
	for _, bad := range []string{
		"response_type=code&client_id=" + app.Id + "&redirect_uri=https%3A%2F%2Fevil.example.com",
		"response_type=code&client_id=" + model.NewId() + "&redirect_uri=" + url.QueryEscape(app.CallbackUrls[0]),
		"response_type=magic&client_id=" + app.Id + "&redirect_uri=" + url.QueryEscape(app.CallbackUrls[0]),
	} {
		if to, err := w.Authorize("alice", w.URL()+"/oauth/authorize?"+bad); err == nil {
			t.Errorf("%s leads to %s", bad, to)
		}
	}
}

func TestDeactivatingByREST(t *testing.T) {
	w := newTown(t, Options{})
	_, err := w.asBot.UpdateUserActive(w.ctx, w.alice.Id, false)
	wantError(t, err, 403, "api.user.update_active.permissions.app_error")
	_, err = w.asAlice.UpdateUserActive(w.ctx, w.alice.Id, false)
	wantError(t, err, 401, "api.user.update_active.not_enable.app_error")
	w.ChangeUser("bob", func(u *model.User) { u.AuthService = "ldap" })
	_, err = w.asAdmin.UpdateUserActive(w.ctx, w.bob.Id, false)
	wantError(t, err, 403, "api.user.update_active.cannot_modify_status_when_user_is_managed_by_ldap.app_error")
	w.AddUser("mole", "system_admin")
	w.ChangeUser("bridge", func(u *model.User) { u.Roles += " system_custom_group_admin" })
	w.Grant("system_custom_group_admin", "sysconsole_write_user_management_users")
	_, err = w.asBot.UpdateUserActive(w.ctx, w.mustUser("mole").Id, false)
	wantError(t, err, 403, permissionID)
	_, err = w.asBot.UpdateUserActive(w.ctx, w.alice.Id, false)
	check(t, err)
	u, _, err := w.asBot.GetUser(w.ctx, w.alice.Id, "")
	check(t, err)
	if u.DeleteAt == 0 || u.EmailVerified {
		t.Errorf("others see %+v", u)
	}
}
