package notify

import (
	"context"
	"crypto/rand"
	"fmt"
	"mime"
	"net/http"
	"net/url"
)

// Handshake asks an endpoint to prove that it wants notifications: it posts a token in the query, which must come back
// decoded, as plain text with status 200. The URL's own query is kept.
func (e *Engine) Handshake(ctx context.Context, address string) (err error) {
	e.mu.Lock()
	e.stats.Handshakes++
	cut := e.cut
	e.mu.Unlock()
	defer func() {
		if err != nil {
			e.mu.Lock()
			e.stats.HandshakesFailed++
			e.mu.Unlock()
		}
	}()
	token := e.handshakeToken()
	target, err := withToken(address, token)
	if err != nil {
		return err
	}
	if cut != 0 {
		return errOutage
	}
	status, header, answer, err := e.request(ctx, target, "text/plain; charset=utf-8", nil, e.conf.Handshake)
	if err != nil {
		return err
	}
	media, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	switch {
	case status != http.StatusOK:
		return fmt.Errorf("the endpoint answered %d, not 200", status)
	case err != nil || media != "text/plain":
		return fmt.Errorf("the endpoint answered with content type %q, not text/plain", header.Get("Content-Type"))
	case string(answer) != token:
		return fmt.Errorf("the endpoint did not give the token back as it is")
	}
	return nil
}

func withToken(address, token string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("reading the URL of the endpoint: %w", err)
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += "validationToken=" + url.QueryEscape(token)
	return u.String(), nil
}

// handshakeToken has characters that a URL escapes, among them a plus sign, a percent sign and an umlaut, and none that
// HTML does: the documentation lets an endpoint escape these.
func (e *Engine) handshakeToken() string {
	if e.conf.HandshakeToken != nil {
		return e.conf.HandshakeToken()
	}
	return "Validation: Testing client application reachability for subscription Request-Id: " + rand.Text() + " 100%25+1/2=? #ü;"
}
