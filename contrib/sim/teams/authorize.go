package teams

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const authorizePath = "/{tenant}/oauth2/v2.0/authorize"

// codeLife is how long an authorization code can be redeemed (v2-oauth2-auth-code-flow).
const codeLife = 10 * time.Minute

// authorizationCode is what the browser takes back to the app.
type authorizationCode struct {
	app       *App
	user      *User
	scopes    []string
	offline   bool
	redirect  string
	challenge string
	nonce     string
	expires   time.Time
	used      bool
}

// authorization is a request to the authorization endpoint that may be answered by sending the browser back.
type authorization struct {
	login
	redirect  *url.URL
	state     string
	challenge string
	nonce     string
	granted   []string
	offline   bool
	// everybody: people of other tenants may sign in as well.
	everybody bool
	// query is what was asked, for the page's form.
	query string
}

// authorize is the page where a person signs in; there are no passwords here.
func (s *Sim) authorize(r *http.Request, tenant string, body []byte, entry *Request) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, refused := s.beginAuthorization(r, tenant, entry)
	if refused != nil {
		return s.signInPage(nil, refused)
	}
	if refused := a.check(); refused != nil {
		return a.back(refused)
	}
	if r.Method != http.MethodPost {
		return s.signInPage(a, nil)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return s.signInPage(a, oauth(400, "invalid_request", 900144, "The form could not be read."))
	}
	if form.Get("do") == "decline" {
		return a.back(oauth(0, "access_denied", 65004, "User declined to consent to access the app."))
	}
	return s.approve(a, form.Get("user"))
}

// beginAuthorization makes sure that the browser may be sent back; where not, the person sees why and stays.
func (s *Sim) beginAuthorization(r *http.Request, tenant string, entry *Request) (*authorization, *oauthError) {
	q := r.URL.Query()
	a := &authorization{login: login{form: q, origin: originOf(r)}, state: q.Get("state"), challenge: q.Get("code_challenge"), nonce: q.Get("nonce"), query: r.URL.RawQuery}
	a.everybody = tenant == "common" || tenant == "organizations"
	if !a.everybody {
		if a.tenant = s.tenants[strings.ToLower(tenant)]; a.tenant == nil {
			return nil, oauth(400, "invalid_request", 90002, "Tenant '"+tenant+"' not found.")
		}
	}
	id := q.Get("client_id")
	entry.Who, entry.App = id, id
	a.app = s.apps[id]
	if a.app == nil || a.tenant != nil && a.app.tenant != a.tenant {
		return nil, oauth(400, "unauthorized_client", 700016, "Application with identifier '"+id+"' was not found in the directory.")
	}
	if a.everybody && !a.app.multiTenant {
		return nil, oauth(400, "invalid_request", 50194, "Application '"+id+"' is not configured as a multi-tenant application.")
	}
	redirect := q.Get("redirect_uri")
	u, err := url.Parse(redirect)
	if err != nil || !slices.Contains(a.app.redirects, redirect) {
		return nil, oauth(400, "invalid_request", 50011, "The redirect URI '"+redirect+"' specified in the request does not match the redirect URIs configured for the application '"+id+"'.")
	}
	a.redirect = u
	return a, nil
}

// check refuses what a browser can take back to the app.
func (a *authorization) check() *oauthError {
	q := a.form
	for name, v := range q {
		if len(v) != 1 {
			return oauth(0, "invalid_request", 9000411, "The request is not properly formatted. The parameter '"+name+"' is duplicated.")
		}
	}
	switch {
	case q.Get("response_type") != "code":
		return oauth(0, "unsupported_response_type", 70005, "The stand-in gives codes only.")
	case q.Get("response_mode") != "" && q.Get("response_mode") != "query":
		return oauth(0, "invalid_request", 70007, "The stand-in answers in the query only.")
	case q.Get("scope") == "":
		return oauth(0, "invalid_request", 900144, "The request must contain the following parameter: 'scope'.")
	case q.Get("code_challenge_method") != "S256":
		return oauth(0, "invalid_request", 501491, "Invalid code_challenge_method: the stand-in insists on S256.")
	case len(a.challenge) != 43:
		return oauth(0, "invalid_request", 501491, "Invalid size of Code_Challenge parameter.")
	case !slices.Contains([]string{"", "login", "select_account", "consent", "none"}, q.Get("prompt")):
		return oauth(0, "invalid_request", 90023, "Unsupported 'prompt' value.")
	case q.Get("prompt") == "none":
		return oauth(0, "interaction_required", 50058, "Session information is not sufficient for single-sign-on.")
	}
	var refused *oauthError
	if a.granted, a.offline, refused = a.scopes(q.Get("scope")); refused != nil {
		if refused.aadsts == 65001 { // a person cannot agree to these by themselves
			refused.code = "consent_required"
		}
		return refused
	}
	return nil
}

