package town

import (
	"context"
	"fmt"
	"slices"

	"github.com/mattermost/mattermost/server/public/model"
)

// Open opens a direct or group channel as a client does.
func (m *Mattermost) Open(ctx context.Context, person string, others []string) (string, error) {
	client := m.clients[person]
	if client == nil {
		return "", ErrNobody
	}
	var channel *model.Channel
	var err error
	if len(others) == 1 {
		channel, _, err = client.CreateDirectChannel(ctx, person, others[0])
	} else {
		channel, _, err = client.CreateGroupChannel(ctx, append([]string{person}, others...))
	}
	if err != nil {
		return "", fmt.Errorf("opening a conversation in Mattermost: %w", err)
	}
	if _, err := m.learn(ctx, person, channel.Id); err != nil {
		return "", err
	}
	return channel.Id, nil
}

// conversation gives one that is known.
func (m *Mattermost) conversation(id string) (Conversation, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.conversations, func(c Conversation) bool { return c.ID == id })
	if i < 0 {
		return Conversation{}, false
	}
	return m.conversations[i], true
}

// learn looks at a channel as somebody who is in it. It is none of the side's (false) unless it is a direct or group channel of our people
// alone: Causeway's bot writes to people, too.
func (m *Mattermost) learn(ctx context.Context, person, id string) (bool, error) {
	m.mu.Lock()
	foreign := m.foreign[id]
	m.mu.Unlock()
	if _, known := m.conversation(id); known || foreign {
		return known, nil
	}
	client := m.clients[person]
	channel, _, err := client.GetChannel(ctx, id, "")
	if err != nil {
		return false, fmt.Errorf("looking at the Mattermost channel %s: %w", id, err)
	}
	var members []string
	if channel.IsGroupOrDirect() {
		all, _, err := client.GetChannelMembers(ctx, id, 0, largestTalk, "")
		if err != nil {
			return false, fmt.Errorf("looking who is in the Mattermost channel %s: %w", id, err)
		}
		for _, one := range all {
			members = append(members, one.UserId)
		}
		slices.SortFunc(members, m.byPlace)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(members) < 2 || slices.ContainsFunc(members, func(id string) bool { return m.clients[id] == nil }) {
		m.foreign[id] = true
		return false, nil
	}
	if !slices.ContainsFunc(m.conversations, func(c Conversation) bool { return c.ID == id }) {
		m.conversations = append(m.conversations, Conversation{ID: id, Name: channel.Header, Kind: kindOf(members), Members: members})
	}
	return true, nil
}

// byPlace orders people as they are offered.
func (m *Mattermost) byPlace(a, b string) int {
	at := func(id string) int { return slices.IndexFunc(m.people, func(p Person) bool { return p.ID == id }) }
	return at(a) - at(b)
}
