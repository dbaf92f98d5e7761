package matrix

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// The second oracle: what becomes of a situation. It is written from the table in README ("Direct and group messages"), apart from the code.

// row is a reason for which a conversation is not carried: the first that fits is it.
type row struct {
	reason string // as people read it; %s are those who are missing
	fits   func(s *situation, who []string) bool
	silent bool // nobody is told
}

func someone(standing string) func(*situation, []string) bool {
	return func(s *situation, who []string) bool {
		return slices.ContainsFunc(who, func(letter string) bool { return s.is(letter) == standing })
	}
}

var rows = []row{
	{"direct and group messages are switched off here", func(s *situation, _ []string) bool { return s.v[switched] == "Enable off" }, true},
	{"group messages are switched off here", func(s *situation, who []string) bool {
		return s.v[switched] == "GroupMessages off" && !among(s.v[kind], "self", "pair")
	}, true},
	{"direct messages are switched off here", func(s *situation, who []string) bool {
		return s.v[switched] == "DirectMessages off" && among(s.v[kind], "self", "pair")
	}, true},
	{"it belongs to a meeting", func(s *situation, _ []string) bool { return s.v[kind] == "meeting" }, false},
	{"it has more people than a group can have there", func(_ *situation, who []string) bool { return len(who) > 8 }, false},
	{"a group needs three people there", func(s *situation, who []string) bool { return len(who) < 3 && !among(s.v[kind], "self", "pair") }, false},
	{"%s: bots have no account there", func(s *situation, who []string) bool { return someone(bot)(s, who) && s.v[kind] == "pair" }, true},
	{"%s: bots have no account there", someone(bot), false},
	{"%s: people of another organisation have no account there", someone(external), false},
	{"%s: guests have no account there", someone(guest), false},
	{"%s: the account is deactivated", someone(deactivated), false},
	{"%s cannot be found there", someone(unknown), false},
	{"nobody has a conversation with themselves there", func(s *situation, _ []string) bool { return s.v[kind] == "self" }, false},
}

// watched: somebody in it is connected, and nothing is switched off as a whole. Nothing of any other conversation is known.
func (s *situation) watched(who []string) bool {
	return s.v[switched] != "Enable off" && slices.ContainsFunc(who, func(letter string) bool { return s.is(letter) == "connected" })
}

// verdict is why a conversation with these people is not carried, with the missing named; carried where there is no reason.
func (s *situation) verdict(who []string) (reason string, carried, silent bool) {
	if !s.watched(who) {
		return "", false, true
	}
	for _, r := range rows {
		if r.fits(s, who) {
			if !strings.Contains(r.reason, "%s") {
				return r.reason, false, r.silent
			}
			return fmt.Sprintf(r.reason, strings.Join(s.missing(who), ", ")), false, r.silent
		}
	}
	return "", true, false
}

// missing are those who have no account on the other side.
func (s *situation) missing(who []string) (all []string) {
	for _, letter := range who {
		if !among(s.is(letter), "connected", lost, matched) {
			all = append(all, letter)
		}
	}
	return all
}

// writer is as whom something of somebody appears on the other side; empty: it does not, or waits.
func (s *situation) writer(letter string) string {
	switch {
	case s.is(letter) == "connected":
		return letter
	case s.v[origin] == "here" || s.v[profile] == "restricted":
		return ""
	case s.v[kind] == "pair":
		return "causeway"
	}
	return "causeway as " + letter
}

func (s *situation) copyOf(m message) (message, bool) {
	letter := m.By
	m.By = s.writer(letter)
	var marks []string
	for _, mark := range m.Marks {
		emoji, who := mark[:len(mark)-2], mark[len(mark)-1:]
		if s.is(who) == "connected" {
			marks = append(marks, emoji+" "+who)
		} else if s.v[origin] == "there" && s.v[profile] == "simple" {
			marks = append(marks, emoji+" causeway")
		}
	}
	m.Marks = marks
	if m.By != letter {
		m.Text = "**" + letter + "**:\n" + m.Text
		if m.Answers != "" {
			m.Answers = "**" + letter + "**:\n" + m.Answers
		}
	}
	return m, m.By != ""
}