// approve signs a person in.
func (s *Sim) approve(a *authorization, who string) answer {
	var user *User
	for _, u := range s.mayChoose(a) {
		if who != "" && (u.ID == who || strings.EqualFold(u.UPN, who)) {
			user = u
		}
	}
	switch {
	case user == nil:
		return s.signInPage(a, oauth(400, "invalid_grant", 50034, "The user account does not exist in the directory."))
	case user.disabled:
		return s.signInPage(a, oauth(400, "invalid_grant", 50057, "The user account is disabled."))
	}
	delete(a.app.withdrawn, user)
	code := newSecret("sim-code-")
	s.codes[code] = &authorizationCode{
		app: a.app, user: user, scopes: a.granted, offline: a.offline, redirect: a.redirect.String(), challenge: a.challenge, nonce: a.nonce,
		expires: s.opts.Now().Add(codeLife),
	}
	return a.send(url.Values{"code": {code}, "session_state": {newGUID()}})
}

// mayChoose are those who can sign in on this page.
func (s *Sim) mayChoose(a *authorization) []*User {
	if !a.everybody {
		return a.tenant.users
	}
	var all []*User
	for id, t := range s.tenants {
		if id == t.ID { // each is there by its domain, too
			all = append(all, t.users...)
		}
	}
	slices.SortFunc(all, func(x, y *User) int { return strings.Compare(x.UPN, y.UPN) })
	return all
}

// send sends the browser back to the app.
func (a *authorization) send(with url.Values) answer {
	if a.form.Has("state") {
		with.Set("state", a.state)
	}
	to := *a.redirect
	q := to.Query()
	for k, v := range with {
		q[k] = v
	}
	to.RawQuery = q.Encode()
	return answer{status: http.StatusFound, header: http.Header{"Location": {to.String()}, "Cache-Control": {"no-store, no-cache"}}}
}

func (a *authorization) back(refused *oauthError) answer {
	return a.send(url.Values{"error": {refused.code}, "error_description": {fmt.Sprintf("AADSTS%d: %s", refused.aadsts, refused.description)}})
}

var signInHTML = template.Must(template.New("sign in").Parse(`<!doctype html><html lang="en"><meta charset="utf-8">
<title>Sign in (Teams stand-in)</title><h1>{{with .Refused}}Sorry, but we’re having trouble signing you in.{{else}}Pick an account{{end}}</h1>
{{with .Refused}}<p role="alert">AADSTS{{.Number}}: {{.Text}}</p>{{end}}
{{with .App}}<p>{{.}} would like to:</p><ul>{{range $.Scopes}}<li>{{.}}</li>{{end}}</ul>
<form method="post" action="?{{$.Query}}">
{{range $.Users}}<p><button name="user" value="{{.ID}}">{{.Name}} ({{.UPN}})</button></p>{{end}}
<p><button name="do" value="decline">Decline</button></p></form>{{end}}</html>`))

type signInUser struct{ ID, Name, UPN string }

type signInRefusal struct {
	Number int
	Text   string
}

