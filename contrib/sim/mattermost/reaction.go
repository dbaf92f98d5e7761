package mattermost

import (
	"encoding/json"
	"net/http"

	"github.com/mattermost/mattermost/server/public/model"
)

// react adds a reaction. One that is there already is no error; the post's
// update_at moves all the same.
func (s *Server) react(u *user, r *row, emoji string) (*model.Reaction, *model.AppError) {
	if _, known := model.GetSystemEmojiId(emoji); !known && !s.emoji[emoji] {
		return nil, fail("GetEmojiByName", "app.emoji.get_by_name.no_result", http.StatusNotFound)
	}
	unique := map[string]bool{}
	for _, x := range r.liveReactions() {
		unique[x.EmojiName] = true
	}
	if !unique[emoji] && len(unique) >= MaxUniqueEmoji {
		return nil, fail("SaveReactionForPost", "app.reaction.save.save.too_many_reactions", http.StatusBadRequest)
	}
	c := s.channelOf(r)
	if c.DeleteAt > 0 {
		return nil, fail("SaveReactionForPost", "api.reaction.save.archived_channel.app_error", http.StatusForbidden)
	}
	now := s.nowMillis()
	x := r.reaction(u.Id, emoji)
	if x == nil {
		x = &model.Reaction{UserId: u.Id, PostId: r.Id, EmojiName: emoji, CreateAt: now,
			ChannelId: r.ChannelId, RemoteId: model.NewPointer("")}
		r.reactions = append(r.reactions, x)
	}
	x.UpdateAt, x.DeleteAt = now, 0
	r.HasReactions = true
	c.touch(r, now)
	made := *x
	made.CreateAt = now // the answer shows what was sent, not what was stored before
	s.publishReaction(model.WebsocketEventReactionAdded, r.ChannelId, made)
	return &made, nil
}

// unreact removes a reaction. That there was none is no error, is published,
// and moves update_at too.
func (s *Server) unreact(userID string, r *row, emoji string) *model.AppError {
	c := s.channelOf(r)
	if c.DeleteAt > 0 {
		return fail("DeleteReactionForPost", "api.reaction.delete.archived_channel.app_error", http.StatusForbidden)
	}
	now := s.nowMillis()
	if x := r.reaction(userID, emoji); x != nil {
		x.UpdateAt, x.DeleteAt = now, now
	}
	r.HasReactions = len(r.liveReactions()) > 0
	c.touch(r, now)
	s.publishReaction(model.WebsocketEventReactionRemoved, r.ChannelId, model.Reaction{
		UserId: userID, PostId: r.Id, EmojiName: emoji, UpdateAt: now, RemoteId: model.NewPointer(""),
	})
	return nil
}

func (r *row) reaction(userID, emoji string) *model.Reaction {
	for _, x := range r.reactions {
		if x.UserId == userID && x.EmojiName == emoji {
			return x
		}
	}
	return nil
}

func (s *Server) publishReaction(kind model.WebsocketEventType, channelID string, x model.Reaction) {
	data, err := json.Marshal(x)
	if err != nil {
		panic(err) // a reaction can be encoded
	}
	e := model.NewWebSocketEvent(kind, "", channelID, "", nil, "")
	e.Add("reaction", string(data))
	s.publish(e, nil)
}