// The lines in both groups where people have come or gone.
const (
	leftBehind = "The people in this conversation have changed in Teams."
	goesOn     = "This goes on from the conversation with "
)

// stops is the line in the group of the other side, where people have come or gone because of whom it is carried no more; empty: there is none.
func (s *situation) stops() string {
	_, carried, _ := s.verdict(s.all())
	reason, goes, _ := s.verdict(s.after())
	if len(s.all()) == len(s.after()) || !carried || goes {
		return ""
	}
	if reason == "" {
		reason = "nobody in it has connected"
	}
	return "The people in this conversation have changed in Teams, and with those who are in it now it is not carried: " + reason + ". What is written here does not appear there any more."
}

// stopped is who is told that privately: on the other side those who are connected, where the bot may not say it to all at once, and where people have come or gone those who
// are connected and stay.
func (s *situation) stopped() (all []string) {
	line := s.stops()
	reason, _, silent := s.verdict(s.after())
	for _, letter := range s.all() {
		if line == "" || s.is(letter) != "connected" {
			continue
		}
		if s.v[profile] == "restricted" {
			all = append(all, "here "+letter+": "+line)
		}
		if !silent && slices.Contains(s.after(), letter) {
			all = append(all, "there "+letter+": "+notHere+"Mattermost: "+reason+".")
		}
	}
	return all
}

// expected is what becomes of a situation.
func (s *situation) expected() outcome {
	one, word := message{By: s.voice(), Text: "one"}, message{By: s.speaker(), Text: "word"}
	said := []message{one}
	switch s.v[event] {
	case "reply", "quote":
		said = append(said, message{By: "a", Text: "two", Answers: "one"})
	case "file":
		said = append(said, message{By: "a", Text: "two", Files: []string{"plan.txt: in plan.txt"}})
	case "edit":
		said[0].Text = "one, edited"
	case "delete":
		said = nil
	case "react":
		said[0].Marks = []string{heart + " a"}
	}
	var o outcome
	o.Origin = slices.Clone(said)
	if word.By != "" {
		o.Origin = append(o.Origin, word)
	}
	before, after := s.all(), s.after()
	reason, carried, _ := s.verdict(before)
	for _, m := range said {
		if one, crosses := s.copyOf(m); crosses && carried {
			o.Target = append(o.Target, one)
		}
	}
	o.Reason = reason
	if line := s.stops(); line != "" && s.v[profile] == "simple" {
		o.Target = append(o.Target, message{By: "causeway", Text: line})
	}
	if len(before) != len(after) {
		later, goes, _ := s.verdict(after)
		o.Reason = later
		if carried && goes && s.v[profile] == "simple" {
			o.Target = append(o.Target, message{By: "causeway", Text: leftBehind})
			o.Next = append(o.Next, message{By: "causeway", Text: goesOn})
		}
		if one, crosses := s.copyOf(word); crosses && goes && word.By != "" {
			o.Next = append(o.Next, one)
		}
	} else if one, crosses := s.copyOf(word); crosses && carried && word.By != "" {
		o.Target = append(o.Target, one)
	}
	if s.v[event] == "rename" && carried {
		o.Topic = "plans"
	}
	if strings.Contains(o.Reason, "switched off") {
		o.Reason = "" // the config says so, of all at once
	}
	o.Told = s.toldOf()
	return o
}

