package harness

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
)

// Proxy carries TCP connections to a server and can do to them what networks do: cut, stall, refuse. The server itself
// notices no more than it would of a bad network. Its methods may be called by any goroutine.
type Proxy struct {
	// Address is where the proxy listens, host:port. It stays the same after Down and Up.
	Address string
	// URL is the same for HTTP.
	URL string

	target string
	links  sync.WaitGroup // the goroutines of accepting and of all connections

	mu       sync.Mutex
	listener net.Listener // nil while down
	open     map[*link]struct{}
	flowing  chan struct{} // closed while bytes may pass
}

// StartProxy starts a proxy before the server at target, host:port. It is closed when tb is over.
func StartProxy(tb TB, target string) *Proxy {
	tb.Helper()
	p := &Proxy{target: target, open: map[*link]struct{}{}, flowing: make(chan struct{})}
	close(p.flowing)
	var err error
	for range 5 { // the port may be taken between finding it and using it
		if p.Address, err = freePort(); err != nil {
			break
		}
		if err = p.Up(); err == nil {
			break
		}
	}
	if err != nil {
		tb.Fatalf("starting a proxy: %v", err)
	}
	p.URL = "http://" + p.Address
	tb.Cleanup(func() {
		p.Down()
		p.links.Wait()
	})
	return p
}

// Cut breaks all open connections (a reset, not an orderly end) and returns how many there were. New ones are accepted.
func (p *Proxy) Cut() int { return p.cut(func(*link) bool { return true }) }

// CutWebSockets breaks the open websockets alone and returns how many there were.
func (p *Proxy) CutWebSockets() int { return p.cut((*link).isWebSocket) }

// WebSockets counts the open websockets.
func (p *Proxy) WebSockets() int { return len(p.those((*link).isWebSocket)) }

// Strand breaks all open connections on the client's side alone, and returns how many there were: the server goes on to believe in
// them, until a Cut or Down. What the client has sent it still gets.
func (p *Proxy) Strand() int {
	victims := p.those(func(*link) bool { return true })
	for _, l := range victims {
		l.strand()
	}
	return len(victims)
}

func (p *Proxy) cut(which func(*link) bool) int {
	victims := p.those(which)
	for _, l := range victims {
		l.cut()
	}
	return len(victims)
}

func (p *Proxy) those(which func(*link) bool) (all []*link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.open {
		if which(l) {
			all = append(all, l)
		}
	}
	return all
}

// Pause lets no more bytes pass, in either direction, on old and new connections, which stay open: the black hole that only a
// time-out reveals.
func (p *Proxy) Pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.flowing:
		p.flowing = make(chan struct{})
	default: // paused already
	}
}

// Resume lets bytes pass again, those that were held back first.
func (p *Proxy) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.flowing:
	default:
		close(p.flowing)
	}
}

// Down cuts everything and refuses new connections until Up.
func (p *Proxy) Down() {
	p.mu.Lock()
	listener := p.listener
	p.listener = nil
	p.mu.Unlock()
	if listener != nil {
		listener.Close()
	}
	p.Cut()
}

// Up accepts connections again after Down, at the same address.
func (p *Proxy) Up() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		return nil
	}
	listener, err := listen(p.Address)
	if err != nil {
		return err
	}
	p.listener = listener
	p.links.Go(func() { p.accept(listener) })
	return nil
}

func (p *Proxy) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // a connection that was gone before it was accepted
		}
		l := &link{proxy: p, client: client, done: make(chan struct{})}
		p.mu.Lock()
		current := p.listener == listener
		if current {
			p.open[l] = struct{}{}
			p.links.Go(l.carry)
		}
		p.mu.Unlock()
		if !current { // Down came in between, and its cut has not seen this one
			l.cut()
		}
	}
}

// wait returns when bytes may pass, or false when the link is cut.
func (p *Proxy) wait(l *link) bool {
	for {
		p.mu.Lock()
		flowing := p.flowing
		p.mu.Unlock()
		select {
		case <-flowing:
			// Paused again meanwhile? Then this was an old channel.
			p.mu.Lock()
			same := flowing == p.flowing
			p.mu.Unlock()
			if same {
				return true
			}
		case <-l.done:
			return false
		}
	}
}

// link is one connection through the proxy.
type link struct {
	proxy  *Proxy
	client net.Conn

	mu        sync.Mutex
	server    net.Conn // nil until connected
	webSocket bool
	stranded  bool // the client's side is gone, and the server is not to know
	ended     bool
	done      chan struct{} // closed when cut
}

// carry moves bytes both ways until one side ends or the link is cut.
func (l *link) carry() {
	defer func() {
		l.end(false)
		l.proxy.mu.Lock()
		delete(l.proxy.open, l)
		l.proxy.mu.Unlock()
	}()
	if !l.proxy.wait(l) {
		return
	}
	server, err := net.Dial("tcp4", l.proxy.target)
	if err != nil {
		return
	}
	if !l.connected(server) {
		server.Close()
		return
	}
	var both sync.WaitGroup
	both.Go(func() { l.copy(server, l.client, l.sniff()) })
	both.Go(func() { l.copy(l.client, server, nil) })
	both.Wait()
	if l.isStranded() {
		<-l.done
	}
}

// copy moves bytes one way. At an orderly end it passes that end on; the other direction may go on.
func (l *link) copy(to, from net.Conn, look func([]byte)) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if look != nil {
				look(buffer[:n])
			}
			if !l.proxy.wait(l) {
				return
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				l.broken()
				return
			}
		}
		if errors.Is(err, io.EOF) && l.proxy.wait(l) {
			if half, ok := to.(*net.TCPConn); ok && half.CloseWrite() == nil {
				return
			}
		}
		if err != nil {
			l.broken()
			return
		}
	}
}

// sniff returns a function that looks at what the client sends, up to the end of the first request's header, and marks the link if
// that asks for a websocket. It does so before the request is passed on: whoever has got an answer is marked. Clients open a connection of its own for a
// websocket, so the first request is enough.
func (l *link) sniff() func([]byte) {
	const longest = 64 << 10
	var header []byte
	seen := false
	return func(p []byte) {
		if seen {
			return
		}
		header = append(header, p...)
		end := bytes.Index(header, []byte("\r\n\r\n"))
		if end < 0 && len(header) < longest {
			return
		}
		seen = true
		if end >= 0 && bytes.Contains(bytes.ToLower(header[:end]), []byte("\r\nupgrade: websocket")) {
			l.mu.Lock()
			l.webSocket = true
			l.mu.Unlock()
		}
		header = nil
	}
}

// connected notes the connection to the server, and returns false when the link has been cut meanwhile.
func (l *link) connected(server net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.server = server
	return !l.ended
}

func (l *link) isWebSocket() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.webSocket
}

func (l *link) isStranded() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stranded
}

// strand resets the client's connection.
func (l *link) strand() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended || l.server == nil || l.stranded {
		return
	}
	l.stranded = true
	if tcp, ok := l.client.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
		tcp.Close()
	}
}

// broken ends the link as one of its connections has failed.
func (l *link) broken() {
	if !l.isStranded() {
		l.cut()
	}
}

// cut resets both connections.
func (l *link) cut() { l.end(true) }

// end closes both connections, once. A reset throws away what is still on its way, which an orderly end must not.
func (l *link) end(reset bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	l.ended = true
	close(l.done)
	for _, conn := range []net.Conn{l.client, l.server} {
		if tcp, ok := conn.(*net.TCPConn); ok {
			if reset {
				_ = tcp.SetLinger(0)
			}
			tcp.Close()
		}
	}
}
