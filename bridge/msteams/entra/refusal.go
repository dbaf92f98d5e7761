package entra

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

// Refusal is what the login service says no with. Its description is left out: it is the service's text about a request that
// holds secrets. The AADSTS code says as much.
type Refusal struct {
	Status int
	// Code is OAuth's, as "invalid_grant"; AADSTS is Entra's, as "AADSTS50173"; Trace is a GUID by which Microsoft finds the failure. Each may
	// be empty.
	Code, AADSTS, Trace string
	// After is how long to wait; HasAfter tells whether the service said so.
	After    time.Duration
	HasAfter bool
}

// Error gives status and codes.
func (r *Refusal) Error() string {
	text := fmt.Sprintf("the login service answered %d", r.Status)
	for _, part := range []string{r.Code, r.AADSTS} {
		if part != "" {
			text += " " + part
		}
	}
	return text
}

var (
	aadsts     = regexp.MustCompile(`AADSTS\d{1,10}`)
	simpleCode = regexp.MustCompile(`^[a-z_]{1,60}$`)
	guid       = regexp.MustCompile(`^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$`)
)

// ReadRefusal reads an answer other than success, whatever its body is.
func ReadRefusal(status int, header http.Header, body []byte) *Refusal {
	var in struct {
		Error       string            `json:"error"`
		Description string            `json:"error_description"`
		Codes       []json.RawMessage `json:"error_codes"`
		Trace       string            `json:"trace_id"`
	}
	r := &Refusal{Status: status}
	r.After, r.HasAfter = RetryAfter(header, time.Now())
	if json.Unmarshal(body, &in) != nil {
		return r
	}
	if simpleCode.MatchString(in.Error) {
		r.Code = in.Error
	}
	if guid.MatchString(in.Trace) {
		r.Trace = in.Trace
	}
	r.AADSTS = aadsts.FindString(in.Description)
	if len(in.Codes) > 0 && r.AADSTS == "" {
		if n, err := strconv.ParseUint(string(in.Codes[0]), 10, 32); err == nil && n != 0 {
			r.AADSTS = "AADSTS" + strconv.FormatUint(n, 10)
		}
	}
	return r
}
