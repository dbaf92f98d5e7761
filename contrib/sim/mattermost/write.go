package mattermost

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mattermost/mattermost/server/public/model"
)

// create makes a post as the real server's CreatePostAsUser does, in its order
// of checks. Pause, when not nil, runs while the pending_post_id is reserved
// and the post not yet stored. The caller holds s.mu.
func (s *Server) create(u *user, p *model.Post, setOnline bool, pause func()) (*model.Post, *model.AppError) {
	c := s.channels[p.ChannelId]
	switch {
	case c == nil:
		return nil, fail("CreatePostAsUser", "api.context.invalid_param.app_error", http.StatusBadRequest)
	case p.IsSystemMessage():
		return nil, fail("CreatePostAsUser", "api.context.invalid_param.app_error", http.StatusBadRequest)
	case c.DeleteAt != 0:
		return nil, fail("createPost", "api.post.create_post.can_not_post_to_deleted.error", http.StatusBadRequest)
	case s.restricted(c):
		return nil, fail("createPost", "api.post.create_post.can_not_post_in_restricted_dm.error", http.StatusBadRequest)
	}
	former, err := s.deduplicate(u, p.PendingPostId)
	if err != nil {
		return nil, err
	}
	if former != nil {
		return former.client(s.replies(former)), nil
	}
	if pause != nil {
		pause()
	}
	r, err := s.save(u, c, p)
	s.settle(p.PendingPostId, r)
	if err != nil {
		return nil, err
	}
	made := r.client(s.replies(r))
	made.PendingPostId = p.PendingPostId
	s.publishPosted(u, c, r, made, setOnline)
	return made, nil
}

// save checks and stores a new post.
func (s *Server) save(u *user, c *channel, p *model.Post) (*row, *model.AppError) {
	r := &row{Post: p.Clone()}
	r.SetProps(copyProps(p.GetProps()))
	r.SanitizeProps()
	if u.IsBot {
		r.AddProp("from_bot", "true")
	}
	if err := s.checkRoot(r); err != nil {
		return nil, err
	}
	if err := s.checkPriority(p); err != nil {
		return nil, err
	}
	r.priority = p.GetPriority()
	if p.Id != "" {
		return nil, fail("CreatePost", "app.post.save.existing.app_error", http.StatusBadRequest)
	}
	r.UserId, r.Id, r.OriginalId = u.Id, model.NewId(), ""
	if r.CreateAt == 0 {
		r.CreateAt = s.nowMillis()
	}
	r.UpdateAt, r.EditAt, r.DeleteAt = r.CreateAt, 0, 0
	r.PreCommit()
	if err := checkRow(r.Post, "app.post.save.app_error"); err != nil {
		return nil, err
	}
	wanted := r.FileIds
	r.FileIds = nil
	s.show(r, u.Id, wanted)
	r.PendingPostId, r.Metadata, r.ReplyCount, r.IsFollowing = "", nil, 0, nil
	s.insert(r)
	c.LastPostAt = max(c.LastPostAt, r.CreateAt)
	if r.RootId == "" {
		c.LastRootPostAt = max(c.LastRootPostAt, r.CreateAt)
	} else {
		c.touch(s.posts[r.RootId], r.CreateAt)
	}
	if !r.IsJoinLeaveMessage() {
		c.TotalMsgCount++
	}
	return r, nil
}

// checkRoot: a reply's root is a live root of the same channel.
func (s *Server) checkRoot(r *row) *model.AppError {
	if r.RootId == "" {
		return nil
	}
	root := s.live(r.RootId)
	switch {
	case root == nil:
		return fail("createPost", "api.post.create_post.root_id.app_error", http.StatusBadRequest)
	case root.ChannelId != r.ChannelId:
		return fail("createPost", "api.post.create_post.channel_root_id.app_error", http.StatusBadRequest)
	case root.RootId != "":
		return fail("createPost", "api.post.create_post.root_id.app_error", http.StatusBadRequest)
	}
	return nil
}

