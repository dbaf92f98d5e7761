package matrix

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"causeway/bridge"
	bridgemm "causeway/bridge/mattermost"
	"causeway/gateway/direct"
	"causeway/gateway/store"
)

// TestAllPairsOfFactors: each two values of all that decides what becomes of something come together, as far as that is possible, and what becomes of it is
// what the oracle says: it appears as its author, or by the bot, or waits until they have connected again, or is refused with a reason, and just those
// are told who should be.
func TestAllPairsOfFactors(t *testing.T) {
	t.Parallel()
	all, covered := allPairs()
	all = append(all, spokenFor()...)
	outcomes := map[string]int{}
	for _, v := range all {
		s := &situation{v: v}
		outcomes[s.becomes()]++
		if s.outside() && s.becomes() == "by the bot" {
			outcomes["an app is shown"]++
		}
	}
	t.Logf("%d situations for %d pairs: %v", len(all), covered, outcomes)
	for _, what := range []string{"met anew", "as a member", "as its author", "by the bot", "by the bot, aside", "held", "refused: switched off", "refused: nobody is connected", "refused: not connected",
		"refused: it belongs to a meeting", "refused: : guests have no account there", "refused: nobody can set it", "an app is shown"} {
		if outcomes[what] == 0 {
			t.Errorf("it never happens: %s", what)
		}
	}
	if outcomes[""] > 0 {
		t.Errorf("nothing becomes of %d situations", outcomes[""])
	}
	for _, what := range append([]string{"restricted"}, factors[switched]...) {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			with, what := bridgemm.ProfileSimple, what
			if what == "restricted" {
				with, what = what, "on"
			}
			w := newWorld(t, making{profile: with})
			w.switches = direct.Settings{Enable: what != "Enable off", DirectMessages: what != "DirectMessages off", GroupMessages: what != "GroupMessages off"}
			var mine []*situation
			for _, v := range all {
				if v[switched] == what && v[profile] == with {
					mine = append(mine, &situation{v: v})
				}
			}
			w.play(mine)
		})
	}
}

// play has everything happen, and compares what comes of it.
func (w *world) play(all []*situation) {
	each := func(which func(s *situation) bool, do func(s *situation)) {
		for _, s := range all {
			if which(s) {
				do(s)
			}
		}
	}
	everyone := func(*situation) bool { return true }
	early := func(s *situation) bool { return s.is("a") == deactivated }
	later := func(s *situation) bool { return !early(s) }
	w.run(func() {
		for n, s := range all {
			s.comes(w, n)
		}
		each(early, func(s *situation) { s.says(w, "a", "one", "", ""); s.happens(w, false) })
		each(everyone, func(s *situation) { s.departs(w) })
	})
	each(later, func(s *situation) { s.says(w, s.voice(), "one", "", "") })
	w.until(all, "what was said first is there", func(s *situation, target []message) bool {
		return has(target, func(m message) bool { return strings.HasSuffix(m.Text, "one") })
	})
	w.untilTold(all, "who has spoken first is told why it is not carried, or what they said is shown", func(s *situation, told []string) bool {
		return tells(told, slices.Concat(s.speaks(s.voice(), s.all()), s.shownAside(s.voice(), "one", "")), true)
	})
	each(later, func(s *situation) { s.happens(w, false) })
	twice := slices.DeleteFunc(slices.Clone(all), func(s *situation) bool { return !among(s.v[event], "undelete", "unreact") })
	w.until(twice, "what is taken back later has crossed", func(s *situation, target []message) bool {
		if s.v[event] == "undelete" {
			return len(target) == 0
		}
		return s.is("a") != "connected" && (s.v[origin] == "here" || s.v[profile] == "restricted") || has(target, func(m message) bool { return len(m.Marks) > 0 })
	})
	undeleted := slices.DeleteFunc(slices.Clone(twice), func(s *situation) bool { return s.v[event] != "undelete" })
	aside := func(there bool) func(*situation, []string) bool {
		return func(s *situation, told []string) bool { return tells(told, s.shownAside(s.voice(), "one", ""), there) }
	}
	w.untilTold(undeleted, "what was shown aside is gone", aside(false))
	each(later, func(s *situation) { s.happens(w, true) })
	w.until(twice, "what was brought back is there", func(s *situation, target []message) bool { return len(target) > 0 })
	w.untilTold(undeleted, "what was brought back is shown aside", aside(true))
	each(func(s *situation) bool { return s.speaker() != "" }, func(s *situation) { s.says(w, s.speaker(), "word", "", "") })
	for _, text := range w.settled(func() []string { return w.differ(all) }) {
		w.Error(text)
	}
	w.comeBack(all)
}

