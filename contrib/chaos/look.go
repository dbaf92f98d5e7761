package main

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/sim/teams"
)

var (
	tokenIn = regexp.MustCompile(`#c[0-9]+\.`)
	lateIn  = regexp.MustCompile(`\(sent [^)]*\)`)
)

// look reads all places on both sides, as people see them.
func (w *world) look(ctx context.Context) (all []Seen, err error) {
	defer func() {
		for n := range all {
			all[n].held = places[all[n].Place].talk && w.hasLost(all[n].Author)
		}
	}()
	for n, v := range w.places {
		here, err := w.lookInMattermost(ctx, n, v)
		if err != nil {
			return nil, fmt.Errorf("reading %s in Mattermost: %w", v.name, err)
		}
		all = append(append(all, here...), w.lookInTeams(n, v)...)
	}
	return all, nil
}

// saying takes apart a text: what stands before its token, which is the author's name where the relay speaks, and what was said.
func saying(text string) (before, token, said string, late bool) {
	late = lateIn.MatchString(text)
	text = lateIn.ReplaceAllString(text, "")
	token = tokenIn.FindString(text)
	before, said, _ = strings.Cut(text, token)
	said = strings.ReplaceAll(said, "\\", "")
	return strings.TrimSpace(strings.ReplaceAll(before, "*", "")), token, strings.TrimSpace(strings.ReplaceAll(said, "**", "")), late
}

func (w *world) lookInMattermost(ctx context.Context, n int, v *venue) ([]Seen, error) {
	posts, err := w.posts(ctx, w.servers.mattermost.Admin.Client, v.channel, true)
	if err != nil {
		return nil, err
	}
	tokens := map[string]string{}
	for _, p := range posts {
		_, tokens[p.Id], _, _ = saying(p.Message)
	}
	var all []Seen
	for _, p := range posts {
		_, token, text, late := saying(p.Message)
		if token == "" || p.OriginalId != "" { // else what an edit left of the former text
			continue
		}
		s := Seen{Token: token, Place: n, Side: Mattermost, Root: tokens[p.RootId], Text: text, Late: late, At: p.CreateAt, Changed: max(p.CreateAt, p.EditAt), Gone: p.DeleteAt, id: p.Id, account: p.UserId}
		for _, m := range w.members {
			if m.here != nil && m.here.Id == p.UserId {
				s.Author = m.name
			}
		}
		if s.Author == "" {
			name, _ := p.GetProp(model.PostPropsOverrideUsername).(string)
			s.Author = w.spokenFor(name)
		}
		if s.Gone == 0 && p.Metadata != nil {
			if err := w.more(ctx, &s, p); err != nil {
				return nil, err
			}
		}
		all = append(all, s)
	}
	return all, nil
}

// more reads what belongs to a post.
func (w *world) more(ctx context.Context, s *Seen, p *model.Post) error {
	for _, r := range p.Metadata.Reactions {
		s.Emoji = append(s.Emoji, emojiNamed[r.EmojiName])
	}
	slices.Sort(s.Emoji)
	s.Emoji = slices.Compact(s.Emoji)
	var files []string
	for _, f := range p.Metadata.Files {
		w.mu.Lock()
		hash, known := w.hashes[f.Id]
		w.mu.Unlock()
		if !known {
			data, _, err := w.servers.mattermost.Admin.Client.GetFile(ctx, f.Id)
			if err != nil {
				return fmt.Errorf("reading the file %s: %w", f.Name, err)
			}
			hash = hashOf(data)
			w.mu.Lock()
			w.hashes[f.Id] = hash
			w.mu.Unlock()
		}
		files = append(files, hash)
	}
	s.Files = strings.Join(files, ",")
	return nil
}

