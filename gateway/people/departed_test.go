package people

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/config"
	"causeway/gateway/store"
)

// removal is how the tests below are configured.
func removal(policy string) config.People {
	return config.People{Enable: true, SyncInterval: time.Hour, OnTeamsUserRemoved: policy}
}

// gone makes somebody leave elsewhere.
func (s *society) gone(u bridge.UserID, how bridge.Presence) {
	s.away.Alter(u, func(p *bridge.Profile) { p.Standing.Presence = how })
}

func TestTokensAreRevokedBeforeTheLinkedAccountIsDeactivatedAndTheOperatorIsTold(t *testing.T) {
	inSociety(t, removal(config.RemovedDeactivate), true, func(s *society) {
		s.connect("ann", homeAccount)
		admin := profile("root")
		admin.Standing.Admin = true
		s.home.AddUser(admin)
		s.connect("root", homeAccount)
		var calls []string
		run := lifeRun{society: s}
		run.set(func(c memory.Call) error {
			if !c.After && (c.Op == memory.Release || c.Op == memory.Deactivate) {
				calls = append(calls, string(c.Op)+" "+string(c.Account))
				if len(calls) == 2 {
					return memory.Throttles(bridge.ScopeAccount, 20*time.Second)
				}
			}
			return nil
		}, false)
		run.start()
		defer run.stop()
		s.pass(time.Minute)
		for _, u := range []bridge.UserID{"ann", "root"} {
			s.gone(u, bridge.Disabled)
			s.pass(time.Hour)
		}
		want := []string{"release msteams.contoso", "release mattermost.hq", "release mattermost.hq", "deactivate mattermost.hq", "release msteams.contoso", "release mattermost.hq"}
		if diff := cmp.Diff(want, calls); diff != "" {
			s.Error(diff)
		}
		log := s.log.String()
		for _, line := range []string{
			`"somebody who has left is disconnected" account=msteams.contoso linked=ann name=ann removal=deactivate user=ann why="disabled in Microsoft Teams"`,
			`"the linked account of somebody who has left is deactivated" account=msteams.contoso linked=ann`,
			`"somebody who has left is disconnected" account=msteams.contoso linked=root name=root removal=disconnect user=root why="disabled in Microsoft Teams; the linked account in Mattermost is not touched: it is an administrator's"`,
		} {
			if strings.Count(log, line) != 1 {
				s.Errorf("not told once: %s\n%s", line, log)
			}
		}
	})
}

func TestALinkedAccountDoesNotStayActiveBecauseDisconnectingTakesTime(t *testing.T) {
	inSociety(t, removal(config.RemovedDeactivate), true, func(s *society) {
		s.connect("ann", homeAccount)
		s.road.waiting = 1
		run := lifeRun{society: s}
		run.start()
		defer run.stop()
		s.pass(time.Minute)
		s.gone("ann", bridge.Erased)
		s.pass(time.Hour + departPatience + 2*departStep)
		if got := s.home.User("ann").Standing.Presence; got != bridge.Disabled {
			s.Errorf("ann is %s", got)
		}
		s.pass(leavingWait)
		if all, err := s.store.People(s.Context()); len(all) != 0 || err != nil {
			s.Error(all, err)
		}
	})
}

func TestWhoIsDeactivatedAtHomeIsDisconnected(t *testing.T) {
	for _, connected := range []bool{true, false} { // or lost already, as their token does not work any more
		inSociety(t, removal(config.RemovedDeactivate), true, func(s *society) {
			s.connect("ann", homeAccount)
			s.connect("bob", homeAccount)
			run := lifeRun{society: s}
			run.start()
			defer run.stop()
			s.pass(time.Minute)
			s.home.Alter("ann", func(p *bridge.Profile) { p.Standing.Presence = bridge.Disabled })
			if !connected {
				s.home.Revoke("ann")
				s.lose(run.people, homeServer, "ann")
			}
			s.pass(time.Hour + time.Minute)
			all, err := s.store.People(s.Context())
			if len(all) != 1 || all[0].Identities[0].User != "bob" || err != nil {
				s.Error(connected, all, err)
			}
			if got := s.away.User("ann").Standing.Presence; got != bridge.Present {
				s.Errorf("ann is %s elsewhere", got)
			}
		})
	}
}

