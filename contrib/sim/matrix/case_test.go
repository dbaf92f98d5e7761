package matrix

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/sim/mattermost"
	"causeway/contrib/sim/teams"
)

// The standings of people: who they are to Causeway, and where they want to be notified.
const (
	prefersHere  = "connected, prefers Mattermost"
	prefersThere = "connected, prefers Teams"
	matched      = "matched"
	unknown      = "unknown"
)

// matrixCase is one combination of all that matters, with people of its own: a speaks, b is another one, and c the third of a group.
type matrixCase struct {
	kind   string // self, pair or group
	origin string // here or there: where it begins
	a, b   string // standings

	people  map[string]*person
	channel string
	chat    *teams.Channel
	// said are the ids of a's messages where they were said.
	said map[string]string
}

func (c *matrixCase) String() string {
	return fmt.Sprintf("%s, begun %s, a %s, b %s", c.kind, c.origin, c.a, c.b)
}

// cases are all combinations.
func cases() []*matrixCase {
	var all []*matrixCase
	for _, origin := range []string{"here", "there"} {
		for _, a := range []string{prefersHere, prefersThere, matched, unknown} {
			for _, b := range []string{prefersHere, prefersThere, matched, unknown} {
				all = append(all, &matrixCase{kind: "pair", origin: origin, a: a, b: b}, &matrixCase{kind: "group", origin: origin, a: a, b: b})
			}
		}
	}
	for _, a := range []string{prefersHere, prefersThere} {
		all = append(all, &matrixCase{kind: "self", origin: "here", a: a})
	}
	return all
}

func (c *matrixCase) users() (all []*teams.User) {
	for _, p := range c.people {
		all = append(all, p.there)
	}
	return all
}

// letters are the people, a first.
func (c *matrixCase) letters() []string {
	return map[string][]string{"self": {"a"}, "pair": {"a", "b"}, "group": {"a", "b", "c"}}[c.kind]
}

// standing of somebody; c is always connected.
func (c *matrixCase) standing(letter string) string {
	return map[string]string{"a": c.a, "b": c.b, "c": prefersHere}[letter]
}

func (c *matrixCase) connected(letter string) bool {
	return slices.Contains([]string{prefersHere, prefersThere}, c.standing(letter))
}

// comes makes the people of the nth case.
func (c *matrixCase) comes(w *world, n int) {
	c.people, c.said = map[string]*person{}, map[string]string{}
	for _, letter := range c.letters() {
		p := w.person(fmt.Sprintf("user%d%s", n, letter), fmt.Sprintf("Person %d %s", n, strings.ToUpper(letter)))
		c.people[letter] = p
		switch c.standing(letter) {
		case prefersHere:
			w.connects(p, here)
		case prefersThere:
			w.connects(p, there)
		case matched:
			w.matches(p)
		}
	}
	switch names := c.names(); c.kind {
	case "self":
		c.channel = w.mm.Direct(names[0], names[0]).Id
	case "pair":
		c.channel = w.mm.Direct(names[0], names[1]).Id
	default:
		c.channel = w.mm.Group(names...).Id
	}
	if c.origin == "there" {
		var users []*teams.User
		for _, letter := range c.letters() {
			users = append(users, c.people[letter].there)
		}
		c.chat = w.tenant.AddChat(users...)
	}
}

func (c *matrixCase) names() (all []string) {
	for _, letter := range c.letters() {
		all = append(all, c.people[letter].name)
	}
	return all
}

// says has a say something where it begins: answering is what it answers, file its file.
func (c *matrixCase) says(w *world, text, answering, file string) {
	w.Helper()
	a := c.people["a"]
	var id string
	var err error
	switch {
	case c.origin == "here" && file != "":
		id, err = w.mm.PostFiles(a.name, c.channel, text, mattermost.Attachment{Name: file, Data: []byte("in " + file)})
	case c.origin == "here" && answering != "":
		id, err = w.mm.Reply(a.name, c.said[answering], text)
	case c.origin == "here":
		id, err = w.mm.Post(a.name, c.channel, text)
	default:
		var options []teams.SayOption
		if file != "" {
			f, err := w.teams.PutChatFile(a.there, c.chat, file, []byte("in "+file))
			w.do(err)
			options = append(options, teams.WithFiles(f))
		}
		if answering != "" {
			options = append(options, teams.Quoting(c.said[answering]))
		}
		id, err = w.teams.Say(a.there, c.chat, "<p>"+text+"</p>", options...)
	}
	w.do(err)
	c.said[text] = id
}

func (c *matrixCase) edits(w *world, text, to string) {
	w.Helper()
	if c.origin == "here" {
		w.do(w.mm.Edit(c.people["a"].name, c.said[text], to))
		return
	}
	w.do(w.teams.Edit(c.people["a"].there, c.chat, c.said[text], "<p>"+to+"</p>"))
}

func (c *matrixCase) deletes(w *world, text string) {
	w.Helper()
	if c.origin == "here" {
		w.do(w.mm.Delete(c.people["a"].name, c.said[text]))
		return
	}
	w.do(w.teams.Delete(c.people["a"].there, c.chat, c.said[text]))
}

func (c *matrixCase) reacts(w *world, letter, text, emoji string, on bool) {
	w.Helper()
	p := c.people[letter]
	switch {
	case c.origin == "here" && on:
		w.do(w.mm.React(p.name, c.said[text], emojiNames[emoji]))
	case c.origin == "here":
		w.do(w.mm.Unreact(p.name, c.said[text], emojiNames[emoji]))
	case on:
		w.do(w.teams.React(p.there, c.chat, c.said[text], emoji))
	default:
		w.do(w.teams.Unreact(p.there, c.chat, c.said[text], emoji))
	}
}

func (c *matrixCase) renames(w *world, topic string) {
	w.Helper()
	a := c.people["a"]
	if c.origin == "here" {
		_, _, err := w.mm.Client(w.mm.Token(a.name)).PatchChannel(w.Context(), c.channel, &model.ChannelPatch{Header: &topic})
		w.do(err)
		return
	}
	w.do(w.teams.RenameChat(c.chat, a.there, topic))
}

// answersBack has b say something on the other side, where that conversation is.
func (c *matrixCase) answersBack(w *world) {
	w.Helper()
	b := c.people["b"]
	if c.origin == "there" {
		_, err := w.mm.Post(b.name, c.channel, "back")
		w.do(err)
	} else if chat := c.chatNow(w); chat != nil {
		_, err := w.teams.Say(b.there, chat, "<p>back</p>")
		w.do(err)
	}
}

// changesTheCopy has a change their own copy on the other side.
func (c *matrixCase) changesTheCopy(w *world, text, to string) {
	w.Helper()
	a := c.people["a"]
	if c.origin == "there" {
		for _, p := range w.mm.Posts(c.channel) {
			if p.Text == text && p.Author == a.name {
				w.do(w.mm.Edit(a.name, p.ID, to))
			}
		}
		return
	}
	for _, p := range w.teams.Messages(c.chatNow(w)) {
		if strings.TrimSpace(p.Text) == text && p.Author == a.there {
			w.do(w.teams.Edit(a.there, c.chat, p.ID, "<p>"+to+"</p>"))
		}
	}
}
