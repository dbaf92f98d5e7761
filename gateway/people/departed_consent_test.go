package people

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/config"
	"causeway/gateway/store"
)

func TestADryRunOnlySaysWhatWouldHappen(t *testing.T) {
	inSociety(t, removal(config.RemovedDeactivate), true, func(s *society) {
		var want []*Planned
		for _, u := range []bridge.UserID{"ann", "bob", "cid"} {
			s.connect(u, homeAccount)
		}
		s.home.Alter("bob", func(p *bridge.Profile) { p.Standing.Managed = true })
		s.gone("ann", bridge.Deleted)
		s.gone("bob", bridge.Unlicensed)
		s.options.Settings.MaxRemovals = "1"
		s.people = New(s.options)
		want = []*Planned{
			{Removal: RemoveAccount, Waits: true, Name: "ann", Why: "deleted in Microsoft Teams"},
			{Removal: RemoveConnection, Waits: true, Name: "bob", Why: "unlicensed in Microsoft Teams; the linked account in Mattermost is not touched: another directory (LDAP, SAML) manages it"},
		}
		type manner struct {
			dry     bool
			confirm int
		}
		for _, how := range []manner{{true, 0}, {false, 0}, {false, 1}, {true, 2}, {false, 2}} {
			for _, p := range want {
				p.Waits = how.confirm < len(want)
			}
			got, err := s.people.Sync(s.Context(), how.dry, how.confirm)
			if how.confirm == 1 {
				const fewer = "nobody is removed: 2 people wait for your consent by now, and not 1; look at them, and agree with --confirm 2"
				if err == nil || err.Error() != fewer {
					s.Error(err)
				}
				err = nil
			}
			less := func(a, b *Planned) bool { return a.Name < b.Name }
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Planned{}, "Account", "Departure"), cmpopts.IgnoreUnexported(Planned{}), cmpopts.SortSlices(less)); diff != "" || err != nil {
				s.Error(how, diff, err)
			}
			all, err := s.store.People(s.Context())
			s.must(err)
			for _, p := range all {
				left := p.Identities[1].State == store.Leaving
				if want := how.confirm == 2 && !how.dry && p.Identities[0].User != "cid"; left != want {
					s.Errorf("%+v: %+v, want leaving %v", how, p, want)
				}
			}
			stored, err := s.store.Departures(s.Context())
			if want := map[bool]int{true: 0, false: 2}[how == manner{dry: true}]; len(stored) != want || err != nil {
				s.Errorf("%+v: %d stored, want %d: %v", how, len(stored), want, err)
			}
		}
	})
}

func TestWhoWaitsForTheOperatorIsNotLookedAtForTheNewsOfOthers(t *testing.T) {
	inSociety(t, removal(config.RemovedDeactivate), true, func(s *society) {
		const many = 6 // one more than may be removed
		for n := range many {
			s.connect(bridge.UserID(fmt.Sprint("user", n)), homeAccount)
		}
		looks := 0
		run := lifeRun{society: s}
		run.set(func(c memory.Call) error {
			if c.Op == memory.Profile && !c.After {
				looks++
			}
			return nil
		}, false)
		run.start()
		defer run.stop()
		s.pass(time.Minute)
		for n := range many {
			s.gone(bridge.UserID(fmt.Sprint("user", n)), bridge.Deleted)
		}
		s.pass(time.Hour)
		before := looks
		for range 20 {
			run.people.changed()
			s.pass(time.Second)
		}
		if looks != before || before < 2*many {
			s.Errorf("%d looks, and %d more for the news of others", before, looks-before)
		}
		s.gone("user0", bridge.Present)
		s.agrees(run.people, many-1)
		s.pass(time.Minute)
		if got := s.inactive(); got != many-1 {
			s.Errorf("%d are removed with consent, want %d", got, many-1)
		}
	})
}

// agrees has the operator look who has left, and agree to so many removals.
func (s *society) agrees(p *People, confirm int) {
	s.Helper()
	_, err := p.Sync(s.Context(), true, 0)
	s.must(err)
	_, err = p.Sync(s.Context(), false, confirm)
	s.must(err)
}

