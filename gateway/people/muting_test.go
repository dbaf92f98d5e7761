package people

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/config"
	"causeway/gateway/store"
)

// muted is a society with ann, who prefers to be notified elsewhere, in the channel town at both ends, and muting that goes on.
func muted(t *testing.T, own bool, test func(s *society, m *muting)) {
	t.Helper()
	inSociety(t, config.People{}, own, func(s *society) {
		s.town("town", "ann")
		s.connect("ann", awayAccount)
		m := newMuting(s.people)
		defer s.during(m.run)()
		s.pass(time.Second)
		s.setting("at first", "town", memory.Mention)
		test(s, m)
	})
}

// town makes a channel at both ends, with members, and joins them.
func (s *society) town(c bridge.ChannelID, members ...bridge.UserID) {
	for _, one := range []*memory.Service{s.home, s.away} {
		one.AddChannel(c, "team/"+string(c))
		one.SetMembers(c, members...)
	}
	s.road.add(carried(c)...)
}

// setting checks how ann is notified.
func (s *society) setting(when string, c bridge.ChannelID, want string) {
	s.Helper()
	if got := s.home.Setting("ann", c); got != want {
		s.Errorf("%s: %s, want %s", when, got, want)
	}
}

func (s *society) mutes(want ...store.Mute) {
	s.Helper()
	got, err := s.store.Mutes(s.Context())
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		s.Error(diff, err)
	}
}

func TestAHoldUnmutesAndABlipDoesNot(t *testing.T) {
	muted(t, true, func(s *society, _ *muting) {
		var writes atomic.Int64
		s.faults(func(_ context.Context, c memory.Call) error {
			if c.Op == memory.SetNotifications && !c.After {
				writes.Add(1)
			}
			return nil
		})
		for range 5 {
			s.road.hold("town", true)
			s.pass(50 * time.Second)
			s.road.hold("town", false)
			s.pass(4 * time.Second)
		}
		if n := writes.Load(); n != 0 {
			s.Errorf("%d writes because of blips", n)
		}
		s.road.hold("town", true)
		s.pass(muteGrace + 4*time.Second)
		s.setting("held", "town", memory.All)
		s.mutes()
		s.road.hold("town", false)
		s.pass(3 * time.Second)
		s.setting("resumed", "town", memory.Mention)
		if n := writes.Load(); n != 2 {
			s.Errorf("%d writes, want 2", n)
		}
	})
}

func TestWhatWasUnmutedByHandStaysSoThroughAHoldAndUntilTheChoiceIsMadeAnew(t *testing.T) {
	muted(t, true, func(s *society, _ *muting) {
		s.home.Set("ann", "town", memory.All)
		for _, held := range []bool{true, false} {
			s.road.hold("town", held)
			s.pass(15 * time.Minute)
			s.setting(fmt.Sprint("held ", held), "town", memory.All)
			s.mutes(store.Mute{Server: homeServer, User: "ann", Channel: "town", Before: memory.All, State: store.LeftAlone})
		}
		p, _, err := s.store.PersonOf(s.Context(), homeServer, "ann")
		s.must(err)
		s.must(s.store.Prefer(s.Context(), p.ID, homeAccount, false))
		s.people.changed()
		s.pass(time.Second)
		s.mutes()
		s.must(s.store.Prefer(s.Context(), p.ID, awayAccount, false))
		s.people.changed()
		s.pass(time.Second)
		s.setting("chosen anew", "town", memory.Mention)
	})
}

func TestWhatWasMutedByHandDuringAHoldStaysMuted(t *testing.T) {
	muted(t, true, func(s *society, _ *muting) {
		s.road.hold("town", true)
		s.pass(2 * time.Minute)
		s.home.Set("ann", "town", memory.Mention)
		s.road.hold("town", false)
		s.pass(time.Minute)
		s.turn(awayServer, "ann", store.Connected, store.Lost)
		s.pass(time.Minute)
		s.setting("lost", "town", memory.Mention)
		s.mutes(store.Mute{Server: homeServer, User: "ann", Channel: "town", Before: memory.Mention, State: store.LeftAlone})
	})
}

func TestAnySettingIsPutBackExactly(t *testing.T) {
	inSociety(t, config.People{}, true, func(s *society) {
		s.town("town", "ann")
		s.connect("ann", awayAccount)
		s.home.Set("ann", "town", "now and then")
		m := newMuting(s.people)
		defer s.during(m.run)()
		s.pass(time.Second)
		s.setting("muted", "town", memory.Mention)
		s.turn(homeServer, "ann", store.Connected, store.Leaving)
		s.pass(time.Second)
		s.setting("leaving", "town", "now and then")
	})
}

