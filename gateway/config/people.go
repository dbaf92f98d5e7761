package config

import "time"

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
	// Prompt says who is asked to connect after logging in: nobody, everybody of PromptTeams, or whoever of them is in AllowListFile.
	Prompt string
	// PromptTeams are names of Mattermost teams; empty: the teams of the channels in gateways.
	PromptTeams []string
	// AllowListFile holds e-mail addresses, a line each.
	AllowListFile string
	// RemindAfter is when somebody who has not answered, or said "not now", is asked again; 0: never.
	RemindAfter time.Duration
	// MaxPendingInvites is how many may be asked and have not answered.
	MaxPendingInvites int
	// RequireSameEmail lets only those connect whose addresses are the same on both sides.
	RequireSameEmail bool
	// MatchByEmail knows people who have not connected by their proven address, for names and mentions; never to write as them.
	MatchByEmail bool
	// KeepMapping remembers who somebody is after they have disconnected.
	KeepMapping bool
	// MaxConnected is how many people may be connected; 0: any number.
	MaxConnected int
	// Allow and Deny are e-mail addresses, or domains as "@example.com". Where Allow is not empty, only those may connect; Deny
	// counts more.
	Allow, Deny []string
	// SyncInterval is how often the directory is compared with the connected people.
	SyncInterval time.Duration
	// OnTeamsUserRemoved says what becomes of the linked Mattermost account of somebody who has left Teams.
	OnTeamsUserRemoved string
	// MaxRemovals is how many may be removed at one synchronisation without the operator's consent: a number, or a share as
	// "5%". Empty: 5 % or 5, whichever is more.
	MaxRemovals string
}

func defaultPeople() People {
	return People{
		Enable: true, Prompt: PromptOff, RemindAfter: 30 * 24 * time.Hour, MaxPendingInvites: 50, RequireSameEmail: true, MatchByEmail: true,
		SyncInterval: time.Hour, OnTeamsUserRemoved: RemovedDeactivate,
	}
}
