package town

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
)

// MattermostOptions say where a Mattermost is and who is there.
type MattermostOptions struct {
	URL          string
	Organisation string
	Tokens       []string // of the people, in the order in which they are offered
	Channels     []string // ids; all people must be in all of them
	Causeway     string   // user id of its bot
}

// Mattermost is a Side: a server that is spoken to as its own programs do.
type Mattermost struct {
	options MattermostOptions
	people  []Person
	clients map[string]*model.Client4 // by person
	tokens  map[string]string         // by person

	mu            sync.Mutex
	conversations []Conversation
	foreign       map[string]bool // ids of channels that are none of the side's
}

// NewMattermost asks who the people are and what the channels are called.
func NewMattermost(ctx context.Context, o MattermostOptions) (*Mattermost, error) {
	m := &Mattermost{options: o, clients: map[string]*model.Client4{}, tokens: map[string]string{}, foreign: map[string]bool{}}
	var members []string
	for _, token := range o.Tokens {
		client := model.NewAPIv4Client(o.URL)
		client.HTTPClient = &http.Client{Timeout: 30 * time.Second}
		client.SetToken(token)
		me, _, err := client.GetMe(ctx, "")
		if err != nil {
			return nil, fmt.Errorf("asking Mattermost whose token it is: %w", err)
		}
		m.people = append(m.people, Person{ID: me.Id, Name: me.Username, Call: me.Username})
		m.clients[me.Id], m.tokens[me.Id] = client, token
		members = append(members, me.Id)
	}
	if len(m.people) == 0 {
		return nil, fmt.Errorf("looking at Mattermost: %w", ErrNobody)
	}
	for _, id := range o.Channels {
		channel, _, err := m.clients[members[0]].GetChannel(ctx, id, "")
		if err != nil {
			return nil, fmt.Errorf("looking at the Mattermost channel %s: %w", id, err)
		}
		m.conversations = append(m.conversations, Conversation{ID: id, Name: channel.DisplayName, Kind: Channel, Members: members})
	}
	return m, nil
}

// Service is "Mattermost".
func (m *Mattermost) Service() string { return "Mattermost" }

// Organisation is the team's name.
func (m *Mattermost) Organisation() string { return m.options.Organisation }

// People are the owners of the tokens.
func (m *Mattermost) People() []Person { return slices.Clone(m.people) }

// Conversations are the channels, and the direct and group channels that were seen.
func (m *Mattermost) Conversations() []Conversation {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.conversations)
}

// client gives the client of a person who is in a conversation.
func (m *Mattermost) client(person, conversation string) (*model.Client4, error) {
	c, ok := m.conversation(conversation)
	if !ok || m.clients[person] == nil || !slices.Contains(c.Members, person) {
		return nil, ErrNobody
	}
	return m.clients[person], nil
}

// Type types a command in a conversation, such as "/msteams connect", and gives what is answered to the person alone.
func (m *Mattermost) Type(ctx context.Context, person, conversation, command string) (string, error) {
	client, err := m.client(person, conversation)
	if err != nil {
		return "", err
	}
	answer, _, err := client.ExecuteCommand(ctx, conversation, command)
	if err != nil {
		return "", fmt.Errorf("typing %s in Mattermost: %w", command, err)
	}
	return answer.Text, nil
}

// Token gives that with which a person's programs and browser show who they are.
func (m *Mattermost) Token(person string) string { return m.tokens[person] }

// Say writes a post.
func (m *Mattermost) Say(ctx context.Context, d Draft) (string, error) {
	client, err := m.client(d.Person, d.Conversation)
	if err != nil {
		return "", err
	}
	post := &model.Post{ChannelId: d.Conversation, RootId: d.Root, Message: d.Text}
	for _, f := range d.Files {
		stored, _, err := client.UploadFileAsRequestBody(ctx, f.Data, d.Conversation, f.Name)
		if err != nil {
			return "", fmt.Errorf("storing %s in Mattermost: %w", f.Name, err)
		}
		post.FileIds = append(post.FileIds, stored.FileInfos[0].Id)
	}
	made, _, err := client.CreatePost(ctx, post)
	if err != nil {
		return "", fmt.Errorf("writing in Mattermost: %w", err)
	}
	return made.Id, nil
}

