package app

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestAMessagesJourneyIsShownByItsLink while Causeway runs and while it does not: what keeps it, and what has failed once it has arrived.
func TestAMessagesJourneyIsShownByItsLink(t *testing.T) {
	w := newWorld(t, accounts+oneGateway)
	unknown := result{code: 1, errors: "causeway: no such message was read: see that the channel is in a gateway, and that the message was said after Causeway had begun to read it; " +
		"paste its link (Copy link, in either program) or its id\n"}
	w.call("message", "m1").wants(t, unknown)
	if len(w.snapshot()) != 1 {
		t.Errorf("looking has made a store: %v", w.snapshot())
	}
	w.faults.set(refusePosts)
	running := w.run()
	w.begun("left", "right")
	id := string(w.left.Say("C1", "ann", "a secret word"))
	var got string
	w.until("it is in quarantine", func() bool {
		got = w.call("message", "https://chat.example/main/pl/"+id).out
		return strings.Contains(got, "in quarantine")
	})
	const when = `\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`
	wants := func(lines ...string) {
		t.Helper()
		if !regexp.MustCompile(`^` + strings.Join(lines, "\n") + "\n$").MatchString(got) {
			t.Errorf("it says\n%s\nnot\n%s", got, strings.Join(lines, "\n"))
		}
	}
	wants(`Message 1: in quarantine`, `  said by ann at `+when+`, version 1`, `  left\.one team/general: said here`, `    post `+id+`, shows version 1`,
		`  right\.two team/general: in quarantine`, `    since `+when+`: .*`, `    → causeway quarantine retry 2, when the cause is mended; or drop 2`, `(?:    post .*\n)?    failed `+when+`: .* \(rejected\)`)
	w.faults.set(nil)
	w.call("quarantine", "retry", "2")
	w.until("it has arrived", func() bool { return slices.Contains(texts(w.right, "C1"), "ann: a secret word") })
	running.stop()
	got = w.call("message", id).out
	wants(`Message 1: delivered`, `  said by ann at `+when+`, version 1`, `  left\.one team/general: said here`, `    post `+id+`, shows version 1`,
		`  right\.two team/general: delivered`, `    post \S+ as the relay, tried last at `+when+`, shows version 1`, `    failed `+when+`: .* \(rejected\)`)
	w.call("message", "another").wants(t, unknown)
}
