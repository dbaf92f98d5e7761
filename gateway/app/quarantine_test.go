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

func TestManyInQuarantineAreChosenByConversationOrReason(t *testing.T) {
	w := newWorld(t, accounts+oneGateway+`
[[gateway]]
name = "others"
inout = [ { account = "left.one", channel = "team/other" }, { account = "right.two", channel = "team/other" } ]
`)
	w.faults.set(refusePosts)
	w.run()
	w.begun("left", "right")
	w.until("the other channels are read", func() bool {
		return w.faults.begun(bridge.ConversationID{Server: "memory:left", Channel: "C2"}) && w.faults.begun(bridge.ConversationID{Server: "memory:right", Channel: "C2"})
	})
	w.left.Say("C1", "ann", "first")
	w.left.Say("C1", "ben", "second")
	w.left.Say("C2", "ann", "elsewhere")
	w.until("all are in quarantine", func() bool { return strings.Count(w.call("quarantine").out, "\n") == 4 })
	w.call("quarantine", "drop", "--to", "right.two team/general", "--reason", "no such reason").wants(t, result{code: 1,
		errors: "causeway: nothing in quarantine is like that: `causeway quarantine list` shows conversations (behind the arrow) and reasons\n"})
	dropped := w.call("quarantine", "drop", "--to", "Right.two Team/General")
	if dropped.code != 0 || strings.Count(dropped.out, "is given up: it will not arrive in right.two team/general.\n") != 2 || strings.Count(dropped.out, "\n") != 2 {
		t.Errorf("%+v", dropped)
	}
	w.faults.set(nil)
	retried := w.call("quarantine", "retry", "--reason", "REJECTED")
	if retried.code != 0 || strings.Count(retried.out, "is sent again to right.two team/other") != 1 || strings.Count(retried.out, "\n") != 1 {
		t.Errorf("%+v", retried)
	}
	w.until("what was retried arrives", func() bool { return slices.Contains(texts(w.right, "C2"), "ann: elsewhere") })
	if got := texts(w.right, "C1"); len(got) != 0 {
		t.Errorf("what was dropped has arrived: %q", got)
	}
}

// meddling does something once, when something is printed.
type meddling struct {
	output
	once func()
}

func (m *meddling) Write(p []byte) (int, error) {
	if do := m.once; do != nil {
		m.once = nil
		do()
	}
	return m.output.Write(p)
}

func TestManyAreReleasedThoughSomebodyElseReleasesOneMeanwhile(t *testing.T) {
	w := newWorld(t, accounts+oneGateway)
	w.faults.set(refusePosts)
	w.run()
	w.begun("left", "right")
	for _, text := range []string{"first", "second", "third"} {
		w.left.Say("C1", "ann", text)
	}
	var ids []string
	w.until("all are in quarantine", func() bool {
		ids = nil
		for _, m := range regexp.MustCompile(`(?m)^(\d+) `).FindAllStringSubmatch(w.call("quarantine").out, -1) {
			ids = append(ids, m[1])
		}
		return len(ids) == 3
	})
	out := meddling{once: func() { w.call("quarantine", "drop", ids[1]) }}
	c := Command{Protocols: w.protocols, Stdout: &out, Stderr: &out}
	code := c.Run(w.Context(), []string{"-c", w.path("config.toml"), "quarantine", "drop", "--reason", "rejected"})
	const given = " is given up: it will not arrive in right.two team/general.\n"
	if want := "Message " + ids[0] + given + "Message " + ids[2] + given; code != 0 || out.String() != want {
		t.Errorf("%d\n%s", code, out.String())
	}
	w.call("quarantine", "list").wants(t, result{out: "Nothing is in quarantine.\n"})
}
