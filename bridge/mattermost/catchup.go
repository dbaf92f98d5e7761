package mattermost

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

const (
	// overlap is how far before the cursor reading goes on: a row may be committed after one with a later
	// update_at, though hardly this much later.
	overlap = 10 * time.Second
	// sinceLimit is how many rows GET …/posts?since= gives at most, in no defined order.
	sinceLimit = 1000
	// pageSize is the largest per_page.
	pageSize = 200
	// lookBack bounds how many pages of old posts are searched for changes when the rows did not come by update_at.
	lookBack = 50
	// putSize is how many states go into one Put.
	putSize = 200
)

// cursorVersion begins a cursor, so that another form can be told apart later.
const cursorVersion = "1:"

func formatCursor(millis int64) string { return cursorVersion + strconv.FormatInt(millis, 10) }

func parseCursor(s string) (int64, error) {
	digits, ok := strings.CutPrefix(s, cursorVersion)
	millis, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || millis <= 0 {
		return 0, fmt.Errorf("cursor %q is not one of this bridge", s)
	}
	return millis, nil
}

// changes are the posts of a channel that changed since some time, each as it looked last.
type changes struct {
	posts map[string]*model.Post
	// rank is the order in which the server listed them: posts of one millisecond have no other.
	rank map[string]int
	// until is up to which update_at nothing is missing.
	until int64
	// unordered: the server gave more rows than it lists at once, and not the first ones; deletions and edits of posts
	// beyond the pages that were searched may be missing.
	unordered bool
	// full: the server had more rows than it lists at once.
	full bool
}

func (c *changes) add(p *model.Post) (fresh bool) {
	old := c.posts[p.Id]
	if old == nil || p.UpdateAt >= old.UpdateAt {
		c.posts[p.Id] = p
	}
	if old == nil {
		c.rank[p.Id] = len(c.rank)
	}
	return old == nil
}

// oldestFirst gives the posts in the order in which they were made.
func (c *changes) oldestFirst() []*model.Post {
	all := make([]*model.Post, 0, len(c.posts))
	for _, p := range c.posts {
		all = append(all, p)
	}
	sort.Slice(all, func(i, j int) bool {
		if all[i].CreateAt != all[j].CreateAt {
			return all[i].CreateAt < all[j].CreateAt
		}
		return c.rank[all[i].Id] < c.rank[all[j].Id]
	})
	return all
}

// Shares of a list by which reading goes on: half of it when lists overlap as they would in the order of update_at, little when
// they do not.
const (
	coarse = 2
	fine   = 20
)

