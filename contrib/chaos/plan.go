package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
)

// Plan is everything about a run that chance decides.
type Plan struct {
	Seed    uint64
	Seconds int
	// Store is "sqlite" or "postgres"; Receive is how Causeway hears of Teams, "poll" or "rich".
	Store, Receive string
	// Replica is how the replica of PostgreSQL follows, which may take over: "sync" or "async"; empty: there is none.
	Replica string `json:",omitempty"`
	// Instances is how many Causeways run.
	Instances int
	// Acts are in the order of their times, and so are Faults.
	Acts   []Act
	Faults []Fault
}

// Side is one of the two services.
type Side string

// The two services.
const (
	Mattermost Side = "mattermost"
	Teams      Side = "teams"
)

// Kinds of acts.
const (
	say     = "say"
	edit    = "edit"
	remove  = "delete"
	react   = "react"
	unreact = "unreact"
)

// Act is something that somebody does.
type Act struct {
	// At is when, in milliseconds after the beginning.
	At   int
	Kind string
	// N numbers what is said; other acts are about it.
	N int
	// Place is where it was said, an index of places; Side where that was, and By who does the act, an index of cast.
	Place int
	Side  Side
	By    int
	// Copy: it is done at the copy, on the other side.
	Copy bool `json:",omitempty"`
	// Root is what is answered; 0: nothing.
	Root int `json:",omitempty"`
	// Text is what it says then, without its token.
	Text string `json:",omitempty"`
	// Emoji is that of a reaction.
	Emoji string `json:",omitempty"`
	// File is the size of a file that goes along, in bytes; 0: none.
	File int `json:",omitempty"`
}

// role is somebody who takes part.
type role struct {
	name string
	// here and there: they have an account in Mattermost, and in Teams. Who has both is connected.
	here, there bool
}

func (r role) connected() bool { return r.here && r.there }

func (r role) on(s Side) bool { return s == Mattermost && r.here || s == Teams && r.there }

// cast are those who take part.
var cast = []role{
	{"Ann", true, true}, {"Ben", true, true}, {"Cyd", true, true}, {"Dov", true, true}, {"Mia", true, false}, {"Tom", false, true},
}

// place is a conversation that is on both sides.
type place struct {
	name string
	// talk: direct or group, for these people alone; otherwise a channel.
	talk   bool
	people []int
}

// places are where people talk. A stranger of each talk is connected, too.
var places = []place{
	{"town", false, []int{0, 1, 2, 3, 4, 5}},
	{"lab", false, []int{0, 1, 2, 3, 4, 5}},
	{"Ann and Ben", true, []int{0, 1}},
	{"Cyd and Dov", true, []int{2, 3}},
	{"Ann, Ben and Cyd", true, []int{0, 1, 2}},
}

// emojis are those that people use.
var emojis = []string{"👍", "🎉", "❤"}

// planning makes a plan.
type planning struct {
	*Plan
	dice *rand.Rand
	said []*intended // said[0] is nothing
}

// intended is what the plan knows of something that was said.
type intended struct {
	Act
	answered, deleted bool
	// changed is when its text was said or edited last, and on its copy or not; reactions are by person and emoji.
	changed   touch
	reactions map[[2]int]touch
}

// touch is when something was changed, and where; on: of a reaction, that it is set.
type touch struct {
	at   int
	copy bool
	on   bool
}

// sightTime is how long, in milliseconds, something must have stood there before people change it on the other side. Causeway has seen then what it has
// written there itself: before that, nobody can tell its own change, in the service's form, from somebody's that follows it, and it repeats its own.
const sightTime = 15_000

// may tells whether a change can be made, there, after the last one.
func (t touch) may(at int, copy bool) bool { return t.copy == copy || at-t.at > sightTime }

// newPlan makes the plan of a seed.
func newPlan(seed uint64, o options) *Plan {
	p := planning{
		Plan: &Plan{Seed: seed, Seconds: o.seconds, Store: o.store, Receive: "poll", Instances: o.instances, Replica: o.replica},
		dice: rand.New(rand.NewPCG(seed, 0)), said: []*intended{nil},
	}
	if p.dice.IntN(2) == 0 {
		p.Receive = "rich"
	}
	if o.receive != "" {
		p.Receive = o.receive
	}
	for n := range places { // each place is opened by a first word, before anything goes wrong
		p.say(-1, n, 0)
	}
	for at := 0; at < o.seconds*1000; at += 1 + p.dice.IntN(2*o.pause) {
		p.act(at)
	}
	p.faults(o)
	p.Acts = slices.DeleteFunc(p.Acts, p.inVain)
	return p.Plan
}

// inVain tells of a change that nobody may make for whoever wanted it: Causeway is not let act as them any more, or may not be when it hears of it. It
// says so in words then, and does not make it when they have connected again.
func (p *planning) inVain(a Act) bool {
	return a.Kind != say && slices.ContainsFunc(p.Faults, func(f Fault) bool {
		return slices.Contains(grantFaults, kindNamed(f.Kind)) && loser(f) == a.By && a.At > f.At-vainTime
	})
}

// vainTime is how long before a loss of a grant, in milliseconds, what is done may not be carried yet.
const vainTime = 20_000

