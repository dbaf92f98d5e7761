package direct

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
)

// cell is one combination of all that matters, in words.
type cell struct {
	kind           string // self, one-to-one, group of 3, group of 8, group of 9, meeting
	author, others string
	away           string // who wants to be notified on the other side: nobody, author, others
	off            string // which switches are off, of "E", "D" and "G"
	relay          string // where the other side's account may write for others
	event          string
}

// answer is what becomes of it: the way or the reason, and who is told.
type answer struct {
	way     string
	reason  Reason
	author  bool
	waiting string
}

// row of the oracle: the first that fits decides.
type row struct {
	what string
	fits func(c cell) bool
	answer
}

func one(words ...string) func(string) bool {
	return func(s string) bool { return slices.Contains(words, s) }
}

// The oracle says in the order of README's table who may see what. It is written for the words above, apart from the code.
var oracle = []row{
	// Joining, leaving and renaming are about the conversation itself.
	{"nobody joins, leaves or renames", func(c cell) bool { return changes(c) && !big(c) }, answer{way: "refused", reason: Fixed}},
	{"new members: decided anew", func(c cell) bool { return changes(c) && c.event != "rename" }, answer{way: "met anew"}},

	// What an administrator has switched off is told nobody; /msteams why shows it.
	{"all off", func(c cell) bool { return strings.Contains(c.off, "E") }, answer{way: "refused", reason: Off}},
	{"groups off", func(c cell) bool { return big(c) && strings.Contains(c.off, "G") }, answer{way: "refused", reason: GroupsOff}},
	{"direct off", func(c cell) bool { return !big(c) && strings.Contains(c.off, "D") }, answer{way: "refused", reason: DirectOff}},

	// At least one of its members is connected, though their token may have been refused since.
	{"nobody is connected", func(c cell) bool {
		return !one("connected", "lost")(c.author) && (c.kind == "self" || !anyConnected(c))
	}, answer{way: "refused", reason: NobodyConnected}},

	// Larger groups and meetings do not fit: who is connected and writes there is told.
	{"meeting", func(c cell) bool { return c.kind == "meeting" }, told(IsMeeting)},
	{"nine", func(c cell) bool { return c.kind == "group of 9" }, told(TooMany)},

	// Everybody else must be connected or matched: a rule each for those who are neither.
	{"a bot alone with somebody who knows it", func(c cell) bool { return c.kind == "one-to-one" && c.author == "bot" }, answer{way: "refused", reason: WithBot}},
	{"a bot", func(c cell) bool { return c.author == "bot" }, told(WithBot)},
	{"external people", func(c cell) bool { return c.author == "external" || c.others == "one external" }, told(WithExternal)},
	{"a guest", func(c cell) bool { return c.author == "guest" || c.others == "one guest" }, told(WithGuest)},
	{"a deactivated account", func(c cell) bool { return c.author == "deactivated" }, told(WithDeactivated)},
	{"somebody unknown", func(c cell) bool { return c.author == "unknown" || c.others == "one unknown" }, told(SomebodyMissing)},

	// Who may write.
	{"a rename", func(c cell) bool { return c.event == "rename" }, answer{way: "as a member"}},
	{"connected authors", func(c cell) bool { return c.author == "connected" }, answer{way: "as the author"}},
	{"the bot shows everybody else where it may", func(c cell) bool { return c.relay == "in talks" }, answer{way: "by the bot"}},
	{"a lost token", func(c cell) bool { return c.author == "lost" }, answer{way: "held"}},
	{"where it may not, each connected member", func(c cell) bool {
		return c.relay == "beside" && (says(c) || one("edit", "delete", "undelete")(c.event))
	}, answer{way: "aside"}},
	{"what was not carried cannot change", func(c cell) bool { return c.author == "matched" && !says(c) }, answer{way: "refused", reason: AuthorNotConnected}},
	{"an unconnected author", func(c cell) bool { return c.author == "matched" && says(c) }, answer{way: "refused", reason: AuthorNotConnected, author: true, waiting: "away"}},
}

// told is for refusals of which each connected person who speaks there is told.
func told(r Reason) answer { return answer{way: "refused", reason: r, author: true} }

