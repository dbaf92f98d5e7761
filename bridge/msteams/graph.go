package msteams

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"time"

	abstractions "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoft/kiota-abstractions-go/authentication"
	"github.com/microsoft/kiota-abstractions-go/serialization"
	kiotahttp "github.com/microsoft/kiota-http-go"
	kiotajson "github.com/microsoft/kiota-serialization-json-go"

	"causeway/bridge"
)

const (
	// answerTimeout is how long a call may take with its whole answer; Graph itself gives up earlier.
	answerTimeout = 60 * time.Second
	// largestAnswer bounds what is read into memory of one answer; 50 threads with replies stay far below.
	largestAnswer = 64 << 20
)

// client calls Graph as the app, the relay account, or a person who has connected.
type client struct {
	base string
	// called counts calls; see [bridge.Counts].
	called  func(operation, status string)
	caller  caller
	tokens  *tokens
	pacer   *pacer
	http    *http.Client
	adapter *kiotahttp.NetHttpRequestAdapter
}

// newClient makes a client that makes exactly one attempt of each call.
func newClient(base string, who caller, tokens *tokens, pacer *pacer, called func(operation, status string), network http.RoundTripper) (*client, error) {
	once := &http.Client{
		Transport:     &transport{tokens: tokens, next: network},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	adapter, err := kiotahttp.NewNetHttpRequestAdapterWithParseNodeFactoryAndSerializationWriterFactoryAndHttpClient(
		&authentication.AnonymousAuthenticationProvider{}, parser(), writers(), once)
	if err != nil {
		return nil, fmt.Errorf("preparing the Graph client: %w", err)
	}
	adapter.SetBaseUrl(base)
	return &client{base: base, called: called, caller: who, tokens: tokens, pacer: pacer, http: once, adapter: adapter}, nil
}

// count counts a call by how it ended, before the answer's body is read.
func (c *client) count(op *Operation, err error) {
	status := "ok"
	var known *bridge.Error
	var answer *answerError
	switch {
	case err == nil:
	case errors.As(err, &known): // from the login service: nothing was sent to Graph
		return
	case errors.As(err, &answer):
		status = strconv.Itoa(answer.status)
	default:
		status = "none"
	}
	c.called(op.Method+" "+op.Path, status)
}

// forLanes gives the same client for what lanes ask.
func (c *client) forLanes() *client {
	lanes := *c
	lanes.caller.lane = true
	return &lanes
}

func parser() serialization.ParseNodeFactory {
	r := serialization.NewParseNodeFactoryRegistry()
	f := kiotajson.NewJsonParseNodeFactory()
	r.ContentTypeAssociatedFactories["application/json"] = f
	return r
}

func writers() serialization.SerializationWriterFactory {
	r := serialization.NewSerializationWriterFactoryRegistry()
	r.ContentTypeAssociatedFactories["application/json"] = kiotajson.NewJsonSerializationWriterFactory()
	return r
}

// place fills an operation's path.
type place struct {
	team, channel, chat, message, reply, user, app, content, subscription string
	// drive, item and name: a file; item may be the folder of that name's. share: what lies at an address.
	drive, item, name, share string
}

// address is the operation's path and query, below the Graph URL. It is asked for with every call, and a [strings.Replacer] costs more than
// the rest of preparing one. An escaped value holds no braces, so that none is taken for a name.
func (op *Operation) address(p place) string {
	path := op.Path
	for _, part := range [...]struct{ name, value string }{
		{"{team}", p.team}, {"{channel}", p.channel}, {"{chat}", p.chat}, {"{message}", p.message}, {"{reply}", p.reply},
		{"{user}", p.user}, {"{app}", p.app}, {"{content}", p.content}, {"{subscription}", p.subscription},
		{"{drive}", p.drive}, {"{item}", p.item}, {"{name}", p.name}, {"{share}", p.share},
	} {
		path = strings.Replace(path, part.name, url.PathEscape(part.value), 1)
	}
	if op.Query != "" {
		path += "?" + op.Query
	}
	return path
}

// request prepares a call; body may be nil.
func (c *client) request(ctx context.Context, op *Operation, address string, body serialization.Parsable) (*abstractions.RequestInformation, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("forming the address of a request: %w", err)
	}
	r := abstractions.NewRequestInformation()
	r.SetUri(*u)
	switch op.Method {
	case "GET":
		r.Method = abstractions.GET
	case "PATCH":
		r.Method = abstractions.PATCH
	case "DELETE":
		r.Method = abstractions.DELETE
	default:
		r.Method = abstractions.POST
	}
	r.Headers.Add("Accept", "application/json")
	if body != nil {
		if err := r.SetContentFromParsable(ctx, c.adapter, "application/json", body); err != nil {
			return nil, fmt.Errorf("writing a request: %w", err)
		}
	}
	return r, nil
}

// call makes one attempt of op and gives what Graph answered; T's zero value when the answer has no body.
func call[T serialization.Parsable](ctx context.Context, c *client, op *Operation, p place, body serialization.Parsable, factory serialization.ParsableFactory) (T, error) {
	return follow[T](ctx, c, op, c.base+op.address(p), body, factory)
}

