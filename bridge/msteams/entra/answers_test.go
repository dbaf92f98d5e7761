package entra

import (
	"net/http"
	"testing"
	"time"
)

// TestHowLongToWait: whatever is too long is as long as it may be.
func TestHowLongToWait(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"3": 3 * time.Second, "2.5": 2500 * time.Millisecond, "0": 0, "Fri, 02 Jan 2026 03:04:35 GMT": 30 * time.Second,
		"100000": LongestRest, "1000001": LongestRest, "1e300": LongestRest, "1e999": LongestRest, "Inf": LongestRest, "Fri, 31 Dec 9999 23:59:59 GMT": LongestRest,
		"": -1, "soon": -1, "-1": -1, "-1e999": -1, "NaN": -1,
	} {
		got, ok := RetryAfter(http.Header{"Retry-After": {text}}, now)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
