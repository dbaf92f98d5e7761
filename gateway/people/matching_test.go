package people

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/config"
	"causeway/gateway/store"
)

var byEmail = config.People{MatchByEmail: true}

// alike makes a user of a service whose address is ann's.
func alike(service *memory.Service, u bridge.UserID, change ...func(*bridge.Profile)) {
	p := profile(u)
	p.Email = "ann@example.com"
	for _, c := range change {
		c(&p)
	}
	service.AddUser(p)
}

// matched gives who a user of a server is known to be on the other one; "?" when nobody has looked.
func (s *society) matched(server bridge.ServerID, u bridge.UserID) bridge.UserID {
	s.Helper()
	other := map[bridge.ServerID]bridge.ServerID{homeServer: awayServer, awayServer: homeServer}[server]
	m, ok, err := s.store.Match(s.Context(), store.User{Server: server, User: u}, other)
	s.must(err)
	if !ok {
		return "?"
	}
	return m.Other
}

// asks counts what the services are asked for, and tells when.
func (s *society) asks(fails func(memory.Call) error) *[]time.Time {
	var all []time.Time
	s.faults(func(_ context.Context, c memory.Call) error {
		if c.After || c.Op != memory.Profile && c.Op != memory.FindUser {
			return nil
		}
		s.mutex.Lock()
		defer s.mutex.Unlock()
		all = append(all, time.Now())
		if fails != nil {
			return fails(c)
		}
		return nil
	})
	return &all
}

func TestWhoIsMatched(t *testing.T) {
	guest := func(p *bridge.Profile) { p.Standing.Guest = true }
	bot := func(p *bridge.Profile) { p.Standing.Bot = true }
	unproven := func(p *bridge.Profile) { p.EmailProven = false }
	without := func(p *bridge.Profile) { p.Email = "" }
	is := func(presence bridge.Presence) func(*bridge.Profile) {
		return func(p *bridge.Profile) { p.Standing.Presence = presence }
	}
	both := func(here, there func(*bridge.Profile)) func(*society) {
		return func(s *society) {
			alike(s.home, "ann", here)
			alike(s.away, "anna", there)
		}
	}
	plain := func(*bridge.Profile) {}
	for name, test := range map[string]struct {
		given func(s *society)
		want  bridge.UserID // of ann at home; "?" when nobody is asked
		back  bridge.UserID // of anna away
	}{
		"the same address":          {both(plain, plain), "anna", "ann"},
		"letters of either case":    {both(func(p *bridge.Profile) { p.Email = "Ann@Example.COM" }, plain), "anna", "ann"},
		"an administrator":          {both(func(p *bridge.Profile) { p.Standing.Admin, p.Standing.Managed = true, true }, plain), "anna", "ann"},
		"another address":           {both(func(p *bridge.Profile) { p.Email = "annie@example.com" }, plain), "", ""},
		"no address":                {both(without, without), "", ""},
		"unproven here":             {both(unproven, plain), "", ""},
		"unproven there":            {both(plain, unproven), "", ""},
		"a guest here":              {both(guest, plain), "", ""},
		"a guest, a foreign tenant": {both(plain, guest), "", ""},
		"a bot here":                {both(bot, plain), "", ""},
		"a bot there":               {both(plain, bot), "", ""},
		"disabled here":             {both(is(bridge.Disabled), plain), "", ""},
		"disabled there":            {both(plain, is(bridge.Disabled)), "", ""},
		"deleted there":             {both(plain, is(bridge.Deleted)), "", ""},
		"unlicensed there":          {both(plain, is(bridge.Unlicensed)), "", ""},
		"nobody there":              {func(s *society) { alike(s.home, "ann") }, "", ""},
		"a stranger":                {func(s *society) { alike(s.away, "anna") }, "", ""},
		"Causeway's own there":      {func(s *society) { alike(s.home, "ann"); alike(s.away, "bot") }, "", ""},
		"two here": {func(s *society) { // the service itself says that it is adam's
			both(plain, plain)(s)
			alike(s.home, "adam")
		}, "", "adam"},
		"found by another's name": {func(s *society) { // a user name that is an address, of somebody with another one
			alike(s.home, "ann")
			alike(s.away, "anna", func(p *bridge.Profile) { p.Username, p.Email = "ann@example.com", "anna@example.com" })
		}, "", ""},
		"connected with each other": {func(s *society) { s.connect("ann", homeAccount) }, "?", ""},
		"there with somebody else": {func(s *society) {
			s.connect("bob", homeAccount)
			alike(s.home, "ann")
			s.away.Alter("bob", func(p *bridge.Profile) { p.Email = "ann@example.com" })
		}, "", ""},
		"here with somebody else": {func(s *society) {
			s.connect("ann", homeAccount)
			alike(s.away, "anna")
			s.away.Alter("ann", func(p *bridge.Profile) { p.Email = "former@example.com" })
		}, "?", ""},
		"switched off": {func(s *society) {
			both(plain, plain)(s)
			s.options.Settings.MatchByEmail = false
		}, "?", "?"},
		"no shared gateway": {func(s *society) {
			both(plain, plain)(s)
			s.options.Accounts[0].With, s.options.Accounts[1].With = nil, nil
		}, "?", "?"},
	} {
		t.Run(name, func(t *testing.T) {
			inSociety(t, byEmail, true, func(s *society) {
				test.given(s)
				s.people = New(s.options)
				end := s.during(s.people.matching.run)
				s.people.Spoke(homeServer, "ann")
				s.people.Spoke(awayServer, "anna")
				s.pass(10 * time.Second)
				end()
				got := [2]bridge.UserID{s.matched(homeServer, "ann"), s.matched(awayServer, "anna")}
				if want := [2]bridge.UserID{test.want, test.back}; got != want {
					s.Errorf("%q, want %q", got, want)
				}
			})
		})
	}
}

