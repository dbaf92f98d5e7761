package app

import (
	"reflect"
	"slices"

	"causeway/bridge"
	"causeway/gateway"
)

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
