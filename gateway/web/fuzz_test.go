package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// FuzzHook: whatever the path, an account's handler sees only requests that are for it, with what stands behind its name; nothing else is answered by it.
func FuzzHook(f *testing.F) {
	for _, s := range []string{"/hooks/msteams.a", "/hooks/msteams.a/messages?state=x", "/hooks/msteams%2Ea/", "/hooks/odd.%22%2F%25%C3%BC/x%2Fy", "/hooks/../hooks/msteams.a/x", "//hooks/msteams.a", "/hooks/msteams.a/../msteams.b/x", "/below/hooks/msteams.a/x", "/below/below/hooks/msteams.a", "/hooks//x", "/hooks/%", "/HOOKS/msteams.a",
		"/hooks/causeway/0123456789abcdef", "/people", "/status?x", "/connect/x", "/hooks/msteams.a/\x00"} {
		f.Add("POST", s, "{}")
	}
	seen := ""
	answers := func(account string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { seen = account + " " + r.URL.EscapedPath() })
	}
	names := []string{"msteams.a", `odd."/%ü`}
	site := Site{PublicURL: "https://causeway.example/below", Hooks: func(account string) http.Handler {
		for _, name := range names {
			if account == name {
				return answers(name)
			}
		}
		return nil
	}, Orders: map[string]Order{}, MayOrder: func(string, []byte) bool { return false }, MaySeeStatus: func(string) bool { return false }, Prove: func(nonce string) string { return "proof of " + nonce }}
	handler := recovering(site.handler(), quiet())
	f.Fuzz(func(t *testing.T, method, path, body string) {
		u, err := url.ParseRequestURI(path)
		if err != nil || u.Host != "" || !strings.HasPrefix(path, "/") {
			return
		}
		r, err := http.NewRequest(method, "https://causeway.example", strings.NewReader(body))
		if err != nil {
			return
		}
		r.URL, r.RequestURI, seen = u, path, ""
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Fatalf("%s %s is answered with %d", method, path, w.Code)
		}
		if seen == "" {
			return
		}
		at := strings.TrimPrefix(u.EscapedPath(), "/below")
		name, rest, _ := strings.Cut(strings.TrimPrefix(at, "/hooks/"), "/")
		plain, err := url.PathUnescape(name)
		if err != nil || seen != plain+" /"+rest {
			t.Fatalf("%s %s is seen as %q, want %q", method, path, seen, plain+" /"+rest)
		}
	})
}
