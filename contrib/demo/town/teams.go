package town

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"causeway/contrib/sim/teams"
)

// TeamsOptions say who and what is in the stand-in for Teams.
type TeamsOptions struct {
	Sim          *teams.Sim
	Tenant       *teams.Tenant
	Organisation string
	People       []*teams.User
	Relay        *teams.User // as whom Causeway writes
	Channels     []*teams.Channel
}

// Teams is a Side: the stand-in, in which people act by its driver.
type Teams struct {
	options TeamsOptions
	members []string

	mu   sync.Mutex
	said map[string]bool // ids of what people have said here themselves: everything else is by Causeway, in whose ever name
}

// NewTeams makes the side; all people must be in all channels.
func NewTeams(o TeamsOptions) *Teams {
	t := &Teams{options: o, said: map[string]bool{}}
	for _, u := range o.People {
		t.members = append(t.members, u.ID)
	}
	return t
}

// Service is "Teams".
func (t *Teams) Service() string { return "Teams" }

// Organisation is the team's name.
func (t *Teams) Organisation() string { return t.options.Organisation }

// People are those of the options.
func (t *Teams) People() []Person {
	var out []Person
	for _, u := range t.options.People {
		out = append(out, Person{ID: u.ID, Name: u.Name, Call: u.Name})
	}
	return out
}

// Conversations are the channels and chats.
func (t *Teams) Conversations() []Conversation {
	var out []Conversation
	for _, c := range t.options.Channels {
		out = append(out, Conversation{ID: c.ID, Name: c.Name, Kind: Channel, Members: t.members})
	}
	for _, c := range t.chats() {
		members := t.ids(c.Members())
		out = append(out, Conversation{ID: c.ID, Name: c.Topic(), Kind: kindOf(members), Members: members})
	}
	return out
}

// channel gives a channel or chat.
func (t *Teams) channel(id string) *teams.Channel {
	for _, c := range append(t.chats(), t.options.Channels...) {
		if c.ID == id {
			return c
		}
	}
	return nil
}

func (t *Teams) user(id string) *teams.User {
	for _, u := range t.options.People {
		if u.ID == id {
			return u
		}
	}
	return nil
}

// find gives a person, a channel and those who are mentioned.
func (t *Teams) find(d Draft) (*teams.User, *teams.Channel, []*teams.User, error) {
	user, channel := t.user(d.Person), t.channel(d.Conversation)
	if user == nil || channel == nil {
		return nil, nil, nil, ErrNobody
	}
	var mentioned []*teams.User
	for _, id := range d.Mentions {
		u := t.user(id)
		if u == nil {
			return nil, nil, nil, ErrNobody
		}
		mentioned = append(mentioned, u)
	}
	return user, channel, mentioned, nil
}

// outward is what the town calls a message: the service's ids are unique in their conversation alone.
func outward(conversation, id string) string {
	if id == "" {
		return ""
	}
	return conversation + "/" + id
}

// inward is what the service calls it.
func inward(conversation, id string) string { return strings.TrimPrefix(id, conversation+"/") }

// Say writes a message or a reply.
func (t *Teams) Say(_ context.Context, d Draft) (string, error) {
	user, channel, mentioned, err := t.find(d)
	if err != nil {
		return "", err
	}
	var files []teams.File
	for _, f := range d.Files {
		put := t.options.Sim.PutFile
		if t.isChat(channel) {
			put = t.options.Sim.PutChatFile
		}
		stored, err := put(user, channel, f.Name, f.Data)
		if err != nil {
			return "", fmt.Errorf("storing %s in Teams: %w", f.Name, err)
		}
		files = append(files, stored)
	}
	options, root := []teams.SayOption{teams.Mentioning(mentioned...), teams.WithFiles(files...)}, inward(channel.ID, d.Root)
	t.mu.Lock() // until it is known whose it is
	defer t.mu.Unlock()
	var id string
	switch {
	case root != "" && t.isChat(channel):
		id, err = t.options.Sim.Say(user, channel, d.Text, append(options, teams.Quoting(root))...)
	case root != "":
		id, err = t.options.Sim.Reply(user, channel, root, d.Text, options...)
	default:
		id, err = t.options.Sim.Say(user, channel, d.Text, options...)
	}
	if err != nil {
		return "", err
	}
	id = outward(channel.ID, id)
	t.said[id] = true
	return id, nil
}

// Fetch gives a file by its place among those of the message.
func (t *Teams) Fetch(_ context.Context, conversation, message, file string) (Upload, error) {
	channel := t.channel(conversation)
	if channel == nil {
		return Upload{}, ErrNobody
	}
	m, _ := t.options.Sim.Message(channel, inward(conversation, message))
	i, err := strconv.Atoi(file)
	if err != nil || i < 0 || i >= len(m.Files) || m.Files[i].Data == nil {
		return Upload{}, ErrNoFile
	}
	return Upload{Name: shownFile(i, m.Files[i]).Name, Data: m.Files[i].Data}, nil
}

