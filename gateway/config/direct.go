package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"causeway/bridge"
)

// Direct is one [[direct]]: what is carried of direct and group conversations between two accounts. Pairs of accounts without one have
// everything on.
type Direct struct {
	// Accounts are the IDs of two accounts that exist.
	Accounts [2]string
	// Enable is for all of them, DirectMessages for those of one or two people, GroupMessages for the larger ones.
	Enable, DirectMessages, GroupMessages bool
	// MentionAll: mentions of everybody in a conversation go as such.
	MentionAll bool
	// SystemEvents are told of what happens in one without being said.
	SystemEvents []bridge.Event
	// Files says what becomes of files in them.
	Files Files
	Line  int
}

// directKeys are the keys of a [[direct]]; nil means true.
type directKeys struct {
	// Accounts are the two accounts that it is about, as in the headers of their tables.
	Accounts []string
	// Enable: direct and group messages cross. With false nothing new does, at once; who is whose counterpart stays known. True when left out.
	Enable *bool
	// DirectMessages are those of two people. True when left out.
	DirectMessages *bool
	// GroupMessages are those of three to eight people. True when left out.
	GroupMessages *bool
	// MentionAll: "@all" and its like in a group call everybody in it on the other side, too, as a mention of everyone in Teams does. Otherwise,
	// as when left out, that is only a word there.
	MentionAll bool
	// SystemEvents are told on the other side: "calls" that begin and end, what is "pinned"; see [[gateway]]. Who is in a group and what it is called is alike
	// on both sides anyway. Left out: none.
	SystemEvents []string
	// Files, MaxFileSize, AllowedTypes and BlockedTypes say what becomes of files, as those of a [[gateway]]. Left out: "copy".
	Files        string
	MaxFileSize  string
	AllowedTypes []string
	BlockedTypes []string
}

func yes(b *bool) bool { return b == nil || *b }

func (d *decoder) directs(at place, list []directKeys, accounts *accounts) []Direct {
	var all []Direct
	lines := map[[2]string]int{}
	for i, keys := range list {
		here := place{path: at.path, list: true, node: at.node.item(i)}
		if !here.ok("") {
			continue // not even a table
		}
		one := Direct{Enable: yes(keys.Enable), DirectMessages: yes(keys.DirectMessages), GroupMessages: yes(keys.GroupMessages), MentionAll: keys.MentionAll, Line: here.node.line}
		one.Files = d.filePolicy(here, keys.Files, keys.MaxFileSize, keys.AllowedTypes, keys.BlockedTypes)
		one.SystemEvents = d.systemEvents(here, keys.SystemEvents, []bridge.Event{bridge.EventCalls, bridge.EventPinned})
		var ok bool
		if one.Accounts, ok = d.directAccounts(here, keys.Accounts, accounts); !ok {
			continue
		}
		both := one.Accounts
		slices.Sort(both[:])
		if first, twice := lines[both]; twice {
			d.mistake(here, "Accounts", "these two stand in the [[direct]]"+lineOf(first)+" too", "keep one for each two accounts")
			continue
		}
		lines[both] = here.node.line
		all = append(all, one)
	}
	return all
}

// directAccounts finds the two accounts; ok is false after a mistake, or one reported elsewhere.
func (d *decoder) directAccounts(at place, written []string, accounts *accounts) (ids [2]string, ok bool) {
	const key = "Accounts"
	const write = `write Accounts = ["PROTOCOL.NAME", "PROTOCOL.NAME"], as in the headers of the accounts`
	switch {
	case !at.ok(key):
		return ids, false
	case len(written) == 0:
		d.mistake(at, key, "missing", write)
		return ids, false
	case len(written) != 2:
		d.mistake(at, key, fmt.Sprintf("two accounts belong here, not %d", len(written)), write)
		return ids, false
	}
	ok = true
	for i, name := range written {
		id, known, excused := accounts.find(strings.TrimSpace(name))
		ids[i] = id
		ok = ok && known
		if known || excused {
			continue
		}
		hint, _ := suggest(name, slices.Sorted(maps.Keys(accounts.byID)))
		if hint == "" {
			hint = "add a table [" + shownPath(name) + "]"
		}
		d.mistake(at, key, "there is no account "+strconv.Quote(name), hint)
	}
	if ok && ids[0] == ids[1] {
		d.mistake(at, key, "both are "+ids[0], write)
		return ids, false
	}
	return ids, ok
}
