package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestOrdersAreTakenFromWhoeverMayGiveThem(t *testing.T) {
	var taken []string
	site := Site{
		Orders: map[string]Order{PeoplePath: func(_ context.Context, order []byte) (any, error) {
			taken = append(taken, string(order))
			if string(order) == "nonsense" {
				return nil, errors.New("there is no order nonsense")
			}
			return map[string]int{"done": 1}, nil
		}},
		MayOrder: func(token string, order []byte) bool { return token == "right for "+string(order) },
	}
	const refused = `401 {"error":"causeway does this"}`
	for _, test := range []struct{ method, header, body, want string }{
		{"POST", "", "invite", refused},
		{"POST", "right for invite", "invite", refused},
		{"POST", "Basic right for invite", "invite", refused},
		{"POST", "Bearer wrong", "invite", refused},
		{"POST", "Bearer right for invite", "sync", refused},
		{"POST", "Bearer right for " + strings.Repeat("x", maxOrder+1), strings.Repeat("x", maxOrder+1), refused},
		{"GET", "Bearer right for ", "", "405 Method Not Allowed"},
		{"POST", "Bearer right for invite", "invite", `200 {"done":1}`},
		{"POST", "bearer right for nonsense", "nonsense", `400 {"error":"there is no order nonsense"}`},
	} {
		r := httptest.NewRequest(test.method, PeoplePath, strings.NewReader(test.body))
		r.Header.Set("Authorization", test.header)
		w := httptest.NewRecorder()
		site.handler().ServeHTTP(w, r)
		got := http.StatusText(w.Code)
		if w.Code != http.StatusMethodNotAllowed {
			got = strings.TrimSpace(w.Body.String())
		}
		if got = strings.Join([]string{w.Result().Status[:3], got}, " "); got != test.want {
			t.Errorf("%s %.40q %.20q: %s, want %s", test.method, test.header, test.body, got, test.want)
		}
	}
	if got := strings.Join(taken, " "); got != "invite nonsense" {
		t.Errorf("taken: %s", got)
	}
	w := httptest.NewRecorder()
	Site{}.handler().ServeHTTP(w, httptest.NewRequest("POST", PeoplePath, nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("without orders: %d", w.Code)
	}
}

func TestWhatOutlastsWhoeverHasAskedForItEndsWithTheServer(t *testing.T) {
	begun, gone := make(chan struct{}), make(chan error, 1)
	address, stop := serve(t, Site{
		MayOrder: func(string, []byte) bool { return true },
		Orders: map[string]Order{PeoplePath: func(ctx context.Context, _ []byte) (any, error) {
			lasting, cancel := Outlasting(ctx, OrderTime)
			defer cancel()
			close(begun)
			<-ctx.Done()
			gone <- lasting.Err()
			<-lasting.Done()
			return nil, lasting.Err()
		}},
	})
	asking, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(asking, http.MethodPost, "http://"+address+PeoplePath, strings.NewReader("do it"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer token")
	go func() {
		<-begun
		leave()
	}()
	if _, err := http.DefaultClient.Do(r); !errors.Is(err, context.Canceled) {
		t.Fatalf("asking gave %v", err)
	}
	if err := <-gone; err != nil {
		t.Errorf("it ended with its request: %v", err)
	}
	if err := stop(); err != nil { // which waits for it
		t.Errorf("stopping gave %v", err)
	}
}
