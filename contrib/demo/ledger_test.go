package main

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// at is so many seconds after some moment.
func at(seconds int) time.Time { return time.Unix(1_700_000_000+int64(seconds), 0) }

func original(id, text string) seen {
	return seen{id: id, who: "alice", text: text}
}

func copyOf(id, text string) seen {
	return seen{id: id, who: "alice (Mattermost)", text: text, copied: true}
}

func TestLedgerCountsNothingWhenAllHasCrossed(t *testing.T) {
	l := newLedger()
	l.update(left, []seen{original("1", "hello **you**"), original("2", "and you")}, at(0))
	got := l.update(right, []seen{copyOf("a", "hello you"), copyOf("b", "and you")}, at(2))
	want := []change{
		{where: right, text: "alice (Mattermost): hello you", took: 2 * time.Second, cross: true},
		{where: right, text: "alice (Mattermost): and you", took: 2 * time.Second, cross: true},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(change{})); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if problems := l.problems(); len(problems) > 0 {
		t.Errorf("problems: %q", problems)
	}
}

func TestLedgerFindsWhatIsWrong(t *testing.T) {
	hello, bye := original("1", "hello"), original("2", "bye")
	edited, reacted := hello, hello
	edited.text = "hello!! world"
	reacted.reactions = []string{":tada:"}
	deletedCopy := copyOf("a", "")
	deletedCopy.deleted = true
	for name, c := range map[string]struct {
		left, right []seen
		want        string
	}{
		"missing":           {[]seen{hello, bye}, []seen{copyOf("a", "hello")}, `missing on Teams: "bye"`},
		"doubled":           {[]seen{hello}, []seen{copyOf("a", "hello"), copyOf("b", "hello")}, `doubled or made up on Teams: "hello"`},
		"out of order":      {[]seen{hello, bye}, []seen{copyOf("b", "bye"), copyOf("a", "hello")}, `out of order on Teams: "hello"`},
		"edit missing":      {[]seen{edited}, []seen{copyOf("a", "hello")}, `different on Teams: "hello!! world"`},
		"reaction missing":  {[]seen{reacted}, []seen{copyOf("a", "hello")}, `different on Teams: "hello"`},
		"deleted copy only": {[]seen{hello}, []seen{deletedCopy}, `different on Teams: "hello"`},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger()
			l.update(left, []seen{hello}, at(0))
			if name != "out of order" { // where the copies come the other way round
				l.update(right, []seen{copyOf("a", "hello")}, at(1))
			}
			l.update(left, c.left, at(2))
			l.update(right, c.right, at(3))
			if got := l.problems(); !slices.Equal(got, []string{c.want}) {
				t.Errorf("problems %q, want %q", got, c.want)
			}
		})
	}
}

func TestChangesMadeDuringAnOutageCrossAsOne(t *testing.T) {
	l := newLedger()
	l.update(left, []seen{original("1", "teh release")}, at(0))
	l.update(left, []seen{original("1", "the release")}, at(1))
	gone := original("2", "never mind")
	l.update(left, []seen{original("1", "the release"), gone}, at(2))
	gone.deleted = true
	l.update(left, []seen{original("1", "the release"), gone}, at(3))
	got := l.update(right, []seen{copyOf("a", "the release")}, at(10))
	want := []change{{where: right, text: "alice (Mattermost): the release", took: 10 * time.Second, cross: true}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(change{})); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if problems := l.problems(); len(problems) > 0 {
		t.Errorf("problems: %q", problems)
	}
}

func TestWrapKeepsEveryWord(t *testing.T) {
	want := []string{"one two", "  three", "  abcdefgh", "  ijkl"}
	if got := wrap("one two three abcdefghijkl", 10); !slices.Equal(got, want) {
		t.Errorf("wrapped %q, want %q", got, want)
	}
}
