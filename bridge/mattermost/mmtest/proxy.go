package mmtest

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"causeway/bridge/bridgetest"
)

// Proxy stands between a bridge and its server and lets faults happen. It passes websockets through.
type Proxy struct {
	server *httptest.Server
	pass   *httputil.ReverseProxy

	mu       sync.Mutex
	sockets  map[net.Conn]bool
	attempts int
	kinds    [2]faults
	lose     int
}

// faults of one sort of calls.
type faults struct {
	throttle, fail int
	after          time.Duration
	// hang, when not nil, is closed by the release.
	hang chan struct{}
}

type connKey struct{}

// NewProxy starts a proxy to the server at target; it ends with the test.
func NewProxy(t testing.TB, target string) *Proxy {
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{sockets: map[net.Conn]bool{}}
	p.pass = &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(to) },
		FlushInterval: -1,
		// The server was taken away or has dropped the connection: so does the proxy.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	p.server = httptest.NewUnstartedServer(p)
	p.server.Config.ConnContext = withConn
	p.server.Start()
	t.Cleanup(func() {
		for _, k := range []bridgetest.Calls{bridgetest.Writes, bridgetest.Reads} {
			p.release(k)
		}
		p.Cut()
		p.server.CloseClientConnections()
		p.server.Close()
	})
	return p
}

// URL is what a bridge is given as its server.
func (p *Proxy) URL() string { return p.server.URL }

// ServeHTTP handles one request.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "" {
		p.socket(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	kind, ok := sort(r)
	if !ok {
		p.pass.ServeHTTP(w, r)
		return
	}
	status, after, hang, lose := p.next(kind)
	if hang != nil {
		select {
		case <-hang:
			status = http.StatusServiceUnavailable
		case <-r.Context().Done():
			return
		}
	}
	switch {
	case status == http.StatusTooManyRequests:
		w.Header().Set("Retry-After", strconv.Itoa(int(after/time.Second)))
		http.Error(w, "limit exceeded", status)
	case status != 0:
		http.Error(w, "out of order", status)
	case lose:
		p.pass.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	default:
		p.pass.ServeHTTP(w, r)
	}
}

// sort says which sort of calls a request belongs to.
func sort(r *http.Request) (bridgetest.Calls, bool) {
	path := strings.TrimPrefix(r.URL.Path, "/api/v4")
	switch {
	case r.Method == http.MethodGet:
		return bridgetest.Reads, strings.HasPrefix(path, "/channels/") || strings.HasPrefix(path, "/posts/")
	case strings.HasPrefix(path, "/posts/ids"):
		return bridgetest.Reads, true
	}
	return bridgetest.Writes, strings.HasPrefix(path, "/posts") || strings.Contains(path, "/reactions")
}

// next takes the fault that meets a request.
func (p *Proxy) next(kind bridgetest.Calls) (status int, after time.Duration, hang chan struct{}, lose bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if kind == bridgetest.Writes {
		p.attempts++
	}
	f := &p.kinds[kind]
	switch {
	case f.hang != nil:
		return 0, 0, f.hang, false
	case f.throttle > 0:
		f.throttle--
		return http.StatusTooManyRequests, f.after, nil, false
	case f.fail > 0:
		f.fail--
		return http.StatusServiceUnavailable, 0, nil, false
	case kind == bridgetest.Writes && p.lose > 0:
		p.lose--
		return 0, 0, nil, true
	}
	return 0, 0, nil, false
}

func (p *Proxy) socket(w http.ResponseWriter, r *http.Request) {
	conn, _ := r.Context().Value(connKey{}).(net.Conn)
	p.mu.Lock()
	p.sockets[conn] = true
	p.mu.Unlock()
	p.pass.ServeHTTP(w, r) // returns when the websocket has ended
	p.mu.Lock()
	delete(p.sockets, conn)
	p.mu.Unlock()
}

// Cut drops all websockets.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.sockets {
		if conn != nil {
			conn.Close()
		}
	}
}

// Throttle answers the next n calls of a kind with 429.
func (p *Proxy) Throttle(of bridgetest.Calls, n int, after time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kinds[of].throttle, p.kinds[of].after = n, after
}

// Fail answers the next n calls of a kind with 503.
func (p *Proxy) Fail(of bridgetest.Calls, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kinds[of].fail = n
}

// Hang leaves all calls of a kind without an answer until release.
func (p *Proxy) Hang(of bridgetest.Calls) (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kinds[of].hang == nil {
		p.kinds[of].hang = make(chan struct{})
	}
	return func() { p.release(of) }
}

func (p *Proxy) release(of bridgetest.Calls) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kinds[of].hang != nil {
		close(p.kinds[of].hang)
		p.kinds[of].hang = nil
	}
}

// LoseAnswer drops the answer to the next write, after it took effect.
func (p *Proxy) LoseAnswer() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lose = 1
}

// Attempts counts the writes so far.
func (p *Proxy) Attempts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.attempts
}
