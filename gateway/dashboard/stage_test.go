package dashboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/gateway"
	"causeway/gateway/config"
	"causeway/gateway/people"
	"causeway/gateway/store"
)

var (
	town    = bridge.ConversationID{Server: "left:1", Channel: "town"}
	general = bridge.ConversationID{Server: "right:1", Channel: "general"}
)

// stage is a dashboard with a store of its own, and a gateway and people that only note what is wanted of them.
type stage struct {
	testing.TB
	*Dashboard
	store  *store.Store
	status gateway.Status
	subs   []gateway.Subscription
	orders []people.Order
	// done are the acts of the gateway.
	done []string
	// entered ends a login.
	entered chan error
	level   string
	links   []Link
	// users are known to a service by a name; deaf: it cannot be asked.
	users map[string]store.User
	deaf  error
	// attempt is what the gateway tries again.
	attempt *gateway.Attempt
}

func (s *stage) Look(_ context.Context, name string) ([]store.User, []error) {
	if s.deaf != nil {
		return nil, []error{s.deaf}
	}
	if u, ok := s.users[name]; ok {
		return []store.User{u}, nil
	}
	return nil, nil
}

func (s *stage) Attempt(c bridge.ConversationID) (gateway.Attempt, bool) {
	if s.attempt == nil || c != general {
		return gateway.Attempt{}, false
	}
	return *s.attempt, true
}

func (s *stage) Accounts() []Account {
	return []Account{{Name: "left.one"}, {Name: "right.two", LogsIn: true}}
}

func (s *stage) Reload(context.Context) ([]string, error) {
	return []string{"gateway town: changed", "LogLevel: debug"}, nil
}

func (s *stage) Check(context.Context) (Findings, error) {
	return Findings{Sections: []Section{{About: "account right.two", Items: []Item{{State: "problem", Text: "nobody has <signed> in", Next: "run: causeway login right.two"}, {State: "warning", Text: "slow"}, {State: "ok", Text: "fine"}}}}}, nil
}

func (s *stage) Channels(_ context.Context, account string) ([]string, error) {
	if account != "left.one" {
		return nil, errors.New("nobody has signed in")
	}
	return []string{`channel = "main/town"`}, nil
}

func (s *stage) CheckStore(context.Context) (Findings, error) {
	return Findings{Sections: []Section{{About: "causeway.db", Items: []Item{{State: "ok", Text: "7 rows"}}}}}, nil
}

func (s *stage) Backup(context.Context) (string, error) {
	return "/var/backup.db holds the store.", nil
}
func (s *stage) LogLevel() string { return s.level }
func (s *stage) SetLogLevel(level string) error {
	if !slices.Contains(LogLevels, level) {
		return errors.New("there is no such level")
	}
	s.level = level
	return nil
}

func (s *stage) Links(context.Context) ([]Link, error) { return s.links, nil }

func (s *stage) Link(_ context.Context, who, one, two string) (string, error) {
	if one == two {
		return "", errors.New("both are the same channel")
	}
	s.links = append(s.links, Link{Name: "link 1", Ends: [2]LinkEnd{{one, one + " <shown>"}, {two, two}}, Made: s.status.At, Who: who})
	return one + " and " + two + " are linked.", nil
}

func (s *stage) Unlink(_ context.Context, who, one, two string) (string, error) {
	s.links = slices.DeleteFunc(s.links, func(l Link) bool { return l.Ends[0].Typed == one && l.Ends[1].Typed == two && l.Who == who })
	return one + " and " + two + " are not linked any more.", nil
}

func (s *stage) Export(context.Context) ([]byte, error) { return []byte("person,state\n"), nil }

