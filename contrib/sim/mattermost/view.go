package mattermost

import (
	"slices"
	"sort"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
)

// PostView is a post as people see it in the web client.
type PostView struct {
	ID       string
	Author   string // username of who wrote it
	Shown    string // the name shown: the override where it is honoured, else the username
	Text     string // "" when deleted
	Type     string // "" for an ordinary message, "me", "system_…"
	Root     string // id of the thread's root, "" for a root
	Props    model.StringInterface
	At       time.Time
	Edited   bool
	Deleted  bool
	Pinned   bool
	Reaction map[string][]string // usernames by emoji name, both sorted; nil without any
}

// Posts returns what people see in a channel, oldest first: no deleted posts
// and no system messages. Channel is an id or team/channel.
func (s *Server) Posts(channel string) []PostView {
	return slices.DeleteFunc(s.History(channel), func(p PostView) bool {
		return p.Deleted || len(p.Type) >= 7 && p.Type[:7] == "system_"
	})
}

// History returns all posts of a channel, oldest first: deleted ones and system
// messages too, but no copies left by edits.
func (s *Server) History(channel string) []PostView {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.mustChannel(channel)
	var rows []*row
	for _, r := range c.rows {
		if r.OriginalId == "" {
			rows = append(rows, r)
		}
	}
	sort.SliceStable(rows, func(i, j int) bool { return newer(rows[j], rows[i]) })
	out := make([]PostView, 0, len(rows))
	for _, r := range rows {
		out = append(out, s.view(r))
	}
	return out
}

// Look returns one post, also a deleted one.
func (s *Server) Look(postID string) (PostView, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.posts[postID]
	if r == nil || r.OriginalId != "" {
		return PostView{}, false
	}
	return s.view(r), true
}

// Rows returns the rows of a channel as stored, in the order of writing, copies
// left by edits included.
func (s *Server) Rows(channel string) []*model.Post {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*model.Post
	for _, r := range s.mustChannel(channel).rows {
		p := r.Clone()
		p.SetProps(copyProps(r.GetProps()))
		out = append(out, p)
	}
	return out
}

func (s *Server) view(r *row) PostView {
	author, c := s.users[r.UserId], s.channelOf(r)
	v := PostView{
		ID: r.Id, Author: author.Username, Shown: author.Username, Type: r.Type, Root: r.RootId, At: time.UnixMilli(r.CreateAt),
		Props: copyProps(r.GetProps()), Edited: r.EditAt > 0, Deleted: r.DeleteAt > 0, Pinned: r.IsPinned,
	}
	if name := s.senderName(author, c, r.Post); name != "@"+author.Username {
		v.Shown = name
	}
	if v.Deleted {
		return v
	}
	v.Text = r.Message
	for _, x := range r.liveReactions() {
		if v.Reaction == nil {
			v.Reaction = map[string][]string{}
		}
		v.Reaction[x.EmojiName] = append(v.Reaction[x.EmojiName], s.users[x.UserId].Username)
	}
	for _, names := range v.Reaction {
		slices.Sort(names)
	}
	return v
}

// Muted says whether a member of a channel, by name or id, is told of mentions alone.
func (s *Server) Muted(channel, who string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.mustChannel(channel).members[s.mustUser(who).Id]
	return m != nil && m.NotifyProps[model.MarkUnreadNotifyProp] == model.ChannelMarkUnreadMention
}
