package mattermost

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/mattermost/mattermost/server/public/model"
)

func (s *Server) postPost(c *call) (any, *model.AppError) {
	var p model.Post
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	p.SanitizeInput()
	if p.CreateAt != 0 && !s.isAdmin(c.user) {
		p.CreateAt = 0
	}
	if !s.mayInChannel(c.user, s.channels[p.ChannelId], "create_post") {
		return nil, forbidden()
	}
	if s.tokens[c.token].app != "" {
		p.AddProp("from_oauth_app", "true")
	}
	online, err := strconv.ParseBool(c.r.URL.Query().Get("set_online"))
	online = online || err != nil
	made, appErr := s.create(c.user, &p, online, c.pause())
	if appErr != nil {
		return nil, appErr
	}
	if online {
		s.setStatus(c.user, model.StatusOnline)
	}
	c.status = http.StatusCreated
	return made, nil
}

// pause lets a fault hold a post between the reservation of its
// pending_post_id and its storing. The lock is released meanwhile.
func (c *call) pause() func() {
	if c.fault == nil || c.fault.DelayInside <= 0 {
		return nil
	}
	return func() {
		c.s.mu.Unlock()
		defer c.s.mu.Lock()
		c.s.wait(c.r.Context(), c.fault.DelayInside)
	}
}

// Ephemeral is a post that only one user was shown, and that is not stored.
type Ephemeral struct {
	To   string // user id
	From string // user id
	Post *model.Post
}

func (s *Server) postEphemeral(c *call) (any, *model.AppError) {
	var req model.PostEphemeral
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	if req.UserID == "" || req.Post == nil {
		return nil, invalidBody()
	}
	if !s.may(c.user, "create_post_ephemeral") {
		return nil, forbidden()
	}
	p := req.Post
	p.UserId = c.user.Id
	p.SetProps(copyProps(p.GetProps()))
	s.ephemeral(req.UserID, c.user.Id, p)
	c.status = http.StatusCreated
	return p, nil
}

// readable returns the post named in the path if the caller may read it.
func (c *call) readable(deletedToo bool) (*row, *model.AppError) {
	r := c.s.posts[c.params["post_id"]]
	if r == nil || r.DeleteAt != 0 && !deletedToo {
		return nil, noPost()
	}
	if !c.s.mayRead(c.user, c.s.channelOf(r)) {
		return nil, forbidden()
	}
	return r, nil
}

func (s *Server) getPost(c *call) (any, *model.AppError) {
	deleted, _ := strconv.ParseBool(c.r.URL.Query().Get("include_deleted"))
	if deleted && !s.isAdmin(c.user) {
		return nil, forbidden()
	}
	r, err := c.readable(deleted)
	if err != nil {
		return nil, err
	}
	p := r.client(s.replies(r))
	if c.fresh(p.Etag()) {
		return notModified{}, nil
	}
	return p, nil
}

// getPostsByIDs leaves out what the caller may not read or does not exist;
// deleted posts come blanked.
func (s *Server) getPostsByIDs(c *call) (any, *model.AppError) {
	ids, err := c.ids()
	if err != nil {
		return nil, err
	}
	if len(ids) > MaxSinceRows {
		return nil, fail("getPostsByIds", "api.post.posts_by_ids.invalid_body.request_error", http.StatusBadRequest)
	}
	slices.Sort(ids)
	posts, found := []*model.Post{}, false
	for _, id := range slices.Compact(ids) {
		r := s.posts[id]
		found = found || r != nil
		if r != nil && s.mayRead(c.user, s.channelOf(r)) {
			posts = append(posts, r.client(s.replies(r)))
		}
	}
	if !found {
		return nil, fail("GetPostsByIds", "app.post.get.app_error", http.StatusNotFound)
	}
	return posts, nil
}

// editable returns the post named in the path if the caller may change it: 403
// also when it is deleted or never was.
func (c *call) editable(change bool) (*row, *model.AppError) {
	s := c.s
	r := s.live(c.params["post_id"])
	if r == nil {
		return nil, forbidden()
	}
	permission := "edit_post"
	if r.UserId != c.user.Id {
		permission = "edit_others_posts"
	}
	if !s.mayInChannel(c.user, s.channelOf(r), permission) {
		return nil, forbidden()
	}
	if limit := s.opts.PostEditTimeLimit; change && limit > 0 && s.now().After(time.UnixMilli(r.CreateAt).Add(limit)) {
		return nil, fail("patchPost", "api.post.update_post.permissions_time_limit.app_error", http.StatusBadRequest)
	}
	return r, nil
}

func (s *Server) patchPost(c *call) (any, *model.AppError) {
	var patch model.PostPatch
	if err := c.decode(&patch); err != nil {
		return nil, err
	}
	r, err := c.editable(patch.Message != nil)
	if err != nil {
		return nil, err
	}
	if s.channelOf(r).DeleteAt != 0 {
		return nil, fail("PatchPost", "api.post.patch_post.can_not_update_post_in_deleted.error", http.StatusBadRequest)
	}
	p := r.Clone()
	p.Patch(&patch)
	return answer(s.update(c.user.Id, r, p.Message, p.GetProps(), p.IsPinned, p.HasReactions, p.FileIds))
}

// putPost replaces message and props as a whole.
func (s *Server) putPost(c *call) (any, *model.AppError) {
	var p model.Post
	if err := c.decode(&p); err != nil {
		return nil, err
	}
	if p.Id != c.params["post_id"] {
		return nil, invalidBody()
	}
	old := s.live(p.Id)
	r, err := c.editable(old != nil && old.Message != p.Message)
	if err != nil {
		return nil, err
	}
	if s.channelOf(r).DeleteAt != 0 {
		return nil, fail("UpdatePost", "api.post.update_post.can_not_update_post_in_deleted.error", http.StatusBadRequest)
	}
	return answer(s.update(c.user.Id, r, p.Message, p.GetProps(), p.IsPinned, p.HasReactions, r.FileIds))
}

func (s *Server) deletePost(c *call) (any, *model.AppError) {
	r := s.live(c.params["post_id"])
	if r == nil {
		return nil, noPost()
	}
	permission := "delete_post"
	if r.UserId != c.user.Id {
		permission = "delete_others_posts"
	}
	ch := s.channelOf(r)
	if !s.mayInChannel(c.user, ch, permission) {
		return nil, forbidden()
	}
	if ch.DeleteAt != 0 {
		return nil, fail("DeletePost", "api.post.delete_post.can_not_delete_post_in_deleted.error", http.StatusBadRequest)
	}
	s.delete(r, c.user.Id)
	return statusOK, nil
}

// answer turns a typed result into that of a handler.
func answer[T any](v T, err *model.AppError) (any, *model.AppError) {
	if err != nil {
		return nil, err
	}
	return v, nil
}
