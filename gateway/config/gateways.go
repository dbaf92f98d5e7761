package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"causeway/bridge"
)

// gatewayKeys are the keys of a [[gateway]].
type gatewayKeys struct {
	// Name is what logs and `causeway status` call it; no two gateways have the same.
	Name string `toml:"name"`
	// Enable = false leaves it off; it is checked all the same. Left out: true.
	Enable *bool `toml:"enable"`
	// Files says what becomes of files: "copy", they are stored on the other side; "link", each is a line with name, size and a link; "off",
	// without the link. A file that cannot be copied is a line that says why, and who sent it is told. Left out: "copy".
	Files string `toml:"Files"`
	// MaxFileSize is how large a file may be to be copied, such as "100 MB"; left out: what the other side takes.
	MaxFileSize string `toml:"MaxFileSize"`
	// AllowedTypes and BlockedTypes are media types ("image/png", "image/*") and endings of names (".pdf"). Blocked counts more; without
	// AllowedTypes everything else is copied.
	AllowedTypes []string `toml:"AllowedTypes"`
	BlockedTypes []string `toml:"BlockedTypes"`
	// MentionAll: "@channel", "@all" and "@here" in Mattermost call the whole channel in Teams, and mentions of a team or channel in Teams everybody in
	// the channel in Mattermost. Otherwise, as when left out, they are only words on the other side, and wake nobody there.
	MentionAll bool `toml:"MentionAll"`
	// SystemEvents are told on the other side in a line like "Anna: renamed the channel", by Causeway and calling nobody: "members" who come and go, that it
	// is "renamed" or has another "description", "calls" that begin and end, what is "pinned"; each where the service shows it itself. Left out: none.
	SystemEvents []string `toml:"SystemEvents"`
	// InOut are conversations that are read and written, In those that are only read, Out those that are only written. There are two at least.
	InOut []endpointKeys `toml:"inout"`
	In    []endpointKeys `toml:"in"`
	Out   []endpointKeys `toml:"out"`
}

// endpointKeys are the keys of a [[gateway.inout]] and its like.
type endpointKeys struct {
	// Account is PROTOCOL.NAME, as in the header of an account.
	Account string `toml:"account"`
	// Channel is "team/channel", an id, or the link that "copy link" gives in Mattermost or Teams; the channel alone where the account names
	// a team. `causeway channels ACCOUNT` lists them.
	Channel string `toml:"channel"`
}

func lineOf(line int) string { return fmt.Sprintf(" on line %d", line) }

func (d *decoder) gateways(at place, list []gatewayKeys, accounts *accounts) []Gateway {
	var all []Gateway
	lines := map[string]int{}
	for i, keys := range list {
		here := place{path: at.path, list: true, node: at.node.item(i)}
		if !here.ok("") {
			continue // not even a table
		}
		g := Gateway{Name: strings.TrimSpace(keys.Name), Enable: keys.Enable == nil || *keys.Enable, Line: here.node.line}
		d.gatewayName(here, g.Name, lines)
		g.Files, g.MentionAll = d.filePolicy(here, keys.Files, keys.MaxFileSize, keys.AllowedTypes, keys.BlockedTypes), keys.MentionAll
		g.SystemEvents = d.systemEvents(here, keys.SystemEvents, bridge.Events())
		first := map[conversation]int{}
		for _, group := range []struct {
			direction Direction
			list      []endpointKeys
		}{{InOut, keys.InOut}, {In, keys.In}, {Out, keys.Out}} {
			g.Endpoints = append(g.Endpoints, d.endpoints(here, group.direction, group.list, accounts, first)...)
		}
		d.crossing(here, g)
		all = append(all, g)
	}
	return all
}

