package msteams

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
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

// batch makes one attempt of op for each place, at most 20, in one request, and gives what became of each in the same
// order, and the time at Graph. The error is that of the batch as a whole. Each item is judged and throttled by itself.
func (c *client) batch(ctx context.Context, op *Operation, places []place) ([]batchItem, time.Time, error) {
	var send struct {
		Requests []batchRequest `json:"requests"`
	}
	for i, p := range places {
		send.Requests = append(send.Requests, batchRequest{ID: strconv.Itoa(i + 1), Method: op.Method, URL: op.address(p)})
	}
	text, err := json.Marshal(send)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("%s: %w", opBatch.Doing, err)
	}
	limited, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(limited, opBatch.Method, c.base+opBatch.Path, bytes.NewReader(text))
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("%s: %w", opBatch.Doing, err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, time.Time{}, c.failed(ctx, opBatch, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, time.Time{}, c.failed(ctx, opBatch, err)
	}
	var got struct {
		Responses []batchResponse `json:"responses"`
	}
	if err := json.Unmarshal(body, &got); err != nil {
		return nil, time.Time{}, c.failed(ctx, opBatch, fmt.Errorf("reading the answer: %w", err))
	}
	return c.items(ctx, op, len(places), got.Responses), serviceTime(answer.Header), nil
}

// items sorts the answers, whose order is free.
func (c *client) items(ctx context.Context, op *Operation, n int, responses []batchResponse) []batchItem {
	items := make([]batchItem, n)
	for i := range items {
		items[i].err = c.failed(ctx, op, errors.New("the batch's answer lacks this request"))
	}
	for _, r := range responses {
		i, err := strconv.Atoi(r.ID)
		if err != nil || i < 1 || i > n {
			continue
		}
		if r.Status < 200 || r.Status > 299 {
			items[i-1] = batchItem{err: c.failed(ctx, op, readAnswer(r.Status, r.header(), r.Body, time.Now(), c.tokens.now().token))}
			continue
		}
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
