package msteams

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// largestBatch is how many requests Graph takes in one.
const largestBatch = 20

type batchRequest struct {
	ID     string `json:"id"`
	Method string `json:"method"`
	URL    string `json:"url"`
}

type batchResponse struct {
	ID      string                     `json:"id"`
	Status  int                        `json:"status"`
	Headers map[string]json.RawMessage `json:"headers"`
	Body    json.RawMessage            `json:"body"`
}

// header gives the headers of an item: values that are not texts are left out.
func (r batchResponse) header() http.Header {
	h := http.Header{}
	for k, raw := range r.Headers {
		var text string
		if json.Unmarshal(raw, &text) == nil {
			h.Set(k, text)
		}
	}
	return h
}

// batchItem is what became of one request of a batch: a body or an error.
type batchItem struct {
	body []byte
	err  error
}

// batch makes one attempt of op for each place, at most largestBatch, and gives what became of each in the same order, and
// the time at Graph. The error is that of all of them. Each item is judged and throttled by itself. It is one request, or two
// while lanes read, too: one would be all that Graph allows in a second.
func (c *client) batch(ctx context.Context, op *Operation, places []place) ([]batchItem, time.Time, error) {
	first := min(len(places), c.pacer.batchSize(op))
	items, now, err := c.batchOf(ctx, op, places[:first])
	if err != nil || first == len(places) {
		return items, now, err
	}
	rest, _, err := c.batchOf(ctx, op, places[first:])
	if err != nil {
		rest = slices.Repeat([]batchItem{{err: err}}, len(places)-first)
	}
	return append(items, rest...), now, nil
}

// batchOf is batch in one request.
func (c *client) batchOf(ctx context.Context, op *Operation, places []place) ([]batchItem, time.Time, error) {
	// sent are the addresses that are asked, and where in places each is from; the others must wait by themselves.
	items := make([]batchItem, len(places))
	var sent []string
	var from []int
	for i, p := range places {
		address := op.address(p)
		if items[i].err = c.pacer.far(op, c.caller, address); items[i].err == nil {
			sent, from = append(sent, address), append(from, i)
		}
	}
	if len(sent) == 0 {
		return items, time.Now(), nil
	}
	if err := c.pacer.await(ctx, op, c.caller, sent...); err != nil {
		return nil, time.Time{}, err
	}
	responses, now, err := c.sendBatch(ctx, op, sent)
	if err != nil {
		return nil, time.Time{}, err
	}
	for n, item := range c.items(ctx, op, sent, responses) {
		items[from[n]] = item
	}
	return items, now, nil
}

// sendBatch sends one request that holds one of op for each address; their ids count from 1.
func (c *client) sendBatch(ctx context.Context, op *Operation, addresses []string) ([]batchResponse, time.Time, error) {
	var send struct {
		Requests []batchRequest `json:"requests"`
	}
	for i, address := range addresses {
		send.Requests = append(send.Requests, batchRequest{ID: strconv.Itoa(i + 1), Method: op.Method, URL: address})
	}
	text, err := json.Marshal(send)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("%s: %w", opBatch.Doing, err)
	}
	body, header, err := c.send(ctx, opBatch, c.base+opBatch.Path, text)
	if err != nil {
		return nil, time.Time{}, err
	}
	var got struct {
		Responses []batchResponse `json:"responses"`
	}
	if err := c.understand(ctx, opBatch, body, &got); err != nil {
		return nil, time.Time{}, err
	}
	return got.Responses, serviceTime(header), nil
}

// items sorts the answers, whose order is free.
func (c *client) items(ctx context.Context, op *Operation, sent []string, responses []batchResponse) []batchItem {
	items := make([]batchItem, len(sent))
	for i := range items {
		items[i].err = c.failed(ctx, op, errors.New("the batch's answer lacks this request"))
	}
	for _, r := range responses {
		i, err := strconv.Atoi(r.ID)
		if err != nil || i < 1 || i > len(sent) {
			continue
		}
		if r.Status < 200 || r.Status > 299 {
			token := c.tokens.now().token
			refused := readAnswer(r.Status, r.header(), r.Body, time.Now(), token)
			refused.address = sent[i-1]
			c.tokens.refused(token, refused)
			c.count(op, refused)
			items[i-1] = batchItem{err: c.failed(ctx, op, refused)}
			continue
		}
		c.count(op, nil)
		items[i-1] = batchItem{body: r.Body}
	}
	return items
}

// serviceTime is the time at Graph when it answered, to the second; our own when it does not say.
func serviceTime(h http.Header) time.Time {
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		return t
	}
	return time.Now()
}
