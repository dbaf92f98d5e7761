package people

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/bridge/richtext"
	"causeway/gateway/config"
	"causeway/gateway/store"
)

const month = 30 * 24 * time.Hour

// asking is how the tests below are configured.
func asking(change ...func(*config.People)) config.People {
	c := config.People{Enable: true, Prompt: config.PromptOn, RemindAfter: month, MaxPendingInvites: 50, SyncInterval: time.Hour}
	for _, f := range change {
		f(&c)
	}
	return c
}

// comes lets people come online at home.
func (s *society) comes(users ...bridge.UserID) {
	home, _ := s.people.account(homeAccount)
	s.people.arrived(home, users)
	s.pass(2 * time.Minute)
}

// asked gives who was asked, in order of name, once for each time.
func (s *society) asked() []bridge.UserID {
	var all []bridge.UserID
	for _, n := range s.home.Notices() {
		all = append(all, n.User)
	}
	slices.Sort(all)
	return all
}

// town of people who are known at home.
func (s *society) known(users ...bridge.UserID) {
	for _, u := range users {
		s.home.AddUser(profile(u))
	}
	s.town("town", users...)
}

func (s *society) wantAsked(when string, want ...bridge.UserID) {
	s.Helper()
	if diff := cmp.Diff(want, s.asked()); diff != "" {
		s.Error(when, diff)
	}
}

func TestWhoComesIsAskedOnceAndAgainAfterSomeTimeUnlessNever(t *testing.T) {
	for answer, want := range map[string][3]int{ // asked after a day, after a month, after two
		"":                  {1, 2, 3},
		notNow:              {1, 2, 3},
		string(awayAccount): {1, 2, 3}, // and then did not go through with it
		never:               {1, 1, 1},
	} {
		inSociety(t, asking(), true, func(s *society) {
			s.known("ann")
			defer s.during(newInvitingOnly(s.people).run)()
			s.comes("ann")
			notices := s.home.Notices()
			if len(notices) != 1 || len(notices[0].Choices) != 3 || notices[0].Conversation != (bridge.ConversationID{}) {
				s.Fatalf("%+v", notices)
			}
			var labels []string
			for _, c := range notices[0].Choices {
				labels = append(labels, c.Label)
			}
			if diff := cmp.Diff([]string{"Connect", "Not now", "Never ask"}, labels); diff != "" {
				s.Error(diff)
			}
			if at := slices.Index([]string{string(awayAccount), notNow, never}, answer); at >= 0 {
				home, _ := s.people.account(homeAccount)
				r := s.people.press(s.Context(), home, bridge.Press{User: "ann", Token: notices[0].Choices[at].Token})
				if replaced := len(r.Replace) > 0; replaced != (at > 0) {
					s.Errorf("%s: %+v", answer, r)
				}
			}
			for n, wait := range []time.Duration{24 * time.Hour, month, month} {
				s.pass(wait)
				s.comes("ann")
				s.comes("ann")
				if got := len(s.asked()); got != want[n] {
					s.Errorf("%q: asked %d times, want %d", answer, got, want[n])
				}
			}
		})
	}
}

func TestOnlyWhoMayConnectIsAsked(t *testing.T) {
	inSociety(t, asking(func(c *config.People) {
		c.Allow, c.Deny = []string{"@example.com"}, []string{"denied@example.com"}
	}), true, func(s *society) {
		users := []bridge.UserID{"ann", "bot", "guest", "disabled", "denied", "foreign", "connected", "lost", "leaving", "kept"}
		s.known(users...)
		s.home.AddUser(profile("outside"))
		s.home.Alter("bot", func(p *bridge.Profile) { p.Standing.Bot = true })
		s.home.Alter("guest", func(p *bridge.Profile) { p.Standing.Guest = true })
		s.home.Alter("disabled", func(p *bridge.Profile) { p.Standing.Presence = bridge.Disabled })
		s.home.Alter("foreign", func(p *bridge.Profile) { p.Email = "foreign@example.org" })
		for _, u := range users[6:] {
			s.connect(u, homeAccount)
		}
		s.turn(awayServer, "lost", store.Connected, store.Lost)
		s.turn(homeServer, "leaving", store.Connected, store.Leaving)
		for _, server := range []bridge.ServerID{homeServer, awayServer} {
			s.must(s.store.Forget(s.Context(), server, "kept", true))
		}
		end := s.during(newInvitingOnly(s.people).run)
		s.comes(append(users, "outside")...)
		s.wantAsked("at first", "ann")
		s.pass(month)
		s.comes("kept")
		s.wantAsked("a month after they disconnected", "ann", "kept")
		end()
	})
}

