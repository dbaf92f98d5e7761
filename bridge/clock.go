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

// Findings tells how the two clocks go together; nothing where the service has not told the time.
func (c *Clock) Findings(whose string) []Finding {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	switch {
	case !c.known:
		return nil
	case c.ahead.Abs() <= clockNear:
		return []Finding{{Fine: true, Text: fmt.Sprintf("the clock of %s and that of this machine agree", whose)}}
	}
	word := "behind"
	if c.ahead < 0 {
		word = "ahead of"
	}
	return []Finding{{Text: fmt.Sprintf("the clock of this machine is %v %s that of %s: signatures and tokens will be refused, from 5 minutes on at the latest",
		c.ahead.Abs().Round(time.Second), word, whose), Next: "set the clock by the network: timedatectl set-ntp true"}}
}
