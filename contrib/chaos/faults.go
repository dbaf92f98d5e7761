package main

import (
	"slices"
	"strings"
)

// Fault is something that the hand does at some time.
type Fault struct {
	// At is when it begins, For how long it lasts, in milliseconds.
	At, For int
	Kind    string
	// Salt decides what is random in it.
	Salt uint64
}

// kind is a kind of fault.
type kind struct {
	name string
	// group: two of a group do not happen at once.
	group string
	// least and most are how long it lasts, in milliseconds.
	least, most int
	// needs are what it takes: "postgres" or "sqlite", the store; "sync" or "async", how its replica follows; "several" instances; "rich" or
	// "poll", how Causeway hears of Teams; "root"; "clock", that clocks can jump on this machine.
	needs string
	// once: at most once in a run.
	once bool
	// downs: Causeway does not run meanwhile.
	downs bool
	begin func(w *world, f Fault)
	// end is nil for what is over by itself.
	end func(w *world, f Fault)
}

// possible tells whether it can be made in a run, and was not left out.
func (k *kind) possible(p *Plan, o options) bool {
	if len(o.only) > 0 && !slices.Contains(o.only, k.name) {
		return false
	}
	has := map[string]bool{p.Store: true, p.Receive: true, p.Replica: true, "several": p.Instances > 1, "root": o.root, "clock": clocksCanJump}
	for need := range strings.FieldsSeq(k.needs) {
		if !has[need] {
			return false
		}
	}
	return true
}

// kindNamed gives a kind by its name; nil for none.
func kindNamed(name string) *kind {
	for _, k := range kinds {
		if k.name == name {
			return k
		}
	}
	return nil
}

// The groups of faults.
const (
	ofProcess       = "process"
	ofMattermost    = "mattermost"
	ofWire          = "wire" // between Causeway and Mattermost
	ofDatabase      = "database"
	ofGraph         = "graph"
	ofNotifications = "notifications"
	ofTokens        = "tokens"
)

// kinds are all faults that there are. It is filled by init, as they refer to what refers to it.
var kinds []*kind

func init() {
	kinds = slices.Concat(processFaults, mattermostFaults, wireFaults, databaseFaults, replicaFaults, diskFaults, graphFaults, notificationFaults, tokenFaults, grantFaults)
}
