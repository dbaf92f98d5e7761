package msteams

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/bridge/msteams/entra"
)

// answerError is an answer of Graph that says no (status 400 and above).
type answerError struct {
	status int
	// code is the error's code, the innermost one that is there.
	code    string
	message string
	// request is the id under which Microsoft finds the call.
	request string
	after   time.Duration
	// hasAfter: there was a Retry-After.
	hasAfter bool
	// throttled is which limit was exceeded, as Graph calls it; account: it is of more than one conversation.
	throttled string
	account   bool
	// address is what was called.
	address string
	// diagnostic says where in Microsoft's data centres it was answered.
	diagnostic string
	// claims are what Graph wants to see in the token; renewed tells that the next token will be asked for with them.
	claims  string
	renewed bool
}

func (e *answerError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Graph answered %d", e.status)
	if e.code != "" {
		fmt.Fprintf(&b, " %s", e.code)
	}
	if e.message != "" {
		fmt.Fprintf(&b, ": %s", e.message)
	}
	return b.String()
}

// unsentError is a failure of the network before anything was sent: nothing took effect.
type unsentError struct{ err error }

func (e *unsentError) Error() string { return "connecting to Graph: " + e.err.Error() }
func (e *unsentError) Unwrap() error { return e.err }

const longestMessage = 300

// readAnswer makes an error of an answer's status, header and body, without anything in hide (tokens).
func readAnswer(status int, header http.Header, body []byte, now time.Time, hide ...string) *answerError {
	e := &answerError{status: status, request: header.Get("request-id")}
	var envelope struct {
		Error *problem `json:"error"`
	}
	if json.Unmarshal(body, &envelope) == nil && envelope.Error != nil {
		e.code, e.message = envelope.Error.Code, envelope.Error.Message
		inner := envelope.Error.inner()
		for range 5 {
			if inner == nil {
				break
			}
			if inner.Code != "" {
				e.code = inner.Code
			}
			if e.request == "" {
				e.request = inner.Request
			}
			inner = inner.inner()
		}
	}
	for _, h := range hide {
		if h != "" {
			e.message = strings.ReplaceAll(e.message, h, "…")
		}
	}
	if r := []rune(e.message); len(r) > longestMessage {
		e.message = string(r[:longestMessage]) + "…"
	}
	e.after, e.hasAfter = entra.RetryAfter(header, now)
	e.throttled, e.account = throttledScope(header)
	e.claims = claimsWanted(header)
	if e.diagnostic = header.Get("x-ms-ags-diagnostic"); len(e.diagnostic) > longestMessage {
		e.diagnostic = e.diagnostic[:longestMessage]
	}
	return e
}

var claimsParameter = regexp.MustCompile(`claims="([A-Za-z0-9+/_=-]+)"`)

// claimsWanted reads a claims challenge: what a new token must hold, as the login service takes it (JSON); empty when
// there is none, or none that can be read. Source: "Claims challenges, claims requests, and client capabilities".
func claimsWanted(header http.Header) string {
	for _, challenge := range header.Values("WWW-Authenticate") {
		m := claimsParameter.FindStringSubmatch(challenge)
		if m == nil || !strings.Contains(challenge, "insufficient_claims") {
			continue
		}
		plain := strings.NewReplacer("-", "+", "_", "/", "=", "").Replace(m[1])
		if text, err := base64.RawStdEncoding.DecodeString(plain); err == nil && len(text) <= 8<<10 && json.Valid(text) {
			return string(text)
		}
	}
	return ""
}

// trace is by which Microsoft's people find the call.
func (e *answerError) trace() string {
	var parts []string
	if e.request != "" {
		parts = append(parts, "request-id "+e.request)
	}
	if e.diagnostic != "" {
		parts = append(parts, "x-ms-ags-diagnostic "+e.diagnostic)
	}
	return strings.Join(parts, ", ")
}

// problem is Graph's error body; the inner one is spelled both ways.
type problem struct {
	Code    string   `json:"code"`
	Message string   `json:"message"`
	Request string   `json:"request-id"`
	Inner   *problem `json:"innerError"`
	Inner2  *problem `json:"innererror"`
}

