package dashboard

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	// lookEvery is how often it is looked whether anything has changed, while anybody listens.
	lookEvery = 2 * time.Second
	// beat is how often a stream says that it lives.
	beat = 15 * time.Second
	// mostListeners bounds how many pages are kept up to date at once.
	mostListeners = 64
)

// live tells listeners that something has changed; what, they read themselves.
type live struct {
	mutex     sync.Mutex
	listeners map[chan struct{}]bool
	// came tells the one who looks that there is a first listener.
	came chan struct{}
	// done is closed when no more is told.
	done chan struct{}
}

func newLive() *live {
	return &live{listeners: map[chan struct{}]bool{}, came: make(chan struct{}, 1), done: make(chan struct{})}
}

// join gives a channel that has a value whenever something has changed; nil: too many listen.
func (l *live) join() chan struct{} {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if len(l.listeners) >= mostListeners {
		return nil
	}
	c := make(chan struct{}, 1)
	l.listeners[c] = true
	select {
	case l.came <- struct{}{}:
	default:
	}
	return c
}

// leave gives back what join gave.
func (l *live) leave(c chan struct{}) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	delete(l.listeners, c)
}

func (l *live) heard() bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return len(l.listeners) > 0
}

func (l *live) tell() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for c := range l.listeners {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Run looks, while anybody listens, whether anything has changed, until ctx ends; all streams end then, too. It is run once.
func (d *Dashboard) Run(ctx context.Context) {
	defer d.logins.Wait()
	defer d.endLive()
	var last [sha256.Size]byte
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.live.came:
		}
		last = d.print(ctx)
		looks := time.NewTicker(lookEvery)
		for d.live.heard() && ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-looks.C:
				if now := d.print(ctx); now != last {
					last = now
					d.live.tell()
				}
			}
		}
		looks.Stop()
	}
}

// endLive ends all streams and logins; no more begin.
func (d *Dashboard) endLive() {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	close(d.live.done)
}

// print is another one whenever a page would be.
func (d *Dashboard) print(ctx context.Context) [sha256.Size]byte {
	ctx, cancel := context.WithTimeout(ctx, pageTime)
	defer cancel()
	s := d.o.Gateway.Status(ctx)
	s.At = time.Time{}
	whole := struct {
		Status, Subscriptions, Audit, SignIns, Found, Level any
		Said                                                int
	}{Status: s, Subscriptions: d.o.Gateway.Subscriptions(), Level: d.o.Works.LogLevel()}
	if newest, err := d.o.Store.Audit(ctx, 0, 1); err == nil {
		whole.Audit = newest
	}
	whole.SignIns, whole.Found = d.looked(time.Now())
	if c, err := d.counts(ctx, time.Now()); err == nil {
		whole.Said = c.sum
	}
	text, err := json.Marshal(whole)
	if err != nil { // a mistake of ours; pages renew themselves each minute all the same
		return [sha256.Size]byte{}
	}
	return sha256.Sum256(text)
}

// listen is a stream of events "changed" (https://html.spec.whatwg.org/multipage/server-sent-events.html).
func (d *Dashboard) listen(w http.ResponseWriter, r *http.Request, _ guest) {
	news := d.live.join()
	if news == nil {
		http.Error(w, "too many pages are open", http.StatusServiceUnavailable)
		return
	}
	defer d.live.leave(news)
	stream := http.NewResponseController(w)
	write := func(text string) bool {
		_ = stream.SetWriteDeadline(time.Now().Add(2 * beat))
		_, err := fmt.Fprint(w, text)
		return err == nil && stream.Flush() == nil
	}
	_ = stream.SetReadDeadline(time.Time{}) // the server's own would end the stream
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold it back
	beats := time.NewTicker(beat)
	defer beats.Stop()
	ends := time.NewTimer(sessionLife) // then one has to log in again
	defer ends.Stop()
	for alive := write("retry: 3000\n\n"); alive; {
		select {
		case <-r.Context().Done():
			return
		case <-d.live.done:
			return
		case <-ends.C:
			return
		case <-news:
			alive = write("event: changed\ndata: \n\n")
		case <-beats.C:
			alive = write(": alive\n\n")
		}
	}
}
