package teams

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// Addresses for bytes, which stand for other hosts than Graph's: whoever knows one needs no token, and must not send any.
const (
	uploadPath   = "/upload/"
	downloadPath = "/download/"
)

const (
	fragmentUnit    = 320 << 10
	largestFragment = 60 << 20
	sessionLifetime = 24 * time.Hour
	ticketLifetime  = time.Hour
)

// session is an upload session.
type session struct {
	folder   *item
	name     string
	conflict string
	by       *User
	expires  time.Time
	content  *os.File
	at       int64 // next byte that is expected
	busy     bool
}

// pass is an address from which a file can be read for a while.
type pass struct {
	item    *item
	expires time.Time
}

// ticket makes such an address. The caller holds s.mu.
func (s *Sim) ticket(i *item) string {
	t := newSecret("")
	s.passes[t] = pass{i, s.opts.Now().Add(ticketLifetime)}
	return t
}

func createUploadSession(c *call) (int, any, error) {
	folder, err := c.found(true)
	if err != nil {
		return 0, nil, err
	}
	var in struct {
		Item struct {
			Type     string `json:"@odata.type"`
			Conflict string `json:"@microsoft.graph.conflictBehavior"`
			Name     string `json:"name"`
			FileSize int64  `json:"fileSize"`
		} `json:"item"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return 0, nil, badRequest("Unable to read JSON request payload.")
	}
	name, conflict := c.params[2], in.Item.Conflict
	if conflict == "" {
		conflict = "fail"
	}
	if err := checkName(name); err != nil {
		return 0, nil, err
	}
	if _, _, err := folder.place(name, conflict); err != nil {
		return 0, nil, err
	}
	content, err := spool(strings.NewReader(""), 0)
	if err != nil {
		return 0, nil, err
	}
	id := newSecret("")
	up := &session{folder: folder, name: name, conflict: conflict, by: c.token.user, expires: c.sim.opts.Now().Add(sessionLifetime), content: content}
	c.sim.sessions[id] = up
	return http.StatusOK, map[string]any{"@odata.context": c.context("microsoft.graph.uploadSession"), "uploadUrl": c.origin + uploadPath + id,
		"expirationDateTime": timeText(up.expires.UnixMilli()), "nextExpectedRanges": []string{"0-"}}, nil
}

func (up *session) state() map[string]any {
	return map[string]any{"expirationDateTime": timeText(up.expires.UnixMilli()), "nextExpectedRanges": []string{strconv.FormatInt(up.at, 10) + "-"}}
}

// transfer handles a request to an address for bytes.
func (s *Sim) transfer(w http.ResponseWriter, r *http.Request) {
	kind, id := uploadPath, strings.TrimPrefix(r.URL.Path, uploadPath)
	if strings.HasPrefix(r.URL.Path, downloadPath) {
		kind, id = downloadPath, strings.TrimPrefix(r.URL.Path, downloadPath)
	}
	entry := Request{At: s.opts.Now(), Method: r.Method, Path: r.URL.Path, Template: kind + "{id}"}
	fault := s.fault(&entry, r)
	s.await(r, fault.delay)
	if fault.drops && !fault.after {
		s.log(entry)
		panic(http.ErrAbortHandler)
	}
	c := &call{sim: s, r: r, origin: originOf(r), header: http.Header{}}
	var a answer
	switch {
	case fault.status != 0 && !fault.after:
		a = c.refusal(fault.refusal())
	case r.Header.Get("Authorization") != "":
		a = c.refusal(refuse(http.StatusUnauthorized, "unauthenticated", "An Authorization header is not taken here."))
	case kind == downloadPath:
		if s.download(w, r, &entry, id) {
			return
		}
		a = c.refusal(refuse(http.StatusNotFound, "itemNotFound", "The address has expired."))
	default:
		status, body, err := c.fragment(id)
		a = c.made(status, body, err)
	}
	if fault.after {
		entry.Status, entry.Lost = a.status, fault.drops
		if fault.drops {
			s.log(entry)
			panic(http.ErrAbortHandler)
		}
		a = c.refusal(fault.refusal())
	}
	entry.Status = a.status
	s.log(entry)
	for k, v := range a.header {
		w.Header()[k] = v
	}
	w.WriteHeader(a.status)
	w.Write(a.body) // the client's business when it has gone
}

// download sends a file, in ranges as asked for.
func (s *Sim) download(w http.ResponseWriter, r *http.Request, entry *Request, id string) bool {
	s.mu.Lock()
	p, known := s.passes[id]
	known = known && s.opts.Now().Before(p.expires) && p.item.there()
	s.mu.Unlock()
	if !known {
		return false
	}
	entry.Status = http.StatusOK
	s.log(*entry)
	w.Header().Set("Content-Type", p.item.mimeType())
	http.ServeContent(w, r, p.item.name, p.item.created, io.NewSectionReader(p.item.content, 0, p.item.size))
	return true
}

// fragment does what can be done with an upload session.
func (c *call) fragment(id string) (int, any, error) {
	s := c.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	up := s.sessions[id]
	if up == nil || !s.opts.Now().Before(up.expires) {
		return 0, nil, itemNotFound()
	}
	switch c.r.Method {
	case http.MethodGet:
		return http.StatusOK, up.state(), nil
	case http.MethodDelete:
		delete(s.sessions, id)
		return http.StatusNoContent, nil, nil
	case http.MethodPut:
	default:
		return 0, nil, refuse(http.StatusMethodNotAllowed, "invalidRequest", "The method %s is not allowed here.", c.r.Method)
	}
	var from, to, total int64
	if n, err := fmt.Sscanf(c.r.Header.Get("Content-Range"), "bytes %d-%d/%d", &from, &to, &total); n != 3 || err != nil || to < from || to >= total {
		return 0, nil, refuse(http.StatusBadRequest, "invalidRequest", "Invalid Content-Range header value.")
	}
	length := to - from + 1
	switch {
	case c.r.ContentLength != length:
		return 0, nil, refuse(http.StatusBadRequest, "invalidRequest", "Content-Length and Content-Range do not fit.")
	case length > largestFragment:
		return 0, nil, refuse(http.StatusRequestEntityTooLarge, "invalidRequest", "The fragment is too large.")
	case to+1 < total && length%fragmentUnit != 0:
		return 0, nil, refuse(http.StatusBadRequest, "invalidRequest", "Fragments must be multiples of 320 KiB.")
	case up.busy:
		return 0, nil, refuse(http.StatusConflict, "resourceModified", "Another fragment is being received.")
	case from != up.at:
		return 0, nil, refuse(http.StatusRequestedRangeNotSatisfiable, "fragmentOverlap", "The uploaded fragment overlaps with data that has already been received, or leaves a gap.")
	}
	up.busy = true
	s.mu.Unlock()
	n, err := io.Copy(io.NewOffsetWriter(up.content, from), io.LimitReader(c.r.Body, length))
	s.mu.Lock()
	up.busy = false
	if err != nil || n != length {
		panic(http.ErrAbortHandler) // it broke off, and does not count (choice)
	}
	up.at = to + 1
	if up.at < total {
		return http.StatusAccepted, up.state(), nil
	}
	i, _, err := s.fill(up.folder, up.name, up.conflict, up.by, up.content, total)
	if err != nil {
		return 0, nil, err
	}
	delete(s.sessions, id)
	return http.StatusCreated, c.item(i), nil
}
