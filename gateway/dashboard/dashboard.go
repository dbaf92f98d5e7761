// Package dashboard is the operator's pages: how everything stands, what has become of a message, quarantine, people, subscriptions, and what
// was done by hand.
//
// The server makes the pages, and they work without a script; with one they renew themselves when the server says that something has changed.
// Nothing comes from elsewhere, and the content security policy allows nothing else. What a page shows is asked for when it is looked at, by
// questions that are bounded; while nobody looks, nothing is asked.
//
// Who may look: whoever has logged in, with the token of the config or with a link that `causeway dashboard` gives to those who can read the key
// file. Where neither that token nor a public address is configured, browsers on this machine need not log in. With a public address they must,
// since a reverse proxy on this machine looks like one of them.
//
// A press changes something only after a page that says what it will do, with a form that this installation has made for this log-in.
package dashboard

import (
	"bytes"
	"context"
	"crypto/rand"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/gateway"
	"causeway/gateway/config"
	"causeway/gateway/people"
	"causeway/gateway/people/page"
	"causeway/gateway/store"
)

// Gateway is what is shown of the running whole, and what can be done about it.
type Gateway interface {
	Status(ctx context.Context) gateway.Status
	Subscriptions() []gateway.Subscription
	Retry(ctx context.Context, instance int64) (bridge.ConversationID, error)
	Drop(ctx context.Context, instance int64) (bridge.ConversationID, error)
	Renew(ctx context.Context, a bridge.AccountName) error
	Attempt(c bridge.ConversationID) (gateway.Attempt, bool)
}

// Store answers bounded questions beside the writer, and keeps what was done.
type Store interface {
	Traffic(ctx context.Context, since time.Time) ([]store.Traffic, error)
	Last(ctx context.Context) (map[bridge.ConversationID]time.Time, error)
	ByID(ctx context.Context, ids []string, limit int) ([]store.Sighting, error)
	Between(ctx context.Context, w store.Window, limit int) ([]store.Sighting, time.Time, error)
	Journey(ctx context.Context, message int64) (store.Journey, bool, error)
	QuarantineAfter(ctx context.Context, after int64, limit int) ([]store.Stuck, error)
	PeopleAfter(ctx context.Context, after int64, limit int) ([]store.Person, error)
	PersonOf(ctx context.Context, server bridge.ServerID, u bridge.UserID) (store.Person, bool, error)
	InvitationsAfter(ctx context.Context, after store.User, limit int) ([]store.Invitation, error)
	Called(ctx context.Context, name string) ([]store.User, error)
	Audit(ctx context.Context, before int64, limit int) ([]store.Audited, error)
	Record(ctx context.Context, a store.Audited) error
}

// People carries out orders about people, and keeps that it has; and asks services who somebody is.
type People interface {
	Look(ctx context.Context, name string) ([]store.User, []error)
	Administer(ctx context.Context, by people.Administrator, o people.Order) ([]people.Outcome, error)
}

// Keys are of the installation.
type Keys interface {
	Signature(parts ...string) []byte
	Signed(signature []byte, parts ...string) bool
	ValidOrderToken(token string, now time.Time, order []byte) bool
}

// Options is what a dashboard works with.
type Options struct {
	Settings config.Dashboard
	// PublicURL is the address at which others reach the server; may be empty.
	PublicURL string
	Gateway   Gateway
	Store     Store
	People    People
	Works     Works
	Keys      Keys
	Log       *logrus.Entry
}

// Dashboard is the pages. Make it with New, and run it as long as it is served.
type Dashboard struct {
	o    Options
	mux  http.Handler
	live *live

	counting sync.Mutex // guards counted
	counted  counts

	mutex sync.Mutex // guards what follows
	// notes are what a press has led to, until its browser has shown it.
	notes map[string]note
	// used are the links that have logged somebody in, with when they end by themselves.
	used map[string]time.Time
	// signIns are accounts that are being signed in, or were, by name.
	signIns map[string]*signIn
	// found is what the last look has found.
	found *Findings

	// logins are under way; Run waits for them.
	logins sync.WaitGroup
}

// Paths are what the dashboard answers, as patterns of [http.ServeMux].
var Paths = []string{
	"GET /{$}", "GET /messages", "GET /message", "GET /quarantine", "GET /people", "GET /people.csv", "GET /subscriptions", "GET /upkeep", "GET /audit", "GET /confirm", "POST /act",
	"GET /login", "POST /login", "POST /logout", "GET /live", "GET /page.css", "GET /dashboard.css", "GET /dashboard.js",
}

//go:embed pages.html lists.html upkeep.html dashboard.css dashboard.js
var assets embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{"count": gateway.Count, "linked": linked}).ParseFS(assets, "pages.html", "lists.html", "upkeep.html"))

// Policy lets pages load their own style sheets and script, and hear of news, from here alone.
const Policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

const (
	// pageTime is how long a page may take.
	pageTime = 20 * time.Second
	maxForm  = 16 << 10
)

