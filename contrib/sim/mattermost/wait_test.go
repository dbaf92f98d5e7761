package mattermost

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"
)

// contextOf is a context that the test can end early.
func contextOf(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), 30*time.Second)
}

// eventually waits for something that another goroutine brings about and that
// announces itself by nothing else.
func eventually(t *testing.T, what func() bool) {
	t.Helper()
	ctx, cancel := contextOf(t)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !what() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("it never happened")
		}
	}
}

func decode[T any](t *testing.T, resp *http.Response) (v T) {
	t.Helper()
	if err := json.NewDecoder(resp.Body).Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}
