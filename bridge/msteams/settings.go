package msteams

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/bridge/secret"
)

// Settings is a [msteams.NAME] table of the config.
type Settings struct {
	// TenantID is the directory (tenant) id, a GUID.
	TenantID string
	// ClientID is the application (client) id of the app registration.
	ClientID string
	// ClientSecret is the value of a client secret of the app; or else there is ClientCertificateFile.
	ClientSecret secret.Secret
	// ClientSecretFile is where ClientSecret was read from, if from a file; then it is read again when that changes.
	ClientSecretFile secret.File
	// ClientCertificateFile names a PEM file with an RSA key and its certificate, which is uploaded to the app. It is read
	// again when it changes.
	ClientCertificateFile string
	// TeamID is the team that a channel without a team belongs to: its id or its display name.
	TeamID string
	// Receive says how messages are received: "rich" by change notifications, "poll" by polling, and "auto", the default, by
	// change notifications where Graph can reach Causeway.
	Receive string
	// PollInterval is the time between two reads of a channel in which people are writing; default 5s.
	PollInterval string
	// PostInterval is the least time between two writes; default 1.25s, which is what Graph allows a user in the long run.
	PostInterval string
	// NoFiles: the permission to store and read files is not asked for; each file is a line with a link.
	NoFiles bool
	// NoNotices: nobody is told anything by a chat of the relay account: that a message of theirs was not delivered, is late or is not carried, that something
	// waits for them, where a conversation goes on. Who has connected is told in Mattermost instead, others are not.
	NoNotices bool
	// Cloud is where the tenant is: "global", "gcc", "gcchigh", "dod" or "china"; default "global". It sets GraphURL and
	// LoginURL.
	Cloud string
	// GraphURL and LoginURL are set by Cloud, and need to be set only for what stands in for Microsoft.
	GraphURL string
	LoginURL string
	// CAFile names a PEM file with further certificate authorities, for a proxy that looks into TLS.
	CAFile string
}

const (
	defaultPollInterval = 5 * time.Second
	defaultPostInterval = sustainedSecond
)

var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$`)

// Validate reports every mistake that can be seen without asking Microsoft.
func (s *Settings) Validate(report func(key, problem string)) {
	if !guid.MatchString(s.TenantID) {
		report("TenantID", `must be the directory (tenant) id, such as "8a8ce5a5-0b4d-4d0f-8f5b-2f1f3a4c5d6e": see the app's overview page in Entra`)
	}
	if !guid.MatchString(s.ClientID) {
		report("ClientID", "must be the application (client) id, a GUID: see the app's overview page in Entra")
	}
	switch {
	case s.ClientSecret.Reveal() == "" && s.ClientCertificateFile == "":
		report("ClientSecret", "is missing: set it, or ClientSecretFile, or ClientCertificateFile")
	case s.ClientSecret.Reveal() != "" && s.ClientCertificateFile != "":
		report("ClientCertificateFile", "cannot be used together with ClientSecret")
	}
	switch s.Receive {
	case "", "auto", "rich", "poll":
	default:
		report("Receive", `must be "auto", "rich" or "poll"`)
	}
	if _, known := cloudOf(*s); !known {
		report("Cloud", "must be "+cloudNames())
	}
	interval(s.PollInterval, defaultPollInterval, func(problem string) { report("PollInterval", problem) })
	interval(s.PostInterval, defaultPostInterval, func(problem string) { report("PostInterval", problem) })
	address(s.GraphURL, func(problem string) { report("GraphURL", problem) })
	address(s.LoginURL, func(problem string) { report("LoginURL", problem) })
}

// interval reads a duration; the default stands for an empty one.
func interval(text string, byDefault time.Duration, report func(problem string)) time.Duration {
	if text == "" {
		return byDefault
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		report(`must be a duration such as "` + byDefault.String() + `"`)
		return byDefault
	}
	return d
}

// address refuses what is not a URL, and plain http beyond this machine: tokens go there.
func address(text string, report func(problem string)) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		report("must be a URL such as " + clouds[0].graph)
	case u.Scheme == "https":
	case u.Scheme == "http" && loopback(u.Hostname()):
	default:
		report("must start with https://")
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

const protocol = "msteams"

func init() {
	bridge.Register(bridge.Protocol{
		Name:     protocol,
		Title:    "Microsoft Teams",
		Login:    true,
		Settings: func() any { return &Settings{} },
		Place: func(settings any) string {
			s := settings.(*Settings)
			return strings.ToLower(s.TenantID) + " " + s.TeamID
		},
		New: func(env bridge.Env, settings any) (bridge.Bridge, error) {
			s, ok := settings.(*Settings)
			if !ok {
				return nil, fmt.Errorf("settings of %s: %T is not a Teams account", env.Account, settings)
			}
			network, err := newNetwork(s.CAFile)
			if err != nil {
				return nil, err
			}
			return newAccount(env, *s, network)
		},
		Setup: &bridge.Setup{Account: "contoso", Run: setUp, Options: []string{setupCloud, setupDirect, setupNoFiles, setupCertificate}},
	})
}

// newNetwork is Go's transport without compression (measured: it costs more than it saves) and with the operator's
// certificate authorities.
func newNetwork(caFile string) (http.RoundTripper, error) {
	base, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("preparing the network: the default transport was replaced")
	}
	t := base.Clone()
	t.DisableCompression = true
	t.ResponseHeaderTimeout = answerTimeout
	t.MaxIdleConnsPerHost = 16
	if caFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("reading CAFile: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading CAFile: no certificate in %s", caFile)
	}
	t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return t, nil
}

// serviceURL takes the default for an empty URL and a slash off its end.
func serviceURL(text, byDefault string) string {
	if text == "" {
		return byDefault
	}
	return strings.TrimRight(text, "/")
}
