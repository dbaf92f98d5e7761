package stage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/sync/errgroup"

	"causeway/contrib/demo/town"
	"causeway/contrib/sim/teams"
)

// connectAll has everybody who is on both sides connect their accounts.
func (s *Stage) connectAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	right := s.Town.Side(town.Right).People()
	for _, p := range s.options.Mattermost.Side.People() {
		there := s.Town.Counterpart(town.Left, p.ID)
		for i, other := range right {
			if other.ID != there {
				continue
			}
			g.Go(func() error {
				if err := s.connect(ctx, p, s.contoso.people[i]); err != nil {
					return fmt.Errorf("connecting the accounts of %s: %w", p.Name, err)
				}
				return nil
			})
		}
	}
	return g.Wait()
}

// connect does what people do: they type a command in Mattermost, open the link that Causeway gives them, sign in on either side, and press twice.
func (s *Stage) connect(ctx context.Context, here town.Person, there *teams.User) error {
	link, err := s.askForLink(ctx, here)
	if err != nil {
		return err
	}
	b, err := s.newBrowser(ctx, here)
	if err != nil {
		return err
	}
	p, err := b.get(link)
	for range longestWalk {
		if err != nil {
			return err
		}
		switch {
		case strings.HasPrefix(p.address.Path, "/me/"):
			return nil
		case strings.HasPrefix(p.next, s.contoso.server.LoginURL()):
			var back string
			if back, err = s.contoso.server.Authorize(p.next, there); err == nil {
				p, err = b.get(back)
			}
		case p.next != "":
			p, err = b.get(p.next)
		case p.form != nil:
			p, err = b.post(p.address.String(), p.form)
		default:
			return fmt.Errorf("causeway's page says: %s", p.words)
		}
	}
	return errors.Join(errors.New("causeway's pages lead nowhere"), err)
}

// longestWalk is more than the pages that connecting takes.
const longestWalk = 12

var linkIn = regexp.MustCompile(`https?://[^\s)]+/connect/[A-Za-z0-9_-]+`)

// askForLink types the command until Mattermost knows it: Causeway registers it a moment after its start.
func (s *Stage) askForLink(ctx context.Context, here town.Person) (string, error) {
	left := s.options.Mattermost.Side
	for {
		said, err := left.Type(ctx, here.ID, left.Conversations()[0].ID, "/msteams connect")
		if link := linkIn.FindString(said); link != "" {
			return link, nil
		}
		if !pause(ctx, 100*time.Millisecond) {
			return "", errors.Join(fmt.Errorf("causeway gives no link, but says %q", said), err)
		}
	}
}

// browser is one in which somebody is signed in to Mattermost.
type browser struct {
	ctx    context.Context
	client *http.Client
}

// page is what it shows.
type page struct {
	address *url.URL
	next    string     // where it goes by itself; empty: nowhere
	form    url.Values // its first form; nil: it has none
	words   string
}

func (s *Stage) newBrowser(ctx context.Context, here town.Person) (*browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("opening a browser: %w", err)
	}
	server, err := url.Parse(s.options.Mattermost.Server)
	if err != nil {
		return nil, fmt.Errorf("opening a browser: %w", err)
	}
	token := s.options.Mattermost.Side.Token(here.ID)
	return &browser{ctx: ctx, client: &http.Client{Jar: jar, Transport: signedIn{host: server.Host, token: token}}}, nil
}

// signedIn is how a browser shows a server who is signed in.
type signedIn struct{ host, token string }

// RoundTrip makes a request.
func (s signedIn) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == s.host {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+s.token)
	}
	return http.DefaultTransport.RoundTrip(r)
}

func (b *browser) get(address string) (page, error) {
	return b.open(http.MethodGet, address, nil)
}

func (b *browser) post(address string, form url.Values) (page, error) {
	return b.open(http.MethodPost, address, strings.NewReader(form.Encode()))
}

func (b *browser) open(method, address string, body io.Reader) (page, error) {
	r, err := http.NewRequestWithContext(b.ctx, method, address, body)
	if err != nil {
		return page{}, fmt.Errorf("opening a page: %w", err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	answer, err := b.client.Do(r)
	if err != nil {
		return page{}, fmt.Errorf("opening a page: %w", err)
	}
	defer func() { _ = answer.Body.Close() }() // it has been read
	root, err := html.Parse(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return page{}, fmt.Errorf("reading a page: %w", err)
	}
	p := page{address: answer.Request.URL}
	_, p.next, _ = strings.Cut(answer.Header.Get("Refresh"), "url=")
	p.read(root)
	return p, nil
}

// read takes in what stands on the page.
func (p *page) read(n *html.Node) {
	switch {
	case n.Type == html.TextNode:
		p.words += n.Data
	case n.Data == "form" && p.form == nil:
		p.form = url.Values{}
	case n.Data == "input" && p.form != nil:
		field := map[string]string{}
		for _, a := range n.Attr {
			field[a.Key] = a.Val
		}
		p.form.Set(field["name"], field["value"])
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		p.read(c)
	}
}
