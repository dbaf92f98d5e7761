package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
)

var (
	al       = User{Server: here.Server, User: "ann"}
	lookedAt = time.UnixMilli(5_000_000)
)

// found is that a user was found to be another one on the other server.
func found(u, other bridge.UserID) Match {
	return Match{User: User{Server: here.Server, User: u}, OtherServer: there.Server, Other: other, Name: string(other), Seen: lookedAt}
}

func (m Match) at(lookedAt time.Time) Match { m.Seen = lookedAt; return m }

func noted(t *testing.T, s *Store, all ...Match) {
	t.Helper()
	for _, m := range all {
		if err := s.NoteMatch(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

// matches gives all that is stored, "ann=anna".
func matches(t *testing.T, s *Store) (all []string) {
	t.Helper()
	for _, u := range []bridge.UserID{"ann", "ben", "eve"} {
		m, ok, err := s.Match(t.Context(), User{Server: here.Server, User: u}, there.Server)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			all = append(all, fmt.Sprint(u, "=", m.Other))
		}
	}
	return all
}

func TestWhoWasFoundIsKnownUntilItExpires(t *testing.T) {
	s, path := fresh(t, Options{})
	noted(t, s, found("ann", "ann2"), found("ben", ""), found("ann", "anna").at(lookedAt.Add(time.Hour)), found("eve", "evita"))
	_ = s.Close()
	s = open(t, path, Options{})
	m, ok, err := s.Match(t.Context(), al, there.Server)
	if diff := cmp.Diff(found("ann", "anna").at(lookedAt.Add(time.Hour)), m); diff != "" || !ok || err != nil {
		t.Error(diff, ok, err)
	}
	if _, ok, err := s.Match(t.Context(), al, "memory:c"); ok || err != nil {
		t.Error("known on another server, too", err)
	}
	for before, want := range map[time.Time][]User{
		lookedAt: nil, lookedAt.Add(time.Minute): {{here.Server, "eve"}}, lookedAt.Add(2 * time.Hour): {al, {here.Server, "eve"}},
	} {
		got, err := s.Matched(t.Context(), before)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(before, diff, err)
		}
	}
	for _, step := range []struct {
		until time.Time
		found bool
		want  []string
	}{{lookedAt.Add(-1), false, []string{"ann=anna", "ben=", "eve=evita"}}, {lookedAt, true, []string{"ann=anna"}}, {lookedAt.Add(time.Hour), true, nil}} {
		if found, err := s.ExpireMatches(t.Context(), step.until); err != nil || found != step.found {
			t.Fatal(found, err)
		}
		if diff := cmp.Diff(step.want, matches(t, s)); diff != "" {
			t.Error(step.until, diff)
		}
	}
}

func TestTwoPeopleAreNeverMatchedWithOne(t *testing.T) {
	s, _ := fresh(t, Options{})
	noted(t, s, found("ann", "anna"), found("eve", "anna"))
	if diff := cmp.Diff([]string{"ann=", "eve=anna"}, matches(t, s)); diff != "" {
		t.Error(diff)
	}
}

func TestConnectingCountsMoreThanMatches(t *testing.T) {
	before := []Match{found("ann", "anna"), found("ben", "bea"), found("eve", "evita")}
	for name, test := range map[string]struct {
		u, v   bridge.UserID
		server string
		want   []string
	}{
		"the two":            {"ann", "anna", "memory:b", []string{"ben=bea", "eve=evita"}},
		"with another":       {"ann", "other", "memory:b", []string{"ben=bea", "eve=evita"}},
		"another with them":  {"ben", "anna", "memory:b", []string{"eve=evita"}},
		"on another server":  {"ann", "al", "memory:c", []string{"ann=anna", "ben=bea", "eve=evita"}},
		"the other's own id": {"other", "anna", "memory:b", []string{"ben=bea", "eve=evita"}},
	} {
		s, _ := fresh(t, Options{})
		noted(t, s, before...)
		if _, err := s.Connect(t.Context(), "", [2]End{end("memory.a", "memory:a", string(test.u)), end("memory."+test.server[7:], test.server, string(test.v))}, 0); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, matches(t, s)); diff != "" {
			t.Error(name, diff)
		}
		// Nor does a look that was under way meanwhile bring them back.
		noted(t, s, before...)
		for _, u := range []bridge.UserID{"ann", "ben", "eve"} {
			m, _, err := s.Match(t.Context(), User{Server: here.Server, User: u}, there.Server)
			if taken := test.server == "memory:b" && (u == test.u || m.Other == test.v); taken && m.Other != "" || err != nil {
				t.Error(name, m, err)
			}
		}
	}
}

func TestTheLaneIsToldWhoTheAuthorIs(t *testing.T) {
	type author struct {
		As, Same bridge.UserID
		Name     string
	}
	connect := func(t *testing.T, s *Store) {
		if _, err := s.Connect(t.Context(), "", [2]End{end("memory.a", "memory:a", "ann"), end("memory.b", "memory:b", "anna")}, 0); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		given func(*testing.T, *Store)
		want  author
	}{
		"nobody":    {func(t *testing.T, s *Store) { noted(t, s, found("ann", ""), found("ben", "bea")) }, author{}},
		"elsewhere": {func(t *testing.T, s *Store) { m := found("ann", "anna"); m.OtherServer = "memory:c"; noted(t, s, m) }, author{}},
		"matched":   {func(t *testing.T, s *Store) { noted(t, s, found("ann", "anna")) }, author{Same: "anna", Name: "anna"}},
		"connected": {func(t *testing.T, s *Store) { noted(t, s, found("ann", "anna")); connect(t, s) }, author{As: "anna"}},
		"lost": {func(t *testing.T, s *Store) {
			connect(t, s)
			if ok, err := s.Turn(t.Context(), there.Server, "anna", Connected, Lost, ""); !ok || err != nil {
				t.Fatal(ok, err)
			}
		}, author{Same: "anna"}},
	} {
		s, _ := fresh(t, Options{})
		put(t, s, batch(state("m1", 1, "hello")))
		test.given(t, s)
		next, err := s.Advance(t.Context(), there, nil, 1, simplePlan)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, author{next.Work.As, next.Work.Same, next.Work.SameName}); diff != "" {
			t.Error(name, diff)
		}
	}
}

// A service that loses keys finds a post by its text, with the author's name in it.
func TestWhatIsLookedForBearsTheNameThatWasTried(t *testing.T) {
	for name, test := range map[string]struct{ before, after, want string }{
		"found since":    {"", "anna", ""},
		"lost since":     {"anna", "", "anna"},
		"called anew":    {"anna", "bea", "anna"},
		"as it was":      {"anna", "anna", "anna"},
		"never anything": {"", "", ""},
	} {
		s, path := fresh(t, Options{})
		put(t, s, batch(state("m1", 1, "hello")))
		noted(t, s, found("ann", bridge.UserID(test.before)))
		tried, err := s.Advance(t.Context(), there, nil, 1, simplePlan)
		if err != nil || tried.Step.Op != Post || tried.Work.SameName != test.before {
			t.Fatal(tried, err)
		}
		noted(t, s, found("ann", bridge.UserID(test.after)))
		_ = s.Close()
		s = open(t, path, Options{})
		next, err := s.Advance(t.Context(), there, nil, 1, simplePlan)
		if err != nil || next.Step.Op != Find || next.Work.SameName != test.want {
			t.Errorf("%s: %v called %q (%v), want %q", name, next.Step.Op, next.Work.SameName, err, test.want)
		}
	}
}