// posts gives all posts of a channel, oldest first.
func (w *world) posts(ctx context.Context, client *model.Client4, channel string, deleted bool) ([]*model.Post, error) {
	const pageSize = 200
	var posts []*model.Post
	for page := 0; ; page++ {
		list, _, err := client.GetPostsForChannel(ctx, channel, page, pageSize, "", false, deleted)
		if err != nil {
			return nil, err
		}
		for _, id := range list.Order {
			if p := list.Posts[id]; !p.IsSystemMessage() {
				posts = append(posts, p)
			}
		}
		if len(list.Order) < pageSize {
			break
		}
	}
	slices.Reverse(posts)
	return posts, nil
}

func (w *world) lookInTeams(n int, v *venue) (all []Seen) {
	var messages []teams.Message
	for _, chat := range w.chats(v) {
		for _, root := range w.sim.Messages(chat) {
			messages = append(append(messages, root), root.Replies...)
		}
	}
	tokens := map[string]string{}
	for _, m := range messages {
		_, tokens[m.ID], _, _ = saying(teams.PlainText(m.Raw))
	}
	for _, m := range messages {
		name, token, text, late := saying(teams.PlainText(m.Raw))
		if token == "" || m.Author == nil {
			continue
		}
		s := Seen{Token: token, Place: n, Side: Teams, Root: tokens[m.RootID], Text: text, Late: late, At: m.Created.UnixMilli(), Changed: m.Modified.UnixMilli(), id: m.ID, account: m.Author.ID}
		if m.Deleted {
			s.Gone = m.Modified.UnixMilli()
		}
		s.Author = m.Author.Name
		if m.Author == w.relay {
			s.Author = w.called(name)
		}
		for _, r := range m.Reactions {
			s.Emoji = append(s.Emoji, strings.TrimSuffix(r.Emoji, "\ufe0f"))
		}
		slices.Sort(s.Emoji)
		s.Emoji = slices.Compact(s.Emoji)
		var files []string
		for _, f := range m.Files {
			files = append(files, hashOf(bytes.Clone(f.Data)))
		}
		s.Files = strings.Join(files, ",")
		all = append(all, s)
	}
	return all
}

// called tells who is meant by a name that stands before what the relay says: that of their account in Mattermost.
func (w *world) called(name string) string {
	for _, m := range w.members {
		if m.here != nil && m.here.Username == name {
			return m.name
		}
	}
	return name
}

// chats gives the channel, or the chats that have just these people: there should be one.
func (w *world) chats(v *venue) (all []*teams.Channel) {
	if !v.talk {
		return []*teams.Channel{v.chat}
	}
	for _, chat := range w.tenant.Chats() {
		members := chat.Members()
		if len(members) == len(v.people) && !slices.ContainsFunc(v.people, func(n int) bool { return !slices.Contains(members, w.members[n].there) }) {
			all = append(all, chat)
		}
	}
	return all
}

// strangers counts what somebody can see of a place in which they are not.
func (w *world) strangers(ctx context.Context, expected []Expected) (v verdict, err error) {
	in := map[string]int{}
	for _, e := range expected {
		in[e.token()] = e.Place
	}
	sees := func(who int, side Side, text string) {
		for _, token := range tokenIn.FindAllString(text, -1) {
			if n, known := in[token]; known && !slices.Contains(places[n].people, who) {
				v.blame(&v.Strangers, "%s, said in %s, is seen by %s in %s", token, places[n].name, cast[who].name, side)
			}
		}
	}
	for who, m := range w.members {
		if m.here != nil {
			channels, _, err := m.here.Client.GetChannelsForTeamForUser(ctx, w.team.Id, m.here.Id, false, "")
			if err != nil {
				return v, err
			}
			for _, c := range channels {
				posts, err := w.posts(ctx, m.here.Client, c.Id, false)
				if err != nil {
					return v, err
				}
				for _, p := range posts {
					sees(who, Mattermost, p.Message)
				}
			}
		}
		for _, chat := range w.tenant.Chats() {
			if m.there == nil || !slices.Contains(chat.Members(), m.there) {
				continue
			}
			for _, message := range w.sim.Messages(chat) {
				sees(who, Teams, message.Text)
			}
		}
	}
	return v, nil
}
