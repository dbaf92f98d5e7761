package matrix

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"causeway/contrib/sim/teams"
)

// factors are all that decides what becomes of something, each with its values.
var factors = [][]string{
	origin:   {"here", "there"},
	kind:     {"self", "pair", "group of 3", "group of 8", "group of 9", "meeting"},
	author:   {"connected", lost, matched, unknown, guest, external, bot, deactivated},
	others:   {"all connected", "one matched", "one unknown", "one guest", "one external", "one deactivated"},
	away:     {"nobody", "author", "others"},
	switched: {"on", "Enable off", "DirectMessages off", "GroupMessages off"},
	profile:  {"simple", "restricted"},
	event:    {"new", "reply", "quote", "file", "edit", "delete", "undelete", "react", "unreact", "join", "leave", "rename"},
}

const (
	origin = iota
	kind
	author
	others
	away
	switched
	profile
	event
)

// Standings beside those of matrixCase.
const (
	lost        = "lost"
	guest       = "guest"
	external    = "external"
	bot         = "bot"
	deactivated = "deactivated"
)

// sizes are how many people are in a conversation.
var sizes = map[string]int{"self": 1, "pair": 2, "group of 3": 3, "group of 8": 8, "group of 9": 9, "meeting": 4}

func among(s string, all ...string) bool { return slices.Contains(all, s) }

// possible tells whether the services know such a thing at all.
func possible(v []string) bool {
	group := strings.HasPrefix(v[kind], "group") || v[kind] == "meeting"
	switch {
	case v[kind] == "self" && (v[others] != "all connected" || v[origin] == "there" || v[away] == "others"), // there is nobody else; Graph has no such chat
		v[origin] == "here" && among(v[kind], "group of 9", "meeting"),                                                                      // Mattermost's groups have eight people
		v[origin] == "here" && (v[author] == external || v[others] == "one external"),                                                       // in Mattermost everybody has an account
		v[origin] == "there" && v[author] == bot && (v[kind] == "self" || v[away] == "author" || !among(v[event], "new", "edit", "delete")), // apps just write
		v[profile] == "restricted" && v[switched] != "on",                                                                                   // what is switched off is off with either
		v[event] == "reply" && v[origin] == "there", v[event] == "quote" && v[origin] == "here",                                             // chats have no threads; quotes of Mattermost are text
		v[event] == "undelete" && v[origin] == "here",                                         // Mattermost brings back no deleted post (POST /posts/{id}/restore/{version} takes back edits)
		among(v[event], "join", "leave") && (v[origin] == "here" || !group),                   // only chats of several people change
		v[event] == "rename" && (!group || v[kind] == "meeting"),                              // only groups have a name that people give
		v[author] == deactivated && !among(v[event], "new", "reply", "quote", "file", "edit"), // they have said it before
		v[author] == deactivated && v[origin] == "there" && v[event] == "file":                // their OneDrive is closed with their account
		return false
	}
	return true
}

// pair is two values of two factors.
type pair struct{ one, a, two, b int }

func pairsOf(v []int) (all []pair) {
	for i := range v {
		for j := i + 1; j < len(v); j++ {
			all = append(all, pair{i, v[i], j, v[j]})
		}
	}
	return all
}

// obstacles counts for how many reasons a situation is not carried: what two values do shows best where there are as few as can be.
func (s *situation) obstacles() (n int) {
	for _, r := range rows {
		if r.fits(s, s.all()) {
			n++
		}
	}
	if !s.watched(s.all()) {
		n += len(rows)
	}
	return n
}

// allPairs gives combinations in which each two values of different factors come together that are possible together, with as few obstacles as can be: each
// time the one of some that covers most of what is left.
func allPairs() (chosen [][]string, covered int) {
	var all [][]int
	var obstacles []int
	left := map[pair]int{}
	var combine func(done []int)
	combine = func(done []int) {
		if len(done) < len(factors) {
			for i := range factors[len(done)] {
				combine(append(slices.Clone(done), i))
			}
			return
		}
		if possible(values(done)) {
			n := (&situation{v: values(done)}).obstacles()
			all, obstacles = append(all, done), append(obstacles, n)
			for _, p := range pairsOf(done) {
				if least, known := left[p]; !known || n < least {
					left[p] = n
				}
			}
		}
	}
	combine(nil)
	covered = len(left)
	covers := func(i int) (n int) {
		for _, p := range pairsOf(all[i]) {
			if least, there := left[p]; there && obstacles[i] == least {
				n++
			}
		}
		return n
	}
	random := rand.New(rand.NewPCG(6, 6))
	for len(left) > 0 {
		best, most := -1, 0
		for range 700 {
			i := random.IntN(len(all))
			if n := covers(i); n > most {
				best, most = i, n
			}
		}
		for i := 0; best < 0; i++ { // what is left is rare
			if covers(i) > 0 {
				best = i
			}
		}
		for _, p := range pairsOf(all[best]) {
			if left[p] == obstacles[best] {
				delete(left, p)
			}
		}
		chosen = append(chosen, values(all[best]))
	}
	return chosen, covered
}

