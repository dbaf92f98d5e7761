package teams

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"causeway/contrib/sim/teams/notify"
)

// oauthError is a refusal in the form of Entra.
type oauthError struct {
	status      int
	code        string // such as invalid_grant
	aadsts      int
	description string
	suberror    string
	claims      string // a claims challenge
}

func oauth(status int, code string, aadsts int, description string) *oauthError {
	return &oauthError{status: status, code: code, aadsts: aadsts, description: description}
}

type tokenJSON struct {
	TokenType    string `json:"token_type"`
	Scope        string `json:"scope,omitempty"`
	ExpiresIn    int    `json:"expires_in"`
	ExtExpiresIn int    `json:"ext_expires_in"`
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
}

const (
	tokenPath      = "/{tenant}/oauth2/v2.0/token"
	deviceCodePath = "/{tenant}/oauth2/v2.0/devicecode"
	devicePage     = "/devicelogin"
)

// entra handles everything outside /v1.0: logging in.
func (s *Sim) entra(r *http.Request) answer {
	entry := Request{At: s.opts.Now(), Method: r.Method, Path: r.URL.Path}
	tenant, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	var handle func(*login) (any, *oauthError)
	switch {
	case rest == "oauth2/v2.0/token":
		entry.Template, handle = tokenPath, s.token
	case rest == "oauth2/v2.0/devicecode":
		entry.Template, handle = deviceCodePath, s.deviceCode
	case rest == "oauth2/v2.0/authorize":
		entry.Template = authorizePath
	case r.URL.Path == devicePage:
		entry.Template = devicePage
	default:
		entry.Template = openIDTemplate(rest)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	fault := s.fault(&entry, r)
	s.await(r, fault.delay)
	if fault.drops && !fault.after {
		s.log(entry)
		panic(http.ErrAbortHandler)
	}
	var a answer
	switch {
	case fault.status != 0 && !fault.after:
		a = s.failedLogin(fault)
	case entry.Template == devicePage:
		a = s.devicePage(r, body)
	case entry.Template == authorizePath && (r.Method == http.MethodGet || r.Method == http.MethodPost):
		a = s.authorize(r, tenant, body, &entry)
	case openIDTemplate(rest) != "":
		a = s.openIDDocument(r, tenant, entry.Template)
	case handle == nil:
		a = answer{status: http.StatusNotFound, header: http.Header{}}
	case r.Method != http.MethodPost:
		a = answer{status: http.StatusMethodNotAllowed, header: http.Header{}}
	default:
		a = s.login(r, tenant, body, &entry, handle)
	}
	entry.Status = a.status
	if fault.after {
		if fault.drops {
			entry.Lost = true
			s.log(entry)
			panic(http.ErrAbortHandler)
		}
		a = s.failedLogin(fault)
		entry.Status = a.status
	}
	s.log(entry)
	if s.opts.Observe != nil {
		s.opts.Observe(Answer{Method: r.Method, Template: entry.Template, Status: a.status, Body: a.body})
	}
	return a
}

// login is one request to the token or device code endpoint.
type login struct {
	form      url.Values
	tenant    *Tenant // nil: common, organizations
	app       *App
	origin    string
	audience  string // what a signed assertion must be addressed to
	confirmed bool   // the app has proved itself
}

func (s *Sim) login(r *http.Request, tenant string, body []byte, entry *Request, handle func(*login) (any, *oauthError)) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	form, err := url.ParseQuery(string(body))
	if err != nil || mediaType(r.Header.Get("Content-Type")) != "application/x-www-form-urlencoded" {
		return s.oauthAnswer(nil, oauth(400, "invalid_request", 900144, "The request body must be of type 'application/x-www-form-urlencoded'."))
	}
	l := &login{form: form, origin: originOf(r), audience: originOf(r) + r.URL.Path}
	if tenant != "common" && tenant != "organizations" {
		if l.tenant = s.tenants[strings.ToLower(tenant)]; l.tenant == nil {
			return s.oauthAnswer(nil, oauth(400, "invalid_request", 90002, "Tenant '"+tenant+"' not found."))
		}
	}
	id := form.Get("client_id")
	entry.Who, entry.App = id, id
	if id == "" {
		return s.oauthAnswer(nil, missing("client_id"))
	}
	l.app = s.apps[id]
	if l.app == nil || l.tenant != nil && l.app.tenant != l.tenant {
		return s.oauthAnswer(nil, oauth(400, "unauthorized_client", 700016, "Application with identifier '"+id+"' was not found in the directory."))
	}
	out, refused := handle(l)
	return s.oauthAnswer(out, refused)
}

