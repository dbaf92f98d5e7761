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

// What becomes of somebody's notifications, in all circumstances. The expectation is computed by theirs, below, which knows nothing
// of how muting is done.

// muteCase is one person with one conversation of their own.
type muteCase struct {
	before, now bridge.AccountName
	place       string
	hand        string
	event       string
	// own: Causeway may change how people are notified by its own right; else only as them.
	own bool
}

var (
	mutePlaces = []string{"bridged channel", "unbridged channel", "bridged channel that they are not in elsewhere", "bridged direct", "unbridged direct", "group of connected people", "group with a stranger"}
	muteHands  = []string{"never", "muted before", "muted after", "unmuted after"}
	muteEvents = []string{"change", "disconnect", "token lost", "token lost at home", "token lost, and connected again", "token lost at home, and connected again",
		"gateway removed", "new conversation", "restart in between"}
	muteFaults = []string{"none", "failures", "lost answers"}
)

// theirs is what the person must find at the end.
func (c muteCase) theirs() string {
	reaches := c.place == "bridged channel" || c.place == "bridged direct" || c.place == "group of connected people"
	// Without a right of its own, nobody can put back what is muted for somebody whose token at home is gone.
	ended := c.event == "disconnect" || c.event == "token lost" || c.event == "gateway removed" || c.event == "token lost at home" && c.own
	mutedAtFirst := reaches && c.before == awayAccount && c.event != "new conversation"
	mutedAtLast := reaches && c.now == awayAccount && !ended
	switch c.hand {
	case "muted before":
		return memory.Mention // as it was, and as it would be
	case "muted after":
		// It was muted already: nothing can be told apart, and the setting found at first counts. Else it is the person's own.
		if !mutedAtFirst {
			return memory.Mention
		}
	case "unmuted after":
		if mutedAtFirst {
			return memory.All // against Causeway's wish
		}
	}
	if mutedAtLast {
		return memory.Mention
	}
	return memory.All
}

func TestNotificationsAreMutedAndPutBackExactly(t *testing.T) {
	turn := 0
	for _, before := range []bridge.AccountName{homeAccount, awayAccount} {
		for _, now := range []bridge.AccountName{homeAccount, awayAccount} {
			for _, event := range muteEvents {
				for _, own := range []bool{true, false} {
					turn++ // every second one with crashes at each write, the others in turns
					for _, fault := range []string{"crashes", muteFaults[turn%len(muteFaults)]} {
						t.Run(fmt.Sprintf("from %s to %s/%s/%s/own right %v", before, now, event, fault, own), func(t *testing.T) {
							var cases []muteCase
							for _, place := range mutePlaces {
								for _, hand := range muteHands {
									cases = append(cases, muteCase{before, now, place, hand, event, own})
								}
							}
							inSociety(t, config.People{}, own, func(s *society) { s.playMutes(cases, fault) })
						})
					}
				}
			}
		}
	}
}

// playMutes lets all happen at once, each to a person of their own.
func (s *society) playMutes(cases []muteCase, fault string) {
	name := func(n int) (bridge.UserID, bridge.ChannelID) {
		return bridge.UserID(fmt.Sprint("user", n)), bridge.ChannelID(fmt.Sprint("channel", n))
	}
	mirrors := func(late bool) {
		var routes []Route
		for n, c := range cases {
			u, channel := name(n)
			if c.event == "gateway removed" && late || c.event == "new conversation" && !late {
				continue
			}
			routes = append(routes, c.routes(channel, u)...)
		}
		s.road.set(routes...)
	}
	var people []store.Person
	for n, c := range cases {
		u, channel := name(n)
		s.home.AddChannel(channel, "team/"+string(channel))
		s.away.AddChannel(channel, "team/"+string(channel))
		s.home.SetMembers(channel, u, "somebody")
		s.away.SetMembers(channel, u)
		if c.place == "bridged channel that they are not in elsewhere" {
			s.away.SetMembers(channel, "somebody")
		}
		if c.hand == "muted before" {
			s.home.Set(u, channel, memory.Mention)
		}
		people = append(people, s.connect(u, c.before))
	}
	mirrors(false)
	run := muteRun{society: s, fault: fault}
	run.start()
	s.pass(3 * time.Minute)
	for n, c := range cases {
		u, channel := name(n)
		switch c.hand {
		case "muted after":
			s.home.Set(u, channel, memory.Mention)
		case "unmuted after":
			s.home.Set(u, channel, memory.All)
		}
	}
	if cases[0].event == "restart in between" {
		run.stop()
	}
	for n, c := range cases {
		s.must(s.store.Prefer(s.Context(), people[n].ID, c.now, false))
	}
	s.people.changed()
	if cases[0].event == "restart in between" {
		s.pass(time.Hour)
		run.start()
	}
	s.pass(3 * time.Minute)
	mirrors(true)
	for n := range cases {
		s.muteEvent(cases[n], people[n], run.now())
	}
	s.pass(15 * time.Minute)
	for n := range cases {
		s.connectsAgain(cases[n], people[n])
	}
	s.pass(15 * time.Minute)
	run.stop()
	for n, c := range cases {
		u, channel := name(n)
		if got, want := s.home.Setting(u, channel), c.theirs(); got != want {
			s.Errorf("%+v: %s, want %s", c, got, want)
		}
	}
	mutes, err := s.store.Mutes(s.Context())
	s.must(err)
	for _, m := range mutes {
		if m.State != store.Muted && m.State != store.LeftAlone {
			s.Errorf("not settled: %+v", m)
		}
	}
}

