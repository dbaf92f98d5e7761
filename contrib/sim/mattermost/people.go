package mattermost

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mattermost/mattermost/server/public/model"
)

// The methods of this file are what people do in their clients. Users are given
// by name or id, channels by id or as team/channel. What the server would
// refuse is returned as an error that wraps a *model.AppError; unknown users
// and channels panic.

// Post lets a user write a message. It returns the post's id.
func (s *Server) Post(who, channel, text string) (string, error) {
	return s.say(who, &model.Post{Message: text}, channel)
}

// PostWith lets a user write a post with root, props, type and pending id of
// the caller's choice.
func (s *Server) PostWith(who, channel string, p *model.Post) (string, error) {
	return s.say(who, p.Clone(), channel)
}

// Reply lets a user answer in the thread that a post begins or belongs to.
func (s *Server) Reply(who, postID, text string) (string, error) {
	s.mu.Lock()
	r := s.live(postID)
	if r == nil {
		s.mu.Unlock()
		return "", fmt.Errorf("replying: %w", noPost())
	}
	channel, root := r.ChannelId, r.threadID()
	s.mu.Unlock()
	return s.say(who, &model.Post{Message: text, RootId: root}, channel)
}

// SlashMe is the command /me: a post of type "me" whose text stands between
// asterisks.
func (s *Server) SlashMe(who, channel, text string) (string, error) {
	return s.say(who, &model.Post{Message: "*" + text + "*", Type: model.PostTypeMe, Props: model.StringInterface{"message": text}}, channel)
}

// WebhookPost is a post by an incoming webhook that the user owns, shown under
// another name.
func (s *Server) WebhookPost(owner, channel, name, text string) (string, error) {
	return s.say(owner, &model.Post{Message: text, Props: model.StringInterface{
		"from_webhook": "true", "override_username": name, "webhook_display_name": "hook",
	}}, channel)
}

// SystemPost is a message of the system, as of a changed header.
func (s *Server) SystemPost(who, channel, text string) string {
	var id string
	s.locked(func() {
		id = s.system(s.mustUser(who), s.mustChannel(channel), model.PostTypeHeaderChange, text, nil)
	})
	return id
}

func (s *Server) say(who string, p *model.Post, channel string) (id string, err error) {
	s.locked(func() {
		u, c := s.mustUser(who), s.mustChannel(channel)
		p.ChannelId = c.Id
		if !s.mayInChannel(u, c, "create_post") {
			err = fmt.Errorf("posting: %w", forbidden())
			return
		}
		made, appErr := s.create(u, p, true, nil)
		if appErr != nil {
			err = fmt.Errorf("posting: %w", appErr)
			return
		}
		id = made.Id
	})
	return id, err
}

// Edit lets a user change the text of a post; props stay.
func (s *Server) Edit(who, postID, text string) error {
	return s.onPost("editing", who, postID, "edit_post", "edit_others_posts", func(u *user, r *row) *model.AppError {
		_, err := s.update(u.Id, r, text, r.GetProps(), r.IsPinned, r.HasReactions, r.FileIds)
		return err
	})
}

// EditProps lets a user replace the props of a post.
func (s *Server) EditProps(who, postID string, props model.StringInterface) error {
	return s.onPost("editing", who, postID, "edit_post", "edit_others_posts", func(u *user, r *row) *model.AppError {
		_, err := s.update(u.Id, r, r.Message, props, r.IsPinned, r.HasReactions, r.FileIds)
		return err
	})
}

// Pin pins a post or takes the pin off, which clients are told as an edit.
func (s *Server) Pin(who, postID string, pinned bool) error {
	return s.onPost("pinning", who, postID, "read_channel", "read_channel", func(u *user, r *row) *model.AppError {
		_, err := s.update(u.Id, r, r.Message, r.GetProps(), pinned, r.HasReactions, r.FileIds)
		return err
	})
}

// Delete lets a user delete a post, with its replies if it begins a thread.
func (s *Server) Delete(who, postID string) error {
	return s.onPost("deleting", who, postID, "delete_post", "delete_others_posts", func(u *user, r *row) *model.AppError {
		s.delete(r, u.Id)
		return nil
	})
}

// AddEmoji makes a custom emoji. Its picture cannot be fetched.
func (s *Server) AddEmoji(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.emoji[name] = true
}

// React adds a user's reaction: an emoji name as "thumbsup".
func (s *Server) React(who, postID, emoji string) error {
	return s.onPost("reacting", who, postID, "add_reaction", "add_reaction", func(u *user, r *row) *model.AppError {
		_, err := s.react(u, r, emoji)
		return err
	})
}

// Unreact removes a user's reaction.
func (s *Server) Unreact(who, postID, emoji string) error {
	return s.onPost("removing a reaction", who, postID, "remove_reaction", "remove_reaction", func(u *user, r *row) *model.AppError {
		return s.unreact(u.Id, r, emoji)
	})
}

// Typing tells the members of a channel that a user is typing.
func (s *Server) Typing(who, channel string) {
	s.locked(func() { s.publishTyping(s.mustUser(who).Id, s.mustChannel(channel).Id, "") })
}

// SetStatus sets a user's presence by hand ("dnd", "away", "offline"); "online"
// leaves it to the sockets again.
func (s *Server) SetStatus(who, status string) {
	s.locked(func() {
		u := s.mustUser(who)
		u.manual = false
		s.setStatus(u, status)
		u.manual = status != model.StatusOnline
	})
}

// onPost does something with a live post that the user may do.
func (s *Server) onPost(doing, who, postID, own, others string, do func(*user, *row) *model.AppError) (err error) {
	s.locked(func() {
		u, r := s.mustUser(who), s.live(postID)
		if r == nil {
			err = fmt.Errorf("%s: %w", doing, noPost())
			return
		}
		permission := own
		if r.UserId != u.Id {
			permission = others
		}
		if !s.mayInChannel(u, s.channelOf(r), permission) {
			err = fmt.Errorf("%s: %w", doing, forbidden())
			return
		}
		if s.channelOf(r).DeleteAt != 0 {
			err = fmt.Errorf("%s: %w", doing, errArchived)
			return
		}
		if appErr := do(u, r); appErr != nil {
			err = fmt.Errorf("%s: %w", doing, appErr)
		}
	})
	return err
}

// errArchived: the buttons are missing in the client of an archived channel.
var errArchived = errors.New("the channel is archived")

func toJSON(v any) (string, error) {
	data, err := json.Marshal(v)
	return string(data), err
}
