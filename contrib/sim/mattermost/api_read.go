package mattermost

import (
	"fmt"
	"slices"
	"sort"
	"strconv"

	"github.com/mattermost/mattermost/server/public/model"
)

// getPosts reads a channel: what changed since a time, or one page of its live
// posts.
func (s *Server) getPosts(c *call) (any, *model.AppError) {
	q := c.r.URL.Query()
	after, before := q.Get("after"), q.Get("before")
	if after != "" && !model.IsValidId(after) || before != "" && !model.IsValidId(before) {
		return nil, invalidBody()
	}
	since := int64(0)
	if text := q.Get("since"); text != "" {
		var err error
		if since, err = strconv.ParseInt(text, 10, 64); err != nil {
			return nil, invalidBody()
		}
	}
	deleted, _ := strconv.ParseBool(q.Get("include_deleted"))
	if deleted && !s.isAdmin(c.user) {
		return nil, forbidden()
	}
	ch := s.channels[c.params["channel_id"]]
	if ch == nil {
		return nil, noChannel()
	}
	if !s.mayRead(c.user, ch) {
		return nil, forbidden()
	}
	collapsed, _ := strconv.ParseBool(q.Get("collapsedThreads"))
	if since > 0 {
		return s.since(ch, since, collapsed), nil
	}
	if c.fresh(s.etag(ch)) {
		return notModified{}, nil
	}
	page, perPage := c.page()
	return s.pageOf(ch, pageQuery{after: after, before: before, page: page, perPage: perPage, deleted: deleted, collapsed: collapsed}), nil
}

// since lists the rows changed after a time: at most 1000, the oldest changes
// first when there are more, copies left by edits and deleted posts included.
// Roots of changed replies come along outside of the order, unless they
// changed themselves.
func (s *Server) since(c *channel, since int64, collapsed bool) *model.PostList {
	list := newList()
	if c.changed <= since {
		return list
	}
	var rows []*row
	for _, r := range c.rows {
		if r.UpdateAt > since && !(collapsed && r.RootId != "") {
			rows = append(rows, r)
		}
	}
	sort.SliceStable(rows, func(i, j int) bool { return rows[i].UpdateAt < rows[j].UpdateAt })
	if s.opts.DeletedLast {
		sort.SliceStable(rows, func(i, j int) bool {
			a, b := rows[i], rows[j]
			return a.DeleteAt < b.DeleteAt || a.DeleteAt == b.DeleteAt && a.CreateAt < b.CreateAt
		})
	}
	rows = rows[:min(len(rows), MaxSinceRows)]
	taken := map[string]bool{}
	for _, r := range rows {
		taken[r.Id] = true
	}
	for _, r := range slices.Clone(rows) {
		if root := s.posts[r.RootId]; root != nil && !taken[root.Id] {
			taken[root.Id] = true
			rows = append(rows, root)
		}
	}
	sort.Slice(rows, func(i, j int) bool { return newer(rows[i], rows[j]) })
	for _, r := range rows {
		list.AddPost(r.client(c.replies(r.threadID())))
		if r.UpdateAt > since {
			list.AddOrder(r.Id)
		}
	}
	return list
}

type pageQuery struct {
	after, before      string
	page, perPage      int
	deleted, collapsed bool
}

// pageOf lists live posts, newest first: the newest ones, or those next after
// or before a post. The roots and the other live replies of their threads come
// along outside of the order.
func (s *Server) pageOf(c *channel, q pageQuery) *model.PostList {
	list := newList()
	rows := s.around(c, q)
	threads := map[string]bool{}
	for _, r := range rows {
		list.AddPost(r.client(c.replies(r.threadID())))
		list.AddOrder(r.Id)
		if r.RootId != "" {
			threads[r.RootId] = true
		}
		if q.after != "" || q.before != "" { // here the replies of listed roots come too
			threads[r.Id] = true
		}
	}
	if !q.collapsed {
		for _, r := range c.rows {
			if (threads[r.Id] || threads[r.RootId]) && (r.DeleteAt == 0 || q.deleted) && list.Posts[r.Id] == nil {
				list.AddPost(r.client(c.replies(r.threadID())))
			}
		}
	}
	s.addNeighbours(list, c, q)
	return list
}

// around returns the rows of a page, newest first.
func (s *Server) around(c *channel, q pageQuery) []*row {
	pivot := s.posts[q.after+q.before]
	var rows []*row
	for _, r := range c.rows {
		switch {
		case r.DeleteAt != 0 && !q.deleted, q.collapsed && r.RootId != "":
		case q.after != "" && (pivot == nil || r.CreateAt <= pivot.CreateAt):
		case q.after == "" && q.before != "" && (pivot == nil || r.CreateAt >= pivot.CreateAt):
		default:
			rows = append(rows, r)
		}
	}
	sort.Slice(rows, func(i, j int) bool { return newer(rows[i], rows[j]) })
	if q.after == "" {
		return cutPage(rows, q.page, q.perPage)
	}
	slices.Reverse(rows)
	rows = slices.Clone(cutPage(rows, q.page, q.perPage))
	slices.Reverse(rows)
	return rows
}

// addNeighbours sets next_post_id and prev_post_id.
func (s *Server) addNeighbours(list *model.PostList, c *channel, q pageQuery) {
	if len(list.Order) == 0 {
		return
	}
	first, last := s.posts[list.Order[0]], s.posts[list.Order[len(list.Order)-1]]
	for _, r := range c.rows {
		if r.DeleteAt != 0 || q.collapsed && r.RootId != "" {
			continue
		}
		if r.CreateAt > first.CreateAt && (list.NextPostId == "" || newer(s.posts[list.NextPostId], r)) {
			list.NextPostId = r.Id
		}
		if r.CreateAt < last.CreateAt && (list.PrevPostId == "" || newer(r, s.posts[list.PrevPostId])) {
			list.PrevPostId = r.Id
		}
	}
	if q.after != "" && q.page == 0 {
		list.PrevPostId = q.after
	} else if q.after == "" && q.before != "" && q.page == 0 {
		list.NextPostId = q.before
	}
}

// etag changes with every change of a row of the channel.
func (s *Server) etag(c *channel) string {
	at := s.nowMillis()
	if len(c.rows) > 0 {
		at = 0
		for _, r := range c.rows {
			at = max(at, r.UpdateAt)
		}
	}
	return fmt.Sprintf("%s.%d", model.CurrentVersion, at)
}

// getThread lists the live posts of a thread, the asked one first.
func (s *Server) getThread(c *call) (any, *model.AppError) {
	r, err := c.readable(false)
	if err != nil {
		return nil, err
	}
	list := newList()
	rows := s.thread(r.threadID())
	sort.SliceStable(rows, func(i, j int) bool { return newer(rows[j], rows[i]) })
	replies := s.replies(r)
	for _, p := range append([]*row{r}, rows...) {
		if list.Posts[p.Id] == nil {
			list.AddPost(p.client(replies))
			list.AddOrder(p.Id)
		}
	}
	list.HasNext = model.NewPointer(false)
	if c.fresh(list.Etag()) {
		return notModified{}, nil
	}
	return list, nil
}

func newList() *model.PostList {
	list := model.NewPostList()
	list.MakeNonNil()
	return list
}
