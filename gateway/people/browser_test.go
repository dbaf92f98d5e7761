package people

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"causeway/bridge"
	"causeway/bridge/memory"
)

// browser is one with its cookies, whose owner is signed in to services.
type browser struct {
	*stage
	jar      http.CookieJar
	signedIn map[*memory.Service]bridge.UserID
	// stays keeps it from going where a page sends it by itself.
	stays bool
}

func (s *stage) browser(signedIn map[*memory.Service]bridge.UserID) *browser {
	jar, _ := cookiejar.New(nil) // never fails
	return &browser{stage: s, jar: jar, signedIn: signedIn}
}

// both is a browser of somebody with the same id on both services.
func (s *stage) both(u bridge.UserID) *browser {
	return s.browser(map[*memory.Service]bridge.UserID{s.mm: u, s.teams: u, s.fabrikam: u})
}

// seen is a page in a browser.
type seen struct {
	*browser
	address string
	code    int
	header  http.Header
	title   string
	body    string
	forms   []form
}

type form struct {
	button string
	fields url.Values
}

// ask makes one request, from a page of the given kind ("none": typed or opened from elsewhere than a page; "cross-site").
func (b *browser) ask(method, address, from string, body url.Values) *http.Response {
	b.Helper()
	u, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(address, publicURL+"/") {
		b.Fatalf("the browser is sent to %q", address)
	}
	r := httptest.NewRequestWithContext(b.Context(), method, address, strings.NewReader(body.Encode()))
	r.Header.Set("Sec-Fetch-Site", from)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, c := range b.jar.Cookies(u) {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.pages.ServeHTTP(w, r)
	answer := w.Result()
	for _, c := range answer.Cookies() {
		b.checkCookie(c)
		b.secret("a cookie", c.Value)
	}
	b.jar.SetCookies(u, answer.Cookies())
	b.checkHeaders(answer.Header)
	return answer
}

func (s *stage) checkCookie(c *http.Cookie) {
	s.Helper()
	if c.Name != "__Secure-causeway" || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/bridge/connect" || c.Domain != "" || c.MaxAge > 900 {
		s.Errorf("the cookie is %s", c.Raw)
	}
}

func (s *stage) checkHeaders(h http.Header) {
	s.Helper()
	if h.Get("Content-Security-Policy") == "" || !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || h.Get("X-Frame-Options") != "DENY" ||
		h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "same-origin" || h.Get("Cache-Control") != "no-store" {
		s.Errorf("headers: %v", h)
	}
	if to := h.Get("Location"); to != "" && !strings.HasPrefix(to, publicURL+"/") && (to[0] != '/' || strings.HasPrefix(to, "//") || strings.ContainsRune(to, '\\')) {
		s.Errorf("it leads to %q", to)
	}
}

// open opens an address, and goes wherever the pages and services send the browser.
func (b *browser) open(address string) seen {
	b.Helper()
	return b.follow(b.ask(http.MethodGet, address, "cross-site", nil), address)
}

var titleOf = regexp.MustCompile(`<h1>([^<]*)</h1>`)

func (b *browser) follow(answer *http.Response, address string) seen {
	b.Helper()
	for range 20 {
		if to := answer.Header.Get("Location"); to != "" {
			if token, ok := strings.CutPrefix(to, publicURL+"/me/"); ok {
				token, _, _ = strings.Cut(token, "?")
				b.secret("the token of a page", token)
			}
			address = to
			answer = b.ask(http.MethodGet, address, "same-origin", nil)
			continue
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			b.Fatal(err)
		}
		p := seen{browser: b, address: address, code: answer.StatusCode, header: answer.Header, body: string(body)}
		b.shown = append(b.shown, p.body)
		if m := titleOf.FindStringSubmatch(p.body); m != nil {
			p.title = html.UnescapeString(m[1])
		}
		p.forms = formsOf(p.body)
		_, next, sent := strings.Cut(answer.Header.Get("Refresh"), "url=")
		back := ""
		if sent && !b.stays {
			back = b.signIn(next)
		}
		if back == "" {
			return p
		}
		address = back
		answer = b.ask(http.MethodGet, address, "cross-site", nil)
	}
	b.Fatal("the browser goes round in circles")
	return seen{}
}

// signIn is what services do with a browser: those who are signed in come back at once.
func (b *browser) signIn(address string) (back string) {
	u, err := url.Parse(address)
	if err != nil {
		b.Fatal(err)
	}
	state := u.Query().Get("state")
	if id, _, _, ok := b.people.parts(forState, state); ok {
		if w, err := b.people.walk(b.Context(), id); err == nil {
			b.hidden = append(b.hidden, state, w.Verifier)
			b.secret("a verifier", w.Verifier)
		}
	}
	for service, user := range b.signedIn {
		if strings.HasPrefix(u.Path, "/"+string(service.Server())+"/") {
			back = service.Allow(address, user)
			at, _ := url.Parse(back)
			b.secret("the code of a service", at.Query().Get("code"))
		}
	}
	return back
}

// press presses the button with this label.
func (p seen) press(button string) seen {
	p.Helper()
	i := slices.IndexFunc(p.forms, func(f form) bool { return strings.Contains(f.button, button) })
	if i < 0 {
		p.Fatalf("no button %q on %q: %v\n%s", button, p.title, p.forms, p.body)
	}
	return p.follow(p.ask(http.MethodPost, p.address, "same-origin", p.forms[i].fields), p.address)
}

// formsOf gives the forms of a page, as a browser would send them.
func formsOf(body string) []form {
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		return nil
	}
	var all []form
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode && n.Data == "form" {
			all = append(all, form{fields: url.Values{}})
		}
		if n.Type == html.ElementNode && len(all) > 0 {
			at := map[string]string{}
			for _, a := range n.Attr {
				at[a.Key] = a.Val
			}
			_, checked := at["checked"]
			last := &all[len(all)-1]
			switch {
			case n.Data == "input" && (at["type"] != "checkbox" || checked):
				last.fields.Set(at["name"], at["value"])
			case n.Data == "button":
				last.button = inner(n)
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(root)
	return all
}

func inner(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(inner(c))
	}
	return b.String()
}

// stands gives what a page is about, for comparing.
func (p seen) stands() string { return fmt.Sprintf("%d %s", p.code, p.title) }

// wants compares what a page is about.
func (p seen) wants(want string) seen {
	p.Helper()
	if got := p.stands(); got != want {
		p.Errorf("the page is %q, want %q\n%s", got, want, p.body)
	}
	return p
}

// The pages, by what they are about.
const (
	doorPage  = "200 Connect Mattermost with Microsoft Teams"
	homePage  = "200 Sign in to Mattermost"
	teamsPage = "200 Sign in to Microsoft Teams"
	codePage  = "200 One thing to type"
	agreePage = "200 Connect these two accounts?"
	donePage  = "200 You are connected"
	mePage    = "200 Your connection"
	goneLink  = "410 This link is not good any more"
	otherTab  = "409 This step was done already"
	strangers = "403 This browser has not begun here"

	pressBegin  = "This is my account"
	pressFinish = "Connect these two"
)

// aliceIs is what is stored of alice once she is connected.
const aliceIs = "mattermost.hq=alice:connected msteams.contoso=alice:connected"
