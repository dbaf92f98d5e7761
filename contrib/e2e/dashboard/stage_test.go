// Package dashboard looks at the operator's pages in a real browser: a Causeway with all of its parts runs between two services in memory.
package dashboard

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/bridge/richtext"
	"causeway/contrib/e2e/harness"
	"causeway/gateway/app"
	"causeway/gateway/store"
)

const configText = `
[storage]
DSN = "%s"
[http]
Listen = "%s"
[mattermost.hq]
User = "causeway"
[msteams.contoso]
User = "relay"
Label = "Contoso"
[[gateway]]
name = "town-square"
inout = [ { account = "mattermost.hq", channel = "main/town-square" }, { account = "msteams.contoso", channel = "Contoso/General" } ]
[[gateway]]
name = "development"
inout = [ { account = "mattermost.hq", channel = "main/development" }, { account = "msteams.contoso", channel = "Contoso/Development" } ]
[[gateway]]
name = "announcements"
in = [ { account = "msteams.contoso", channel = "Contoso/Announcements" } ]
out = [ { account = "mattermost.hq", channel = "main/announcements" } ]
[[gateway]]
name = "support"
inout = [ { account = "mattermost.hq", channel = "main/support" }, { account = "msteams.contoso", channel = "Contoso/Customers" } ]
`

// channels are by their ids; Contoso/Customers is not there, so that something is wrong.
var channels = map[string]map[bridge.ChannelID]string{
	"mattermost": {"town": "main/town-square", "dev": "main/development", "news": "main/announcements", "support": "main/support", "spare": "main/spare"},
	"msteams":    {"town": "Contoso/General", "dev": "Contoso/Development", "news": "Contoso/Announcements", "spare": "Contoso/Spare"},
}

// stage is a Causeway that runs, with a day behind it.
type stage struct {
	*testing.T
	origin string
	folder string
	dsn    string
	// more is what stands at the end of the config.
	more        string
	left, right *memory.Service

	mutex sync.Mutex
	// refused is why nothing is taken in Contoso/Development; empty: it is.
	refused string
}

// feeding adds subscriptions to a service in memory, which has none.
type feeding struct{ bridge.Bridge }

func (feeding) Subscriptions() []bridge.Subscription {
	now := time.Now()
	var all []bridge.Subscription
	for _, c := range []bridge.ChannelID{"town", "dev", "news"} {
		all = append(all, bridge.Subscription{What: string(c), Conversation: bridge.ConversationID{Server: "memory:msteams", Channel: c}, Alive: c != "town",
			Since: now.Add(-3 * time.Hour), Ends: now.Add(42 * time.Minute), Next: now.Add(34 * time.Minute),
			Trouble: map[bool]string{true: "the service answered 503: try again later"}[c == "town"]})
	}
	return all
}

func (feeding) Renew(context.Context) error { return nil }

func (feeding) Status() bridge.Status {
	return bridge.Status{Receiving: "change notifications", Ends: []bridge.End{{What: "the app's client secret \"prod\"", At: time.Now().Add(23*24*time.Hour + time.Hour), Hint: "make a new one in Entra and put it into the config"}},
		Facts: []bridge.Fact{{Name: "subscriptions", Value: "2 of 3 alive, next renewal in 34 min"}}}
}

// newStage has its store in PostgreSQL, at dsn; empty: in SQLite. What is given besides stands at the end of the config.
func newStage(t *testing.T, dsn string, more ...string) *stage {
	t.Helper()
	s := &stage{T: t, folder: t.TempDir(), dsn: dsn, more: strings.Join(more, "")}
	if dsn == "" {
		s.dsn = filepath.Join(s.folder, "causeway.db")
	}
	var protocols []bridge.Protocol
	for name, title := range map[string]string{"mattermost": "Mattermost", "msteams": "Microsoft Teams"} {
		service := memory.NewService(bridge.ServerID("memory:"+name), memory.Options{Fault: s.fault})
		for id, channel := range channels[name] {
			service.AddChannel(id, channel)
		}
		p := memory.Protocol(service)
		p.Name, p.Title = name, title
		if name == "mattermost" {
			s.left = service
		} else {
			s.right = service
			p.Login = true
			made := p.New
			p.New = func(env bridge.Env, settings any) (bridge.Bridge, error) {
				b, err := made(env, settings)
				return feeding{b}, err
			}
		}
		for _, who := range []bridge.Author{{ID: "maria", Name: "Maria Lopez", Username: "maria.lopez"}, {ID: "jonas", Name: "Jonas Weber", Username: "jonas.weber"}} {
			service.AddUser(bridge.Profile{Author: who, Email: who.Username + "@example.com", EmailProven: true})
		}
		protocols = append(protocols, p)
	}
	s.furnish()
	s.run(protocols)
	return s
}

// fault refuses what is written into Contoso/Development while that is wanted.
func (s *stage) fault(_ context.Context, c memory.Call) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if c.Op == memory.Post && !c.After && s.refused != "" && c.Conversation == (bridge.ConversationID{Server: "memory:msteams", Channel: "dev"}) {
		return &bridge.Error{Kind: bridge.Rejected, Err: errors.New(s.refused)}
	}
	return nil
}