// act adds one.
func (p *planning) act(at int) {
	n := p.dice.IntN(100)
	var u *intended
	for range 20 { // lately said, mostly
		u = p.said[max(1, len(p.said)-1-p.dice.IntN(15))]
		if !u.deleted {
			break
		}
	}
	switch {
	case n < 50 || u.deleted:
		p.say(at, p.dice.IntN(len(places)), 0)
	case n < 65:
		if u.Root != 0 || places[u.Place].talk {
			p.say(at, u.Place, 0)
			return
		}
		u.answered = true
		p.say(at, u.Place, u.N)
	case n < 80:
		u, there := p.copies(at, u)
		if !u.changed.may(at, there) {
			p.say(at, u.Place, 0)
			return
		}
		u.changed = touch{at: at, copy: there}
		p.add(Act{At: at, Kind: edit, N: u.N, Place: u.Place, Side: u.Side, By: u.By, Copy: there, Text: p.words()})
	case n < 93:
		p.react(at, u)
	default:
		u, there := p.copies(at, u)
		if u.answered || u.At < 0 || !u.changed.may(at, there) {
			return
		}
		u.deleted = true
		p.add(Act{At: at, Kind: remove, N: u.N, Place: u.Place, Side: u.Side, By: u.By, Copy: there})
	}
}

// copies decides whether somebody changes what they have said at its copy, which is theirs where they are connected, and then takes something that was
// said a while ago. One with a file is left alone: in Teams whoever edits it would have to attach that anew.
func (p *planning) copies(at int, u *intended) (*intended, bool) {
	if p.dice.IntN(3) > 0 {
		return u, false
	}
	for range 20 {
		if old := p.older(at); old != nil && cast[old.By].connected() && old.File == 0 && old.changed.may(at, true) {
			return old, true
		}
	}
	return u, false
}

// older gives something that was said a while ago; nil: it was too lately, or is deleted.
func (p *planning) older(at int) *intended {
	u := p.said[max(1, len(p.said)-1-25-p.dice.IntN(40))]
	if u.deleted || at-u.At < sightTime {
		return nil
	}
	return u
}

func (p *planning) add(a Act) { p.Acts = append(p.Acts, a) }

// say lets somebody say something, on either side; an answer is said where what it answers was said.
func (p *planning) say(at, where, root int) {
	a := Act{At: at, Kind: say, N: len(p.said), Place: where, Root: root, Text: p.words()}
	a.Side = []Side{Mattermost, Teams}[p.dice.IntN(2)]
	if root > 0 {
		a.Side = p.said[root].Side
	}
	a.By = p.somebody(where, a.Side)
	if at >= 0 && p.dice.IntN(20) == 0 {
		a.File = 1 + p.dice.IntN(200_000)
	}
	p.said = append(p.said, &intended{Act: a, changed: touch{at: at}, reactions: map[[2]int]touch{}})
	p.add(a)
}

// somebody who is in a place, on that side.
func (p *planning) somebody(where int, on Side) int {
	people := places[where].people
	for {
		if who := people[p.dice.IntN(len(people))]; cast[who].on(on) {
			return who
		}
	}
}

// react sets a reaction, or takes it back.
func (p *planning) react(at int, u *intended) {
	a := Act{At: at, Kind: react}
	if old := p.older(at); old != nil && p.dice.IntN(3) == 0 {
		u, a.Copy = old, true
	}
	a.N, a.Place, a.Side = u.N, u.Place, u.Side
	who, emoji := p.somebody(u.Place, a.side()), p.dice.IntN(len(emojis))
	a.By, a.Emoji = who, emojis[emoji]
	key := [2]int{who, emoji}
	before := u.reactions[key]
	if before != (touch{}) && !before.may(at, a.Copy) {
		return
	}
	if before.on {
		a.Kind = unreact
	}
	u.reactions[key] = touch{at, a.Copy, !before.on}
	p.add(a)
}

func (p *planning) words() string {
	all := []string{"trains", "the weather", "größe & co", "2 < 3", "lunch", "a new idea", "nothing at all"}
	return fmt.Sprintf("about %s, %d", all[p.dice.IntN(len(all))], p.dice.IntN(1000))
}

// faults adds what the hand does: all kinds that can be made, in a random order again and again, none while another of its group lasts.
func (p *planning) faults(o options) {
	possible := slices.DeleteFunc(slices.Clone(kinds), func(k *kind) bool { return !k.possible(p.Plan, o) })
	if len(possible) == 0 {
		return
	}
	free := map[string]int{} // when a group has rested, in milliseconds
	var round []*kind
	for at := 1000; ; at += o.calm/2 + p.dice.IntN(o.calm) {
		if len(round) == 0 && len(possible) == 0 {
			break
		}
		if len(round) == 0 {
			round = slices.Clone(possible)
			p.dice.Shuffle(len(round), func(i, j int) { round[i], round[j] = round[j], round[i] })
		}
		k := round[0]
		round = round[1:]
		f := Fault{At: max(at, free[k.group]), Kind: k.name, Salt: p.dice.Uint64()}
		f.For = k.least + p.dice.IntN(1+k.most-k.least)
		if f.At+f.For > o.seconds*1000 {
			if at > o.seconds*1000 {
				break
			}
			continue
		}
		free[k.group] = f.At + f.For + 1000
		p.Faults = append(p.Faults, f)
		if k.once {
			possible = slices.DeleteFunc(possible, func(other *kind) bool { return other == k })
		}
	}
	slices.SortStableFunc(p.Faults, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
}

// readPlan reads the plan of an earlier run.
func readPlan(path string) (*Plan, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the plan: %w", err)
	}
	p := &Plan{}
	if err := json.Unmarshal(text, p); err != nil {
		return nil, fmt.Errorf("reading the plan %s: %w", path, err)
	}
	return p, nil
}
