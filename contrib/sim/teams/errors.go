package teams

import (
	"fmt"
	"net/http"
	"time"
)

// graphError is a refusal in the form of Graph.
type graphError struct {
	status     int
	code       string
	message    string
	retryAfter time.Duration // 0: no header
	header     http.Header
}

func (e *graphError) Error() string { return fmt.Sprintf("%d %s: %s", e.status, e.code, e.message) }

func refuse(status int, code, format string, args ...any) *graphError {
	return &graphError{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

func badRequest(format string, args ...any) *graphError {
	return refuse(http.StatusBadRequest, "BadRequest", format, args...)
}

func forbidden(format string, args ...any) *graphError {
	return refuse(http.StatusForbidden, "Forbidden", format, args...)
}

func notFound(format string, args ...any) *graphError {
	return refuse(http.StatusNotFound, "NotFound", format, args...)
}

type errorJSON struct {
	Error struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Inner   struct {
			Date            string `json:"date"`
			RequestID       string `json:"request-id"`
			ClientRequestID string `json:"client-request-id"`
		} `json:"innerError"`
	} `json:"error"`
}

// statusCode is the error code that goes with a status where nothing more is known.
func statusCode(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "InvalidAuthenticationToken"
	case http.StatusForbidden:
		return "Forbidden"
	case http.StatusNotFound:
		return "NotFound"
	case http.StatusTooManyRequests:
		return "TooManyRequests"
	case http.StatusServiceUnavailable:
		return "ServiceUnavailable"
	case http.StatusBadGateway:
		return "BadGateway"
	case http.StatusGatewayTimeout:
		return "GatewayTimeout"
	case http.StatusRequestEntityTooLarge:
		return "RequestEntityTooLarge"
	case http.StatusFailedDependency:
		return "FailedDependency"
	case http.StatusConflict:
		return "Conflict"
	}
	if status >= 500 {
		return "InternalServerError"
	}
	return "BadRequest"
}
