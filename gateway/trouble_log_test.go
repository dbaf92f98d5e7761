package gateway

import (
	"errors"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/memory"
)

// TestAFailureIsLoggedWhenItChangesAndOnceWhenItRecovers, however often it was tried in between.
func TestAFailureIsLoggedWhenItChangesAndOnceWhenItRecovers(t *testing.T) {
	inWorld(t, func(w *world) {
		var broken switched
		a, b := w.pair(memory.Options{}, memory.Options{Fault: broken.fault})
		a.Say("town", "ann", "a word")
		for _, why := range []string{"503", "reset"} {
			broken.on(before(memory.Post, func() error { return &bridge.Error{Kind: bridge.Transient, Err: errors.New(why)} }))
			w.wait(10 * time.Minute)
		}
		broken.off()
		w.wait(10 * time.Minute)
		a.Say("town", "ann", "another")
		w.wait(time.Minute)
		w.crossed(a, "town", b, "town")
		got := regexp.MustCompile(`level=\w+ msg="delivering [^\n]*`).FindAllString(w.log.String(), -1)
		want := []string{
			`level=warning msg="delivering failed; trying again" conversation="memory:b/town" error="post: 503"`,
			`level=warning msg="delivering failed; trying again" conversation="memory:b/town" error="post: reset"`,
			`level=info msg="delivering works again" conversation="memory:b/town"`,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			w.t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
