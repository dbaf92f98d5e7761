package matterbridge

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"causeway/gateway/config"
)

// Converted is a config of Causeway's.
type Converted struct {
	Text []byte
	// ToDo and LeftOut count the comments of these kinds.
	ToDo, LeftOut int
	// Secrets says that secrets stand in Text.
	Secrets bool
}

// The tables of the old config that hold no accounts.
const (
	generalTable  = "general"
	tengoTable    = "tengo"
	gatewayTable  = "gateway"
	sameChannelOf = "samechannelgateway"
)

// Convert turns a config of Matterbridge, from a file of that name, into one of Causeway's. With moved, the tokens of kept accounts stand in it;
// else it names environment variables for them. Its error, for what is not TOML, quotes nothing of the file.
func Convert(name string, data []byte, moved bool) (Converted, error) {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".json", ".yaml", ".yml":
		return Converted{}, fmt.Errorf("reading %s: only Matterbridge's TOML is understood: write the config as TOML first", filepath.Base(name))
	}
	values, outline, err := config.Read(name, data)
	if err != nil {
		return Converted{}, err
	}
	root := newTable(values, outline)
	c := &converter{root: root, moved: moved, accounts: map[string]string{}, said: map[string]bool{}}
	c.general, _ = root.inner(generalTable)
	c.old = newRemarks(data, secretsOf(values))
	c.write(filepath.Base(name))
	if c.err != nil {
		return Converted{}, c.err
	}
	return Converted{Text: []byte(c.String()), ToDo: c.toDo, LeftOut: c.leftOut, Secrets: c.secrets}, nil
}

type converter struct {
	page
	root, general table
	old           remarks
	moved         bool
	secrets       bool
	// accounts are those that were kept: the new id by the old one in lower case.
	accounts map[string]string
	// said are the reasons that have been given before.
	said map[string]bool
	// names are those of the gateways so far.
	names []string
}

func (c *converter) write(name string) {
	c.page.old("", c.old.top())
	c.blank()
	c.comment("", "Made from %s by `causeway import`. Comments of that file stay at what they are about.", name)
	c.comment("", "TO DO marks what you must do, Left out what Causeway does in another way or not at all.")
	c.comment("", "Then: causeway login, for each Teams account; causeway check.")
	c.writeGeneral()
	for _, protocol := range c.root.keys() {
		switch protocol {
		case generalTable, gatewayTable, sameChannelOf:
		case tengoTable:
			c.tengo()
		default:
			c.protocol(protocol)
		}
	}
	for _, g := range c.root.list(gatewayTable) {
		c.gateway(g)
	}
	for _, g := range c.root.list(sameChannelOf) {
		c.sameChannels(g)
	}
}

func (c *converter) writeGeneral() {
	c.blank()
	if c.root.written[generalTable] != "" {
		c.page.old("", c.old.above(c.root.line(generalTable)))
	}
	c.line("[general]")
	if c.debug() {
		c.text("", "LogLevel", "debug", "")
	}
	c.nick(c.general)
	for _, key := range c.general.keys() {
		switch key {
		case "remotenickformat", "debug", "label", "skiptlsverify", "notls", "server", "team", "token", "login", "password", "tenantid", "clientid", "teamid":
			// the first two are written; the others hold for each account, and stand there
		case "mediadownloadsize", "mediadownloadblacklist":
			// hold for each gateway, and stand there
		default:
			c.lost(c.general, key)
		}
	}
	c.filesMoved()
}

// debug says whether anything of the old config asks for a log of everything.
func (c *converter) debug() bool {
	if c.general.yes("debug") {
		return true
	}
	for _, protocol := range []string{"mattermost", "msteams"} {
		all, _ := c.root.inner(protocol)
		for _, name := range all.keys() {
			if account, ok := all.inner(name); ok && account.yes("debug") {
				return true
			}
		}
	}
	return false
}

// nick writes the RemoteNickFormat of a table.
func (c *converter) nick(t table) {
	const key = "remotenickformat"
	before := t.text(key)
	if before == "" {
		return
	}
	format, changes := nickFormat(before)
	c.page.old("", c.old.above(t.line(key)))
	if len(changes) > 0 {
		c.comment("", "It was %q: %s.", before, strings.Join(changes, "; "))
	}
	if format != "" {
		c.text("", "RemoteNickFormat", format, c.old.beside(t.line(key)))
	}
}

