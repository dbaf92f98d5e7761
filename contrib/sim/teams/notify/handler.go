package notify

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// Handler is a transport that serves every post with a handler, without a network, so that it works inside a
// testing/synctest bubble. The handler runs in a goroutine of its own: when the poster gives up, it goes on with an ended
// context, as it would in a server. Wait for the handler to end with the function returned.
func Handler(h http.Handler) (transport http.RoundTripper, wait func()) {
	t := &handlerTransport{handler: h}
	return t, t.running.Wait
}

type handlerTransport struct {
	handler http.Handler
	running sync.WaitGroup
}

// RoundTrip implements http.RoundTripper.
func (t *handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.Host, in.RequestURI = r.URL.Host, r.URL.RequestURI()
	in.RemoteAddr = "192.0.2.1:1234"
	var text []byte
	if r.Body != nil {
		defer r.Body.Close()
		var err error
		if text, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	in.Body = io.NopCloser(bytes.NewReader(text))
	rec := &recorder{header: http.Header{}}
	done := make(chan any, 1)
	t.running.Go(func() {
		defer func() { done <- recover() }()
		t.handler.ServeHTTP(rec, in)
	})
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case p := <-done:
		if p != nil {
			if p == http.ErrAbortHandler {
				return nil, io.ErrUnexpectedEOF
			}
			panic(p)
		}
	}
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	return &http.Response{
		Status: strconv.Itoa(rec.status) + " " + http.StatusText(rec.status), StatusCode: rec.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: rec.header,
		Body: io.NopCloser(&rec.body), ContentLength: int64(rec.body.Len()), Request: r,
	}, nil
}

// recorder keeps an answer in memory.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}
