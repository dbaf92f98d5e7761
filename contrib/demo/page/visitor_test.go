package page_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"causeway/contrib/demo/operator"
	"causeway/contrib/demo/page"
	"causeway/contrib/demo/stage"
	"causeway/contrib/demo/town"
)

// patience is far above what anything takes.
const patience = 25 * time.Second

// program is causeway, built once for all tests.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "causeway-demo-test-")
	if err == nil {
		defer os.RemoveAll(folder)
		program, err = operator.Build(context.Background(), folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// visitor is a browser without a screen: it has the page's cookie and listens to its events.
type visitor struct {
	t      *testing.T
	origin string
	client *http.Client
	stage  *stage.Stage

	mu       sync.Mutex
	changed  chan struct{}
	people   [2][]person
	places   [2][]place
	messages [2]map[string]town.View
	news     news
}

// person and place are somebody and a conversation, each with who or what it is on the other side.
type person struct {
	town.Person
	Twin string
}

type place struct {
	town.Conversation
	Twin string
}

// news is what the tests read of the page's events.
type news struct {
	Open     bool
	Places   *[2][]place
	Messages []town.View
	Counts   town.Counts
	Causeway operator.State
	Mood     stage.Mood
	Status   string
	Talking  int
	Problem  string
}

// visit starts a whole demonstration, quiet at first, and opens its page.
func visit(t *testing.T) *visitor {
	t.Helper()
	t.Parallel()
	acme, err := stage.NewAcme(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(acme.Close)
	s, err := stage.New(stage.Options{Program: program, Mattermost: acme.Mattermost(), Quiet: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	p, err := page.Listen("127.0.0.1:0", s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- page.Run(ctx, p, s) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	v := enter(t, p, s)
	v.listen()
	v.until("the demonstration is open", func() bool { return v.news.Open })
	return v
}

// enter opens the page.
func enter(t *testing.T, p *page.Page, s *stage.Stage) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	origin, _, _ := strings.Cut(p.URL(), "/?")
	v := &visitor{
		t: t, origin: origin, stage: s, client: &http.Client{Jar: jar}, changed: make(chan struct{}),
		messages: [2]map[string]town.View{{}, {}},
	}
	answer, err := v.client.Get(p.URL())
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || !bytes.Contains(body, []byte("<title>Causeway demo</title>")) {
		t.Fatalf("the page: %s %v\n%s", answer.Status, err, body)
	}
	_ = answer.Body.Close()
	return v
}

// listen follows the page's events until the test is over.
func (v *visitor) listen() {
	ctx, stop := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, v.origin+"/api/events", nil)
	if err != nil {
		v.t.Fatal(err)
	}
	answer, err := v.client.Do(request)
	if err != nil || answer.StatusCode != http.StatusOK {
		v.t.Fatalf("listening: %v %v", answer, err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		lines := bufio.NewReader(answer.Body)
		for name := ""; ; {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			if event, ok := strings.CutPrefix(line, "event: "); ok {
				name = strings.TrimSpace(event)
			}
			if data, ok := strings.CutPrefix(line, "data: "); ok {
				v.take(name, []byte(data))
			}
		}
	}()
	v.t.Cleanup(func() {
		stop()
		<-ended
		_ = answer.Body.Close()
	})
}

func (v *visitor) take(name string, data []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if name == "hello" {
		var h struct {
			Sides [2]struct{ People []person }
		}
		if err := json.Unmarshal(data, &h); err != nil {
			v.t.Error(err)
		}
		for i, side := range h.Sides {
			v.people[i] = side.People
		}
	}
	if name == "news" {
		v.news = news{}
		if err := json.Unmarshal(data, &v.news); err != nil {
			v.t.Error(err)
		}
		if v.news.Places != nil {
			v.places = *v.news.Places
		}
		for _, m := range v.news.Messages {
			v.messages[m.Place][m.ID] = m
		}
	}
	close(v.changed)
	v.changed = make(chan struct{})
}

// until waits for something that the page's events tell. The condition is called with the lock held.
func (v *visitor) until(what string, condition func() bool) {
	v.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		v.mu.Lock()
		ok, changed, status, counts := condition(), v.changed, v.news.Status, v.news.Counts
		v.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-timer.C:
			log, err := v.stage.Operator.Log(8 << 10)
			v.t.Fatalf("waiting until %s: %q, %+v\n%s%v", what, status, counts, log, err)
		}
	}
}

// send makes a request as the page does, changed by the given functions.
func (v *visitor) send(path string, body any, change ...func(*http.Request)) (status int, text string) {
	v.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		v.t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodPost, v.origin+path, bytes.NewReader(data))
	if err != nil {
		v.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Origin", v.origin)
	for _, f := range change {
		f(request)
	}
	answer, err := v.client.Do(request)
	if err != nil {
		v.t.Fatal(err)
	}
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer.StatusCode, string(all)
}

// act does something that must succeed, and gives the id of what it made.
func (v *visitor) act(path string, body map[string]any) string {
	v.t.Helper()
	status, text := v.send(path, body)
	if status != http.StatusOK {
		v.t.Fatalf("%s %v: %d %s", path, body, status, text)
	}
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(text), &made); err != nil {
		v.t.Fatal(err)
	}
	return made.ID
}

// as fills in who does something and where.
func (v *visitor) as(side town.Place, person int, more map[string]any) map[string]any {
	v.mu.Lock()
	defer v.mu.Unlock()
	more["side"], more["person"] = side, v.people[side][person].ID
	if more["conversation"] == nil {
		more["conversation"] = v.places[side][0].ID
	}
	return more
}

// say says something and waits until it has crossed; it gives both ids, that of where it was said first.
func (v *visitor) say(side town.Place, person int, text, root string) (id, copied string) {
	v.t.Helper()
	id = v.act("/api/say", v.as(side, person, map[string]any{"text": text, "root": root}))
	v.until("it has crossed: "+text, func() bool {
		m := v.messages[side][id]
		copied = m.Twin
		return m.State == town.Settled && m.Twin != "" && v.messages[1-side][m.Twin].ID != ""
	})
	return id, copied
}

// looks waits until a message looks as wanted.
func (v *visitor) looks(side town.Place, id, what string, wanted func(town.View) bool) {
	v.t.Helper()
	v.until(what, func() bool { return wanted(v.messages[side][id]) })
}
