package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Scraping is who may read the numbers below /metrics.
type Scraping struct {
	// Token must be shown; empty: see [Site.mayScrape].
	Token string
	// Numbers answers.
	Numbers http.Handler
}

// metrics shows the numbers to whoever may see them. Nothing is looked at for others.
func (s Site) metrics(w http.ResponseWriter, r *http.Request) {
	if s.Scraping.Token != "" {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") || !sameToken(token, s.Scraping.Token) {
			w.Header().Set("WWW-Authenticate", Realm)
			answer(w, http.StatusUnauthorized, []byte(`{"error":"show the Token of [metrics]"}`+"\n"))
			return
		}
	} else if s.PublicURL != "" || !fromThisMachine(r) {
		answer(w, http.StatusForbidden, []byte(`{"error":"set Token in [metrics]: without it, and with PublicURL or from elsewhere, nobody may read the numbers"}`+"\n"))
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	s.Scraping.Numbers.ServeHTTP(w, r)
}

// sameToken takes the same time whatever is shown.
func sameToken(shown, want string) bool {
	a, b := sha256.Sum256([]byte(shown)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// handedOn are headers by which proxies say for whom they ask.
var handedOn = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"}

// fromThisMachine tells whether a program on this machine asks by itself: a proxy asks from here as well, and a page from elsewhere can have a browser
// here ask by another name. A proxy that says nothing of itself and asks by our own address is not told apart; so with a PublicURL this is not enough.
func fromThisMachine(r *http.Request) bool {
	for _, name := range handedOn {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !from.Addr().Unmap().IsLoopback() {
		return false
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}
