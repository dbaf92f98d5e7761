package mattermost

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge/secret"
)

// largestAnswer bounds what is read into memory of one answer, in bytes; 1,000 posts of the greatest length stay below.
const largestAnswer = 128 << 20

// client makes single REST calls with one token, the bot's or a person's, and says what their errors mean.
type client struct {
	*model.Client4
	base *url.URL
	// tls also serves the websocket; nil: the system's authorities.
	tls     *tls.Config
	token   secret.Secret
	timeout time.Duration
	// uploads is for parts of files: the server may work on what it has received for long before it answers.
	uploads *http.Client
	// bot is the bot's user name once it is known, for hints.
	bot *atomic.Pointer[string]
	// person: the token is a connected person's, so what is refused holds for them alone.
	person bool
	// counted takes how many calls are made; see [bridge.Counts].
	counted func(operation, status string)
	// refusals counts the answers that said the bot's token is not good; each also nudges.
	refusals atomic.Int64
	nudge    chan struct{}
}

func newClient(s *Settings, timeout time.Duration) (*client, error) {
	base, err := serverURL(s.Server)
	if err != nil {
		return nil, fmt.Errorf("reading Server: it %w", err)
	}
	config, err := tlsConfig(s)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	c := &client{Client4: model.NewAPIv4Client(base.String()), base: base, tls: config, token: s.Token, timeout: timeout,
		bot: &atomic.Pointer[string]{}, nudge: make(chan struct{}, 1), counted: func(string, string) {}}
	c.SetToken(s.Token.Reveal())
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		TLSClientConfig:       config,
		TLSHandshakeTimeout:   10 * time.Second,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   8,
		IdleConnTimeout:       90 * time.Second,
		ResponseHeaderTimeout: timeout,
	}
	// A followed redirect would turn a POST into a GET and call that a success.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.HTTPClient = &http.Client{Transport: transport, CheckRedirect: stay}
	patient := transport.Clone()
	patient.ResponseHeaderTimeout = partTimeout
	c.uploads = &http.Client{Transport: patient, CheckRedirect: stay}
	return c, nil
}

// as gives a client that makes calls with a person's token, over the same connections.
func (c *client) as(token secret.Secret) *client {
	p := &client{Client4: model.NewAPIv4Client(c.base.String()), base: c.base, tls: c.tls, token: token, timeout: c.timeout, bot: c.bot, person: true, counted: c.counted}
	p.HTTPClient, p.uploads = c.HTTPClient, c.uploads
	p.SetToken(token.Reveal())
	return p
}

func tlsConfig(s *Settings) (*tls.Config, error) {
	if s.SkipTLSVerify {
		return &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, nil // asked for in the config
	}
	if s.CAFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(s.CAFile)
	if err != nil {
		return nil, fmt.Errorf("reading CAFile: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading CAFile: %s holds no certificate in PEM form", s.CAFile)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

func isCertificateError(err error) bool {
	var verification *tls.CertificateVerificationError
	return errors.As(err, &verification)
}

func (c *client) botName() string {
	if name := c.bot.Load(); name != nil {
		return *name
	}
	return "the bot"
}

// scrub takes the token out of a text that the server or a proxy wrote.
func (c *client) scrub(text string) string {
	if token := c.token.Reveal(); token != "" {
		text = strings.ReplaceAll(text, token, secret.Mask)
	}
	return text
}

// get reads path below /api/v4 into out.
func (c *client) get(ctx context.Context, path string, out any) error {
	_, err := c.call(ctx, opRead, http.MethodGet, path, nil, out)
	return err
}

// call makes one request. In and out may be nil. The answer's body is read; its header is of use to the caller.
func (c *client) call(ctx context.Context, op operation, method, path string, in, out any) (*http.Response, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("no answer within %v", c.timeout))
	defer cancel()
	answer, err := c.open(ctx, op, method, path, in)
	return c.read(ctx, op, answer, err, out)
}

// submit makes one request with a form, to a path of the server itself: OAuth 2.0 does not live below /api/v4.
func (c *client) submit(ctx context.Context, op operation, path string, form url.Values, out any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("no answer within %v", c.timeout))
	defer cancel()
	headers := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	answer, err := c.send(ctx, op, http.MethodPost, c.base.String()+path, form.Encode(), headers)
	_, err = c.read(ctx, op, answer, err, out)
	return err
}

// read takes the answer to a request.
func (c *client) read(ctx context.Context, op operation, answer *http.Response, err error, out any) (*http.Response, error) {
	if err != nil {
		return answer, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, largestAnswer))
	if err != nil {
		return answer, unreadable(op, because(ctx, err))
	}
	if out == nil {
		return answer, nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return answer, unreadable(op, err)
	}
	if holed(out) {
		return answer, unreadable(op, errors.New("it holds null in the place of one of a list"))
	}
	return answer, nil
}

// holed reports whether something that was read lacks one of its list: no server gives that, and nobody asks for it.
func holed(out any) bool {
	if posts, ok := out.(*model.PostList); ok {
		return holed(&posts.Posts)
	}
	list := reflect.ValueOf(out).Elem()
	switch list.Kind() {
	case reflect.Slice, reflect.Map:
	default:
		return false
	}
	if list.Type().Elem().Kind() != reflect.Pointer {
		return false
	}
	for _, one := range list.Seq2() {
		if one.IsNil() {
			return true
		}
	}
	return false
}

// open makes one request and leaves the body of a successful answer to the caller. A refusal comes with its answer, whose body
// is closed.
func (c *client) open(ctx context.Context, op operation, method, path string, in any) (*http.Response, error) {
	var body []byte
	headers := map[string]string{}
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return nil, fmt.Errorf("encoding the request: %w", err)
		}
		headers["Content-Type"] = "application/json"
	}
	return c.send(ctx, op, method, c.APIURL+path, string(body), headers)
}

func (c *client) send(ctx context.Context, op operation, method, address, body string, headers map[string]string) (*http.Response, error) {
	var sent atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	answer, err := c.DoAPIRequestWithHeaders(traced, method, address, body, headers)
	c.count(method, address, answer)
	switch {
	case answer == nil:
		return nil, c.unanswered(op, sent.Load(), because(ctx, plain(err)))
	case err != nil:
		return answer, c.refused(op, answer, err)
	}
	return answer, nil
}

// count counts a call by its method and what it is about, the first word of its path: what follows may be an id or a name.
func (c *client) count(method, address string, answer *http.Response) {
	path, of := strings.CutPrefix(address, c.APIURL)
	if !of {
		path = strings.TrimPrefix(address, c.base.String())
	}
	if end := strings.IndexAny(strings.TrimPrefix(path, "/"), "/?"); end >= 0 {
		path = path[:end+1]
	}
	status := "ok"
	switch {
	case answer == nil:
		status = "none"
	case answer.StatusCode >= 300 && answer.StatusCode != http.StatusNotModified:
		status = strconv.Itoa(answer.StatusCode)
	}
	c.counted(method+" "+path, status)
}

// plain takes method and address, which tell the operator nothing, off an error of http.Client.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// because puts the reason why ctx ended in the place of "context deadline exceeded".
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, ctx.Err()) {
		return cause
	}
	return err
}
