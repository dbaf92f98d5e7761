package people

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"causeway/bridge"
	"causeway/gateway/config"
	"causeway/gateway/store"
)

// suit is one case of who wants to connect, and how things stand.
type suit struct {
	enable, require, approved, byCode, homeProven, otherProven bool
	other                                                      string // what the other account is
	email                                                      string // how the addresses compare
	lists                                                      string // what Allow and Deny say
	connected                                                  string // who is connected already
}

// reasons gives all that speaks against a case, by the beginning of the page's title: any of them may be told. It is written from
// the rules, apart from the code.
func (s suit) reasons() []string {
	var all []string
	add := func(when bool, title string) {
		if when {
			all = append(all, title)
		}
	}
	add(!s.enable, "Connecting is switched off")
	add(s.other == "guest", "Guests cannot be connected")
	add(s.other == "bot", "Only people can be connected")
	add(s.other == "disabled", "This account cannot be used at present")
	add(s.lists == "home denied" || s.lists == "domain denied" || s.lists == "other denied", "You may not connect these accounts")
	// An address counts for Allow only where its service vouches for it.
	add(s.lists == "home allowed" && !s.homeProven && !(s.email == "same" && s.otherProven), "You may not connect these accounts")
	add(s.lists == "nobody allowed", "You may not connect these accounts")
	add(s.connected == "home elsewhere", "Your Mattermost account is connected already")
	add(s.connected == "other elsewhere", "This Microsoft Teams account is connected already")
	add(s.connected == "leaving", "Still being disconnected")
	add(s.connected == "full", "No more people can be connected")
	if s.require && !s.approved {
		add(s.email != "same", "The e-mail addresses differ")
		add(s.email == "same" && (!s.otherProven || s.byCode && !s.homeProven), "Your e-mail address is not verified")
	}
	return all
}

func TestEveryRefusalIsByARuleAndEveryRuleRefuses(t *testing.T) {
	cases, refused := 0, map[string]int{}
	for _, connected := range []string{"nobody", "the two", "home elsewhere", "other elsewhere", "leaving", "full"} {
		s := newStage(t)
		connect(s, connected)
		flags := func(n int) bool { return n == 1 }
		for n := range 64 {
			for _, other := range []string{"member", "guest", "bot", "disabled"} {
				for _, email := range []string{"same", "differ", "none"} {
					for _, lists := range []string{"none", "home denied", "domain denied", "other denied", "home allowed", "all allowed", "nobody allowed"} {
						c := suit{flags(n & 1), flags(n >> 1 & 1), flags(n >> 2 & 1), flags(n >> 3 & 1), flags(n >> 4 & 1), flags(n >> 5 & 1), other, email, lists, connected}
						title := c.judged(s)
						cases++
						refused[title]++
						want := c.reasons()
						if ok := slices.ContainsFunc(want, func(w string) bool { return len(title) >= len(w) && title[:len(w)] == w }); ok != (title != "") || (len(want) > 0) != (title != "") {
							t.Fatalf("%+v: %q, want one of %q", c, title, want)
						}
					}
				}
			}
		}
		s.close()
	}
	if cases != 6*64*4*3*7 || len(refused) != 12 {
		t.Errorf("%d cases, ended by %v", cases, refused)
	}
}

// connect stores who is connected already.
func connect(s *stage, how string) {
	s.Helper()
	two := func(home, other string) [2]store.End {
		return [2]store.End{
			{Identity: store.Identity{Account: mmAccount, Server: "mattermost:1", User: bridge.UserID(home), Name: home}, Grant: []byte("kept for " + home)},
			{Identity: store.Identity{Account: tmAccount, Server: "msteams:1", User: bridge.UserID(other), Name: other}, Grant: []byte("kept for " + other)},
		}
	}
	ends, found := map[string][2]store.End{
		"the two": two("alice", "alice"), "home elsewhere": two("alice", "eve"), "other elsewhere": two("mallory", "alice"), "leaving": two("alice", "alice"), "full": two("m", "n"),
	}[how]
	if !found {
		return
	}
	if _, err := s.store.Connect(s.Context(), "", ends, 0); err != nil {
		s.Fatal(err)
	}
	if how == "leaving" {
		if _, err := s.store.Turn(s.Context(), "msteams:1", "alice", store.Connected, store.Leaving, ""); err != nil {
			s.Fatal(err)
		}
	}
}

// judged gives the title of what a case is refused by; "" when it is not.
func (c suit) judged(s *stage) string {
	s.Helper()
	home := bridge.Profile{Author: bridge.Author{ID: "alice", Name: "Alice"}, Email: "alice@example.com", EmailProven: c.homeProven}
	other := bridge.Profile{Author: bridge.Author{ID: "alice", Name: "Alice"}, Email: map[string]string{"same": "Alice@Example.com", "differ": "chen@elsewhere.net"}[c.email], EmailProven: c.otherProven}
	other.Standing = map[string]bridge.Standing{"guest": {Guest: true}, "bot": {Bot: true}, "disabled": {Presence: bridge.Disabled}}[c.other]
	set := config.People{Enable: c.enable, RequireSameEmail: c.require}
	if c.connected == "full" {
		set.MaxConnected = 1
	}
	switch c.lists {
	case "home denied":
		set.Allow, set.Deny = []string{"@example.com", "@elsewhere.net"}, []string{"alice@example.com"}
	case "domain denied":
		set.Deny = []string{"@example.com"}
	case "other denied":
		set.Deny = []string{"chen@elsewhere.net"}
		if c.email != "differ" {
			set.Deny = []string{"alice@example.com"}
		}
	case "home allowed":
		set.Allow = []string{"alice@example.com"}
	case "all allowed":
		set.Allow = []string{"@example.com", "@elsewhere.net"}
		if !c.homeProven && !(c.otherProven && c.email != "none") {
			set.Allow = nil // nobody vouches for any address
		}
	case "nobody allowed":
		set.Allow = []string{"@nowhere.org", "bob@example.com"}
	}
	if err := s.store.Approve(s.Context(), store.User{Server: "msteams:1", User: "alice"}, store.User{Server: "mattermost:1", User: "alice"}, c.approved); err != nil {
		s.Fatal(err)
	}
	s.people.o.Settings = set
	w := walk{home: s.people.accounts[mmAccount], other: s.people.accounts[tmAccount]}
	if !c.byCode {
		w.Home = &bridge.Proof{Profile: home}
	}
	err := s.people.judge(s.Context(), w, home, other)
	if err == nil {
		return ""
	}
	var r *refusal
	if !errors.As(s.people.explained(err, w.other, "looking"), &r) || len(r.text) == 0 {
		s.Fatal(fmt.Errorf("%+v: %w", c, err))
	}
	return r.title
}

func TestAddressesAreMatchedWhole(t *testing.T) {
	list := []string{"ann@example.com", "@corp.example"}
	for email, want := range map[string]bool{
		"ann@example.com": true, " Ann@Example.com": true, "joann@example.com": false, "ann@example.com.evil.net": false, "x@corp.example": true, "x@CORP.example": true,
		"x@sub.corp.example": false, "x@evilcorp.example": false, "@corp.example": true, "corp.example": false, "": false, "ann@example.com@evil.net": false,
	} {
		if got := matches(list, email); got != want {
			t.Errorf("%q: %v", email, got)
		}
	}
}
