package teams

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Tenant is an organisation. Its exported fields do not change.
type Tenant struct {
	ID     string // a GUID
	Name   string
	Domain string // name.onmicrosoft.example

	sim   *Sim
	users []*User // those who are there
	teams []*Team
	chats []*Channel

	// former are the users who were deleted, for good or not; enrolled counts all that ever were.
	former   []*User
	enrolled int64
	// changes counts what has changed of users; deltaFrom is before which no delta token is good any more.
	changes   int64
	deltaFrom int64
}

// User is a person of a tenant. Its exported fields do not change.
type User struct {
	ID   string // the object id, a GUID
	Name string
	UPN  string // user principal name
	Mail string // empty: none

	tenant   *Tenant
	disabled bool
	directoryEntry
	photo []byte // a JPEG; nil: none
	drive *drive // OneDrive; nil: not used yet
	// driveless: they have no licence for OneDrive.
	driveless bool
}

// Team is a team. Its exported fields do not change.
type Team struct {
	ID   string // a GUID
	Name string
	// General is the channel that every team has.
	General *Channel

	tenant   *Tenant
	created  time.Time
	members  []member
	channels []*Channel
	rsc      map[string][]string // by client id: permissions granted in this team
}

// Channel is a conversation of a team, or a chat. Its exported fields do not change.
type Channel struct {
	ID      string // 19:<hex>@thread.tacv2; of chats see chats.go
	Name    string
	Private bool
	// WebURL is what "copy link" gives.
	WebURL string

	tenant   *Tenant
	team     *Team // nil: a chat
	created  time.Time
	members  []member            // of a private channel or chat only
	chat     chatEntry           // of a chat
	rsc      map[string][]string // of a chat, by client id: permissions granted in it
	messages map[int64]*message
	roots    []*message // in order of creation
	drive    *drive     // of the team, at its General channel, or of a private channel
	folder   *item      // where its files lie
	last     int64      // time of the last change, epoch ms; every change is later than the one before
}

type member struct {
	user  *User
	owner bool
	// from is when the history begins that somebody sees of a chat, epoch ms; 0: all of it.
	from int64
}

// App is an app registration with its consents. Its exported fields do not change.
type App struct {
	ClientID string
	Name     string
	// ObjectID is the id of the registration (application), PrincipalID that of its service principal in the tenant.
	ObjectID, PrincipalID string

	tenant      *Tenant
	created     time.Time
	secrets     []secret
	public      bool
	certificate *x509.Certificate
	roles       []string // application permissions granted
	scopes      []string // delegated permissions consented for the whole tenant
	redirects   []string // where browsers may be sent back to (platform Web)
	multiTenant bool
	withdrawn   map[*User]bool // who has taken their consent back
}

// AppConfig says what is registered and consented for an app.
type AppConfig struct {
	Name string
	// Secret is the client secret; empty: none.
	Secret string
	// SecretEnds is when it runs out; zero: after two years.
	SecretEnds time.Time
	// Certificate verifies signed assertions (private_key_jwt); nil: none.
	Certificate *x509.Certificate
	// PublicClient allows flows without a secret ("Allow public client flows"), such as the device code flow.
	PublicClient bool
	// Roles are the granted application permissions, such as ChannelMessage.Read.All.
	Roles []string
	// Scopes are the delegated permissions with consent, such as ChannelMessage.Send.
	Scopes []string
	// Redirects are the redirect URIs of the platform Web, for sign-in in a browser.
	Redirects []string
	// MultiTenant lets people of other tenants sign in on the common page.
	MultiTenant bool
}

// AddTenant makes an organisation.
func (s *Sim) AddTenant(name string) *Tenant {
	t := &Tenant{ID: newGUID(), Name: name, Domain: slug(name) + ".onmicrosoft.example", sim: s}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tenants[t.ID] = t
	s.tenants[t.Domain] = t
	return t
}

// AddUser makes a person whose addresses follow from the name; a name given twice gets a number in its addresses.
func (t *Tenant) AddUser(name string) *User {
	t.sim.mu.Lock()
	defer t.sim.mu.Unlock()
	upn := slug(name) + "@" + t.Domain
	for n := 2; t.user(upn) != nil; n++ {
		upn = fmt.Sprintf("%s%d@%s", slug(name), n, t.Domain)
	}
	u := &User{ID: newGUID(), Name: name, UPN: upn, Mail: upn, tenant: t, directoryEntry: directoryEntry{licensed: true}}
	t.enrol(u)
	return u
}

// SetPhoto gives a user a picture, or takes it away with nil.
func (u *User) SetPhoto(jpeg []byte) {
	u.tenant.sim.mu.Lock()
	defer u.tenant.sim.mu.Unlock()
	u.photo = jpeg
}

// AddApp registers an app.
func (t *Tenant) AddApp(c AppConfig) *App {
	a := &App{
		ClientID: newGUID(), ObjectID: newGUID(), PrincipalID: newGUID(), Name: c.Name, tenant: t, public: c.PublicClient,
		certificate: c.Certificate, roles: slices.Clone(c.Roles), scopes: slices.Clone(c.Scopes), created: t.sim.opts.Now(),
		redirects: slices.Clone(c.Redirects), multiTenant: c.MultiTenant, withdrawn: map[*User]bool{},
	}
	if c.Secret != "" {
		a.secrets = []secret{newAppSecret(c.Secret, a.created, c.SecretEnds)}
	}
	t.sim.mu.Lock()
	defer t.sim.mu.Unlock()
	t.sim.apps[a.ClientID] = a
	return a
}

