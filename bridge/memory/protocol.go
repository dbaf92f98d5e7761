package memory

import "causeway/bridge"

const protocol = "memory"

// Settings are the keys of an account's table.
type Settings struct {
	// User is whom the account is logged in as.
	User string
}

// Protocol makes a service known to the gateway as "memory": for test programs to register. It is no part of the product.
func Protocol(s *Service) bridge.Protocol {
	return bridge.Protocol{
		Name:     protocol,
		Title:    "Memory",
		Settings: func() any { return &Settings{} },
		Place:    func(any) string { return string(s.Server()) },
		New: func(env bridge.Env, settings any) (bridge.Bridge, error) {
			return s.Open(env, bridge.UserID(settings.(*Settings).User)), nil
		},
	}
}
