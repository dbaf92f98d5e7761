package people

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/config"
	"causeway/gateway/store"
)

// What becomes of people who leave, in all circumstances. The expectation is computed by fate, below, which knows nothing of how it is done.

type departCase struct {
	// away is how they are elsewhere, or what happens to the directory while they are disabled there, or that they are deactivated at home.
	away string
	// who they are at home.
	who    string
	policy string
}

var (
	departAways    = []string{"present", "disabled", "deleted", "deleted for good", "unlicensed", "read failed halfway", "read throttled", "second look failed", "deactivated at home"}
	departWhos     = []string{"person", "admin", "bot", "LDAP", "guest"}
	departPolicies = []string{config.RemovedDeactivate, config.RemovedDisconnect, config.RemovedNothing}
)

// fate is what must be at the end.
func (c departCase) fate() (connected, active bool) {
	switch c.away {
	case "present", "read failed halfway", "read throttled", "second look failed":
		return true, true
	case "deactivated at home":
		return false, false
	}
	switch c.policy {
	case config.RemovedNothing:
		return true, true
	case config.RemovedDisconnect:
		return false, true
	}
	protected := c.who == "admin" || c.who == "bot" || c.who == "LDAP"
	return false, protected
}

func TestWhoHasLeftIsRemovedAndNobodyElse(t *testing.T) {
	for _, away := range departAways {
		for _, policy := range departPolicies {
			for _, crashes := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/crashes %v", away, policy, crashes), func(t *testing.T) {
					settings := config.People{Enable: true, SyncInterval: time.Hour, OnTeamsUserRemoved: policy, MaxRemovals: "5"}
					inSociety(t, settings, true, func(s *society) { s.playDepartures(away, policy, crashes) })
				})
			}
		}
	}
}

func (s *society) playDepartures(away, policy string, crashes bool) {
	standings := map[string]bridge.Standing{"admin": {Admin: true}, "bot": {Bot: true}, "LDAP": {Managed: true}, "guest": {Guest: true}}
	for _, who := range departWhos {
		p := profile(bridge.UserID(who))
		p.Standing = standings[who]
		s.home.AddUser(p)
		s.connect(bridge.UserID(who), awayAccount)
	}
	s.connect("bystander", awayAccount)
	run := lifeRun{society: s, met: map[string]bool{}}
	run.start()
	s.pass(time.Minute)
	presence := map[string]bridge.Presence{"present": bridge.Present, "deleted": bridge.Deleted, "deleted for good": bridge.Erased, "unlicensed": bridge.Unlicensed}
	for _, who := range departWhos {
		if away == "deactivated at home" {
			s.home.Alter(bridge.UserID(who), func(p *bridge.Profile) { p.Standing.Presence = bridge.Disabled })
			continue
		}
		s.away.Alter(bridge.UserID(who), func(p *bridge.Profile) {
			if known, ok := presence[away]; ok {
				p.Standing.Presence = known
			} else {
				p.Standing.Presence = bridge.Disabled
			}
		})
	}
	pages := 0
	run.set(func(c memory.Call) error {
		switch {
		case c.After:
		case c.Op == memory.Directory && away == "read failed halfway":
			if pages++; pages%2 == 0 {
				return memory.Fails(bridge.Transient)
			}
		case c.Op == memory.Directory && away == "read throttled":
			return memory.Throttles(bridge.ScopeAccount, time.Minute)
		case c.Op == memory.Profile && c.Account == awayAccount && away == "second look failed":
			return memory.Fails(bridge.Transient)
		}
		return nil
	}, crashes)
	s.pass(3 * time.Hour)
	run.stop()
	for _, who := range departWhos {
		c := departCase{away, who, policy}
		connected, active := c.fate()
		p, known, err := s.store.PersonOf(s.Context(), awayServer, bridge.UserID(who))
		s.must(err)
		if known != connected || known && p.Identities[0].State != store.Connected {
			s.Errorf("%+v: connected %v %+v, want %v", c, known, p, connected)
		}
		if got := s.home.User(bridge.UserID(who)).Standing.Presence == bridge.Present; got != active {
			s.Errorf("%+v: active %v, want %v", c, got, active)
		}
	}
	if p, known, err := s.store.PersonOf(s.Context(), awayServer, "bystander"); !known || p.Identities[0].State != store.Connected || err != nil {
		s.Error("bystander", p, err)
	}
}

