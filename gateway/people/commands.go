package people

import (
	"context"
	"slices"
	"strings"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// offered gives the accounts with which people of an account can connect: those that share a gateway with it, and on which
// Causeway can act as somebody.
func (p *People) offered(home Account) []Account {
	if !home.home() || !home.Bridge.Capabilities().People {
		return nil
	}
	var all []Account
	for _, a := range p.o.Accounts {
		if a.Name != home.Name && slices.Contains(home.With, a.Name) && a.Bridge.Capabilities().People {
			all = append(all, a)
		}
	}
	return all
}

// triggers gives a word for each other service: "/msteams".
func (p *People) triggers(home Account) []bridge.Trigger {
	var all []bridge.Trigger
	if !p.o.Settings.Enable {
		return nil
	}
	for _, a := range p.offered(home) {
		if !slices.ContainsFunc(all, func(t bridge.Trigger) bool { return t.Word == a.protocol() }) {
			all = append(all, bridge.Trigger{
				Word: a.protocol(), Hint: "[connect|disconnect|status|platform|why|help]",
				Description: "Write as yourself on " + a.Title + ", and choose where you are notified",
			})
		}
	}
	return all
}

// call gives a command as people type it: "/msteams help".
func (p *People) call(home Account, words ...string) string {
	trigger := "help"
	if all := p.triggers(home); len(all) > 0 {
		trigger = all[0].Word
	}
	return strings.Join(append([]string{"/" + trigger}, words...), " ")
}

func (p *People) command(context.Context, Account, bridge.Command) bridge.Reply {
	return bridge.Reply{Text: richtext.Plain("")}
}

// notify tells somebody something privately, by a direct message at home.
func (p *People) notify(ctx context.Context, home Account, u bridge.UserID, text richtext.Doc, choices ...bridge.Choice) error {
	return home.Bridge.Notify(ctx, bridge.Notice{User: u, Text: text, Choices: choices})
}
