package app

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"causeway/bridge"
)

const day = 24 * time.Hour

func TestCheckTellsHowMessagesAreReceivedAndWhatEnds(t *testing.T) {
	w := newWorld(t, accounts+oneGateway)
	w.stands(func(_ bridge.Env, s *standing) {
		s.status = func() bridge.Status {
			return bridge.Status{Receiving: "polling", Why: "PublicURL is not set", Ends: []bridge.End{
				{What: "the certificate", At: time.Now().Add(31*day + time.Hour), Hint: "not yet"},
				{What: "the client secret", At: time.Now().Add(12*day + time.Hour), Hint: "make a new one"},
				{What: "the old secret", At: time.Now().Add(-time.Hour), Hint: "take it out"},
			}}
		}
	})
	got := w.call("check")
	in := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.DateOnly) }
	want := `
account left.one
  ok       connected as bot
  ok       receives by polling, because PublicURL is not set
  ok       the certificate ends in 31 days, on ` + in(31*day+time.Hour) + `
  warning  the client secret ends in 12 days, on ` + in(12*day+time.Hour) + `
           → make a new one
  PROBLEM  the old secret ended on ` + in(-time.Hour) + `
           → take it out

account right.two
  ok       connected as bot

`
	if got.code != 1 || !strings.Contains(got.out, want) || !strings.HasSuffix(got.out, "\n1 problem, 1 warning.\n") {
		t.Errorf("%+v\nwant\n%s", got, want)
	}
}

func TestCheckTellsWhatEndedEvenWhenItCannotConnect(t *testing.T) {
	w := newWorld(t, accounts+oneGateway)
	w.stands(func(_ bridge.Env, s *standing) {
		s.Bridge = &checked{Bridge: s.Bridge, connect: &bridge.Error{Kind: bridge.Unauthorised, Err: errors.New("refused"), Hint: "look"}}
		s.status = func() bridge.Status {
			return bridge.Status{Ends: []bridge.End{{What: "the client secret", At: time.Now().Add(-time.Hour), Hint: "make a new one"}}}
		}
	})
	got := w.call("check")
	if got.code != 1 || !strings.Contains(got.out, "\n  PROBLEM  refused\n           → look\n  PROBLEM  the client secret ended on ") {
		t.Errorf("%+v", got)
	}
}

func TestReceives(t *testing.T) {
	for _, test := range [][3]string{
		{"", "", ""}, {"", "why", ""}, {"websocket", "", "receives by websocket"}, {"polling", "it must", "receives by polling, because it must"},
	} {
		if got := receives(test[0], test[1]); got != test[2] {
			t.Errorf("%q, %q: %q", test[0], test[1], got)
		}
	}
}

func TestCheckSaysWhenAnotherProgramHasThePort(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	for _, address := range []string{server.Listener.Addr().String(), silent.Addr().String()} {
		for _, ran := range []bool{false, true} {
			w := newWorld(t, listening(address))
			w.patience = time.Second
			if ran {
				w.started()
			}
			got := w.call("check")
			want := "  PROBLEM  opening the HTTP server: the port of " + address + " is in use: end the program that uses it, or set Listen in [http] to another port\n"
			if got.code != 1 || !strings.Contains(got.out, want) {
				t.Errorf("%+v, want %s", got, want)
			}
		}
	}
}

func TestCheckKnowsTheCausewayThatRuns(t *testing.T) {
	address := "127.0.0.1:" + freePort(t)
	w := newWorld(t, listening(address))
	w.run()
	got := w.call("check")
	if got.code != 0 || !strings.Contains(got.out, "\n  ok       Causeway is running and answers at "+address+"\n") {
		t.Errorf("%+v", got)
	}
	other := newWorld(t, listening(address))
	other.started()
	if got := other.call("check"); got.code != 1 || !strings.Contains(got.out, "is in use") {
		t.Errorf("of another installation: %+v", got)
	}
}