// follow is call for an address that Graph gave (a nextLink), which is taken as a whole.
func follow[T serialization.Parsable](ctx context.Context, c *client, op *Operation, address string, body serialization.Parsable, factory serialization.ParsableFactory) (T, error) {
	var none T
	if err := c.trust(address); err != nil {
		return none, err
	}
	if err := c.pacer.await(ctx, op, c.caller, address); err != nil {
		return none, err
	}
	limited, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	r, err := c.request(ctx, op, address, body)
	if err != nil {
		return none, &bridge.Error{Kind: bridge.Rejected, Err: fmt.Errorf("%s: %w", op.Doing, err)}
	}
	answer, err := c.adapter.Send(limited, r, factory, nil)
	c.count(op, err)
	if err != nil {
		return none, c.failed(ctx, op, err)
	}
	typed, ok := answer.(T)
	if !ok {
		return none, c.failed(ctx, op, fmt.Errorf("unexpected answer of type %T", answer))
	}
	return typed, nil
}

// perform makes one attempt of an operation that answers nothing.
func (c *client) perform(ctx context.Context, op *Operation, p place, body serialization.Parsable) error {
	address := op.address(p)
	r, err := c.request(ctx, op, c.base+address, body)
	if err != nil {
		return &bridge.Error{Kind: bridge.Rejected, Err: fmt.Errorf("%s: %w", op.Doing, err)}
	}
	if err := c.pacer.await(ctx, op, c.caller, address); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	err = c.adapter.SendNoContent(limited, r, nil)
	c.count(op, err)
	if err != nil {
		return c.failed(ctx, op, err)
	}
	return nil
}

// trust refuses to carry the token anywhere but to Graph, whatever a nextLink says.
func (c *client) trust(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("following a link of Graph: %w", err)
	}
	home, err := url.Parse(c.base)
	if err != nil {
		return fmt.Errorf("following a link of Graph: %w", err)
	}
	if u.Scheme != home.Scheme || u.Host != home.Host {
		return fmt.Errorf("following a link of Graph: it leads to %q, not to %q", u.Host, home.Host)
	}
	return nil
}

// transport sends one request with a token and turns every refusal into an error. It does not answer challenges: the
// SDK would send the request again, and one call is one attempt.
type transport struct {
	tokens *tokens
	next   http.RoundTripper
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	if err := ctx.Err(); err != nil {
		closeBody(r)
		return nil, &unsentError{err}
	}
	token, err := t.tokens.get(ctx)
	if err != nil {
		closeBody(r)
		return nil, err
	}
	out, err := prepared(r, token)
	if err != nil {
		return nil, &unsentError{err}
	}
	var connecting, connected bool
	out = out.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { connecting = true },
		GotConn: func(httptrace.GotConnInfo) { connected = true },
	}))
	answer, err := t.next.RoundTrip(out)
	if err != nil {
		if connecting && !connected {
			return nil, &unsentError{err}
		}
		return nil, err
	}
	if answer.StatusCode >= 300 {
		defer answer.Body.Close()
		body, err := io.ReadAll(io.LimitReader(answer.Body, largestAnswer))
		if err != nil {
			return nil, err
		}
		refused := readAnswer(answer.StatusCode, answer.Header, body, time.Now(), token)
		refused.address = r.URL.String()
		t.tokens.refused(token, refused)
		if err := t.tokens.confirm(ctx, refused); err != nil {
			return nil, err
		}
		return nil, refused
	}
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(answer.Body, largestAnswer), answer.Body}
	return answer, nil
}

// prepared is the request as it goes out: with token, ids and a body that states its length.
func prepared(r *http.Request, token string) (*http.Request, error) {
	out := r.Clone(r.Context())
	out.Header.Set("Authorization", "Bearer "+token)
	out.Header.Set("client-request-id", newGUID())
	out.Header.Set("User-Agent", "Causeway")
	if _, file := r.Body.(*fileBody); file { // sent as it is read, so it cannot be sent again
		out.ContentLength = r.ContentLength
		return out, nil
	}
	if r.Body == nil || r.Body == http.NoBody {
		if r.Method == http.MethodPost {
			out.Body, out.ContentLength = http.NoBody, 0
		}
		return out, nil
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	// Lets net/http take another connection when it finds the one at hand closed before anything was written.
	out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return out, nil
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		r.Body.Close()
	}
}

// newGUID makes a random id in the usual form.
func newGUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// downloaded is a file that is being read, with its media type.
type downloaded struct {
	io.ReadCloser
	kind string
}

// download opens what op gives, unread. The context must live until the file is closed.
func (c *client) download(ctx context.Context, op *Operation, p place) (*downloaded, error) {
	r, err := http.NewRequestWithContext(ctx, op.Method, c.base+op.address(p), nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op.Doing, err)
	}
	if err := c.pacer.await(ctx, op, c.caller, op.address(p)); err != nil {
		return nil, err
	}
	answer, err := c.http.Do(r)
	c.count(op, err)
	if err != nil {
		return nil, c.failed(ctx, op, err)
	}
	return &downloaded{answer.Body, answer.Header.Get("Content-Type")}, nil
}

// parse reads a JSON body as one of the SDK's models.
func parse[T serialization.Parsable](body []byte, factory serialization.ParsableFactory) (result T, err error) {
	var none T
	defer func() { // the SDK must not end the process for a message that it was not made for
		if p := recover(); p != nil {
			result, err = none, fmt.Errorf("reading an answer of Graph: the SDK fails: %v", p)
		}
	}()
	node, err := kiotajson.NewJsonParseNode(body)
	if err != nil {
		return none, fmt.Errorf("reading an answer of Graph: %w", err)
	}
	if node == nil {
		return none, errors.New("reading an answer of Graph: it is empty")
	}
	value, err := node.GetObjectValue(factory)
	if err != nil {
		return none, fmt.Errorf("reading an answer of Graph: %w", err)
	}
	typed, ok := value.(T)
	if !ok {
		return none, fmt.Errorf("reading an answer of Graph: unexpected type %T", value)
	}
	sound(typed)
	return typed, nil
}
