package notification

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestHandshake(t *testing.T) {
	const real = "Validation: Testing client application reachability for subscription Request-Id: 7b2f1c5e-2e8b-4a0b-8f5c-3f0e3f1f0b1a"
	for _, c := range []struct {
		method, query string
		status        int
		body          string
	}{
		{"POST", "validationToken=" + url.QueryEscape(real), 200, real},
		{"POST", "own=1&validationToken=Validation%3a+Testing+%2b&x=2", 200, "Validation: Testing +"},
		{"POST", "validationToken=" + url.QueryEscape(`<script>alert("x" & 'y')</script>`), 200, "&lt;script&gt;alert(&#34;x&#34; &amp; &#39;y&#39;)&lt;/script&gt;"},
		{"POST", "validationToken=" + strings.Repeat("a", maxHandshake), 200, strings.Repeat("a", maxHandshake)},
		{"POST", "validationToken=" + strings.Repeat("a", maxHandshake+1), 400, "no validation token\n"},
		{"POST", "validationToken=", 400, "no validation token\n"},
		{"POST", "validationToken=a%0d%0aSet-Cookie:x", 400, "no validation token\n"},
		{"POST", "validationToken=%ff", 400, "no validation token\n"},
		{"GET", "validationToken=a", 400, "no validation token\n"},
	} {
		r, w := httptest.NewRequest(c.method, "https://causeway.example/hooks/msteams?"+c.query, nil), httptest.NewRecorder()
		if !IsHandshake(r) {
			t.Errorf("%.60s is none", c.query)
		}
		err := Handshake(w, r)
		if (err == nil) != (c.status == 200) || w.Code != c.status || w.Body.String() != c.body {
			t.Errorf("%.60s: %d, %q, %v", c.query, w.Code, w.Body, err)
		}
		if err != nil && strings.Contains(err.Error(), "aaa") {
			t.Error(err)
		}
		for name, want := range map[string]string{"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'", "Cache-Control": "no-store"} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s", name, got)
			}
		}
	}
	for _, query := range []string{"", "validationtoken=a", "x=validationToken"} {
		if IsHandshake(httptest.NewRequest("POST", "https://causeway.example/hooks/msteams?"+query, nil)) {
			t.Errorf("%q is one", query)
		}
	}
}
