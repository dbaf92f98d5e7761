package mattermost_test

import (
	"testing"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/bridgetest"
	"causeway/bridge/mattermost"
	"causeway/bridge/mattermost/mmtest"
	sim "causeway/contrib/sim/mattermost"
)

// standIn starts a stand-in with the people of the suite. The override of names is switched off on demand.
func standIn(t testing.TB, options sim.Options) (*sim.Server, mmtest.World) {
	options.DiagnosticID = model.NewId()
	s := sim.New(options)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	team := s.AddTeam("acme")
	member := func(u *model.User) mmtest.Member {
		s.AddToTeam(team.Name, u.Username)
		return mmtest.Member{ID: u.Id, Username: u.Username, Token: s.Token(u.Id)}
	}
	alice, bob := member(s.AddUser("alice")), member(s.AddUser("bob"))
	u, token := s.AddBot("causeway")
	bot := member(u)
	bot.Token = token
	_, admin := s.AddBot("admin", "system_admin")
	return s, mmtest.World{
		URL: s.URL(), Server: bridge.ServerID("mattermost:" + options.DiagnosticID), TeamName: "acme", Admin: admin,
		Alice: alice, Bob: bob, Bot: bot,
		Channel: func(t testing.TB, name string) string {
			c := s.AddChannel("acme", name, model.ChannelTypeOpen)
			s.Join(c.Id, "alice", "bob", "causeway")
			return c.Id
		},
		Person: func(_ testing.TB, name string) mmtest.Member { return member(s.AddUser(name)) },
		Roles: func(_ testing.TB, roles string) {
			s.ChangeUser("causeway", func(u *model.User) { u.Roles = "system_user " + roles })
		},
		Revoke: func(testing.TB) { s.RevokeToken(bot.Token) },
		Grant:  func(testing.TB) { s.RestoreToken(bot.Token) },
		Bridge: mattermost.NewQuick,
		Within: 15 * time.Second,
	}
}

func TestLaws(t *testing.T) {
	bridgetest.Run(t, func(t *testing.T) bridgetest.Service {
		_, w := standIn(t, sim.Options{})
		return mmtest.Open(t, w)
	})
}

func TestLawsWhereTheServerShowsNoOtherNames(t *testing.T) {
	bridgetest.Run(t, func(t *testing.T) bridgetest.Service {
		_, w := standIn(t, sim.Options{NoUsernameOverride: true, NoIconOverride: true})
		return mmtest.Open(t, w)
	}, bridgetest.Only("a post appears once with its author's name", "an edit changes the post and may be repeated",
		"parts fit and nothing of a long text is lost", "hostile text arrives as text", "hostile names mention nobody"))
}

func TestLawsWithMintedTokens(t *testing.T) {
	bridgetest.Run(t, func(t *testing.T) bridgetest.Service {
		_, w := standIn(t, sim.Options{})
		w.Profile = mattermost.ProfileSimple
		return mmtest.Open(t, w)
	}, bridgetest.Only("a post as a person is theirs and known by its key", "as a person their posts are changed", "a person's reactions are their own",
		"a revoked person stops nobody else", "how a person is notified is changed and put back",
		"a talk of an observed person is met and read from when they connected", "Talk tells how a conversation is",
		"files of a talk are read, and written for just those who are named"))
}

func TestPeopleLaws(t *testing.T) {
	mmtest.RunPeople(t, func(t *testing.T) mmtest.World {
		_, w := standIn(t, sim.Options{RolePermissions: restrictedRole})
		w.Bridge = mattermost.NewEager
		return w
	})
}

func TestTalkLaws(t *testing.T) {
	mmtest.RunTalks(t, func(t *testing.T) mmtest.World {
		_, w := standIn(t, sim.Options{RolePermissions: restrictedRole})
		return w
	})
}

func TestPresenceLaws(t *testing.T) {
	mmtest.RunPresence(t, func(t *testing.T) mmtest.World {
		_, w := standIn(t, sim.Options{RolePermissions: restrictedRole})
		return w
	}, nil)
}
