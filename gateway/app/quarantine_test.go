package app

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"

	"causeway/bridge"
	"causeway/bridge/memory"
)

// refusePosts makes the right side refuse everything that is posted there.
func refusePosts(_ context.Context, c memory.Call) error {
	if c.Op == memory.Post && c.Account == "right.two" && !c.After {
		return memory.Fails(bridge.Rejected)
	}
	return nil
}

func TestQuarantineIsListedRetriedAndDroppedWhileRunning(t *testing.T) {
	w := newWorld(t, accounts+oneGateway)
	nothing := result{out: "Nothing is in quarantine.\n"}
	w.call("quarantine").wants(t, nothing)
	if len(w.snapshot()) != 1 {
		t.Errorf("looking has made a store: %v", w.snapshot())
	}
	w.call("quarantine", "retry", "1").wants(t, result{code: 1, errors: "causeway: message 1: not in quarantine: `causeway quarantine list` shows what is\n"})

	w.faults.set(refusePosts)
	w.run()
	w.begun("left", "right")
	w.left.Say("C1", "ann", "first")
	w.left.Say("C1", "ben", "second")
	var ids []string
	row := regexp.MustCompile(`(?m)^(\d+) +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  left\.one team/general → right\.two team/general  (ann|ben)     \S.*$`)
	w.until("both are in quarantine", func() bool {
		got := w.call("quarantine", "list")
		ids = nil
		for _, m := range row.FindAllStringSubmatch(got.out, -1) {
			ids = append(ids, m[1])
		}
		return len(ids) == 2 && strings.HasPrefix(got.out, "ID  SINCE ")
	})
	w.call("quarantine", "drop", ids[0]).wants(t, result{out: "Message " + ids[0] + " is given up: it will not arrive in right.two team/general.\n"})
	w.faults.set(nil)
	w.call("quarantine", "retry", ids[1]).wants(t, result{
		out: "Message " + ids[1] + " is sent again to right.two team/general: at once when Causeway is running, else when it is started.\n"})
	w.until("what was retried arrives", func() bool { return slices.Contains(texts(w.right, "C1"), "ben: second") })
	w.call("quarantine", "list").wants(t, nothing)
	if got := texts(w.right, "C1"); len(got) != 1 {
		t.Errorf("what was dropped has arrived: %q", got)
	}
}
