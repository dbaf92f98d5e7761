package teams

import (
	"slices"
	"strings"
)

// AddChat makes a chat of these people: one-on-one of two, a group of more. A chat is a [Channel] without a team: the
// driver's Say, Edit, React and so on take it. Graph shows chats only by notifications so far, there are no routes to
// read them.
func (t *Tenant) AddChat(people ...*User) *Channel {
	t.sim.mu.Lock()
	defer t.sim.mu.Unlock()
	id := "19:" + strings.ReplaceAll(newGUID(), "-", "") + "@thread.v2"
	if len(people) == 2 {
		id = "19:" + people[0].ID + "_" + people[1].ID + "@unq.gbl.spaces"
	}
	c := &Channel{ID: id, Name: "chat", tenant: t, created: t.sim.opts.Now(), messages: map[int64]*message{}, rsc: map[string][]string{}}
	for _, u := range people {
		c.members = append(c.members, member{user: u})
	}
	t.chats = append(t.chats, c)
	return c
}

// GrantRSC gives an app resource-specific permissions in a chat, such as ChatMessage.Read.Chat.
func (c *Channel) GrantRSC(a *App, permissions ...string) {
	c.tenant.sim.mu.Lock()
	defer c.tenant.sim.mu.Unlock()
	if c.rsc == nil {
		c.rsc = map[string][]string{}
	}
	c.rsc[a.ClientID] = append(c.rsc[a.ClientID], permissions...)
}

// chat finds a chat; called with the lock held.
func (t *Tenant) chat(id string) *Channel {
	i := slices.IndexFunc(t.chats, func(c *Channel) bool { return c.ID == id })
	if i < 0 {
		return nil
	}
	return t.chats[i]
}
