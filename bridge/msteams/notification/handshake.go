package notification

import (
	"errors"
	"html"
	"io"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxHandshake is how many bytes a handshake's token may have; real ones have about 120.
const maxHandshake = 1024

// IsHandshake tells whether Graph asks with this request whether the address is ours, as it does when a subscription is
// made or its address changes. No notification comes with it.
func IsHandshake(r *http.Request) bool { return r.URL.Query().Has("validationToken") }

// Handshake answers a request for which [IsHandshake] is true, within its 10 seconds: 200, and the token as plain text. The
// token comes from anybody who knows the address, so it is escaped, as Microsoft asks for, and nothing may take the
// answer for a page. What cannot be a token is answered by 400 and returned as an error.
func Handshake(w http.ResponseWriter, r *http.Request) error {
	token := r.URL.Query().Get("validationToken")
	var wrong error
	switch {
	case r.Method != http.MethodPost:
		wrong = errors.New("answering a handshake: it is no POST")
	case token == "":
		wrong = errors.New("answering a handshake: the token is empty")
	case len(token) > maxHandshake:
		wrong = errors.New("answering a handshake: the token is too long")
	case !utf8.ValidString(token) || strings.ContainsFunc(token, unicode.IsControl):
		wrong = errors.New("answering a handshake: the token is no text")
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'")
	h.Set("Cache-Control", "no-store")
	if wrong != nil {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, "no validation token\n")
		return wrong
	}
	w.WriteHeader(http.StatusOK)
	_, _ = io.WriteString(w, html.EscapeString(token)) // who asked has gone when this fails
	return nil
}
