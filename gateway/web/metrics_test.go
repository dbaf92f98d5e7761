package web

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestWhoMayReadTheNumbers(t *testing.T) {
	const token = "a token of twenty characters"
	for name, c := range map[string]struct {
		token, public, from, host string
		header                    [2]string
		want                      int
	}{
		"a program here":                      {from: "127.0.0.1:5000", host: "127.0.0.1:9080", want: 200},
		"a program here, by name":             {from: "[::1]:5000", host: "localhost:9080", want: 200},
		"a program here, by IPv6":             {from: "[::ffff:127.0.0.1]:5000", host: "[::1]:9080", want: 200},
		"from elsewhere":                      {from: "192.0.2.1:5000", host: "127.0.0.1:9080", want: 403},
		"a page in a browser here":            {from: "127.0.0.1:5000", host: "evil.example.com", want: 403},
		"by a proxy":                          {from: "127.0.0.1:5000", host: "127.0.0.1:9080", header: [2]string{"X-Forwarded-For", "192.0.2.1"}, want: 403},
		"by a proxy that says via":            {from: "127.0.0.1:5000", host: "127.0.0.1:9080", header: [2]string{"Via", "1.1 x"}, want: 403},
		"a program here, with PublicURL":      {public: "https://causeway.example.com", from: "127.0.0.1:5000", host: "127.0.0.1:9080", want: 403},
		"without the token":                   {token: token, from: "127.0.0.1:5000", host: "127.0.0.1:9080", want: 401},
		"with another token":                  {token: token, from: "127.0.0.1:5000", host: "127.0.0.1:9080", header: [2]string{"Authorization", "Bearer a token of twenty character"}, want: 401},
		"with the token as a password":        {token: token, from: "127.0.0.1:5000", host: "127.0.0.1:9080", header: [2]string{"Authorization", "Basic " + token}, want: 401},
		"with the token, from elsewhere":      {token: token, from: "192.0.2.1:5000", host: "causeway.example.com", public: "https://causeway.example.com", header: [2]string{"Authorization", "bearer " + token}, want: 200},
		"an empty token where one is needed":  {token: token, from: "127.0.0.1:5000", host: "127.0.0.1:9080", header: [2]string{"Authorization", "Bearer "}, want: 401},
		"nobody knows where the request from": {from: "@", host: "127.0.0.1:9080", want: 403},
	} {
		asked := 0
		site := Site{PublicURL: c.public, Scraping: Scraping{Token: c.token, Numbers: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ })}}
		r := httptest.NewRequest(http.MethodGet, "http://"+c.host+"/metrics", nil)
		r.RemoteAddr = c.from
		if c.header[0] != "" {
			r.Header.Set(c.header[0], c.header[1])
		}
		w := httptest.NewRecorder()
		site.handler().ServeHTTP(w, r)
		if w.Code != c.want || (asked == 1) != (c.want == 200) {
			t.Errorf("%s: %d, asked %d times: %s", name, w.Code, asked, w.Body)
		}
	}
	w := httptest.NewRecorder()
	Site{}.handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("switched off: %d", w.Code)
	}
}
