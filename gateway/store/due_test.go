package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
)

func TestTheStalestAreThoseWhoseTurnItIs(t *testing.T) {
	s, _ := fresh(t, Options{})
	for n, u := range []string{"ann", "bob", "cid", "dan"} {
		e := end("msteams.contoso", "msteams:1", u)
		if _, err := s.Connect(t.Context(), "", [2]End{end("mattermost.hq", "mattermost:1", u), e}, 0); err != nil {
			t.Fatal(err)
		}
		if err := s.Verified(t.Context(), bridge.Profile{Author: bridge.Author{ID: e.User}}, e.Server, time.Unix(int64(100-n), 0)); err != nil {
			t.Fatal(err)
		}
	}
	for u, state := range map[bridge.UserID]IdentityState{"dan": Leaving, "cid": Lost} {
		if _, err := s.Turn(t.Context(), "msteams:1", u, Connected, state, ""); err != nil {
			t.Fatal(err)
		}
	}
	all, count, err := s.Stalest(t.Context(), "msteams.contoso", 2)
	var got []bridge.UserID
	for _, i := range all {
		got = append(got, i.User)
	}
	if diff := cmp.Diff([]bridge.UserID{"cid", "bob"}, got); diff != "" || count != 3 || err != nil {
		t.Error(diff, count, err)
	}
}
