package people

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/config"
	"causeway/gateway/store"
)

// verified counts calls of Verify, by account, and tells when they came.
func (s *society) verified() map[bridge.AccountName][]time.Duration {
	began, times := time.Now(), map[bridge.AccountName][]time.Duration{}
	s.faults(func(_ context.Context, c memory.Call) error {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		if c.Op == memory.Verify && !c.After {
			times[c.Account] = append(times[c.Account], time.Since(began))
		}
		return nil
	})
	return times
}

func TestPeopleAreVerifiedEvenlySpreadOverTheDay(t *testing.T) {
	const many = 2000 // one every 43.2 s, however many are due
	inSociety(t, config.People{}, true, func(s *society) {
		for n := range many {
			s.connect(bridge.UserID(fmt.Sprint("user", n)), homeAccount)
		}
		s.pass(48 * time.Hour) // Causeway was down for two days: all are due
		times := s.verified()
		end := s.during(newVerifying(s.people).run)
		s.pass(time.Hour)
		end()
		for _, a := range []bridge.AccountName{homeAccount, awayAccount} {
			all := times[a]
			if len(all) < many/24-2 || len(all) > many/24 || all[0] < verifyPace {
				s.Fatalf("%s: %d were verified, the first after %s", a, len(all), all[:min(1, len(all))])
			}
			for n := range all[1:] {
				if gap := all[n+1] - all[n]; gap < 43*time.Second || gap > 44*time.Second {
					s.Fatalf("%s: %s between two", a, gap)
				}
			}
		}
	})
}

func TestAfterAStartNobodyIsVerifiedWhoWasLately(t *testing.T) {
	inSociety(t, config.People{}, true, func(s *society) {
		s.connect("ann", homeAccount)
		times := s.verified()
		for range 5 { // a restart every four hours
			end := s.during(newVerifying(s.people).run)
			s.pass(4 * time.Hour)
			end()
		}
		if len(times) != 0 {
			s.Error(times)
		}
		end := s.during(newVerifying(s.people).run)
		s.pass(5 * time.Hour)
		end()
		if len(times[homeAccount]) != 1 || len(times[awayAccount]) != 1 {
			s.Error(times)
		}
	})
}

func TestVerifyingLearnsNamesAndFindsWhatIsLost(t *testing.T) {
	inSociety(t, config.People{}, false, func(s *society) {
		s.connect("ann", homeAccount)
		s.connect("bob", homeAccount)
		s.away.Alter("ann", func(p *bridge.Profile) { p.Name, p.Email = "Ann Married", "married@example.com" })
		s.home.Alter("ann", func(p *bridge.Profile) { p.Email = "" })
		s.away.Revoke("bob")
		run := lifeRun{society: s}
		run.start()
		s.pass(verifyEvery + time.Hour)
		run.stop()
		ann, _, err := s.store.PersonOf(s.Context(), awayServer, "ann")
		s.must(err)
		if i := ann.Identities[1]; i.Name != "Ann Married" || i.Email != "married@example.com" || i.State != store.Connected || time.Since(i.Verified) > 2*time.Hour {
			s.Errorf("%+v", i)
		}
		if i := ann.Identities[0]; i.Email != "ann@example.com" {
			s.Errorf("%+v", i)
		}
		bob, _, err := s.store.PersonOf(s.Context(), awayServer, "bob")
		s.must(err)
		if diff := cmp.Diff([]store.IdentityState{store.Connected, store.Lost}, []store.IdentityState{bob.Identities[0].State, bob.Identities[1].State}); diff != "" {
			s.Error(diff)
		}
	})
}

func TestWhatFailsForAWhileIsVerifiedLaterAndNotLost(t *testing.T) {
	for name, fault := range map[string]error{
		"transient": memory.Fails(bridge.Transient), "throttled": memory.Throttles(bridge.ScopeAccount, time.Hour),
		"the account's own token": &bridge.Error{Kind: bridge.Unauthorised, Scope: bridge.ScopeAccount, Err: fmt.Errorf("refused")},
	} {
		inSociety(t, config.People{}, true, func(s *society) {
			s.connect("ann", homeAccount)
			run := lifeRun{society: s}
			began, tries := time.Now(), 0
			run.set(func(c memory.Call) error {
				if c.Op == memory.Verify && c.Account == awayAccount && !c.After {
					if tries++; time.Since(began) < 26*time.Hour {
						return fault
					}
				}
				return nil
			}, false)
			run.start()
			s.pass(28 * time.Hour)
			run.stop()
			ann, _, err := s.store.PersonOf(s.Context(), awayServer, "ann")
			s.must(err)
			if i := ann.Identities[1]; i.State != store.Connected || time.Since(i.Verified) > 3*time.Hour || tries < 2 || tries > 14 {
				s.Errorf("%s: %+v after %d tries", name, i, tries)
			}
		})
	}
}

func TestAPanicEndsNothingButWhatItHappenedIn(t *testing.T) {
	settings := removal(config.RemovedDeactivate)
	settings.Prompt, settings.RemindAfter, settings.MaxPendingInvites = config.PromptOn, time.Hour, 9
	inSociety(t, settings, true, func(s *society) {
		s.home.AddChannel("town", "team/town")
		s.away.AddChannel("town", "team/town")
		s.home.SetMembers("town", "ann", "new")
		s.away.SetMembers("town", "ann")
		s.road.add(carried("town")...)
		s.connect("ann", awayAccount)
		s.home.AddUser(profile("new"))
		met := map[string]bool{fmt.Sprint(memory.Notify, homeAccount): true} // whoever may have been asked is not asked again
		s.faults(func(_ context.Context, c memory.Call) error {
			s.mutex.Lock()
			defer s.mutex.Unlock()
			if key := fmt.Sprint(c.Op, c.Account); !c.After && !met[key] {
				met[key] = true
				panic("the first " + key)
			}
			return nil
		})
		end := s.during(s.people.Run)
		s.people.arrived(s.options.Accounts[0], []bridge.UserID{"new"})
		s.pass(time.Hour)
		if got := s.home.Setting("ann", "town"); got != memory.Mention {
			s.Errorf("ann is told of %q", got)
		}
		end()
		s.people = New(s.options) // without those that look every few seconds, since days go by
		s.people.work = []duty{newLeaving(s.people).run, s.people.letters.run, s.people.departures.run, newVerifying(s.people).run}
		end = s.during(s.people.Run)
		s.pass(verifyEvery + 3*time.Hour)
		s.gone("ann", bridge.Disabled)
		s.pass(3 * time.Hour)
		end()
		if got := s.home.User("ann").Standing.Presence; got != bridge.Disabled {
			s.Errorf("ann is %s", got)
		}
		asked := 0
		for _, n := range s.home.Notices() {
			if n.User == "new" {
				asked++
			}
		}
		if asked != 1 {
			s.Errorf("the new one was asked %d times", asked)
		}
		for _, op := range []memory.Op{memory.Verify, memory.Directory, memory.Profile, memory.Release, memory.Deactivate} {
			if !met[fmt.Sprint(op, homeAccount)] && !met[fmt.Sprint(op, awayAccount)] {
				s.Errorf("%s was not met", op)
			}
		}
	})
}
