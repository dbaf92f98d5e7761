package msteams

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"causeway/bridge"
)

// fileBody is a body of known length that is sent as it is read, and only once. It remembers why reading has failed, which the HTTP
// client hides.
type fileBody struct {
	io.Reader
	length int64

	mu     sync.Mutex
	failed error
}

func (b *fileBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && err != io.EOF {
		b.mu.Lock()
		b.failed = err
		b.mu.Unlock()
	}
	return n, err
}

// Close leaves the file open: it belongs to who has opened it.
func (b *fileBody) Close() error { return nil }

func (b *fileBody) why() error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failed
}

// personID is as whom the client calls; empty: it is the relay account, or the app.
func (c *client) personID() string {
	if c.caller.person {
		return c.caller.user
	}
	return ""
}

// put makes one attempt of op with bytes for a body, and reads the answer's JSON into what counts of it.
func (c *client) put(ctx context.Context, op *Operation, p place, body *fileBody, into any) error {
	address := c.base + op.address(p)
	if err := c.pacer.await(ctx, op, c.caller, address); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, transferTimeout)
	defer cancel()
	var content io.Reader
	if body.length > 0 {
		content = body
	}
	r, err := http.NewRequestWithContext(limited, op.Method, address, content)
	if err != nil {
		return &bridge.Error{Kind: bridge.Rejected, Err: fmt.Errorf("%s: %w", op.Doing, err)}
	}
	r.ContentLength = body.length
	r.Header.Set("Content-Type", "application/octet-stream")
	answer, _, err := c.attempt(ctx, op, r)
	if failed := body.why(); failed != nil {
		return failed
	}
	if err != nil {
		return err
	}
	return c.understand(ctx, op, answer, into)
}

// bytesAt makes one request to an address for bytes that Graph gave, without any token: whoever knows the address has access, so it
// stands in no error. The body of the answer is left to the caller.
func (a *account) bytesAt(ctx context.Context, op *Operation, method, address string, body *fileBody, length int64, headers map[string]string) (*http.Response, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && a.graphOrigin[:5] == "https" {
		return nil, &bridge.Error{Err: fmt.Errorf("%s: Graph gives no address that can be used", op.Doing)}
	}
	limited, cancel := context.WithCancel(ctx)
	var content io.Reader
	if body != nil {
		content = body
		defer time.AfterFunc(transferTimeout, cancel).Stop()
	}
	r, err := http.NewRequestWithContext(limited, method, address, content)
	if err != nil {
		cancel()
		return nil, &bridge.Error{Err: fmt.Errorf("%s: Graph gives no address that can be used", op.Doing)}
	}
	r.ContentLength = length
	r.Header.Set("User-Agent", "Causeway")
	for k, v := range headers {
		r.Header.Set(k, v)
	}
	answer, err := (&http.Client{Transport: a.network, CheckRedirect: silently}).Do(r)
	if failed := body.why(); failed != nil {
		if err == nil {
			answer.Body.Close()
		}
		cancel()
		return nil, failed
	}
	if err != nil {
		cancel()
		return nil, &bridge.Error{Err: fmt.Errorf("%s: %w", op.Doing, bare(err))}
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		defer cancel()
		defer answer.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<20)) // its status says most
		return nil, refusedBytes(op, readAnswer(answer.StatusCode, answer.Header, text, time.Now(), address))
	}
	answer.Body = &canceling{answer.Body, cancel}
	return answer, nil
}

// silently follows a redirect without telling where to that it comes from an address which is a secret.
func silently(r *http.Request, via []*http.Request) error {
	r.Header.Del("Referer")
	if len(via) >= redirectsMost {
		return errors.New("too many redirects")
	}
	return nil
}

// redirectsMost is how many redirects are followed, as many as Go's client follows by itself.
const redirectsMost = 10

// refusedBytes gives an answer about bytes its kind. There is no token to blame: an address that is not good any more is asked for anew.
func refusedBytes(op *Operation, answer *answerError) error {
	kind, _, _ := judge(answer, op, "")
	e := &bridge.Error{Kind: kind, Trace: answer.trace(), Err: fmt.Errorf("%s: %w", op.Doing, answer)}
	switch kind {
	case bridge.Throttled:
		if e.After = answer.after; !answer.hasAfter {
			e.After = waitWhenUntold
		}
	case bridge.Unauthorised, bridge.Uncertain:
		e.Kind = bridge.Transient
	case bridge.Gone:
		if op == opFetch {
			e.Kind = bridge.Transient // the address has expired; whether the file is there, Graph says
		}
	}
	return e
}

// canceling ends a request's context when its answer is closed.
type canceling struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (c *canceling) Close() error {
	err := c.ReadCloser.Close()
	c.cancel()
	return err
}

// Read says why it fails without the address.
func (c *canceling) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &bridge.Error{Err: fmt.Errorf("reading a file: %w", bare(err))}
	}
	return n, err
}
