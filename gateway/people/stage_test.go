package people

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sirupsen/logrus"
	"golang.org/x/net/html"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/bridge/richtext"
	"causeway/gateway/config"
	"causeway/gateway/store"
)

const (
	publicURL = "https://causeway.example/bridge"
	mmAccount = bridge.AccountName("mattermost.hq")
	tmAccount = bridge.AccountName("msteams.contoso")
	faAccount = bridge.AccountName("msteams.fabrikam")
)

// stage is two services in memory, or three, with the people on them, and Causeway's pages, without a network.
type stage struct {
	*testing.T
	mm, teams, fabrikam *memory.Service
	store               *store.Store
	people              *People
	carrier             *carrier
	pages               http.Handler
	log                 *logText

	mutex sync.Mutex
	fault memory.Fault
	// secrets are all that must not be seen anywhere, by what they are; shown is every page and header that was answered.
	secrets map[string]string
	shown   []string
	// hidden are what pages have to hold, but no log may: states, and PKCE's verifiers.
	hidden []string
	name   string
}

type logText struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(p)
}

func (l *logText) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}

// carrier is the gateway as far as these tests need it.
type carrier struct {
	servers map[bridge.AccountName]bridge.ServerID
	mutex   sync.Mutex
	waiting int
}

func (c *carrier) Identity(a bridge.AccountName) (bridge.Identity, bool) {
	s, ok := c.servers[a]
	return bridge.Identity{Server: s, User: "bot", Name: "bot"}, ok
}

func (c *carrier) Pairs() ([]Pair, <-chan struct{}) {
	return []Pair{{From: bridge.ConversationID{Server: c.servers[mmAccount], Channel: "town"}, To: bridge.ConversationID{Server: c.servers[tmAccount], Channel: "town"},
		Reader: mmAccount, Writer: tmAccount, Name: "main/town"}}, nil
}

func (c *carrier) Delivers(bridge.ConversationID, bridge.ConversationID) bool { return false }

func (c *carrier) Waiting(context.Context, bridge.ServerID, bridge.UserID) (int, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.waiting, nil
}

func (c *carrier) hold(n int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.waiting = n
}

// setting changes how a stage is made.
type setting struct {
	people  config.People
	home    memory.Options
	tenants int
	noURL   bool
}

var stages atomic.Int64

// newStage makes a stage. alice is alice on both services, mallory is on Mattermost only, and eve on Teams only.
func newStage(t *testing.T, change ...func(*setting)) *stage {
	t.Helper()
	o := setting{people: config.People{Enable: true, RequireSameEmail: true}, home: memory.Options{OwnRight: true}, tenants: 1}
	for _, c := range change {
		c(&o)
	}
	s := &stage{T: t, log: &logText{}, secrets: map[string]string{}}
	o.home.Fault = s.faults
	s.mm = memory.NewService("mattermost:1", o.home)
	s.teams = memory.NewService("msteams:1", memory.Options{NoCommands: true, Fault: s.faults})
	s.fabrikam = memory.NewService("msteams:2", memory.Options{NoCommands: true, Fault: s.faults})
	keys, err := store.NewKeys(bytes.Repeat([]byte{7}, 32))
	if err == nil {
		s.name = fmt.Sprintf("/stage%d", stages.Add(1))
		s.store, err = store.Open(context.Background(), s.name, keys, store.Options{VFS: "memdb"})
	}
	if err != nil {
		t.Fatal(err)
	}
	s.carrier = &carrier{servers: map[bridge.AccountName]bridge.ServerID{mmAccount: s.mm.Server(), tmAccount: s.teams.Server(), faAccount: s.fabrikam.Server()}}
	log := logrus.New()
	log.SetOutput(s.log)
	log.SetLevel(logrus.TraceLevel)
	doors := &Doors{}
	with := []bridge.AccountName{tmAccount, faAccount}[:o.tenants]
	open := func(service *memory.Service, name bridge.AccountName) bridge.Bridge {
		return service.Open(bridge.Env{Account: name, Vault: s.store.Vault(name), Front: doors.Door(name)}, "bot")
	}
	accounts := []Account{
		{Name: mmAccount, Title: "Mattermost", With: with, Address: "https://mattermost.example", Bridge: open(s.mm, mmAccount)},
		{Name: tmAccount, Title: "Microsoft Teams", Label: "Teams", With: []bridge.AccountName{mmAccount}, Bridge: open(s.teams, tmAccount)},
		{Name: faAccount, Title: "Microsoft Teams", Label: "Fabrikam", With: []bridge.AccountName{mmAccount}, Bridge: open(s.fabrikam, faAccount)},
	}[:1+o.tenants]
	address := publicURL
	if o.noURL {
		address = ""
	}
	s.people = New(Options{Accounts: accounts, Settings: o.people, Store: s.store, Gateway: s.carrier, PublicURL: address, Log: logrus.NewEntry(log)})
	doors.Open(s.people)
	s.pages = http.StripPrefix("/bridge", s.people.Handler())
	for _, service := range []*memory.Service{s.mm, s.teams, s.fabrikam} {
		s.add(service, "alice", "Alice Chen", "alice@example.com")
	}
	s.add(s.mm, "mallory", "Mallory", "mallory@example.com")
	s.add(s.teams, "eve", "Eve", "eve@example.com")
	return s
}

