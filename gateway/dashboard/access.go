package dashboard

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"causeway/gateway/web"
)

const (
	cookieName = "causeway_dashboard"
	// sessionLife is how long a log-in lasts.
	sessionLife = 12 * time.Hour
	// linkOrder is what the token in a link that logs in covers, together with a nonce.
	linkOrder = "log in to the dashboard "
	// linkMemory is how long a used link is remembered; it is good for a minute either way of the clock.
	linkMemory = 3 * time.Minute
)

// guest is who may look.
type guest struct {
	// session is the nonce of a log-in; empty: a browser on this machine that needs none.
	session string
	// who is what the audit log says.
	who string
}

// admitted shows a page to those who may look, and others where to log in.
func (d *Dashboard) admitted(next func(http.ResponseWriter, *http.Request, guest)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		g, ok := d.guest(r)
		if !ok {
			d.showLogin(w, r, http.StatusUnauthorized, "")
			return
		}
		next(w, r, g)
	}
}

// page gives a page's time.
func limited(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), pageTime)
}

func (d *Dashboard) guest(r *http.Request) (guest, bool) {
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		from = r.RemoteAddr
	}
	if d.open() && web.FromHere(r) {
		return guest{who: "dashboard on this machine"}, true
	}
	for _, c := range r.CookiesNamed(cookieName) {
		if nonce, ok := d.session(c.Value, time.Now()); ok {
			return guest{session: nonce, who: "dashboard, logged in, from " + from}, true
		}
	}
	return guest{}, false
}

// open reports whether browsers on this machine need not log in.
func (d *Dashboard) open() bool { return d.o.Settings.Token == "" && d.o.PublicURL == "" }

// The purposes of what is signed.
const (
	forSession = "dashboard session"
	forForm    = "dashboard form"
)

// generation changes with the token of the config, which so ends all log-ins.
func (d *Dashboard) generation() string {
	sum := sha256.Sum256([]byte(d.o.Settings.Token.Reveal()))
	return hex.EncodeToString(sum[:])
}

// newSession gives the value of a cookie: when it ends, a nonce, and the signature of both.
func (d *Dashboard) newSession(now time.Time) string {
	ends, nonce := strconv.FormatInt(now.Add(sessionLife).Unix(), 10), rand.Text()
	return ends + "." + nonce + "." + base64.RawURLEncoding.EncodeToString(d.o.Keys.Signature(forSession, ends, nonce, d.generation()))
}

// session gives the nonce of a cookie that is good now.
func (d *Dashboard) session(value string, now time.Time) (nonce string, ok bool) {
	ends, rest, _ := strings.Cut(value, ".")
	nonce, proof, _ := strings.Cut(rest, ".")
	signature, err := base64.RawURLEncoding.DecodeString(proof)
	if err != nil || !d.o.Keys.Signed(signature, forSession, ends, nonce, d.generation()) {
		return "", false
	}
	at, err := strconv.ParseInt(ends, 10, 64)
	return nonce, err == nil && nonce != "" && now.Unix() < at
}

// formToken stands in the forms of a guest, and no other site can read it.
func (d *Dashboard) formToken(g guest) string {
	return base64.RawURLEncoding.EncodeToString(d.o.Keys.Signature(forForm, g.session, d.generation()))
}

func (d *Dashboard) validForm(r *http.Request, g guest) bool {
	return subtle.ConstantTimeCompare([]byte(r.PostFormValue("form")), []byte(d.formToken(g))) == 1
}

// login is the page on which one logs in.
type login struct {
	head
	// Token: the config has one. Key is that of a link.
	Token bool
	Key   string
	Wrong string
}

func (d *Dashboard) loginPage(w http.ResponseWriter, r *http.Request) {
	if _, ok := d.guest(r); ok {
		lead(w, "./")
		return
	}
	d.showLogin(w, r, http.StatusOK, "")
}

func (d *Dashboard) showLogin(w http.ResponseWriter, r *http.Request, status int, wrong string) {
	show(w, status, "login", login{head: head{Title: "Log in"}, Token: d.o.Settings.Token != "", Key: r.URL.Query().Get("key"), Wrong: wrong})
}

// logIn takes the token, or the key of a link. How often it is tried is not limited: neither can be guessed.
func (d *Dashboard) logIn(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	token, key := r.PostFormValue("token"), r.PostFormValue("key")
	switch {
	case key != "" && d.linked(key, now), token != "" && d.known(token):
		http.SetCookie(w, d.cookie(r, d.newSession(now), int(sessionLife/time.Second)))
		lead(w, "./")
	case key != "":
		d.showLogin(w, r, http.StatusForbidden, "This link is not good any more: it holds for a minute, and once. `causeway dashboard` gives another one.")
	default:
		d.showLogin(w, r, http.StatusForbidden, "That is not the token in [dashboard] of the config.")
	}
}

// known compares in constant time, whatever the lengths.
func (d *Dashboard) known(token string) bool {
	if d.o.Settings.Token == "" {
		return false
	}
	return web.SameToken(token, d.o.Settings.Token.Reveal())
}

// Key makes what a link holds that logs in: a nonce, since a token made in the same second is the same, and a token that is good for a minute.
func Key(token func(now time.Time, order []byte) string, now time.Time) string {
	nonce := rand.Text()
	return nonce + "." + token(now, []byte(linkOrder+nonce))
}

// linked uses up a link.
func (d *Dashboard) linked(key string, now time.Time) bool {
	nonce, token, _ := strings.Cut(key, ".")
	if !d.o.Keys.ValidOrderToken(token, now, []byte(linkOrder+nonce)) {
		return false
	}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	for other, until := range d.used {
		if now.After(until) {
			delete(d.used, other)
		}
	}
	_, before := d.used[nonce]
	d.used[nonce] = now.Add(linkMemory)
	return !before
}

func (d *Dashboard) cookie(r *http.Request, value string, age int) *http.Cookie {
	public, err := url.Parse(d.o.PublicURL)
	secure := r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" || err == nil && public.Scheme == "https" && strings.EqualFold(public.Host, r.Host)
	return &http.Cookie{Name: cookieName, Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode}
}

func (d *Dashboard) logOut(w http.ResponseWriter, r *http.Request, g guest) {
	if !d.validForm(r, g) {
		d.refuse(w, http.StatusForbidden, g, "This form is too old", "Open the page anew, and press there.")
		return
	}
	http.SetCookie(w, d.cookie(r, "", -1))
	lead(w, "login")
}
