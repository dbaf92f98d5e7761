package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
)

// told answers with what a handler sees of its request.
// hooked are handlers of accounts.
type hooked map[string]http.Handler

func (h hooked) of(account string) http.Handler { return h[account] }

func told(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = fmt.Fprintf(w, "%s %s %s %s", name, r.Method, r.URL, body)
	})
}

// ask gives what a site answers to a request without a network.
func ask(site Site, method, target, body string) string {
	w := httptest.NewRecorder()
	recovering(site.handler(), quiet()).ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader(body)))
	if w.Code != http.StatusOK {
		return fmt.Sprint(w.Code)
	}
	return w.Body.String()
}

func TestAnAccountSeesItsRequestsWithoutTheBeginningOfTheirPath(t *testing.T) {
	site := Site{Hooks: hooked{"msteams.a": told("a"), `odd."/%ü`: told("odd"), "msteams.none": nil}.of}
	for target, want := range map[string]string{
		"/hooks/msteams.a":                       "a POST / body",
		"/hooks/msteams.a/":                      "a POST / body",
		"/hooks/msteams.a/notify":                "a POST /notify body",
		"/hooks/msteams.a/notify?x=1%2F2":        "a POST /notify?x=1%2F2 body",
		"/hooks/msteams.a/deep/er/":              "a POST /deep/er/ body",
		"/hooks/msteams.a/%2F%C3%BC":             "a POST /%2F%C3%BC body",
		Hook("", "x") + hookPath(`odd."/%ü`):     "odd POST / body",
		hookPath(`odd."/%ü`) + "/n":              "odd POST /n body",
		"/hooks/msteams.b/notify":                "404",
		"/hooks/msteams.none/notify":             "404",
		"/hooks/":                                "404",
		"/hooks":                                 "404",
		"/causeway/hooks/msteams.a/notify":       "404",
		"/hooks/msteams.a/../msteams.b/../../x/": "307",
	} {
		if got := ask(site, http.MethodPost, target, "body"); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
}

func TestPathOfThePublicAddressMayBeTakenOffOrNot(t *testing.T) {
	for public, paths := range map[string][]string{
		"https://example.com/causeway":     {"/causeway/hooks/a/n", "/hooks/a/n"},
		"https://example.com/causeway/":    {"/causeway/hooks/a/n", "/hooks/a/n"},
		"https://example.com/hooks":        {"/hooks/hooks/a/n", "/hooks/a/n"},
		"https://example.com/deep/er":      {"/deep/er/hooks/a/n", "/hooks/a/n"},
		"https://example.com/%C3%BC%20%2F": {"/%C3%BC%20%2F/hooks/a/n", "/hooks/a/n"},
		"https://example.com":              {"/hooks/a/n"},
	} {
		site := Site{PublicURL: public, Hooks: hooked{"a": told("a")}.of}
		for _, path := range paths {
			if got := ask(site, http.MethodPost, path, "body"); got != "a POST /n body" {
				t.Errorf("%s: %s: %s", public, path, got)
			}
		}
		if got := ask(site, http.MethodGet, strings.TrimSuffix(paths[0], "hooks/a/n")+"healthz", ""); got != `{"status":"ok"}`+"\n" {
			t.Errorf("%s: healthz: %s", public, got)
		}
		if got := ask(site, http.MethodPost, "/elsewhere/hooks/a/n", ""); got != "404" {
			t.Errorf("%s: another path: %s", public, got)
		}
	}
}

func TestPagesOfPeopleAreBelowThePublicAddress(t *testing.T) {
	site := Site{PublicURL: "https://example.com/causeway", Pages: told("pages")}
	for target, want := range map[string]string{
		"/connect/token": "pages GET /connect/token ", "/causeway/connect/token?a=b": "pages GET /connect/token?a=b ", "/me/token": "pages GET /me/token ",
		"/causeway/me/token": "pages GET /me/token ", "/connect": "307", "/other/connect/token": "404", "/": "404",
	} {
		if got := ask(site, http.MethodGet, target, ""); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
	if got := ask(Site{}, http.MethodGet, "/connect/token", ""); got != "404" {
		t.Errorf("without pages: %q", got)
	}
}

func TestHookIsBelowThePublicAddress(t *testing.T) {
	for _, test := range [][3]string{
		{"", "a.b", ""},
		{"https://example.com", "msteams.contoso", "https://example.com/hooks/msteams.contoso"},
		{"https://example.com/causeway", "msteams.grün/1", "https://example.com/causeway/hooks/msteams.gr%C3%BCn%2F1"},
	} {
		if got := Hook(test[0], test[1]); got != test[2] {
			t.Errorf("%q, %q: %q, want %q", test[0], test[1], got, test[2])
		}
	}
}

func TestPanicOfAnAccountIsAnAnswerAndOneLine(t *testing.T) {
	var out bytes.Buffer
	log := logrus.New()
	log.SetOutput(&out)
	site := Site{Hooks: hooked{"a": http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a mistake of ours") })}.of}
	w := httptest.NewRecorder()
	recovering(site.handler(), logrus.NewEntry(log)).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/hooks/a/n", nil))
	if w.Code != http.StatusInternalServerError || strings.Count(out.String(), "\n") != 1 || !strings.Contains(out.String(), "/hooks/a/n") {
		t.Errorf("answered %d, logged %q", w.Code, &out)
	}
}

// pipes is a network without a wire, whose time is that of the test.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// inPipes runs a test with fake time against a server; dial gives a client's end.
func inPipes(t *testing.T, site Site, test func(dial func() net.Conn, stop func() time.Duration)) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- Serve(ctx, p, site, quiet()) }()
		stop := func() time.Duration {
			began := time.Now()
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("stopping gave %v", err)
			}
			ended <- nil // for another stop
			return time.Since(began)
		}
		defer stop()
		test(func() net.Conn {
			client, server := net.Pipe()
			p.conns <- server
			return client
		}, stop)
	})
}