func (p *problem) inner() *problem {
	if p.Inner != nil {
		return p.Inner
	}
	return p.Inner2
}

// throttledScope tells which limit was exceeded, and whether it is about the app, the tenant or the user as a whole:
// x-ms-throttle-scope is "Scope/Limit/ApplicationId/ResourceId". A channel's limit names neither tenant nor user.
func throttledScope(header http.Header) (string, bool) {
	scope, _, _ := strings.Cut(header.Get("x-ms-throttle-scope"), "/")
	if strings.HasPrefix(scope, "Resource") {
		return scope, false
	}
	return scope, strings.Contains(scope, "Application") || strings.Contains(scope, "Tenant") || strings.Contains(scope, "User")
}

// verdict is what a status means: for a read, and for a write, which leaves doubt when it fails half-way.
type verdict struct {
	read, write bridge.Kind
	scope       bridge.Scope
	hint        string
}

// waitWhenUntold is waited when Graph throttles without saying how long.
const waitWhenUntold = 5 * time.Second

// verdicts is the one table of Graph's statuses, for calls of their own and for items of a batch alike. A status that is
// not here counts as the hundred it belongs to. What is throttled, and for how long, and which permission is lacking, say
// the other parts of the answer: see failed. Source: "Microsoft Graph error responses and resource types".
var verdicts = map[int]verdict{
	http.StatusMultipleChoices: {read: bridge.Transient, write: bridge.Uncertain}, // 3xx: Graph redirects only to files

	http.StatusBadRequest:                   {read: bridge.Rejected, write: bridge.Rejected},
	http.StatusUnauthorized:                 {read: bridge.Unauthorised, write: bridge.Unauthorised, scope: bridge.ScopeAccount},
	http.StatusPaymentRequired:              {read: bridge.Unauthorised, write: bridge.Unauthorised, scope: bridge.ScopeAccount, hint: "Microsoft wants a licence for this"},
	http.StatusForbidden:                    {read: bridge.Unauthorised, write: bridge.Unauthorised},
	http.StatusNotFound:                     {read: bridge.Gone, write: bridge.Gone},
	http.StatusMethodNotAllowed:             {read: bridge.Unsupported, write: bridge.Unsupported},
	http.StatusRequestTimeout:               {read: bridge.Transient, write: bridge.Uncertain},
	http.StatusConflict:                     {read: bridge.Transient, write: bridge.Transient},
	http.StatusGone:                         {read: bridge.Gone, write: bridge.Gone},
	http.StatusPreconditionFailed:           {read: bridge.Transient, write: bridge.Transient},
	http.StatusRequestEntityTooLarge:        {read: bridge.Rejected, write: bridge.Rejected, hint: "the message is too large for Teams"},
	http.StatusLocked:                       {read: bridge.Transient, write: bridge.Transient},
	http.StatusFailedDependency:             {read: bridge.Transient, write: bridge.Transient},
	http.StatusTooEarly:                     {read: bridge.Transient, write: bridge.Transient},
	http.StatusTooManyRequests:              {read: bridge.Throttled, write: bridge.Throttled},
	http.StatusInternalServerError:          {read: bridge.Transient, write: bridge.Uncertain},
	http.StatusNotImplemented:               {read: bridge.Unsupported, write: bridge.Unsupported},
	statusBandwidth:                         {read: bridge.Throttled, write: bridge.Throttled},
	http.StatusNotAcceptable:                {read: bridge.Rejected, write: bridge.Rejected},
	http.StatusLengthRequired:               {read: bridge.Rejected, write: bridge.Rejected},
	http.StatusUnsupportedMediaType:         {read: bridge.Rejected, write: bridge.Rejected},
	http.StatusRequestedRangeNotSatisfiable: {read: bridge.Rejected, write: bridge.Rejected},
	http.StatusUnprocessableEntity:          {read: bridge.Rejected, write: bridge.Rejected},
	http.StatusBadGateway:                   {read: bridge.Transient, write: bridge.Uncertain},
	http.StatusServiceUnavailable:           {read: bridge.Transient, write: bridge.Uncertain}, // with Retry-After: throttled
	http.StatusGatewayTimeout:               {read: bridge.Transient, write: bridge.Uncertain},
	http.StatusInsufficientStorage:          {read: bridge.Transient, write: bridge.Uncertain},
}