// lost says what becomes of a key without a counterpart. One reason is given in full once.
func (c *converter) lost(t table, key string) {
	value := t.value(key)
	if empty(value) {
		return
	}
	f, known := fates[key]
	shown := t.written[key]
	if known && f.shown {
		shown += " = " + plain(value)
	}
	switch {
	case !known:
		c.left("", "%s, which Matterbridge 1.26 does not know either.", shown)
	case c.said[f.why]:
		c.left("", "%s, as above.", shown)
	default:
		c.said[f.why] = true
		c.left("", "%s. %s", shown, f.why)
	}
}

// plain shows a value on one line.
func plain(value any) string {
	switch v := value.(type) {
	case string:
		shown, err := config.ShownText(v)
		if err != nil {
			return "…"
		}
		return shown
	case []any:
		var all []string
		for _, one := range v {
			all = append(all, plain(one))
		}
		return "[" + strings.Join(all, ", ") + "]"
	case map[string]any, []map[string]any:
		return "…"
	}
	return fmt.Sprint(value)
}

func (c *converter) tengo() {
	t, _ := c.root.inner(tengoTable)
	var scripts []string
	for _, key := range t.keys() {
		if !empty(t.value(key)) {
			scripts = append(scripts, t.written[key])
		}
	}
	if len(scripts) == 0 {
		return
	}
	c.blank()
	c.left("", "[tengo] %s. %s", strings.Join(scripts, ", "), noScripts)
}

// protocol writes the accounts of a service, or says why it does not.
func (c *converter) protocol(name string) {
	all, isTable := c.root.inner(name)
	written := c.root.written[name]
	write, kept := map[string]func(t table, id string){"mattermost": c.mattermost, "msteams": c.msteams}[name]
	switch title, known := titles[name]; {
	case !isTable && known, kept && !isTable:
		c.blank()
		c.left("", "%s, which is not a table of accounts.", written)
		return
	case !isTable: // TengoModifyMessage of older versions, and the like
		c.blank()
		c.lost(c.root, name)
		return
	case !kept:
		var names []string
		for _, account := range all.keys() {
			names = append(names, "["+config.ShownKey(written)+"."+config.ShownKey(all.written[account])+"]")
		}
		if len(names) == 0 {
			return
		}
		if !known {
			title = written
		}
		c.blank()
		c.left("", "%s. Causeway does not carry %s. Matterbridge may go on carrying it beside Causeway, into a Mattermost channel that is in a gateway here; but never let both "+
			"join the same two conversations.", strings.Join(names, ", "), title)
		return
	}
	for _, account := range all.keys() {
		t, ok := all.inner(account)
		if !ok {
			continue
		}
		id := c.name(name, all.written[account])
		c.accounts[name+"."+account] = name + "." + id
		c.blank()
		c.page.old("", c.old.above(t.at.Line()))
		c.header("["+name+"."+config.ShownKey(id)+"]", c.old.beside(t.at.Line()))
		write(t, name+"."+id)
	}
}

// header writes the header of a table and the comment beside it.
func (c *converter) header(text, beside string) {
	if beside != "" {
		text += "  " + printable(beside)
	}
	c.line(text)
}

// name gives an account's name without what Causeway does not take in one, unlike those before.
func (c *converter) name(protocol, written string) string {
	id := strings.Join(strings.Fields(printable(written)), "-")
	if id == "" {
		id = "main"
	}
	taken := slices.Collect(maps.Values(c.accounts))
	for slices.ContainsFunc(taken, func(other string) bool { return strings.EqualFold(other, protocol+"."+id) }) {
		id += "-2"
	}
	return id
}

// secretsOf gives every text of the old config that may be a secret, however deep it stands.
func secretsOf(values map[string]any) []string {
	var all []string
	for key, value := range values {
		switch v := value.(type) {
		case map[string]any:
			all = append(all, secretsOf(v)...)
		case []map[string]any:
			for _, one := range v {
				all = append(all, secretsOf(one)...)
			}
		case string:
			f, known := fates[strings.ToLower(key)]
			secret := strings.EqualFold(key, "token") || strings.EqualFold(key, "password") || strings.EqualFold(key, "key") || strings.EqualFold(key, "authcode")
			if (secret || known && !f.shown) && len(strings.TrimSpace(v)) > 3 {
				all = append(all, strings.TrimSpace(v))
			}
		}
	}
	return all
}