// lifeRun runs the duties that have to do with leaving and being verified, and again after each crash. Those that look every few seconds are left out, since
// these tests last for days.
type lifeRun struct {
	*society
	mutex   sync.Mutex
	decide  func(memory.Call) error
	crashes bool
	crash   context.CancelFunc
	met     map[string]bool
	stopped func()
}

func (r *lifeRun) set(decide func(memory.Call) error, crashes bool) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.decide, r.crashes = decide, crashes
}

func (r *lifeRun) start() {
	r.faults(r.meet)
	r.stopped = r.during(func(ctx context.Context) {
		for ctx.Err() == nil {
			life, crash := context.WithCancel(ctx)
			r.mutex.Lock()
			r.crash = crash
			r.mutex.Unlock()
			r.people = New(r.options)
			r.people.work = []duty{newLeaving(r.people).run, r.people.letters.run, r.people.departures.run, newVerifying(r.people).run}
			r.people.Run(life)
			crash()
		}
	})
}

func (r *lifeRun) stop() { r.stopped() }

// meet ends the run once before and once after each kind of call for each user and account.
func (r *lifeRun) meet(_ context.Context, c memory.Call) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.decide == nil {
		return nil
	}
	if err := r.decide(c); err != nil {
		return err
	}
	key := fmt.Sprint(c.Op, c.Account, c.As, c.After)
	if !r.crashes || r.met[key] {
		return nil
	}
	r.met[key] = true
	r.crash()
	return errors.New("crashed")
}

func TestNoMoreAreRemovedAtOnceThanTheOperatorAllows(t *testing.T) {
	for _, test := range []struct {
		limit     string
		connected int
		leave     int
		want      bool
	}{
		{"", 20, 5, true}, {"", 20, 6, false}, // 5, which is more than 5 % of 20
		{"", 140, 7, true}, {"", 140, 8, false}, // 5 % of 140
		{"0", 20, 1, false},
		{"2", 20, 2, true}, {"2", 20, 3, false},
		{"10%", 20, 2, true}, {"10%", 20, 3, false},
	} {
		t.Run(fmt.Sprintf("%q of %d, %d leave", test.limit, test.connected, test.leave), func(t *testing.T) {
			settings := config.People{Enable: true, SyncInterval: time.Hour, OnTeamsUserRemoved: config.RemovedDeactivate, MaxRemovals: test.limit}
			inSociety(t, settings, true, func(s *society) {
				var all []bridge.UserID
				for n := range test.connected {
					all = append(all, bridge.UserID(fmt.Sprint("user", n)))
					s.connect(all[n], homeAccount)
				}
				run := lifeRun{society: s}
				run.start()
				s.pass(time.Minute)
				for _, u := range all[:test.leave] {
					s.away.Alter(u, func(p *bridge.Profile) { p.Standing.Presence = bridge.Deleted })
				}
				s.pass(5 * time.Hour)
				if got := s.inactive(); got != 0 && !test.want || got != test.leave && test.want {
					s.Errorf("%d are removed, want %v", got, test.want)
				}
				if test.want {
					run.stop()
					return
				}
				// They stay, through a restart, until the operator agrees; whoever is back does not go.
				s.away.Alter(all[0], func(p *bridge.Profile) { p.Standing.Presence = bridge.Present })
				run.stop()
				run.start()
				s.pass(time.Second)
				s.agrees(run.people, test.leave-1)
				s.pass(time.Hour)
				run.stop()
				if got := s.inactive(); got != test.leave-1 {
					s.Errorf("%d are removed with consent, want %d", got, test.leave-1)
				}
			})
		})
	}
}

// inactive counts who is deactivated at home.
func (s *society) inactive() int {
	n := 0
	for i := range 200 {
		if s.home.User(bridge.UserID(fmt.Sprint("user", i))).Standing.Presence == bridge.Disabled {
			n++
		}
	}
	return n
}