func TestWhoHasLeftAfterTheirTokenWasRefusedIsRemoved(t *testing.T) {
	inSociety(t, removal(config.RemovedDeactivate), true, func(s *society) {
		s.connect("ann", homeAccount)
		run := lifeRun{society: s}
		run.start()
		defer run.stop()
		s.pass(time.Minute)
		s.gone("ann", bridge.Disabled)
		s.lose(run.people, awayServer, "ann")
		s.pass(time.Hour)
		if got := s.home.User("ann").Standing.Presence; got != bridge.Disabled {
			s.Errorf("ann is %s", got)
		}
	})
}

func TestAnExpiredMarkMeansReadingAnew(t *testing.T) {
	inSociety(t, removal(config.RemovedDisconnect), true, func(s *society) {
		s.connect("ann", homeAccount)
		run := lifeRun{society: s}
		run.start()
		defer run.stop()
		s.pass(time.Minute)
		s.away.ExpireMarks()
		s.gone("ann", bridge.Disabled)
		s.pass(time.Hour)
		if all, err := s.store.People(s.Context()); len(all) != 0 || err != nil {
			s.Error(all, err)
		}
	})
}

func TestWhoIsConnectedElsewhereAsWellIsNotDeactivated(t *testing.T) {
	c := removing{policy: config.RemovedDeactivate, from: Account{Title: "Microsoft Teams", Bridge: noHome{}}, presence: bridge.Erased, elsewhere: "Microsoft Teams (fabrikam)"}
	if got, why := c.decide(); got != RemoveConnection || why != "erased in Microsoft Teams, and connected with Microsoft Teams (fabrikam)" {
		t.Error(got, why)
	}
}

func TestWhoHasConnectedWithAnotherUserSinceIsNotRemovedForTheOneWhoHasLeft(t *testing.T) {
	inSociety(t, removal(config.RemovedDeactivate), true, func(s *society) {
		s.connect("ann", homeAccount)
		s.away.AddUser(profile("ann again"))
		s.gone("ann", bridge.Erased)
		s.options.Settings.MaxRemovals = "0" // so that it waits for the operator
		s.people = New(s.options)
		planned, err := s.people.Sync(s.Context(), false, 0)
		if len(planned) != 1 || !planned[0].Waits || err != nil {
			s.Fatal(planned, err)
		}
		// Meanwhile ann leaves that connection and connects with the user that she was given anew.
		s.must(s.store.Forget(s.Context(), awayServer, "ann", false))
		_, err = s.store.Connect(s.Context(), "", [2]store.End{
			{Identity: store.Identity{Account: homeAccount, Server: homeServer, User: "ann", Name: "ann"}, Grant: []byte("grant")},
			{Identity: store.Identity{Account: awayAccount, Server: awayServer, User: "ann again", Name: "ann again"}, Grant: []byte("grant")},
		}, 0)
		s.must(err)
		planned, err = s.people.Sync(s.Context(), false, 1)
		if len(planned) != 1 || planned[0].Removal != RemoveNothing || planned[0].Why != "the linked account is connected with another user by now" || err != nil {
			s.Errorf("%+v %v", planned, err)
		}
		ann, _, err := s.store.PersonOf(s.Context(), awayServer, "ann again")
		s.must(err)
		if len(ann.Identities) != 2 || ann.Identities[1].State != store.Connected {
			s.Errorf("%+v", ann)
		}
		if left, err := s.store.Departures(s.Context()); len(left) != 0 || err != nil {
			s.Error(left, err)
		}
		if got := s.home.User("ann").Standing.Presence; got != bridge.Present {
			s.Errorf("ann is %s", got)
		}
	})
}

func TestAnotherAccountCountsAlsoWhenItsTokenWasRefused(t *testing.T) {
	inSociety(t, removal(config.RemovedDeactivate), true, func(s *society) {
		s.options.Accounts = append(s.options.Accounts, Account{Name: thirdAccount, Title: "Microsoft Teams", Label: "fabrikam", Bridge: noHome{}})
		s.people = New(s.options)
		for state, want := range map[store.IdentityState]string{
			store.Connected: "Microsoft Teams (fabrikam)", store.Lost: "Microsoft Teams (fabrikam)", store.Kept: "", store.Leaving: "",
		} {
			p := store.Person{Identities: []store.Identity{
				{Account: homeAccount, Server: homeServer, State: store.Connected}, {Account: awayAccount, Server: awayServer, State: store.Connected},
				{Account: thirdAccount, Server: thirdServer, State: state},
			}}
			if got := s.people.departures.elsewhere(p, awayServer); got != want {
				s.Errorf("%s: %q, want %q", state, got, want)
			}
		}
	})
}

