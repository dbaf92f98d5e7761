package crossing

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
)

// pipes is a network inside the process: waiting for it lets fake time go on.
type pipes struct {
	calls chan net.Conn
	done  chan struct{}
	once  sync.Once
}

// newPipes makes it the network of every account that is made before the test ends.
func newPipes(t *testing.T) *pipes {
	p := &pipes{calls: make(chan net.Conn), done: make(chan struct{})}
	before := http.DefaultTransport
	http.DefaultTransport = &http.Transport{DialContext: p.dial}
	t.Cleanup(func() { http.DefaultTransport = before })
	return p
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.calls <- there:
		return here, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener, as the other two.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.calls:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

// Addr is of this machine, where accounts take http as well.
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
