package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Values of People.Prompt.
const (
	PromptOff       = "off"
	PromptOn        = "on"
	PromptAllowList = "allow-list"
)

// Values of People.OnTeamsUserRemoved.
const (
	RemovedDeactivate = "deactivate"
	RemovedDisconnect = "disconnect"
	RemovedNothing    = "nothing"
)

// People is [people]: who may connect, who is asked to, and what becomes of those who leave.
type People struct {
	// Enable offers connecting at all. On by default; without PublicURL nobody can connect all the same.
	Enable bool
	// Prompt says who is asked to connect after logging in: "off", nobody; "on", everybody of PromptTeams and PromptGroups; "allow-list", whoever of
	// them is in AllowListFile.
	Prompt string
	// PromptTeams and PromptGroups are names of Mattermost teams and groups (custom ones, and those of LDAP). Both empty: whoever is in a channel of a
	// gateway.
	PromptTeams, PromptGroups []string
	// AllowListFile holds e-mail addresses, a line each.
	AllowListFile string
	// RemindAfter is when somebody who has not answered, or said "not now", is asked again; 0: never.
	RemindAfter time.Duration
	// MaxPendingInvites is how many may be asked and have not answered.
	MaxPendingInvites int
	// RequireSameEmail lets only those connect whose addresses are the same on both sides.
	RequireSameEmail bool
	// MatchByEmail knows people who have not connected by their proven address, for their names; never to write as them.
	MatchByEmail bool
	// KeepMapping remembers who somebody is after they have disconnected.
	KeepMapping bool
	// MaxConnected is how many people may be connected; 0: any number.
	MaxConnected int
	// Allow and Deny are e-mail addresses, or domains as "@example.com". Where Allow is not empty, only those may connect; Deny
	// counts more.
	Allow, Deny []string
	// AllowLinking lets people link a channel that they administer on both sides, by "/msteams link" in Mattermost. Such pairs live in the store, beside the gateways
	// of the config.
	AllowLinking bool
	// SyncInterval is how often the directory is compared with the connected people.
	SyncInterval time.Duration
	// OnTeamsUserRemoved says what becomes of the linked Mattermost account of somebody who has left Teams: "deactivate"; "disconnect", it
	// stays in use; or "nothing".
	OnTeamsUserRemoved string
	// MaxRemovals is how many may be removed within 24 hours without the operator's consent: a number, or a share as
	// "5%". Empty: 5 % or 5, whichever is more. See [People.RemovalLimit].
	MaxRemovals string
}

func defaultPeople() People {
	return People{
		Enable: true, Prompt: PromptOff, RemindAfter: 30 * 24 * time.Hour, MaxPendingInvites: 50, RequireSameEmail: true, MatchByEmail: true,
		SyncInterval: time.Hour, OnTeamsUserRemoved: RemovedDeactivate,
	}
}

// RemovalLimit gives how many of so many connected people may be removed at one synchronisation without consent.
func (p People) RemovalLimit(connected int) int {
	limit, percent, ok := removals(p.MaxRemovals)
	switch {
	case p.MaxRemovals == "" || !ok: // the config has checked it
		return max(5, connected*5/100)
	case percent:
		return connected * limit / 100
	}
	return limit
}

// removals understands "7" and "5%".
func removals(text string) (n int, percent, ok bool) {
	number, percent := strings.CutSuffix(text, "%")
	n, err := strconv.Atoi(strings.TrimSpace(number))
	return n, percent, err == nil && n >= 0 && (!percent || n <= 100)
}

// leastSync keeps the directory from being read all the time.
const leastSync = time.Minute

func (d *decoder) people(at place, p *People) {
	p.Prompt, p.OnTeamsUserRemoved = strings.ToLower(p.Prompt), strings.ToLower(p.OnTeamsUserRemoved)
	d.oneOf(at, "Prompt", p.Prompt, PromptOff, PromptOn, PromptAllowList)
	d.oneOf(at, "OnTeamsUserRemoved", p.OnTeamsUserRemoved, RemovedDeactivate, RemovedDisconnect, RemovedNothing)
	d.allowList(at, p)
	d.names(at, "PromptTeams", "team", p.PromptTeams)
	d.names(at, "PromptGroups", "group", p.PromptGroups)
	d.addresses(at, "Allow", p.Allow)
	d.addresses(at, "Deny", p.Deny)
	if at.ok("RemindAfter") && p.RemindAfter < 0 {
		d.mistake(at, "RemindAfter", "is negative", `write a time such as "720h", or "0s" to ask nobody again`)
	}
	if at.ok("MaxPendingInvites") && p.MaxPendingInvites < 1 {
		d.mistake(at, "MaxPendingInvites", "would ask nobody", `write how many may be asked and have not answered, or Prompt = "off"`)
	}
	if at.ok("MaxConnected") && p.MaxConnected < 0 {
		d.mistake(at, "MaxConnected", "is negative", "write how many people may be connected, or 0 for any number")
	}
	if at.ok("SyncInterval") && p.SyncInterval < leastSync {
		d.mistake(at, "SyncInterval", "is shorter than "+leastSync.String(), `write a time such as "1h"`)
	}
	if _, _, ok := removals(p.MaxRemovals); at.ok("MaxRemovals") && p.MaxRemovals != "" && !ok {
		d.mistake(at, "MaxRemovals", "neither a number nor a share", `write "5" or "5%"`)
	}
}

func (d *decoder) allowList(at place, p *People) {
	const key = "AllowListFile"
	if !at.ok(key) {
		return
	}
	if p.AllowListFile == "" {
		if p.Prompt == PromptAllowList && at.ok("Prompt") {
			d.mistake(at, key, "missing", fmt.Sprintf("Prompt = %q asks those whose e-mail addresses are in that file, a line each", PromptAllowList))
		}
		return
	}
	if _, err := checkFile(p.AllowListFile); err != nil {
		d.mistake(at, key, "the file cannot be read: "+err.Error(), "the path is relative to the folder of the config")
	}
}

// names checks a list of names of teams or groups.
func (d *decoder) names(at place, key, what string, list []string) {
	if !at.ok(key) {
		return
	}
	for i, name := range list {
		if list[i] = strings.TrimSpace(name); list[i] == "" {
			d.mistake(at, key, "names a "+what+" without a name", "write the names of Mattermost "+what+"s, or leave it out for the people of the channels in gateways")
			return
		}
	}
}

// addresses checks a list of "ann@example.com" and "@example.com", and makes one case of them.
func (d *decoder) addresses(at place, key string, list []string) {
	if !at.ok(key) {
		return
	}
	for i, text := range list {
		list[i] = strings.ToLower(strings.TrimSpace(text))
		_, domain, ok := strings.Cut(list[i], "@")
		if !ok || domain == "" || strings.ContainsAny(list[i], " ,;<>*") || strings.Contains(domain, "@") {
			d.mistake(at, key, strconv.Quote(text)+" is neither an e-mail address nor a domain", `write "ann@example.com" for one person, "@example.com" for all of a domain`)
			return
		}
	}
}
