package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// SameToken takes the same time whatever is shown.
func SameToken(shown, want string) bool {
	a, b := sha256.Sum256([]byte(shown)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// handedOn are headers by which proxies say for whom they ask.
var handedOn = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"}

// FromHere tells whether a program or browser on this machine asks by itself: a proxy asks from here as well, and a page from elsewhere can have a
// browser here ask by another name that somebody has given this machine (DNS rebinding). A proxy that says nothing of itself and asks by our own address
// is not told apart; so with a PublicURL this is not enough.
func FromHere(r *http.Request) bool {
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
