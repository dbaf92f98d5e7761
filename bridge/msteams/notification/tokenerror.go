package notification

import "errors"

// Reason says why a notification is not taken for genuine.
type Reason uint8

const (
	// NoTokens: the delivery came without validation tokens, or null in their place.
	NoTokens Reason = iota + 1
	// NoTenant: the item does not say whose it is.
	NoTenant
	// OtherTenant: there are good tokens, but for other tenants.
	OtherTenant
	// Malformed: a token is not readable.
	Malformed
	// WrongAlgorithm: it is signed in a way that is not accepted, or not at all.
	WrongAlgorithm
	// WrongVersion: it is neither of version 1.0 nor 2.0.
	WrongVersion
	// Expired and NotYetValid: its time is not now.
	Expired
	NotYetValid
	// WrongAudience: it is for another app.
	WrongAudience
	// WrongIssuer: it is not from the login service and the tenant that it names.
	WrongIssuer
	// WrongCaller: it was made for another app than Graph's change tracking.
	WrongCaller
	// UnknownKey: the login service has no such key.
	UnknownKey
	// BadSignature: the signature does not fit.
	BadSignature
	// KeysUnavailable: nothing can be said, since the login service's keys could not be fetched.
	KeysUnavailable
)

var reasonNames = [...]string{
	NoTokens: "no tokens", NoTenant: "no tenant", OtherTenant: "other tenant", Malformed: "malformed", WrongAlgorithm: "wrong algorithm",
	WrongVersion: "wrong version", Expired: "expired", NotYetValid: "not yet valid", WrongAudience: "wrong audience", WrongIssuer: "wrong issuer",
	WrongCaller: "wrong caller", UnknownKey: "unknown key", BadSignature: "bad signature", KeysUnavailable: "keys unavailable",
}

// String gives the reason's name in logs.
func (r Reason) String() string { return reasonNames[r] }

const (
	hintNoTokens = `in Entra, under Enterprise applications, Properties of this app, set "Assignment required" to No, or give ` +
		"Microsoft Graph Change Tracking (" + ChangeTracking + ") an app role of it: else Graph sends null in place of the tokens"
	hintClock       = "compare this machine's clock with the true time"
	hintAudience    = "compare ClientID with the app that the subscription was made with"
	hintIssuer      = "compare Cloud or LoginURL with the tenant's cloud"
	hintUnavailable = "see whether this machine reaches the login service"
)

// hints are the ways out, where one is known.
var hints = map[Reason]string{
	NoTokens: hintNoTokens, Expired: hintClock, NotYetValid: hintClock, WrongAudience: hintAudience, WrongIssuer: hintIssuer,
}

// TokenError says why an item is not taken for genuine. It never contains a token.
type TokenError struct {
	Reason Reason
	// Hint tells the operator the next step; may be empty.
	Hint string
	Err  error
}

// Error gives cause and hint.
func (e *TokenError) Error() string {
	if e.Hint == "" {
		return e.Err.Error()
	}
	return e.Err.Error() + " (" + e.Hint + ")"
}

// Unwrap gives the cause.
func (e *TokenError) Unwrap() error { return e.Err }

// Transient tells that the item may be genuine, and that asking again later will tell: answer so that Graph repeats the
// delivery.
func (e *TokenError) Transient() bool { return e.Reason == KeysUnavailable }

// Misdated tells that the item may be genuine, but comes too late, or a clock is wrong.
func (e *TokenError) Misdated() bool { return e.Reason == Expired || e.Reason == NotYetValid }

func fault(reason Reason, text string) *TokenError {
	return &TokenError{Reason: reason, Hint: hints[reason], Err: errors.New("checking a validation token: " + text)}
}
