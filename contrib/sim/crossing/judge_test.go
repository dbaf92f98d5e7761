package crossing

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"causeway/contrib/sim/teams"
)

// seen is a message as people see it on either side.
type seen struct {
	token, id, root, text string
	ours                  bool // written by Causeway
	deleted               bool
	late                  bool // marked as late
	at                    time.Time
	emoji                 []string // set by the other kind of author
}

var (
	token = regexp.MustCompile(`#[0-9]+\.`)
	// late is how Causeway marks what it was given after a younger one had left.
	late = regexp.MustCompile(`\(sent [^)]*\) `)
)

// look gives what a channel holds, in order, deleted messages too.
func (w *world) look(inTeams bool) []seen {
	if inTeams {
		return w.lookInTeams()
	}
	w.mu.Lock()
	left := slices.Clone(w.left)
	w.mu.Unlock()
	var all []seen
	for _, m := range w.other.Messages(town) {
		s := seen{id: string(m.ID), root: string(m.Root), ours: m.Author.ID == "bot", deleted: m.Deleted}
		if s.ours {
			s.at, left = left[0], left[1:]
		}
		for _, r := range m.Reactions {
			if (r.User == "bot") != s.ours {
				s.emoji = append(s.emoji, r.Emoji)
			}
		}
		all = append(all, s.saying(m.Text))
	}
	return all
}

func (w *world) lookInTeams() (all []seen) {
	for _, root := range w.teams.Messages(w.general) {
		for _, m := range append([]teams.Message{root}, root.Replies...) {
			s := seen{id: m.ID, root: m.RootID, ours: m.Author == w.relay, deleted: m.Deleted, at: m.Created}
			for _, r := range m.Reactions {
				if (r.User == w.relay) != s.ours {
					s.emoji = append(s.emoji, r.Emoji)
				}
			}
			text := teams.PlainText(m.Raw)
			if s.ours {
				_, text, _ = strings.Cut(text, "\n") // the author's name
			}
			all = append(all, s.saying(text))
		}
	}
	slices.SortStableFunc(all, func(a, b seen) int { return a.at.Compare(b.at) })
	return all
}

func (s seen) saying(text string) seen {
	s.token, s.late, s.text = token.FindString(text), late.MatchString(text), late.ReplaceAllString(text, "")
	slices.Sort(s.emoji)
	return s
}

// sums count what is wrong on the way to one side; handedOver what came late because Graph brought it late.
type sums struct{ missing, doubled, undeleted, different, misplaced, outOfOrder, handedOver int }

// judge compares what was said on one side with what stands on the other.
func (w *world) judge(fromTeams bool) (got sums) {
	w.Helper()
	blame := func(sum *int, s seen, what string) {
		*sum++
		w.Logf("%s %s: %+v", s.token, what, s)
	}
	origins, copies := map[string]seen{}, map[string][]seen{}
	for _, s := range w.look(fromTeams) {
		if !s.ours && !s.deleted {
			origins[s.token] = s
		}
	}
	there := w.look(!fromTeams)
	for _, s := range there {
		if s.ours && !s.deleted {
			copies[s.token] = append(copies[s.token], s)
		}
	}
	for _, u := range w.said {
		if u.teams != fromTeams {
			continue
		}
		found, o := copies[u.token], origins[u.token]
		switch {
		case u.deleted && len(found) > 0:
			blame(&got.undeleted, found[0], "was deleted")
		case u.deleted:
		case len(found) == 0:
			blame(&got.missing, o, "is missing")
		case len(found) > 1:
			blame(&got.doubled, found[1], "is there twice")
		case found[0].text != o.text || !slices.Equal(found[0].emoji, o.emoji):
			blame(&got.different, found[0], "differs from "+o.text+" "+strings.Join(o.emoji, ""))
		case u.root == nil && found[0].root != "", u.root != nil && (len(copies[u.root.token]) != 1 || found[0].root != copies[u.root.token][0].id):
			blame(&got.misplaced, found[0], "is in another thread")
		}
	}
	w.inOrder(&got, there, fromTeams)
	return got
}

// inOrder looks at the order of the copies among there. One that is marked as late must have been brought by Graph after a younger
// one had left, and all that were must be marked.
func (w *world) inOrder(got *sums, there []seen, fromTeams bool) {
	w.Helper()
	order := map[string]int{}
	for n, u := range w.said {
		order[u.token] = n
	}
	youngest := -1
	var before []seen
	for _, s := range there {
		n, known := order[s.token]
		if !s.ours || !known {
			continue
		}
		switch overtaken := n < youngest; {
		case overtaken != s.late:
			got.outOfOrder++
			w.Logf("%s is out of order: %t, marked as late: %t", s.token, overtaken, s.late)
		case s.late && fromTeams && w.broughtLate(w.said[n].id, n, before, order):
			got.handedOver++
		case s.late:
			got.outOfOrder++
			w.Logf("%s passes for late although nothing younger had left when it was brought", s.token)
		}
		youngest = max(youngest, n)
		before = append(before, s)
	}
}

// broughtLate tells whether a younger one had left when Graph brought this message first. What was on its way in that moment counts.
func (w *world) broughtLate(id string, n int, before []seen, order map[string]int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := w.brought[id]
	return slices.ContainsFunc(before, func(s seen) bool { return order[s.token] > n && !s.at.After(at) })
}

// settle waits until all has been read once more.
func settle() { time.Sleep(24*time.Hour + 10*time.Minute) }
