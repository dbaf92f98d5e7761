package app

import (
	"context"
	"slices"
	"strings"
	"testing"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/config"
	"causeway/gateway/people"
)

const (
	leftOther  = "left.one:team/other"
	rightOther = "right.two:team/other"
)

// lastAudits gives the newest entries of the audit log, newest first, without their times.
func (w *world) lastAudits(n int) []string {
	w.Helper()
	var all []string
	for _, line := range strings.Split(strings.TrimSpace(w.call("audit").out), "\n")[1:] {
		if len(all) < n {
			all = append(all, strings.Join(strings.Fields(line)[2:], " "))
		}
	}
	return all
}

// A pair is made while Causeway runs, survives a start and a reload, is listed with the gateways of the config, and ends when that is wanted.
func TestChannelsAreLinkedWhileCausewayRuns(t *testing.T) {
	w, config := newReloading(t)
	r := w.run()
	w.crosses("C1", "before")
	got := w.call("link", leftOther, rightOther)
	if want := leftOther + " and " + rightOther + " are linked, as \"link 1\": what is said from now on in one is carried to the other.\n"; got != (result{out: want}) {
		t.Fatalf("%+v", got)
	}
	w.crosses("C2", "through the link")
	if got := w.call("status"); got.code != exitOK || !strings.Contains(got.out, "\n  link 1\n    left.one team/other ") {
		t.Errorf("status: %+v", got)
	}
	if got := w.call("link"); got.code != exitOK || !strings.Contains(got.out, "link 1  "+leftOther+"  "+rightOther) || !strings.Contains(got.out, "operator by command line") {
		t.Errorf("the list: %+v", got)
	}
	if got := w.call("channels", "right.two"); !strings.Contains(got.out, `channel = "team/other"  #`) || !strings.Contains(got.out, "in the gateway \"link 1\"\n") || !strings.Contains(got.out, "in the gateway \"all\"\n") {
		t.Errorf("channels: %+v", got)
	}
	if got := w.call("check"); !strings.Contains(got.out, "\ngateway link 1\n") {
		t.Errorf("check: %+v", got)
	}

	w.write("config.toml", config+"\n# the same\n")
	if got := w.call("reload"); got != (result{out: "Nothing has changed.\n"}) {
		t.Errorf("reload: %+v", got)
	}
	w.crosses("C2", "after a reload")
	if code := r.stop(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	w.right.Say("C2", "ben", "while it was down")
	w.run()
	w.until("what was said meanwhile crosses", func() bool { return strings.Contains(strings.Join(texts(w.left, "C2"), "\n"), "while it was down") })
	w.crosses("C2", "after a start")

	got = w.call("unlink", rightOther)
	if want := leftOther + " and " + rightOther + " are not linked any more. What was carried stays.\n"; got != (result{out: want}) {
		t.Errorf("%+v", got)
	}
	w.left.Say("C2", "ann", "to nobody")
	w.crosses("C1", "still")
	if all := strings.Join(texts(w.right, "C2"), "\n"); strings.Contains(all, "to nobody") {
		t.Errorf("it was carried:\n%s", all)
	}
	if got := w.call("link"); got != (result{out: "No channels are linked beside the gateways of the config.\n"}) {
		t.Errorf("the list: %+v", got)
	}
	if got := w.lastAudits(3); len(got) != 3 || !strings.Contains(got[0], "unlink "+rightOther) || !strings.Contains(got[2], "link "+leftOther+" "+rightOther) { // with a reload between them
		t.Errorf("the audit log: %q", got)
	}
}

// What is said in a channel while it is linked with none is for those who are there, whatever it is linked with later.
func TestALinkCarriesNothingFromBefore(t *testing.T) {
	for _, running := range []bool{true, false} {
		w, _ := newReloading(t)
		r := w.run()
		w.call("link", leftOther, rightOther)
		w.crosses("C2", "through the link")
		w.call("unlink", leftOther)
		w.left.Say("C2", "ann", "only left")
		w.right.Say("C2", "ben", "only right")
		w.crosses("C1", "still")
		if !running {
			r.stop()
		}
		w.call("link", leftOther, rightOther)
		if !running {
			w.run()
		}
		crosses := func(from, to *memory.Service, before string) {
			w.until("what is said crosses", func() bool {
				from.Say("C2", "cyd", "again")
				return slices.Contains(texts(to, "C2"), "cyd: again")
			})
			if all := texts(to, "C2"); slices.Contains(all, before) {
				t.Errorf("running: %v, it was carried: %q", running, all)
			}
		}
		crosses(w.left, w.right, "ann: only left")
		crosses(w.right, w.left, "ben: only right")
	}
}

func TestALinkIsRefusedWithTheReason(t *testing.T) {
	w, _ := newReloading(t)
	stopped := func(run bool) string {
		if run {
			return "running"
		}
		return "stopped"
	}
	r := w.run()
	w.crosses("C1", "before")
	for _, running := range []bool{true, false} {
		if !running {
			r.stop()
		}
		for _, c := range []struct{ args, want string }{
			{"link left.one:team/general " + rightOther, `left.one:team/general is in the gateway "all" already: take it out of the config first`},
			{"link left.one:C1 " + rightOther, `left.one:team/general is in the gateway "all" already: take it out of the config first`},
			{"link " + leftOther + " left.one:C2", "both are the same channel"},
			{"link " + leftOther + " right.three:team/other", `there is no account "right.three" in the config; known here: right.two, left.one`},
			{"link " + leftOther + " right.two:team/nowhere", "right.two:team/nowhere: "},
			{"unlink " + leftOther, "they are not linked: `causeway link` lists what is"},
			{"unlink left.one:team/general", `left.one:team/general is in the gateway "all": take it out of the config first`},
		} {
			got := w.call(strings.Fields(c.args)...)
			if got.code != exitFailed || got.out != "" || !strings.Contains(got.errors, c.want) {
				t.Errorf("%s, %s: %+v, want %s", stopped(running), c.args, got, c.want)
			}
		}
		if got := w.call("link", leftOther, "right.two"); got.code != exitUsage || !strings.Contains(got.errors, `"right.two" names no channel: write ACCOUNT:CHANNEL`) {
			t.Errorf("%+v", got)
		}
		if running {
			w.left.Say("C2", "ann", "to nobody")
			w.crosses("C1", "still")
			if all := texts(w.right, "C2"); len(all) != 0 {
				t.Errorf("carried: %q", all)
			}
		}
	}
	if got := w.lastAudits(1); len(got) != 1 || !strings.Contains(got[0], "not done: ") {
		t.Errorf("a refusal stands in no audit log: %q", got)
	}
}

// Where nothing runs, the link counts from the next start, for which it is enough to have something to carry.
func TestChannelsAreLinkedWhileNothingRuns(t *testing.T) {
	w, config := newReloading(t)
	r := w.run() // which makes the store
	r.stop()
	got := w.call("link", leftOther, rightOther)
	if got.code != exitOK || !strings.HasSuffix(got.out, "It counts when Causeway is started.\n") {
		t.Fatalf("%+v", got)
	}
	w.write("config.toml", strings.Replace(config, oneGateway, "", 1))
	r = w.run()
	w.crosses("C2", "by the link alone")
	r.stop()
	if got := w.call("unlink", leftOther, rightOther); got.code != exitOK {
		t.Errorf("%+v", got)
	}
	if got := w.call("run"); got.code != exitFailed || !strings.Contains(got.errors, "no gateway is enabled") {
		t.Errorf("%+v", got)
	}
}

// A link whose account is gone from the config is left out, and named.
func TestALinkWithoutItsAccountIsNamed(t *testing.T) {
	w, config := newReloading(t)
	w.run().stop()
	if got := w.call("link", leftOther, rightOther); got.code != exitOK {
		t.Fatalf("%+v", got)
	}
	config = strings.Replace(config, "[right.two]", "[right.three]\nUser = \"bot\"\n[right.four]", 1)
	w.write("config.toml", strings.ReplaceAll(config, `"right.two"`, `"right.three"`))
	got := w.call("check")
	if !strings.Contains(got.out, "there is no account right.two any more") || !strings.Contains(got.out, `causeway unlink "`+leftOther+`"`) {
		t.Errorf("%+v", got)
	}
}

// A link by ids stays with the channels that were meant, whatever they are called later.
func TestALinkFollowsNoName(t *testing.T) {
	w, _ := newReloading(t)
	r := w.run()
	w.crosses("C1", "before")
	got := w.call("link", "left.one:C2", "right.two:C2")
	if want := leftOther + " and " + rightOther + " are linked, as \"link 1\": what is said from now on in one is carried to the other.\n"; got != (result{out: want}) {
		t.Fatalf("%+v", got)
	}
	w.crosses("C2", "through the link")
	if got := w.call("status"); got.code != exitOK || !strings.Contains(got.out, "\n  link 1\n    left.one team/other ") {
		t.Errorf("status: %+v", got)
	}
	if got := w.call("link"); got.code != exitOK || !strings.Contains(got.out, "link 1  "+leftOther+" (C2)  "+rightOther+" (C2)") {
		t.Errorf("the list: %+v", got)
	}

	w.right.RenameChannel("C2", "team/moved")
	w.right.AddChannel("C3", "team/other")
	r.stop()
	w.left.Say("C2", "ann", "while it was down")
	w.run()
	w.until("what was said meanwhile crosses", func() bool { return strings.Contains(strings.Join(texts(w.right, "C2"), "\n"), "while it was down") })
	w.crosses("C2", "after a start")
	if all := texts(w.right, "C3"); len(all) != 0 {
		t.Errorf("carried to the channel that is called so now: %q", all)
	}
	if got := w.call("unlink", rightOther); got.code != exitFailed || !strings.Contains(got.errors, "they are not linked") {
		t.Errorf("by the name of another channel: %+v", got)
	}
	if got := w.call("unlink", "right.two:team/moved"); got.code != exitOK {
		t.Errorf("by its name of now: %+v", got)
	}
}

// Whoever decides about a channel ends the link that it has, by whatever name that was made, and no other's.
func TestOnlyTheLinkOfTheChannelItselfEnds(t *testing.T) {
	w, _ := newReloading(t)
	r := w.run()
	w.crosses("C1", "before")
	if got := w.call("link", leftOther, rightOther); got.code != exitOK {
		t.Fatalf("%+v", got)
	}
	w.crosses("C2", "through the link")
	w.left.RenameChannel("C2", "team/moved")
	w.left.AddChannel("C3", "team/other")
	for _, other := range []string{"left.one:C3", leftOther} {
		if got := w.call("unlink", other); got.code != exitFailed {
			t.Errorf("%s: %+v", other, got)
		}
	}
	w.crosses("C2", "still")
	if got := w.call("unlink", "left.one:C2"); got.code != exitOK {
		t.Errorf("by its id: %+v", got)
	}
	r.stop()
}

// Those who decide about channels mean these, and not what is called so.
func TestPeopleLinkTheChannelsThatTheyDecideAbout(t *testing.T) {
	w, _ := newReloading(t)
	protocols := config.Protocols{}
	for _, p := range w.protocols {
		protocols[p.Name] = p.Settings
	}
	cfg, err := config.Load(w.path("config.toml"), protocols)
	if err != nil {
		t.Fatal(err)
	}
	var log output
	a, err := Open(t.Context(), cfg, w.protocols, newLog(&log, cfg.General))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- a.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	w.crosses("C1", "before")
	w.left.AddChannel("C3", "C9") // which is no id
	left := func(id bridge.ChannelID) people.LinkEnd {
		return people.LinkEnd{Account: "left.one", ID: bridge.ConversationID{Server: "memory:left", Channel: id}}
	}
	right := people.LinkEnd{Account: "right.two", ID: bridge.ConversationID{Server: "memory:right", Channel: "C2"}}
	l := linker{a}
	if text, err := l.Link(ctx, "ann", [2]people.LinkEnd{left("C9"), right}); err == nil || !strings.Contains(err.Error(), "leads to another channel") {
		t.Errorf("%s, %v", text, err)
	}
	if text, err := l.Link(ctx, "ann", [2]people.LinkEnd{left("C2"), right}); err != nil || !strings.HasPrefix(text, leftOther+" and "+rightOther+" are linked") {
		t.Fatalf("%s, %v", text, err)
	}
	w.crosses("C2", "through the link")
	if all, err := l.Linked(ctx, left("C2").ID); err != nil || len(all) != 1 || all[0] != "link 1: "+rightOther {
		t.Errorf("%q, %v", all, err)
	}
	w.left.RenameChannel("C2", "team/moved")
	w.left.RenameChannel("C3", "team/other")
	if text, err := l.Unlink(ctx, "ann", left("C3")); err == nil {
		t.Errorf("another's link: %s", text)
	}
	if _, err := l.Unlink(ctx, "ann", left("C2")); err != nil {
		t.Error(err)
	}
}

// What Causeway carries alone is not taken from it while it runs: it would have nothing to do.
func TestTheLastLinkEndsOnceCausewayIsStopped(t *testing.T) {
	w, config := newReloading(t)
	w.run().stop()
	if got := w.call("link", leftOther, rightOther); got.code != exitOK {
		t.Fatalf("%+v", got)
	}
	w.write("config.toml", strings.Replace(config, oneGateway, "", 1))
	r := w.run()
	w.crosses("C2", "by the link alone")
	got := w.call("unlink", leftOther)
	if got.code != exitFailed || !strings.Contains(got.errors, `may stop it, and do `+"`causeway unlink \""+leftOther+"\"` then") {
		t.Errorf("%+v", got)
	}
	w.crosses("C2", "still")
	r.stop()
	if got := w.call("unlink", leftOther); got.code != exitOK {
		t.Errorf("%+v", got)
	}
}