// Fetch asks for a file as somebody who is in the conversation.
func (m *Mattermost) Fetch(ctx context.Context, conversation, message, file string) (Upload, error) {
	c, ok := m.conversation(conversation)
	if !ok {
		return Upload{}, ErrNobody
	}
	client := m.clients[c.Members[0]]
	info, _, err := client.GetFileInfo(ctx, file)
	if err != nil || info.PostId != message || info.ChannelId != conversation {
		return Upload{}, ErrNoFile
	}
	data, _, err := client.GetFile(ctx, file)
	if err != nil {
		return Upload{}, fmt.Errorf("fetching %s from Mattermost: %w", info.Name, err)
	}
	return Upload{Name: info.Name, Data: data}, nil
}

// Edit changes a post's text.
func (m *Mattermost) Edit(ctx context.Context, id string, d Draft) error {
	client, err := m.client(d.Person, d.Conversation)
	if err != nil {
		return err
	}
	if _, _, err := client.PatchPost(ctx, id, &model.PostPatch{Message: &d.Text}); err != nil {
		return fmt.Errorf("editing in Mattermost: %w", err)
	}
	return nil
}

// Delete deletes a post, and with the first of a thread the whole thread.
func (m *Mattermost) Delete(ctx context.Context, person, conversation, id string) error {
	client, err := m.client(person, conversation)
	if err != nil {
		return err
	}
	if _, err := client.DeletePost(ctx, id); err != nil {
		return fmt.Errorf("deleting in Mattermost: %w", err)
	}
	return nil
}

// React adds or takes back one of the emoji that the page offers.
func (m *Mattermost) React(ctx context.Context, person, conversation, id, emoji string, on bool) error {
	client, err := m.client(person, conversation)
	if err != nil {
		return err
	}
	name, ok := emojiName(emoji)
	if !ok {
		return fmt.Errorf("reacting in Mattermost: the page does not offer %q", emoji)
	}
	reaction := &model.Reaction{UserId: person, PostId: id, EmojiName: name}
	if on {
		_, _, err = client.SaveReaction(ctx, reaction)
	} else {
		_, err = client.DeleteReaction(ctx, reaction)
	}
	if err != nil {
		return fmt.Errorf("reacting in Mattermost: %w", err)
	}
	return nil
}

// ownProp is the property by which Causeway's posts are told from those of the person in whose name they are.
const ownProp = "causeway"

// message gives a post as people see it.
func (m *Mattermost) message(p *model.Post, at time.Time) Message {
	out := Message{
		Conversation: p.ChannelId, ID: p.Id, Root: p.RootId, Copy: p.UserId == m.options.Causeway || p.GetProp(ownProp) != nil,
		At: time.UnixMilli(p.CreateAt), Seen: at, Edited: p.EditAt > 0, Deleted: p.DeleteAt > 0,
	}
	for _, someone := range m.people {
		if someone.ID == p.UserId {
			out.Person, out.Author = someone.ID, someone.Name
		}
	}
	if name, ok := p.GetProp(model.PostPropsOverrideUsername).(string); ok && name != "" {
		out.Author = name
	}
	if out.Author == "" {
		out.Author = "causeway"
	}
	if out.Deleted {
		return out
	}
	out.Source, out.Body = p.Message, Markdown(p.Message, m.people)
	if p.Metadata != nil {
		out.Reactions = m.reactions(p.Metadata.Reactions)
		for _, f := range p.Metadata.Files {
			out.Files = append(out.Files, File{ID: f.Id, Name: f.Name, Size: f.Size, Picture: f.IsImage() && f.Extension != "svg"})
		}
	}
	return out
}

// reactions gives the emoji of a post in the order in which they were added.
func (m *Mattermost) reactions(all []*model.Reaction) []Reaction {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b *model.Reaction) int { return int(a.CreateAt - b.CreateAt) })
	var out []Reaction
	for _, r := range all {
		emoji, ok := emojiNamed(r.EmojiName)
		if !ok {
			emoji = ":" + r.EmojiName + ":"
		}
		by := r.UserId
		if m.clients[by] == nil {
			by = ""
		}
		out = withReaction(out, emoji, by)
	}
	return out
}

func withReaction(all []Reaction, emoji, by string) []Reaction {
	for i := range all {
		if bare(all[i].Emoji) == bare(emoji) {
			all[i].By = append(all[i].By, by)
			return all
		}
	}
	return append(all, Reaction{Emoji: emoji, By: []string{by}})
}
