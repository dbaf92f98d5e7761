package mattermost

import (
	"net/http"

	"github.com/mattermost/mattermost/server/public/model"
)

// mayOnPost asks for a permission in the channel of a post; of a post that is
// not there, only the system roles count.
func (s *Server) mayOnPost(u *user, postID, permission string) bool {
	if r := s.posts[postID]; r != nil {
		return s.mayInChannel(u, s.channelOf(r), permission)
	}
	return s.may(u, permission)
}

// postReaction adds a reaction of the caller; nobody may react for others.
func (s *Server) postReaction(c *call) (any, *model.AppError) {
	var x model.Reaction
	if err := c.decode(&x); err != nil {
		return nil, err
	}
	if !model.IsValidId(x.UserId) || !model.IsValidId(x.PostId) || x.EmojiName == "" || len(x.EmojiName) > model.EmojiNameMaxLength {
		return nil, fail("saveReaction", "api.reaction.save_reaction.invalid.app_error", http.StatusBadRequest)
	}
	if x.UserId != c.user.Id {
		return nil, fail("saveReaction", "api.reaction.save_reaction.user_id.app_error", http.StatusForbidden)
	}
	if !s.mayOnPost(c.user, x.PostId, "add_reaction") {
		return nil, forbidden()
	}
	r := s.live(x.PostId)
	if r == nil {
		return nil, noPost()
	}
	return answer(s.react(c.user, r, x.EmojiName))
}

// deleteReaction removes a reaction of the caller, or anybody's for an
// administrator.
func (s *Server) deleteReaction(c *call) (any, *model.AppError) {
	if !s.mayOnPost(c.user, c.params["post_id"], "remove_reaction") {
		return nil, forbidden()
	}
	if c.userID() != c.user.Id && !s.may(c.user, "remove_others_reactions") {
		return nil, forbidden()
	}
	r := s.live(c.params["post_id"])
	if r == nil {
		return nil, noPost()
	}
	if err := s.unreact(c.userID(), r, c.params["emoji"]); err != nil {
		return nil, err
	}
	return statusOK, nil
}

func (s *Server) getReactions(c *call) (any, *model.AppError) {
	id := c.params["post_id"]
	if !s.mayOnPost(c.user, id, "read_channel_content") {
		return nil, forbidden()
	}
	if r := s.posts[id]; r != nil {
		return r.liveReactions(), nil
	}
	return []*model.Reaction{}, nil
}

func (s *Server) getReactionsOfPosts(c *call) (any, *model.AppError) {
	var ids []string
	if err := c.decode(&ids); err != nil {
		return nil, err
	}
	out := map[string][]*model.Reaction{}
	for _, id := range ids {
		if !s.mayOnPost(c.user, id, "read_channel_content") {
			return nil, forbidden()
		}
		out[id] = []*model.Reaction{}
		if r := s.posts[id]; r != nil {
			out[id] = r.liveReactions()
		}
	}
	return out, nil
}
