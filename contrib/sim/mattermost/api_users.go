package mattermost

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"

	"github.com/mattermost/mattermost/server/public/model"
)

// shown returns a user as another one sees them.
func (s *Server) shown(viewer, u *user) *model.User {
	out := u.DeepCopy()
	if viewer.Id == u.Id {
		out.Sanitize(map[string]bool{})
		return out
	}
	admin := s.isAdmin(viewer)
	out.SanitizeProfile(map[string]bool{"email": !s.opts.HideEmail || admin, "fullname": true,
		"authservice": admin, "passwordupdate": admin}, admin)
	return out
}

func (s *Server) getUser(c *call) (any, *model.AppError) { return s.oneUser(c, c.userParam()) }

func (s *Server) getUserByName(c *call) (any, *model.AppError) {
	return s.oneUser(c, s.names[c.params["username"]])
}

// getUserByEmail also finds deactivated users; with HideEmail it is for
// administrators only.
func (s *Server) getUserByEmail(c *call) (any, *model.AppError) {
	if s.opts.HideEmail && !s.isAdmin(c.user) {
		return nil, forbidden()
	}
	email, err := url.PathUnescape(c.params["email"])
	if err != nil {
		return nil, invalidURL()
	}
	for _, u := range s.users {
		if u.Email == model.NormalizeEmail(email) {
			return s.oneUser(c, u)
		}
	}
	return nil, noUser()
}

func (s *Server) oneUser(c *call, u *user) (any, *model.AppError) {
	if u == nil {
		return nil, noUser()
	}
	if c.fresh(u.Etag(true, !s.opts.HideEmail)) {
		return notModified{}, nil
	}
	return s.shown(c.user, u), nil
}

func (s *Server) getUsersByIDs(c *call) (any, *model.AppError) {
	since, err := strconv.ParseInt(c.r.URL.Query().Get("since"), 10, 64)
	if err != nil {
		since = 0
	}
	return s.manyUsers(c, func(id string) *user {
		if u := s.users[id]; u != nil && u.UpdateAt > since {
			return u
		}
		return nil
	})
}

func (s *Server) getUsersByNames(c *call) (any, *model.AppError) {
	return s.manyUsers(c, func(name string) *user { return s.names[name] })
}

// manyUsers lists the users that exist, by name; unknown ones are left out.
func (s *Server) manyUsers(c *call, find func(string) *user) (any, *model.AppError) {
	keys, err := c.ids()
	if err != nil {
		return nil, err
	}
	slices.Sort(keys)
	out := []*model.User{}
	for _, key := range slices.Compact(keys) {
		if u := find(key); u != nil {
			out = append(out, s.shown(c.user, u))
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Username < out[j].Username })
	return out, nil
}

// getImage draws a picture of one colour that depends on the user.
func (s *Server) getImage(c *call) (any, *model.AppError) {
	u := c.userParam()
	if u == nil {
		return nil, noUser()
	}
	if c.fresh(strconv.FormatInt(u.LastPictureUpdate, 10)) {
		return notModified{}, nil
	}
	img := image.NewPaletted(image.Rect(0, 0, 32, 32), color.Palette{color.RGBA{R: u.Id[0] * 2, G: u.Id[1] * 2, B: u.Id[2] * 2, A: 255}})
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		return nil, fail("getProfileImage", "api.user.get_profile_image.app_error", http.StatusInternalServerError)
	}
	c.header.Set("Content-Type", "image/png")
	c.header.Set("Cache-Control", "max-age=86400, private")
	return raw(buf.Bytes()), nil
}

func (s *Server) getStatus(c *call) (any, *model.AppError) {
	u := c.userParam()
	if u == nil {
		return nil, fail("GetStatus", "app.status.get.missing.app_error", http.StatusNotFound)
	}
	return &model.Status{UserId: u.Id, Status: u.status, Manual: u.manual}, nil
}

// getStatuses answers "offline" for unknown ids.
func (s *Server) getStatuses(c *call) (any, *model.AppError) {
	ids, err := c.ids()
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(ids, func(id string) bool { return len(id) != 26 }) {
		return nil, invalidBody()
	}
	out := []*model.Status{}
	for _, id := range ids {
		out = append(out, &model.Status{UserId: id, Status: s.statusOf(id), Manual: s.users[id] != nil && s.users[id].manual})
	}
	return out, nil
}

func (s *Server) postTyping(c *call) (any, *model.AppError) {
	var req model.TypingRequest
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	if c.userID() != c.user.Id && !s.isAdmin(c.user) {
		return nil, forbidden()
	}
	if !s.mayInChannel(c.user, s.channels[req.ChannelId], "create_post") {
		return nil, forbidden()
	}
	s.publishTyping(c.userID(), req.ChannelId, req.ParentId)
	return statusOK, nil
}

// patchUser changes names: one's own, or others' with edit_other_users.
func (s *Server) patchUser(c *call) (any, *model.AppError) {
	var patch model.UserPatch
	if err := c.decode(&patch); err != nil {
		return nil, err
	}
	u := c.userParam()
	if !s.mayActFor(c.user, u) {
		return nil, forbidden()
	}
	if u == nil {
		return nil, noUser()
	}
	u.Patch(&patch)
	u.UpdateAt = s.nowMillis()
	s.publishUser(u)
	return s.shown(c.user, u), nil
}