func TestAPersonWhoseSettingWasBeingPutBackIsMutedWhenTheyChangeTheirMind(t *testing.T) {
	muted(t, true, func(s *society, _ *muting) {
		lost := false
		s.faults(func(_ context.Context, c memory.Call) error {
			if c.Op == memory.SetNotifications && c.After && !lost {
				lost = true
				return memory.LostAnswer()
			}
			return nil
		})
		s.turn(awayServer, "ann", store.Connected, store.Lost)
		s.pass(time.Second)
		s.setting("lost", "town", memory.All)
		s.mutes(store.Mute{Server: homeServer, User: "ann", Channel: "town", Before: memory.All, State: store.Unmuting})
		s.turn(awayServer, "ann", store.Lost, store.Connected)
		s.pass(time.Second)
		s.setting("back", "town", memory.Mention)
	})
}

func TestAfterAStartConversationsAreWaitedForBeforeTheyCountAsRemoved(t *testing.T) {
	for _, removed := range []bool{false, true} {
		inSociety(t, config.People{}, true, func(s *society) {
			s.town("town", "ann")
			s.connect("ann", awayAccount)
			end := s.during(newMuting(s.people).run)
			s.pass(time.Second)
			end()
			s.road.set()
			writes := 0
			s.faults(func(_ context.Context, c memory.Call) error {
				if c.Op == memory.SetNotifications && !c.After {
					writes++
				}
				return nil
			})
			defer s.during(newMuting(s.people).run)()
			s.pass(muteStart / 2)
			if !removed {
				s.road.set(carried("town")...)
			}
			s.pass(muteStart)
			want, count := memory.Mention, 0
			if removed {
				want, count = memory.All, 1
			}
			s.setting(fmt.Sprint("removed ", removed), "town", want)
			if writes != count {
				s.Errorf("removed %v: %d writes, want %d", removed, writes, count)
			}
		})
	}
}

func TestWhoJoinsIsMutedAndWhoLeavesIsNotAtTheNextSweep(t *testing.T) {
	muted(t, true, func(s *society, _ *muting) {
		s.town("market", "bob")
		s.away.SetMembers("market", "ann")
		s.pass(time.Second)
		s.setting("not there at home", "market", memory.All)
		s.home.SetMembers("market", "ann", "bob")
		s.pass(muteSweep + 2*muteTick)
		s.setting("joined", "market", memory.Mention)
		s.away.SetMembers("market", "bob")
		s.pass(muteSweep + 2*muteTick)
		s.setting("left elsewhere", "market", memory.All)
		s.home.SetMembers("town")
		s.pass(2 * muteSweep)
		s.mutes() // there is nothing to put back for somebody who is not there
	})
}

func TestWhileMembersCannotBeAskedNothingChanges(t *testing.T) {
	muted(t, true, func(s *society, _ *muting) {
		s.town("market", "ann")
		s.faults(func(_ context.Context, c memory.Call) error {
			if c.Op == memory.Members {
				return memory.Fails(bridge.Transient)
			}
			return nil
		})
		s.pass(time.Hour)
		s.setting("known before", "town", memory.Mention)
		s.setting("not known", "market", memory.All)
		s.faults(nil)
		s.pass(muteSweep)
		s.setting("known", "market", memory.Mention)
	})
}

func TestMutesThatOnlyThePersonMayUndoWaitUntilTheyConnectAgain(t *testing.T) {
	muted(t, false, func(s *society, m *muting) {
		s.home.Revoke("ann")
		p, _, err := s.store.PersonOf(s.Context(), homeServer, "ann")
		s.must(err)
		for _, i := range p.Identities {
			s.turn(i.Server, i.User, store.Connected, store.Leaving)
		}
		if done, err := m.Undo(s.Context(), p.Identities[0]); !done || err != nil {
			s.Error(done, err)
		}
		for _, i := range p.Identities {
			s.must(s.store.Forget(s.Context(), i.Server, i.User, false))
		}
		s.people.changed()
		s.pass(time.Hour)
		s.setting("disconnected", "town", memory.Mention)
		s.home.Grant("ann")
		s.connect("ann", homeAccount)
		s.people.changed()
		s.pass(time.Second)
		s.setting("connected again", "town", memory.All)
		s.mutes()
	})
}

func TestAnotherAccountOnTheServerPutsBackWhatARemovedOneHasMuted(t *testing.T) {
	inSociety(t, config.People{}, true, func(s *society) {
		s.town("town", "ann")
		s.connect("ann", awayAccount)
		end := s.during(newMuting(s.people).run)
		s.pass(time.Second)
		end()
		s.setting("before", "town", memory.Mention)
		s.options.Accounts[0].Name = "mattermost.renamed"
		s.road.servers["mattermost.renamed"] = homeServer
		s.road.set()
		s.people = New(s.options)
		defer s.during(newMuting(s.people).run)()
		s.pass(time.Minute)
		s.setting("after", "town", memory.All)
	})
}

