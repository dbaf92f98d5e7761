package web

import (
	"net/http"
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
		if !strings.EqualFold(scheme, "Bearer") || !SameToken(token, s.Scraping.Token) {
			w.Header().Set("WWW-Authenticate", Realm)
			answer(w, http.StatusUnauthorized, []byte(`{"error":"show the Token of [metrics]"}`+"\n"))
			return
		}
	} else if s.PublicURL != "" || !FromHere(r) {
		answer(w, http.StatusForbidden, []byte(`{"error":"set Token in [metrics]: without it, and with PublicURL or from elsewhere, nobody may read the numbers"}`+"\n"))
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	s.Scraping.Numbers.ServeHTTP(w, r)
}