// spokenFor are further combinations: of those for whom nobody can write, where the bot may not write in conversations, since it takes three values to see what
// becomes of that.
func spokenFor() (all [][]string) {
	for n, event := range factors[event] {
		for _, author := range []string{matched, lost, bot} {
			v := []string{"there", []string{"pair", "group of 3"}[n%2], author, "all connected", "nobody", "on", "restricted", event}
			if among(event, "join", "leave", "rename") {
				v[kind] = "group of 3"
			}
			if possible(v) {
				all = append(all, v)
			}
		}
	}
	return all
}

func values(v []int) (all []string) {
	for factor, i := range v {
		all = append(all, factors[factor][i])
	}
	return all
}

// situation is one combination, with people of its own: a does it, b is who the factor others is about, and the last one speaks after it.
type situation struct {
	matrixCase
	v []string
	// next is the channel of those who are in the chat after somebody has come or gone.
	next string
}

func (s *situation) String() string { return strings.Join(s.v, ", ") }

const alphabet = "abcdefghij"

// all are the people's letters; the newcomer is n. A bot in Teams writes in chats of others: Graph shows it as no member.
func (s *situation) all() []string {
	first := 0
	if s.outside() {
		first = 1
	}
	return strings.Split(alphabet[first:first+sizes[s.v[kind]]], "")
}

// outside: a is none of the members.
func (s *situation) outside() bool { return s.v[origin] == "there" && s.v[author] == bot }

// is what somebody is to Causeway.
func (s *situation) is(letter string) string {
	switch {
	case letter == "a":
		return s.v[author]
	case letter == "b" && s.v[others] != "all connected":
		return strings.TrimPrefix(s.v[others], "one ")
	}
	return "connected"
}

// prefers is where somebody who is connected wants to be notified; beside the origin it is the other side.
func (s *situation) prefers(letter string) string {
	if s.v[away] == "author" && letter == "a" || s.v[away] == "others" && letter != "a" {
		return s.target()
	}
	return s.v[origin]
}

func (s *situation) target() string {
	return map[string]string{"here": "there", "there": "here"}[s.v[origin]]
}

// speaker is who speaks after it: the last one who is connected; empty: nobody but a.
func (s *situation) speaker() string {
	for _, letter := range slices.Backward(s.all()) {
		if letter != "a" && s.is(letter) == "connected" && !(letter == "b" && s.v[event] == "leave") {
			return letter
		}
	}
	return ""
}

// comes makes the people of the nth situation, and their conversation.
func (s *situation) comes(w *world, n int) {
	s.people, s.said, s.matrixCase.origin = map[string]*person{}, map[string]string{}, s.v[origin]
	s.kind = map[bool]string{true: "group", false: s.v[kind]}[len(s.all()) > 2]
	for _, letter := range s.all() {
		name, title := fmt.Sprintf("s%d%s", n, letter), fmt.Sprintf("Situation %d %s", n, strings.ToUpper(letter))
		if among(s.is(letter), guest, external, bot) {
			s.people[letter] = w.outsider(name, title, s.is(letter), s.v[origin])
			continue
		}
		s.people[letter] = s.insider(w, letter, name, title)
	}
	if s.outside() {
		s.people["a"] = &person{name: "app" + fmt.Sprint(n), app: teams.Bot{ID: fmt.Sprint("app-", n), Name: fmt.Sprintf("Situation %d A", n)}}
	}
	if s.v[event] == "join" {
		s.people["n"] = s.insider(w, "n", fmt.Sprintf("s%dn", n), fmt.Sprintf("Situation %d N", n))
	}
	s.channel = s.channelOf(w, s.all())
	if s.v[origin] == "there" {
		s.next, s.chat = s.channelOf(w, s.after()), s.chatOf(w)
	}
}

// after are those who are in the conversation after what has happened.
func (s *situation) after() []string {
	switch s.v[event] {
	case "join":
		return append(s.all(), "n")
	case "leave":
		return slices.DeleteFunc(s.all(), func(letter string) bool { return letter == "b" })
	}
	return s.all()
}

// channelOf gives the channel that people have in Mattermost, where all of them are there, and no more than it takes.
func (s *situation) channelOf(w *world, letters []string) string {
	var names []string
	for _, letter := range letters {
		p := s.people[letter]
		if p.id == "" {
			return ""
		}
		names = append(names, p.name)
	}
	switch {
	case len(names) == 1:
		return w.mm.Direct(names[0], names[0]).Id
	case len(names) == 2:
		return w.mm.Direct(names[0], names[1]).Id
	case len(names) > 8:
		return ""
	}
	return w.mm.Group(names...).Id
}

func (s *situation) chatOf(w *world) *teams.Channel {
	var users []*teams.User
	for _, letter := range s.all() {
		users = append(users, s.people[letter].there)
	}
	switch {
	case s.v[kind] == "meeting":
		return w.tenant.AddMeetingChat("Weekly", users...)
	case s.v[kind] == "pair":
		return w.tenant.AddChat(users...)
	}
	return w.tenant.AddGroupChat("", users...)
}

// insider is somebody who has accounts on both sides.
func (s *situation) insider(w *world, letter, name, title string) *person {
	p := w.person(name, title)
	switch standing := s.is(letter); standing {
	case "connected", lost:
		prefers := here
		if s.prefers(letter) == "there" {
			prefers = there
		}
		w.connects(p, prefers)
		if standing == lost {
			w.loses(p, s.target())
		}
	case matched:
		w.matches(p)
	}
	return p
}
