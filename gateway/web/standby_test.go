package web

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// asked is what the one that leads sees of a request.
type asked struct{ Method, Path, Host, Body, Cookie, For, Proto string }

func TestWhatIsAskedElsewhereArrivesWhole(t *testing.T) {
	var got asked
	works := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = asked{
			r.Method, r.URL.RequestURI(), r.Host, string(body), r.Header.Get("Cookie"),
			strings.Join(r.Header.Values("X-Forwarded-For"), ", "), r.Header.Get("X-Forwarded-Proto"),
		}
		http.SetCookie(w, &http.Cookie{Name: "visit", Value: "two"})
		http.Redirect(w, r, "/people", http.StatusSeeOther)
	}))
	defer works.Close()
	waits := NewElsewhere(quiet())
	address, _ := serve(t, Site{Elsewhere: waits})
	ask := func(header string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/hooks/msteams.a/n?token=1", strings.NewReader("id=7&act=drop"))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "causeway.example"
		r.Header = http.Header{"Cookie": {"visit=one"}, "X-Forwarded-For": {"192.0.2.7"}, "X-Forwarded-Proto": {"https"}}
		if header != "" {
			r.Header.Set(header, "1")
		}
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp
	}
	if resp := ask(""); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("while nobody is known to do the work: %s", resp.Status)
	}
	waits.Is(strings.TrimPrefix(works.URL, "http://"))
	if resp := ask(""); resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/people" || !strings.HasPrefix(resp.Header.Get("Set-Cookie"), "visit=two") {
		t.Errorf("the answer: %s %v", resp.Status, resp.Header)
	}
	want := asked{"POST", "/hooks/msteams.a/n?token=1", "causeway.example", "id=7&act=drop", "visit=one", "192.0.2.7, 127.0.0.1", "https"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got = asked{}
	if resp := ask(handedOver); resp.StatusCode != http.StatusServiceUnavailable || got != (asked{}) {
		t.Errorf("what comes from another one went round in a circle: %s %+v", resp.Status, got)
	}
	works.Close()
	if resp := ask(""); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("when the other one is gone: %s", resp.Status)
	}
}

func TestWhatHappensElsewhereIsToldAtOnce(t *testing.T) {
	goOn := make(chan struct{})
	works := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: one\n")
		w.(http.Flusher).Flush()
		<-goOn
		fmt.Fprint(w, "data: two\n")
	}))
	defer works.Close()
	waits := NewElsewhere(quiet())
	waits.Is(strings.TrimPrefix(works.URL, "http://"))
	address, _ := serve(t, Site{Elsewhere: waits})
	resp, err := (&http.Client{Timeout: time.Minute}).Get("http://" + address + "/live")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	if !lines.Scan() || lines.Text() != "data: one" {
		t.Errorf("the first line: %q %v", lines.Text(), lines.Err())
	}
	close(goOn)
	if !lines.Scan() || lines.Text() != "data: two" {
		t.Errorf("the second line: %q %v", lines.Text(), lines.Err())
	}
}
