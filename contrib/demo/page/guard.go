package page

import (
	"crypto/rand"
	"crypto/subtle"
	"net"
	"net/http"
	"strings"
)

// policy lets the page load what its own server has, and nothing else; no text can become script.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
	"form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

func newKey() string { return rand.Text() }

// guarded lets in who has the key and comes from the page itself.
func (p *Page) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		switch {
		case !local(r.Host): // another name that leads here: DNS rebinding
			http.Error(w, "This page answers to loopback addresses only.", http.StatusMisdirectedRequest)
		case r.Method != http.MethodGet && r.Method != http.MethodHead && !sameOrigin(r):
			http.Error(w, "Only the page itself may act.", http.StatusForbidden)
		case r.URL.Path == "/" && p.fits(r.URL.Query().Get("key")):
			http.SetCookie(w, &http.Cookie{Name: p.cookie(), Value: p.key, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
			http.Redirect(w, r, "/", http.StatusSeeOther)
		case !p.known(r):
			http.Error(w, "Open the address that the demonstration has printed, with its key.", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// local reports whether a Host header names this machine. The port does not matter: it may be a forwarded one.
func local(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.Trim(host, "[]")
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// sameOrigin reports whether a request comes from this page, as all browsers say of a POST.
func sameOrigin(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return r.Header.Get("Origin") == "http://"+r.Host && (site == "" || site == "same-origin")
}

// cookie has the port in its name, since browsers keep one set of cookies for all ports of a host.
func (p *Page) cookie() string {
	_, port, _ := net.SplitHostPort(p.listener.Addr().String())
	return "causeway-demo-" + port
}

func (p *Page) known(r *http.Request) bool {
	cookie, err := r.Cookie(p.cookie())
	return err == nil && p.fits(cookie.Value)
}

func (p *Page) fits(key string) bool {
	return subtle.ConstantTimeCompare([]byte(key), []byte(p.key)) == 1
}
