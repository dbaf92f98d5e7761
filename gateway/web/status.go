package web

import (
	"encoding/json"
	"net/http"
	"strings"
)

// Realm is what the server says of itself to those who may not see its status.
const Realm = `Bearer realm="causeway"`

// status shows how everything stands to whoever brings the right token. It costs others next to nothing to be refused.
func (s Site) status(w http.ResponseWriter, r *http.Request) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || !s.MaySeeStatus(token) {
		w.Header().Set("WWW-Authenticate", Realm)
		answer(w, http.StatusUnauthorized, []byte(`{"error":"causeway status shows this"}`+"\n"))
		return
	}
	body, err := json.Marshal(s.Status(r.Context()))
	if err != nil { // a mistake of ours, which the guard logs
		panic("showing the status: " + err.Error())
	}
	answer(w, http.StatusOK, append(body, '\n'))
}