func TestConnectedPeopleAndCausewayCostNoRequest(t *testing.T) {
	inSociety(t, byEmail, true, func(s *society) {
		s.connect("ann", homeAccount)
		asked := s.asks(nil)
		defer s.during(s.people.matching.run)()
		for range 3 {
			for _, u := range []bridge.UserID{"ann", "bot"} {
				s.people.Spoke(homeServer, u)
				s.people.Spoke(awayServer, u)
			}
			s.pass(25 * time.Hour)
		}
		if len(*asked) != 0 {
			s.Errorf("%d requests", len(*asked))
		}
	})
}

func TestWhoSpeaksOftenIsLookedAtOnceADay(t *testing.T) {
	inSociety(t, byEmail, true, func(s *society) {
		alike(s.home, "ann")
		s.home.AddUser(profile("ben")) // nobody away
		asked := s.asks(nil)
		run := s.during(s.people.matching.run)
		for n := range 23 * 60 {
			if n == 12*60 { // a restart
				run()
				s.people = New(s.options)
				run = s.during(s.people.matching.run)
			}
			s.people.Spoke(homeServer, "ann")
			s.people.Spoke(homeServer, "ben")
			s.pass(time.Minute)
		}
		run()
		if len(*asked) != 4 || s.matched(homeServer, "ben") != "" {
			s.Errorf("%d requests", len(*asked))
		}
		// The next day they are looked at again.
		defer s.during(s.people.matching.run)()
		s.pass(2 * time.Hour)
		s.people.Spoke(homeServer, "ann")
		s.pass(time.Minute)
		if len(*asked) != 6 {
			s.Errorf("%d requests", len(*asked))
		}
	})
}

func TestLooksArePaced(t *testing.T) {
	inSociety(t, byEmail, true, func(s *society) {
		const many = 50
		for n := range many {
			s.home.AddUser(profile(bridge.UserID(fmt.Sprint("user", n))))
		}
		asked := s.asks(nil)
		defer s.during(s.people.matching.run)()
		for n := range many {
			for range 3 {
				s.people.Spoke(homeServer, bridge.UserID(fmt.Sprint("user", n)))
			}
		}
		s.pass(2 * many * time.Second)
		all := slices.Compact(*asked)
		for n := range len(all) - 1 {
			if gap := all[n+1].Sub(all[n]); gap < matchPace {
				s.Errorf("%v between two looks", gap)
			}
		}
		if len(all) != many || len(*asked) != 2*many {
			s.Errorf("%d looks with %d requests", len(all), len(*asked))
		}
	})
}

