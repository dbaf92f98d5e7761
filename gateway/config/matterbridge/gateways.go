package matterbridge

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"causeway/gateway/config"
)

// endpoint is one conversation of a gateway.
type endpoint struct {
	account, channel string // as Causeway names them
	direction        config.Direction
	// above and the two others are the comments of the old config.
	above                        []string
	besideAccount, besideChannel string
	note                         string // on what must be changed; may be empty
}

// gateway writes one, or says why it does not.
func (c *converter) gateway(g table) {
	var ends []endpoint
	var lost []string
	for _, part := range []struct {
		key       string
		direction config.Direction
	}{{"in", config.In}, {"out", config.Out}, {"inout", config.InOut}} { // the order in which Matterbridge reads them
		for _, one := range g.list(part.key) {
			e, why := c.endpoint(one.text("account"), one.text("channel"))
			if why != "" {
				lost = append(lost, why)
				continue
			}
			e.direction, e.above = part.direction, c.old.above(one.at.Line())
			if one.line("account") != one.line("channel") { // each on a line of its own
				e.above = append(e.above, c.old.above(one.line("account"))...)
				e.above = append(e.above, c.old.above(one.line("channel"))...)
				e.besideAccount, e.besideChannel = c.old.beside(one.line("account")), c.old.beside(one.line("channel"))
			}
			ends = joined(ends, e)
		}
	}
	c.blank()
	c.page.old("", c.old.above(g.at.Line()))
	if g.written["name"] != "" {
		c.page.old("", c.old.above(g.line("name")))
	}
	c.mirror(c.gatewayName(g.text("name")), g.yes("enable"), ends, lost)
}

// joined adds an endpoint; a conversation that stands there already in another direction becomes one of both ways.
func joined(ends []endpoint, e endpoint) []endpoint {
	for i, other := range ends {
		if !strings.EqualFold(other.account, e.account) || other.channel != e.channel {
			continue
		}
		if other.direction != e.direction {
			ends[i].direction = config.InOut
		}
		ends[i].above = append(ends[i].above, e.above...)
		return ends
	}
	return append(ends, e)
}

// endpoint gives a conversation as Causeway names it, or why it cannot.
func (c *converter) endpoint(account, channel string) (e endpoint, why string) {
	id, ok := c.accounts[strings.ToLower(account)]
	if !ok {
		protocol, _, _ := strings.Cut(account, ".")
		if title, known := titles[strings.ToLower(protocol)]; known {
			return e, fmt.Sprintf("%s %s (Causeway does not carry %s)", account, channel, title)
		}
		return e, fmt.Sprintf("%s %s (the old config has no such account)", account, channel)
	}
	e.account = id
	if strings.HasPrefix(id, "msteams.") {
		if raw, err := url.PathUnescape(channel); err == nil && strings.HasPrefix(raw, "19:") {
			channel = raw // as it was copied from the address of a page
		}
	} else {
		if _, raw, ok := strings.Cut(channel, "ID:"); ok {
			channel = raw
		}
		channel = strings.TrimPrefix(channel, "#")
		if strings.Contains(channel, "__") {
			e.note = "This looks like a direct conversation of two people; only channels can stand in a gateway."
		}
	}
	if e.channel = strings.TrimSpace(channel); e.channel == "" {
		return e, account + " (no channel is named)"
	}
	return e, ""
}

// gatewayName gives a name that no gateway before has, and that Causeway takes.
func (c *converter) gatewayName(name string) string {
	name = strings.TrimSpace(printable(name))
	if name == "" {
		name = "gateway"
	}
	one := name
	for n := 2; slices.Contains(c.names, one); n++ {
		one = fmt.Sprintf("%s-%d", name, n)
	}
	c.names = append(c.names, one)
	return one
}

// mirror writes a gateway as Causeway has it; as a comment, where nothing could cross it.
func (c *converter) mirror(name string, enabled bool, ends []endpoint, lost []string) {
	if why := useless(ends); why != "" {
		what := []string{}
		for _, e := range ends {
			what = append(what, e.account+" "+e.channel)
		}
		c.left("", "the gateway %q, as %s: %s.", name, why, strings.Join(append(what, lost...), ", "))
		return
	}
	c.line("[[gateway]]")
	c.text("", "name", name, "")
	if !enabled {
		c.comment("", "Matterbridge leaves a gateway off unless enable = true stands in it, and this one was off.")
		c.value("", "enable", "false", "")
	}
	c.files()
	for _, why := range lost {
		c.left("    ", "%s.", why)
	}
	const indent = "    "
	for _, e := range ends {
		c.blank()
		c.page.old(indent, e.above)
		c.line(indent + "[[gateway." + e.direction.String() + "]]")
		c.text(indent, "account", e.account, e.besideAccount)
		if e.note != "" {
			c.todo(indent, "%s", e.note)
		}
		c.text(indent, "channel", e.channel, e.besideChannel)
	}
}

// useless says why nothing can cross a gateway; empty when something can.
func useless(ends []endpoint) string {
	switch {
	case len(ends) == 0:
		return "none of its conversations can be carried"
	case len(ends) == 1:
		return "only one of its conversations can be carried"
	case !slices.ContainsFunc(ends, func(e endpoint) bool { return e.direction.Receives() }):
		return "nothing of it is read"
	case !slices.ContainsFunc(ends, func(e endpoint) bool { return e.direction.Sends() }):
		return "nothing of it is written"
	}
	return ""
}

// sameChannels writes a gateway for each channel that is called the same on all its accounts.
func (c *converter) sameChannels(g table) {
	name := g.text("name")
	channels := g.texts("channels")
	c.blank()
	c.page.old("", c.old.above(g.at.Line()))
	c.comment("", "[[samechannelgateway]] %q becomes a gateway for each of its channels.", name)
	for _, channel := range channels {
		var ends []endpoint
		var lost []string
		for _, account := range g.texts("accounts") {
			e, why := c.endpoint(account, channel)
			if why != "" {
				lost = append(lost, why)
				continue
			}
			ends = joined(ends, e)
		}
		c.blank()
		c.mirror(c.gatewayName(name+"-"+channel), g.yes("enable"), ends, lost)
	}
}
