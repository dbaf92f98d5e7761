package e2e

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// secrets are what must be seen nowhere: tokens in no log and on no page, and in no log what leads browsers, such as links and codes.
type secrets struct {
	mutex         sync.Mutex
	tokens, paths []string
}

func (s *secrets) add(tokens ...string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.tokens = append(s.tokens, tokens...)
}

// leading notes what leads a browser.
func (s *secrets) leading(paths ...string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.paths = append(s.paths, paths...)
}

var (
	// giving are the requests that are answered with secrets.
	giving = regexp.MustCompile(`/token$|/devicecode$|/oauth/access_token$|/oauth/apps|/users/[^/]+/tokens$|/commands`)
	given  = regexp.MustCompile(`"(?:access_token|refresh_token|id_token|device_code|client_secret|token)"\s*:\s*"([^"]{8,})"`)
)

// learn takes the secrets from what a service has answered.
func (s *secrets) learn(path string, answer []byte) {
	if !giving.MatchString(path) {
		return
	}
	for _, m := range given.FindAllSubmatch(answer, -1) {
		s.add(string(m[1]))
	}
}

// listen stands before a server and learns from what it answers.
func (s *secrets) listen(t *testing.T, address string) string {
	t.Helper()
	to, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Header.Del("Accept-Encoding") // so that the answer can be read
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
		},
		ModifyResponse: func(r *http.Response) error {
			if !giving.MatchString(r.Request.URL.Path) {
				return nil
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			s.learn(r.Request.URL.Path, body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	})
	t.Cleanup(server.Close)
	return server.URL
}

// shows gives which of some secrets a text shows, in whatever form.
func shows(text string, all []string) (found []string) {
	text = strings.ToLower(text)
	for _, one := range all {
		forms := []string{one, url.QueryEscape(one), base64.StdEncoding.EncodeToString([]byte(one))[:len(one)], fmt.Sprintf("%x", one), one[len(one)/2:]}
		if one != "" && slices.ContainsFunc(forms, func(f string) bool { return strings.Contains(text, strings.ToLower(f)) }) {
			found = append(found, one)
		}
	}
	return found
}

// nothingLeaked searches everything that was written and shown for every secret that was used.
func (f *folk) nothingLeaked(t *testing.T) {
	t.Helper()
	f.secrets.mutex.Lock()
	defer f.secrets.mutex.Unlock()
	log, pages := f.causeway.Output().String(), f.browser.pages()
	t.Logf("%d tokens and %d links, codes and states were used; %d bytes of log and %d of pages were searched for them",
		len(f.secrets.tokens), len(f.secrets.paths), len(log), len(pages))
	if len(f.secrets.tokens) < 5 || len(f.secrets.paths) < 5 || len(pages) == 0 || len(log) == 0 {
		t.Error("the search has not seen what it should search")
	}
	if found := shows(log, append(slices.Clone(f.secrets.tokens), f.secrets.paths...)); len(found) > 0 {
		t.Errorf("the log shows %q", found)
	}
	if found := shows(pages, f.secrets.tokens); len(found) > 0 {
		t.Errorf("the pages show %q", found)
	}
	if found := shows("x"+strings.ToUpper(f.secrets.tokens[0])+"x", f.secrets.tokens); len(found) == 0 {
		t.Error("the search finds nothing")
	}
}