// TestConsentIsToThoseWhoWereShown: as many wait as before, but somebody else is among them; and nobody was shown to the operator by this process.
func TestConsentIsToThoseWhoWereShown(t *testing.T) {
	settings := removal(config.RemovedDeactivate)
	settings.MaxRemovals = "1"
	inSociety(t, settings, true, func(s *society) {
		for n := range 4 {
			s.connect(bridge.UserID(fmt.Sprint("user", n)), homeAccount)
		}
		run := lifeRun{society: s}
		run.start()
		s.pass(time.Minute)
		s.gone("user0", bridge.Deleted)
		s.gone("user1", bridge.Deleted)
		_, err := run.people.Sync(s.Context(), true, 0)
		s.must(err)
		s.gone("user1", bridge.Present)
		s.gone("user2", bridge.Deleted)
		inVain := func(when, want string) {
			s.Helper()
			planned, err := run.people.Sync(s.Context(), false, 2)
			s.pass(10 * time.Minute)
			if err == nil || err.Error() != want || len(planned) != 2 || s.inactive() != 0 {
				s.Errorf("%s: %d are planned, %d removed: %v", when, len(planned), s.inactive(), err)
			}
		}
		inVain("another one", "nobody is removed: of the 2 people who wait for your consent by now, 1 have not been shown since Causeway started; look at them, and agree with --confirm 2")
		run.stop()
		run.start()
		s.pass(time.Minute)
		inVain("another process", "nobody is removed: of the 2 people who wait for your consent by now, 2 have not been shown since Causeway started; look at them, and agree with --confirm 2")
		_, err = run.people.Sync(s.Context(), false, 2)
		s.must(err)
		s.pass(10 * time.Minute)
		run.stop()
		for u, want := range map[bridge.UserID]bridge.Presence{"user0": bridge.Disabled, "user1": bridge.Present, "user2": bridge.Disabled, "user3": bridge.Present} {
			if got := s.home.User(u).Standing.Presence; got != want {
				s.Errorf("%s is %s, want %s", u, got, want)
			}
		}
	})
}

// TestTheOperatorSeesWhoWaitsAndWhoWasRemoved, whether or not they read the log.
func TestTheOperatorSeesWhoWaitsAndWhoWasRemoved(t *testing.T) {
	settings := removal(config.RemovedDeactivate)
	settings.MaxRemovals = "1"
	inSociety(t, settings, true, func(s *society) {
		for n := range 3 {
			s.connect(bridge.UserID(fmt.Sprint("user", n)), homeAccount)
		}
		run := lifeRun{society: s}
		run.start()
		s.pass(time.Minute)
		asks := func(when string, want int, since time.Time) {
			s.Helper()
			if n, at := run.people.Consent(); n != want || !at.Equal(since) {
				s.Errorf("%s: %d wait since %v, want %d since %v", when, n, at, want, since)
			}
		}
		asks("while nobody has left", 0, time.Time{})
		s.gone("user0", bridge.Deleted)
		s.gone("user1", bridge.Deleted)
		s.pass(time.Hour)
		stored, err := s.store.Departures(s.Context())
		s.must(err)
		asks("when two have", 2, stored[0].Seen)
		run.stop()
		run.start()
		s.pass(time.Minute)
		asks("after a restart", 2, stored[0].Seen)
		var failing error = memory.Fails(bridge.Transient)
		run.set(func(c memory.Call) error {
			if c.Op == memory.Directory && !c.After {
				return failing
			}
			return nil
		}, false)
		s.gone("user1", bridge.Present)
		s.pass(2 * time.Hour)
		asks("while the directory cannot be read", 2, stored[0].Seen)
		run.set(nil, false)
		s.pass(2 * time.Hour)
		asks("when one is back", 0, time.Time{})
		run.stop()
		var audited []string
		all, err := s.store.Audit(s.Context(), 0, 10)
		s.must(err)
		for _, a := range all {
			audited = append(audited, a.Who+": "+a.About+": "+a.Result)
		}
		want := []string{
			"Causeway by itself: user0 (user0) in Microsoft Teams: the linked account of somebody who has left is deactivated: deleted in Microsoft Teams",
			"Causeway by itself: user0 (user0) in Microsoft Teams: somebody who has left is disconnected: deleted in Microsoft Teams",
		}
		if d := cmp.Diff(want, audited); d != "" {
			s.Error(d)
		}
	})
}
