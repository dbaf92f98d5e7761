package matrix

import (
	"slices"
	"sort"
)

// The oracle says what people see in the end. It is written from what is promised (README, "Direct and group messages"), apart from the code.

// carried: one of them is connected, and nobody is unknown. Graph has no conversation with oneself.
func (c *matrixCase) carried() bool {
	any := false
	for _, letter := range c.letters() {
		any = any || c.connected(letter)
		if c.standing(letter) == unknown {
			return false
		}
	}
	return any && c.kind != "self"
}

// by is as whom something of somebody appears where it is brought; empty: it does not. In Mattermost the bot may write for others.
func (c *matrixCase) by(letter, to string) string {
	switch {
	case !c.carried():
		return ""
	case c.connected(letter):
		return letter
	case to == "here" && c.kind == "group":
		return "causeway as " + letter
	case to == "here":
		return "causeway"
	}
	return ""
}

// copyOf is how a message of somebody appears on a side to which it is brought.
func (c *matrixCase) copyOf(m message, letter, to string) (message, bool) {
	m.By = c.by(letter, to)
	var marks []string
	for _, mark := range m.Marks {
		emoji, who := mark[:len(mark)-2], mark[len(mark)-1:]
		switch {
		case c.connected(who):
			marks = append(marks, emoji+" "+who)
		case to == "here":
			marks = append(marks, emoji+" causeway")
		}
	}
	m.Marks = marks
	if m.By != letter { // the bot writes, with their name in front; in a group that also stands beside it
		m.Text = "**" + letter + "**:\n" + m.Text
		if m.Answers != "" {
			m.Answers = "**" + letter + "**:\n" + m.Answers
		}
	}
	return m, m.By != ""
}

const (
	notHere = "What you write here does not appear in "
	lacks   = " cannot be found there."
	unable  = ": you have not connected your accounts, so nothing can be written in your name there."
	waits   = "Something waits for you in Mattermost: somebody who has not connected has written to you there."
)

// expected is what people see at the end.
func (c *matrixCase) expected() look {
	marks := []string{thumb + " b", heart + " a"}
	if c.kind == "self" {
		marks = []string{heart + " a"}
	}
	sort.Strings(marks)
	three := "three"
	if c.carried() && c.connected("a") {
		three = "three, from the other side"
	}
	origin := []message{
		{By: "a", Text: "one, edited", Marks: marks}, {By: "a", Text: "answer", Answers: "one, edited"},
		{By: "a", Text: "see this", Files: []string{"plan.txt: in plan.txt"}}, {By: "a", Text: three},
	}
	target := map[string]string{"here": "there", "there": "here"}[c.origin]
	var copies []message
	for _, m := range origin {
		if one, crosses := c.copyOf(m, "a", target); crosses {
			copies = append(copies, one)
		}
	}
	// b answers on the other side, where a conversation is.
	if c.kind != "self" && (c.origin == "there" || c.carried()) {
		back := message{By: "b", Text: "back"}
		copies = append(copies, back)
		if one, crosses := c.copyOf(back, "b", c.origin); crosses {
			origin = append(origin, one)
		}
	}
	l := look{Here: origin, There: copies, Told: c.expectedTold()}
	if c.origin == "there" {
		l.Here, l.There = copies, origin
	}
	if c.kind == "group" {
		topics := map[string]*string{"here": &l.HereTopic, "there": &l.ThereTopic}
		*topics[c.origin] = "plans"
		if c.carried() {
			*topics[target] = "plans"
		}
	}
	return l
}

// expectedTold: whoever is connected and speaks where it is not carried is told once; whoever is not connected, and cannot be spoken for, too, and
// those who are connected and prefer the other side that something waits.
func (c *matrixCase) expectedTold() []string {
	var all []string
	missing := ""
	for _, letter := range c.letters() {
		if c.standing(letter) == unknown {
			if missing != "" {
				missing += ", "
			}
			missing += letter
		}
	}
	title := map[string]string{"here": "Teams", "there": "Mattermost"}
	speaks := func(letter, side string) {
		switch {
		case c.kind == "self":
			all = append(all, side+" "+letter+": "+notHere+title[side]+": nobody has a conversation with themselves there.")
		case !c.carried() && missing != "" && c.connected(letter):
			all = append(all, side+" "+letter+": "+notHere+title[side]+": "+missing+lacks)
		case c.carried() && !c.connected(letter) && side == "here": // in Teams nothing can be written for them
			all = append(all, "here "+letter+": "+notHere+"Teams"+unable)
			for _, other := range c.letters() {
				if c.standing(other) == prefersThere {
					all = append(all, "there "+other+": "+waits)
				}
			}
		}
	}
	speaks("a", c.origin)
	if c.kind != "self" && c.origin == "there" {
		speaks("b", "here")
	} else if c.carried() && c.kind != "self" {
		speaks("b", "there")
	}
	slices.Sort(all)
	return slices.Compact(all)
}
