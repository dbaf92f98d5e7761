package store

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
)

func TestLivingAreThePostsThatNobodyHasDeleted(t *testing.T) {
	s, _ := fresh(t, Options{})
	put(t, s, batch(state("m1", 1, "old"), state("m2", 2, "two"), state("m3", 3, "three"), state("m4", 4, "four")))
	deliver(t, s, there)
	gone := state("m3", 3, "")
	gone.Deleted, gone.Revision = true, 2
	put(t, s, batch(gone))
	living := func(c bridge.ConversationID, since time.Time, want ...bridge.MessageID) {
		t.Helper()
		all, err := s.Living(t.Context(), c, since)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(all)
		if diff := cmp.Diff(want, all); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c, diff)
		}
	}
	living(here, state("m2", 2, "").Created, "m2", "m4")
	living(here, began, "m1", "m2", "m4")
	living(there, began, "p1", "p2", "p3", "p4") // the copy of m3 is to be deleted, and is not yet
	living(there, time.Now().Add(time.Hour))
	living(bridge.ConversationID{Server: "nowhere"}, began)
}
