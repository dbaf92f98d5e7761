package bridge

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// clockNear is how far two clocks may differ without being worth a word. Services take what is up to 5 minutes old or ahead, in
// signatures and tokens.
const clockNear = 30 * time.Second

// Clock remembers how far a service's clock was ahead of this machine's in its last answer.
type Clock struct {
	mutex sync.Mutex
	ahead time.Duration
	known bool
}

// Note takes the time off an answer, which counts whole seconds, to a request that was sent and answered then.
func (c *Clock) Note(header http.Header, sent, received time.Time) {
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return // a proxy took it away
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	between := sent.Add(received.Sub(sent) / 2)
	c.ahead, c.known = date.Add(time.Second/2).Sub(between), true
}

// SetClock is the next step where this machine's clock is wrong.
const SetClock = "set the clock by the network: timedatectl set-ntp true"

// Ahead is by how much the service's clock was ahead of this machine's; 0 where the service has not told the time.
func (c *Clock) Ahead() time.Duration {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.ahead
}

// Now is the time by the service's clock; zero where the service has not told it.
func (c *Clock) Now() time.Time {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if !c.known {
		return time.Time{}
	}
	return time.Now().Add(c.ahead)
}

// Differs tells how this machine's clock goes when it differs from the service's by more than that, as "1h0m0s ahead of"; empty when it does not,
// or where the service has not told the time.
func (c *Clock) Differs(than time.Duration) string {
	ahead := c.Ahead()
	switch {
	case ahead.Abs() <= than:
		return ""
	case ahead < 0:
		return fmt.Sprintf("%v ahead of", ahead.Abs().Round(time.Second))
	}
	return fmt.Sprintf("%v behind", ahead.Round(time.Second))
}

// Findings tells how the two clocks go together; nothing where the service has not told the time.
func (c *Clock) Findings(whose string) []Finding {
	c.mutex.Lock()
	known := c.known
	c.mutex.Unlock()
	how := c.Differs(clockNear)
	switch {
	case !known:
		return nil
	case how == "":
		return []Finding{{Fine: true, Text: fmt.Sprintf("the clock of %s and that of this machine agree", whose)}}
	}
	return []Finding{{Text: fmt.Sprintf("the clock of this machine is %s that of %s: signatures and tokens will be refused, from 5 minutes on at the latest", how, whose), Next: SetClock}}
}
