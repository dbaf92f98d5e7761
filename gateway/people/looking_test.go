package people

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/config"
	"causeway/gateway/store"
)

// TestLookAsksEachService, also of people who have never connected.
func TestLookAsksEachService(t *testing.T) {
	inSociety(t, config.People{Enable: true}, true, func(s *society) {
		s.home.AddUser(bridge.Profile{Author: bridge.Author{ID: "h1", Name: "Dora", Username: "dora"}, Email: "dora@example.com"})
		s.away.AddUser(bridge.Profile{Author: bridge.Author{ID: "a1", Name: "Dora", Username: "dora.k"}, Email: "dora@example.com"})
		wants := func(name string, want ...store.User) {
			s.Helper()
			got, failed := s.people.Look(s.Context(), name)
			if diff := cmp.Diff(want, got); diff != "" || len(failed) > 0 {
				s.Errorf("%s: %v (-want +got):\n%s", name, failed, diff)
			}
		}
		wants("dora", store.User{Server: homeServer, User: "h1"})
		wants("dora@example.com", store.User{Server: homeServer, User: "h1"}, store.User{Server: awayServer, User: "a1"})
		wants("eve")
		s.faults(func(_ context.Context, c memory.Call) error {
			if c.Op == memory.FindUser && !c.After && c.Account == awayAccount {
				return memory.Fails(bridge.Transient)
			}
			return nil
		})
		got, failed := s.people.Look(s.Context(), "dora@example.com")
		if diff := cmp.Diff([]store.User{{Server: homeServer, User: "h1"}}, got); diff != "" || len(failed) != 1 || !strings.HasPrefix(failed[0].Error(), "looking for dora@example.com in Microsoft Teams: ") {
			s.Errorf("%v (-want +got):\n%s", failed, diff)
		}
	})
}
