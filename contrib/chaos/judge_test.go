package main

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

// well is what both sides show of three things that were said, of which one was deleted.
func well() (expected []Expected, seen []Seen) {
	expected = []Expected{
		{N: 1, Place: 0, Side: Mattermost, Author: "Ann", Text: "about lunch, 1", Emoji: []string{"👍"}, File: "f00d"},
		{N: 2, Place: 0, Side: Mattermost, Author: "Ben", Text: "about trains, 2", Root: 1},
		{N: 3, Place: 1, Side: Teams, Author: "Tom", Text: "about lunch, 3", Deleted: true},
	}
	for n, side := range []Side{Mattermost, Teams} {
		seen = append(seen,
			Seen{Token: "#c1.", Place: 0, Side: side, Author: "Ann", Text: "about lunch, 1", Emoji: []string{"👍"}, Files: "f00d", At: int64(10 + n)},
			Seen{Token: "#c2.", Place: 0, Side: side, Author: "Ben", Text: "about trains, 2", Root: "#c1.", At: int64(20 + n)},
			Seen{Token: "#c3.", Place: 1, Side: side, Author: "Tom", Text: "about lunch, 3", At: 30, Gone: 40})
	}
	return expected, seen
}

// TestTheJudgeFindsEverythingThatIsWrong breaks what both sides show in every way, and wants each counted for what it is.
func TestTheJudgeFindsEverythingThatIsWrong(t *testing.T) {
	minute := time.Minute.Milliseconds()
	for name, c := range map[string]struct {
		breaks func(seen []Seen) []Seen
		want   Sums
	}{
		"nothing":            {func(s []Seen) []Seen { return s }, Sums{}},
		"a copy is missing":  {func(s []Seen) []Seen { return slices.Delete(s, 4, 5) }, Sums{Missing: 1}},
		"the origin is gone": {func(s []Seen) []Seen { s[0].Gone = 50; return s }, Sums{Missing: 1}},
		"a copy is there twice": {func(s []Seen) []Seen {
			return append(s, s[4])
		}, Sums{Doubled: 1}},
		"an echo where it was said": {func(s []Seen) []Seen { return append(s, s[0]) }, Sums{Doubled: 1}},
		"a double was removed in time": {func(s []Seen) []Seen {
			double := s[3]
			double.At, double.Gone = 100, 100+minute
			return append(s, double)
		}, Sums{Repaired: 1}},
		"a double was removed too late": {func(s []Seen) []Seen {
			double := s[3]
			double.At, double.Gone = 100, 101+minute
			return append(s, double)
		}, Sums{Doubled: 1}},
		"the first of two was removed too late": {func(s []Seen) []Seen {
			double := s[3]
			double.At, double.Gone = 1, 12+minute
			return append(s, double)
		}, Sums{Doubled: 1}},
		"for a moment among others": {func(s []Seen) []Seen {
			astray := s[3]
			astray.Place, astray.At, astray.Gone = 1, 10, 20
			return append(s, astray)
		}, Sums{Strangers: 1}},
		"out of order":           {func(s []Seen) []Seen { s[3].At, s[4].At = 22, 21; return s }, Sums{OutOfOrder: 1}},
		"out of order, and late": {func(s []Seen) []Seen { s[3].At, s[4].At, s[3].Late = 22, 21, true; return s }, Sums{Late: 1}},
		"another text":           {func(s []Seen) []Seen { s[3].Text = "about lunch, 0"; return s }, Sums{Wrong: 1}},
		"another author":         {func(s []Seen) []Seen { s[3].Author = "Ben"; return s }, Sums{Wrong: 1}},
		"outside of the thread":  {func(s []Seen) []Seen { s[4].Root = ""; return s }, Sums{Wrong: 1}},
		"a reaction too few":     {func(s []Seen) []Seen { s[3].Emoji = nil; return s }, Sums{Wrong: 1}},
		"a reaction too many":    {func(s []Seen) []Seen { s[4].Emoji = []string{"🎉"}; return s }, Sums{Wrong: 1}},
		"another file":           {func(s []Seen) []Seen { s[3].Files = "beef"; return s }, Sums{Wrong: 1}},
		"in another place":       {func(s []Seen) []Seen { s[4].Place = 1; return s }, Sums{Wrong: 1}},
		"not deleted":            {func(s []Seen) []Seen { s[5].Gone = 0; return s }, Sums{Wrong: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			expected, seen := well()
			v := judge(expected, c.breaks(seen))
			if v.Sums != c.want {
				t.Errorf("%+v, want %+v: %q", v.Sums, c.want, v.wrong)
			}
			if v.broken(false) != (name != "nothing" && c.want.Repaired == 0 && c.want.Late == 0) || v.broken(true) != (name != "nothing" && c.want.Late == 0) {
				t.Errorf("broken: %v, strictly: %v", v.broken(false), v.broken(true))
			}
		})
	}
}

func TestEveryWrongSumBreaksThePromise(t *testing.T) {
	fields := reflect.TypeFor[Sums]()
	for n := range fields.NumField() {
		var s Sums
		reflect.ValueOf(&s).Elem().Field(n).SetInt(1)
		name := fields.Field(n).Name
		if got, want := s.broken(false), name != "Late" && name != "Repaired"; got != want {
			t.Errorf("one %s breaks it: %v, want %v", name, got, want)
		}
		var sum Sums
		sum.add(s)
		if sum != s {
			t.Errorf("%s is not added up", name)
		}
	}
}
