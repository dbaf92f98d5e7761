package people

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/store"
)

// byThemselves is a home where people give Causeway their right when they sign in.
func byThemselves(o *setting) { o.home.OwnRight = false }

// TestWhatWasGivenOnAWalkThatLedToNothingIsGivenBack ends walks in every way, by a home where Causeway helps itself and by one where people give.
func TestWhatWasGivenOnAWalkThatLedToNothingIsGivenBack(t *testing.T) {
	unfinished := func(s *stage) { s.both("alice").open(s.link("alice")).press(pressBegin).wants(agreePage) }
	pressedInVain := func(s *stage) {
		last := s.both("alice").open(s.link("alice")).press(pressBegin).wants(agreePage)
		s.fails(memory.Empower, nil)
		s.mutex.Lock()
		s.fault = func(_ context.Context, c memory.Call) error {
			if c.Op == memory.Empower && c.Account == mmAccount && c.After {
				return memory.LostAnswer()
			}
			return nil
		}
		s.mutex.Unlock()
		last.press(pressFinish).wants("502 Mattermost did not answer as it should")
		s.fails("", nil)
	}
	ways := map[string]func(s *stage){
		"never finished":        unfinished,
		"the process has ended": pressedInVain,
		"another link": func(s *stage) {
			pressedInVain(s)
			s.link("alice")
		},
		"begun anew in another browser, and left": func(s *stage) {
			link := s.link("alice")
			s.both("alice").open(link).press(pressBegin).wants(agreePage)
			s.browser(nil).open(link).press(pressBegin).wants(homePage)
		},
		"another account signs in at home": func(s *stage) {
			s.both("alice").open(s.link("mallory")).press(pressBegin).wants(otherAccount)
			if n := s.mm.Given("alice"); n > 0 {
				s.Errorf("%d things that alice has given are left at once", n)
			}
		},
	}
	for name, way := range ways {
		for own, home := range map[string]func(*setting){"people give": byThemselves, "Causeway helps itself": func(*setting) {}} {
			t.Run(name+"/"+own, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newStage(t, home)
					defer s.close()
					way(s)
					stop := s.running()
					time.Sleep(time.Minute)
					if name == "never finished" && s.mm.Given("alice") == 0 {
						t.Error("it was given back while the walk was under way")
					}
					stop() // and after a restart
					defer s.running()()
					time.Sleep(linkLife + leavingIdle + time.Second)
					if n := s.mm.Given("alice") + s.mm.Given("mallory") + s.teams.Given("alice"); n > 0 || s.stored() != "" {
						t.Errorf("%d things that were given are left, stored is %q", n, s.stored())
					}
					if ended, err := s.store.EndedWalks(t.Context()); len(ended) > 0 || err != nil {
						t.Errorf("walks are left: %v %v", ended, err)
					}
				})
			})
		}
	}
}

// TestWhatIsKeptStaysGoodWhenAnotherWalkLeadsToNothing: alice is connected, and begins again in vain.
func TestWhatIsKeptStaysGoodWhenAnotherWalkLeadsToNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, byThemselves, func(o *setting) { o.tenants = 2 })
		defer s.close()
		s.both("alice").open(s.linkIn(s.types("alice", "/msteams connect contoso").Text)).press(pressBegin).press(pressFinish).wants(donePage)
		s.both("alice").open(s.linkIn(s.types("alice", "/msteams connect fabrikam").Text)).press(pressBegin).wants(agreePage)
		defer s.running()()
		time.Sleep(time.Hour)
		if got := s.stored(); got != aliceIs || s.mm.Grants("alice") != 1 || s.teams.Grants("alice") != 1 || s.fabrikam.Given("alice") != 0 {
			t.Errorf("stored %q, grants %d and %d, given %d", got, s.mm.Grants("alice"), s.teams.Grants("alice"), s.fabrikam.Given("alice"))
		}
	})
}

// TestAWalkIsKeptUntilWhatItGaveIsGivenBack: the service does not answer for an hour.
func TestAWalkIsKeptUntilWhatItGaveIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, byThemselves)
		defer s.close()
		s.both("alice").open(s.link("alice")).press(pressBegin).wants(agreePage)
		s.fails(memory.Discard, memory.Fails(bridge.Transient))
		defer s.running()()
		time.Sleep(time.Hour)
		if s.mm.Given("alice") == 0 || strings.Count(s.log.String(), "giving back what people gave who did not connect failed") != 1 {
			t.Errorf("given %d, the log says\n%s", s.mm.Given("alice"), s.log)
		}
		s.fails("", nil)
		time.Sleep(2 * leftoverLook)
		if n := s.mm.Given("alice"); n > 0 {
			t.Errorf("%d things that were given are left", n)
		}
	})
}

// TestWhatIsRenewedDuringThePressIsNotOverwritten renews what is kept just after the bridge has looked at it.
func TestWhatIsRenewedDuringThePressIsNotOverwritten(t *testing.T) {
	for _, times := range []int{1, connectTries} {
		s := newStage(t)
		connected(s, tmAccount)
		if _, err := s.store.Turn(t.Context(), "msteams:1", "alice", store.Connected, store.Lost, "refused"); err != nil {
			t.Fatal(err)
		}
		last := s.both("alice").open(s.link("alice")).press(pressBegin).wants(agreePage)
		empowered, renewals := 0, 0
		s.mutex.Lock()
		s.fault = func(ctx context.Context, c memory.Call) error {
			if c.Op != memory.Empower || c.Account != mmAccount || !c.After {
				return nil
			}
			if empowered++; renewals < times {
				renewals++
				_, err := s.store.Vault(mmAccount).Renew(ctx, bridge.PersonGrant("alice"), fmt.Append(nil, "renewed ", renewals))
				return err
			}
			return nil
		}
		s.mutex.Unlock()
		want := donePage
		if times == connectTries {
			want = "503 That did not work just now"
		}
		last.press(pressFinish).wants(want)
		kept, err := s.store.Vault(mmAccount).Load(t.Context(), bridge.PersonGrant("alice"))
		if over := strings.HasPrefix(string(kept), "renewed"); over != (times == connectTries) || err != nil || empowered != min(times+1, connectTries) {
			t.Errorf("kept is %q after %d tries (%v)", kept, empowered, err)
		}
		s.close()
	}
}

// TestWhereNobodyCanGiveTheirRightIsSaidAtTheCommand and not after two sign-ins.
func TestWhereNobodyCanGiveTheirRightIsSaidAtTheCommand(t *testing.T) {
	s := newStage(t, byThemselves, func(o *setting) { o.home.NoSignIn = true })
	defer s.close()
	if got := text(s.types("alice", "/msteams connect").Text); got != "This account cannot be connected. people cannot sign in here, so nobody can be connected" {
		t.Errorf("told %q", got)
	}
}
