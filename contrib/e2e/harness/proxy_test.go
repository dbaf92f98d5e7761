package harness

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// echo starts a server that sends every line back, and returns a proxy before it.
func echo(t *testing.T) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	proxy := StartProxy(t, listener.Addr().String())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-ended
	})
	return proxy
}

type talker struct {
	net.Conn
	lines *bufio.Reader
}

func dial(t *testing.T, proxy *Proxy) *talker {
	t.Helper()
	conn, err := net.Dial("tcp4", proxy.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	// What never comes must fail the test, not hang it.
	if err := conn.SetDeadline(time.Now().Add(Patience)); err != nil {
		t.Fatal(err)
	}
	return &talker{conn, bufio.NewReader(conn)}
}

func (c *talker) say(t *testing.T, line string) {
	t.Helper()
	if _, err := fmt.Fprintln(c, line); err != nil {
		t.Fatal(err)
	}
}

func (c *talker) hear(t *testing.T, want string) {
	t.Helper()
	line, err := c.lines.ReadString('\n')
	if err != nil || line != want+"\n" {
		t.Fatalf("heard %q, %v; want %q", line, err, want)
	}
}

func (c *talker) isReset(t *testing.T) {
	t.Helper()
	if _, err := c.lines.ReadByte(); !errors.Is(err, syscall.ECONNRESET) {
		t.Fatalf("reading from a cut connection: %v, want a reset", err)
	}
}

func TestCutResetsWhatIsOpenAndAcceptsNewConnections(t *testing.T) {
	t.Parallel()
	proxy := echo(t)
	first, second := dial(t, proxy), dial(t, proxy)
	for _, c := range []*talker{first, second} {
		c.say(t, "hello")
		c.hear(t, "hello")
	}
	if cut := proxy.Cut(); cut != 2 {
		t.Errorf("%d connections were cut, want 2", cut)
	}
	first.isReset(t)
	second.isReset(t)
	third := dial(t, proxy)
	third.say(t, "again")
	third.hear(t, "again")
}

func TestAStrandedServerBelievesInItsConnections(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	proxy := StartProxy(t, l.Addr().String())
	client := dial(t, proxy)
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	if err := accepted.SetDeadline(time.Now().Add(Patience)); err != nil {
		t.Fatal(err)
	}
	server := &talker{accepted, bufio.NewReader(accepted)}
	client.say(t, "the last word")
	server.hear(t, "the last word")
	if n := proxy.Strand(); n != 1 {
		t.Errorf("%d connections were stranded, want 1", n)
	}
	client.isReset(t)
	// Unhindered, the end would arrive in far less than a millisecond.
	if err := accepted.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := server.lines.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the server noticed it: %v", err)
	}
	if err := accepted.SetReadDeadline(time.Now().Add(Patience)); err != nil {
		t.Fatal(err)
	}
	proxy.Cut()
	server.isReset(t)
}

func TestDownRefusesUntilUpAtTheSameAddress(t *testing.T) {
	t.Parallel()
	proxy := echo(t)
	c := dial(t, proxy)
	c.say(t, "hello")
	c.hear(t, "hello")
	proxy.Down()
	proxy.Down()
	c.isReset(t)
	if !refused(proxy.Address) {
		t.Error("a proxy that is down accepts")
	}
	for range 2 {
		if err := proxy.Up(); err != nil {
			t.Fatal(err)
		}
	}
	c = dial(t, proxy)
	c.say(t, "again")
	c.hear(t, "again")
}

func TestPauseHoldsBytesBackUntilResume(t *testing.T) {
	t.Parallel()
	proxy := echo(t)
	c := dial(t, proxy)
	c.say(t, "one")
	c.hear(t, "one")

	proxy.Pause()
	proxy.Pause()
	c.say(t, "two")
	late := dial(t, proxy)
	late.say(t, "three")
	for _, c := range []*talker{c, late} {
		// Unhindered, the answer takes far less than a millisecond.
		if err := c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if got, err := c.lines.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("a paused proxy let %q pass (%v)", got, err)
		}
		if err := c.SetReadDeadline(time.Now().Add(Patience)); err != nil {
			t.Fatal(err)
		}
	}
	proxy.Resume()
	proxy.Resume()
	c.hear(t, "two")
	late.hear(t, "three")
}

func TestAPausedProxyCanBeCutAndClosed(t *testing.T) {
	t.Parallel()
	proxy := echo(t)
	c := dial(t, proxy)
	c.say(t, "one")
	c.hear(t, "one")
	proxy.Pause()
	c.say(t, "two")
	proxy.Cut()
	c.isReset(t)
	// The clean-up waits for all goroutines, those of connections that are still held back too.
	dial(t, proxy).say(t, "three")
}

func TestAnOrderlyEndPassesWithAllBytes(t *testing.T) {
	t.Parallel()
	proxy := echo(t)
	c := dial(t, proxy)
	text := strings.Repeat("0123456789", 1<<17)
	go func() {
		_, _ = io.WriteString(c, text)
		_ = c.Conn.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(c.lines)
	if err != nil || string(got) != text {
		t.Errorf("%d bytes came back, want %d (%v)", len(got), len(text), err)
	}
}

func TestAnOrderlyEndDoesNotHurryASlowReader(t *testing.T) {
	t.Parallel()
	proxy := echo(t)
	c := dial(t, proxy)
	// Little fits into the client's buffer, so most is still in the proxy's when both directions have ended.
	if err := c.Conn.(*net.TCPConn).SetReadBuffer(1024); err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("0123456789", 6000)
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the proxy is done with the connection", func() bool {
		proxy.mu.Lock()
		defer proxy.mu.Unlock()
		return len(proxy.open) == 0
	})
	got, err := io.ReadAll(c.lines)
	if err != nil || string(got) != text {
		t.Errorf("%d bytes came back, want %d (%v)", len(got), len(text), err)
	}
}

func TestCutWebSocketsLeavesOtherConnectionsAlone(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			fmt.Fprint(w, "plain")
			return
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
		_, _ = io.Copy(io.Discard, conn)
		conn.Close()
	}))
	defer server.Close()
	proxy := StartProxy(t, server.Listener.Addr().String())

	get := func(c *talker, body string) {
		t.Helper()
		request := fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(c.lines, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if text, err := io.ReadAll(response.Body); err != nil || string(text) != "plain" {
			t.Fatalf("answered %q, %v", text, err)
		}
	}
	// Talking about websockets is not being one.
	plain := dial(t, proxy)
	get(plain, "\r\nUpgrade: websocket\r\n\r\n")

	socket := dial(t, proxy)
	// In pieces, as a network may deliver it.
	for _, piece := range []string{"GET /ws HTTP/1.1\r\nHost: x\r\nUpg", "rade: WebSocket\r\nConnection: Upgrade\r", "\n\r\n"} {
		if _, err := io.WriteString(socket, piece); err != nil {
			t.Fatal(err)
		}
	}
	if response, err := http.ReadResponse(socket.lines, nil); err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the upgrade: %v, %v", response, err)
	}
	if cut := proxy.CutWebSockets(); cut != 1 {
		t.Errorf("%d connections were cut, want 1", cut)
	}
	socket.isReset(t)
	get(plain, "hello")
}