// AddTeam makes a team with a General channel; owner becomes a member, too.
func (t *Tenant) AddTeam(name string, owner *User, members ...*User) *Team {
	s := t.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	team := &Team{ID: newGUID(), Name: name, tenant: t, created: s.opts.Now(), rsc: map[string][]string{}}
	team.members = memberList(owner, members)
	team.General = team.addChannel("General")
	t.teams = append(t.teams, team)
	return team
}

func memberList(owner *User, members []*User) []member {
	list := []member{{user: owner, owner: true}}
	for _, u := range members {
		if u != owner {
			list = append(list, member{user: u})
		}
	}
	return list
}

// AddChannel makes a standard channel: whoever is in the team is in it.
func (team *Team) AddChannel(name string) *Channel {
	team.tenant.sim.mu.Lock()
	defer team.tenant.sim.mu.Unlock()
	return team.addChannel(name)
}

// AddPrivateChannel makes a private channel with members of its own.
func (team *Team) AddPrivateChannel(name string, owner *User, members ...*User) *Channel {
	team.tenant.sim.mu.Lock()
	defer team.tenant.sim.mu.Unlock()
	c := team.addChannel(name)
	c.Private = true
	c.members = memberList(owner, members)
	return c
}

func (team *Team) addChannel(name string) *Channel {
	id := "19:" + strings.ReplaceAll(newGUID(), "-", "") + "@thread.tacv2"
	c := &Channel{ID: id, Name: name, tenant: team.tenant, team: team, created: team.tenant.sim.opts.Now(), messages: map[int64]*message{}}
	c.WebURL = fmt.Sprintf("https://teams.microsoft.com/l/channel/%s/%s?groupId=%s&tenantId=%s",
		escapeID(id), url.PathEscape(name), team.ID, team.tenant.ID)
	team.channels = append(team.channels, c)
	return c
}

// AddMember puts a person into the team; as a plain member where they were an owner.
func (team *Team) AddMember(u *User) { team.setMember(u, false) }

// AddOwner makes a person an owner of the team.
func (team *Team) AddOwner(u *User) { team.setMember(u, true) }

func (team *Team) setMember(u *User, owner bool) {
	team.tenant.sim.mu.Lock()
	defer team.tenant.sim.mu.Unlock()
	team.members = append(without(team.members, u), member{user: u, owner: owner})
}

// RemoveMember takes a person out of the team and all its channels.
func (team *Team) RemoveMember(u *User) {
	team.tenant.sim.mu.Lock()
	defer team.tenant.sim.mu.Unlock()
	team.members = without(team.members, u)
	for _, c := range team.channels {
		c.members = without(c.members, u)
	}
}

func without(list []member, u *User) []member {
	return slices.DeleteFunc(slices.Clone(list), func(m member) bool { return m.user == u })
}

// Remove deletes the channel or chat with all that was said in it.
func (c *Channel) Remove() {
	c.tenant.sim.mu.Lock()
	defer c.tenant.sim.mu.Unlock()
	is := func(x *Channel) bool { return x == c }
	if c.team == nil {
		c.tenant.chats = slices.DeleteFunc(c.tenant.chats, is)
		return
	}
	c.team.channels = slices.DeleteFunc(c.team.channels, is)
}

// GrantRSC gives an app resource-specific permissions in this team, such as ChannelMessage.Read.Group.
func (team *Team) GrantRSC(a *App, permissions ...string) {
	team.tenant.sim.mu.Lock()
	defer team.tenant.sim.mu.Unlock()
	team.rsc[a.ClientID] = append(team.rsc[a.ClientID], permissions...)
}

// The lookups below are called with the lock held.

func (t *Tenant) user(idOrUPN string) *User {
	for _, u := range t.users {
		if u.ID == idOrUPN || strings.EqualFold(u.UPN, idOrUPN) {
			return u
		}
	}
	return nil
}

func (t *Tenant) team(id string) *Team {
	for _, team := range t.teams {
		if team.ID == id {
			return team
		}
	}
	return nil
}

func (team *Team) channel(id string) *Channel {
	for _, c := range team.channels {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// participants are those who can see a channel.
func (c *Channel) participants() []member {
	if c.Private || c.team == nil {
		return c.members
	}
	return c.team.members
}

func find(list []member, u *User) (member, bool) {
	for _, m := range list {
		if m.user == u {
			return m, true
		}
	}
	return member{}, false
}

// membershipID is opaque to clients; in the documented samples it is base64 of both ids.
func membershipID(scope string, u *User) string {
	return base64.StdEncoding.EncodeToString([]byte(scope + "##" + u.ID))
}

// escapeID percent-encodes a channel id as context and web URLs show it.
func escapeID(id string) string {
	return strings.NewReplacer(":", "%3A", "@", "%40").Replace(id)
}

// slug is a name in the letters that an address may have.
func slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == ' ', r == '.', r == '-':
			b.WriteByte('.')
		}
	}
	if b.Len() == 0 {
		return "user"
	}
	return b.String()
}
