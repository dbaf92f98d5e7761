package teams

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// maxBatch is how many requests one batch takes.
const maxBatch = 20

type batchItem struct {
	ID        string            `json:"id"`
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	Body      json.RawMessage   `json:"body"`
	DependsOn []string          `json:"dependsOn"`
}

type batchAnswer struct {
	ID      string            `json:"id"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    any               `json:"body,omitempty"`
}

var batchShape = shape{"requests": {"id": nil, "method": nil, "url": nil, "headers": nil, "body": nil, "dependsOn": nil}}

// batch runs the items one after the other through all that a request of its own goes through, and answers 200 whatever
// became of them. The answers come in reverse, since their order is free.
func (s *Sim) batch(c *call, entry *Request) answer {
	items, err := s.readBatch(c, entry)
	if err != nil {
		return c.refusal(err)
	}
	throttled := false
	answers := make([]batchAnswer, 0, len(items))
	failed := map[string]bool{}
	for _, item := range items {
		var a answer
		if slices.ContainsFunc(item.DependsOn, func(id string) bool { return failed[strings.ToLower(id)] }) {
			a = c.refusal(refuse(http.StatusFailedDependency, "FailedDependency", "A request that this one depends on has failed."))
		} else {
			a = s.batchItem(c, item)
		}
		failed[strings.ToLower(item.ID)] = a.status >= 400
		throttled = throttled || a.status == http.StatusTooManyRequests
		answers = append(answers, item.answer(a))
	}
	if throttled && s.throttle().BatchFails {
		return c.refusal(refuse(http.StatusFailedDependency, "FailedDependency", "A request of the batch was throttled."))
	}
	slices.Reverse(answers)
	return c.success(http.StatusOK, map[string]any{"responses": answers})
}

func (s *Sim) readBatch(c *call, entry *Request) ([]batchItem, *graphError) {
	s.mu.Lock()
	err := c.authenticate(entry)
	s.mu.Unlock()
	if err == nil {
		err = c.checkBody()
	}
	if err == nil {
		err = batchShape.check("", c.body)
	}
	if refused, ok := err.(*graphError); ok {
		return nil, refused
	}
	var in struct {
		Requests []batchItem `json:"requests"`
	}
	switch err := json.Unmarshal(c.body, &in); {
	case err != nil:
		return nil, badRequest("Invalid batch payload format: %v", err)
	case len(in.Requests) == 0:
		return nil, badRequest("The batch has no requests.")
	case len(in.Requests) > maxBatch:
		return nil, badRequest("Number of batch request steps exceeds the maximum value of %d.", maxBatch)
	}
	seen := map[string]bool{}
	for _, item := range in.Requests {
		id := strings.ToLower(item.ID)
		switch {
		case id == "" || seen[id]:
			return nil, badRequest("Request id '%s' is missing or used more than once.", item.ID)
		case item.Method == "" || item.URL == "":
			return nil, badRequest("Request '%s' has no method or url.", item.ID)
		case strings.Contains(item.URL, "://"):
			return nil, badRequest("The url of request '%s' must be relative.", item.ID)
		case strings.HasPrefix(strings.TrimPrefix(item.URL, "/"), "v1.0/"):
			return nil, badRequest("The url of request '%s' must not name the version.", item.ID)
		case slices.ContainsFunc(item.DependsOn, func(d string) bool { return !seen[strings.ToLower(d)] }):
			return nil, badRequest("Request '%s' depends on one that does not come before it.", item.ID)
		}
		seen[id] = true
	}
	return in.Requests, nil
}

// batchItem runs one item with the token of the batch.
func (s *Sim) batchItem(c *call, item batchItem) answer {
	address := c.origin + "/v1.0/" + strings.TrimPrefix(item.URL, "/")
	r, err := http.NewRequestWithContext(c.r.Context(), item.Method, address, strings.NewReader(string(item.Body)))
	if err != nil {
		return c.refusal(badRequest("The url of request '%s' is not well formed.", item.ID))
	}
	for k, v := range item.Headers {
		r.Header.Set(k, v)
	}
	r.Header.Set("Authorization", c.r.Header.Get("Authorization"))
	if strings.EqualFold(strings.Trim(r.URL.Path, "/"), "v1.0/$batch") {
		return c.refusal(badRequest("A batch cannot hold a batch."))
	}
	return s.graph(r, true)
}

func (item batchItem) answer(a answer) batchAnswer {
	out := batchAnswer{ID: item.ID, Status: a.status, Headers: map[string]string{}}
	for k := range a.header {
		out.Headers[k] = a.header.Get(k)
	}
	switch {
	case len(a.body) == 0:
	case strings.HasPrefix(a.header.Get("Content-Type"), "application/json"):
		out.Body = json.RawMessage(a.body)
	default:
		out.Body = a.body // base64, as documented for binary answers
	}
	return out
}