// checkPriority: only what starts a thread has one, where they are switched on (PostPriorityCheckWithApp).
func (s *Server) checkPriority(p *model.Post) *model.AppError {
	priority := p.GetPriority()
	switch {
	case priority == nil:
		return nil
	case s.opts.NoPostPriority:
		return fail("createPost", "api.post.post_priority.priority_post_not_allowed_for_user.request_error", http.StatusForbidden)
	case p.RootId != "":
		return fail("createPost", "api.post.post_priority.priority_post_only_allowed_for_root_post.request_error", http.StatusBadRequest)
	case priority.RequestedAck != nil && *priority.RequestedAck, priority.PersistentNotifications != nil && *priority.PersistentNotifications:
		return fail("", "license_error.feature_unavailable", http.StatusNotImplemented)
	}
	return nil
}

// checkRow is what model and database refuse: too long a message (400), and a
// NUL byte anywhere (500, as PostgreSQL cannot store it).
func checkRow(p *model.Post, nulID string) *model.AppError {
	if utf8.RuneCountInString(p.Message) > MaxPostRunes {
		return fail("Post.IsValid", "model.post.is_valid.message_length.app_error", http.StatusBadRequest)
	}
	if err := p.IsValid(MaxPostRunes); err != nil {
		return err
	}
	if strings.ContainsRune(p.Message, 0) || strings.Contains(model.StringInterfaceToJSON(p.GetProps()), `\u0000`) {
		return fail("CreatePost", nulID, http.StatusInternalServerError)
	}
	return nil
}

func (s *Server) replies(r *row) int64 { return s.channelOf(r).replies(r.threadID()) }

// update stores an edited post: the row keeps its id, and a copy of what it was
// is stored as a row of its own. Every update is published, whether or not the
// text changed; edit_at moves only with the text or the attachments.
func (s *Server) update(by string, r *row, message string, props model.StringInterface, pinned, hasReactions bool, files []string) (*model.Post, *model.AppError) {
	if r.IsSystemMessage() {
		return nil, fail("UpdatePost", "api.post.update_post.system_message.app_error", http.StatusBadRequest)
	}
	now := s.nowMillis()
	changed := r.Clone()
	changed.SetProps(copyProps(props))
	changed.SanitizeProps()
	changed.FileIds = files
	changed.Message, changed.IsPinned, changed.HasReactions, changed.UpdateAt = message, pinned, hasReactions, now
	if message != r.Message || !r.AttachmentsEqual(changed) {
		changed.EditAt = now
	}
	changed.PreCommit()
	if err := checkRow(changed, "app.post.update.app_error"); err != nil {
		return nil, err
	}
	old := &row{Post: r.Clone()}
	old.SetProps(copyProps(r.GetProps()))
	old.OriginalId, old.Id, old.DeleteAt, old.UpdateAt = r.Id, model.NewId(), now, now
	s.insert(old)

	c := s.channelOf(r)
	r.Message, r.IsPinned, r.HasReactions, r.EditAt = changed.Message, pinned, hasReactions, changed.EditAt
	r.Hashtags = changed.Hashtags
	if had := slices.Clone(r.FileIds); !slices.Equal(slices.Sorted(slices.Values(files)), had) {
		s.show(r, by, files)
		if r.EditAt != now && !slices.Equal(r.FileIds, had) {
			r.EditAt = now
		}
	}
	r.SetProps(changed.GetProps())
	c.touch(r, now)
	if root := s.posts[r.RootId]; root != nil && root.UpdateAt < now {
		c.touch(root, now)
	}
	p := r.client(s.replies(r))
	s.publishPost(model.WebsocketEventPostEdited, p, nil, nil)
	return p, nil
}