func missing(parameter string) *oauthError {
	return oauth(400, "invalid_request", 900144, "The request body must contain the following parameter: '"+parameter+"'.")
}

func (s *Sim) oauthAnswer(out any, refused *oauthError) answer {
	header := http.Header{}
	header.Set("Content-Type", "application/json; charset=utf-8")
	header.Set("Cache-Control", "no-store, no-cache")
	header.Set("x-ms-request-id", newGUID())
	if refused == nil {
		return answer{status: http.StatusOK, header: header, body: encode(out)}
	}
	trace, correlation := newGUID(), newGUID()
	at := s.opts.Now().UTC().Format("2006-01-02 15:04:05Z")
	prefix := ""
	if refused.aadsts != 0 {
		prefix = "AADSTS" + string(encode(refused.aadsts)) + ": "
	}
	out = map[string]any{
		"error": refused.code,
		"error_description": prefix + refused.description + "\r\nTrace ID: " + trace +
			"\r\nCorrelation ID: " + correlation + "\r\nTimestamp: " + at,
		"error_codes": []int{refused.aadsts}, "timestamp": at, "trace_id": trace, "correlation_id": correlation,
	}
	for name, value := range map[string]string{"suberror": refused.suberror, "claims": refused.claims} {
		if value != "" {
			out.(map[string]any)[name] = value
		}
	}
	return answer{status: refused.status, header: header, body: encode(out)}
}

