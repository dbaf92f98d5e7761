package mattermost

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// table serves GET /channels/{id}/posts like Mattermost: since= lists at most a thousand rows, here in an order of the test's
// choice, which the database does not promise.
type table struct {
	rows  []*model.Post // by create_at
	order func([]*model.Post)
}

func (s *table) serve(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	list := model.NewPostList()
	if since := query.Get("since"); since != "" {
		from, _ := strconv.ParseInt(since, 10, 64)
		var changed []*model.Post
		for _, p := range s.rows {
			if p.UpdateAt > from {
				changed = append(changed, p)
			}
		}
		s.order(changed)
		changed = changed[:min(len(changed), sinceLimit)]
		slices.SortFunc(changed, func(a, b *model.Post) int { return int(b.CreateAt - a.CreateAt) })
		for _, p := range changed {
			list.AddPost(p)
			list.AddOrder(p.Id)
		}
	} else {
		size, _ := strconv.Atoi(query.Get("per_page"))
		skip := query.Get("before") != ""
		for _, p := range slices.Backward(s.rows) {
			if skip {
				skip = p.Id != query.Get("before")
				continue
			}
			if p.DeleteAt == 0 && p.OriginalId == "" && len(list.Order) < size {
				list.AddPost(p)
				list.AddOrder(p.Id)
			}
		}
	}
	_ = json.NewEncoder(w).Encode(list)
}

func byUpdate(rows []*model.Post) {
	slices.SortStableFunc(rows, func(a, b *model.Post) int { return int(a.UpdateAt - b.UpdateAt) })
}

// As a table scan finds them: the old ones that were changed first.
func byCreation([]*model.Post) {}

func shuffled(rows []*model.Post) {
	random := rand.New(rand.NewPCG(1, 2))
	random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
}

// 2,000 old posts, of which 300 were edited and 50 deleted during the outage, and 2,500 new ones with the copies that edits leave.
func outage() (rows []*model.Post, start int64, want map[string]int64) {
	start, want = 1_000_000, map[string]int64{}
	add := func(p *model.Post) *model.Post { rows = append(rows, p); return p }
	for n := range 2000 {
		at := int64(n + 1)
		p := add(&model.Post{Id: fmt.Sprintf("old%d", n), CreateAt: at, UpdateAt: at})
		if n%6 == 0 && n < 1800 {
			p.UpdateAt, p.EditAt = start+int64(n)*2+1, start+int64(n)*2+1
			want[p.Id] = p.UpdateAt
		}
		if n >= 1900 && n%2 == 0 {
			p.UpdateAt = start + int64(n-1900)*20 + 2
			p.DeleteAt = p.UpdateAt
			want[p.Id] = p.UpdateAt
		}
	}
	for n := range 2500 {
		at := start + int64(n) + 1
		p := add(&model.Post{Id: fmt.Sprintf("new%d", n), CreateAt: at, UpdateAt: at})
		if n%10 == 0 {
			add(&model.Post{Id: fmt.Sprintf("copy%d", n), OriginalId: p.Id, CreateAt: at, UpdateAt: at, DeleteAt: at})
		}
		want[p.Id] = at
	}
	return rows, start, want
}

func TestReadingAMountain(t *testing.T) {
	for _, c := range []struct {
		name  string
		order func([]*model.Post)
		whole bool
	}{
		{"by update_at", byUpdate, true},
		{"by creation", byCreation, true},
		{"shuffled", shuffled, false},
	} {
		rows, start, want := outage()
		s := &table{rows: rows, order: c.order}
		requests := 0
		a := &account{client: testClient(t, func(w http.ResponseWriter, r *http.Request) { requests++; s.serve(w, r) })}
		got, err := a.since(context.Background(), a.client, "c", start)
		if err != nil {
			t.Fatal(err)
		}
		for id, updated := range want {
			p := got.posts[id]
			if c.whole && p == nil || p != nil && p.UpdateAt != updated {
				t.Fatalf("%s: %s is %v, want it as of %d", c.name, id, p, updated)
			}
		}
		// Where no strategy can find everything, it must at least be said, and what is live must be there.
		if lost := len(want) - len(got.posts); lost < 0 || got.unordered == c.whole || lost > 50 {
			t.Errorf("%s: %d posts, want %d; unordered %t", c.name, len(got.posts), len(want), got.unordered)
		}
		if got.until != rows[len(rows)-1].UpdateAt && got.until < start+2500 {
			t.Errorf("%s: read until %d", c.name, got.until)
		}
		previous := int64(0)
		for _, p := range got.oldestFirst() {
			if p.CreateAt < previous {
				t.Fatalf("%s: %s comes too late", c.name, p.Id)
			}
			previous = p.CreateAt
		}
		t.Logf("%s: %d requests", c.name, requests)
	}
}

