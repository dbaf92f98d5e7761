package matterbridge

import (
	"net/url"
	"strings"
)

// own is a key of an account, or where it has none, of [general], which holds for all.
func (c *converter) own(t table, key string) (table, bool) {
	if t.written[key] != "" {
		return t, true
	}
	return c.general, c.general.written[key] != ""
}

// kept writes a text under the same name.
func (c *converter) kept(t table, key, name string) bool {
	from, _ := c.own(t, key)
	value := from.text(key)
	if value == "" {
		return false
	}
	c.page.old("", c.old.above(from.line(key)))
	c.text("", name, value, c.old.beside(from.line(key)))
	return true
}

// rest says what becomes of the keys of an account that were not written.
func (c *converter) rest(t table, written ...string) {
	known := map[string]bool{"debug": true} // is LogLevel in [general]
	for _, key := range written {
		known[key] = true
	}
	for _, key := range t.keys() {
		if !known[key] {
			c.lost(t, key)
		}
	}
}

func (c *converter) mattermost(t table, id string) {
	c.server(t)
	if !c.kept(t, "team", "Team") {
		c.todo("", "Team is missing. Write the name of the team as it stands in the address of a channel, or write each channel below as \"team/channel\".")
	}
	c.token(t, id)
	if from, ok := c.own(t, "skiptlsverify"); ok && from.yes("skiptlsverify") {
		c.page.old("", c.old.above(from.line("skiptlsverify")))
		c.comment("", "Whoever is between here and the server can read the token; CAFile = \"ca.pem\" trusts the server's own authority instead.")
		c.value("", "SkipTLSVerify", "true", c.old.beside(from.line("skiptlsverify")))
	}
	c.shown(t)
	c.rest(t, "server", "team", "token", "login", "password", "notls", "skiptlsverify", "label", "remotenickformat")
}

// shown writes what is about names, of an account of either service.
func (c *converter) shown(t table) {
	c.kept(t, "label", "Label")
	if t.written["remotenickformat"] != "" { // that of [general] holds for all here, too
		c.nick(t)
	}
}

// server writes the address, which Matterbridge wants without a scheme.
func (c *converter) server(t table) {
	from, _ := c.own(t, "server")
	address := from.text("server")
	if plain, ok := c.own(t, "notls"); ok && plain.yes("notls") && address != "" && !strings.Contains(address, "://") {
		address = "http://" + address
	}
	if address != "" {
		c.page.old("", c.old.above(from.line("server")))
		c.text("", "Server", strings.TrimRight(address, "/"), c.old.beside(from.line("server")))
		return
	}
	address = "https://mattermost.example.com"
	if hook, err := url.Parse(t.text("webhookurl")); err == nil && hook.Host != "" {
		address = hook.Scheme + "://" + hook.Host
		if path, _, ok := strings.Cut(hook.Path, "/hooks/"); ok {
			address += path
		}
	}
	c.todo("", "Server was missing, as Matterbridge did without it for webhooks. See that this is the address at which people open Mattermost.")
	c.text("", "Server", address, "")
}

// token writes the bot's token, or where it is to be put.
func (c *converter) token(t table, id string) {
	from, _ := c.own(t, "token")
	token := from.text("token")
	name := variable(id, "TOKEN")
	switch {
	case token == "":
		was := "There is none in the old config."
		switch {
		case t.text("login") != "" || c.general.text("login") != "":
			was = "Matterbridge signed in with Login and Password, which are left out here; do not make the bot of that person's account."
		case t.text("webhookurl") != "" || t.text("webhookbindaddress") != "":
			was = "Matterbridge used webhooks, which are left out here."
		}
		c.todo("", "Causeway signs in to Mattermost with the token of a bot account. %s Make a bot and its token (docs/mattermost-bot.md, step by step), invite it to the team and the channels, "+
			"and put the token into the environment variable %s, or into a file that TokenFile names.", was, name)
		c.text("", "Token", "env:"+name, "")
	case c.moved:
		c.secrets = true
		c.page.old("", c.old.above(from.line("token")))
		c.comment("", "A secret. It may stand in an environment variable instead, Token = \"env:%s\", or in a file of its own, TokenFile = \"mattermost.token\".", name)
		c.text("", "Token", token, c.old.beside(from.line("token")))
	default:
		c.page.old("", c.old.above(from.line("token")))
		c.todo("", "Put the Token of the old config into the environment variable %s, or into a file that TokenFile names. (With -o FILE, `causeway import` moves it into the file.)", name)
		c.text("", "Token", "env:"+name, "")
	}
}

// variable names an environment variable for a secret of an account.
func variable(id, what string) string {
	return "CAUSEWAY_" + strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z' || r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, id) + "_" + what
}

// nothing stands for an id that is missing.
const nothing = "00000000-0000-0000-0000-000000000000"

func (c *converter) msteams(t table, id string) {
	for _, one := range []struct{ key, name string }{{"tenantid", "TenantID"}, {"clientid", "ClientID"}} {
		if !c.kept(t, one.key, one.name) {
			c.todo("", "%s was missing. It stands on the overview page of the app registration in Entra.", one.name)
			c.text("", one.name, nothing, "")
		}
	}
	name := variable(id, "SECRET")
	c.todo("", "Matterbridge read and wrote as the one person who signed in. Causeway reads as the app and writes as a relay account, so the app registration needs "+
		"a client secret, or a certificate with ClientCertificateFile in place of this line, and the application permissions of docs/teams-app.md, with an administrator's consent. "+
		"Put the secret into the environment variable %s, or into a file that ClientSecretFile names.", name)
	c.text("", "ClientSecret", "env:"+name, "")
	c.todo("", "Sign the relay account in: causeway login %s. It may be the account that Matterbridge used, if no person uses it; it must be a member of the team.", id)
	if !c.kept(t, "teamid", "TeamID") {
		c.todo("", "TeamID was missing. Write the team's id or its name, or write each channel below as \"team/channel\".")
	}
	c.shown(t)
	c.rest(t, "tenantid", "clientid", "teamid", "label", "remotenickformat")
}
