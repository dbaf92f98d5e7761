package town

import (
	"context"
	"regexp"
	"slices"

	"causeway/contrib/sim/teams"
)

// Open gives the chat of these people. Of two there is never more than one, of more the first one is taken.
func (t *Teams) Open(_ context.Context, person string, others []string) (string, error) {
	var people []*teams.User
	for _, id := range append([]string{person}, others...) {
		u := t.user(id)
		if u == nil {
			return "", ErrNobody
		}
		people = append(people, u)
	}
	t.mu.Lock() // two who open the same get one
	defer t.mu.Unlock()
	for _, c := range t.chats() {
		members := c.Members()
		if len(members) == len(people) && !slices.ContainsFunc(people, func(u *teams.User) bool { return !slices.Contains(members, u) }) {
			return c.ID, nil
		}
	}
	return t.options.Tenant.AddChat(people...).ID, nil
}

// chats are those of our people alone: Causeway's relay account tells people things in chats, too.
func (t *Teams) chats() []*teams.Channel {
	return slices.DeleteFunc(t.options.Tenant.Chats(), func(c *teams.Channel) bool {
		return slices.ContainsFunc(c.Members(), func(u *teams.User) bool { return t.user(u.ID) == nil })
	})
}

// isChat tells a chat from a channel.
func (t *Teams) isChat(c *teams.Channel) bool { return !slices.Contains(t.options.Channels, c) }

func (t *Teams) ids(people []*teams.User) []string {
	var out []string
	for _, u := range people {
		out = append(out, u.ID)
	}
	slices.SortFunc(out, func(a, b string) int { return slices.Index(t.members, a) - slices.Index(t.members, b) })
	return out
}

// quoted is how a message in a chat says which one it answers.
var quoted = regexp.MustCompile(`<attachment id="([0-9]+)">`)

// answers gives the message that began what a message in a chat is part of, as far as answers go; empty: it answers none.
func (t *Teams) answers(c *teams.Channel, m teams.Message) string {
	root := ""
	for range longestThread {
		found := quoted.FindStringSubmatch(m.Raw)
		if found == nil {
			break
		}
		above, ok := t.options.Sim.Message(c, found[1])
		if !ok || above.ID >= m.ID { // ids are times; nothing answers what comes later
			break
		}
		root, m = above.ID, above
	}
	return root
}

// longestThread bounds how far an answer to an answer is followed.
const longestThread = 1000

// filled leaves out the empty paragraphs that programs put around an answer.
func filled(nodes []Node) []Node {
	return slices.DeleteFunc(nodes, func(n Node) bool { return n.Tag == "p" && len(n.Kids) == 0 || n.Tag == "" && Plain([]Node{n}) == "" })
}
