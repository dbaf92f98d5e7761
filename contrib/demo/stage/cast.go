package stage

import "strings"

// Role is somebody in the demonstration, as both services know them.
type Role struct {
	Handle string // in Mattermost; empty: they are not there
	Name   string // in Teams; empty: they are not there
}

// Mail is their e-mail address, which is the same on both sides.
func (r Role) Mail() string {
	if r.Name == "" {
		return r.Handle + "@acme.example"
	}
	return strings.ReplaceAll(strings.ToLower(r.Name), " ", ".") + "@" + domain
}

// domain is that of the tenant Contoso in the stand-in.
const domain = "contoso.onmicrosoft.example"

// Whoever is on both sides has connected the two accounts, and so writes as themselves on either, in channels and in direct and group messages.
var (
	alice = Role{"alice", "Alice Chen"}
	amir  = Role{"amir", "Amir Haddad"}
	bob   = Role{"bob", "Bob Kahn"}
	berta = Role{"berta", "Berta Ott"}
	mei   = Role{Handle: "mei"}
	sofia = Role{Name: "Sofia Rossi"}
)

// InMattermost and inTeams are who is there, in the order in which they are offered: first those who work there, then those who work on the other
// side and have an account here, too.
var (
	InMattermost = []Role{alice, amir, mei, bob, berta}
	inTeams      = []Role{bob, berta, sofia, alice, amir}
)