func TestWhoOnlySeemsToHaveLeftIsLookedForInTheWholeDirectory(t *testing.T) {
	inSociety(t, removal(config.RemovedDeactivate), true, func(s *society) {
		ann := s.connect("ann", homeAccount)
		var asked []string
		var failing error
		s.options.Accounts[1].Bridge = noHome{directory: func(since string) ([]bridge.Profile, string, error) {
			asked = append(asked, since)
			return []bridge.Profile{profile("ann")}, "n", failing
		}}
		s.people = New(s.options)
		s.must(s.store.DirectoryRead(s.Context(), awayAccount, "m", time.Now(), nil))
		s.must(s.people.departures.suspect(s.Context(), ann, ann.Identities[1], bridge.Erased))
		if stored, err := s.store.Departures(s.Context()); len(stored) != 0 || err != nil {
			s.Errorf("stored: %v %v", stored, err)
		}
		for _, how := range []struct {
			dry  bool
			fail error
		}{{false, errors.New("cut")}, {true, nil}, {false, nil}, {false, nil}} {
			failing = how.fail
			if _, err := s.people.Sync(s.Context(), how.dry, 0); (err != nil) != (how.fail != nil) {
				s.Error(err)
			}
		}
		if diff := cmp.Diff([]string{"", "", "", "n"}, asked); diff != "" {
			s.Error(diff)
		}
	})
}

// noHome is a service whose directory is whatever the test says.
type noHome struct {
	bridge.Bridge
	directory func(since string) ([]bridge.Profile, string, error)
}

func (noHome) Capabilities() bridge.Capabilities { return bridge.Capabilities{Directory: true} }

func (b noHome) Directory(_ context.Context, since string, found func([]bridge.Profile) error) (string, error) {
	all, mark, err := b.directory(since)
	if found(all) != nil || err != nil {
		return "", err
	}
	return mark, nil
}

func TestWhoIsMissingInAWholeReadingMayHaveLeftButNotEverybody(t *testing.T) {
	expired := &bridge.Error{Kind: bridge.Gone, Err: errors.New("expired")}
	there, away := profile("ann"), profile("bob")
	away.Standing.Presence = bridge.Disabled
	for _, test := range []struct {
		name, mark string
		directory  func(since string) ([]bridge.Profile, string, error)
		want       map[bridge.UserID]bridge.Presence
		fails      bool
	}{
		{"first", "", func(string) ([]bridge.Profile, string, error) { return []bridge.Profile{there, away}, "m", nil },
			map[bridge.UserID]bridge.Presence{"bob": bridge.Disabled, "cid": bridge.Erased}, false},
		{"changes", "m", func(string) ([]bridge.Profile, string, error) { return []bridge.Profile{away}, "m", nil }, map[bridge.UserID]bridge.Presence{"bob": bridge.Disabled}, false},
		{"back again", "m", func(string) ([]bridge.Profile, string, error) {
			return []bridge.Profile{away, {Author: bridge.Author{ID: "bob"}}}, "m", nil
		}, map[bridge.UserID]bridge.Presence{}, false},
		{"nobody in a whole reading", "", func(string) ([]bridge.Profile, string, error) { return []bridge.Profile{profile("zoe")}, "m", nil }, map[bridge.UserID]bridge.Presence{}, true},
		{"expired", "m", func(since string) ([]bridge.Profile, string, error) {
			if since != "" {
				return []bridge.Profile{away}, "", expired
			}
			return []bridge.Profile{there, profile("bob")}, "n", nil
		}, map[bridge.UserID]bridge.Presence{"cid": bridge.Erased}, false},
		{"halfway", "m", func(string) ([]bridge.Profile, string, error) { return []bridge.Profile{away}, "", errors.New("cut") }, map[bridge.UserID]bridge.Presence{}, true},
	} {
		inSociety(t, removal(config.RemovedDeactivate), true, func(s *society) {
			for _, u := range []bridge.UserID{"ann", "bob", "cid"} {
				s.connect(u, homeAccount)
			}
			if test.mark != "" {
				s.must(s.store.DirectoryRead(s.Context(), awayAccount, test.mark, time.Now(), nil))
			}
			people, err := s.store.People(s.Context())
			s.must(err)
			left, _, err := s.people.departures.read(s.Context(), Account{Name: awayAccount, Bridge: noHome{directory: test.directory}}, awayServer, connectedOn(people, awayServer))
			got := map[bridge.UserID]bridge.Presence{}
			for _, one := range left {
				got[one.User] = one.Presence
			}
			if diff := cmp.Diff(test.want, got); diff != "" || (err != nil) != test.fails {
				s.Error(test.name, diff, err)
			}
		})
	}
}

