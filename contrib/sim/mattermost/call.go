package mattermost

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
)

// call is one REST request while it is handled.
type call struct {
	s      *Server
	r      *http.Request
	id     string // X-Request-Id
	at     time.Time
	token  string
	user   *user // nil: not authenticated
	route  *route
	params map[string]string
	body   []byte
	header http.Header
	status int
	fault  *Fault
	served *content // the answer is a file
}

// raw is an answer that is not JSON.
type raw []byte

// notModified is the answer to a conditional request whose ETag still holds.
type notModified struct{}

// redirect is the answer to a browser that is sent elsewhere.
type redirect string

// statusOK is what calls without a result answer.
var statusOK = map[string]string{"status": "OK"}

// run reads the body, handles the call under the lock and encodes the answer
// while the lock still protects what it points to.
func (s *Server) run(c *call, f *Fault) (int, []byte) {
	c.header, c.fault = http.Header{}, f
	c.header.Set("Content-Type", "application/json")
	c.header.Set("X-Request-Id", c.id)
	c.header.Set("X-Version-Id", serverVersionID)
	if c.r.Method == http.MethodGet {
		c.header.Set("Expires", "0")
	}
	if c.route == nil {
		return c.failed(fail("", "api.context.404.app_error", http.StatusNotFound))
	}
	if c.user == nil && !c.route.public {
		return c.failed(fail("ServeHTTP", "api.context.session_expired.app_error", http.StatusUnauthorized))
	}
	if !c.route.stream {
		if err := c.readBody(); err != nil {
			return c.failed(err)
		}
	}
	defer s.flushHooks()
	s.mu.Lock()
	defer s.mu.Unlock()
	answer, appErr := c.route.handle(c)
	if appErr != nil {
		return c.failed(appErr)
	}
	switch a := answer.(type) {
	case raw:
		return c.status, a
	case content:
		c.served = &a
		return c.status, nil
	case redirect:
		c.header.Set("Location", string(a))
		return http.StatusFound, nil
	case notModified:
		return http.StatusNotModified, nil
	}
	data, err := json.Marshal(answer)
	if err != nil {
		return c.failed(fail(c.route.template, "api.marshal_error", http.StatusInternalServerError))
	}
	return c.status, append(data, '\n')
}

func (c *call) readBody() *model.AppError {
	const slack = bytes.MinRead // the real server reads a little more than the setting says
	data, err := io.ReadAll(http.MaxBytesReader(nil, c.r.Body, MaxBodyBytes+slack))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return fail(c.route.template, "api.context.request_body_too_large.app_error", http.StatusRequestEntityTooLarge)
	case err != nil:
		return invalidBody()
	}
	c.body = data
	return nil
}

func (c *call) failed(err *model.AppError) (int, []byte) {
	err.RequestId, err.Where = c.id, c.r.URL.Path
	return err.StatusCode, []byte(err.ToJSON())
}

// write sends the answer; a file in ranges, as it was asked for.
func (c *call) write(w http.ResponseWriter, status int, body []byte) {
	for k, v := range c.header {
		w.Header()[k] = v
	}
	if c.served != nil {
		w.Header().Set("Content-Type", c.served.kind)
		http.ServeContent(w, c.r, c.served.name, c.served.at, c.served.data)
		return
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone is no concern of ours
}

// decode reads the JSON body.
func (c *call) decode(into any) *model.AppError {
	if json.NewDecoder(bytes.NewReader(c.body)).Decode(into) != nil {
		return invalidBody()
	}
	return nil
}

// ids reads a body that is a list of ids; it must not be empty.
func (c *call) ids() ([]string, *model.AppError) {
	var ids []string
	if err := c.decode(&ids); err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, invalidBody()
	}
	return ids, nil
}

// page reads page and per_page, which is capped at 200.
func (c *call) page() (page, perPage int) {
	q := c.r.URL.Query()
	page, _ = strconv.Atoi(q.Get("page"))
	perPage, err := strconv.Atoi(q.Get("per_page"))
	if err != nil || perPage < 0 {
		perPage = defaultPerPage
	}
	return max(page, 0), min(perPage, MaxPerPage)
}

// cutPage returns one page of a list.
func cutPage[T any](list []T, page, perPage int) []T {
	from := min(page*perPage, len(list))
	return list[from:min(from+perPage, len(list))]
}

// fresh sets the ETag and says whether the client has it already.
func (c *call) fresh(etag string) bool {
	if c.r.Header.Get("If-None-Match") == etag {
		return true
	}
	c.header.Set("Etag", etag)
	return false
}

// outside runs f, which may take long and may call this server, without the lock.
func (c *call) outside(f func()) {
	c.s.mu.Unlock()
	defer c.s.mu.Lock()
	f()
}

// userParam is the user named in the path: "me" is the caller. Nil when there is none.
func (c *call) userParam() *user {
	if id := c.params["user_id"]; id != "me" {
		return c.s.users[id]
	}
	return c.user
}

// userID is the id in the path, which may belong to nobody.
func (c *call) userID() string {
	if id := c.params["user_id"]; id != "me" {
		return id
	}
	return c.user.Id
}
