package store

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAMuteIsKeptForEachUserAndChannelUntilItIsDropped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "causeway.db")
	s := open(t, path, Options{})
	a := Mute{Server: "mattermost:1", User: "alice", Channel: "town", Before: "all", State: Muting}
	b := Mute{Server: "mattermost:1", User: "bob", Channel: "town", Before: "mention", State: LeftAlone}
	c := Mute{Server: "mattermost:2", User: "alice", Channel: "town", Before: "all", State: Unmuting}
	for _, m := range []Mute{c, b, a} {
		if err := s.SetMute(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	a.State = Muted
	if err := s.SetMute(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	s = open(t, path, Options{})
	check := func(want ...Mute) {
		t.Helper()
		got, err := s.Mutes(t.Context())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}
	check(a, b, c)
	of, err := s.MutesOf(t.Context(), "mattermost:1", "alice")
	if diff := cmp.Diff([]Mute{a}, of); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for range 2 { // dropping it twice is harmless
		if err := s.DropMute(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	check(b, c)
}
