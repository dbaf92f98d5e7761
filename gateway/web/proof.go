package web

import (
	"net/http"
	"regexp"
)

// ProofPath is below what a reverse proxy hands on; no account has a name without a dot. What follows it is a nonce.
const ProofPath = hooks + "causeway/"

var nonceForm = regexp.MustCompile(`^[0-9a-f]{16,64}$`)

// Proven is what is answered with a proof.
func Proven(proof string) string { return `{"causeway":"` + proof + `"}` + "\n" }

// prove lets `causeway check` see that the public address leads to this very installation. Whoever else asks learns nothing: the proof is of a
// nonce that they have chosen, and good for nothing.
func (s Site) prove(w http.ResponseWriter, r *http.Request) {
	nonce := r.PathValue("nonce")
	if !nonceForm.MatchString(nonce) {
		http.NotFound(w, r)
		return
	}
	answer(w, http.StatusOK, []byte(Proven(s.Prove(nonce))))
}

// wait tells services that nothing is taken yet, so that they send it again.
func wait(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Retry-After", "30")
	answer(w, http.StatusServiceUnavailable, []byte(`{"error":"Causeway is not running"}`+"\n"))
}