func (s *stage) refuse(why string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.refused = why
}

// furnish stores a day of talk that has been delivered, people, and what was done by hand.
func (s *stage) furnish() {
	s.Helper()
	ctx := s.Context()
	keys, err := store.LoadKeys(filepath.Join(s.folder, "causeway.db.key"))
	s.must(err)
	opened, err := store.Open(ctx, s.dsn, keys, store.Options{})
	s.must(err)
	hour := time.Now().Truncate(time.Hour)
	for n, talk := range []struct {
		server bridge.ServerID
		in     bridge.ChannelID
	}{{"memory:mattermost", "town"}, {"memory:msteams", "town"}, {"memory:mattermost", "dev"}, {"memory:msteams", "dev"}, {"memory:msteams", "news"}, {"memory:mattermost", "support"}} {
		b := bridge.Batch{Conversation: bridge.ConversationID{Server: talk.server, Channel: talk.in}}
		for ago := range 24 {
			for m := range (ago*7+n*5)%11 - 2 + (12-(ago-9)*(ago-9)/4)/4*(3-n/2) {
				b.States = append(b.States, bridge.State{Conversation: b.Conversation, ID: bridge.MessageID(fmt.Sprint("old", ago, "x", m)), Author: bridge.Author{ID: "jonas", Name: "Jonas Weber"},
					Created: hour.Add(-time.Duration(ago)*time.Hour + time.Duration(m)*time.Minute/4), Revision: 1, Text: richtext.Plain("a word")})
			}
		}
		_, err := opened.Put(ctx, b, store.Routes{Own: func(bridge.UserID) bool { return false }})
		s.must(err)
	}
	end := func(server bridge.ServerID, a bridge.AccountName, u bridge.UserID, name string) store.End {
		return store.End{Identity: store.Identity{Account: a, Server: server, User: u, Name: name, Username: strings.ToLower(strings.ReplaceAll(name, " ", ".")), Email: strings.ToLower(strings.ReplaceAll(name, " ", ".")) + "@example.com", Verified: time.Now()}}
	}
	for u, name := range map[bridge.UserID]string{"maria": "Maria Lopez", "jonas": "Jonas Weber"} {
		_, err := opened.Connect(ctx, "", [2]store.End{end("memory:mattermost", "mattermost.hq", u, name), end("memory:msteams", "msteams.contoso", u, name)}, 0)
		s.must(err)
	}
	s.must(opened.Record(ctx, store.Audited{Who: "mattermost.hq maria", Act: "people invite", About: "ben@example.com", Result: "asked by a direct message"}))
	s.must(opened.Record(ctx, store.Audited{Who: "operator by command line", Act: "drop", About: "message 7", Result: "message 7: not in quarantine", Failed: true}))
	s.must(opened.Close())
}

// standBy has another process wait for the store until the test ends.
func (s *stage) standBy() {
	s.Helper()
	program, err := os.Executable()
	s.must(err)
	other := exec.Command(program, "-test.run=^TestAnotherProcessStandsBy$")
	other.Env = append(os.Environ(), standingBy+"="+s.dsn)
	until, err := other.StdinPipe() // it ends with this process, whatever that ends of
	s.must(err)
	s.must(other.Start())
	s.Cleanup(func() {
		_ = until.Close()
		if err := other.Wait(); err != nil {
			s.Errorf("the other process: %v", err)
		}
	})
}

// standingBy names the store for which a process waits that standBy has started.
const standingBy = "CAUSEWAY_STANDS_BY"

// TestAnotherProcessStandsBy is that process; it gets the store never.
func TestAnotherProcessStandsBy(t *testing.T) {
	dsn := os.Getenv(standingBy)
	if dsn == "" {
		return
	}
	keys, err := store.NewKeys(make([]byte, 32)) // it never comes to that
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	if _, err := store.Open(ctx, dsn, keys, store.Options{Holder: "another", Standby: func(store.Holder) {}}); !errors.Is(err, context.Canceled) {
		t.Errorf("it has not only stood by: %v", err)
	}
}

func (s *stage) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// run runs Causeway until the test ends.
func (s *stage) run(protocols []bridge.Protocol) {
	s.Helper()
	address := harness.FreePort(s)
	s.origin = "http://" + address
	file := filepath.Join(s.folder, "config.toml")
	s.must(os.WriteFile(file, fmt.Appendf(nil, configText+s.more, s.dsn, address), 0o600))
	ctx, stop := context.WithCancel(context.Background())
	var log bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- app.Command{Protocols: protocols, Stdout: io.Discard, Stderr: &log}.Run(ctx, []string{"run", "-c", file})
	}()
	s.Cleanup(func() {
		stop()
		if code := <-ended; code != 0 {
			s.Errorf("Causeway has ended with %d:\n%s", code, &log)
		}
	})
	s.until("Causeway answers", func() bool {
		resp, err := http.Get(s.origin + "/healthz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

func (s *stage) until(what string, holds func() bool) {
	s.Helper()
	for end := time.Now().Add(harness.Patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			s.Fatalf("waited too long until %s", what)
		}
	}
}
