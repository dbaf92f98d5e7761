package config

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/BurntSushi/toml"
)

// accounts collects [PROTOCOL.NAME] tables.
type accounts struct {
	d         *decoder
	protocols Protocols
	byID      map[string]Account
	places    map[string]place
	// broken are names of accounts that were not understood; gateways that name them are not to blame.
	broken []string
	used   map[string]bool
}

func (d *decoder) newAccounts(protocols Protocols) *accounts {
	return &accounts{d: d, protocols: protocols, byID: map[string]Account{}, places: map[string]place{}, used: map[string]bool{}}
}

// protocol decodes a table of the file that is none of Causeway's own.
func (a *accounts) protocol(root place, written string, value toml.Primitive) {
	keys, isTable := a.d.keys(value)
	_, isList := a.d.raw(value).([]map[string]any)
	name, known := a.protocolName(written)
	switch {
	case known && !isTable:
		a.d.mistake(root, written, "must be a table, not "+found(a.d.raw(value)), "write ["+name+".NAME] on a line of its own")
		return
	case !isTable && !isList:
		a.outside(root, written)
		return
	case !known:
		tables := append(slices.Sorted(maps.Keys(a.protocols)), names(fieldsOf(&document{}))...)
		hint := "protocols are " + strings.Join(slices.Sorted(maps.Keys(a.protocols)), ", ")
		if near, meant := suggest(written, tables); meant != "" {
			hint = near + " " + hint
		}
		at := root.child(written)
		at.list = isList
		a.d.mistake(at, "", "unknown protocol or table", hint)
		for account := range keys {
			a.broken = append(a.broken, written+"."+account)
		}
		return
	}
	at := root.child(written)
	var seen []string
	for _, account := range inOrder(at.node, keys) {
		id := name + "." + account
		inner, ok := a.d.keys(keys[account])
		if !ok {
			a.broken = append(a.broken, id)
			a.stray(at, name, account, keys[account])
			continue
		}
		if i := slices.IndexFunc(seen, func(s string) bool { return strings.EqualFold(s, account) }); i >= 0 {
			a.d.repeated(at, account, seen[i])
			continue
		}
		seen = append(seen, account)
		a.account(at.child(account), name, account, inner)
	}
}

// stray reports what stands directly below a protocol and is no account.
func (a *accounts) stray(at place, protocol, key string, value toml.Primitive) {
	if _, isList := a.d.raw(value).([]map[string]any); isList {
		a.d.mistake(at, key, "must be a table, not a list", "write "+at.child(key).header()+" with one bracket on each side")
		return
	}
	a.d.mistake(at, key, "does not stand in an account", "write one ["+protocol+".NAME] for each account, and its keys below")
}

// protocolName gives the protocol of a table, whatever its case.
func (a *accounts) protocolName(written string) (string, bool) {
	for _, name := range slices.Sorted(maps.Keys(a.protocols)) {
		if strings.EqualFold(name, written) {
			return name, true
		}
	}
	return written, false
}

// outside reports a key that stands above the first header.
func (a *accounts) outside(root place, key string) {
	for _, t := range knownKeys(a.protocols) {
		for _, k := range t.keys {
			if strings.EqualFold(k, key) && !strings.Contains(t.header, "[[") {
				a.d.mistake(root, key, "stands outside a table", "write it below "+t.header)
				return
			}
		}
	}
	a.d.mistake(root, key, "unknown key outside a table", "write keys below a header such as [general]")
}

func (a *accounts) account(at place, protocol, name string, keys map[string]toml.Primitive) {
	id := protocol + "." + name
	if strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) || name == "" {
		a.d.mistake(at, "", "the name of an account must not be empty nor hold spaces or control characters", "")
	}
	settings := a.protocols[protocol]()
	common := &accountKeys{}
	a.d.table(at, keys, nil, settings, common)
	a.d.files(at, settings)
	a.d.nickFormat(at, common.RemoteNickFormat)
	if v, ok := settings.(validator); ok {
		decoded := place{node: &node{wrong: slices.Clone(at.node.wrong)}}
		v.Validate(func(key, problem string) {
			if key == "" || decoded.ok(key) {
				a.d.mistake(at, key, problem, "")
			}
		})
	}
	a.places[id] = at
	a.byID[id] = Account{ID: id, Protocol: protocol, Name: name, Settings: settings,
		Label: common.Label, RemoteNickFormat: common.RemoteNickFormat, Line: at.node.line}
}

// files checks that the files that an account names are there.
func (d *decoder) files(at place, settings any) {
	for _, f := range fieldsOf(settings) {
		if !f.isPath() || f.value.String() == "" || !at.ok(f.name) {
			continue
		}
		if _, err := checkFile(f.value.String()); err != nil {
			d.mistake(at, f.name, "the file cannot be read: "+err.Error(), "the path is relative to the folder of the config")
		}
	}
}

// finish gives the accounts, each with the format of names that holds for it.
func (a *accounts) finish(general string) map[string]Account {
	for id, account := range a.byID {
		account.RemoteNickFormat = cmp.Or(account.RemoteNickFormat, general)
		a.byID[id] = account
	}
	return a.byID
}

// find gives the ID of the account that a gateway names, whatever the case. With excused, it does not exist,
// but a mistake was reported for it.
func (a *accounts) find(written string) (id string, ok, excused bool) {
	for _, id := range slices.Sorted(maps.Keys(a.byID)) {
		if strings.EqualFold(id, written) {
			a.used[id] = true
			return id, true, false
		}
	}
	return "", false, slices.ContainsFunc(a.broken, func(b string) bool { return strings.EqualFold(b, written) })
}

// unused warns of accounts that no gateway nor [[direct]] names.
func (a *accounts) unused() {
	for _, id := range slices.Sorted(maps.Keys(a.byID)) {
		if !a.used[id] {
			a.d.warn(a.places[id], "", "no gateway uses this account", "")
		}
	}
}
