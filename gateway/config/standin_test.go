package config_test

import (
	"strings"
	"time"

	"causeway/bridge/secret"
	"causeway/gateway/config"
)

// Stand-ins for the bridges' settings, with their keys.

type mattermostSettings struct {
	Server, Team  string
	Token         secret.Secret
	SkipTLSVerify bool
	CAFile        string

	Profile, OAuthClientID, CallbackURL, Observe string
	OAuthClientSecret                            secret.Secret
}

func (s *mattermostSettings) Validate(report func(key, problem string)) {
	if s.Server == "" {
		report("Server", "missing")
	} else if strings.Contains(s.Server, " ") {
		report("Server", "not an address")
	}
	if s.Token == "" {
		report("Token", "missing")
	} else if strings.HasPrefix(s.Token.Reveal(), " ") {
		report("Token", "begins with white space")
	}
}

type msteamsSettings struct {
	TenantID, ClientID, TeamID string
	ClientSecret               secret.Secret
	ClientSecretFile           secret.File
	ClientCertificateFile      string
	Receive                    string
	PollInterval, PostInterval time.Duration
	Cloud, GraphURL, LoginURL  string
	NoFiles, NoNotices         bool
	CAFile                     string
}

// oddSettings has what the bridges of today do not use, but those of tomorrow may.
type oddSettings struct {
	Port    uint16
	Ratio   float64
	Rooms   []string
	Renamed string `toml:"other-name"`
	Ignored string `toml:"-"`
	Since   time.Time
	Nested  struct {
		Depth int
		Key   secret.Secret
	}
	Peers []struct{ Host string }
	Mood  mood
}

type mood string

func (m *mood) UnmarshalText(text []byte) error {
	if string(text) != "good" {
		return errMood
	}
	*m = mood(text)
	return nil
}

type moodError string

func (e moodError) Error() string { return string(e) }

const errMood = moodError(`must be "good"`)

func protocols() config.Protocols {
	return config.Protocols{
		"mattermost": func() any { return new(mattermostSettings) },
		"msteams":    func() any { return &msteamsSettings{Receive: "auto", PostInterval: time.Second} },
		"odd":        func() any { return new(oddSettings) },
	}
}

func env(names map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := names[name]
		return value, ok
	}
}
