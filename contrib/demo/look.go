package main

import (
	"cmp"
	"slices"
	"strings"

	"causeway/contrib/sim/teams"
)

// seen is a message as people see it on one side.
type seen struct {
	id, root  string
	who, text string
	copied    bool // Causeway wrote it
	deleted   bool
	reactions []string // as that side shows them, each emoji once, sorted
}

// look gives what people see on a side, in the order in which it was said.
func (w *world) look(s side) []seen {
	if s == left {
		return w.lookLeft()
	}
	return w.lookRight()
}

func (w *world) lookLeft() []seen {
	var all []seen
	for _, p := range w.mattermost.History(town) {
		if strings.HasPrefix(p.Type, "system_") {
			continue
		}
		m := seen{id: p.ID, root: p.Root, who: p.Shown, text: p.Text, copied: p.Author == bot, deleted: p.Deleted}
		for name := range p.Reaction {
			m.reactions = append(m.reactions, ":"+name+":")
		}
		slices.Sort(m.reactions)
		all = append(all, m)
	}
	return all
}

func (w *world) lookRight() []seen {
	var messages []teams.Message
	for _, root := range w.teams.Messages(w.team.General) {
		messages = append(append(messages, root), root.Replies...)
	}
	slices.SortStableFunc(messages, func(a, b teams.Message) int {
		return cmp.Or(a.Created.Compare(b.Created), strings.Compare(a.ID, b.ID))
	})
	var all []seen
	for _, t := range messages {
		if t.Author == nil {
			continue
		}
		m := seen{id: t.ID, root: t.RootID, who: t.Author.Name, text: t.Text, copied: t.Author == w.relay, deleted: t.Deleted}
		if name, text, ok := strings.Cut(t.Text, "\n"); ok && m.copied { // the relay's posts begin with the author's name
			m.who, m.text = name, text
		}
		for _, r := range t.Reactions {
			m.reactions = append(m.reactions, r.Emoji)
		}
		slices.Sort(m.reactions)
		m.reactions = slices.Compact(m.reactions)
		all = append(all, m)
	}
	return all
}
