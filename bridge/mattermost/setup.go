package mattermost

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/secret"
)

// Options of `causeway setup mattermost`.
const (
	setupServer   = "server"
	setupBot      = "bot"
	setupProfile  = "profile"
	setupTeam     = "team"
	setupChannel  = "channel"
	setupCallback = "callback-url"
	setupCA       = "ca-file"
	// setupDeactivate gives the bot what deactivating accounts takes, by which it can also set passwords.
	setupDeactivate = "deactivate"
)

// setter makes a server ready for Causeway, or as it was, with the rights of an administrator who logs in for that alone.
type setter struct {
	call     bridge.SetupCall
	settings Settings
	client   *client
	// bot is its user name.
	bot string
	// callback is where the server reaches Causeway; empty: it cannot.
	callback string
	found    scene
}

// step is one thing that will be changed.
type step struct {
	text string
	do   func(ctx context.Context) error
}

// setUp is `causeway setup mattermost`.
func setUp(ctx context.Context, call bridge.SetupCall) error {
	s, err := newSetter(call)
	if err != nil {
		return err
	}
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if err := s.look(ctx); err != nil {
		return err
	}
	plan, close := s.plan, s.finish
	if call.Undo {
		plan, close = s.planUndo, func() error { return nil }
	}
	steps, err := plan(ctx)
	if err != nil {
		return err
	}
	if len(steps) == 0 {
		call.Desk.Say("Nothing has to be changed on " + s.client.base.String() + ".")
		return close()
	}
	call.Desk.Say(planText(s.client.base.String(), steps))
	if agreed, err := call.Desk.Agreed(ctx); err != nil || !agreed {
		return err
	}
	for i, one := range steps {
		if err := one.do(ctx); err != nil {
			return fmt.Errorf("%s: %w; %d of %d steps are done: mend that and do the same again, or add --undo", one.text, bare(err), i, len(steps))
		}
	}
	call.Desk.Say("Done.")
	return close()
}

func planText(server string, steps []step) string {
	var b strings.Builder
	fmt.Fprintf(&b, "To be changed on %s:\n", server)
	for i, one := range steps {
		fmt.Fprintf(&b, "  %2d. %s\n", i+1, one.text)
	}
	return strings.TrimRight(b.String(), "\n")
}

func newSetter(call bridge.SetupCall) (*setter, error) {
	s := &setter{call: call, bot: "causeway"}
	if there, ok := call.Settings.(*Settings); ok {
		s.settings = *there
	}
	for option, key := range map[string]*string{setupServer: &s.settings.Server, setupProfile: &s.settings.Profile, setupCallback: &s.settings.CallbackURL, setupCA: &s.settings.CAFile, setupBot: &s.bot} {
		if value := call.Option(option); value != "" {
			*key = value
		}
	}
	if s.settings.Server == "" {
		return nil, errors.New("which server? Name its address with --server https://chat.example.org")
	}
	if s.settings.Profile == "" {
		s.settings.Profile = ProfileRestricted
	}
	var wrong []error
	s.settings.Token = "-" // there is none yet
	s.settings.Validate(func(key, problem string) { wrong = append(wrong, fmt.Errorf("%s: %s", key, problem)) })
	if !model.IsValidUsername(s.bot) {
		wrong = append(wrong, fmt.Errorf("--bot: %q is no user name", s.bot))
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	hook := ""
	if call.PublicURL != "" {
		hook = call.PublicURL + "/hooks/" + string(call.Account)
	}
	s.callback = s.settings.callback(bridge.Env{Account: call.Account, Hook: hook})
	s.settings.Token = ""
	return s, nil
}

// enter logs the administrator in. Leaving ends the session of whoever gave a password.
func (s *setter) enter(ctx context.Context) (leave func(), err error) {
	login, err := s.call.Desk.Login(ctx)
	if err != nil {
		return nil, err
	}
	if s.client, err = newClient(&s.settings, defaultTiming.request); err != nil {
		return nil, err
	}
	token, leave := login.Token, func() {}
	if token == "" {
		if base := s.client.base; base.Scheme == "http" && !loopback(base.Hostname()) {
			return nil, fmt.Errorf("the password was not sent: everybody between here and %s could read it; name its https:// address with --server, or log in with an administrator's token that you revoke afterwards", base)
		}
		if token, err = s.password(ctx, login); err != nil {
			return nil, fmt.Errorf("logging %s in: %w", login.User, bare(err))
		}
		leave = func() {
			ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), defaultTiming.request)
			defer cancel()
			_, _ = s.client.call(ending, opChange, http.MethodPost, "/users/logout", nil, nil) // a session that nobody knows ends by itself
		}
	}
	s.client.token = secret.Secret(token)
	s.client.SetToken(token)
	if err := s.client.get(ctx, "/users/me", &s.found.me); err != nil {
		leave()
		return nil, fmt.Errorf("asking who has logged in: %w", bare(err))
	}
	if !slices.Contains(strings.Fields(s.found.me.Roles), model.SystemAdminRoleId) {
		leave()
		return nil, fmt.Errorf("@%s is no system administrator of %s: log in as one", s.found.me.Username, s.client.base)
	}
	return leave, nil
}

// loopback says whether what is sent there stays on this machine.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}

// password gives the token of a new session. The server says first that a second factor is needed where it is.
func (s *setter) password(ctx context.Context, login bridge.Login) (string, error) {
	try := func(code string) (string, error) {
		answer, err := s.client.call(ctx, opChange, http.MethodPost, "/users/login", map[string]string{"login_id": login.User, "password": login.Password, "token": code}, nil)
		if err != nil {
			return "", err
		}
		return answer.Header.Get(model.HeaderToken), nil
	}
	token, err := try("")
	if err != nil && strings.Contains(err.Error(), "[mfa.") {
		code, asked := s.call.Desk.Code(ctx)
		if asked != nil {
			return "", asked
		}
		token, err = try(code)
	}
	if err == nil && token == "" {
		err = fmt.Errorf("%s answers without a session: is --server the address that people open in the browser?", s.client.base)
	}
	return token, err
}

// finish gives the operator what belongs into the config.
func (s *setter) finish() error {
	lines, err := s.lines()
	if err != nil {
		return err
	}
	return s.call.Desk.Config(lines)
}

// lines are those of the config. Secrets stand in files of their own.
func (s *setter) lines() (string, error) {
	var b strings.Builder
	if s.call.PublicURL != "" {
		fmt.Fprintf(&b, "[http]\nPublicURL = %s\n\n", quoted(s.call.PublicURL))
	}
	fmt.Fprintf(&b, "[%s]\nServer = %s\nTokenFile = %s\nProfile = %s\n", s.call.Account, quoted(s.settings.Server), quoted(s.found.tokenFile), quoted(s.settings.Profile))
	for _, one := range []struct{ key, value string }{{"CallbackURL", s.settings.CallbackURL}, {"CAFile", s.settings.CAFile}, {"OAuthClientID", s.found.appID}, {"OAuthClientSecretFile", s.found.appFile}} {
		if one.value != "" {
			fmt.Fprintf(&b, "%s = %s\n", one.key, quoted(one.value))
		}
	}
	return b.String(), nil
}

// quoted writes a text as TOML does.
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
