package app

import (
	"slices"

	"causeway/bridge"
	"causeway/gateway"
	"causeway/gateway/config"
	"causeway/gateway/direct"
	"causeway/gateway/people"
)

// directs gives what is carried of direct and group conversations: between two accounts what the config says of them, and everything between
// those with which people can connect and of which it says nothing.
func directs(cfg *config.Config, connectable [][2]bridge.AccountName) []gateway.Direct {
	var all []gateway.Direct
	for _, d := range cfg.Directs {
		all = append(all, gateway.Direct{Accounts: accountsOf(d), MentionAll: d.MentionAll, Events: d.SystemEvents, Files: policy(d.Files), Settings: direct.Settings{
			Enable: d.Enable, DirectMessages: d.DirectMessages, GroupMessages: d.GroupMessages}})
	}
	for _, both := range connectable {
		if !spokenOf(cfg, both) {
			all = append(all, gateway.Direct{Accounts: both, Settings: direct.Settings{Enable: true, DirectMessages: true, GroupMessages: true}})
		}
	}
	return all
}

// off tells what the config that holds now switches off of direct and group messages between two accounts.
func (a *App) off(one, other bridge.AccountName) []direct.Reason {
	return off(a.parts.Load().cfg)(one, other)
}

// off tells what a config switches off of direct and group messages between two accounts.
func off(cfg *config.Config) func(one, other bridge.AccountName) []direct.Reason {
	return func(one, other bridge.AccountName) (all []direct.Reason) {
		for _, d := range cfg.Directs {
			if both := accountsOf(d); both != [2]bridge.AccountName{one, other} && both != [2]bridge.AccountName{other, one} {
				continue
			}
			if !d.Enable {
				return []direct.Reason{direct.Off}
			}
			if !d.DirectMessages {
				all = append(all, direct.DirectOff)
			}
			if !d.GroupMessages {
				all = append(all, direct.GroupsOff)
			}
		}
		return all
	}
}

// spokenOf reports whether a [[direct]] of the config is about two accounts.
func spokenOf(cfg *config.Config, both [2]bridge.AccountName) bool {
	turned := [2]bridge.AccountName{both[1], both[0]}
	return slices.ContainsFunc(cfg.Directs, func(d config.Direct) bool { return accountsOf(d) == both || accountsOf(d) == turned })
}

// carriesTalks reports whether direct and group conversations of an account's people may be carried, as far as the config alone tells: the
// account has to know before it can be asked what it is able to do.
func carriesTalks(cfg *config.Config, name bridge.AccountName) bool {
	if slices.ContainsFunc(cfg.Directs, func(d config.Direct) bool {
		both := accountsOf(d)
		return d.Enable && slices.Contains(both[:], name)
	}) {
		return true
	}
	return cfg.People.Enable && cfg.HTTP.PublicURL != "" && slices.ContainsFunc(sharing(routes(cfg), name), func(other bridge.AccountName) bool {
		return !spokenOf(cfg, [2]bridge.AccountName{name, other})
	})
}

func accountsOf(d config.Direct) [2]bridge.AccountName {
	return [2]bridge.AccountName{bridge.AccountName(d.Accounts[0]), bridge.AccountName(d.Accounts[1])}
}

// with adds those accounts with which one shares a [[direct]]: people can connect them, too.
func with(cfg *config.Config, a people.Account) people.Account {
	for _, d := range cfg.Directs {
		for i, name := range accountsOf(d) {
			if other := accountsOf(d)[1-i]; d.Enable && name == a.Name && !slices.Contains(a.With, other) {
				a.With = append(a.With, other)
			}
		}
	}
	return a
}

// carriesDirect reports whether a [[direct]] of the config is enabled.
func carriesDirect(cfg *config.Config) bool {
	return slices.ContainsFunc(cfg.Directs, func(d config.Direct) bool { return d.Enable })
}