func TestAMatchIsTakenBackWhenTheAddressChangesOrItsUserLeaves(t *testing.T) {
	for name, change := range map[string]func(*society){
		"an address here":  func(s *society) { s.home.Alter("ann", func(p *bridge.Profile) { p.Email = "new@example.com" }) },
		"an address there": func(s *society) { s.away.Alter("anna", func(p *bridge.Profile) { p.Email = "new@example.com" }) },
		"disabled": func(s *society) {
			s.away.Alter("anna", func(p *bridge.Profile) { p.Standing.Presence = bridge.Disabled })
		},
		"deleted": func(s *society) {
			s.home.Alter("ann", func(p *bridge.Profile) { p.Standing.Presence = bridge.Erased })
		},
		"nothing": func(*society) {},
	} {
		inSociety(t, byEmail, true, func(s *society) {
			alike(s.home, "ann")
			alike(s.away, "anna")
			defer s.during(s.people.matching.run)()
			s.people.Spoke(homeServer, "ann")
			s.pass(time.Hour)
			if got := s.matched(homeServer, "ann"); got != "anna" {
				s.Fatalf("%s: %q", name, got)
			}
			change(s)
			for range 24 * 6 { // nobody says a word; those who are as they were are known all the time
				s.pass(10 * time.Minute)
				if got := s.matched(homeServer, "ann"); name == "nothing" && got != "anna" {
					s.Fatalf("%q", got)
				}
			}
			if got := s.matched(homeServer, "ann"); name != "nothing" && got != "" {
				s.Errorf("%s: still %q", name, got)
			}
		})
	}
}

func TestWhatCannotBeLookedAtAgainExpires(t *testing.T) {
	inSociety(t, byEmail, true, func(s *society) {
		alike(s.home, "ann")
		alike(s.away, "anna")
		defer s.during(s.people.matching.run)()
		s.people.Spoke(homeServer, "ann")
		s.pass(time.Minute)
		s.asks(func(memory.Call) error { return memory.Fails(bridge.Transient) })
		s.pass(matchLife - time.Hour)
		if got := s.matched(homeServer, "ann"); got != "anna" {
			s.Errorf("%q", got)
		}
		changed := s.people.changes()
		s.pass(2 * time.Hour)
		if got := s.matched(homeServer, "ann"); got != "?" {
			s.Errorf("%q", got)
		}
		select {
		case <-changed:
		default:
			s.Error("nobody was told that it does not count any more")
		}
	})
}

func TestALookThatFailsIsMadeLater(t *testing.T) {
	for name, test := range map[string]struct {
		fault error
		again time.Duration // until they may be looked at again; 0: that was an answer
	}{
		"transient":               {memory.Fails(bridge.Transient), matchRetry},
		"throttled":               {memory.Throttles(bridge.ScopeAccount, time.Hour), time.Hour},
		"the account's own token": {&bridge.Error{Kind: bridge.Unauthorised, Scope: bridge.ScopeAccount, Err: fmt.Errorf("refused")}, matchRetry},
		"may not ask":             {&bridge.Error{Kind: bridge.Unauthorised, Err: fmt.Errorf("refused")}, 0},
		"cannot ask":              {memory.Fails(bridge.Unsupported), 0},
		"gone":                    {memory.Fails(bridge.Gone), 0},
	} {
		for op := range 3 { // Profile, FindUser there, FindUser here
			inSociety(t, byEmail, true, func(s *society) {
				alike(s.home, "ann")
				alike(s.away, "anna")
				n := 0
				asked := s.asks(func(memory.Call) error {
					if n++; n == op+1 {
						return test.fault
					}
					return nil
				})
				defer s.during(s.people.matching.run)()
				s.people.Spoke(homeServer, "ann")
				s.pass(10 * time.Second)
				if test.again == 0 {
					if got := s.matched(homeServer, "ann"); got != "" {
						s.Errorf("%s: %q", name, got)
					}
					return
				}
				// Others are served, unless the service said when.
				s.home.AddUser(profile("ben"))
				s.people.Spoke(homeServer, "ben")
				s.pass(10 * time.Second)
				if got, want := s.matched(homeServer, "ben"), map[bool]bridge.UserID{true: "?"}[test.again == time.Hour]; got != want {
					s.Errorf("%s: ben is %q, want %q", name, got, want)
				}
				before := len(*asked)
				s.pass(test.again - 30*time.Second)
				s.people.Spoke(homeServer, "ann")
				s.pass(5 * time.Second)
				if len(*asked) != before || s.matched(homeServer, "ann") != "?" {
					s.Errorf("%s: asked again too early", name)
				}
				s.pass(10 * time.Second)
				s.people.Spoke(homeServer, "ann")
				s.pass(5 * time.Second)
				if got := s.matched(homeServer, "ann"); got != "anna" {
					s.Errorf("%s: %q", name, got)
				}
			})
		}
	}
}

