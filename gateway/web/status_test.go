package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestStatusIsShownToWhoeverMaySeeIt(t *testing.T) {
	asked := 0
	site := Site{
		Status:       func(context.Context) any { asked++; return map[string]int{"waiting": 3} },
		MaySeeStatus: func(token string) bool { return token == "right" },
	}
	for header, want := range map[string]int{
		"":             http.StatusUnauthorized,
		"right":        http.StatusUnauthorized,
		"Basic right":  http.StatusUnauthorized,
		"Bearer":       http.StatusUnauthorized,
		"Bearer wrong": http.StatusUnauthorized,
		"Bearer right": http.StatusOK,
		"bearer right": http.StatusOK,
	} {
		asked = 0
		r := httptest.NewRequest(http.MethodGet, "/status", nil)
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		w := httptest.NewRecorder()
		site.handler().ServeHTTP(w, r)
		body, seen := `{"waiting":3}`+"\n", 1
		if want != http.StatusOK {
			body, seen = `{"error":"causeway status shows this"}`+"\n", 0
		}
		if w.Code != want || w.Body.String() != body || asked != seen || (w.Header().Get("WWW-Authenticate") == Realm) == (want == http.StatusOK) {
			t.Errorf("%q: %d %v %q, asked %d times", header, w.Code, w.Header(), w.Body, asked)
		}
	}
}

func TestStatusThatCannotBeShownIsAMistakeOfOurs(t *testing.T) {
	site := Site{Status: func(context.Context) any { return func() {} }, MaySeeStatus: func(string) bool { return true }}
	r := httptest.NewRequest(http.MethodGet, "/status", nil)
	r.Header.Set("Authorization", "Bearer x")
	w := httptest.NewRecorder()
	recovering(site.handler(), quiet()).ServeHTTP(w, r)
	if w.Code != http.StatusInternalServerError {
		t.Errorf("answered %d %q", w.Code, w.Body)
	}
}
