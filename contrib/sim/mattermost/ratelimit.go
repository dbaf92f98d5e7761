package mattermost

import (
	"math"
	"net"
	"net/http"
	"strconv"
	"time"
)

// limiter is a bucket per remote address (GCRA, as the real server's).
type limiter struct {
	limit RateLimit
	full  map[string]time.Time // when the bucket of an address is empty of debt
}

func (l *limiter) set(limit RateLimit) { *l = limiter{limit: limit, full: map[string]time.Time{}} }

// SetRateLimit switches the rate limit on, or off with a zero value. Buckets
// begin full.
func (s *Server) SetRateLimit(limit RateLimit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limiter.set(limit)
}

// take counts one request. Left is how many more would pass now.
func (l *limiter) take(key string, now time.Time) (allowed bool, left int, reset, retry time.Duration) {
	each := time.Second / time.Duration(l.limit.PerSec)
	tolerance := each * time.Duration(l.limit.MaxBurst)
	debt := l.full[key]
	if debt.Before(now) {
		debt = now
	}
	if wait := debt.Sub(now) - tolerance; wait > 0 {
		return false, 0, debt.Sub(now), wait
	}
	debt = debt.Add(each)
	l.full[key] = debt
	return true, int((tolerance + each - debt.Sub(now)) / each), debt.Sub(now), 0
}

// limited answers 429 in plain text when the caller asks too often.
func (c *call) limited(w http.ResponseWriter) bool {
	s := c.s
	s.mu.Lock()
	if s.limiter.limit.PerSec <= 0 {
		s.mu.Unlock()
		return false
	}
	host, _, err := net.SplitHostPort(c.r.RemoteAddr)
	if err != nil {
		host = c.r.RemoteAddr
	}
	allowed, left, reset, retry := s.limiter.take(host, c.at)
	burst := s.limiter.limit.MaxBurst
	s.mu.Unlock()
	h := w.Header()
	h.Set("X-Ratelimit-Limit", strconv.Itoa(burst+1))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(left))
	h.Set("X-Ratelimit-Reset", seconds(reset))
	if allowed {
		return false
	}
	h.Set("Retry-After", seconds(retry))
	http.Error(w, "limit exceeded", http.StatusTooManyRequests)
	s.note(c, http.StatusTooManyRequests, "")
	return true
}

func seconds(d time.Duration) string { return strconv.Itoa(int(math.Ceil(d.Seconds()))) }
