package teams

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxRequest is the size of a whole request that Graph takes, in bytes.
const maxRequest = 4 << 20

// call is one request to Graph on its way through the service.
type call struct {
	sim    *Sim
	r      *http.Request
	origin string // scheme and host as the client sees them
	path   []string
	route  *route
	params []string // the values of {…} in the route's template
	query  map[string]string
	body   []byte
	token  *token
	batch  bool // an item of a batch
	// spooled are the bytes of a route that takes a stream, and streamed is how many they are.
	spooled  *os.File
	streamed int64
	header   http.Header
}

// answer is what a call leads to. A nil body means that there is none.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// ServeHTTP implements http.Handler. Faults that cut the connection panic with http.ErrAbortHandler, as that package
// asks for.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var a answer
	switch {
	case strings.HasPrefix(r.URL.Path, uploadPath), strings.HasPrefix(r.URL.Path, downloadPath):
		s.transfer(w, r)
		return
	case hasPrefixFold(r.URL.Path, "/v1.0/"):
		a = s.graph(r, false)
	default:
		a = s.entra(r)
	}
	for k, v := range a.header {
		w.Header()[k] = v
	}
	w.WriteHeader(a.status)
	w.Write(a.body) // the client's business when it has gone
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// graph handles one request to Graph, or one item of a batch.
func (s *Sim) graph(r *http.Request, batch bool) answer {
	c := &call{sim: s, r: r, batch: batch, origin: originOf(r), header: http.Header{}}
	pathErr := c.split()
	c.receive()
	entry := Request{At: s.opts.Now(), Method: r.Method, Path: r.URL.Path, Template: c.template(), Batch: batch}
	fault := s.fault(&entry, r)
	s.await(r, fault.delay)
	if fault.drops && !fault.after {
		s.log(entry)
		panic(http.ErrAbortHandler)
	}
	var a answer
	switch {
	case fault.status != 0 && !fault.after:
		s.mu.Lock()
		if t := s.bearer(r); t != nil {
			entry.by(t)
		}
		s.mu.Unlock()
		a = c.refusal(fault.refusal())
	case pathErr != nil:
		a = c.refusal(pathErr)
	case c.route != nil && c.route.handle == nil:
		a = s.batch(c, &entry)
	default:
		a = c.perform(&entry)
	}
	if fault.after {
		entry.Status = a.status
		if fault.drops {
			entry.Lost = true
			s.log(entry)
			panic(http.ErrAbortHandler)
		}
		a = c.refusal(fault.refusal())
	}
	entry.Status = a.status
	s.log(entry)
	if s.opts.Observe != nil {
		s.opts.Observe(Answer{Method: r.Method, Template: entry.Template, Status: a.status, Body: a.body})
	}
	return a
}

// receive reads the body: bytes go to disk, all else to memory.
func (c *call) receive() {
	var err error
	if c.route != nil && c.route.stream {
		if c.spooled, err = spool(c.r.Body, largestSmall+1); err == nil {
			c.streamed, err = c.spooled.Seek(0, io.SeekCurrent)
		}
	} else {
		c.body, err = io.ReadAll(io.LimitReader(c.r.Body, maxRequest+1))
	}
	if err != nil {
		panic(http.ErrAbortHandler) // the client has gone; nothing happens
	}
}

// perform runs an ordinary call under the lock.
func (c *call) perform(entry *Request) (a answer) {
	var waits *pause
	c.sim.change(func() {
		status, body, err := c.try(entry)
		if !errors.As(err, &waits) {
			a = c.made(status, body, err)
		}
	})
	if waits == nil {
		return a
	}
	if err := waits.first(c.r.Context()); err != nil {
		return c.made(0, nil, err)
	}
	c.sim.change(func() { a = c.made(waits.then()) })
	return a
}

// made is the answer to what a handler gave.
func (c *call) made(status int, body any, err error) answer {
	var refused *graphError
	switch {
	case errors.As(err, &refused):
		return c.refusal(refused)
	case err != nil:
		return c.refusal(refuse(http.StatusInternalServerError, "InternalServerError", "%v", err))
	}
	return c.success(status, body)
}

// try goes through everything that a request must pass, in the order of the real service as far as it is known: token,
// resource, permission, limits, form of the request, and at last the thing itself.
func (c *call) try(entry *Request) (int, any, error) {
	if err := c.authenticate(entry); err != nil {
		return 0, nil, err
	}
	if c.route == nil {
		return 0, nil, c.noRoute()
	}
	if err := c.permitted(); err != nil {
		return 0, nil, err
	}
	if err := c.throttled(); err != nil {
		return 0, nil, err
	}
	if err := c.readQuery(); err != nil {
		return 0, nil, err
	}
	if err := c.checkBody(); err != nil {
		return 0, nil, err
	}
	return c.route.handle(c)
}

