package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"time"

	"causeway/gateway"
	"causeway/gateway/config"
	"causeway/gateway/store"
	"causeway/gateway/web"
)

const (
	// askTime is how long the running process may take to answer.
	askTime = 10 * time.Second
	// maxStatus bounds what another program can make us read.
	maxStatus = 64 << 20
)

// answer is what the running process has said: whole, and understood.
type answer struct {
	text   []byte
	status gateway.Status
}

// ask gets the status of the process that runs with this config. Its errors name the next step.
func (c *call) ask(ctx context.Context, r *config.Running) (answer, error) {
	said, err := c.request(ctx, r, asking{method: http.MethodGet, path: "/status", time: min(c.patience(), askTime), token: store.Keys.Token})
	if err != nil {
		return answer{}, err
	}
	a := answer{text: said.text}
	if said.code != http.StatusOK || json.Unmarshal(a.text, &a.status) != nil || a.status.Version == "" || a.status.At.IsZero() {
		return answer{}, stranger(said.where)
	}
	return a, nil
}

// asking is something that the running process is asked for.
type asking struct {
	method, path string
	body         []byte
	// time is how long it may take to answer.
	time  time.Duration
	token func(k store.Keys, now time.Time) string
}

// heard is an answer that has come whole from where, with its code, which is neither 401 nor 500.
type heard struct {
	where string
	code  int
	text  []byte
}

// request asks the process that runs with this config. Its errors name the next step.
func (c *call) request(ctx context.Context, r *config.Running, what asking) (heard, error) {
	hosts, port, err := askedAt(r.HTTP.Listen)
	if err != nil {
		return heard{}, err
	}
	where := net.JoinHostPort(hosts[0], port)
	keys, err := c.keys(r.Storage, where)
	if err != nil {
		return heard{}, err
	}
	limited, cancel := context.WithTimeout(ctx, what.time)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, what.method, "http://"+where+what.path, bytes.NewReader(what.body))
	if err != nil {
		return heard{}, fmt.Errorf("asking Causeway at %s: %w", where, err)
	}
	req.Header.Set("Authorization", "Bearer "+what.token(keys, time.Now()))
	defer c.busy("waiting for the Causeway that is running")()
	client := &http.Client{
		Transport: &http.Transport{DialContext: dialer(hosts, port), DisableKeepAlives: true}, // and no proxy
		// The token is for nobody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return heard{}, c.silent(limited, where, err)
	}
	defer func() { _ = resp.Body.Close() }()
	switch {
	case resp.StatusCode == http.StatusUnauthorized && resp.Header.Get("WWW-Authenticate") == web.Realm:
		return heard{}, fmt.Errorf("the Causeway at %s has another key file than %s: name with -c the config that it runs with", where, r.Storage.KeyFile)
	case resp.StatusCode == http.StatusInternalServerError:
		return heard{}, fmt.Errorf("what answers at %s has failed: if it is Causeway, its log says why", where)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxStatus))
	if err != nil {
		return heard{}, c.silent(limited, where, err)
	}
	return heard{where: where, code: resp.StatusCode, text: text}, nil
}

// askedAt gives the hosts, of which one answers, and the port of a server that listens there.
func askedAt(listen string) (hosts []string, port string, err error) {
	host, port, err := net.SplitHostPort(listen) // the config has checked it
	if err != nil {
		return nil, "", err
	}
	if n, err := strconv.ParseUint(port, 10, 16); err == nil && n == 0 {
		return nil, "", fmt.Errorf("asking Causeway: with Listen = %q it takes any port: set one of your choice in [http] and restart it", listen)
	}
	ip, err := netip.ParseAddr(host)
	switch ip = ip.Unmap(); {
	case host == "", err == nil && ip == netip.IPv6Unspecified():
		return []string{"127.0.0.1", "::1"}, port, nil
	case err == nil && ip.IsUnspecified():
		return []string{"127.0.0.1"}, port, nil
	}
	return []string{host}, port, nil
}

// dialer tries the hosts one after the other.
func dialer(hosts []string, port string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (conn net.Conn, err error) {
		for _, host := range hosts {
			conn, err = new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(host, port))
			if err == nil {
				break
			}
		}
		return conn, err
	}
}

// keys reads the key file and never makes one.
func (c *call) keys(s config.Storage, where string) (store.Keys, error) {
	if _, err := os.Stat(s.KeyFile); s.Key == "" && errors.Is(err, fs.ErrNotExist) {
		return store.Keys{}, fmt.Errorf("there is no key file %s, so Causeway has not run with this config: %s", s.KeyFile, c.start())
	}
	keys, err := loadKeys(s)
	if errors.Is(err, fs.ErrPermission) {
		return store.Keys{}, fmt.Errorf("reading the key file %s, which whoever asks Causeway at %s must be able to: permission denied: ask as the user that runs Causeway", s.KeyFile, where)
	}
	return keys, err
}

// start says how Causeway is started.
func (c *call) start() string {
	command := "causeway run"
	if c.config != defaultConfig {
		command += " -c " + c.config
	}
	return "start it with `" + command + "`, or name with -c the config that it runs with"
}

// silent words that no answer came.
func (c *call) silent(ctx context.Context, where string, err error) error {
	var failed *net.OpError
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("what listens at %s does not answer: if it is Causeway, look at its log and restart it", where)
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &failed) && failed.Op == "dial":
		return fmt.Errorf("nothing answers at %s, so Causeway is not running: %s", where, c.start())
	}
	return stranger(where)
}

func stranger(where string) error {
	return fmt.Errorf("another program answers at %s, or an older Causeway: end it, or set Listen in [http] to another port, and restart Causeway", where)
}