// New makes the pages; nothing is asked yet.
func New(o Options) *Dashboard {
	d := &Dashboard{o: o, live: newLive(), notes: map[string]note{}, used: map[string]time.Time{}, signIns: map[string]*signIn{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /page.css", page.Style)
	mux.HandleFunc("GET /dashboard.css", asset("dashboard.css", "text/css; charset=utf-8"))
	mux.HandleFunc("GET /dashboard.js", asset("dashboard.js", "text/javascript; charset=utf-8"))
	mux.HandleFunc("GET /login", d.loginPage)
	mux.HandleFunc("POST /login", d.logIn)
	for pattern, show := range map[string]func(http.ResponseWriter, *http.Request, guest){
		"GET /{$}": d.overview, "GET /messages": d.messages, "GET /message": d.message, "GET /quarantine": d.quarantine, "GET /people": d.people, "GET /people.csv": d.export,
		"GET /subscriptions": d.subscriptions, "GET /upkeep": d.upkeep, "GET /audit": d.audit, "GET /confirm": d.confirm, "POST /act": d.act, "POST /logout": d.logOut, "GET /live": d.listen,
	} {
		mux.HandleFunc(pattern, d.admitted(show))
	}
	own := http.NewCrossOriginProtection()
	if u, err := url.Parse(o.PublicURL); err == nil && u.Host != "" {
		_ = own.AddTrustedOrigin(u.Scheme + "://" + u.Host) // the config has checked it
	}
	own.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		d.refuse(w, http.StatusForbidden, guest{}, "This form is not one of Causeway's", "It was sent from another site. Nothing has been changed.")
	}))
	d.mux = page.Guarded(bounded(own.Handler(mux)))
	return d
}

func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.mux.ServeHTTP(w, r) }

// bounded limits what a request may take, and says what pages may load.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", Policy)
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

func asset(name, kind string) http.HandlerFunc {
	text, err := assets.ReadFile(name)
	if err != nil {
		panic("reading what is embedded: " + err.Error())
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-cache") // it changes with the program
		_, _ = w.Write(text)
	}
}

// head is what all pages have.
type head struct {
	Title string
	// Here is the path of the page, as the navigation has it.
	Here string
	// LoggedIn: one can log out. Form proves that a press was made on a page of this log-in.
	LoggedIn bool
	Form     string
	// Live: the page renews itself.
	Live bool
	// Note is what a press has led to; nil: there was none.
	Note *note
	// Links are the pages.
	Links []link
}

type link struct{ Path, Label string }

var pagesInOrder = []link{{"./", "Overview"}, {"messages", "Messages"}, {"quarantine", "Quarantine"}, {"people", "People"}, {"subscriptions", "Subscriptions"}, {"upkeep", "Upkeep"}, {"audit", "Audit log"}}

// head begins a page.
func (d *Dashboard) head(r *http.Request, g guest, here, title string) head {
	h := head{Title: title, Here: here, LoggedIn: g.session != "", Form: d.formToken(g), Live: true, Links: pagesInOrder}
	if key := r.URL.Query().Get("note"); key != "" {
		if n, ok := d.noted(key); ok {
			h.Note = &n
		}
	}
	return h
}

// show answers with a page.
func show(w http.ResponseWriter, status int, name string, view any) {
	var body bytes.Buffer
	if err := templates.ExecuteTemplate(&body, name, view); err != nil { // a mistake of ours, which the server logs
		panic("showing a page: " + err.Error())
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}

// lead sends the browser to another page. The address is relative, as a reverse proxy may have taken off what stands before it.
func lead(w http.ResponseWriter, path string) {
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
}

// said is a page that only says something.
type said struct {
	head
	Text string
}

func (d *Dashboard) refuse(w http.ResponseWriter, status int, g guest, title, text string) {
	show(w, status, "said", said{head{Title: title, LoggedIn: g.session != "", Form: d.formToken(g), Links: pagesInOrder}, text})
}

// failed says that something could not be read.
func (d *Dashboard) failed(w http.ResponseWriter, g guest, err error) {
	d.o.Log.WithError(err).Warn("a page of the dashboard could not be shown")
	d.refuse(w, http.StatusServiceUnavailable, g, "This cannot be shown now", bridge.Cause(err)+". Try again; the log says more if it stays so.")
}

// note is what a press has led to.
type note struct {
	Text   []string
	Failed bool
	// session is whose it is.
	made time.Time
}

// mostNotes bounds what is kept for browsers that do not come back.
const mostNotes = 64

// keep keeps a note, and gives its key.
func (d *Dashboard) keep(n note) string {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	n.made = time.Now()
	for len(d.notes) >= mostNotes {
		oldest := ""
		for key, other := range d.notes {
			if oldest == "" || other.made.Before(d.notes[oldest].made) {
				oldest = key
			}
		}
		delete(d.notes, oldest)
	}
	key := rand.Text()
	d.notes[key] = n
	return key
}

func (d *Dashboard) noted(key string) (note, bool) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	n, ok := d.notes[key]
	return n, ok
}
