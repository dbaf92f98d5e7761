package msteams

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/microsoft/kiota-abstractions-go/serialization"
	kiotajson "github.com/microsoft/kiota-serialization-json-go"

	"causeway/bridge"
)

// read makes one attempt of op at an address of Graph, as a nextLink is one, and reads the answer's JSON into what counts of it.
func (c *client) read(ctx context.Context, op *Operation, address string, into any) error {
	if err := c.trust(address); err != nil {
		return err
	}
	return c.converse(ctx, op, address, nil, into)
}

// ask makes one attempt of op and reads the answer's JSON into what counts of it.
func (c *client) ask(ctx context.Context, op *Operation, p place, body serialization.Parsable, into any) error {
	text, err := written(body)
	if err != nil {
		return &bridge.Error{Kind: bridge.Rejected, Err: fmt.Errorf("%s: writing a request: %w", op.Doing, err)}
	}
	return c.converse(ctx, op, c.base+op.address(p), text, into)
}

// written is the JSON of a body.
func written(body serialization.Parsable) ([]byte, error) {
	w := kiotajson.NewJsonSerializationWriter()
	defer w.Close()
	if err := w.WriteObjectValue("", body); err != nil {
		return nil, err
	}
	return w.GetSerializedContent()
}

// exchange is ask for a body that is written as JSON as it is; nil: there is none.
func (c *client) exchange(ctx context.Context, op *Operation, p place, body, into any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return fmt.Errorf("%s: %w", op.Doing, err)
		}
	}
	return c.converse(ctx, op, c.base+op.address(p), text, into)
}

// converse makes one attempt when the time for it has come. Nothing of the answer counts where into is nil.
func (c *client) converse(ctx context.Context, op *Operation, address string, text []byte, into any) error {
	if err := c.pacer.await(ctx, op, c.caller, address); err != nil {
		return err
	}
	body, _, err := c.send(ctx, op, address, text)
	if err != nil || into == nil {
		return err
	}
	return c.understand(ctx, op, body, into)
}

// send makes one attempt of op at an address at once, with a body of JSON unless text is nil, and gives the answer's body.
func (c *client) send(ctx context.Context, op *Operation, address string, text []byte) ([]byte, http.Header, error) {
	limited, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	var content io.Reader
	if text != nil {
		content = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(limited, op.Method, address, content)
	if err != nil {
		return nil, nil, &bridge.Error{Kind: bridge.Rejected, Err: fmt.Errorf("%s: %w", op.Doing, err)}
	}
	if text != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, header, err := c.attempt(ctx, op, r)
	if err == nil && leadsBack(answer, address) {
		return nil, nil, c.failed(ctx, op, errors.New("reading the answer: the list would be read for ever, as its next page is this one: what answers in place of Microsoft Graph?"))
	}
	return answer, header, err
}

// leadsBack reports whether the page of a list at an address says that the next one is at the same address.
func leadsBack(page []byte, address string) bool {
	_, rest, found := bytes.Cut(page, []byte(`"@odata.nextLink"`))
	next := ""
	return found && json.NewDecoder(bytes.NewReader(bytes.TrimLeft(rest, ": \t\r\n"))).Decode(&next) == nil && next == address
}

// attempt makes a request, whose context may end before ctx, and gives the answer's body, which [largestAnswer] bounds.
func (c *client) attempt(ctx context.Context, op *Operation, r *http.Request) ([]byte, http.Header, error) {
	r.Header.Set("Accept", "application/json")
	answer, err := c.http.Do(r)
	c.count(op, err)
	if err != nil {
		return nil, nil, c.failed(ctx, op, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, nil, c.failed(ctx, op, fmt.Errorf("reading the answer: %w", err))
	}
	return body, answer.Header, nil
}

// understand reads the JSON of an answer to op.
func (c *client) understand(ctx context.Context, op *Operation, body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return c.failed(ctx, op, fmt.Errorf("reading the answer: %w", err))
	}
	return nil
}