func TestAnAnswerThatTakesLongArrives(t *testing.T) {
	site := Site{Hooks: hooked{"a": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		select {
		case <-time.After(hookTime - time.Second): // the disk is slow
			w.WriteHeader(http.StatusAccepted)
		case <-r.Context().Done():
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})}.of}
	for _, body := range []string{"", "notification"} {
		inPipes(t, site, func(dial func() net.Conn, _ func() time.Duration) {
			conn := dial()
			defer conn.Close()
			if got := post(conn, "/hooks/a/n", body); got != "HTTP/1.1 202 Accepted" {
				t.Errorf("a body of %d bytes: %s", len(body), got)
			}
		})
	}
}

// post writes a request and gives the first line of the answer.
func post(conn net.Conn, path, body string) string {
	if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body); err != nil {
		return err.Error()
	}
	answer := make([]byte, 4096)
	n, err := conn.Read(answer)
	if err != nil {
		return err.Error()
	}
	line, _, _ := strings.Cut(string(answer[:n]), "\r\n")
	return line
}

func TestAnAccountThatDoesNotAnswerIsToldToEnd(t *testing.T) {
	var took time.Duration
	site := Site{Hooks: hooked{"a": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		<-r.Context().Done()
		took = time.Since(began)
		w.WriteHeader(http.StatusServiceUnavailable)
	})}.of}
	inPipes(t, site, func(dial func() net.Conn, _ func() time.Duration) {
		conn := dial()
		defer conn.Close()
		if got := post(conn, "/hooks/a", "x"); got != "HTTP/1.1 503 Service Unavailable" || took != hookTime {
			t.Errorf("after %v: %s", took, got)
		}
	})
}

func TestAClientThatDoesNotSendItsBodyIsGivenUp(t *testing.T) {
	inPipes(t, Site{Hooks: hooked{"a": told("a")}.of}, func(dial func() net.Conn, _ func() time.Duration) {
		conn := dial()
		defer conn.Close()
		began := time.Now()
		if _, err := io.WriteString(conn, "POST /hooks/a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf"); err != nil {
			t.Error(err)
		}
		answer, err := io.ReadAll(conn)
		if took := time.Since(began); took > requestTimeout+time.Second || strings.Contains(string(answer), " 200 ") {
			t.Errorf("after %v: %q %v", took, answer, err)
		}
	})
}

func TestServeEndsRequestsAndWaitsForTheirHandlers(t *testing.T) {
	var ended error
	site := Site{Hooks: hooked{"a": http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		time.Sleep(time.Second) // it has something to put away
		ended = context.Cause(r.Context())
	})}.of}
	inPipes(t, site, func(dial func() net.Conn, stop func() time.Duration) {
		conn := dial()
		defer conn.Close()
		go func() { _ = post(conn, "/hooks/a", "x") }()
		synctest.Wait()
		if took := stop(); took < farewell+time.Second || took > farewell+2*time.Second || !errors.Is(ended, context.Canceled) {
			t.Errorf("stopped after %v, the handler ended by %v", took, ended)
		}
	})
}