func big(c cell) bool     { return one("group of 3", "group of 8", "group of 9", "meeting")(c.kind) }
func changes(c cell) bool { return one("join", "leave", "rename")(c.event) }
func says(c cell) bool    { return one("new", "reply", "quote", "file")(c.event) }

// anyConnected: among the others. In a pair the only one is who the factor names.
func anyConnected(c cell) bool {
	return c.others == "all connected" || c.kind != "one-to-one"
}

func (c cell) expected(t *testing.T) answer {
	for _, r := range oracle {
		if !r.fits(c) {
			continue
		}
		a := r.answer
		// Only connected people are told that their conversation is not carried, and only when they speak.
		if a.author && a.reason != AuthorNotConnected && (c.author != "connected" || !says(c)) {
			a.author = false
		}
		if a.waiting == "away" {
			a.waiting = c.waiting()
		}
		return a
	}
	t.Fatalf("the oracle says nothing of %+v", c)
	return answer{}
}

// waiting: the connected ones among the others who want to be notified there.
func (c cell) waiting() string {
	if c.away != "others" {
		return ""
	}
	var all []string
	for i := 1; i < people[c.kind]; i++ {
		if i > 1 || c.others == "all connected" {
			all = append(all, fmt.Sprint("u", i))
		}
	}
	return strings.Join(all, " ")
}

var (
	people = map[string]int{"self": 1, "one-to-one": 2, "group of 3": 3, "group of 8": 8, "group of 9": 9, "meeting": 4}
	shapes = map[string]bridge.Shape{"self": bridge.Self, "one-to-one": bridge.Pair, "group of 3": bridge.Group, "group of 8": bridge.Group, "group of 9": bridge.Group, "meeting": bridge.Meeting}
)

func standing(word string) Standing {
	return Standing(slices.Index(standingNames[:], strings.TrimPrefix(word, "one ")))
}

// members are u0, the author, and the others; u1 is what the factor says.
func (c cell) members() []Member {
	var all []Member
	for i := range people[c.kind] {
		word, away := "connected", c.away == "others"
		switch {
		case i == 0:
			word, away = c.author, c.away == "author"
		case i == 1 && c.others != "all connected":
			word = c.others
		}
		m := Member{User: bridge.UserID(fmt.Sprint("u", i)), Standing: standing(word)}
		if m.Standing.there() {
			m.Other = bridge.UserID(fmt.Sprint("v", i))
		}
		m.Away = away && m.Standing == Connected
		all = append(all, m)
	}
	return all
}

func (c cell) decided() answer {
	v := Decide(shapes[c.kind], c.members(), Settings{
		Enable: !strings.Contains(c.off, "E"), DirectMessages: !strings.Contains(c.off, "D"), GroupMessages: !strings.Contains(c.off, "G"),
	}, 8)
	o := Of(v, shapes[c.kind], standing(c.author), Relay(slices.Index(relayNames[:], c.relay)), Event(slices.Index(eventNames[:], c.event)))
	var waiting []string
	for _, u := range o.Waiting {
		waiting = append(waiting, string(u))
	}
	return answer{o.Way.String(), o.Reason, o.Author, strings.Join(waiting, " ")}
}

func TestEveryCombinationIsDecidedAsTheOracleSays(t *testing.T) {
	seen := map[string]int{}
	n := 0
	each([][]string{
		{"self", "one-to-one", "group of 3", "group of 8", "group of 9", "meeting"},
		{"connected", "lost", "matched", "unknown", "guest", "external", "bot", "deactivated"},
		{"all connected", "one matched", "one unknown", "one guest", "one external"},
		{"nobody", "author", "others"},
		{"", "E", "D", "G", "ED", "EG", "DG", "EDG"},
		relayNames[:],
		eventNames[:],
	}, func(f []string) {
		c := cell{f[0], f[1], f[2], f[3], f[4], f[5], f[6]}
		if c.kind == "self" && c.others != "all connected" {
			return // there is nobody else
		}
		n++
		got, want := c.decided(), c.expected(t)
		if got != want {
			t.Fatalf("%+v: %+v, want %+v", c, got, want)
		}
		if got.way == "refused" && got.reason == None {
			t.Fatalf("%+v: nothing happened", c)
		}
		seen[fmt.Sprint(got.way, got.reason)]++
	})
	t.Logf("%d combinations, %d outcomes", n, len(seen))
	for _, r := range []Reason{Off, DirectOff, GroupsOff, NobodyConnected, IsMeeting, TooMany, SomebodyMissing, WithGuest, WithExternal, WithBot, WithDeactivated, AuthorNotConnected, Fixed} {
		if seen["refused"+r.String()] == 0 {
			t.Errorf("no combination is refused because %s", r)
		}
	}
	for _, way := range []string{"as the author", "by the bot", "held", "met anew", "as a member", "aside"} {
		if seen[way] == 0 {
			t.Errorf("no combination is %s", way)
		}
	}
}

