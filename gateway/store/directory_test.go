package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
)

func TestWhoHasLeftIsKnownUntilAllIsDone(t *testing.T) {
	s, path := fresh(t, Options{})
	at := func(n int) time.Time { return time.UnixMilli(int64(n) * 1000) }
	ally := Departure{Server: "msteams:1", User: "ally", HomeServer: "mattermost:1", Home: "alice", Presence: bridge.Disabled, Seen: at(1)}
	bobby := Departure{Server: "msteams:1", User: "bobby", HomeServer: "mattermost:1", Home: "bob", Presence: bridge.Deleted, Seen: at(2)}
	carol := Departure{Server: "mattermost:1", User: "carol", Presence: bridge.Disabled, Seen: at(3)}
	if err := s.DirectoryRead(t.Context(), "msteams.contoso", "mark 1", at(1), []Departure{ally}); err != nil {
		t.Fatal(err)
	}
	if err := s.AllowDepartures(t.Context(), []Departure{ally, carol}, at(2), true); err != nil {
		t.Fatal(err)
	}
	again := ally
	again.Seen, again.Presence = at(9), bridge.Deleted
	if err := s.DirectoryRead(t.Context(), "msteams.contoso", "mark 2", at(2), []Departure{again, bobby}); err != nil {
		t.Fatal(err)
	}
	if err := s.Suspect(t.Context(), carol); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	s = open(t, path, Options{})
	mark, read, err := s.DirectoryMark(t.Context(), "msteams.contoso")
	if mark != "mark 2" || !read.Equal(at(2)) || err != nil {
		t.Error(mark, read, err)
	}
	if mark, read, err := s.DirectoryMark(t.Context(), "msteams.fabrikam"); mark != "" || !read.IsZero() || err != nil {
		t.Error(mark, read, err)
	}
	ally.Presence, ally.Allowed = bridge.Deleted, at(2)
	check := func(want ...Departure) {
		t.Helper()
		got, err := s.Departures(t.Context())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}
	check(ally, bobby, carol)
	bobby.Home, bobby.Allowed = "bob married", at(3)
	if err := s.AllowDepartures(t.Context(), []Departure{bobby}, at(3), false); err != nil { // with consent, which does not count
		t.Fatal(err)
	}
	for _, c := range []struct {
		server bridge.ServerID
		since  time.Time
		want   int
	}{{"mattermost:1", at(1), 0}, {"msteams:1", at(1), 1}, {"msteams:1", at(2), 1}, {"msteams:1", at(3), 0}} {
		if got, err := s.Removals(t.Context(), c.server, c.since); got != c.want || err != nil {
			t.Errorf("%s: %d removals since %v, want %d (%v)", c.server, got, c.since, c.want, err)
		}
	}
	check(ally, bobby, carol)
	if err := s.DropDeparture(t.Context(), ally); err != nil {
		t.Fatal(err)
	}
	check(bobby, carol)
}
