package msteams

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"causeway/bridge"
	"causeway/bridge/msteams/notification"
)

// timed notes Graph's clock from each answer.
type timed struct {
	next  http.RoundTripper
	clock *bridge.Clock
}

func (t timed) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := time.Now()
	answer, err := t.next.RoundTrip(r)
	if err == nil {
		t.clock.Note(answer.Header, sent, time.Now())
	}
	return answer, err
}

// Now is the time by Graph's clock.
func (a *account) Now() time.Time { return a.clock.Now() }

// misdated deals with a notification whose token has expired, or is not valid yet. Graph may have repeated it for hours: then it is read
// instead. Where none is genuine and this machine's clock is wrong, that is why.
func (s *subscriber) misdated(w *watched, why *notification.TokenError) {
	s.reader.suspect(w)
	how := s.a.clock.Differs(clockSlack)
	s.mu.Lock()
	var before *notification.TokenError
	known := errors.As(s.distrusted, &before) && before.Misdated() // by how much may vary a little
	s.mu.Unlock()
	if how == "" || known || s.vouchedLately() {
		return
	}
	s.distrust(&notification.TokenError{Reason: why.Reason, Hint: bridge.SetClock, Err: fmt.Errorf("%w: this machine's clock is %s Graph's", why.Err, how)})
}

// vouchedLately tells whether a delivery was genuine a short while ago: then what is not may be forged.
func (s *subscriber) vouchedLately() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.vouched) < afterOutage
}
