package msteams

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/contrib/sim/teams"
)

// TestAClaimsChallengeIsMetByTheNextToken, once; the challenged write is not sent again, which the SDK would do.
func TestAClaimsChallengeIsMetByTheNextToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		a := w.connected()
		c := &challenge{next: w.wire.next, times: 1}
		w.wire.next = c
		post := func(want bridge.Kind, attempts int) {
			t.Helper()
			before := w.wire.attempts()
			_, err := a.Post(t.Context(), w.draft("x"))
			if err != nil && bridge.KindOf(err) != want || err == nil && want != 0 || w.wire.attempts() != before+attempts {
				t.Errorf("%d attempts: %v (%v), want %v", w.wire.attempts()-before, err, bridge.KindOf(err), want)
			}
		}
		post(bridge.Transient, 1)
		if len(c.asked) != 0 {
			t.Errorf("a token was asked for with %q before it was needed", c.asked)
		}
		post(bridge.Transient, 1) // the zero kind: it succeeds
		if diff := cmp.Diff([]string{claimsAsked}, c.asked); diff != "" || len(w.sim.Messages(w.general)) != 1 {
			t.Errorf("%d messages; claims asked for (-want +got):\n%s", len(w.sim.Messages(w.general)), diff)
		}
		a.relay.tokens.set(granted{})
		post(bridge.Transient, 1)
		if len(c.asked) != 1 {
			t.Error("a later token was asked for with the claims, too")
		}

		// A token that holds the claims is challenged all the same: another one will not do.
		c.times = -1
		post(bridge.Transient, 1)
		post(bridge.Unauthorised, 1)
	})
}

// TestAClaimsChallengeThatNobodyCanMeet without signing in.
func TestAClaimsChallengeThatNobodyCanMeet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		a := w.connected()
		w.wire.next = &challenge{next: w.wire.next, times: 1}
		if _, err := a.Post(t.Context(), w.draft("x")); bridge.KindOf(err) != bridge.Transient {
			t.Errorf("got %v (%v)", err, bridge.KindOf(err))
		}
		w.sim.FailLogin(50076, 1)
		_, err := a.Post(t.Context(), w.draft("x"))
		if bridge.KindOf(err) != bridge.Unauthorised || !strings.Contains(err.Error(), "causeway login msteams.contoso") || w.wire.attempts() != 1 {
			t.Errorf("after %d attempts: %v (%v)", w.wire.attempts(), err, bridge.KindOf(err))
		}
	})
}

func TestOnlyChallengesThatCanBeReadAreTakenUp(t *testing.T) {
	for value, want := range map[string]string{
		`Bearer realm="", error="insufficient_claims", claims="eyJhIjoxfQ=="`:                                                               `{"a":1}`,
		`Bearer error="insufficient_claims", claims="eyJhIjoxfQ"`:                                                                           `{"a":1}`,
		`Bearer error="insufficient_claims", claims="eyJhIjoiPz8_In0="`:                                                                     `{"a":"???"}`,
		`Bearer claims="eyJhIjoxfQ=="`:                                                                                                      "",
		`Bearer error="insufficient_claims", claims="not base64!"`:                                                                          "",
		`Bearer error="insufficient_claims", claims="eyJh"`:                                                                                 "",
		`Bearer error="insufficient_claims", claims="` + base64.StdEncoding.EncodeToString([]byte(`"`+strings.Repeat("x", 9000)+`"`)) + `"`: "",
		`Bearer error="invalid_token"`:                                                                                                      "",
	} {
		if got := claimsWanted(http.Header{"Www-Authenticate": {"Basic", value}}); got != want {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
}

const claimsAsked = `{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}`

// challenge answers writes with a claims challenge, so many times, and notes for which claims tokens are asked.
type challenge struct {
	next  http.RoundTripper
	times int
	asked []string
}

func (c *challenge) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/token") {
		body, err := drain(r)
		if err != nil {
			return nil, err
		}
		if form, err := url.ParseQuery(string(body)); err == nil && form.Has("claims") {
			c.asked = append(c.asked, form.Get("claims"))
		}
	}
	if !isWrite(r) || c.times == 0 {
		return c.next.RoundTrip(r)
	}
	c.times--
	return &http.Response{
		StatusCode: 401, Body: http.NoBody, Request: r,
		Header: http.Header{"Www-Authenticate": {`Bearer realm="", error="insufficient_claims", claims="` + base64.StdEncoding.EncodeToString([]byte(claimsAsked)) + `"`}},
	}, nil
}
