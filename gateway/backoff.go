package gateway

import "time"

// The bounds of waiting after a failure that is not known better.
const (
	shortestWait = time.Second
	longestWait  = 5 * time.Minute
)

// backoff gives the wait after the n-th failure in a row, counted from 1: doubling, with jitter of a quarter.
func (g *Gateway) backoff(n int) time.Duration {
	wait := longestWait
	if n < 10 {
		wait = min(longestWait, shortestWait<<(n-1))
	}
	return wait - time.Duration(g.random(int64(wait)/4))
}