func has(all []message, is func(message) bool) bool { return slices.ContainsFunc(all, is) }

// until waits until something is so on the other side of those where it is to be.
func (w *world) until(all []*situation, what string, so func(s *situation, target []message) bool) {
	w.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		i := slices.IndexFunc(all, func(s *situation) bool {
			_, carried, _ := s.verdict(s.all())
			return carried && s.writer(s.voice()) != "" && !so(s, s.atTarget(w))
		})
		if i < 0 {
			return
		}
		if time.Now().After(deadline) {
			w.Fatalf("%s: not so: %s: %+v", what, all[i], all[i].atTarget(w))
		}
	}
}

// tells reports whether all of some texts are among what people were told, or none is.
func tells(told, texts []string, all bool) bool {
	return !slices.ContainsFunc(texts, func(text string) bool { return slices.Contains(told, text) != all })
}

// untilTold waits until people are told something: what is deleted before anybody has looked tells nobody who has spoken.
func (w *world) untilTold(all []*situation, what string, so func(s *situation, told []string) bool) {
	w.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		ephemerals := w.mm.Ephemerals()
		i := slices.IndexFunc(all, func(s *situation) bool { return !so(s, s.toldNow(w, ephemerals)) })
		if i < 0 {
			return
		}
		if time.Now().After(deadline) {
			w.Fatalf("%s: not so: %s: %q", what, all[i], all[i].toldNow(w, ephemerals))
		}
	}
}

func (s *situation) atTarget(w *world) []message {
	if s.v[origin] == "here" {
		return s.inTeams(w)
	}
	return s.inMattermost(w)
}

// settled gives what is wrong when nothing more comes.
func (w *world) settled(wrong func() []string) []string {
	for deadline := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		if all := wrong(); len(all) > 0 && time.Now().Before(deadline) {
			continue
		}
		time.Sleep(2 * time.Second)
		if all := wrong(); len(all) == 0 || time.Now().After(deadline) {
			return all
		}
	}
}

// differ gives the situations that are not as the oracle says.
func (w *world) differ(all []*situation) (wrong []string) {
	ephemerals, talks := w.mm.Ephemerals(), map[string]store.Talk{}
	met, err := w.store.Talks(w.Context())
	w.do(err)
	for _, one := range met { // the latest of each comes last
		talks[string(one.Conversation.Channel)] = one
	}
	byText := cmpopts.SortSlices(func(a, b message) bool { return a.Text < b.Text })
	for _, s := range all {
		if d := cmp.Diff(s.expected(), s.seen(w, ephemerals, talks), byText, cmpopts.EquateEmpty()); d != "" {
			wrong = append(wrong, fmt.Sprintf("%s (-want +got):\n%s", s, d))
		}
	}
	return wrong
}

// comeBack has the lost connect again: what they have said has waited for that.
func (w *world) comeBack(all []*situation) {
	var waited []*situation
	for _, s := range all {
		_, carried, _ := s.verdict(s.all())
		if s.is("a") == lost && (s.v[origin] == "here" || s.v[profile] == "restricted") && carried && s.voice() == "a" && !among(s.v[event], "delete") {
			w.connects(s.people["a"], here)
			waited = append(waited, s)
		}
	}
	w.gateway.PeopleChanged()
	for _, text := range w.settled(func() (wrong []string) {
		for _, s := range waited {
			if got := s.atTarget(w); !has(got, func(m message) bool { return m.By == "a" && strings.Contains(m.Text, "one") }) {
				wrong = append(wrong, fmt.Sprintf("what waited has not come: %s: %+v", s, got))
			}
		}
		return wrong
	}) {
		w.Error(text)
	}
}

// reasonOf gives why a conversation is not carried, as people read it.
func (s *situation) reasonOf(one store.Talk) string {
	var missing []string
	for _, letter := range s.all() {
		for _, id := range one.Missing {
			if p := s.people[letter]; id == bridge.UserID(p.id) || p.there != nil && id == bridge.UserID(p.there.ID) {
				missing = append(missing, letter)
			}
		}
	}
	return direct.Reason(one.Reason).Text(missing)
}
