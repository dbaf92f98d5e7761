package app

import (
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
	hosts, port, err := askedAt(r.HTTP.Listen)
	if err != nil {
		return answer{}, err
	}
	where := net.JoinHostPort(hosts[0], port)
	token, err := c.token(r.Storage, where)
	if err != nil {
		return answer{}, err
	}
	limited, cancel := context.WithTimeout(ctx, min(c.patience(), askTime))
	defer cancel()
	req, err := http.NewRequestWithContext(limited, http.MethodGet, "http://"+where+"/status", nil)
	if err != nil {
		return answer{}, fmt.Errorf("asking Causeway at %s: %w", where, err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	client := &http.Client{
		Transport: &http.Transport{DialContext: dialer(hosts, port), DisableKeepAlives: true}, // and no proxy
		// The token is for nobody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, c.silent(limited, where, err)
	}
	defer func() { _ = resp.Body.Close() }()
	return c.understood(limited, where, r.Storage.KeyFile, resp)
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

// token reads the key file and never makes one.
func (c *call) token(s config.Storage, where string) (string, error) {
	if _, err := os.Stat(s.KeyFile); s.Key == "" && errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no key file %s, so Causeway has not run with this config: %s", s.KeyFile, c.start())
	}
	keys, err := loadKeys(s)
	if errors.Is(err, fs.ErrPermission) {
		return "", fmt.Errorf("reading the key file %s, which whoever asks Causeway at %s must be able to: permission denied: ask as the user that runs Causeway", s.KeyFile, where)
	}
	if err != nil {
		return "", err
	}
	return keys.Token(time.Now()), nil
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

// understood reads an answer.
func (c *call) understood(ctx context.Context, where, keyFile string, resp *http.Response) (answer, error) {
	if resp.StatusCode == http.StatusUnauthorized && resp.Header.Get("WWW-Authenticate") == web.Realm {
		return answer{}, fmt.Errorf("the Causeway at %s has another key file than %s: name with -c the config that it runs with", where, keyFile)
	}
	if resp.StatusCode == http.StatusInternalServerError {
		return answer{}, fmt.Errorf("what answers at %s has failed: if it is Causeway, its log says why", where)
	}
	if resp.StatusCode != http.StatusOK {
		return answer{}, stranger(where)
	}
	var a answer
	var err error
	if a.text, err = io.ReadAll(io.LimitReader(resp.Body, maxStatus)); err != nil {
		return answer{}, c.silent(ctx, where, err)
	}
	if json.Unmarshal(a.text, &a.status) != nil || a.status.Version == "" || a.status.At.IsZero() {
		return answer{}, stranger(where)
	}
	return a, nil
}
