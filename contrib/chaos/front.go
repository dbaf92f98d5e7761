package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"causeway/contrib/e2e/harness"
)

// front stands between Causeway and a service and does to HTTP what bad days do. Websockets pass through it untouched.
type front struct {
	URL string

	proxy *httputil.ReverseProxy

	mu    sync.Mutex
	odds  odds
	dice  *rand.Rand
	count map[string]int // what was done how often
}

// odds are the shares of requests that go wrong; all together at most 1.
type odds struct {
	throttled   float64 // 429, not passed on
	failed      float64 // 500 to 504, not passed on
	failedAfter float64 // the same, after it took effect
	loseRequest float64 // cut before it is passed on
	loseAnswer  float64 // cut after it took effect
	truncated   float64 // the body ends in its midst
	slow        float64 // the body comes in pieces, within some seconds
}

// newFront starts one before the server at to, "http://host:port".
func newFront(tb harness.TB, to string) *front {
	tb.Helper()
	target, err := url.Parse(to)
	if err != nil {
		tb.Fatalf("starting a front: %v", err)
	}
	f := &front{count: map[string]int{}}
	f.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
			r.Out.Host = r.In.Host // so that links lead here again
		},
		Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100},
		FlushInterval: -1,
		ErrorLog:      silent,
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }, // as the service is gone for Causeway
	}
	server := httptest.NewUnstartedServer(f)
	server.Config.ErrorLog = silent
	server.Start()
	tb.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	f.URL = server.URL
	return f
}

// trouble makes requests go wrong from now on.
func (f *front) trouble(seed uint64, o odds) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.odds, f.dice = o, rand.New(rand.NewPCG(seed, 2))
}

func (f *front) calm() { f.trouble(0, odds{}) }

// draw decides what happens to a request; empty: nothing.
func (f *front) draw() (what string, number int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.odds == (odds{}) {
		return "", 0
	}
	p := f.dice.Float64()
	for _, one := range []struct {
		odds float64
		what string
	}{
		{f.odds.throttled, "throttled"}, {f.odds.failed, "failed"}, {f.odds.failedAfter, "failed after"}, {f.odds.loseRequest, "lose request"},
		{f.odds.loseAnswer, "lose answer"}, {f.odds.truncated, "truncated"}, {f.odds.slow, "slow"},
	} {
		if p < one.odds {
			f.count[one.what]++
			return one.what, f.dice.IntN(1000)
		}
		p -= one.odds
	}
	return "", 0
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "" {
		f.proxy.ServeHTTP(w, r)
		return
	}
	// Whole, before it is passed on: where a service answers while the last piece is on its way, a proxy may break the connection.
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	what, n := f.draw()
	switch what {
	case "":
		f.proxy.ServeHTTP(w, r)
	case "throttled":
		w.Header().Set("Retry-After", "1")
		w.Header().Set("X-RateLimit-Reset", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		io.WriteString(w, "limit exceeded")
	case "failed":
		refuse(w, n)
	case "lose request":
		panic(http.ErrAbortHandler)
	default:
		f.after(w, r, what, n)
	}
}

func refuse(w http.ResponseWriter, n int) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader([]int{500, 502, 503, 504}[n%4])
	io.WriteString(w, "<html><body>Bad Gateway</body></html>")
}

// after lets a request take effect first.
func (f *front) after(w http.ResponseWriter, r *http.Request, what string, n int) {
	real := httptest.NewRecorder()
	f.proxy.ServeHTTP(real, r)
	body := real.Body.Bytes()
	switch what {
	case "lose answer":
		panic(http.ErrAbortHandler)
	case "failed after":
		refuse(w, n)
		return
	}
	for name, values := range real.Header() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(real.Code)
	if what == "truncated" {
		w.Write(body[:len(body)/2])
		panic(http.ErrAbortHandler)
	}
	pause := time.NewTicker(time.Duration(1+n) * time.Millisecond)
	defer pause.Stop()
	for piece := range pieces(body, 4) {
		w.Write(piece)
		_ = http.NewResponseController(w).Flush()
		select {
		case <-pause.C:
		case <-r.Context().Done():
			return
		}
	}
}

// pieces cuts a body into n, at most.
func pieces(body []byte, n int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		size := max(1, (len(body)+n-1)/n)
		for b := bytes.Clone(body); len(b) > 0; {
			k := min(size, len(b))
			if !yield(b[:k]) {
				return
			}
			b = b[k:]
		}
	}
}

// did tells how often each thing was done.
func (f *front) did() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, what := range slices.Sorted(maps.Keys(f.count)) {
		all = append(all, fmt.Sprintf("%s %d", what, f.count[what]))
	}
	return strings.Join(all, ", ")
}