func (s *stage) Login(ctx context.Context, _ string, show func(string)) error {
	show("Open https://login.example/device. Enter ABC.")
	select {
	case err := <-s.entered:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *stage) Status(context.Context) gateway.Status { return s.status }
func (s *stage) Subscriptions() []gateway.Subscription { return s.subs }
func (s *stage) Renew(_ context.Context, a bridge.AccountName) error {
	s.done = append(s.done, "renew "+string(a))
	return nil
}

func (s *stage) Retry(ctx context.Context, id int64) (bridge.ConversationID, error) {
	s.done = append(s.done, fmt.Sprint("retry ", id))
	return s.store.Retry(ctx, id)
}

func (s *stage) Drop(ctx context.Context, id int64) (bridge.ConversationID, error) {
	s.done = append(s.done, fmt.Sprint("drop ", id))
	return s.store.Drop(ctx, id)
}

func (s *stage) Administer(_ context.Context, by people.Administrator, o people.Order) ([]people.Outcome, error) {
	s.orders = append(s.orders, o)
	if o.Act == people.ActDisallow {
		return nil, errors.New("that makes no sense")
	}
	return []people.Outcome{{Name: strings.Join(o.Names, " "), Text: "done for " + by.String()}}, nil
}

// newStage has one gateway of two conversations.
func newStage(t testing.TB, settings config.Dashboard, publicURL string) *stage {
	t.Helper()
	keys, err := store.NewKeys(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{TB: t, entered: make(chan error, 1), level: "info"}
	if s.store, err = store.Open(t.Context(), filepath.Join(t.TempDir(), "causeway.db"), keys, store.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.store.Close() })
	now := time.Now()
	s.status = gateway.Status{Version: "v1", Since: now.Add(-time.Hour), At: now,
		Accounts: []gateway.AccountStatus{{Name: "left.one", Connected: true, Since: now.Add(-time.Hour), Server: town.Server, Identity: "causeway"},
			{Name: "right.two", Server: general.Server, Trouble: &gateway.Trouble{Text: "nobody has signed in", Next: "run: causeway login right.two", Since: now.Add(-5 * time.Minute)}}},
		Problems: []gateway.Problem{{Where: "account right.two", Trouble: gateway.Trouble{Text: "nobody has signed in", Next: "run: causeway login right.two", Since: now.Add(-5 * time.Minute)}}},
		Gateways: []gateway.GatewayStatus{{Name: "town", Conversations: []gateway.ConversationStatus{
			{Account: "left.one", Channel: "main/town", Direction: "inout", Found: true, ID: town.String()},
			{Account: "right.two", Channel: "Contoso/General", Direction: "inout", Found: true, ID: general.String(), Waiting: 2, Oldest: now.Add(-5 * time.Minute), Quarantined: 1}}}}}
	log := logrus.New()
	log.SetOutput(io.Discard)
	s.Dashboard = New(Options{Settings: settings, PublicURL: publicURL, Gateway: s, Store: s.store, People: s, Works: s, Keys: keys, Log: logrus.NewEntry(log)})
	return s
}

// say puts a message into the store; it waits then.
func (s *stage) say(id, text string) {
	s.Helper()
	b := bridge.Batch{Conversation: town, Cursor: "1", Begin: time.Now().Add(-time.Hour), States: []bridge.State{{Conversation: town, ID: bridge.MessageID(id), Author: bridge.Author{ID: "ann", Name: "Ann <b>"},
		Created: time.Now().Add(-time.Minute), Revision: 1, Text: richtext.Plain(text)}}}
	if _, err := s.store.Put(s.Context(), b, store.Routes{Targets: []bridge.ConversationID{general}, Own: func(bridge.UserID) bool { return false }}); err != nil {
		s.Fatal(err)
	}
}

// refuse brings the first message that waits into quarantine.
func (s *stage) refuse(reason string) {
	s.Helper()
	plan := func(w *store.Work) store.Step {
		if w.Phase != store.Waiting || len(w.Parts) > 0 {
			return store.Step{}
		}
		return store.Step{Op: store.Post, Draft: bridge.Draft{Conversation: general, Text: w.Message.Body.Text}}
	}
	next, err := s.store.Advance(s.Context(), general, nil, 1, plan)
	if err != nil || next.Work == nil {
		s.Fatalf("nothing waits: %v", err)
	}
	if _, err := s.store.Advance(s.Context(), general, []*store.Outcome{{Work: next.Work, Step: next.Step, Verdict: store.Refused, Reason: reason}}, 1, func(*store.Work) store.Step { return store.Step{} }); err != nil {
		s.Fatal(err)
	}
}

// ask is a request of a browser.
type ask struct {
	method, path, from, host string
	header                   map[string]string
	form                     url.Values
	cookie                   string
}

func (s *stage) ask(a ask) *httptest.ResponseRecorder {
	s.Helper()
	if a.method == "" {
		a.method = http.MethodGet
	}
	r := httptest.NewRequestWithContext(s.Context(), a.method, a.path, strings.NewReader(a.form.Encode()))
	r.RemoteAddr, r.Host = "127.0.0.1:5000", "127.0.0.1:9080"
	if a.from != "" {
		r.RemoteAddr = a.from
	}
	if a.host != "" {
		r.Host = a.host
	}
	if a.method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for name, value := range a.header {
		r.Header.Set(name, value)
	}
	if a.cookie != "" {
		r.AddCookie(&http.Cookie{Name: cookieName, Value: a.cookie})
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// page gives a page that must be shown.
func (s *stage) page(path string) string {
	s.Helper()
	w := s.ask(ask{path: path})
	if w.Code != http.StatusOK {
		s.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

var formField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

// press confirms what a page asks, and gives the page to which that leads.
func (s *stage) press(path string) string {
	s.Helper()
	form := url.Values{}
	for _, m := range formField.FindAllStringSubmatch(s.page(path), -1) {
		form.Set(m[1], m[2])
	}
	w := s.ask(ask{method: http.MethodPost, path: "/act", form: form})
	if w.Code != http.StatusSeeOther {
		s.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return s.page("/" + w.Header().Get("Location"))
}

func (s *stage) wants(page string, texts ...string) {
	s.Helper()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			s.Errorf("%q is not on the page:\n%s", text, page)
		}
	}
}
