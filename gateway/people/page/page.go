// Package page shows what people see in a browser: plain HTML made by the server, one style sheet, no script, nothing from elsewhere.
// It knows nothing of walks or tokens; whoever calls it says what stands on the page.
package page

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

var (
	//go:embed page.css
	css []byte
	//go:embed pages.html
	pages string

	templates = template.Must(template.New("").Parse(pages))
)

// Policy is the content security policy of all pages: nothing but the style sheet is loaded, forms go to Causeway alone, and nobody may
// show the pages in a frame. A form never leads to a sign-in at once, as browsers hold a form's whole way against form-action, and
// where a service's sign-in leads is not known: a page of its own with a link does.
const Policy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Head is what all pages have.
type Head struct {
	Title string
	// Next is where the browser goes by itself After so many seconds; empty: nowhere, and with a positive After the same page again.
	Next  string
	After int
}

func (h Head) head() Head { return h }

// View is a page.
type View interface {
	template() string
	head() Head
}

// Who is somebody on a service, as people know them.
type Who struct {
	// Service is "Microsoft Teams"; Where tells its servers apart, and may be empty.
	Service, Where string
	Name           string
	// Username without "@", and Email may be empty.
	Username, Email string
}

// Mailbox is the address up to its "@", and Domain the rest: where it does not fit in a line, it is broken between them.
func (w Who) Mailbox() string { return w.Email[:strings.LastIndexByte(w.Email, '@')+1] }

// Domain is the other half, or all of what is no address.
func (w Who) Domain() string { return w.Email[strings.LastIndexByte(w.Email, '@')+1:] }

// Link leads on.
type Link struct{ Label, Href string }

// Message says something, and what to do next.
type Message struct {
	Head
	// Well: it is good news.
	Well  bool
	Text  []string
	Links []Link
}

// Door is the first page: who asked for this link.
type Door struct {
	Head
	Asker Who
	// Other is the service to connect with; Steps what will happen.
	Other string
	Steps []string
}

// Leave leads to a sign-in.
type Leave struct {
	Head
	Service, Href string
	// Expected is who must sign in there, where that is known.
	Expected *Who
}

// Code shows a code that somebody types at home.
type Code struct {
	Head
	Asker         Who
	Code, Command string
}

// Agree is the last page: it names both.
type Agree struct {
	Head
	Home, Other Who
	// Form proves that the press was made on this page.
	Form string
}

// Me is what somebody sees of themselves.
type Me struct {
	Head
	// Welcome: they have just connected, and have not chosen yet.
	Welcome bool
	// Notes are what has just been done, or is wrong.
	Notes []string
	Home  Who
	Ends  []Connection
	Cards []Card
	// Skip is the value of Cards that "skip for now" means; only with Welcome.
	Skip string
}

// Connection is one other account of somebody.
type Connection struct {
	Who
	// Value names it in forms; State says how it stands.
	Value, State string
	// Leave: it can be disconnected.
	Leave bool
}

// Card is a platform that can be preferred.
type Card struct {
	// Value names it in forms.
	Value, Title string
	Chosen       bool
	Text         []string
	// Ask is the label of a box that can be unchecked; empty: there is none. Asked is how it stands.
	Ask   string
	Asked bool
}

func (Message) template() string { return "message" }
func (Door) template() string    { return "door" }
func (Leave) template() string   { return "leave" }
func (Code) template() string    { return "code" }
func (Agree) template() string   { return "agree" }
func (Me) template() string      { return "me" }

// Show answers with a page.
func Show(w http.ResponseWriter, status int, v View) {
	var body bytes.Buffer
	if err := templates.ExecuteTemplate(&body, v.template(), v); err != nil { // a mistake of ours, which the guard logs
		panic("showing a page: " + err.Error())
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	if head := v.head(); web(head.Next) {
		h.Set("Refresh", strconv.Itoa(head.After)+"; url="+head.Next)
	} else if head.After > 0 {
		h.Set("Refresh", strconv.Itoa(head.After))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}

// web reports whether an address is one that a browser may be sent to.
func web(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// Guarded adds to every answer of next the headers that keep a page to itself. The referrer is sent to Causeway alone: with
// no-referrer browsers would say "Origin: null" in forms, and where they send no Sec-Fetch-Site (plain http), a form of our
// own could not be told from another's.
func Guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", Policy)
		h.Set("X-Frame-Options", "DENY")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Robots-Tag", "noindex")
		next.ServeHTTP(w, r)
	})
}

// Style answers with the style sheet.
func Style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write(css)
}
