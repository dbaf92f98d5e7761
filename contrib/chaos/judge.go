package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Seen is something that stands on one side of a place, or did.
type Seen struct {
	Token string
	Place int
	Side  Side
	// Author is under which name it stands. Of somebody for whom the relay speaks that is what is shown.
	Author string
	// Root is the token of what it answers; empty: nothing, or nothing that people have said.
	Root  string
	Text  string
	Emoji []string
	// Files are the hashes of its files, with commas between them.
	Files string
	// Late: it says that it came late.
	Late bool
	// held: in a talk, where nobody else may speak for them, it had to wait until its author had connected again, and others did not wait for that.
	held bool
	// id is its own there, account whose it is there, which is the relay's where that speaks.
	id, account string
	// At is when it was made, Changed when it was changed last, Gone when it was deleted, in milliseconds; Gone 0: it stands there.
	At, Changed, Gone int64
}

// Sums count what is wrong. Late and Repaired are not.
type Sums struct {
	Missing, Doubled, OutOfOrder, Wrong, Strangers int
	// Pending is what Causeway says it still has to do, Quarantined what it has given up, Misbehaved how often it has panicked or ended badly.
	Pending, Quarantined, Misbehaved int
	// Repaired are doubles that Causeway has removed within a minute.
	Repaired int
	// Late are the copies that say so.
	Late int
}

// broken tells whether the promise is broken. With strict, a double counts even where it was repaired.
func (s Sums) broken(strict bool) bool {
	if !strict {
		s.Repaired = 0
	}
	s.Late = 0
	return s != Sums{}
}

func (s *Sums) add(o Sums) {
	s.Missing += o.Missing
	s.Doubled += o.Doubled
	s.OutOfOrder += o.OutOfOrder
	s.Wrong += o.Wrong
	s.Strangers += o.Strangers
	s.Pending += o.Pending
	s.Quarantined += o.Quarantined
	s.Misbehaved += o.Misbehaved
	s.Repaired += o.Repaired
	s.Late += o.Late
}

// repairTime is how soon Causeway must remove a double.
const repairTime = time.Minute

// verdict is what the judge finds.
type verdict struct {
	Sums
	wrong []string
}

func (v *verdict) blame(sum *int, format string, args ...any) {
	*sum++
	v.wrong = append(v.wrong, fmt.Sprintf(format, args...))
}

// judge holds what both sides show against what people have done. Both sides are treated alike: where it was said, too, it must stand once, as its author left it.
func judge(expected []Expected, seen []Seen) *verdict {
	v := &verdict{}
	type where struct {
		token string
		side  Side
	}
	living, gone := map[where][]Seen{}, map[where][]Seen{}
	for _, s := range seen {
		at := where{s.Token, s.Side}
		if s.Gone == 0 {
			living[at] = append(living[at], s)
		} else {
			gone[at] = append(gone[at], s)
		}
	}
	for _, e := range expected {
		for _, side := range []Side{Mattermost, Teams} {
			v.one(e, side, living[where{e.token(), side}], gone[where{e.token(), side}])
		}
	}
	v.order(expected, slices.DeleteFunc(slices.Clone(seen), func(s Seen) bool { return s.held }))
	return v
}

// one judges how something stands on one side.
func (v *verdict) one(e Expected, side Side, living, gone []Seen) {
	name := fmt.Sprintf("%s in %s, said in %s, on the side of %s", e.token(), places[e.Place].name, e.Side, side)
	gone = slices.DeleteFunc(slices.Clone(gone), func(g Seen) bool { // what stands elsewhere still, strangers finds
		if g.Place != e.Place {
			v.blame(&v.Strangers, "%s stood in %s until it was deleted", name, places[g.Place].name)
		}
		return g.Place != e.Place
	})
	switch {
	case e.Deleted && len(living) > 0:
		v.blame(&v.Wrong, "%s was deleted, and stands there", name)
		return
	case e.Deleted:
		return
	case len(living) == 0:
		v.blame(&v.Missing, "%s is missing (%d were deleted)", name, len(gone))
		return
	case len(living) > 1:
		v.blame(&v.Doubled, "%s stands there %d times", name, len(living))
	}
	for _, g := range gone {
		if d := time.Duration(g.Gone-max(g.At, living[0].At)) * time.Millisecond; d > repairTime {
			v.blame(&v.Doubled, "%s stood there twice for %v", name, d)
		} else {
			v.Repaired++
		}
	}
	s := living[0]
	if s.Late {
		v.Late++
	}
	root := ""
	if e.Root > 0 {
		root = token(e.Root)
	}
	for _, one := range []struct{ what, got, want string }{
		{"text", s.Text, e.Text}, {"author", s.Author, e.Author}, {"thread", s.Root, root},
		{"reactions", strings.Join(s.Emoji, " "), strings.Join(e.Emoji, " ")}, {"files", s.Files, e.File}, {"place", places[s.Place].name, places[e.Place].name},
	} {
		if one.got != one.want {
			v.blame(&v.Wrong, "%s has the wrong %s: %q, want %q", name, one.what, one.got, one.want)
		}
	}
}

// order judges the order in which copies were made: that of what was said, by its service's clock. What says that it is late may be behind younger ones.
func (v *verdict) order(expected []Expected, seen []Seen) {
	from := map[string]Side{}
	for _, e := range expected {
		from[e.token()] = e.Side
	}
	at := map[string]int64{} // when it was said
	for _, s := range seen {
		if s.Side == from[s.Token] && (at[s.Token] == 0 || s.At < at[s.Token]) {
			at[s.Token] = s.At
		}
	}
	copies := slices.DeleteFunc(slices.Clone(seen), func(s Seen) bool { return s.Gone != 0 || from[s.Token] == "" || s.Side == from[s.Token] })
	slices.SortStableFunc(copies, func(a, b Seen) int { return cmp.Compare(a.At, b.At) })
	type lane struct {
		place int
		side  Side
	}
	youngest := map[lane]Seen{}
	for _, s := range copies {
		l := lane{s.Place, s.Side}
		before, any := youngest[l]
		if any && at[s.Token] < at[before.Token] && !s.Late && s.At > before.At {
			v.blame(&v.OutOfOrder, "%s stands behind %s in %s on the side of %s, and was said before", s.Token, before.Token, places[s.Place].name, s.Side)
		}
		if !any || at[s.Token] > at[before.Token] {
			youngest[l] = s
		}
	}
}