func TestACrashBetweenTwoStepsOfALookIsMadeGoodWhenTheySpeak(t *testing.T) {
	for step := range 6 { // before and behind each of three requests
		inSociety(t, byEmail, true, func(s *society) {
			alike(s.home, "ann")
			alike(s.away, "anna")
			n := 0
			s.faults(func(ctx context.Context, c memory.Call) error {
				s.mutex.Lock()
				n++
				crash := n == step+1
				s.mutex.Unlock()
				if crash {
					<-ctx.Done()
					return ctx.Err()
				}
				return nil
			})
			end := s.during(s.people.matching.run)
			s.people.Spoke(homeServer, "ann")
			s.pass(time.Second)
			end()
			if got := s.matched(homeServer, "ann"); got != "?" {
				s.Errorf("step %d: %q", step, got)
			}
			s.people = New(s.options)
			defer s.during(s.people.matching.run)()
			s.people.Spoke(homeServer, "ann")
			s.pass(time.Second)
			if got := s.matched(homeServer, "ann"); got != "anna" {
				s.Errorf("step %d: %q", step, got)
			}
		})
	}
}

func TestWhoConnectsDuringALookIsNotMatched(t *testing.T) {
	inSociety(t, byEmail, true, func(s *society) {
		alike(s.home, "ann")
		alike(s.away, "anna")
		s.asks(func(c memory.Call) error {
			if c.Op == memory.FindUser && c.Account == awayAccount {
				go s.connect("ann", homeAccount) // with another account away
				time.Sleep(time.Second)
			}
			return nil
		})
		defer s.during(s.people.matching.run)()
		s.people.Spoke(homeServer, "ann")
		s.pass(time.Minute)
		if got := s.matched(homeServer, "ann"); got != "" {
			s.Errorf("%q", got)
		}
	})
}

func TestSwitchedOffNothingIsKept(t *testing.T) {
	inSociety(t, byEmail, true, func(s *society) {
		alike(s.home, "ann")
		alike(s.away, "anna")
		end := s.during(s.people.matching.run)
		s.people.Spoke(homeServer, "ann")
		s.pass(time.Minute)
		end()
		asked := s.asks(nil)
		s.options.Settings.MatchByEmail = false
		s.people = New(s.options)
		defer s.during(s.people.matching.run)()
		s.people.Spoke(homeServer, "ann")
		s.pass(time.Minute)
		if got := s.matched(homeServer, "ann"); got != "?" || len(*asked) != 0 {
			s.Errorf("%q after %d requests", got, len(*asked))
		}
	})
}

func TestMoreThanCanWaitAreLookedAtWhenTheySpeakAgain(t *testing.T) {
	inSociety(t, byEmail, true, func(s *society) {
		for n := range matchMost + 1 {
			s.people.Spoke(homeServer, bridge.UserID(fmt.Sprint("user", n)))
		}
		last := bridge.UserID(fmt.Sprint("user", matchMost))
		s.asks(nil)
		defer s.during(s.people.matching.run)()
		s.pass(matchMost * 2 * time.Second)
		if got := s.matched(homeServer, last); got != "?" {
			s.Errorf("%q", got)
		}
		s.people.Spoke(homeServer, last)
		s.pass(time.Minute)
		if got := s.matched(homeServer, last); got != "" {
			s.Errorf("%q", got)
		}
	})
}
