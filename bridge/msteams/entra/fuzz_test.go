package entra

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzAnswers: whatever the login service answers gives a token, a code or an error that shows nothing of it.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []struct {
		status      int
		body, after string
	}{
		{200, `{"token_type":"Bearer","scope":"https://graph.microsoft.com/User.Read","expires_in":3599,"access_token":"SECRETaccess","refresh_token":"SECRETrefresh"}`, ""},
		{200, `{"expires_in":"3599","access_token":"SECRETaccess"}`, ""},
		{200, `{"expires_in":-1,"access_token":"SECRETaccess"}`, ""},
		{200, `{"expires_in":9223372036854775807,"access_token":"SECRETaccess"}`, ""},
		{200, `{"device_code":"SECRETcode","user_code":"ABCD","verification_uri":"https://microsoft.com/devicelogin","expires_in":900,"interval":5}`, ""},
		{200, `{"device_code":"SECRETcode","verification_uri":"x","expires_in":1e300}`, ""},
		{200, `[]`, ""}, {200, `null`, ""}, {200, ``, ""}, {200, "\xff{", ""},
		{400, `{"error":"authorization_pending","error_description":"AADSTS70016: SECRET","error_codes":[70016],"trace_id":"8a8ce5a5-0b4d-4d0f-8f5b-2f1f3a4c5d6e"}`, ""},
		{400, `{"error":"invalid_grant","error_description":"SECRET AADSTS700082","error_codes":[700082],"suberror":"bad_token","claims":"{}"}`, ""},
		{401, `{"error":"invalid_client","error_codes":[{}]}`, ""},
		{400, `{"error":["invalid_grant"]}`, ""},
		{429, `{}`, "2.128"}, {503, `<html>SECRET</html>`, "Fri, 31 Dec 1999 23:59:59 GMT"}, {302, ``, "1e308"}, {429, `{}`, "-1"}, {429, ``, "Fri, 31 Dec 9999 23:59:59 GMT"},
	} {
		f.Add(seed.status, seed.body, seed.after)
	}
	f.Fuzz(func(t *testing.T, status int, body, after string) {
		header := http.Header{"Retry-After": {after}}
		token, err := ReadToken(status, header, []byte(body))
		if err == nil && (status != http.StatusOK || token.AccessToken == "" || token.Life() <= 0 || token.Life() > Longest*time.Second || slices.Contains(token.Scopes(), "") && !strings.Contains(token.Scope, "/")) {
			t.Errorf("%d %q is the token %+v", status, body, token)
		}
		var code DeviceCode
		for _, err := range []error{err, Read(status, header, []byte(body), &code)} {
			if err == nil {
				continue
			}
			if text := err.Error(); strings.Contains(text, "SECRET") || len(text) > 200 {
				t.Errorf("%q is shown as %q", body, text)
			}
			if r := new(Refusal); errors.As(err, &r) && (r.After < 0 || r.After > LongestRest || r.Status != status) {
				t.Errorf("%d %q with %q is %+v", status, body, after, r)
			}
		}
	})
}
