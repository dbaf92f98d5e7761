package app

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"causeway/gateway"
	"causeway/gateway/config"
	"causeway/gateway/store"
	"causeway/gateway/web"
)

const (
	// publicTime is how long the public address may take to answer.
	publicTime = 15 * time.Second
	// certificateNear is how long before its end a certificate is worth a word: whoever renews by itself does so earlier.
	certificateNear = 14 * 24 * time.Hour
)

// server looks at Causeway's own web server: whether it runs, or could, and whether the public address leads to it. Where Causeway does not
// run, check answers there itself for as long as that takes.
func (c *call) server(ctx context.Context, cfg *config.Config) []item {
	keys, err := freshKeys()
	if err != nil {
		return []item{{stateProblem, err.Error(), ""}}
	}
	listener, err := web.Listen(ctx, cfg.HTTP.Listen)
	if err == nil {
		defer func() { _ = listener.Close() }()
		well := item{stateOK, "Causeway is not running; the HTTP server can listen at " + cfg.HTTP.Listen, ""}
		if cfg.HTTP.PublicURL == "" {
			return []item{well}
		}
		answering, stop := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() {
			done <- web.Serve(answering, listener, web.Site{PublicURL: cfg.HTTP.PublicURL, Prove: keys.Prove, Waiting: true}, noLog())
		}()
		public := c.public(ctx, cfg.HTTP, keys, "this check, as Causeway is not running")
		stop()
		<-done
		return append([]item{well}, public...)
	}
	running := &config.Running{Storage: cfg.Storage, HTTP: cfg.HTTP}
	asked, asking := c.ask(ctx, running)
	if asking != nil {
		return []item{{stateProblem, err.Error(), ""}}
	}
	all := []item{runs(asked.status, cfg.HTTP.Listen)}
	if cfg.HTTP.PublicURL != "" {
		if keys, err = loadKeys(cfg.Storage); err != nil { // it was read a moment ago
			return append(all, item{stateProblem, err.Error(), ""})
		}
		all = append(all, c.public(ctx, cfg.HTTP, keys, "the Causeway that is running")...)
	}
	return all
}

func runs(s gateway.Status, at string) item {
	if s.Version != version() {
		return item{stateWarning, fmt.Sprintf("Causeway %s is running and answers at %s; this is %s", s.Version, at, version()), "restart it, if that is the newer one"}
	}
	return item{stateOK, "Causeway is running and answers at " + at, ""}
}

// freshKeys are for one check: whoever asks and whoever answers are the same process.
func freshKeys() (store.Keys, error) {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	return store.NewKeys(secret)
}

// public asks at the public address, as others do, for a proof that it leads here; who answers if it does.
func (c *call) public(ctx context.Context, h config.HTTP, keys store.Keys, who string) []item {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw) // never fails
	nonce := hex.EncodeToString(raw)
	ctx, cancel := context.WithTimeout(ctx, min(c.patience(), publicTime))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.PublicURL+web.ProofPath+nonce, nil)
	if err != nil {
		return []item{{stateProblem, fmt.Sprintf("PublicURL cannot be asked: %v", err), ""}}
	}
	client := &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: c.roots, MinVersion: tls.VersionTLS12}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return []item{unreached(h, err)}
	}
	defer func() { _ = resp.Body.Close() }()
	said, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if err != nil {
		return []item{unreached(h, err)}
	}
	all := []item{answered(h, resp.StatusCode, string(said) == web.Proven(keys.Prove(nonce)), who)}
	if resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		all = append(all, certificate(resp.TLS.PeerCertificates[0], time.Now()))
	} else if host := req.URL.Hostname(); !isLoopback(host) {
		all = append(all, item{stateWarning, h.PublicURL + " is not encrypted: Microsoft sends nothing there, and people's sign-ins can be read on the way", "let a reverse proxy speak https (contrib/caddy, contrib/nginx)"})
	}
	return all
}

// answered judges what came from the public address.
func answered(h config.HTTP, code int, proven bool, who string) item {
	const lead = "let the reverse proxy hand on /hooks/, /connect/ and /me/ below it (contrib/caddy, contrib/nginx), to "
	switch {
	case code == http.StatusOK && proven:
		return item{stateOK, h.PublicURL + " leads here: it was answered by " + who, ""}
	case code == http.StatusOK:
		return item{stateProblem, h.PublicURL + " leads elsewhere, to another Causeway or another program", lead + h.Listen}
	case code >= 300 && code < 400:
		return item{stateProblem, fmt.Sprintf("%s sends on to another address (status %d), which services do not follow", h.PublicURL, code), "set PublicURL to the address at the end"}
	case code == http.StatusBadGateway || code == http.StatusServiceUnavailable || code == http.StatusGatewayTimeout:
		return item{stateProblem, fmt.Sprintf("%s reaches a reverse proxy that does not reach Causeway (status %d)", h.PublicURL, code), lead + h.Listen}
	}
	return item{stateProblem, fmt.Sprintf("%s does not lead to Causeway (status %d), or to an older one", h.PublicURL, code), lead + h.Listen}
}

// unreached judges why nothing came. That this machine cannot reach the address need not hold for others.
func unreached(h config.HTTP, err error) item {
	var bad *tls.CertificateVerificationError
	switch {
	case errors.As(err, &bad):
		return item{stateProblem, fmt.Sprintf("the certificate of %s is not good: %v", h.PublicURL, bad.Err), "use one of a public authority, for that name and with the whole chain: Microsoft takes no other"}
	case errors.Is(err, http.ErrSchemeMismatch):
		return item{stateProblem, h.PublicURL + " does not speak https", "let the reverse proxy speak it there (contrib/caddy, contrib/nginx)"}
	}
	var inner *url.Error
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return item{stateWarning, fmt.Sprintf("%s cannot be reached from this machine: %v", h.PublicURL, err),
		"try it from outside: if it answers there, all is well; else look at the name, the firewall and the reverse proxy, which must lead to " + h.Listen}
}

// certificate tells how long the one of the public address is good.
func certificate(c *x509.Certificate, now time.Time) item {
	i := item{State: stateOK, Text: gateway.EndText("the certificate of PublicURL", c.NotAfter, now)}
	if c.NotAfter.Sub(now) < certificateNear {
		i.State, i.Next = stateWarning, "renew it, or see why it is not renewed"
	}
	return i
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