// token is the token endpoint.
func (s *Sim) token(l *login) (any, *oauthError) {
	if err := s.proveApp(l); err != nil {
		return nil, err
	}
	switch grant := l.form.Get("grant_type"); grant {
	case "":
		return nil, missing("grant_type")
	case "client_credentials":
		return s.clientCredentials(l)
	case "refresh_token":
		return s.useRefresh(l)
	case "authorization_code":
		return s.useCode(l)
	case "urn:ietf:params:oauth:grant-type:device_code":
		return s.useDeviceCode(l)
	default:
		return nil, oauth(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type '"+grant+"'.")
	}
}

// proveApp checks a client secret or signed assertion, where there is one.
func (s *Sim) proveApp(l *login) *oauthError {
	secret, assertion := l.form.Get("client_secret"), l.form.Get("client_assertion")
	known, expired := l.app.findSecret(secret, s.opts.Now())
	switch {
	case secret != "" && !known:
		return oauth(401, "invalid_client", 7000215, "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '"+l.app.ClientID+"'.")
	case secret != "" && expired:
		return oauth(401, "invalid_client", 7000222, "The provided client secret keys for app '"+l.app.ClientID+"' are expired.")
	case secret != "":
		l.confirmed = true
	case assertion != "":
		if err := s.checkAssertion(l, assertion); err != nil {
			return oauth(401, "invalid_client", 700027, "The certificate with identifier used to sign the client assertion is not registered on application, or the assertion is not valid: "+err.Error())
		}
		l.confirmed = true
	}
	return nil
}

func (s *Sim) clientCredentials(l *login) (any, *oauthError) {
	switch scope := l.form.Get("scope"); {
	case !l.confirmed:
		return nil, oauth(401, "invalid_client", 7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
	case l.tenant == nil:
		return nil, oauth(400, "invalid_request", 50059, "No tenant-identifying information found: name the tenant instead of 'common'.")
	case scope == "":
		return nil, missing("scope")
	case scope != graphResource+".default" && scope != l.origin+"/.default":
		return nil, oauth(400, "invalid_scope", 1002012, "The provided value for scope "+scope+" is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier.")
	}
	return tokenJSON{
		TokenType: "Bearer", ExpiresIn: s.lifetime(), ExtExpiresIn: s.lifetime(),
		AccessToken: s.issueAccess(l.app, nil, l.app.roles),
	}, nil
}

func (s *Sim) useRefresh(l *login) (any, *oauthError) {
	if err := l.mustBeProved(); err != nil {
		return nil, err
	}
	value := l.form.Get("refresh_token")
	if value == "" {
		return nil, missing("refresh_token")
	}
	r := s.refresh[value]
	switch {
	case r == nil || r.app != l.app || l.tenant != nil && l.tenant != r.user.tenant:
		return nil, oauth(400, "invalid_grant", 9002313, "Invalid request. Request is malformed or invalid.")
	case r.user.gone():
		return nil, oauth(400, "invalid_grant", 50034, "The user account does not exist in the directory.")
	case r.user.disabled:
		return nil, oauth(400, "invalid_grant", 50057, "The user account is disabled.")
	case l.app.withdrawn[r.user]:
		refused := oauth(400, "invalid_grant", 65001, "The user or administrator has not consented to use the application with ID '"+l.app.ClientID+"'. Send an interactive authorization request for this user and resource.")
		refused.suberror = "consent_required"
		return nil, refused
	case r.revoked:
		return nil, oauth(400, "invalid_grant", 50173, "The provided grant has expired due to it being revoked, a fresh auth token is needed.")
	case !s.opts.Now().Before(r.expires):
		return nil, oauth(400, "invalid_grant", 700082, "The refresh token has expired due to inactivity.")
	}
	scopes := r.scopes
	if asked := l.form.Get("scope"); asked != "" {
		var err *oauthError
		if scopes, _, err = l.scopes(asked); err != nil {
			return nil, err
		}
	}
	return s.signedIn(l, r.user, scopes, true, ""), nil
}

// graphResource begins the long form of Graph's scopes.
const graphResource = "https://graph.microsoft.com/"

// openID are the scopes that belong to no resource.
var openID = []string{"openid", "profile", "email", "offline_access"}

// scopes reads what was asked for: the permissions of Graph, and whether a refresh token is wanted.
func (l *login) scopes(asked string) (granted []string, offline bool, err *oauthError) {
	for scope := range strings.FieldsSeq(asked) {
		name := strings.TrimPrefix(strings.TrimPrefix(scope, graphResource), l.origin+"/")
		switch {
		case slices.Contains(openID, name):
			offline = offline || name == "offline_access"
		case name == ".default":
			granted = append(granted, l.app.scopes...)
		case slices.Contains(l.app.scopes, name):
			granted = append(granted, name)
		case !knownScope(name):
			return nil, false, oauth(400, "invalid_scope", 70011, "The provided value for the input parameter 'scope' is not valid. The scope "+scope+" is not valid.")
		default:
			return nil, false, oauth(400, "invalid_grant", 65001, "The user or administrator has not consented to use the application with ID '"+l.app.ClientID+"'. Send an interactive authorization request for this user and resource.")
		}
	}
	return granted, offline, nil
}

// knownScope tells whether Graph has such a delegated permission, as far as the stand-in knows.
func knownScope(name string) bool {
	for _, r := range routes {
		if slices.Contains(r.delegated, name) {
			return true
		}
	}
	return slices.Contains([]string{
		"Chat.Create", "Chat.Read", "Chat.ReadBasic", "Chat.ReadWrite", "ChatMessage.Send", "ChatMember.Read", "ChatMember.ReadWrite",
		"Files.Read", "Files.Read.All", "Files.ReadWrite", "Files.ReadWrite.All", "Sites.Read.All", "Sites.ReadWrite.All",
		"Presence.Read", "Presence.Read.All", "Channel.Create", "Subscription.Read.All", "ChannelMessage.Edit",
	}, name)
}

// signedIn makes the answer of a login as a person; the nonce is that of the sign-in, or empty.
func (s *Sim) signedIn(l *login, u *User, scopes []string, offline bool, nonce string) tokenJSON {
	out := tokenJSON{
		TokenType: "Bearer", ExpiresIn: s.lifetime(), ExtExpiresIn: s.lifetime(),
		AccessToken: s.issueAccess(l.app, u, scopes),
		IDToken:     s.idToken(l, u, nonce),
	}
	for _, name := range scopes {
		out.Scope += graphResource + name + " "
	}
	out.Scope = strings.TrimSuffix(out.Scope, " ")
	if offline {
		out.RefreshToken = s.issueRefresh(l.app, u, scopes)
	}
	return out
}

// idToken names the signed-in person. It is not signed: it comes straight from the token endpoint. Of a guest it says who
// signed them in.
func (s *Sim) idToken(l *login, u *User, nonce string) string {
	now := s.opts.Now()
	part := func(v any) string { return base64.RawURLEncoding.EncodeToString(encode(v)) }
	claims := map[string]any{
		"aud": l.app.ClientID, "iss": notify.TenantIssuer(s.opts.Cloud.issuers().V2, u.tenant.ID), "iat": now.Unix(), "nbf": now.Unix(),
		"exp": now.Add(time.Hour).Unix(), "name": u.displayName(), "oid": u.ID, "preferred_username": u.UPN, "tid": u.tenant.ID,
		"sub": u.ID, "ver": "2.0",
	}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	if u.idp != "" {
		claims["idp"] = u.idp
	}
	return part(map[string]string{"typ": "JWT", "alg": "none"}) + "." + part(claims) + "."
}

func (s *Sim) lifetime() int { return int(s.opts.TokenLifetime / time.Second) }