// newInvitingOnly is inviting without the other duties.
func newInvitingOnly(p *People) *inviting {
	v := newInviting(p)
	p.arrived, p.answers[forInvitation] = v.Arrived, v.press
	return v
}

func TestNobodyIsAskedWhereNobodyCanConnect(t *testing.T) {
	for name, change := range map[string]func(*society){
		"off":               func(s *society) { s.options.Settings.Prompt = config.PromptOff },
		"not enabled":       func(s *society) { s.options.Settings.Enable = false },
		"no address":        func(s *society) { s.options.PublicURL = "" },
		"no shared gateway": func(s *society) { s.options.Accounts[0].With = nil },
	} {
		inSociety(t, asking(), true, func(s *society) {
			s.known("ann")
			change(s)
			s.people = New(s.options)
			defer s.during(newInvitingOnly(s.people).run)()
			s.comes("ann")
			if got := s.asked(); len(got) != 0 {
				s.Error(name, got)
			}
			if _, ok := s.door().Awaited(); ok {
				s.Errorf("%s: it is looked who comes", name)
			}
		})
	}
}

func TestOnlyPeopleOfTheConfigAreAwaited(t *testing.T) {
	inSociety(t, asking(), true, func(s *society) {
		s.options.Settings.PromptTeams, s.options.Settings.PromptGroups = []string{"main"}, []string{"sales"}
		s.people = New(s.options)
		of, ok := s.door().Awaited()
		if diff := cmp.Diff(bridge.Circle{Teams: []string{"main"}, Groups: []string{"sales"}}, of); diff != "" || !ok {
			s.Error(diff, ok)
		}
		if _, ok := new(Doors).Door(homeAccount).Awaited(); ok {
			s.Error("it is looked who comes before anybody is there to ask them")
		}
	})
}

// TestWhoIsOfATeamOrGroupOfTheConfigIsAskedWhereverTheyAre: they need be in no channel that is carried.
func TestWhoIsOfATeamOrGroupOfTheConfigIsAskedWhereverTheyAre(t *testing.T) {
	for name, change := range map[string]func(*config.People){
		"team":  func(c *config.People) { c.PromptTeams = []string{"main"} },
		"group": func(c *config.People) { c.PromptGroups = []string{"sales"} },
	} {
		inSociety(t, asking(change), true, func(s *society) {
			s.known("ann")
			s.home.AddUser(profile("outside"))
			defer s.during(newInvitingOnly(s.people).run)()
			s.comes("outside")
			s.wantAsked(name, "outside")
		})
	}
}

// door is that of the account at home.
func (s *society) door() bridge.Front {
	var doors Doors
	doors.Open(s.people)
	return doors.Door(homeAccount)
}

func TestNoMoreAreOpenThanTheLimit(t *testing.T) {
	inSociety(t, asking(func(c *config.People) { c.MaxPendingInvites = 2 }), true, func(s *society) {
		s.known("ann", "bob", "cid", "dan")
		defer s.during(newInvitingOnly(s.people).run)()
		s.comes("ann", "bob")
		s.comes("cid")
		s.wantAsked("full", "ann", "bob")
		home, _ := s.people.account(homeAccount)
		s.people.press(s.Context(), home, bridge.Press{User: "ann", Token: s.home.Notices()[slices.IndexFunc(s.home.Notices(), func(n bridge.Notice) bool { return n.User == "ann" })].Choices[1].Token})
		s.comes("cid", "dan")
		if got := s.asked(); len(got) != 3 {
			s.Error(got)
		}
	})
}

