package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestAFrontMakesEachTrouble: what the client sees of it, and whether the request took effect.
func TestAFrontMakesEachTrouble(t *testing.T) {
	body := strings.Repeat("0123456789", 500)
	var served atomic.Int64
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		served.Add(1)
		fmt.Fprint(w, body)
	}))
	defer service.Close()
	f := newFront(t, service.URL)
	for name, c := range map[string]struct {
		odds   odds
		status int // 0: there is no answer
		cut    bool
		effect int64
	}{
		"calm":         {odds{}, 200, false, 1},
		"throttled":    {odds{throttled: 1}, 429, false, 0},
		"failed":       {odds{failed: 1}, 500, false, 0},
		"failed after": {odds{failedAfter: 1}, 500, false, 1},
		"lose request": {odds{loseRequest: 1}, 0, false, 0},
		"lose answer":  {odds{loseAnswer: 1}, 0, false, 1},
		"truncated":    {odds{truncated: 1}, 200, true, 1},
		"slow":         {odds{slow: 1}, 200, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			f.trouble(1, c.odds)
			served.Store(0)
			answer, err := http.Post(f.URL, "text/plain", strings.NewReader("hello")) // a POST is not repeated by the client itself
			if c.status == 0 {
				if err == nil {
					t.Error("there is an answer")
				}
			} else {
				if err != nil {
					t.Fatal(err)
				}
				defer answer.Body.Close()
				text, err := io.ReadAll(answer.Body)
				if answer.StatusCode/100 != c.status/100 || c.status == 429 && answer.Header.Get("Retry-After") != "1" {
					t.Errorf("%s %v", answer.Status, answer.Header)
				}
				if cut := errors.Is(err, io.ErrUnexpectedEOF); cut != c.cut || !cut && c.status == 200 && string(text) != body {
					t.Errorf("%d bytes, %v", len(text), err)
				}
			}
			if served.Load() != c.effect {
				t.Errorf("it took effect %d times, want %d", served.Load(), c.effect)
			}
		})
	}
}