func (d *decoder) gatewayName(at place, name string, lines map[string]int) {
	const key = "name"
	if !at.ok(key) {
		return
	}
	first, taken := lines[name]
	switch {
	case name == "":
		d.mistake(at, key, "missing", `give the gateway a name, such as name = "town-square"`)
	case strings.ContainsFunc(name, unicode.IsControl):
		d.mistake(at, key, "holds a control character", "write it on one line")
	case taken:
		d.mistake(at, key, strconv.Quote(name)+" is the name of the gateway"+lineOf(first)+" already", "give each gateway a name of its own")
	default:
		lines[name] = at.node.line
	}
}

// conversation identifies what must occur only once in a gateway.
type conversation struct{ account, channel string }

func (d *decoder) endpoints(gateway place, direction Direction, list []endpointKeys, accounts *accounts, first map[conversation]int) []Endpoint {
	written, _ := gateway.node.find(direction.String())
	at := gateway.child(written)
	var all []Endpoint
	for i, keys := range list {
		here := place{path: at.path, list: true, node: at.node.item(i)}
		if !here.ok("") {
			continue
		}
		e := Endpoint{Channel: strings.TrimSpace(keys.Channel), Direction: direction, Line: here.node.line}
		e.Account = d.endpointAccount(here, strings.TrimSpace(keys.Account), accounts)
		if here.ok("channel") && e.Channel == "" {
			d.mistake(here, "channel", "missing", `write channel = "team/channel", an id, or the link that "copy link" gives`)
		}
		all = append(all, e)
		c := conversation{e.Account, e.Channel}
		line, twice := first[c]
		switch {
		case e.Account == "" || e.Channel == "":
		case twice:
			d.mistake(here, "channel", "this conversation stands in the same gateway"+lineOf(line)+" too", "keep one; for both ways use [[gateway.inout]]")
		default:
			first[c] = here.node.line
		}
	}
	return all
}

func (d *decoder) endpointAccount(at place, written string, accounts *accounts) string {
	const key = "account"
	if !at.ok(key) {
		return ""
	}
	if written == "" {
		d.mistake(at, key, "missing", `write account = "PROTOCOL.NAME", as in the header of the account`)
		return ""
	}
	id, ok, excused := accounts.find(written)
	if ok || excused {
		return id
	}
	hint, _ := suggest(written, slices.Sorted(maps.Keys(accounts.byID)))
	if hint == "" {
		hint = "add a table [" + shownPath(written) + "]"
	}
	d.mistake(at, key, "there is no account "+strconv.Quote(written), hint)
	return ""
}

// shownPath gives an account as its header would be.
func shownPath(account string) string {
	protocol, name, two := strings.Cut(account, ".")
	if !two {
		return "PROTOCOL." + shownKey(account)
	}
	return shownKey(protocol) + "." + shownKey(name)
}

// crossing checks that something can cross the gateway. It says nothing where a conversation may be missing
// because of another mistake.
func (d *decoder) crossing(at place, g Gateway) {
	for _, key := range at.node.wrong {
		about := func(other string) bool { return strings.EqualFold(key, other) }
		if !about("name") && !about("enable") && !about(eventsKey) && !slices.ContainsFunc(fileKeys, about) {
			return
		}
	}
	sources, targets := 0, 0
	for _, e := range g.Endpoints {
		if e.Direction.Receives() {
			sources++
		}
		if e.Direction.Sends() {
			targets++
		}
	}
	switch {
	case len(g.Endpoints) < 2:
		d.mistake(at, "", fmt.Sprintf("has %s, but needs at least two", conversations(len(g.Endpoints))), "add [[gateway.inout]] with account and channel")
	case sources == 0:
		d.mistake(at, "", "nothing is read: all conversations are out", "make one of them [[gateway.in]] or [[gateway.inout]]")
	case targets == 0:
		d.mistake(at, "", "nothing is written: all conversations are in", "make one of them [[gateway.out]] or [[gateway.inout]]")
	}
}

func conversations(n int) string {
	if n == 1 {
		return "one conversation"
	}
	return "no conversation"
}
