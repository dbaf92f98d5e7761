package bridge

import (
	"errors"
	"strings"
	"time"
)

// Kind says what may be assumed after an error. It is decided where the service's answer is read.
type Kind uint8

const (
	// Transient is anything not known better: nothing took effect, try again later.
	Transient Kind = iota
	// Throttled: nothing took effect, and nothing will before [Error.After] has passed.
	Throttled
	// Uncertain: the write may have taken effect. [Bridge.Find] tells.
	Uncertain
	// Unauthorised: the token is revoked, expired or lacks a permission. Nothing took effect.
	Unauthorised
	// Gone: the message or conversation that was to be changed does not exist any more.
	Gone
	// Rejected: the service will never accept this. Nothing took effect.
	Rejected
	// Unsupported: the service cannot do this at all. Nothing took effect; the gateway falls back.
	Unsupported
)

var kindNames = [...]string{"transient", "throttled", "uncertain", "unauthorised", "gone", "rejected", "unsupported"}

// String gives the kind's name in logs.
func (k Kind) String() string { return kindNames[k] }

// Scope is what an error holds for.
type Scope uint8

const (
	// ScopeConversation: other conversations of the account are not affected.
	ScopeConversation Scope = iota
	// ScopePerson: everything written as that person.
	ScopePerson
	// ScopeAccount: everything the account does.
	ScopeAccount
)

// Error is an error of a known kind. An error of any other type counts as Transient, ScopeConversation.
type Error struct {
	Kind  Kind
	Scope Scope
	// After is how long to wait at least; for Throttled only.
	After time.Duration
	// Hint tells the operator the next step; may be empty.
	Hint string
	// Trace is by which the service's people find this one failure, as "request-id 1234"; may be empty. It differs each
	// time, so it is kept apart from the cause.
	Trace string
	// Files are the ids of those in a draft that are not there any more: they have to be carried anew.
	Files []string
	Err   error
}

// Error gives cause, trace and hint. No secret may be in any.
func (e *Error) Error() string {
	text := e.Err.Error()
	if e.Trace != "" {
		text += " [" + e.Trace + "]"
	}
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

// Cause gives the text of err without its trace, which is the same for the same failure.
func Cause(err error) string {
	var e *Error
	if errors.As(err, &e) && e.Trace != "" {
		return strings.ReplaceAll(err.Error(), " ["+e.Trace+"]", "")
	}
	return err.Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf gives the kind of err; Transient when it carries none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Transient
}

// ScopeOf gives the scope of err; ScopeConversation when it carries none.
func ScopeOf(err error) Scope {
	var e *Error
	if errors.As(err, &e) {
		return e.Scope
	}
	return ScopeConversation
}

// HintOf gives the next step that err names; empty when it names none.
func HintOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Hint
	}
	return ""
}

// FilesOf gives the files for which something was not posted.
func FilesOf(err error) []string {
	var e *Error
	if errors.As(err, &e) {
		return e.Files
	}
	return nil
}

// AfterOf gives how long err says to wait; 0 when it does not say.
func AfterOf(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) {
		return e.After
	}
	return 0
}