// A thousand rows of one millisecond must not make the reading stand still.
func TestReadingAThousandPostsOfOneMillisecond(t *testing.T) {
	s := &table{order: byUpdate}
	for n := range 1500 {
		s.rows = append(s.rows, &model.Post{Id: fmt.Sprintf("p%d", n), CreateAt: 5000, UpdateAt: 5000})
	}
	a := &account{client: testClient(t, s.serve)}
	got, err := a.since(context.Background(), a.client, "c", 1000)
	if err != nil || len(got.posts) != 1500 {
		t.Errorf("%d posts (%v), want 1500", len(got.posts), err)
	}
}

func TestCursors(t *testing.T) {
	if at, err := parseCursor(formatCursor(1795465343491)); err != nil || at != 1795465343491 {
		t.Errorf("%d (%v)", at, err)
	}
	for _, bad := range []string{"", "1795465343491", "2:5", "1:", "1:-3", "1:0", "1:x"} {
		if at, err := parseCursor(bad); err == nil {
			t.Errorf("cursor %q is read as %d", bad, at)
		}
	}
}

func TestRevisionsGrow(t *testing.T) {
	a := &account{posts: newSeenPosts(10)}
	put := func(from origin, p *model.Post) (states []bridge.State, doubtful bool) {
		b := &batch{noted: map[string]seen{}, doubtful: map[string]bool{}}
		a.add(b, p, from)
		a.posts.remember(b.states, b.noted)
		return b.states, b.doubtful[p.Id]
	}
	post := func(updated, edited int64, text string) *model.Post {
		return &model.Post{Id: "p", CreateAt: 100, UpdateAt: updated, EditAt: edited, Message: text}
	}
	var last int64
	grows := func(what string, states []bridge.State, doubtful bool) {
		t.Helper()
		if len(states) != 1 || doubtful || states[0].Revision <= last {
			t.Fatalf("%s: %+v (doubtful: %t) after revision %d", what, states, doubtful, last)
		}
		last = states[0].Revision
	}
	nothing := func(what string, want bool, states []bridge.State, doubtful bool) {
		t.Helper()
		if len(states) != 0 || doubtful != want {
			t.Fatalf("%s: %+v (doubtful: %t)", what, states, doubtful)
		}
	}
	s, d := put(fromEvent, post(100, 0, "a"))
	grows("posted", s, d)
	s, d = put(fromEvent, post(100, 0, "a"))
	nothing("posted again", false, s, d)
	s, d = put(fromRead, post(500, 0, "a"))
	nothing("a root moved by a reply", false, s, d)
	s, d = put(fromEvent, post(200, 200, "b"))
	grows("edited", s, d)
	s, d = put(fromEvent, post(100, 0, "a"))
	nothing("a stale event", false, s, d)
	s, d = put(fromEvent, post(200, 200, "c"))
	nothing("an event that may be newer or older", true, s, d)
	s, d = put(fromRead, post(200, 200, "c"))
	grows("what reading says of it", s, d)
	s, d = put(fromRead, post(150, 150, "d"))
	grows("read later with an earlier time", s, d)
	gone := post(150, 150, "d")
	gone.DeleteAt = 150
	s, d = put(fromEvent, gone)
	if len(s) != 1 || d || !s[0].Deleted || s[0].Revision < last {
		t.Fatalf("deleted: %+v", s)
	}
}
