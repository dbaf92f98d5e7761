// Package matrix holds direct and group conversations to an oracle, for every combination of who its people are, with both bridges and both
// stand-ins: what people see on both sides in the end, and what they are told, is compared as a whole.
package matrix

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	bridgemm "causeway/bridge/mattermost"
)

// patience is how long something may take to be on the other side, of all cases at once, on a machine that does other things. Who speaks in a chat that is
// just being met is told a minute later.
const patience = 3 * time.Minute

func TestEveryCombinationOfPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t, making{profile: bridgemm.ProfileSimple})
	all := cases()
	w.run(func() {
		for n, c := range all {
			c.comes(w, n)
		}
	})
	each := func(do func(c *matrixCase)) {
		for _, c := range all {
			do(c)
		}
	}
	each(func(c *matrixCase) { c.says(w, "one", "", "") })
	w.crosses(all, "one")
	each(func(c *matrixCase) {
		c.says(w, "answer", "one", "")
		c.says(w, "see this", "", "plan.txt")
		c.says(w, "two", "", "")
		c.says(w, "three", "", "")
		if c.kind == "group" {
			c.renames(w, "plans")
		}
	})
	w.crosses(all, "three")
	each(func(c *matrixCase) {
		c.edits(w, "one", "one, edited")
		c.deletes(w, "two")
		c.reacts(w, "a", "one", heart, true)
		if c.kind != "self" {
			c.reacts(w, "b", "one", thumb, true)
			c.reacts(w, "b", "answer", heart, true)
			c.answersBack(w)
		}
	})
	time.Sleep(2 * time.Second)
	each(func(c *matrixCase) {
		if c.kind != "self" {
			c.reacts(w, "b", "answer", heart, false)
		}
		if c.carried() && c.connected("a") {
			c.changesTheCopy(w, "three", "three, from the other side")
		}
	})
	deadline := time.Now().Add(patience)
	for {
		wrong := w.wrong(all)
		if len(wrong) == 0 {
			time.Sleep(2 * time.Second) // nothing more comes
			wrong = w.wrong(all)
		}
		if len(wrong) == 0 || time.Now().After(deadline) {
			for _, text := range wrong {
				t.Error(text)
			}
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// wrong gives the cases that are not as the oracle says.
func (w *world) wrong(all []*matrixCase) (wrong []string) {
	ephemerals := w.mm.Ephemerals()
	byText := cmpopts.SortSlices(func(a, b message) bool { return a.Text < b.Text }) // what both say at once has no order
	for _, c := range all {
		if d := cmp.Diff(c.expected(), c.seen(w, ephemerals), byText, cmpopts.EquateEmpty()); d != "" {
			wrong = append(wrong, fmt.Sprintf("%s (-want +got):\n%s", c, d))
		}
	}
	return wrong
}

// crosses waits until what a has said is on the other side, where it is to be there.
func (w *world) crosses(all []*matrixCase, text string) {
	w.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		missing := ""
		for _, c := range all {
			to, copies := "there", c.inTeams
			if c.origin == "there" {
				to, copies = "here", c.inMattermost
			}
			there := false
			for _, m := range copies(w) {
				there = there || strings.HasSuffix(m.Text, text)
			}
			if c.by("a", to) != "" && !there {
				missing = c.String()
			}
		}
		if missing == "" || time.Now().After(deadline) {
			if missing != "" {
				w.Errorf("%q has not crossed: %s", text, missing)
			}
			return
		}
	}
}
