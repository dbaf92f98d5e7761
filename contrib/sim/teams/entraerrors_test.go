package teams_test

import (
	"fmt"
	"strings"
	"testing"

	"causeway/contrib/sim/teams"
)

func TestLoginErrors(t *testing.T) {
	w := newWorld(t, teams.Options{})
	_, refresh := w.sim.SignIn(w.app, w.bob)
	use := func() response {
		return w.login(w.tokenPath(), "grant_type", "refresh_token", "client_id", w.app.ClientID, "refresh_token", refresh)
	}
	kinds := map[string]string{}
	for _, number := range teams.LoginErrors() {
		w.sim.FailLogin(number, 1)
		r := use()
		if r.status < 400 || !strings.HasPrefix(r.text("error_description"), fmt.Sprintf("AADSTS%d: ", number)) || r.json("error_codes", 0) != float64(number) {
			t.Errorf("%d: %d %s", number, r.status, r.raw)
		}
		kinds[fmt.Sprint(number)] = fmt.Sprint(r.status, " ", r.text("error"), " ", r.text("suberror"), " ", r.text("claims") != "")
	}
	for number, want := range map[string]string{
		"50076": "400 interaction_required basic_action true", "70043": "400 invalid_grant token_expired false", "65001": "400 invalid_grant consent_required false",
		"7000222": "401 invalid_client  false", "90033": "503 temporarily_unavailable  false", "700082": "400 invalid_grant bad_token false",
	} {
		if kinds[number] != want {
			t.Errorf("%s: %s, want %s", number, kinds[number], want)
		}
	}
	use().want(t, 200, "")
	remove := w.sim.FailLogin(700084, -1)
	use().want(t, 400, "")
	use().want(t, 400, "")
	remove()
	use().want(t, 200, "")
	w.sim.Inject(teams.Fault{Template: "/{tenant}/oauth2/v2.0/token", AADSTS: 70008, Status: 503, Code: "odd", Message: "so"})
	if r := use(); r.status != 503 || r.text("error") != "odd" || !strings.HasPrefix(r.text("error_description"), "AADSTS70008: so") {
		t.Errorf("%d %s", r.status, r.raw)
	}
}
