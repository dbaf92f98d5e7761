package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	hooks = "/hooks/"
	// hookTime is how long an account may take to answer. Services give up much earlier.
	hookTime = time.Minute
)

func hookPath(account string) string { return hooks + url.PathEscape(account) }

// hook hands a request on to the account that it is for.
func (s Site) hook(w http.ResponseWriter, r *http.Request) {
	h := s.Hooks(r.PathValue("account"))
	if h == nil {
		http.NotFound(w, r)
		return
	}
	// The server's own limit counts from the beginning of the request: it would cut off an answer that had to wait for the
	// disk. The limit of reading ends with the body, see net/http.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(hookTime + requestTimeout))
	ctx, cancel := context.WithTimeout(r.Context(), hookTime)
	defer cancel()
	h.ServeHTTP(w, without(r.WithContext(ctx), 2)) // "hooks" and the account
}

// below answers a request whether or not a reverse proxy has taken off the path of the public address.
func below(publicURL string, mux *http.ServeMux) http.Handler {
	u, err := url.Parse(publicURL)
	if err != nil || strings.Trim(u.Path, "/") == "" {
		return mux
	}
	prefix := strings.TrimRight(u.Path, "/") + "/"
	segments := strings.Count(strings.TrimRight(u.EscapedPath(), "/"), "/")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, prefix) {
			// A path such as /hooks is also the beginning of an address of ours.
			if inner := without(r, segments); routed(mux, inner) {
				r = inner
			}
		}
		mux.ServeHTTP(w, r)
	})
}

func routed(mux *http.ServeMux, r *http.Request) bool {
	_, pattern := mux.Handler(r)
	return pattern != ""
}

// without gives a request whose path lacks the first so many segments. What is escaped stays so: a name may hold a
// slash.
func without(r *http.Request, segments int) *http.Request {
	rest := strings.TrimPrefix(r.URL.EscapedPath(), "/")
	for range segments {
		_, rest, _ = strings.Cut(rest, "/")
	}
	inner, u := *r, *r.URL
	u.RawPath = "/" + rest
	u.Path, _ = url.PathUnescape(u.RawPath) // it was part of a valid path
	inner.URL = &u
	return &inner
}