func (s *stage) add(service *memory.Service, id, name, email string) {
	service.AddUser(bridge.Profile{Author: bridge.Author{ID: bridge.UserID(id), Name: name, Username: id}, Email: email, EmailProven: true})
}

// close ends the stage, and makes sure that no secret was seen. It is deferred, so that it is done inside of fake time.
func (s *stage) close() {
	s.Helper()
	_ = s.store.Close()
	log := s.log.String()
	for _, secret := range s.hidden {
		if strings.Contains(log, secret) {
			s.Errorf("a state or a verifier stands in the log:\n%s", log)
		}
	}
	for secret, what := range s.secrets {
		if strings.Contains(log, secret) {
			s.Errorf("%s stands in the log:\n%s", what, log)
		}
		for _, page := range s.shown {
			if strings.Contains(page, secret) {
				s.Errorf("%s stands in a page:\n%s", what, page)
			}
		}
	}
}

func (s *stage) faults(ctx context.Context, c memory.Call) error {
	s.mutex.Lock()
	fault := s.fault
	s.mutex.Unlock()
	if fault == nil {
		return nil
	}
	return fault(ctx, c)
}

// fails makes one kind of call fail.
func (s *stage) fails(op memory.Op, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.fault = func(_ context.Context, c memory.Call) error {
		if c.Op == op && !c.After {
			return err
		}
		return nil
	}
}

// secret notes something that must not be seen.
func (s *stage) secret(what, value string) string {
	if len(value) > 5 {
		s.secrets[value] = what
	}
	return value
}

// types makes somebody type a command in Mattermost and gives the answer.
func (s *stage) types(u bridge.UserID, line string) bridge.Reply {
	s.Helper()
	r, ok := s.mm.Command(s.Context(), "town", u, line)
	if !ok {
		s.Fatalf("nobody takes %q", line)
	}
	return r
}

// text gives what a document says, with the addresses of links.
func text(doc richtext.Doc) string {
	var b strings.Builder
	for _, block := range doc {
		for _, r := range block.Runs {
			b.WriteString(r.Text)
		}
		for _, item := range block.Items {
			b.WriteString("\n- " + text(item))
		}
		b.WriteString("\n")
	}
	return strings.TrimSpace(b.String())
}

// linkIn gives the only link of a document.
func (s *stage) linkIn(doc richtext.Doc) string {
	s.Helper()
	var all []string
	for _, block := range doc {
		for _, r := range block.Runs {
			if r.Link != "" {
				all = append(all, r.Link)
			}
		}
	}
	if len(all) != 1 {
		s.Fatalf("%d links in %q", len(all), text(doc))
	}
	token := all[0][strings.LastIndexByte(all[0], '/')+1:]
	s.secret("the token of a link", token)
	return all[0]
}

// link makes somebody ask for a link.
func (s *stage) link(u bridge.UserID) string {
	s.Helper()
	return s.linkIn(s.types(u, "/msteams connect").Text)
}

// stored tells all that is known of people, "" when nothing is.
func (s *stage) stored() string {
	s.Helper()
	all, err := s.store.People(context.Background())
	if err != nil {
		s.Fatal(err)
	}
	var lines []string
	for _, p := range all {
		line := ""
		for _, i := range p.Identities {
			line += fmt.Sprintf("%s=%s:%s ", i.Account, i.User, i.State)
			grant, err := s.store.Vault(i.Account).Load(context.Background(), bridge.PersonGrant(i.User))
			if err != nil {
				s.Fatal(err)
			}
			s.secret("a grant", string(grant))
		}
		if p.Preferred != "" {
			line += fmt.Sprintf("prefers %s %v", p.Preferred, p.Observe)
		}
		lines = append(lines, strings.TrimSpace(line))
	}
	return strings.Join(lines, "\n")
}

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