// toldOf is who is told what: those who are connected and speak where it is not carried, why, once; those who are not connected and for whom nobody can
// write, that they are not; and who prefers the other side that something waits.
func (s *situation) toldOf() []string {
	all := slices.Concat(s.speaks(s.voice(), s.all()), s.speaks(s.speaker(), s.after()), s.moved(), s.stopped())
	if s.v[event] != "delete" {
		all = append(all, s.shownAside(s.voice(), "one", "")...)
	}
	switch s.v[event] {
	case "quote":
		all = append(all, s.shownAside("a", "> **a**: one two", "")...)
	case "file":
		all = append(all, s.shownAside("a", "two 📎 [plan.txt](link)", "")...)
	case "edit":
		all = append(all, s.shownAside("a", "one, edited", ", edited")...)
	}
	if among(s.v[event], "reply", "quote", "file") {
		all = append(all, s.speaks("a", s.all())...)
	}
	sort.Strings(all)
	return slices.Compact(all)
}

// shownAside is who gets by a direct message of the bot what somebody says for whom nobody can write, where the bot may not write in conversations: all who
// are connected.
func (s *situation) shownAside(letter, text, mark string) (all []string) {
	_, carried, _ := s.verdict(s.all())
	if !carried || s.v[profile] == "simple" || s.v[origin] == "here" || among(s.is(letter), "connected", lost) {
		return nil
	}
	where, others := "to you", len(s.all())-2
	if s.outside() {
		others++
	}
	if others == 1 {
		where = "to you and another one"
	} else if others > 1 {
		where = fmt.Sprintf("to you and %d others", others)
	}
	for _, other := range s.all() {
		if s.is(other) == "connected" {
			all = append(all, fmt.Sprintf("here %s: **%s** %s in Teams%s: %s", other, letter, where, mark, text))
		}
	}
	return all
}

// becomes is what becomes of what a does, in a word: for each situation there is one.
func (s *situation) becomes() string {
	reason, carried, _ := s.verdict(s.all())
	says := among(s.v[event], "new", "reply", "quote", "file", "edit", "delete", "undelete")
	switch {
	case s.v[switched] == "Enable off":
		return "refused: switched off"
	case !s.watched(s.all()):
		return "refused: nobody is connected"
	case !carried:
		return "refused: " + strings.TrimPrefix(reason, strings.Join(s.missing(s.all()), ", "))
	case among(s.v[event], "join", "leave"):
		return "met anew"
	case s.v[event] == "rename":
		return "as a member"
	case s.writer("a") == "a":
		return "as its author"
	case s.writer("a") != "":
		return "by the bot"
	case s.is("a") == lost:
		return "held"
	case s.v[origin] == "here":
		return "refused: not connected"
	case s.v[profile] == "restricted" && says:
		return "by the bot, aside"
	case s.v[profile] == "restricted":
		return "refused: nobody can set it"
	}
	return ""
}

// moved is who is told that the talk goes on elsewhere, where the bot may not say it to all at once.
func (s *situation) moved() (all []string) {
	before, after := s.all(), s.after()
	_, carried, _ := s.verdict(before)
	_, goes, _ := s.verdict(after)
	if len(before) == len(after) || !carried || !goes || s.v[profile] == "simple" {
		return nil
	}
	for line, who := range map[string][]string{leftBehind: before, goesOn: after} {
		for _, letter := range who {
			if s.is(letter) == "connected" {
				all = append(all, "here "+letter+": "+strings.TrimSpace(line))
			}
		}
	}
	return all
}

// speaks is who is told what when somebody speaks among those people.
func (s *situation) speaks(letter string, who []string) (all []string) {
	title := map[string]string{"here": "Teams", "there": "Mattermost"}[s.v[origin]]
	reason, carried, silent := s.verdict(who)
	switch {
	case letter == "":
	case !carried && !silent && s.is(letter) == "connected":
		all = append(all, s.v[origin]+" "+letter+": "+notHere+title+": "+reason+".")
	case carried && s.is(letter) == matched && s.v[origin] == "here":
		all = append(all, "here "+letter+": "+notHere+"Teams"+unable)
		for _, other := range who {
			if other != letter && s.is(other) == "connected" && s.prefers(other) == "there" {
				all = append(all, "there "+other+": "+waits)
			}
		}
	}
	return all
}