// TestWhoJoinsAndThenChoosesIsMutedAtOnce: who was in the channel was asked for the sake of ann, before bob came.
func TestWhoJoinsAndThenChoosesIsMutedAtOnce(t *testing.T) {
	muted(t, true, func(s *society, _ *muting) {
		s.pass(time.Minute)
		for _, one := range []*memory.Service{s.home, s.away} {
			one.SetMembers("town", "ann", "bob")
		}
		s.connect("bob", awayAccount)
		s.people.changed()
		s.pass(time.Second)
		if got := s.home.Setting("bob", "town"); got != memory.Mention {
			t.Errorf("bob: %s, want %s", got, memory.Mention)
		}
	})
}

// TestMembersThatCannotBeHadAtTheStartAreAskedForAgainSoon: accounts have not connected yet when muting begins.
func TestMembersThatCannotBeHadAtTheStartAreAskedForAgainSoon(t *testing.T) {
	inSociety(t, config.People{}, true, func(s *society) {
		s.town("town", "ann")
		s.connect("ann", awayAccount)
		began := time.Now()
		s.faults(func(_ context.Context, c memory.Call) error {
			if c.Op == memory.Members && time.Since(began) < 11*time.Second {
				return &bridge.Error{Kind: bridge.Transient, Err: errors.New("the account is not connected")}
			}
			return nil
		})
		defer s.during(newMuting(s.people).run)()
		s.pass(20 * time.Second)
		s.setting("soon after the start", "town", memory.Mention)
	})
}

// TestAStartDoesNotComplainOfWhatHasNotConnectedYet: the accounts connect after some time, and then what is to be muted is.
func TestAStartDoesNotComplainOfWhatHasNotConnectedYet(t *testing.T) {
	inSociety(t, config.People{}, true, func(s *society) {
		s.town("town", "ann", "bob")
		s.connect("ann", awayAccount)
		bob := s.connect("bob", awayAccount)
		end := s.during(newMuting(s.people).run)
		s.pass(time.Minute)
		end()
		s.setting("muted", "town", memory.Mention)
		s.must(s.store.Prefer(s.Context(), bob.ID, homeAccount, false))
		s.must(s.store.Prefer(s.Context(), s.connect("cid", awayAccount).ID, awayAccount, false))
		s.home.SetMembers("town", "ann", "bob", "cid")
		s.away.SetMembers("town", "ann", "bob", "cid")
		servers := s.road.connects(nil)
		s.road.hold("town", true)
		s.people = New(s.options)
		end = s.during(newMuting(s.people).run)
		defer end()
		s.pass(30 * time.Second)
		if log := s.log.String(); strings.Contains(log, "failed") {
			s.Errorf("the log says\n%s", log)
		}
		s.road.connects(servers)
		s.pass(3 * time.Second)
		if got := s.home.Setting("bob", "town"); got != memory.All {
			s.Errorf("bob is notified by %s", got)
		}
		s.road.hold("town", false)
		s.pass(3 * time.Second)
		if got := s.home.Setting("cid", "town"); got != memory.Mention {
			s.Errorf("cid is notified by %s", got)
		}
	})
}

// TestNobodyIsAskedAboutTalksOfOthers: who is in a direct conversation is known, and nobody else's settings are looked at.
func TestNobodyIsAskedAboutTalksOfOthers(t *testing.T) {
	inSociety(t, config.People{}, true, func(s *society) {
		var mutex sync.Mutex
		var asked []string
		s.faults(func(_ context.Context, c memory.Call) error {
			if !c.After && (c.Op == memory.Notifications || c.Op == memory.Members || c.Op == memory.SetNotifications) {
				mutex.Lock()
				defer mutex.Unlock()
				asked = append(asked, fmt.Sprint(c.Op, " ", c.As, " ", c.Conversation.Channel))
			}
			return nil
		})
		for _, u := range []bridge.UserID{"ann", "ben", "cid"} {
			s.connect(u, awayAccount)
		}
		routes := carried("pair")
		for i := range routes {
			routes[i].Shape, routes[i].Members, routes[i].Everybody = bridge.Pair, []bridge.UserID{"ann", "ben"}, true
		}
		s.home.AddChannel("pair", "pair")
		s.home.SetMembers("pair", "ann", "ben")
		s.road.set(routes...)
		defer s.during(newMuting(s.people).run)()
		s.pass(time.Minute)
		for u, want := range map[bridge.UserID]string{"ann": memory.Mention, "ben": memory.Mention, "cid": memory.All} {
			if got := s.home.Setting(u, "pair"); got != want {
				s.Errorf("%s: %s, want %s", u, got, want)
			}
		}
		if len(asked) != 4 { // one look and one change for each of the two
			s.Errorf("asked %q", asked)
		}
	})
}
