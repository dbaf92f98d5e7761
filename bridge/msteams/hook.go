package msteams

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"causeway/bridge"
	"causeway/bridge/msteams/notification"
)

const (
	// takeTime is how long a delivery may take to be stored. Graph counts answers after 3 s as slow, and repeats a
	// delivery that is refused.
	takeTime = 2500 * time.Millisecond
	// readAtOnce is how many bytes the bodies may have together that are being read, and may not be genuine. It is memory that is counted, not
	// deliveries: one without a place has every channel read, so that must be rare. smallestBody is what the smallest counts for.
	readAtOnce   = 8 * notification.MaxBody
	smallestBody = 16 << 10
	// takenAtOnce is how many deliveries may wait for their channel or the disk.
	takenAtOnce = 256
)

// hook is what Graph calls. It stands from the beginning, since subscriptions outlive a run; what comes while no feed runs is
// refused, and Graph repeats it.
type hook struct {
	a *account
	// reading holds the bytes that are being read, taking a value for each delivery that is taken.
	reading *semaphore.Weighted
	taking  chan struct{}

	mu  sync.Mutex
	run *subscriber
}

// Handler answers Graph's deliveries, unless messages are polled, and whoever looks at people's pictures; nil where nobody
// can reach it.
func (a *account) Handler() http.Handler {
	if a.env.Hook == "" {
		return nil
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+photosPath+"{user}/{mark}", a.photos.serve)
	if how, _ := a.receiving(); how != byNotifications {
		return mux
	}
	mux.HandleFunc("POST /messages", func(w http.ResponseWriter, r *http.Request) { a.hook.serve(w, r, (*subscriber).take) })
	mux.HandleFunc("POST /lifecycle", func(w http.ResponseWriter, r *http.Request) { a.hook.serve(w, r, (*subscriber).takeLifecycle) })
	return mux
}

// set lets a run take deliveries, or none with nil.
func (h *hook) set(s *subscriber) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.run = s
}

// enter gives the present run, which then waits for done; nil when there is none.
func (h *hook) enter() (s *subscriber, done func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.run == nil {
		return nil, func() {}
	}
	h.run.taking.Add(1)
	return h.run, h.run.taking.Done
}

func (h *hook) serve(w http.ResponseWriter, r *http.Request, take func(*subscriber, context.Context, notification.Collection) error) {
	run, done := h.enter()
	defer done()
	switch {
	case run == nil:
		refuse(w, http.StatusServiceUnavailable)
		return
	case subtle.ConstantTimeCompare([]byte(r.URL.Query().Get("state")), []byte(run.mark())) != 1:
		refuse(w, http.StatusNotFound) // not an address that we have given to anybody
		return
	case notification.IsHandshake(r):
		if err := notification.Handshake(w, r); err != nil {
			h.a.log.WithError(err).Debug("A handshake was refused.")
		}
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), takeTime)
	defer cancel()
	defer context.AfterFunc(run.ctx, cancel)()
	c, status := h.read(ctx, w, r)
	if status != 0 {
		if status == http.StatusServiceUnavailable {
			run.refused(c)
			h.a.env.Notified(bridge.Postponed, len(c.Items))
		}
		refuse(w, status)
		return
	}
	if err := h.take(ctx, run, func() error { return take(run, ctx, c) }); err != nil {
		if errors.Is(err, errNoPlace) {
			run.refused(c)
		}
		h.a.env.Notified(bridge.Postponed, len(c.Items))
		h.a.log.WithError(err).Debug("A delivery could not be taken now.")
		refuse(w, http.StatusServiceUnavailable)
		return
	}
	h.a.env.Notified(bridge.Taken, len(c.Items))
	w.WriteHeader(http.StatusAccepted)
}

// errNoPlace: as many deliveries as there are places for wait already.
var errNoPlace = errors.New("waiting for a place")

// take waits for a place, has a delivery taken, and gives up waiting for that when ctx ends: a store that stalls must not keep the
// answer back, since Graph throws away what is for an address that does not answer within 10 s. The run waits for what goes on.
func (h *hook) take(ctx context.Context, run *subscriber, take func() error) error {
	select {
	case h.taking <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", errNoPlace, ctx.Err())
	}
	taken := make(chan error, 1)
	run.taking.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				taken <- fmt.Errorf("internal error: %v", p)
			}
			<-h.taking
		}()
		taken <- take()
	})
	select {
	case err := <-taken:
		return err
	case <-ctx.Done():
		return fmt.Errorf("waiting for the store: %w", ctx.Err())
	}
}

// read reads a delivery, or gives the status to refuse it with.
func (h *hook) read(ctx context.Context, w http.ResponseWriter, r *http.Request) (notification.Collection, int) {
	size := bodySize(r)
	if err := h.reading.Acquire(ctx, size); err != nil {
		return notification.Collection{}, http.StatusServiceUnavailable
	}
	defer h.reading.Release(size)
	deadline, _ := ctx.Deadline()
	_ = http.NewResponseController(w).SetReadDeadline(deadline) // where there is no connection, there is nothing to wait for
	body, err := readAll(http.MaxBytesReader(w, r.Body, notification.MaxBody), r.ContentLength)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return notification.Collection{}, http.StatusRequestEntityTooLarge
	case err != nil: // who sent it has gone, or is too slow
		return notification.Collection{}, http.StatusBadRequest
	}
	c, err := notification.Parse(body)
	if err != nil {
		h.a.log.WithError(err).Debug("A delivery that is none was refused.")
		return notification.Collection{}, http.StatusBadRequest
	}
	return c, 0
}

// bodySize is how many bytes a body may have: what its sender says, or the most that is read of it.
func bodySize(r *http.Request) int64 {
	if r.ContentLength < 0 {
		return notification.MaxBody
	}
	return min(max(r.ContentLength, smallestBody), notification.MaxBody)
}

// readAll reads a body of which its sender says how long it is; what nobody has sent yet takes no memory beyond a little.
func readAll(body io.Reader, length int64) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(int(min(max(length, 0)+bytes.MinRead, 256<<10)))
	_, err := b.ReadFrom(body)
	return b.Bytes(), err
}

// refuse answers with a status alone. What is refused for now is repeated.
func refuse(w http.ResponseWriter, status int) {
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "10")
	}
	http.Error(w, strings.ToLower(http.StatusText(status)), status)
}
