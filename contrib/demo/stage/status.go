package stage

import (
	"fmt"
	"strings"
	"time"

	"causeway/contrib/demo/town"
)

// trouble remembers that something was wrong, for the sentence that says it is over.
type trouble struct {
	last time.Time // when something last began to go wrong; zero: never
}

func (t *trouble) note(on bool) {
	if on {
		t.last = time.Now()
	}
}

// Mood is how things stand, in a word.
type Mood string

// The moods.
const (
	Busy   Mood = "busy"   // it is being set up, or catches up
	Well   Mood = "well"   // all that was said is on both sides
	Upset  Mood = "upset"  // something is wrong on purpose
	Broken Mood = "broken" // something is wrong that should not be
)

// Status says how things stand, for somebody who sees this for the first time.
func (s *Stage) Status(c town.Counts) (Mood, string) {
	s.mu.Lock()
	phase, hadTrouble, talk := s.phase, !s.trouble.last.IsZero(), s.talk
	var wrong []string
	for _, f := range s.faults {
		if s.on[f.Name] {
			wrong = append(wrong, f.Status)
		}
	}
	talking := talk != nil && !talk.done
	s.mu.Unlock()
	program := s.Operator.State()
	switch {
	case c.Doubled > 0 || c.OutOfOrder > 0 || c.Missing > 0:
		return Broken, fmt.Sprintf("Something is not as it should be: %d missing, %d doubled, %d out of order. Please report it, with the log.",
			c.Missing, c.Doubled, c.OutOfOrder)
	case phase == SigningIn:
		return Busy, "Causeway is being signed in to Teams…"
	case phase == Starting && program.Running:
		return Busy, "Causeway is starting…"
	case phase == Connecting && program.Running:
		return Busy, "People connect their accounts…"
	case !program.Running && program.Killed:
		return Upset, "Causeway is killed; nothing crosses. " + waiting(c) + " Go on talking, then start it again."
	case !program.Running:
		return Broken, "Causeway has ended by itself (" + program.Ended + "). Look at its log and config, then start it again."
	case len(wrong) > 0:
		return Upset, upper(strings.Join(wrong, ", and ")) + ". " + waiting(c) + " Nothing is lost."
	case talking:
		return Busy, "Everybody talks. " + waiting(c)
	case c.Waiting > 0:
		return Busy, "Causeway is running and catching up. " + waiting(c)
	case hadTrouble:
		return Well, "All is well again: everything that was said is on both sides, once and in order. Nothing was lost."
	case c.Said == 0:
		return Well, "Causeway is running. Nothing has been said yet: write something on either side."
	}
	return Well, "Causeway is running. Everything that was said is on both sides."
}

// waiting says what has not crossed yet.
func waiting(c town.Counts) string {
	left, right := c.WaitingBy[town.Left], c.WaitingBy[town.Right]
	switch {
	case left == 0 && right == 0:
		return "Nothing is waiting."
	case right == 0:
		return fmt.Sprintf("%s for Teams.", messages(left, "waits", "wait"))
	case left == 0:
		return fmt.Sprintf("%s for Mattermost.", messages(right, "waits", "wait"))
	}
	return fmt.Sprintf("%s for Teams and %d for Mattermost.", messages(left, "waits", "wait"), right)
}

func messages(n int, one, many string) string {
	if n == 1 {
		return "1 message " + one
	}
	return fmt.Sprintf("%d messages %s", n, many)
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