// since reads what changed in a channel after a time in milliseconds: new, edited and deleted posts, and such with other reactions.
//
// The server lists a thousand rows at most and promises no order. With an index they come by update_at; of a small table
// (verified on 11.1 with 4,000 posts) they come as they lie in it, old posts that were changed late among the first. So reading
// goes on from the middle of a list: when the next one brings a row that should have been in the first, it begins anew
// in small steps, since of the rows after a time the earliest lie, if not first, then near to it. What is live is finally compared with
// the pages of posts; for deletions see vanished.
func (a *account) since(ctx context.Context, c *client, channel string, start int64) (*changes, error) {
	found := &changes{posts: map[string]*model.Post{}, rank: map[string]int{}, until: start}
	ordered, err := a.sweep(ctx, c, channel, start, coarse, found)
	if err == nil && !ordered {
		_, err = a.sweep(ctx, c, channel, start, fine, found)
	}
	if err == nil && found.full {
		err = a.compare(ctx, c, channel, start, found)
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}

// sweep reads lists until one is not full. Ordered is false as soon as a coarse one shows that they do not come by update_at.
func (a *account) sweep(ctx context.Context, c *client, channel string, start int64, share int, found *changes) (ordered bool, err error) {
	from := max(start, 1) // 0 would count as absent
	top := int64(0)       // the highest update_at of the list before
	listed := map[string]bool{}
	for {
		list, err := a.listSince(ctx, c, channel, from)
		if err != nil {
			return true, err
		}
		var times []int64
		surprise := false
		// Only what is in Order has changed: Posts also holds the roots of changed replies.
		for _, id := range slices.Backward(list.Order) {
			p := list.Posts[id]
			if p == nil || p.UpdateAt <= from {
				continue
			}
			times = append(times, p.UpdateAt)
			surprise = surprise || !listed[id] && p.UpdateAt < top
			listed[id] = true
			if p.OriginalId == "" { // else what an edit left of the former text
				found.add(p)
			}
		}
		slices.Sort(times)
		if len(times) > 0 {
			top = times[len(times)-1]
			found.until = max(found.until, top)
		}
		switch {
		case surprise && share == coarse:
			found.full = true
			return false, nil
		case len(times) < sinceLimit:
			return true, nil
		}
		found.full = true
		from = max(times[len(times)/share]-1, from+1) // rows of the same millisecond may be missing
	}
}

func (a *account) listSince(ctx context.Context, c *client, channel string, from int64) (*model.PostList, error) {
	query := url.Values{"since": {strconv.FormatInt(from, 10)}, "collapsedThreads": {"false"}}
	var list model.PostList
	answer, err := c.call(ctx, opRead, http.MethodGet, "/channels/"+channel+"/posts?"+query.Encode(), nil, &list)
	if err != nil {
		return nil, fmt.Errorf("reading what is new: %w", err)
	}
	a.clock.sync(answer)
	return &list, nil
}

// compare walks the pages of live posts back to start and adds what is missing from found. When anything was, it goes on into
// older posts, whose edits and reactions may be missing too.
func (a *account) compare(ctx context.Context, c *client, channel string, start int64, found *changes) error {
	known := found.until
	before := ""
	for older := 0; ; {
		page, err := a.page(ctx, c, channel, before, pageSize)
		if err != nil {
			return err
		}
		for _, id := range slices.Backward(page.Order) {
			p := page.Posts[id]
			if p == nil || p.UpdateAt <= start || p.OriginalId != "" {
				continue
			}
			if found.add(p) && p.UpdateAt < known {
				found.unordered = true
			}
		}
		if len(page.Order) < pageSize {
			return nil
		}
		before = page.Order[len(page.Order)-1]
		if oldest := page.Posts[before]; oldest == nil || oldest.CreateAt <= start {
			if older++; !found.unordered || older > lookBack {
				return nil
			}
		}
	}
}

// page reads one page of live posts, the newest first, before a post or from the end.
func (a *account) page(ctx context.Context, c *client, channel, before string, size int) (*model.PostList, error) {
	query := url.Values{"per_page": {strconv.Itoa(size)}, "collapsedThreads": {"false"}, "skipFetchThreads": {"true"}}
	if before != "" {
		query.Set("before", before)
	}
	var list model.PostList
	answer, err := c.call(ctx, opRead, http.MethodGet, "/channels/"+channel+"/posts?"+query.Encode(), nil, &list)
	if err != nil {
		return nil, fmt.Errorf("reading a page of posts: %w", err)
	}
	a.clock.sync(answer)
	return &list, nil
}

// present gives the server's time in milliseconds, behind every post there is.
func (a *account) present(ctx context.Context, c *client, channel string) (int64, error) {
	list, err := a.page(ctx, c, channel, "", 1)
	if err != nil {
		return 0, err
	}
	now := a.clock.now()
	for _, p := range list.Posts {
		// The clock counts whole seconds. A post from the future (administrators may make one) must not count.
		if ahead := p.CreateAt + 1 - now; ahead > 0 && ahead <= 2000 {
			now += ahead
		}
	}
	return now, nil
}

// Find gives the live posts with the draft's key of whoever it is written as, or of anybody. A conversation is read with the bot's token, and with the
// person's where the bot cannot see it.
func (a *account) Find(ctx context.Context, d bridge.Draft, since time.Time) ([]bridge.MessageID, error) {
	channel, err := a.channelOf(d.Conversation)
	if err != nil {
		return nil, err
	}
	me, _, err := a.self()
	if err != nil {
		return nil, err
	}
	writer, from := me.Id, since.Add(-overlap).UnixMilli()
	var found *changes
	look := func(c *client) (err error) {
		found, err = a.since(ctx, c, channel, from)
		return err
	}
	err = a.reading(ctx, channel, look)
	if d.As != "" {
		writer = string(d.As)
		if forbidden(err) {
			err = a.by(ctx, d.As, func(c *client, _ string) error { return look(c) })
		}
	}
	if err != nil {
		return nil, fmt.Errorf("looking for a post: %w", err)
	}
	var ids []bridge.MessageID
	for _, p := range found.oldestFirst() {
		if (p.UserId == writer || d.Anybody) && p.DeleteAt == 0 && d.Key != "" && keyOf(p) == d.Key {
			ids = append(ids, bridge.MessageID(p.Id))
		}
	}
	return ids, nil
}
