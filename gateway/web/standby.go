package web

import (
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
)

// handedOver marks a request that another Causeway has handed on, so that none goes round in a circle while they change places.
const handedOver = "Causeway-Handed-On"

// reachTime is how long it may take to reach the Causeway to which requests are handed on.
const reachTime = 2 * time.Second

// Elsewhere hands what a process is asked that stands by on to the one that leads. Its methods may be called at the same time.
type Elsewhere struct {
	address atomic.Pointer[string]
	proxy   httputil.ReverseProxy
}

// NewElsewhere knows nobody yet, so that it answers 503.
func NewElsewhere(log *logrus.Entry) *Elsewhere {
	e := &Elsewhere{}
	e.proxy = httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			// A proxy before this one has said for whom it asks.
			for _, name := range handedOn {
				if values := r.In.Header.Values(name); len(values) > 0 {
					r.Out.Header[http.CanonicalHeaderKey(name)] = values
				}
			}
			if host, _, err := net.SplitHostPort(r.In.RemoteAddr); err == nil {
				r.Out.Header.Add("X-Forwarded-For", host)
			}
			r.Out.Header.Set(handedOver, "1")
			r.SetURL(&url.URL{Scheme: "http", Host: *e.address.Load()})
			r.Out.Host = r.In.Host
		},
		Transport: &http.Transport{ // and no proxy
			DialContext: (&net.Dialer{Timeout: reachTime}).DialContext, MaxIdleConnsPerHost: 16, IdleConnTimeout: idleTimeout, DisableCompression: true,
		},
		ErrorLog:     newErrorLog(log),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, _ error) { wait(w, r) },
	}
	return e
}

// Is says where the work is done, host:port; empty: nowhere, or where it cannot be reached.
func (e *Elsewhere) Is(address string) { e.address.Store(&address) }

func (e *Elsewhere) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if address := e.address.Load(); address == nil || *address == "" || r.Header.Get(handedOver) != "" {
		wait(w, r)
		return
	}
	// How long an answer may take is for the other one to say, within what the slowest may.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(OrderTime + requestTimeout))
	e.proxy.ServeHTTP(w, r)
}

// Lend gives a listener to [Serve] from that leaves l open at its end: whoever connects between two servers waits for the second. Call back when the first has ended.
func Lend(l net.Listener) (lending net.Listener, back func()) {
	return &lent{Listener: l, ended: make(chan struct{})}, func() { _ = l.(deadline).SetDeadline(time.Time{}) }
}

type lent struct {
	net.Listener
	once  sync.Once
	ended chan struct{}
}

// deadline is what all listeners of the net package have.
type deadline interface{ SetDeadline(time.Time) error }

func (l *lent) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	select {
	case <-l.ended:
		if err != nil {
			err = net.ErrClosed
		}
	default:
	}
	return conn, err
}

func (l *lent) Close() error {
	l.once.Do(func() { close(l.ended) })
	return l.Listener.(deadline).SetDeadline(time.Now())
}
