package mattermost

import (
	"net/http"
	"sync"
	"time"
)

// clock is the server's: never ahead of it, and behind by less than a second. Cursors and beginnings count by it alone,
// so that a wrong clock on this machine does no harm.
type clock struct {
	mu sync.Mutex
	// ahead is how much the server's clock is at least ahead of ours.
	ahead  time.Duration
	synced bool
}

// sync takes the time off a REST answer, which counts whole seconds.
func (c *clock) sync(answer *http.Response) {
	date, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return // a proxy took it away: our own clock must do
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if ahead := time.Until(date); !c.synced || ahead > c.ahead || c.ahead-ahead > 2*time.Second {
		c.ahead, c.synced = ahead, true
	}
}

// syncMillis takes the time that the answer to a ping tells.
func (c *clock) syncMillis(server int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead, c.synced = time.Until(time.UnixMilli(server)), true
}

// now gives milliseconds.
func (c *clock) now() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead).UnixMilli()
}

// Now is the time by the server's clock.
func (a *account) Now() time.Time {
	a.clock.mu.Lock()
	known := a.clock.synced
	a.clock.mu.Unlock()
	if !known {
		return time.Time{}
	}
	return time.UnixMilli(a.clock.now())
}