// each calls do with every combination.
func each(factors [][]string, do func([]string)) {
	var rec func(done []string)
	rec = func(done []string) {
		if len(done) == len(factors) {
			do(done)
			return
		}
		for _, v := range factors[len(done)] {
			rec(append(slices.Clone(done), v))
		}
	}
	rec(nil)
}

func TestWhoIsMissingIsNamedAndTheOtherSideHasExactlyTheSamePeople(t *testing.T) {
	all := Settings{true, true, true}
	a, b, c := Member{User: "a", Standing: Connected, Other: "z"}, Member{User: "b", Standing: Matched, Other: "y"}, Member{User: "c", Standing: Lost, Other: "x"}
	for _, test := range []struct {
		what    string
		shape   bridge.Shape
		members []Member
		limit   int
		want    Verdict
	}{
		{"a group", bridge.Group, []Member{a, b, c}, 8, Verdict{Carried: true, Members: []bridge.UserID{"x", "y", "z"}}},
		{"any number", bridge.Group, []Member{a, b, c}, 0, Verdict{Carried: true, Members: []bridge.UserID{"x", "y", "z"}}},
		{"a group of two", bridge.Group, []Member{a, b}, 8, Verdict{Reason: TooFew, Tell: true}},
		{"a pair that somebody was erased from", bridge.Pair, []Member{a}, 8, Verdict{Reason: TooFew, Tell: true}},
		{"with Causeway", bridge.Pair, []Member{a, {User: "bot", Standing: Own}}, 8, Verdict{Reason: WithCauseway}},
		{"two missing", bridge.Group, []Member{{User: "q"}, a, {User: "p", Standing: Guest}}, 8, Verdict{Reason: WithGuest, Missing: []bridge.UserID{"p", "q"}, Tell: true}},
		{"one person there", bridge.Group, []Member{a, b, {User: "c", Standing: Matched, Other: "z"}}, 8, Verdict{Reason: Merged, Tell: true}},
	} {
		if diff := cmp.Diff(test.want, Decide(test.shape, test.members, all, test.limit)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.what, diff)
		}
	}
}

func TestWhatOutsidersWriteIsNeverSilentlyDropped(t *testing.T) {
	v := Verdict{Carried: true, Away: []bridge.UserID{"ann"}}
	for _, author := range []Standing{Unknown, Guest, External, Bot, Deactivated} {
		for relay, want := range map[Relay]Way{InTalks: ByBot, BesideTalks: Aside} {
			if diff := cmp.Diff(Outcome{Way: want}, Of(v, bridge.Pair, author, relay, New)); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", author, relay, diff)
			}
		}
		if diff := cmp.Diff(Outcome{Reason: AuthorNotConnected, Waiting: v.Away}, Of(v, bridge.Pair, author, Nowhere, New)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", author, diff)
		}
	}
}

func TestEveryReasonHasWordsAndNamesWhoIsMissing(t *testing.T) {
	seen := map[string]bool{}
	for r := None + 1; r < reasons; r++ {
		text := r.Text([]string{"Ann", "Ben"})
		if text == "" || seen[text] || strings.Contains(text, "%") {
			t.Errorf("reason %d says %q", int(r), text)
		}
		seen[text] = true
	}
	if got := SomebodyMissing.Text([]string{"Ann", "Ben"}); got != "Ann, Ben cannot be found there" {
		t.Error(got)
	}
}
