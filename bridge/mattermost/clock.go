package mattermost

import (
	"net/http"
	"sync"
	"time"
)

// clock is the server's, as its answers tell it: behind by up to a second, never ahead of it. Cursors and beginnings count by
// it alone, so that a wrong clock on this machine does no harm.
type clock struct {
	mu sync.Mutex
	// ahead is how much the server's clock is ahead of ours.
	ahead time.Duration
}

func (c *clock) sync(answer *http.Response) {
	date, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return // a proxy took it away: our own clock must do
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead = time.Until(date)
}

// now gives milliseconds.
func (c *clock) now() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead).UnixMilli()
}
