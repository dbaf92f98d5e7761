package mattermost

import (
	"math"
	"net/http"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// TestNoMorePostsAreFetchedThanTellWhoHasSpoken: a few, and many only where those do not reach back to when it is known from.
func TestNoMorePostsAreFetchedThanTellWhoHasSpoken(t *testing.T) {
	var rows []*model.Post
	for n := range 10 {
		rows = append(rows, &model.Post{Id: strconv.Itoa(n), UserId: []string{"ann", "ben", "cyd"}[n/4], CreateAt: int64(n + 1)})
	}
	s := &table{rows: rows}
	for _, c := range []struct {
		since int64
		want  []bridge.UserID
		asked []string
	}{
		{math.MaxInt64, []bridge.UserID{"cyd"}, []string{"3"}},
		{9, []bridge.UserID{"cyd"}, []string{"3"}},
		{8, []bridge.UserID{"cyd"}, []string{"3"}},
		{7, []bridge.UserID{"cyd", "ben"}, []string{"3", "100"}},
		{0, []bridge.UserID{"cyd", "ben", "ann"}, []string{"3", "100"}},
	} {
		var asked []string
		by := testClient(t, func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.URL.Query().Get("per_page"))
			s.serve(w, r)
		})
		got, err := speakers(t.Context(), by, "c", c.since)
		if err != nil || !cmp.Equal(got, c.want) || !cmp.Equal(asked, c.asked) {
			t.Errorf("since %d: %v (%v), asked for %v; want %v, %v", c.since, got, err, asked, c.want, c.asked)
		}
	}
}
