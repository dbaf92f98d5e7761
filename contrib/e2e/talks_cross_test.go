package e2e

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/e2e/harness"
	"causeway/contrib/sim/teams"
)

// talk is a direct or group conversation of the test, with its two sides.
type talk struct {
	number  int
	people  []*member
	channel *model.Channel
	chat    *teams.Channel
}

// TestTalksCross is the promise for direct and group conversations: 20 connected people in 60 of them say 3,000 things on both sides in random
// order, while Causeway is killed, its websockets cut, and Graph throttles, fails and loses answers. Half of the people prefer Teams and agree to be watched by a
// websocket of their own: what they are in is heard, the rest is asked for.
func TestTalksCross(t *testing.T) {
	t.Parallel()
	const people, talks, messages, kills, cuts = 20, 60, 3000, 10, 5
	f := newFolk(t, harness.StartMattermost(t, harness.Options{Postgres: harness.Shared(t).Postgres}), "simple")
	var all []*member
	for n := range people {
		all = append(all, f.connected(t, fmt.Sprintf("Person %c", 'A'+n)))
	}
	for _, m := range all[:people/2] {
		wants(t, f.types(t, m, "/msteams platform teams"), "You are notified in **Microsoft Teams**")
	}
	world := f.opens(t, all, talks)
	f.watches(t, people/2)
	f.sim.SetChaos(teams.Chaos{Seed: 1, Throttled: 0.03, Failed: 0.03, FailedAfter: 0.02, LoseRequest: 0.01, LoseAnswer: 0.03, RetryAfter: time.Second})

	f.pause = 3 * time.Second
	var speakers sync.WaitGroup
	for _, one := range world {
		speakers.Go(func() { f.chatter(t, one, messages/talks-1) })
	}
	random := rand.New(rand.NewPCG(3, 3))
	for n := range kills {
		f.awaitSaid(t, (n+1)*messages*8/10/kills)
		f.causeway.Kill(t)
		time.Sleep(time.Duration(random.IntN(1000)) * time.Millisecond)
		f.run(t)
		if n%(kills/cuts) == 1 {
			f.cutWebsocket(t)
		}
	}
	f.speakOn()
	speakers.Wait()
	f.watches(t, people/2)
	if said := int(f.said.Load()); said != messages-talks {
		t.Fatalf("%d things were said, not %d", said, messages-talks)
	}
	f.sim.SetChaos(teams.Chaos{})
	f.judges(t, world, messages)
	f.suffered(t)
}

// watches waits until Causeway has, beside the bot's, so many websockets in the names of people as it takes to hear all conversations of those who agreed, of whom there
// are so many: some of these are in conversations of others, too, so it need not be all.
func (f *folk) watches(t *testing.T, agreed int) {
	t.Helper()
	var open int
	f.eventually(t, "websockets of people", func() string {
		open = f.proxy.WebSockets() - 1
		return complain(open > agreed/2 && open <= agreed, open)
	})
	t.Logf("%d people are watched by their own websocket", open)
}

// opens has somebody say the first thing in so many conversations, half of them on either side, and waits until all are on both.
func (f *folk) opens(t *testing.T, all []*member, talks int) []*talk {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 1))
	var world []*talk
	known := map[string]bool{}
	for len(world) < talks {
		size := 2
		if len(world)%2 == 1 {
			size = 3 + random.IntN(6)
		}
		one := &talk{number: len(world)}
		for _, i := range random.Perm(len(all))[:size] {
			one.people = append(one.people, all[i])
		}
		if key := one.names(); known[key] {
			continue
		} else {
			known[key] = true
		}
		world = append(world, one)
		first := one.text(0)
		if len(world)%4 < 2 {
			one.channel = f.channelOf(t, one)
			one.people[0].here.Post(t, one.channel, first)
			continue
		}
		one.chat = f.tenant.AddChat(one.there()...)
		_, err := f.sim.Say(one.people[0].there, one.chat, "<p>"+first+"</p>")
		must(t, err)
	}
	f.eventually(t, "conversations on both sides", func() string {
		for _, one := range world {
			if one.chat == nil {
				one.chat = f.chatOf(one)
			}
			if one.channel == nil {
				one.channel = f.channelOf(t, one) // there is only one of the same people
			}
			if one.chat == nil || len(f.inChat(one)) == 0 || len(f.inTalk(t, one)) == 0 {
				return fmt.Sprintf("conversation %d of %s", one.number, one.names())
			}
		}
		return ""
	})
	return world
}

