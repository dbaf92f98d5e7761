package mattermost

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/secret"
)

// protocol is the bridge's name in the config.
const protocol = "mattermost"

func init() {
	bridge.Register(bridge.Protocol{
		Name:     protocol,
		Title:    "Mattermost",
		Settings: func() any { return new(Settings) },
		Place:    func(settings any) string { return settings.(*Settings).place() },
		New: func(env bridge.Env, settings any) (bridge.Bridge, error) {
			s, ok := settings.(*Settings)
			if !ok {
				return nil, fmt.Errorf("making the Mattermost account: settings of type %T", settings)
			}
			return New(env, s)
		},
		Setup: &bridge.Setup{Account: "hq", Run: setUp, Options: []string{setupServer, setupBot, setupProfile, setupTeam, setupChannel, setupCallback, setupCA, setupDeactivate}},
	})
}

// Settings is the table [mattermost.NAME] of the config.
type Settings struct {
	// Server is the address people open in the browser; a bare host means https.
	Server string
	// Token is the bot's access token.
	Token secret.Secret
	// Team is the name of the team of channels written without one; may be empty.
	Team string
	// SkipTLSVerify accepts any certificate. For trying out only: whoever is in between can read the token.
	SkipTLSVerify bool
	// CAFile holds further certificate authorities in PEM; may be empty.
	CAFile string
	// Profile is how Causeway acts as connected people. "simple": the bot mints a token for each. "restricted": each gives one by the
	// server's OAuth 2.0. Empty: simple where the bot's roles and the server's settings allow it.
	Profile string
	// OAuthClientID and OAuthClientSecret are the OAuth 2.0 app of Causeway on the server; empty: the bot registers one, where it may.
	OAuthClientID     string
	OAuthClientSecret secret.Secret
	// CallbackURL is the address at which this server reaches Causeway, for commands and buttons; empty: PublicURL.
	CallbackURL string
	// Observe is how direct and group messages of connected people are noticed. "websocket": by a connection in the name of each, which makes
	// them look online and keeps Mattermost from sending them e-mails. "poll": by asking, which shows nowhere. "auto", or empty: connections for
	// those who have agreed to that, asking for the others.
	Observe string
}

// Values of [Settings].Observe.
const (
	ObserveAuto      = "auto"
	ObserveWebsocket = "websocket"
	ObservePoll      = "poll"
)

// Values of [Settings].Profile.
const (
	ProfileSimple     = "simple"
	ProfileRestricted = "restricted"
)

// Validate reports what is wrong with each key.
func (s *Settings) Validate(report func(key, problem string)) {
	if s.Server == "" {
		report("Server", `missing: the address of the Mattermost server, as "https://chat.example.org"`)
	} else if _, err := serverURL(s.Server); err != nil {
		report("Server", err.Error())
	}
	if s.Token == "" {
		report("Token", "missing: the access token of the bot account (System Console or Integrations > Bot Accounts)")
	} else if strings.TrimSpace(s.Token.Reveal()) != s.Token.Reveal() {
		report("Token", "begins or ends with white space")
	}
	if strings.Contains(s.Team, "/") {
		report("Team", "is one name, without a slash")
	}
	if s.Profile != "" && s.Profile != ProfileSimple && s.Profile != ProfileRestricted {
		report("Profile", `is "simple" or "restricted"; leave it out to have it found out`)
	}
	if s.Observe != "" && s.Observe != ObserveAuto && s.Observe != ObserveWebsocket && s.Observe != ObservePoll {
		report("Observe", `is "auto", "websocket" or "poll"; leave it out for "auto"`)
	}
	if s.OAuthClientID != "" && !model.IsValidId(s.OAuthClientID) {
		report("OAuthClientID", "is not a client id: 26 letters and digits, as Integrations > OAuth 2.0 Applications shows it")
	}
	if (s.OAuthClientID == "") != (s.OAuthClientSecret == "") {
		report("OAuthClientID", "OAuthClientID and OAuthClientSecret belong together")
	}
	if s.CallbackURL != "" {
		if _, err := serverURL(s.CallbackURL); err != nil {
			report("CallbackURL", err.Error())
		}
	}
	if s.CAFile != "" {
		if _, err := os.Stat(s.CAFile); err != nil {
			report("CAFile", err.Error())
		} else if s.SkipTLSVerify {
			report("CAFile", "has no effect together with SkipTLSVerify")
		}
	}
}

// place is the server and the team of channels that are written without one.
func (s *Settings) place() string {
	base, err := serverURL(s.Server)
	if err != nil {
		return s.Server + " " + s.Team
	}
	return strings.ToLower(base.Host) + base.Path + " " + s.Team
}

// callback gives the address below which the server reaches [bridge.Bridge.Handler], without a slash at the end; empty: it cannot.
func (s *Settings) callback(env bridge.Env) string {
	if s.CallbackURL == "" {
		return env.Hook
	}
	base, err := serverURL(s.CallbackURL)
	if err != nil {
		return env.Hook // Validate has reported it
	}
	return base.String() + "/hooks/" + url.PathEscape(string(env.Account))
}

// serverURL gives the server's address without a slash at the end.
func serverURL(s string) (*url.URL, error) {
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, errors.New(`is not an address like "https://chat.example.org"`)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("begins with %s://; it must be https:// (or http://)", u.Scheme)
	case u.Host == "":
		return nil, errors.New("names no host")
	case u.User != nil:
		return nil, errors.New("must not contain a user or password")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("must not contain ? or #")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = ""
	u.Path = strings.TrimSuffix(u.Path, "/api/v4")
	return u, nil
}
