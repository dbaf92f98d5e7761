package web

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
)

// serve runs a server until the test ends; stop ends it earlier and gives what Serve returned.
func serve(t *testing.T, site Site) (address string, stop func() error) {
	t.Helper()
	l, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, l, site, quiet()) }()
	t.Cleanup(func() { cancel() })
	return l.Addr().String(), func() error {
		cancel()
		return <-ended
	}
}

func quiet() *logrus.Entry {
	l := logrus.New()
	l.SetOutput(io.Discard)
	return logrus.NewEntry(l)
}

func TestHealth(t *testing.T) {
	address, stop := serve(t, Site{})
	for _, test := range []struct {
		method, path string
		code         int
		body         string
	}{
		{http.MethodGet, "/healthz", http.StatusOK, `{"status":"ok"}` + "\n"},
		{http.MethodHead, "/healthz", http.StatusOK, ""},
		{http.MethodPost, "/healthz", http.StatusMethodNotAllowed, "Method Not Allowed\n"},
		{http.MethodGet, "/healthz/x", http.StatusNotFound, "404 page not found\n"},
		{http.MethodGet, "/", http.StatusNotFound, "404 page not found\n"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), test.method, "http://"+address+test.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != test.code || string(body) != test.body {
			t.Errorf("%s %s: %d %q %v", test.method, test.path, resp.StatusCode, body, err)
		}
	}
	if err := stop(); err != nil {
		t.Errorf("stopping gave %v", err)
	}
}

func TestClientThatSaysNothingDoesNotKeepTheServerFromStopping(t *testing.T) {
	inPipes(t, Site{}, func(dial func() net.Conn, stop func() time.Duration) {
		conn := dial()
		defer func() { _ = conn.Close() }()
		if _, err := conn.Write([]byte("GET /healthz HTTP/1.1\r\n")); err != nil {
			t.Fatal(err)
		}
		if took := stop(); took > farewell+time.Second {
			t.Errorf("stopping took %v", took)
		}
	})
}

func TestServeGivesWhatStoppedIt(t *testing.T) {
	l, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if err := Serve(t.Context(), l, Site{}, quiet()); err == nil || !strings.HasPrefix(err.Error(), "serving HTTP: ") {
		t.Errorf("Serve gave %v", err)
	}
}

func TestListenNamesTheNextStep(t *testing.T) {
	address, _ := serve(t, Site{})
	for where, want := range map[string]string{
		address:        "the port of " + address + " is in use: end the program that uses it, or set Listen in [http] to another port",
		"192.0.2.1:80": "set Listen in [http] to an address of this machine",
	} {
		if _, err := Listen(t.Context(), where); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", where, err)
		}
	}
}

func TestPanicOfAHandlerIsOneLineInTheLog(t *testing.T) {
	var out bytes.Buffer
	log := logrus.New()
	log.SetOutput(&out)
	h := recovering(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a mistake of ours") }), logrus.NewEntry(log))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/path", nil))
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "mistake") {
		t.Errorf("answered %d %q", w.Code, w.Body)
	}
	if strings.Count(out.String(), "\n") != 1 || !strings.Contains(out.String(), "internal error: a mistake of ours") {
		t.Errorf("logged %q", &out)
	}
}
