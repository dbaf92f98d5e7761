package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// maxAnswer is how much of an endpoint's answer is read, in bytes.
const maxAnswer = 64 << 10

var (
	errOutage      = errors.New("the endpoint cannot be reached")
	errLostAnswer  = errors.New("the answer was lost")
	errLostRequest = errors.New("the post was lost")
)

// deliver makes one attempt at a post and decides what becomes of it.
func (e *Engine) deliver(p *post) {
	e.gate(p)
	if len(p.items) == 0 {
		return
	}
	text, err := e.compose(p)
	if err != nil { // a certificate that was accepted cannot be encrypted for: nothing to repeat
		e.mu.Lock()
		defer e.mu.Unlock()
		e.stats.Lost += len(p.items)
		e.ended(len(p.items))
		return
	}
	limit := e.conf.Acknowledge
	if p.attempt > 0 {
		limit = e.conf.AcknowledgeRetry
	}
	begin := time.Now()
	status, err := e.post(p, text, limit)
	e.settle(p, outcome{status: status, err: err, took: time.Since(begin)})
}

// gate takes out what may not be posted now.
func (e *Engine) gate(p *post) {
	kept := p.items[:0:0]
	for _, d := range p.items {
		if d.Lifecycle != "" || d.forgery != "" {
			kept = append(kept, d)
			continue
		}
		e.mu.Lock()
		seen := e.resumed[d.Subscription]
		e.mu.Unlock()
		verdict := e.host.Gate(d.Subscription)
		e.mu.Lock()
		switch {
		case verdict == Gone:
			e.stats.Discarded++
			e.ended(1)
		case verdict == Paused && e.resumed[d.Subscription] == seen:
			e.park(d, p.since)
		default:
			kept = append(kept, d)
		}
		e.mu.Unlock()
	}
	p.items = kept
}

// park keeps an item until its subscription is resumed. The caller holds the lock.
func (e *Engine) park(d *delivery, since time.Duration) {
	p := &post{lane: e.lanes[d.URL], items: []*delivery{d}, since: since}
	e.parked[d.Subscription] = append(e.parked[d.Subscription], p)
	e.stats.Paused++
	e.ended(1)
	e.later(max(0, e.conf.GiveUp-(e.now()-since)), func() {
		list := e.parked[d.Subscription]
		for i, x := range list {
			if x == p {
				e.parked[d.Subscription] = append(list[:i:i], list[i+1:]...)
				e.stats.Lost++
			}
		}
	})
}

// compose writes the body of a post.
func (e *Engine) compose(p *post) ([]byte, error) {
	if d := p.items[0]; d.forgery == Garbage {
		return []byte(`{"value":[{"subscriptionId":"` + d.Subscription + `","changeType":`), nil
	}
	var items []itemJSON
	tokens, asked, rich := []string{}, map[string]bool{}, false
	for _, d := range p.items {
		out, err := d.wire()
		if err != nil {
			return nil, err
		}
		d.disguise(&out)
		items = append(items, out)
		key := d.App + " " + d.Tenant
		if !d.rich() {
			continue
		}
		rich = true
		switch {
		case d.forgery == NoToken || asked[key]:
		case d.forgery.whole():
			tokens = append(tokens, e.host.Forge(d.App, d.Tenant, d.forgery))
		default:
			asked[key] = true
			tokens = append(tokens, e.host.Token(d.App, d.Tenant))
		}
	}
	if !rich {
		return body(items, nil, false), nil
	}
	return body(items, &tokens, e.conf.NullTokens), nil
}

// outcome is what came of an attempt.
type outcome struct {
	status int
	err    error
	took   time.Duration
}

func (o outcome) acknowledged() bool { return o.err == nil && o.status/100 == 2 }

// post makes the request, or does not where an outage or a fault says so.
func (e *Engine) post(p *post, text []byte, limit time.Duration) (status int, err error) {
	first := p.items[0]
	e.mu.Lock()
	cut := e.cut
	dice := e.dice(first.number, 1+p.attempt)
	loseRequest, loseAnswer := happens(dice, e.faults.LoseRequest), happens(dice, e.faults.LoseAnswer)
	e.stats.Posts++
	if e.stats.First.IsZero() {
		e.stats.First = time.Now()
	}
	if p.attempt > 0 {
		e.stats.Retries++
	}
	e.mu.Unlock()
	switch {
	case cut > 0:
		return cut, nil
	case cut < 0:
		return 0, errOutage
	case loseRequest && first.forgery == "":
		return 0, errLostRequest
	}
	if e.conf.Observe != nil {
		e.conf.Observe(Post{URL: p.lane.url, Lifecycle: first.Lifecycle != "", Forged: p.forged(), Attempt: p.attempt, Body: text})
	}
	status, _, _, err = e.request(e.ctx, p.lane.url, "application/json; charset=utf-8", text, limit)
	if err == nil && loseAnswer && first.forgery == "" {
		return 0, errLostAnswer
	}
	return status, err
}

// forged tells whether anything in a post is.
func (p *post) forged() bool {
	return slices.ContainsFunc(p.items, func(d *delivery) bool { return d.forgery != "" })
}

// request posts something and reads the answer within a time limit.
func (e *Engine) request(ctx context.Context, url, contentType string, text []byte, limit time.Duration) (int, http.Header, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return 0, nil, nil, fmt.Errorf("posting to the endpoint: %w", err)
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := e.client.Do(req)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("posting to the endpoint: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, nil, nil, fmt.Errorf("reading the endpoint's answer: %w", err)
	}
	return resp.StatusCode, resp.Header, answer, nil
}

// settle counts an outcome and plans the repetition of what was not acknowledged.
func (e *Engine) settle(p *post, o outcome) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	n := len(p.items)
	if p.items[0].forgery.whole() {
		e.forgedAnswer(o)
		e.ended(n)
		return
	}
	p.lane.endpoint.note(e.now(), o, p.attempt > 0, e.conf)
	switch next := p.attempt + 1; {
	case o.acknowledged():
		e.delivered(p)
	case e.now()-p.since+e.conf.interval(next) > e.conf.GiveUp:
		for _, d := range p.items {
			if d.genuine() {
				e.stats.Lost++
			}
		}
	default:
		p.attempt = next
		e.later(e.conf.interval(next), func() { e.push(p) })
		return
	}
	e.ended(n)
}

func (d *delivery) genuine() bool { return d.forgery == "" && !d.copy }

// delivered counts an acknowledged post. The caller holds the lock.
func (e *Engine) delivered(p *post) {
	e.stats.Last = time.Now()
	for _, d := range p.items {
		switch {
		case d.forgery != "":
			e.forgedAnswer(outcome{status: http.StatusAccepted})
		case d.copy:
			e.stats.Copies++
		case d.Lifecycle != "":
			e.stats.LifecycleDelivered++
		default:
			e.stats.Delivered++
		}
	}
	if n := len(p.items); n > e.stats.LargestPost {
		e.stats.LargestPost = n
	}
}

func (e *Engine) forgedAnswer(o outcome) {
	if e.stats.ForgedAnswers == nil {
		e.stats.ForgedAnswers = map[int]int{}
	}
	e.stats.ForgedAnswers[o.status]++
}