func shownFile(i int, f teams.SeenFile) File {
	out := File{ID: strconv.Itoa(i), Name: f.Name, Size: f.Size, Picture: PictureType(f.Data) != ""}
	if f.URL == "" {
		out.Name = namedPicture(f.Name, f.Data)
	}
	return out
}

// Edit changes a message's text.
func (t *Teams) Edit(_ context.Context, id string, d Draft) error {
	user, channel, mentioned, err := t.find(d)
	if err != nil {
		return err
	}
	return t.options.Sim.Edit(user, channel, inward(channel.ID, id), d.Text, teams.Mentioning(mentioned...), teams.KeepingRest())
}

// Delete deletes a message; replies to it stay.
func (t *Teams) Delete(_ context.Context, person, conversation, id string) error {
	user, channel, _, err := t.find(Draft{Person: person, Conversation: conversation})
	if err != nil {
		return err
	}
	id = inward(conversation, id)
	if m, ok := t.options.Sim.Message(channel, id); ok && m.Author != user { // an owner of the team could
		return fmt.Errorf("deleting message %s: %w", id, teams.ErrNotAllowed)
	}
	return t.options.Sim.Delete(user, channel, id)
}

// React adds a reaction or takes it back.
func (t *Teams) React(_ context.Context, person, conversation, id, emoji string, on bool) error {
	user, channel, _, err := t.find(Draft{Person: person, Conversation: conversation})
	if err != nil {
		return err
	}
	if _, ok := emojiName(emoji); !ok {
		return fmt.Errorf("reacting in Teams: the page does not offer %q", emoji)
	}
	id = inward(conversation, id)
	if on {
		return t.options.Sim.React(user, channel, id, emoji)
	}
	return t.options.Sim.Unreact(user, channel, id, emoji)
}

// Watch hands over what the driver tells. It may be called once only: a hook of the stand-in stays.
func (t *Teams) Watch(ctx context.Context, see func([]Message)) error {
	type event struct {
		channel *teams.Channel
		id      string
		at      time.Time
	}
	var mu sync.Mutex
	var queue []event
	signal := make(chan struct{}, 1)
	t.options.Sim.OnChange(func(e teams.Event) {
		if t.channel(e.Channel.ID) == nil || ctx.Err() != nil {
			return
		}
		mu.Lock()
		queue = append(queue, event{e.Channel, e.ID, time.Now()})
		mu.Unlock()
		select {
		case signal <- struct{}{}:
		default:
		}
	})
	see(t.everything(time.Now()))
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-signal:
		}
		mu.Lock()
		events := queue
		queue = nil
		mu.Unlock()
		var seen []Message
		for _, e := range events {
			if m, ok := t.options.Sim.Message(e.channel, e.id); ok && m.Author != nil {
				seen = append(seen, t.message(e.channel, m, e.at))
			}
		}
		see(seen)
	}
}

// everything gives all messages, oldest first.
func (t *Teams) everything(at time.Time) []Message {
	var out []Message
	for _, c := range append(t.chats(), t.options.Channels...) {
		for _, root := range t.options.Sim.Messages(c) {
			for _, m := range append([]teams.Message{root}, root.Replies...) {
				if m.Author != nil {
					out = append(out, t.message(c, m, at))
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Message) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.ID, b.ID)) })
	return out
}

// message gives a message as people see it.
func (t *Teams) message(c *teams.Channel, m teams.Message, at time.Time) Message {
	t.mu.Lock()
	own := t.said[outward(c.ID, m.ID)]
	t.mu.Unlock()
	root := m.RootID
	if t.isChat(c) {
		root = t.answers(c, m)
	}
	out := Message{
		Conversation: c.ID, ID: outward(c.ID, m.ID), Root: outward(c.ID, root), Author: m.Author.Name, Copy: !own, Headed: m.Author == t.options.Relay,
		At: m.Created, Seen: at, Edited: m.Edited, Deleted: m.Deleted,
	}
	if t.user(m.Author.ID) != nil {
		out.Person = m.Author.ID
	}
	if m.Deleted {
		return out
	}
	out.Source, out.Body = m.HTML, HTML(m.HTML)
	if m.HTML == "" {
		out.Source, out.Body = m.Text, []Node{{Tag: "p", Kids: []Node{textNode(m.Text)}}}
	}
	if out.Root != "" && t.isChat(c) {
		out.Body = filled(out.Body)
	}
	for i, f := range m.Files {
		out.Files = append(out.Files, shownFile(i, f))
	}
	for _, r := range m.Reactions {
		emoji, by := r.Emoji, ""
		if char, ok := legacyReactions[emoji]; ok {
			emoji = char
		}
		if t.user(r.User.ID) != nil {
			by = r.User.ID
		}
		out.Reactions = withReaction(out.Reactions, emoji, by)
	}
	return out
}