func TestTheAllowListIsReadAgainWhenItHasChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# the first ones\nAnn@Example.com # from the start\n\n")
	inSociety(t, asking(func(c *config.People) { c.Prompt, c.AllowListFile = config.PromptAllowList, path }), true, func(s *society) {
		s.known("ann", "bob", "cid")
		defer s.during(newInvitingOnly(s.people).run)()
		s.comes("ann", "bob", "cid")
		s.wantAsked("one", "ann")
		write("\uFEFFbob@example.com\r\n# cid@example.com\r\n") // as some programs write it
		s.comes("ann", "bob", "cid")
		s.wantAsked("another", "ann", "bob")
		if err := os.Remove(path); err != nil {
			s.Fatal(err)
		}
		s.comes("cid")
		s.wantAsked("no list", "ann", "bob")
		write("cid@example.com")
		s.pass(time.Minute)
		s.wantAsked("back within minutes", "ann", "bob", "cid")
	})
}

func TestNobodyIsAskedTwiceWhateverFails(t *testing.T) {
	for _, after := range []bool{false, true} {
		for name, fault := range map[string]error{
			"crash": nil, "lost answer": memory.LostAnswer(), "failure": memory.Fails(bridge.Transient), "throttled": memory.Throttles(bridge.ScopeAccount, time.Second),
		} {
			if after && (name == "failure" || name == "throttled") {
				continue // these say that nothing took effect
			}
			inSociety(t, asking(), true, func(s *society) {
				s.known("ann")
				met := false
				crash := func() {}
				s.faults(func(_ context.Context, c memory.Call) error {
					if c.Op != memory.Notify || c.After != after || met {
						return nil
					}
					met = true
					if name == "crash" {
						crash()
						return errors.New("crashed")
					}
					return fault
				})
				end := s.during(func(ctx context.Context) {
					for ctx.Err() == nil {
						life, cancel := context.WithCancel(ctx)
						crash = cancel
						s.people = New(s.options)
						newInvitingOnly(s.people).run(life)
						cancel()
					}
				})
				s.pass(time.Second)
				s.comes("ann")
				s.comes("ann")
				s.pass(time.Hour)
				s.comes("ann")
				end()
				// Where it is not known, nobody is asked rather than twice.
				want := 1
				if !after && (name == "crash" || name == "lost answer") {
					want = 0
				}
				if got := len(s.asked()); got != want {
					s.Errorf("%s, after %v: asked %d times, want %d", name, after, got, want)
				}
			})
		}
	}
}

func TestAMorningOfTwoThousand(t *testing.T) {
	inSociety(t, asking(func(c *config.People) { c.MaxPendingInvites = 50 }), true, func(s *society) {
		var all []bridge.UserID
		for n := range 2000 {
			all = append(all, bridge.UserID(fmt.Sprint("user", n)))
		}
		s.known(all...)
		calls := map[memory.Op]int{}
		s.faults(func(_ context.Context, c memory.Call) error {
			if !c.After {
				s.mutex.Lock()
				calls[c.Op]++
				s.mutex.Unlock()
			}
			return nil
		})
		defer s.during(newInvitingOnly(s.people).run)()
		for range 3 {
			s.comes(all...)
		}
		if got := len(s.asked()); got != 50 {
			s.Errorf("%d asked", got)
		}
		if calls[memory.Profile] > 2000 || calls[memory.Members] > 10 {
			s.Error(calls)
		}
	})
}

func TestTheQuestionNamesTheServices(t *testing.T) {
	inSociety(t, asking(), true, func(s *society) {
		home, _ := s.people.account(homeAccount)
		want := richtext.Doc{paragraph(bold("Do you use Microsoft Teams, too?"))}
		if diff := cmp.Diff(want, newInviting(s.people).question(home)[:1]); diff != "" {
			s.Error(diff)
		}
	})
}

// TestWhoHasJoinedJustBeforeIsAsked: who is in the channel was asked before they joined it.
func TestWhoHasJoinedJustBeforeIsAsked(t *testing.T) {
	inSociety(t, asking(), true, func(s *society) {
		s.known("ann", "bob")
		s.home.SetMembers("town", "ann")
		defer s.during(newInvitingOnly(s.people).run)()
		s.comes("ann")
		s.pass(inviteTrust + time.Second)
		s.home.SetMembers("town", "ann", "bob")
		s.comes("bob")
		s.wantAsked("bob has joined", "ann", "bob")
	})
}
