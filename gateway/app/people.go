package app

import (
	"fmt"
	"reflect"
	"slices"

	"causeway/bridge"
	"causeway/gateway"
	"causeway/gateway/config"
	"causeway/gateway/people"
)

// peopleAccount is what people need of an account.
func peopleAccount(protocols []bridge.Protocol, routes []gateway.Route, account config.Account, b bridge.Bridge) people.Account {
	return people.Account{
		Name: bridge.AccountName(account.ID), Title: titleOf(protocols, account.Protocol), Label: account.Label, Address: addressOf(account.Settings),
		With: sharing(routes, bridge.AccountName(account.ID)), Bridge: b,
	}
}

// unreachable says why people cannot connect their accounts, although the config offers it; empty when they can.
func (c *call) unreachable(cfg *config.Config, checks []*accountCheck) string {
	o := people.Options{Settings: cfg.People, PublicURL: cfg.HTTP.PublicURL}
	for _, a := range checks {
		if a.bridge != nil {
			o.Accounts = append(o.Accounts, peopleAccount(c.Protocols, routes(cfg), a.account, a.bridge))
		}
	}
	return o.Unreachable()
}

// titleOf gives what people call a service.
func titleOf(protocols []bridge.Protocol, name string) string {
	i := slices.IndexFunc(protocols, func(p bridge.Protocol) bool { return p.Name == name })
	if i < 0 || protocols[i].Title == "" {
		return name
	}
	return protocols[i].Title
}

// addressOf gives where the server of an account is, as its settings say; empty where they have no key Server.
func addressOf(settings any) string {
	v := reflect.Indirect(reflect.ValueOf(settings))
	if v.Kind() != reflect.Struct {
		return ""
	}
	server := v.FieldByName("Server")
	if !server.IsValid() || server.Kind() != reflect.String {
		return ""
	}
	return server.String()
}

// sharing gives the accounts with which one shares a gateway, each once, in the order of the config.
func sharing(routes []gateway.Route, account bridge.AccountName) []bridge.AccountName {
	var all []bridge.AccountName
	for _, r := range routes {
		if !slices.ContainsFunc(r.Endpoints, func(e gateway.Endpoint) bool { return e.Account == account }) {
			continue
		}
		for _, e := range r.Endpoints {
			if e.Account != account && !slices.Contains(all, e.Account) {
				all = append(all, e.Account)
			}
		}
	}
	return all
}

// consent adds to the problems that people who have left are not removed before the operator agrees.
func (a *App) consent(s *gateway.Status) {
	there := a.crowd.there.Load()
	if there == nil { // it has not begun
		return
	}
	if n, since := there.Consent(); n > 0 {
		s.Problems = append(s.Problems, gateway.Problem{Where: "people", Trouble: gateway.Trouble{Text: consentText(n), Since: since,
			Next: "`causeway people sync --dry-run` says who they are, and why; `causeway people sync --confirm NUMBER` agrees"}})
	}
}

func consentText(people int) string {
	if people == 1 {
		return "1 person who has left waits for your consent to be removed"
	}
	return fmt.Sprintf("%d people who have left wait for your consent to be removed", people)
}