// signInPage lists whom one can sign in as, or says why nobody can.
func (s *Sim) signInPage(a *authorization, refused *oauthError) answer {
	var data struct {
		Refused *signInRefusal
		App     string
		Scopes  []string
		Query   template.URL
		Users   []signInUser
	}
	status := http.StatusOK
	if refused != nil {
		data.Refused = &signInRefusal{refused.aadsts, refused.description}
		status = http.StatusBadRequest
	}
	if a != nil {
		data.App, data.Scopes, data.Query = a.app.Name, strings.Fields(a.form.Get("scope")), template.URL(a.query)
		for _, u := range s.mayChoose(a) {
			data.Users = append(data.Users, signInUser{u.ID, u.displayName(), u.UPN})
		}
	}
	var page strings.Builder
	if err := signInHTML.Execute(&page, data); err != nil {
		panic(err) // a constant template and a string builder
	}
	return answer{status: status, header: http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Cache-Control": {"no-store"}}, body: []byte(page.String())}
}

// useCode redeems an authorization code.
func (s *Sim) useCode(l *login) (any, *oauthError) {
	for _, name := range []string{"code", "redirect_uri"} {
		if l.form.Get(name) == "" {
			return nil, missing(name)
		}
	}
	if !l.confirmed { // what comes back to a Web address is for apps that keep a secret
		return nil, oauth(http.StatusUnauthorized, "invalid_client", 7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
	}
	c := s.codes[l.form.Get("code")]
	sum := sha256.Sum256([]byte(l.form.Get("code_verifier")))
	switch {
	case c == nil || c.app != l.app:
		return nil, oauth(400, "invalid_grant", 9002313, "Invalid request. Request is malformed or invalid.")
	case c.used:
		return nil, oauth(400, "invalid_grant", 54005, "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.")
	case !s.opts.Now().Before(c.expires):
		return nil, oauth(400, "invalid_grant", 70008, "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.")
	case l.form.Get("redirect_uri") != c.redirect:
		return nil, oauth(400, "invalid_grant", 500112, "The reply address does not match the reply address provided when requesting the authorization code.")
	case base64.RawURLEncoding.EncodeToString(sum[:]) != c.challenge:
		return nil, oauth(400, "invalid_grant", 501481, "The Code_Verifier does not match the code_challenge supplied in the authorization request.")
	case c.user.gone():
		return nil, oauth(400, "invalid_grant", 50034, "The user account does not exist in the directory.")
	case c.user.disabled:
		return nil, oauth(400, "invalid_grant", 50057, "The user account is disabled.")
	case l.tenant != nil && c.user.tenant != l.tenant:
		return nil, oauth(400, "invalid_grant", 50020, "User account from identity provider does not exist in tenant '"+l.tenant.Name+"'.")
	}
	scopes := c.scopes
	if asked := l.form.Get("scope"); asked != "" {
		narrower, _, refused := l.scopes(asked)
		if refused != nil {
			return nil, refused
		}
		if slices.ContainsFunc(narrower, func(p string) bool { return !slices.Contains(c.scopes, p) }) {
			return nil, oauth(400, "invalid_grant", 65001, "The user or administrator has not consented to use the application with ID '"+l.app.ClientID+"'.")
		}
		scopes = narrower
	}
	c.used = true
	return s.signedIn(l, c.user, scopes, c.offline, c.nonce), nil
}

// SetRedirects replaces the redirect URIs of the platform Web.
func (a *App) SetRedirects(uris ...string) {
	a.tenant.sim.mu.Lock()
	defer a.tenant.sim.mu.Unlock()
	a.redirects = slices.Clone(uris)
}

// WithdrawConsent is a person who takes back, on myapps.microsoft.com, what they have allowed an app: tokens are renewed no more,
// until they agree again.
func (s *Sim) WithdrawConsent(a *App, u *User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.withdrawn[u] = true
}

// ErrNotSentBack says that the authorization page kept the browser.
var ErrNotSentBack = errors.New("the browser was not sent back to the app")

// Authorize is a browser that opens an authorization address and signs in as somebody; it gives the address to which it is sent
// back. Nobody (nil) declines. With ErrNotSentBack comes what the page said.
func (s *Sim) Authorize(address string, u *User) (back string, err error) {
	form := url.Values{"do": {"decline"}}
	if u != nil {
		form = url.Values{"user": {u.ID}}
	}
	r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("signing in: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := s.Transport().RoundTrip(r)
	if err != nil {
		return "", fmt.Errorf("signing in: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusFound {
		page, err := io.ReadAll(answer.Body)
		return "", errors.Join(fmt.Errorf("%w: %d %s", ErrNotSentBack, answer.StatusCode, page), err)
	}
	return answer.Header.Get("Location"), nil
}
