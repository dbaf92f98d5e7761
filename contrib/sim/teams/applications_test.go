package teams_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/contrib/sim/teams"
)

// operator is an app that may read registrations.
func (w *world) operator(roles ...string) string {
	return w.sim.AppToken(w.tenant.AddApp(teams.AppConfig{Name: "Operator", Roles: append(roles, "Application.Read.All", "Directory.Read.All")}))
}

func TestEndsOfSecretsAndCertificates(t *testing.T) {
	w := newWorld(t, teams.Options{})
	cert := newCertificate(w.now().Add(90 * 24 * time.Hour))
	app := w.tenant.AddApp(teams.AppConfig{Name: "App", Secret: "first", SecretEnds: w.now().Add(30 * 24 * time.Hour), Certificate: cert.cert})
	app.AddSecret("second", w.now().Add(60*24*time.Hour))
	token := w.operator()
	for _, path := range []string{"/applications/" + app.ObjectID, "/applications(appId='" + app.ClientID + "')"} {
		r := w.get(path, token).want(t, 200, "")
		var got []string
		for i := range r.list("passwordCredentials") {
			got = append(got, r.text("passwordCredentials", i, "endDateTime")+" "+r.text("passwordCredentials", i, "hint"))
		}
		if d := cmp.Diff([]string{"2026-03-31T09:00:00.12Z fir", "2026-04-30T09:00:00.12Z sec"}, got); d != "" {
			t.Errorf("%s: %s", path, d)
		}
		if r.text("keyCredentials", 0, "endDateTime") != "2026-05-30T09:00:00Z" || r.text("keyCredentials", 0, "type") != "AsymmetricX509Cert" || r.json("keyCredentials", 0, "key") != nil {
			t.Errorf("%s: %s", path, r.raw)
		}
		if strings.Contains(string(r.raw), "first") {
			t.Error("the secret is shown")
		}
	}
	r := w.get("/applications?$filter=appId eq '"+app.ClientID+"'&$select=id,passwordCredentials", token).want(t, 200, "")
	if len(r.list("value")) != 1 || r.text("value", 0, "id") != app.ObjectID || r.json("value", 0, "displayName") != nil {
		t.Error(string(r.raw))
	}
	w.get("/applications?$filter=secret eq 'x'", token).want(t, 400, "")
	w.get("/applications/"+app.ClientID, token).want(t, 404, "Request_ResourceNotFound")
	w.get("/applications(appId='x')", token).want(t, 404, "")
	w.get("/applications(appId='')", token).want(t, 400, "")
	w.get("/applications", w.appToken).want(t, 403, "Forbidden")
	w.get("/applications/"+app.ObjectID, w.as(w.ada)).want(t, 403, "Forbidden")

	use := func(secret string) response {
		return w.login(w.tokenPath(), "grant_type", "client_credentials", "client_id", app.ClientID, "client_secret", secret, "scope", "https://graph.microsoft.com/.default")
	}
	use("first").want(t, 200, "")
	w.clock.Add(30 * 24 * time.Hour)
	if r := use("first"); r.status != 401 || !strings.Contains(r.text("error_description"), "AADSTS7000222") {
		t.Errorf("%d %s", r.status, r.raw)
	}
	use("second").want(t, 200, "")
	if r := use("third"); r.status != 401 || !strings.Contains(r.text("error_description"), "AADSTS7000215") {
		t.Errorf("%d %s", r.status, r.raw)
	}
}

// TestGrantedPermissionsCanBeFound goes the way that an app has to go: its grants name permissions by ids, which the
// service principal of Graph explains.
func TestGrantedPermissionsCanBeFound(t *testing.T) {
	w := newWorld(t, teams.Options{})
	token := w.operator()
	for _, path := range []string{"/servicePrincipals/" + w.app.PrincipalID, "/servicePrincipals(appId='" + w.app.ClientID + "')"} {
		self := w.get(path, token).want(t, 200, "")
		if self.text("id") != w.app.PrincipalID || self.text("appId") != w.app.ClientID || self.json("appRoleAssignmentRequired") != false {
			t.Errorf("%s: %s", path, self.raw)
		}
		assigned := w.get(path+"/appRoleAssignments", token).want(t, 200, "")
		graph := w.get("/servicePrincipals/"+assigned.text("value", 0, "resourceId")+"?$select=appRoles,appId", token).want(t, 200, "")
		if graph.text("appId") != "00000003-0000-0000-c000-000000000000" {
			t.Error(graph.text("appId"))
		}
		var offered struct{ AppRoles []struct{ ID, Value string } }
		ok(t, json.Unmarshal(graph.raw, &offered))
		name := map[string]string{}
		for _, role := range offered.AppRoles {
			name[role.ID] = role.Value
		}
		var roles []string
		for i := range assigned.list("value") {
			roles = append(roles, name[assigned.text("value", i, "appRoleId")])
		}
		if d := cmp.Diff(allRoles, roles); d != "" {
			t.Errorf("%s: %s", path, d)
		}
		grants := w.get(path+"/oauth2PermissionGrants", token).want(t, 200, "")
		if d := cmp.Diff(allScopes, strings.Fields(grants.text("value", 0, "scope"))); d != "" || grants.text("value", 0, "consentType") != "AllPrincipals" || grants.text("value", 0, "clientId") != w.app.PrincipalID {
			t.Errorf("%s: %s %s", path, d, grants.raw)
		}
	}
	w.app.SetScopes()
	w.app.SetRoles()
	for _, what := range []string{"appRoleAssignments", "oauth2PermissionGrants"} {
		path := "/servicePrincipals(appId='" + w.app.ClientID + "')/" + what
		if r := w.get(path, token).want(t, 200, ""); len(r.list("value")) != 0 {
			t.Errorf("%s: %s", what, r.raw)
		}
		w.get("/servicePrincipals/nobody/"+what, token).want(t, 404, "")
		w.get(path, w.appToken).want(t, 403, "Forbidden")
	}
	one := w.get("/servicePrincipals?$filter=appId eq '00000003-0000-0000-c000-000000000000'", token).want(t, 200, "")
	if len(one.list("value")) != 1 || one.text("value", 0, "displayName") != "Microsoft Graph" {
		t.Errorf("%.200s", one.raw)
	}
	w.get("/servicePrincipals/nobody", token).want(t, 404, "")
	w.get("/servicePrincipals?$filter=name eq 'x'", token).want(t, 400, "")
	assignmentRequired := newWorld(t, teams.Options{Webhooks: teams.Webhooks{NullTokens: true}})
	r := assignmentRequired.get("/servicePrincipals/"+assignmentRequired.app.PrincipalID, assignmentRequired.operator()).want(t, 200, "")
	if r.json("appRoleAssignmentRequired") != true {
		t.Error("the reason for null tokens is not to be seen")
	}
}
