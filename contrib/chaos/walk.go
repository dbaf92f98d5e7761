package main

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/e2e/harness"
)

var (
	linkIn   = regexp.MustCompile(`http://127\.0\.0\.1:\d+/connect/[A-Za-z0-9_-]+`)
	onwardIn = regexp.MustCompile(`href="([^"]+)">Continue to`)
	formIn   = regexp.MustCompile(`name="form" value="([^"]+)"`)
	actionIn = regexp.MustCompile(`<form method="post" action="([^"]+)"`)
	titleIn  = regexp.MustCompile(`<h1>([^<]*)</h1>`)
)

// connect has somebody connect their accounts.
func (w *world) connect(m *member) {
	w.tb.Helper()
	w.until("connecting "+m.name, func() string { // the command is there only a little after Causeway
		if err := w.connecting(m); err != nil {
			return err.Error()
		}
		return ""
	})
}

// connecting takes somebody through the pages by which they connect their accounts, as a browser without scripts would.
func (w *world) connecting(m *member) error {
	ctx := w.tb.Context()
	socket := harness.Listen(w.tb, w.servers.mattermost.URL, m.here.Token)
	if _, _, err := m.here.Client.ExecuteCommandWithTeam(ctx, w.places[0].channel, w.team.Id, "/msteams connect"); err != nil {
		return err
	}
	event := socket.WaitFor(w.tb, func(e *model.WebSocketEvent) bool { return e.EventType() == model.WebsocketEventEphemeralMessage })
	var post model.Post
	text, _ := event.GetData()["post"].(string)
	if err := json.Unmarshal([]byte(text), &post); err != nil {
		return err
	}
	link := linkIn.FindString(post.Message)
	if strings.HasPrefix(post.Message, "You are connected already") { // nobody has noticed that anything was taken away, as they did nothing since
		return nil
	}
	if link == "" {
		return fmt.Errorf("there is no link in %q", post.Message)
	}
	b, err := newBrowser(w, m)
	if err != nil {
		return err
	}
	return b.walk(link, m)
}

// browser is where somebody is signed in to Mattermost.
type browser struct {
	client *http.Client
	at     *url.URL
	page   string
}

func newBrowser(w *world, m *member) (*browser, error) {
	client := w.servers.mattermost.Client("")
	if _, _, err := client.Login(w.tb.Context(), m.here.Username, m.password); err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	server, err := url.Parse(w.mattermostFront.URL)
	if err != nil {
		return nil, err
	}
	jar.SetCookies(server, []*http.Cookie{{Name: model.SessionCookieToken, Value: client.AuthToken}})
	return &browser{client: &http.Client{Jar: jar, Timeout: harness.Patience}}, nil
}

// walk goes the whole way.
func (b *browser) walk(link string, m *member) error {
	if err := b.get(link); err != nil {
		return err
	}
	if err := b.post(link, nil); err != nil {
		return err
	}
	for range 5 { // both sign-ins
		title := titleIn.FindStringSubmatch(b.page)
		switch {
		case title == nil:
			return fmt.Errorf("a page without a title at %s", b.at.Path)
		case strings.Contains(title[1], "Pick an account"):
			action := actionIn.FindStringSubmatch(b.page)
			if action == nil {
				return fmt.Errorf("there is nobody to pick")
			}
			to, err := b.at.Parse(html.UnescapeString(action[1]))
			if err == nil {
				err = b.post(to.String(), url.Values{"user": {m.there.ID}})
			}
			if err != nil {
				return err
			}
		case formIn.MatchString(b.page):
			form := html.UnescapeString(formIn.FindStringSubmatch(b.page)[1])
			if err := b.post(b.at.String(), url.Values{"form": {form}}); err != nil {
				return err
			}
		case strings.Contains(b.page, "You are connected"):
			return nil
		case onwardIn.MatchString(b.page):
			if err := b.get(html.UnescapeString(onwardIn.FindStringSubmatch(b.page)[1])); err != nil {
				return err
			}
		default:
			return fmt.Errorf("the page says %q", title[1])
		}
	}
	return fmt.Errorf("the way does not end; the last page is %s", b.at.Path)
}

func (b *browser) get(address string) error { return b.took(b.client.Get(address)) }

func (b *browser) post(address string, form url.Values) error {
	return b.took(b.client.PostForm(address, form))
}

func (b *browser) took(answer *http.Response, err error) error {
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	b.at, b.page = answer.Request.URL, string(page)
	return err
}
