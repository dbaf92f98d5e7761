package mattermost

import (
	"net/http"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/mattermost/mattermost/server/public/model"
)

// pendingPost remembers which post a pending_post_id made. The key is global:
// neither user nor channel nor text count.
type pendingPost struct {
	postID  string // "" while the post is being made
	expires time.Time
}

// forgetPending empties the cache, as a restart does.
func (s *Server) forgetPending() {
	cache, err := lru.New[string, pendingPost](MaxPendingPosts)
	if err != nil {
		panic(err) // only for a size below one
	}
	s.pending = cache
}

// deduplicate looks a pending_post_id up. It returns the post that was made
// with it, or nil after reserving the key for the post that is to be made now.
// A caller who may not read the former post makes a new one.
func (s *Server) deduplicate(u *user, key string) (*row, *model.AppError) {
	if key == "" {
		return nil, nil
	}
	p, seen := s.pending.Get(key)
	if !seen || !s.now().Before(p.expires) {
		s.pending.Add(key, pendingPost{expires: s.now().Add(PendingPostLife)})
		return nil, nil
	}
	if p.postID == "" {
		return nil, fail("deduplicateCreatePost", "api.post.deduplicate_create_post.pending", http.StatusInternalServerError)
	}
	r := s.live(p.postID)
	if r == nil {
		return nil, fail("deduplicateCreatePost", "api.post.deduplicate_create_post.failed_to_get", http.StatusInternalServerError)
	}
	if !s.mayRead(u, s.channelOf(r)) {
		return nil, nil
	}
	return r, nil
}

// settle notes what became of a reserved key: the post, or nothing, which frees it.
func (s *Server) settle(key string, r *row) {
	switch {
	case key == "":
	case r == nil:
		s.pending.Remove(key)
	default:
		s.pending.Add(key, pendingPost{postID: r.Id, expires: s.now().Add(PendingPostLife)})
	}
}
