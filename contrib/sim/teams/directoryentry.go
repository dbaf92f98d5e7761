package teams

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// directoryEntry is what the directory knows of a user beside name and addresses.
type directoryEntry struct {
	number   int64 // in order of creation
	licensed bool
	// guest: belongs to another organisation; idp is the identity provider that signs them in.
	guest bool
	idp   string
	// deleted is when; zero: not. purged: for good.
	deleted time.Time
	purged  bool
	// renamed is the name that replaced the first one.
	renamed string
	// changed says, by property, with which of the tenant's changes it was changed last.
	changed map[string]int64
}

func (u *User) gone() bool { return !u.deleted.IsZero() }

func (u *User) displayName() string {
	if u.renamed != "" {
		return u.renamed
	}
	return u.Name
}

// enrol adds a user to the directory.
func (t *Tenant) enrol(u *User) {
	t.enrolled++
	u.number, u.changed = t.enrolled, map[string]int64{}
	t.users = append(t.users, u)
	u.touch("id")
}

// touch notes that something of a user has changed.
func (u *User) touch(property string) {
	u.tenant.changes++
	u.changed[property] = u.tenant.changes
}

// AddGuest makes a user of another organisation a guest; idp is who signs them in, such as the issuer of their own tenant, or
// live.com for a personal account.
func (t *Tenant) AddGuest(name, idp string) *User {
	u := t.AddUser(name)
	t.sim.mu.Lock()
	defer t.sim.mu.Unlock()
	u.Mail = slug(name) + "@elsewhere.example"
	u.UPN = slug(name) + "_elsewhere.example#EXT#@" + t.Domain
	u.guest, u.licensed, u.idp = true, false, idp
	return u
}

// SetDisabled turns a user's account off or on; the tokens of a disabled user no longer work.
func (u *User) SetDisabled(off bool) {
	u.alter("accountEnabled", func() { u.disabled = off })
}

// SetLicensed gives a user the licence for Teams, as everybody has at first, or takes it away.
func (u *User) SetLicensed(on bool) {
	u.alter("assignedPlans", func() { u.licensed = on })
}

// Rename changes the display name. The field Name stays.
func (u *User) Rename(name string) {
	u.alter("displayName", func() { u.renamed = name })
}

// Delete deletes a user, who can be restored for 30 days.
func (u *User) Delete() {
	u.alter("id", func() {
		t := u.tenant
		if !u.gone() {
			u.deleted = t.sim.opts.Now()
			t.users = slices.DeleteFunc(t.users, func(x *User) bool { return x == u })
			t.former = append(t.former, u)
		}
	})
}

// Restore brings a deleted user back.
func (u *User) Restore() {
	u.alter("id", func() {
		t := u.tenant
		if u.gone() && !u.purged {
			u.deleted = time.Time{}
			t.former = slices.DeleteFunc(t.former, func(x *User) bool { return x == u })
			at, _ := slices.BinarySearchFunc(t.users, u.number, func(x *User, n int64) int { return int(x.number - n) })
			t.users = slices.Insert(t.users, at, u)
		}
	})
}

// Purge deletes a user for good.
func (u *User) Purge() {
	u.Delete()
	u.alter("id", func() { u.purged = true })
}

func (u *User) alter(property string, f func()) {
	u.tenant.sim.mu.Lock()
	defer u.tenant.sim.mu.Unlock()
	f()
	u.touch(property)
}

// The service plan of Teams, as the page "Product names and service plan identifiers for licensing" has it (TEAMS1), and the
// name of its service as Microsoft's diagnostics show it.
const (
	teamsPlanID  = "57ff2da0-773e-42df-b2af-ffb7a2317929"
	teamsService = "TeamspaceAPI"
)

type planJSON struct {
	Assigned string `json:"assignedDateTime"`
	Status   string `json:"capabilityStatus"`
	Service  string `json:"service"`
	PlanID   string `json:"servicePlanId"`
}

// plans are another service's, and that of Teams: one that was taken away stays in the list for a while, as Deleted.
func (u *User) plans() []planJSON {
	if u.guest {
		return []planJSON{}
	}
	assigned := "2024-01-15T08:00:00Z"
	list := []planJSON{{assigned, "Enabled", "exchange", "efb87545-963c-4e0d-99df-69c6916d9eb0"}}
	status := "Deleted"
	if u.licensed {
		status = "Enabled"
	}
	return append(list, planJSON{assigned, status, teamsService, teamsPlanID})
}

// fullUserJSON is what comes of a user only when it is asked for.
type fullUserJSON struct {
	userJSON
	Enabled bool       `json:"accountEnabled"`
	Plans   []planJSON `json:"assignedPlans"`
	Type    string     `json:"userType"`
	Deleted *string    `json:"deletedDateTime"`
}

func (u *User) full(context string) fullUserJSON {
	out := fullUserJSON{userJSON: u.wire(), Enabled: !u.disabled, Plans: u.plans(), Type: "Member"}
	out.Context = context
	if u.guest {
		out.Type = "Guest"
	}
	if u.gone() {
		out.Deleted = optionalTime(u.deleted.UnixMilli())
	}
	return out
}

// notBasic are the properties that User.ReadBasic.All does not show of others (permissions reference).
var notBasic = []string{"accountEnabled", "assignedPlans", "userType", "deletedDateTime", "jobTitle", "mobilePhone", "businessPhones", "officeLocation", "preferredLanguage"}

// selectedUser reduces a user to what $select names; without it, to what comes by default.
func (c *call) selectedUser(fields string, u *User, context string) (any, error) {
	if fields == "" {
		out := u.wire()
		out.Context = context
		return out, nil
	}
	if u != c.token.user && !overlap(c.token.permissions, readAllUsers) {
		for name := range strings.SplitSeq(fields, ",") {
			if slices.Contains(notBasic, strings.TrimSpace(name)) {
				return nil, refuse(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
			}
		}
	}
	return selected(fields, u.full(context))
}

func listDeletedUsers(c *call) (int, any, error) {
	values := []any{}
	for _, u := range c.token.tenant.former {
		if u.purged {
			continue
		}
		v, err := c.selectedUser(c.query["$select"], u, "")
		if err != nil {
			return 0, nil, err
		}
		values = append(values, v)
	}
	return http.StatusOK, listJSON{Context: c.context("users"), Count: len(values), Value: values}, nil
}

func getDeletedUser(c *call) (int, any, error) {
	for _, u := range c.token.tenant.former {
		if u.ID == c.params[0] && !u.purged {
			v, err := c.selectedUser(c.query["$select"], u, c.context("directoryObjects/$entity"))
			if err != nil {
				return 0, nil, err
			}
			object := map[string]json.RawMessage{}
			if err := json.Unmarshal(encode(v), &object); err != nil {
				return 0, nil, fmt.Errorf("reading a user: %w", err)
			}
			object["@odata.type"] = json.RawMessage(`"#microsoft.graph.user"`)
			return http.StatusOK, object, nil
		}
	}
	return 0, nil, c.noSuch()
}