func (c *talk) text(n int) string { return fmt.Sprintf("#c%d.", c.number*1000+n) }

// names tells conversations apart.
func (c *talk) names() string {
	var names []string
	for _, m := range c.people {
		names = append(names, m.there.Name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func (c *talk) there() (all []*teams.User) {
	for _, m := range c.people {
		all = append(all, m.there)
	}
	return all
}

// channelOf gives the channel of these people in Mattermost, which is made where it lacks.
func (f *folk) channelOf(t *testing.T, c *talk) *model.Channel {
	t.Helper()
	var ids []string
	for _, m := range c.people {
		ids = append(ids, m.here.Id)
	}
	by := c.people[0].here.Client
	var channel *model.Channel
	var err error
	if len(ids) == 2 {
		channel, _, err = by.CreateDirectChannel(t.Context(), ids[0], ids[1])
	} else {
		channel, _, err = by.CreateGroupChannel(t.Context(), ids)
	}
	must(t, err)
	return channel
}

// chatOf finds the chat of these people in Teams; nil when there is none.
func (f *folk) chatOf(c *talk) *teams.Channel {
	for _, chat := range f.tenant.Chats() {
		if sameUsers(chat.Members(), c.there()) {
			return chat
		}
	}
	return nil
}

func sameUsers(a, b []*teams.User) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(u *teams.User) bool { return !slices.Contains(b, u) })
}

// chatter says n more things in a conversation, one after the other, each by any of its people on either side.
func (f *folk) chatter(t *testing.T, c *talk, n int) {
	random := rand.New(rand.NewPCG(2, uint64(c.number)))
	for i := range n {
		f.breathe(t, random)
		m, text := c.people[random.IntN(len(c.people))], c.text(i+1)
		if random.IntN(2) == 0 {
			m.here.Post(t, c.channel, text)
		} else if _, err := f.sim.Say(m.there, c.chat, "<p>"+text+"</p>"); err != nil {
			t.Errorf("speaking in Teams: %v", err)
		}
		f.said.Add(1)
	}
}

// line is what stands in a conversation on one side.
type line struct{ token, by string }

func (f *folk) inTalk(t *testing.T, c *talk) (all []line) {
	t.Helper()
	for _, p := range f.mm.Admin.Read(t, c.channel) {
		if s := token.FindString(p.Message); s != "" {
			all = append(all, line{s, c.nameOf(func(m *member) bool { return m.here.Id == p.UserId })})
		}
	}
	return all
}

func (f *folk) inChat(c *talk) (all []line) {
	for _, m := range f.sim.Messages(c.chat) {
		if s := token.FindString(m.Text); s != "" && !m.Deleted {
			all = append(all, line{s, c.nameOf(func(one *member) bool { return one.there == m.Author })})
		}
	}
	return all
}

func (c *talk) nameOf(is func(*member) bool) string {
	if i := slices.IndexFunc(c.people, is); i >= 0 {
		return c.people[i].there.Name
	}
	return "a stranger"
}

// judges waits until both sides of all conversations show the same, and says what is wrong otherwise.
func (f *folk) judges(t *testing.T, world []*talk, want int) {
	t.Helper()
	var wrong []string
	look := func() (missing, doubled int) {
		wrong = nil
		for _, c := range world {
			for side, lines := range map[string][]line{"Mattermost": f.inTalk(t, c), "Teams": f.inChat(c)} {
				seen := map[string]int{}
				for _, l := range lines {
					seen[l.token]++
				}
				for i := range want / len(world) {
					switch n := seen[c.text(i)]; {
					case n == 0:
						missing++
						wrong = append(wrong, fmt.Sprintf("%s is missing in %s", c.text(i), side))
					case n > 1:
						doubled++
						wrong = append(wrong, fmt.Sprintf("%s is in %s %d times", c.text(i), side, n))
					}
				}
			}
		}
		return missing, doubled
	}
	f.eventually(t, "everything on both sides", func() string {
		missing, doubled := look()
		return complain(missing+doubled == 0, missing, doubled, wrong[:min(len(wrong), 20)])
	})
	time.Sleep(5 * time.Second)
	missing, doubled := look()
	turned, otherwise := 0, 0
	for _, c := range world {
		here, there := f.inTalk(t, c), f.inChat(c)
		for i := range here {
			j := slices.IndexFunc(there, func(l line) bool { return l.token == here[i].token })
			if j >= 0 && there[j].by != here[i].by {
				otherwise++
				t.Errorf("%s is by %s in Mattermost and by %s in Teams", here[i].token, here[i].by, there[j].by)
			}
		}
		turned += f.turned(t, c)
	}
	seen := f.strangers(t, world)
	t.Logf("%d messages in %d conversations: %d missing, %d doubled, %d out of order, %d by somebody else, %d seen by a stranger", want, len(world), missing, doubled, turned, otherwise, seen)
	if missing+doubled+turned+seen > 0 {
		t.Errorf("%v", wrong)
	}
}

// turned counts the copies of either side that stand before an older one of the same side.
func (f *folk) turned(t *testing.T, c *talk) (n int) {
	t.Helper()
	at := func(tokens []line) map[string]int {
		all := map[string]int{}
		for i, l := range tokens {
			all[l.token] = i
		}
		return all
	}
	here, there := f.inTalk(t, c), f.inChat(c)
	for _, side := range []struct {
		copies []line
		origin map[string]int
		own    func(token string) bool
	}{
		{there, at(here), func(s string) bool { return f.saidHere(t, c)[s] }},
		{here, at(there), func(s string) bool { return !f.saidHere(t, c)[s] }},
	} {
		last := -1
		for _, l := range side.copies {
			if !side.own(l.token) {
				continue
			}
			if side.origin[l.token] < last {
				n++
				t.Errorf("%s is out of order", l.token)
			}
			last = max(last, side.origin[l.token])
		}
	}
	return n
}

// saidHere tells which were said in Mattermost: what Causeway has written there carries its key.
func (f *folk) saidHere(t *testing.T, c *talk) map[string]bool {
	t.Helper()
	said := map[string]bool{}
	for _, p := range f.mm.Admin.Read(t, c.channel) {
		if s := token.FindString(p.Message); s != "" && !slices.ContainsFunc(keysOf(p), func(key string) bool { return strings.HasPrefix(key, "causeway") }) {
			said[s] = true
		}
	}
	return said
}

func keysOf(p *model.Post) (all []string) {
	for key := range p.GetProps() {
		all = append(all, key)
	}
	return all
}

// strangers counts what somebody can see of a conversation of which they are no member.
func (f *folk) strangers(t *testing.T, world []*talk) (n int) {
	t.Helper()
	among := map[string][]string{}
	for _, c := range world {
		for i := range 1000 {
			among[c.text(i)] = []string{c.names()}
		}
	}
	for _, chat := range f.tenant.Chats() {
		names := (&talk{people: membersOf(chat.Members())}).names()
		for _, m := range f.sim.Messages(chat) {
			if s := token.FindString(m.Text); s != "" && among[s] != nil && !slices.Contains(among[s], names) {
				n++
				t.Errorf("%s is seen by %s", s, names)
			}
		}
	}
	of := map[string]*talk{}
	for _, c := range world {
		for _, m := range c.people {
			of[m.here.Id] = c
		}
	}
	for _, c := range world {
		for _, m := range c.people {
			if of[m.here.Id] != c {
				continue // each person once
			}
			channels, _, err := m.here.Client.GetChannelsForTeamForUser(t.Context(), f.place.Id, m.here.Id, false, "")
			must(t, err)
			for _, channel := range channels {
				for _, p := range m.here.Read(t, channel) {
					s := token.FindString(p.Message)
					if s == "" || among[s] == nil {
						continue
					}
					if !strings.Contains(", "+among[s][0]+", ", ", "+m.there.Name+", ") {
						n++
						t.Errorf("%s is seen by %s", s, m.there.Name)
					}
				}
			}
		}
	}
	return n
}

func membersOf(users []*teams.User) (all []*member) {
	for _, u := range users {
		all = append(all, &member{there: u})
	}
	return all
}
