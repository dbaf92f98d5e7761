package teams

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// graphAppID is the well-known application id of Microsoft Graph itself, to whose service principal permissions belong.
const graphAppID = "00000003-0000-0000-c000-000000000000"

// Permissions of reading registrations and grants, by the pages application-get, serviceprincipal-get,
// serviceprincipal-list-approleassignments and -list-oauth2permissiongrants.
var (
	readApps      = []string{"Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
	readAppsApp   = append([]string{"Application.ReadWrite.OwnedBy"}, readApps...)
	readAppGrants = []string{"Directory.Read.All", "DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"}
)

func applicationRoutes() (list []*route) {
	sel, filter := []string{"$select"}, []string{"$filter", "$select"}
	list = []*route{
		{template: "/applications", options: filter, handle: listApplications},
		{template: "/servicePrincipals", options: filter, handle: listPrincipals},
	}
	for _, one := range []string{"/{id}", "(appId='{id}')"} {
		list = append(list,
			&route{template: "/applications" + one, options: sel, handle: getApplication},
			&route{template: "/servicePrincipals" + one, options: sel, handle: getPrincipal},
			&route{template: "/servicePrincipals" + one + "/appRoleAssignments", options: sel, handle: listRoleAssignments},
			&route{template: "/servicePrincipals" + one + "/oauth2PermissionGrants", options: sel, delegated: readAppGrants, app: readAppGrants, handle: listGrants},
		)
	}
	for _, r := range list {
		r.method, r.limit = http.MethodGet, "directory"
		if r.app == nil {
			r.delegated, r.app = readApps, readAppsApp
		}
	}
	return list
}

type passwordCredentialJSON struct {
	Custom  *string `json:"customKeyIdentifier"`
	Name    *string `json:"displayName"`
	Ends    string  `json:"endDateTime"`
	Hint    string  `json:"hint"`
	KeyID   string  `json:"keyId"`
	Secret  *string `json:"secretText"` // never shown again
	Started string  `json:"startDateTime"`
}

type keyCredentialJSON struct {
	Custom  string  `json:"customKeyIdentifier"`
	Name    string  `json:"displayName"`
	Ends    string  `json:"endDateTime"`
	Key     *string `json:"key"`
	KeyID   string  `json:"keyId"`
	Started string  `json:"startDateTime"`
	Type    string  `json:"type"`
	Usage   string  `json:"usage"`
}

type applicationJSON struct {
	Context   string                   `json:"@odata.context,omitempty"`
	ID        string                   `json:"id"`
	AppID     string                   `json:"appId"`
	Name      string                   `json:"displayName"`
	Audience  string                   `json:"signInAudience"`
	Keys      []keyCredentialJSON      `json:"keyCredentials"`
	Passwords []passwordCredentialJSON `json:"passwordCredentials"`
}

func (a *App) wire() applicationJSON {
	out := applicationJSON{ID: a.ObjectID, AppID: a.ClientID, Name: a.Name, Audience: "AzureADMyOrg", Keys: []keyCredentialJSON{}, Passwords: []passwordCredentialJSON{}}
	for _, s := range a.secrets {
		out.Passwords = append(out.Passwords, passwordCredentialJSON{
			Ends: timeText(s.ends.UnixMilli()), Started: timeText(s.starts.UnixMilli()), Hint: s.value[:min(3, len(s.value))], KeyID: s.id,
		})
	}
	if cert := a.certificate; cert != nil {
		sum := sha1.Sum(cert.Raw)
		out.Keys = append(out.Keys, keyCredentialJSON{
			Custom: base64.StdEncoding.EncodeToString(sum[:]), Name: "CN=" + cert.Subject.CommonName, KeyID: nameGUID(string(sum[:])),
			Ends: timeText(cert.NotAfter.UnixMilli()), Started: timeText(cert.NotBefore.UnixMilli()), Type: "AsymmetricX509Cert", Usage: "Verify",
		})
	}
	return out
}

// roleJSON is a permission as the service principal of Graph offers it.
type roleJSON struct {
	ID      string `json:"id"`
	Value   string `json:"value"`
	Name    string `json:"displayName,omitempty"`
	Enabled bool   `json:"isEnabled"`
}

type principalJSON struct {
	Context  string     `json:"@odata.context,omitempty"`
	ID       string     `json:"id"`
	AppID    string     `json:"appId"`
	Name     string     `json:"displayName"`
	Enabled  bool       `json:"accountEnabled"`
	Assigned bool       `json:"appRoleAssignmentRequired"`
	Type     string     `json:"servicePrincipalType"`
	Roles    []roleJSON `json:"appRoles"`
	Scopes   []roleJSON `json:"oauth2PermissionScopes"`
}

// nameGUID makes an id out of a name: always the same one, and none that a client could know beforehand.
func nameGUID(name string) string {
	b := sha256.Sum256([]byte("teams stand-in " + name))
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

func roleID(name string) string { return nameGUID("role " + name) }

func (t *Tenant) graphPrincipal() principalJSON {
	out := principalJSON{ID: nameGUID("graph in " + t.ID), AppID: graphAppID, Name: "Microsoft Graph", Enabled: true, Type: "Application"}
	for _, name := range t.sim.offered(func(a *App) []string { return a.roles }) {
		out.Roles = append(out.Roles, roleJSON{ID: roleID(name), Value: name, Name: name, Enabled: true})
	}
	for _, name := range t.sim.offered(func(a *App) []string { return a.scopes }) {
		out.Scopes = append(out.Scopes, roleJSON{ID: nameGUID("scope " + name), Value: name, Enabled: true})
	}
	return out
}

// offered lists all permissions of Graph that the stand-in knows: those of its operations and those that some app has.
func (s *Sim) offered(of func(*App) []string) (names []string) {
	for _, r := range routes {
		names = slices.Concat(names, r.app, r.delegated)
	}
	for _, k := range resourceKinds {
		names = slices.Concat(names, k.app, k.delegated)
	}
	for _, a := range s.apps {
		names = append(names, of(a)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (a *App) principal() principalJSON {
	return principalJSON{
		ID: a.PrincipalID, AppID: a.ClientID, Name: a.Name, Enabled: true, Type: "Application",
		Assigned: a.tenant.sim.opts.Webhooks.NullTokens, Roles: []roleJSON{}, Scopes: []roleJSON{},
	}
}

// tenantApps are the apps of the caller's tenant in the order of their names and ids.
func (c *call) tenantApps() (list []*App) {
	for _, a := range c.sim.apps {
		if a.tenant == c.token.tenant {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(a, b *App) int { return strings.Compare(a.Name+a.ClientID, b.Name+b.ClientID) })
	return list
}

// namedApp finds the app of the path by the id of its kind, or by its application id where the path says so.
func (c *call) namedApp(id func(*App) string) *App {
	byAppID := strings.Contains(c.route.template, "(appId='{id}')")
	for _, a := range c.tenantApps() {
		if byAppID && strings.EqualFold(a.ClientID, c.params[0]) || !byAppID && id(a) == c.params[0] {
			return a
		}
	}
	return nil
}

func (c *call) noSuch() error {
	return refuse(http.StatusNotFound, "Request_ResourceNotFound", "Resource '%s' does not exist or one of its queried reference-property objects are not present.", c.params[0])
}

func listApplications(c *call) (int, any, error) {
	apps, err := filtered(c.query["$filter"], c.tenantApps(), []string{"appId", "id", "displayName"}, func(a *App, p string) string {
		return map[string]string{"appId": a.ClientID, "id": a.ObjectID, "displayName": a.Name}[p]
	})
	if err != nil {
		return 0, nil, err
	}
	list := []applicationJSON{}
	for _, a := range apps {
		list = append(list, a.wire())
	}
	return onePage(c, "applications", list)
}

func getApplication(c *call) (int, any, error) {
	a := c.namedApp(func(a *App) string { return a.ObjectID })
	if a == nil {
		return 0, nil, c.noSuch()
	}
	out := a.wire()
	out.Context = c.context("applications/$entity")
	v, err := selected(c.query["$select"], out)
	return http.StatusOK, v, err
}

func listPrincipals(c *call) (int, any, error) {
	all := []principalJSON{c.token.tenant.graphPrincipal()}
	for _, a := range c.tenantApps() {
		all = append(all, a.principal())
	}
	list, err := filtered(c.query["$filter"], all, []string{"appId", "id", "displayName"}, func(p principalJSON, name string) string {
		return map[string]string{"appId": p.AppID, "id": p.ID, "displayName": p.Name}[name]
	})
	if err != nil {
		return 0, nil, err
	}
	return onePage(c, "servicePrincipals", list)
}

func getPrincipal(c *call) (int, any, error) {
	out := c.token.tenant.graphPrincipal()
	if c.params[0] != out.ID && c.params[0] != graphAppID {
		a := c.namedApp(func(a *App) string { return a.PrincipalID })
		if a == nil {
			return 0, nil, c.noSuch()
		}
		out = a.principal()
	}
	out.Context = c.context("servicePrincipals/$entity")
	v, err := selected(c.query["$select"], out)
	return http.StatusOK, v, err
}

type roleAssignmentJSON struct {
	ID            string  `json:"id"`
	Deleted       *string `json:"deletedDateTime"`
	RoleID        string  `json:"appRoleId"`
	Created       string  `json:"createdDateTime"`
	PrincipalName string  `json:"principalDisplayName"`
	PrincipalID   string  `json:"principalId"`
	PrincipalType string  `json:"principalType"`
	ResourceName  string  `json:"resourceDisplayName"`
	ResourceID    string  `json:"resourceId"`
}

// listRoleAssignments tells which application permissions an app has been granted. They are named by ids, which the
// service principal of Graph explains.
func listRoleAssignments(c *call) (int, any, error) {
	a := c.namedApp(func(a *App) string { return a.PrincipalID })
	if a == nil {
		return 0, nil, c.noSuch()
	}
	graph := a.tenant.graphPrincipal()
	list := []roleAssignmentJSON{}
	for _, name := range a.roles {
		list = append(list, roleAssignmentJSON{
			ID: base64.RawURLEncoding.EncodeToString([]byte(a.PrincipalID + name)), RoleID: roleID(name), Created: timeText(a.created.UnixMilli()),
			PrincipalName: a.Name, PrincipalID: a.PrincipalID, PrincipalType: "ServicePrincipal", ResourceName: graph.Name, ResourceID: graph.ID,
		})
	}
	return onePage(c, "appRoleAssignments", list)
}

type grantJSON struct {
	ID          string  `json:"id"`
	ClientID    string  `json:"clientId"`
	ConsentType string  `json:"consentType"`
	PrincipalID *string `json:"principalId"`
	ResourceID  string  `json:"resourceId"`
	Scope       string  `json:"scope"`
}

// listGrants tells which delegated permissions have consent: here always for everybody in the tenant.
func listGrants(c *call) (int, any, error) {
	a := c.namedApp(func(a *App) string { return a.PrincipalID })
	if a == nil {
		return 0, nil, c.noSuch()
	}
	list := []grantJSON{}
	if len(a.scopes) > 0 {
		list = append(list, grantJSON{
			ID: base64.RawURLEncoding.EncodeToString([]byte(a.PrincipalID)), ClientID: a.PrincipalID, ConsentType: "AllPrincipals",
			ResourceID: a.tenant.graphPrincipal().ID, Scope: strings.Join(a.scopes, " "),
		})
	}
	return onePage(c, "oauth2PermissionGrants", list)
}

// secret is a client secret of an app.
type secret struct {
	id, value    string
	starts, ends time.Time
}

// secretLife is how long a secret lives of which nothing else is said: two years, the longest that the portal offers.
const secretLife = 2 * 365 * 24 * time.Hour

func newAppSecret(value string, now, ends time.Time) secret {
	if ends.IsZero() {
		ends = now.Add(secretLife)
	}
	return secret{id: newGUID(), value: value, starts: now, ends: ends}
}

// SetSecret replaces the client secrets by one: the old ones are refused from now on.
func (a *App) SetSecret(value string) {
	a.tenant.sim.mu.Lock()
	defer a.tenant.sim.mu.Unlock()
	a.secrets = []secret{newAppSecret(value, a.tenant.sim.opts.Now(), time.Time{})}
}

// AddSecret adds a client secret that runs out at a time; the others stay.
func (a *App) AddSecret(value string, ends time.Time) {
	a.tenant.sim.mu.Lock()
	defer a.tenant.sim.mu.Unlock()
	a.secrets = append(a.secrets, newAppSecret(value, a.tenant.sim.opts.Now(), ends))
}

// ExpireSecret makes the client secrets ones that have run out.
func (a *App) ExpireSecret() {
	a.tenant.sim.mu.Lock()
	defer a.tenant.sim.mu.Unlock()
	for i := range a.secrets {
		a.secrets[i].ends = a.tenant.sim.opts.Now()
	}
}

// findSecret tells whether an app has a secret, and whether it has run out.
func (a *App) findSecret(value string, now time.Time) (known, expired bool) {
	i := slices.IndexFunc(a.secrets, func(s secret) bool { return s.value == value })
	return i >= 0, i >= 0 && !now.Before(a.secrets[i].ends)
}