// lose is what happens when acting as somebody is refused.
func (s *society) lose(p *People, server bridge.ServerID, u bridge.UserID) {
	s.Helper()
	if err := p.o.Gateway.Lose(s.Context(), server, u, time.Now(), errors.New("refused")); err != nil {
		s.Fatal(err)
	}
}

// TestManyAreNotRemovedAFewAtATime: of two a day, one leaves each hour.
func TestManyAreNotRemovedAFewAtATime(t *testing.T) {
	settings := removal(config.RemovedDeactivate)
	settings.MaxRemovals = "2"
	inSociety(t, settings, true, func(s *society) {
		const many = 6
		for n := range many {
			s.connect(bridge.UserID(fmt.Sprint("user", n)), homeAccount)
		}
		run := lifeRun{society: s}
		run.start()
		s.pass(time.Minute)
		removed := func(when string, want int) {
			s.Helper()
			if got := s.inactive(); got != want {
				s.Errorf("%s: %d are removed, want %d", when, got, want)
			}
		}
		for n := range 3 {
			s.gone(bridge.UserID(fmt.Sprint("user", n)), bridge.Deleted)
			s.pass(time.Hour)
			removed(fmt.Sprint("after ", n+1), min(n+1, 2))
		}
		run.stop() // nor after a restart
		run.start()
		s.pass(10 * time.Hour)
		removed("hours later", 2)
		if n := strings.Count(s.log.String(), "agree with `causeway people sync --confirm 1`"); n != 2 {
			s.Errorf("the operator was asked %d times", n)
		}
		s.pass(14 * time.Hour)
		removed("a day later", 3)
		// What the operator agrees to does not count.
		for n := range 2 {
			s.gone(bridge.UserID(fmt.Sprint("user", 3+n)), bridge.Deleted)
		}
		s.pass(time.Hour)
		removed("two more", 3)
		s.agrees(run.people, 2)
		s.pass(time.Minute)
		removed("with consent", 5)
		s.gone("user5", bridge.Deleted)
		s.pass(time.Hour)
		removed("one more", 6)
		run.stop()
	})
}

// TestTheAccountThatIsDeactivatedIsTheOneThatIsLinkedNow: who has left has connected with another account at home since that was seen.
func TestTheAccountThatIsDeactivatedIsTheOneThatIsLinkedNow(t *testing.T) {
	settings := removal(config.RemovedDeactivate)
	settings.MaxRemovals = "0"
	inSociety(t, settings, true, func(s *society) {
		s.connect("ann", homeAccount)
		s.gone("ann", bridge.Disabled)
		run := lifeRun{society: s}
		run.start()
		defer run.stop()
		s.pass(2 * time.Hour)
		s.home.AddUser(profile("ann married"))
		s.must(s.store.Forget(s.Context(), homeServer, "ann", false))
		_, err := s.store.Connect(s.Context(), "", [2]store.End{
			{Identity: store.Identity{Account: homeAccount, Server: homeServer, User: "ann married", Name: "ann married"}, Grant: []byte("grant")},
			{Identity: store.Identity{Account: awayAccount, Server: awayServer, User: "ann", Name: "ann"}, Grant: []byte("grant")},
		}, 0)
		s.must(err)
		s.agrees(run.people, 1)
		s.pass(10 * time.Minute)
		for u, want := range map[bridge.UserID]bridge.Presence{"ann": bridge.Present, "ann married": bridge.Disabled} {
			if got := s.home.User(u).Standing.Presence; got != want {
				s.Errorf("%s is %s, want %s", u, got, want)
			}
		}
	})
}