// muteEvent is what happens at last.
func (s *society) muteEvent(c muteCase, p store.Person, m *muting) {
	switch c.event {
	case "disconnect":
		for _, i := range p.Identities {
			s.turn(i.Server, i.User, store.Connected, store.Leaving)
		}
		for done, tries := false, 0; !done; tries++ {
			var err error
			if done, err = m.Undo(s.Context(), p.Identities[0]); tries > 9 {
				s.Fatal(err)
			}
		}
		for _, i := range p.Identities {
			s.must(s.store.Forget(s.Context(), i.Server, i.User, false))
		}
		s.people.changed()
	case "token lost", "token lost, and connected again":
		s.turn(awayServer, p.Identities[1].User, store.Connected, store.Lost)
	case "token lost at home", "token lost at home, and connected again":
		s.turn(homeServer, p.Identities[0].User, store.Connected, store.Lost) // before a duty finds it out by itself
		s.home.Revoke(p.Identities[0].User)
	}
}

// connectsAgain is what may happen after that.
func (s *society) connectsAgain(c muteCase, p store.Person) {
	switch c.event {
	case "token lost, and connected again":
		s.connect(p.Identities[0].User, c.now)
		s.people.changed()
	case "token lost at home, and connected again":
		s.home.Grant(p.Identities[0].User)
		s.connect(p.Identities[0].User, c.now) // a refusal that is still on its way must not undo it
		s.people.changed()
	}
}

// routes are those of the conversation, both ways.
func (c muteCase) routes(channel bridge.ChannelID, u bridge.UserID) []Route {
	all := carried(channel)
	for i := range all {
		if c.place != "bridged channel" && c.place != "bridged channel that they are not in elsewhere" {
			all[i].Members = []bridge.UserID{"somebody", u}
		}
		switch c.place {
		case "bridged channel", "bridged channel that they are not in elsewhere":
		case "bridged direct":
			all[i].Shape, all[i].Everybody = bridge.Pair, true
		case "group of connected people":
			all[i].Shape, all[i].Everybody = bridge.Group, true
		case "group with a stranger":
			all[i].Shape = bridge.Group
		default:
			return nil
		}
	}
	return all
}

// muteRun runs muting, and again after each crash.
type muteRun struct {
	*society
	fault string

	mutex   sync.Mutex
	muting  *muting
	crash   context.CancelFunc
	met     map[string]bool
	stopped func()
}

func (r *muteRun) now() *muting {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.muting
}

func (r *muteRun) start() {
	if r.met == nil {
		r.met = map[string]bool{}
	}
	r.faults(r.meet)
	r.stopped = r.during(func(ctx context.Context) {
		for ctx.Err() == nil {
			life, crash := context.WithCancel(ctx)
			m := newMuting(r.people)
			r.mutex.Lock()
			r.muting, r.crash = m, crash
			r.mutex.Unlock()
			m.run(life)
			crash()
		}
	})
}

func (r *muteRun) stop() { r.stopped() }

// meet lets each write go wrong once before and once after it takes effect.
func (r *muteRun) meet(_ context.Context, c memory.Call) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	key := fmt.Sprint(c.Op, c.Conversation, c.After)
	if c.Op != memory.SetNotifications || r.met[key] || r.fault == "none" {
		return nil
	}
	r.met[key] = true
	switch {
	case r.fault == "crashes":
		r.crash()
		return errors.New("crashed")
	case r.fault == "failures" && !c.After:
		return memory.Fails(bridge.Transient)
	case r.fault == "lost answers" && c.After:
		return memory.LostAnswer()
	}
	return nil
}
