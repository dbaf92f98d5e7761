package teams

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// device is a login by device code that is going on.
type device struct {
	code, userCode string
	app            *App
	scopes         []string
	offline        bool
	expires        time.Time
	user           *User // who approved
	declined, used bool
}

type deviceJSON struct {
	UserCode        string `json:"user_code"`
	DeviceCode      string `json:"device_code"`
	VerificationURI string `json:"verification_uri"`
	ExpiresIn       int    `json:"expires_in"`
	Interval        int    `json:"interval"`
	Message         string `json:"message"`
}

// deviceCode begins a login.
func (s *Sim) deviceCode(l *login) (any, *oauthError) {
	asked := l.form.Get("scope")
	if asked == "" {
		return nil, missing("scope")
	}
	scopes, offline, err := l.scopes(asked)
	if err != nil {
		return nil, err
	}
	d := &device{
		code: newSecret("sim-device-"), userCode: strings.ToUpper(newSecret("")[:9]), app: l.app,
		scopes: scopes, offline: offline, expires: s.opts.Now().Add(s.opts.DeviceCodeLifetime),
	}
	s.devices[d.code] = d
	page := l.origin + devicePage
	return deviceJSON{
		UserCode: d.userCode, DeviceCode: d.code, VerificationURI: page,
		ExpiresIn: int(s.opts.DeviceCodeLifetime / time.Second), Interval: int(s.opts.DeviceCodeInterval / time.Second),
		Message: "To sign in, use a web browser to open the page " + page + " and enter the code " + d.userCode + " to authenticate.",
	}, nil
}

// useDeviceCode is what the waiting app polls.
func (s *Sim) useDeviceCode(l *login) (any, *oauthError) {
	if err := l.mustBeProved(); err != nil {
		return nil, err
	}
	value := l.form.Get("device_code")
	if value == "" {
		return nil, missing("device_code")
	}
	d := s.devices[value]
	switch {
	case d == nil || d.app != l.app || d.used:
		return nil, oauth(400, "bad_verification_code", 70019, "The verification code is not valid.")
	case d.declined:
		return nil, oauth(400, "authorization_declined", 70018, "The end user denied the authorization request.")
	case !s.opts.Now().Before(d.expires):
		return nil, oauth(400, "expired_token", 70020, "The device code has expired.")
	case d.user == nil:
		return nil, oauth(400, "authorization_pending", 70016, "OAuth 2.0 device flow error. Authorization is pending. Continue polling.")
	}
	d.used = true
	return s.signedIn(l, d.user, d.scopes, d.offline, ""), nil
}

// ErrNoCode says that no login waits with this code.
var ErrNoCode = errors.New("no login waits with this code")

// UserCodes gives the codes of the logins that wait for somebody.
func (s *Sim) UserCodes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var codes []string
	for _, d := range s.devices {
		if s.waiting(d) {
			codes = append(codes, d.userCode)
		}
	}
	slices.Sort(codes)
	return codes
}

func (s *Sim) waiting(d *device) bool {
	return d.user == nil && !d.declined && s.opts.Now().Before(d.expires)
}

// ApproveDevice is a person who enters the code and signs in.
func (s *Sim) ApproveDevice(userCode string, u *User) error {
	return s.decide(userCode, func(d *device) error { d.user = u; return nil })
}

// DeclineDevice is a person who enters the code and refuses.
func (s *Sim) DeclineDevice(userCode string) error {
	return s.decide(userCode, func(d *device) error { d.declined = true; return nil })
}

func (s *Sim) decide(userCode string, f func(*device) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.devices {
		if strings.EqualFold(d.userCode, strings.TrimSpace(userCode)) && s.waiting(d) {
			return f(d)
		}
	}
	return ErrNoCode
}

var devicePageHTML = template.Must(template.New("device").Parse(`<!doctype html><html lang="en"><meta charset="utf-8">
<title>Sign in (Teams stand-in)</title><h1>Enter code</h1>{{with .}}<p>{{.}}</p>{{end}}
<form method="post"><label>Code <input name="code" autofocus></label> <label>User <input name="user" placeholder="name@domain"></label>
<button name="do" value="approve">Sign in</button> <button name="do" value="decline">Decline</button></form></html>`))

// devicePage is where the message of the device code flow sends people. There are no passwords here.
func (s *Sim) devicePage(r *http.Request, body []byte) answer {
	note := ""
	if r.Method == http.MethodPost {
		note = s.enterCode(string(body))
	}
	var page strings.Builder
	if err := devicePageHTML.Execute(&page, note); err != nil {
		panic(err) // a constant template and a string builder
	}
	return answer{status: http.StatusOK, header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}, body: []byte(page.String())}
}

func (s *Sim) enterCode(body string) string {
	form, err := url.ParseQuery(body)
	if err != nil {
		return "That could not be read."
	}
	code := form.Get("code")
	if form.Get("do") == "decline" {
		if s.DeclineDevice(code) != nil {
			return "That code did not work."
		}
		return "You have declined."
	}
	s.mu.Lock()
	var user *User
	for _, t := range s.tenants {
		if u := t.user(form.Get("user")); u != nil {
			user = u
		}
	}
	s.mu.Unlock()
	if user == nil || s.ApproveDevice(code, user) != nil {
		return "That code or user did not work."
	}
	return "You have signed in as " + user.Name + ". You can close this page."
}