// statusBandwidth is Graph's own: bandwidth limit exceeded.
const statusBandwidth = 509

// verdictOf finds the verdict of a status.
func verdictOf(status int) verdict {
	for _, s := range []int{status, status / 100 * 100} {
		if v, ok := verdicts[s]; ok {
			return v
		}
	}
	return verdicts[http.StatusInternalServerError] // nothing that Graph is known to say
}

// judge gives the kind, scope and hint of an answer to op. missing is a permission that the token is known to lack, or
// empty.
func judge(answer *answerError, op *Operation, missing string) (bridge.Kind, bridge.Scope, string) {
	v := verdictOf(answer.status)
	kind, hint := v.read, v.hint
	if op.writes {
		kind = v.write
	}
	switch {
	case answer.status == http.StatusServiceUnavailable && answer.hasAfter:
		kind = bridge.Throttled
	case answer.renewed: // nothing took effect, and the next attempt is made with another token
		return bridge.Transient, bridge.ScopeConversation, ""
	case answer.status != http.StatusForbidden:
	case missing != "":
		hint = "grant the delegated permission " + missing + " to the app in Entra, with admin consent, and sign the relay account in again"
	case !op.Relay:
		hint = "grant the application permission " + op.Permission + " to the app in Entra, with admin consent"
	default:
		hint = "the relay account must be a member of the team, and of the channel when that is a private one"
	}
	if kind == bridge.Throttled && answer.account {
		return kind, bridge.ScopeAccount, hint
	}
	return kind, v.scope, hint
}

// failed makes a [bridge.Error] of whatever a call of op ended with.
func (c *client) failed(ctx context.Context, op *Operation, err error) error {
	e := c.judged(ctx, op, err)
	if e.Kind == bridge.Throttled {
		e.Scope = c.caller.scope(e.Scope)
	}
	return e
}

func (c *client) judged(ctx context.Context, op *Operation, err error) *bridge.Error {
	var known *bridge.Error
	if errors.As(err, &known) { // from the login service: nothing was sent to Graph
		return &bridge.Error{Kind: known.Kind, Scope: known.Scope, After: known.After, Hint: known.Hint, Trace: known.Trace, Err: fmt.Errorf("%s: %w", op.Doing, known.Err)}
	}
	var answer *answerError
	if errors.As(err, &answer) {
		kind, scope, hint := judge(answer, op, c.tokens.lacks(op.Permission))
		e := &bridge.Error{Kind: kind, Scope: scope, Hint: hint, Trace: answer.trace(), Err: fmt.Errorf("%s: %w", op.Doing, answer)}
		switch kind {
		case bridge.Throttled:
			if e.After = answer.after; !answer.hasAfter {
				e.After = waitWhenUntold
			}
			c.pacer.hold(op, c.caller, answer, time.Now().Add(e.After))
		case bridge.Unauthorised:
			if e.Hint == "" {
				e.Hint = c.tokens.hint
			}
		}
		if c.caller.person {
			return asPerson(e, answer, op, c.tokens.lacks(op.Permission))
		}
		return e
	}
	e := &bridge.Error{Err: fmt.Errorf("%s: %w", op.Doing, bare(err))}
	var unsent *unsentError
	if op.writes && !errors.As(err, &unsent) {
		// Also when the context ended, the answer broke off or could not be read: it may stand.
		e.Kind = bridge.Uncertain
	} else if ctx.Err() == nil {
		e.Scope = bridge.ScopeAccount // the network's fault, not the conversation's
	}
	return e
}

// bare takes the URL off an error of net/http: it may hold what is not for a log.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
