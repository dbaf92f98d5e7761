package app

import (
	"strings"
	"testing"

	"causeway/bridge"
)

func TestLoginWhileRunIsWaitingForIt(t *testing.T) {
	w := newLockedWorld(t)
	r := w.run()
	w.until("run says what it waits for", func() bool { return strings.Contains(r.log.String(), "run: causeway login locked.a") })
	w.call("login", "Locked.A").wants(t, result{out: `Open https://login.example and enter the code ABC
Signed in as bot.
locked.a is signed in. A running Causeway uses it within a few minutes.
`})
	w.until("run notices", func() bool { return w.faults.begun(bridge.ConversationID{Server: "memory:right", Channel: "C1"}) })
	w.speak("hello", "moin")
	if got := w.call("audit"); !strings.Contains(got.out, "operator by command line  login  locked.a  signed in") {
		t.Errorf("the audit log: %+v", got)
	}
}

func TestLoginOfAnAccountThatNeedsNone(t *testing.T) {
	w := newWorld(t, accounts+oneGateway)
	w.call("login", "left.one").wants(t, result{code: 1,
		errors: "causeway: left.one: signing in: this account needs no login (its token is in the config)\n"})
	w.call("login", "left.on").wants(t, result{code: 1,
		errors: "causeway: there is no account \"left.on\" in config.toml; did you mean left.one?\n"})
}
