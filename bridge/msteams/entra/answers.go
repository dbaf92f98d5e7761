// Package entra reads what Microsoft's login service answers: tokens, codes and refusals. It is a package of its own, without
// network and SDK, so that what comes from outside can be fuzzed.
package entra

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Token is the answer of the token endpoint (Microsoft's page "OAuth 2.0 authorization code flow"). All of it is secret but the
// last two.
type Token struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	IDToken      string `json:"id_token"`
	// ExpiresIn is in seconds, counted from the answer.
	ExpiresIn int    `json:"expires_in"`
	Scope     string `json:"scope"`
}

// Longest is how many seconds a token or code is believed to live; Entra's live up to 28 hours.
const Longest = 48 * 60 * 60

// Life is how long the token is good.
func (t Token) Life() time.Duration { return time.Duration(min(t.ExpiresIn, Longest)) * time.Second }

// Scopes gives the permissions, each without Graph's address; nil when the answer names none.
func (t Token) Scopes() []string {
	var names []string
	for s := range strings.FieldsSeq(t.Scope) {
		names = append(names, s[strings.LastIndex(s, "/")+1:])
	}
	return names
}

// DeviceCode is the answer to the beginning of a sign-in by device code.
type DeviceCode struct {
	DeviceCode      string `json:"device_code"`
	UserCode        string `json:"user_code"`
	VerificationURI string `json:"verification_uri"`
	// ExpiresIn and Interval are in seconds.
	ExpiresIn int `json:"expires_in"`
	Interval  int `json:"interval"`
}

// Read reads an answer of any of the service's addresses. A status other than 200 is an error of type [*Refusal]. No error shows anything
// of the body.
func Read(status int, header http.Header, body []byte, into any) error {
	if status != http.StatusOK {
		return ReadRefusal(status, header, body)
	}
	if json.Unmarshal(body, into) != nil { // its error could show parts of a token
		return errors.New("the login service's answer cannot be read")
	}
	return nil
}

// ReadToken reads an answer that must hold a token.
func ReadToken(status int, header http.Header, body []byte) (Token, error) {
	var t Token
	if err := Read(status, header, body, &t); err != nil {
		return Token{}, err
	}
	if t.AccessToken == "" || t.ExpiresIn <= 0 {
		return Token{}, errors.New("the login service's answer holds no token")
	}
	return t, nil
}

// LongestRest is how long one answer has Causeway wait at most: whatever a proxy says, trying again once a day harms nobody.
const LongestRest = 24 * time.Hour

// RetryAfter reads the header as Microsoft's services have sent it: seconds, once seen with a fraction, or by the standard a
// date. It reports false when it says nothing.
func RetryAfter(header http.Header, now time.Time) (time.Duration, bool) {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseFloat(text, 64); seconds >= 0 && (err == nil || errors.Is(err, strconv.ErrRange)) {
		return time.Duration(min(seconds, LongestRest.Seconds()) * float64(time.Second)), true
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(0, at.Sub(now)), LongestRest), true
	}
	return 0, false
}