// delete marks a post, and with a root all rows that name it as their root,
// copies of edits and replies deleted before included. Only the post itself is
// published, as it was.
func (s *Server) delete(r *row, by string) {
	before := r.client(s.replies(r))
	before.Metadata = nil
	now := s.nowMillis()
	c := s.channelOf(r)
	for _, p := range append([]*row{r}, c.threads[r.Id]...) {
		p.DeleteAt = now
		for _, id := range p.FileIds {
			if f := s.files[id]; f != nil {
				f.info.DeleteAt = now
			}
		}
		p.AddProp("deleteBy", by)
		c.touch(p, now)
	}
	if root := s.posts[r.RootId]; root != nil {
		c.touch(root, now)
	}
	data, err := before.ToJSON()
	if err != nil {
		panic(err) // a post that was stored can be encoded
	}
	people := model.NewWebSocketEvent(model.WebsocketEventPostDeleted, "", r.ChannelId, "", nil, "")
	people.Add("post", data)
	people.GetBroadcast().ContainsSanitizedData = true
	s.publish(people, nil)
	admins := model.NewWebSocketEvent(model.WebsocketEventPostDeleted, "", r.ChannelId, "", nil, "")
	admins.Add("post", data)
	admins.Add("delete_by", by)
	admins.GetBroadcast().ContainsSensitiveData = true
	s.publish(admins, nil)
}

// publishPost publishes an event that carries a post as a JSON string.
func (s *Server) publishPost(kind model.WebsocketEventType, p *model.Post, data map[string]any, extra map[string]map[string]any) {
	text, err := p.ToJSON()
	if err != nil {
		panic(err) // a post that was stored can be encoded
	}
	e := model.NewWebSocketEvent(kind, "", p.ChannelId, "", nil, "")
	for k, v := range data {
		e.Add(k, v)
	}
	e.Add("post", text)
	s.publish(e, extra)
}

func (s *Server) publishPosted(u *user, c *channel, r *row, p *model.Post, setOnline bool) {
	display := c.DisplayName
	if c.Type == model.ChannelTypeDirect {
		display = "@" + u.Username
	}
	s.publishPost(model.WebsocketEventPosted, p, map[string]any{
		"channel_type": string(c.Type), "channel_display_name": display, "channel_name": c.Name,
		"sender_name": s.senderName(u, c, p), "team_id": c.TeamId, "set_online": setOnline,
	}, s.mentions(u, c, r))
}

// senderName: an override counts only with from_webhook "true", with the
// setting on, and never in a direct channel.
func (s *Server) senderName(u *user, c *channel, p *model.Post) string {
	if p.IsSystemMessage() {
		return "System"
	}
	if name, ok := p.GetProp("override_username").(string); ok && p.GetProp("from_webhook") == "true" &&
		!s.opts.NoUsernameOverride && c.Type != model.ChannelTypeDirect {
		return name
	}
	return "@" + u.Username
}

// mentions are put only into the copies of those mentioned: by name, by
// @channel, @all, @here, or as the other side of a direct or group channel.
func (s *Server) mentions(u *user, c *channel, r *row) map[string]map[string]any {
	words := strings.FieldsFunc(strings.ToLower(r.Message), func(x rune) bool {
		return !strings.ContainsRune("@._-", x) && (x < '0' || x > '9') && (x < 'a' || x > 'z')
	})
	for i, w := range words {
		words[i] = strings.TrimRight(w, "._-")
	}
	all := slices.ContainsFunc(words, func(w string) bool { return w == "@channel" || w == "@all" || w == "@here" })
	var ids []string
	for _, id := range c.memberIDs() {
		direct := c.Type == model.ChannelTypeDirect || c.Type == model.ChannelTypeGroup
		if id != u.Id && (all || direct || slices.Contains(words, "@"+s.users[id].Username)) {
			ids = append(ids, id)
		}
	}
	out := map[string]map[string]any{}
	for _, id := range ids {
		data, err := json.Marshal([]string{id})
		if err != nil {
			panic(err) // a list of strings can be encoded
		}
		out[id] = map[string]any{"mentions": string(data)}
	}
	return out
}