func (c *call) authenticate(entry *Request) error {
	t := c.sim.bearer(c.r)
	switch {
	case c.r.Header.Get("Authorization") == "":
		return refuse(http.StatusUnauthorized, "InvalidAuthenticationToken", "Access token is empty.")
	case t == nil:
		return refuse(http.StatusUnauthorized, "InvalidAuthenticationToken", "IDX14100: JWT is not well formed, or the token is not known.")
	}
	entry.by(t)
	switch {
	case t.revoked, t.user != nil && (t.user.disabled || t.user.gone()):
		return refuse(http.StatusUnauthorized, "InvalidAuthenticationToken", "Continuous access evaluation resulted in challenge: the token was revoked.")
	case !c.sim.opts.Now().Before(t.expires):
		return refuse(http.StatusUnauthorized, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
	}
	c.token = t
	return nil
}

// checkBody applies the rules that hold for every body.
func (c *call) checkBody() error {
	if c.route.stream {
		return nil
	}
	if len(c.body) > maxRequest {
		return refuse(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The request exceeds the maximum size of 4 MB.")
	}
	if !c.route.body {
		if len(bytes.TrimSpace(c.body)) > 0 && !isEmptyObject(c.body) {
			return badRequest("This request takes no body.")
		}
		return nil
	}
	switch mediaType(c.r.Header.Get("Content-Type")) {
	case "application/json":
		return nil
	case "":
		return badRequest("Write requests (excluding DELETE) must contain the Content-Type header declaration.")
	}
	return refuse(http.StatusUnsupportedMediaType, "UnsupportedMediaType", "The content type must be application/json.")
}

func isEmptyObject(body []byte) bool {
	var m map[string]json.RawMessage
	return json.Unmarshal(body, &m) == nil && len(m) == 0
}

func mediaType(header string) string {
	t, _, _ := strings.Cut(header, ";")
	return strings.ToLower(strings.TrimSpace(t))
}

// split takes the path apart and finds the route.
func (c *call) split() *graphError {
	for i, part := range strings.Split(strings.Trim(c.r.URL.EscapedPath(), "/"), "/") {
		if i == 0 {
			continue // v1.0
		}
		text, err := url.PathUnescape(part)
		if err != nil {
			return badRequest("The request URI is not well formed.")
		}
		c.path = append(c.path, text)
	}
	c.route, c.params = findRoute(c.r.Method, c.path)
	return nil
}

func (c *call) template() string {
	if c.route == nil {
		return ""
	}
	return c.route.template
}

func (c *call) noRoute() error {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete} {
		if r, _ := findRoute(method, c.path); r != nil {
			return refuse(http.StatusMethodNotAllowed, "Request_BadRequest", "The method %s is not allowed here.", c.r.Method)
		}
	}
	return badRequest("Resource not found for the segment '%s'.", c.path[len(c.path)-1])
}

// readQuery takes the query apart and refuses what the route does not know.
func (c *call) readQuery() error {
	values, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return badRequest("The query is not well formed.")
	}
	c.query = map[string]string{}
	for name, v := range values {
		switch {
		case len(v) != 1:
			return badRequest("Query option '%s' was specified more than once.", name)
		case !slices.Contains(c.route.options, name) && !(name == "$skiptoken" && c.route.paged):
			return badRequest("Query option '%s' is not allowed.", name)
		}
		c.query[name] = v[0]
	}
	for name, v := range c.query {
		if (name == "$skiptoken" || name == "$deltatoken" && v != latest) && len(c.query) > 1 {
			return badRequest("A nextLink must be followed as it was given.")
		}
	}
	return nil
}

func (c *call) success(status int, body any) answer {
	c.standardHeaders()
	if body == nil {
		return answer{status: status, header: c.header}
	}
	if raw, ok := body.(rawBody); ok {
		c.header.Set("Content-Type", raw.contentType)
		return answer{status: status, header: c.header, body: raw.data}
	}
	c.header.Set("Content-Type", "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8")
	c.header.Set("OData-Version", "4.0")
	return answer{status: status, header: c.header, body: encode(body)}
}

// rawBody is an answer that is not JSON.
type rawBody struct {
	contentType string
	data        []byte
}

func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("teams stand-in: its own answer cannot be encoded: " + err.Error())
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

func (c *call) refusal(e *graphError) answer {
	c.standardHeaders()
	for k, v := range e.header {
		c.header[k] = v
	}
	if e.retryAfter > 0 {
		c.header.Set("Retry-After", wholeSeconds(e.retryAfter))
	}
	c.header.Set("Content-Type", "application/json")
	var body errorJSON
	body.Error.Code, body.Error.Message = e.code, e.message
	body.Error.Inner.Date = errorDate(c.sim.opts.Now())
	body.Error.Inner.RequestID = c.header.Get("request-id")
	body.Error.Inner.ClientRequestID = c.header.Get("client-request-id")
	return answer{status: e.status, header: c.header, body: encode(body)}
}

// wholeSeconds rounds up: coming back after that time is never too early.
func wholeSeconds(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}

func (c *call) standardHeaders() {
	id := newGUID()
	c.header.Set("request-id", id)
	client := c.r.Header.Get("client-request-id")
	if client == "" {
		client = id
	}
	c.header.Set("client-request-id", client)
	c.header.Set("x-ms-ags-diagnostic", `{"ServerInfo":{"DataCenter":"Loopback","Slice":"E","Ring":"0","ScaleUnit":"000","RoleInstance":"SIM0"}}`)
	c.header.Set("Cache-Control", "no-cache")
}

// knowsUnknown tells whether the client asked for enum members that came after unknownFutureValue.
func (c *call) knowsUnknown() bool {
	for _, header := range c.r.Header.Values("Prefer") {
		for p := range strings.SplitSeq(header, ",") {
			if strings.EqualFold(strings.TrimSpace(p), "include-unknown-enum-members") {
				c.header.Set("Preference-Applied", "include-unknown-enum-members")
				return true
			}
		}
	}
	return false
}

func originOf(r *http.Request) string {
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// context is the address of the metadata of an answer.
func (c *call) context(of string) string { return c.origin + "/v1.0/$metadata#" + of }
