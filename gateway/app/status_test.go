package app

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/gateway"
	"causeway/gateway/web/freeport"
)

// standing is an account that says how it stands, and answers HTTP requests.
type standing struct {
	bridge.Bridge
	status  func() bridge.Status
	handler http.Handler
}

func (s *standing) Handler() http.Handler { return s.handler }

func (s *standing) Status() bridge.Status {
	if s.status == nil {
		return bridge.Status{}
	}
	return s.status()
}

// stands puts something around the accounts of the left service.
func (w *world) stands(around func(env bridge.Env, s *standing)) {
	inner := w.protocols[0].New
	w.protocols[0].New = func(env bridge.Env, settings any) (bridge.Bridge, error) {
		b, err := inner(env, settings)
		s := &standing{Bridge: b}
		around(env, s)
		return s, err
	}
}

// freePort gives a port of this machine that nobody uses, and that no connection gets.
func freePort(t *testing.T) string {
	t.Helper()
	address, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// listening is a config whose HTTP server listens there.
func listening(address string) string {
	return strings.Replace(accounts+oneGateway, "127.0.0.1:0", address, 1)
}

// steady takes out of a status what differs each time.
func steady(text string) string {
	text = regexp.MustCompile(`^Causeway .* has been running for \d+ s, since [-0-9: ]{16}\.`).ReplaceAllString(text, "Causeway V has been running for N s, since T.")
	return regexp.MustCompile(`for \d+ s`).ReplaceAllString(text, "for N s")
}

func TestStatusOfWhatWorks(t *testing.T) {
	w := newWorld(t, listening("127.0.0.1:"+freePort(t)))
	w.stands(func(_ bridge.Env, s *standing) {
		s.status = func() bridge.Status {
			return bridge.Status{Receiving: "polling", Why: "PublicURL is not set", Facts: []bridge.Fact{{Name: "subscriptions", Value: "none"}}}
		}
	})
	w.run()
	w.speak("hello", "moin")
	var got result
	w.until("all is settled", func() bool {
		got = w.call("status")
		return strings.Contains(got.out, "nothing is waiting")
	})
	got.out = steady(got.out)
	got.wants(t, result{out: `Causeway V has been running for N s, since T.

No problem.

ACCOUNTS
  left.one   connected for N s as bot
             receives by polling, because PublicURL is not set
             subscriptions: none
  right.two  connected for N s as bot

GATEWAYS                    WAITING  OLDEST   QUARANTINED
  all
    left.one team/general         0  -                  0
    right.two team/general        0  -                  0

1 gateway, 2 conversations: nothing is waiting.
`})
}

func TestStatusWithAProblemExitsWith1(t *testing.T) {
	w := newWorld(t, listening(":"+freePort(t)))
	w.right.Revoke("bot")
	w.run()
	var got result
	w.until("one account is parked, and the channel of the other one is found", func() bool {
		got = w.call("status")
		return strings.Contains(got.out, "NOT CONNECTED") && strings.Contains(got.out, "1 conversation:")
	})
	got.out = steady(got.out)
	got.wants(t, result{code: 1, out: `Causeway V has been running for N s, since T.

1 PROBLEM
  account right.two, for N s: connect: the token of bot is not valid
      → grant it again

ACCOUNTS
  left.one   connected for N s as bot
  right.two  NOT CONNECTED, see above

GATEWAYS                    WAITING  OLDEST   QUARANTINED
  all
    left.one team/general         0  -                  0
    right.two team/general        0  -                  0  account not connected

1 gateway, 1 conversation: nothing is waiting.
`})
	got = w.call("status", "--json")
	var s gateway.Status
	if err := json.Unmarshal([]byte(got.out), &s); err != nil || got.code != 1 || got.errors != "" {
		t.Fatalf("%v: %+v", err, got)
	}
	if len(s.Problems) != 1 || s.Problems[0].Where != "account right.two" || s.Version != version() || !strings.Contains(got.out, "\n  \"accounts\": [\n") {
		t.Errorf("%s", got.out)
	}
}

func TestStatusNeedsNoSecretsOfTheConfig(t *testing.T) {
	t.Setenv("TOKEN_OF_THE_TEST", "token")
	port := freePort(t)
	w := newWorld(t, listening("127.0.0.1:"+port)+"\n[locked.a]\nToken = \"env:TOKEN_OF_THE_TEST\"\n")
	w.protocols = append(w.protocols, lockedProtocol(w.right))
	w.run()
	if err := os.Unsetenv("TOKEN_OF_THE_TEST"); err != nil {
		t.Fatal(err)
	}
	w.until("it is connected", func() bool { return w.call("status").code == 0 })
	if got := w.call("check"); got.code != 1 || !strings.Contains(got.errors, "TOKEN_OF_THE_TEST is not set") {
		t.Errorf("the environment is still there: %+v", got)
	}
}

func TestStatusOfWhatDoesNotAnswerNamesTheNextStep(t *testing.T) {
	port := freePort(t)
	w := newWorld(t, listening("[::]:"+port))
	start := "start it with `causeway run -c config.toml`, or name with -c the config that it runs with\n"
	w.call("status").wants(t, result{code: 1, errors: "causeway: there is no key file causeway.db.key, so Causeway has not run with this config: " + start})
	if len(w.snapshot()) != 1 {
		t.Errorf("asking has made something: %v", w.snapshot())
	}
	w.started()
	w.call("status").wants(t, result{code: 1, errors: "causeway: nothing answers at 127.0.0.1:" + port + ", so Causeway is not running, or was not restarted since Listen in [http] was changed: " + start})
	w.write("config.toml", listening("127.0.0.1:0"))
	w.call("status").wants(t, result{code: 1, errors: "causeway: asking Causeway: with Listen = \"127.0.0.1:0\" it takes any port: " +
		"set one of your choice in [http] and restart it\n"})
	w.write("causeway.db.key", "damaged")
	w.write("config.toml", listening("127.0.0.1:"+port))
	if got := w.call("status"); got.code != 1 || !strings.Contains(got.errors, "restore it from a backup") {
		t.Errorf("%+v", got)
	}
}

func TestStatusOfAnotherInstallation(t *testing.T) {
	port := freePort(t)
	w := newWorld(t, listening("127.0.0.1:"+port))
	w.run()
	other := newWorld(t, listening("127.0.0.1:"+port))
	other.started()
	other.call("status").wants(t, result{code: 1, errors: "causeway: the Causeway at 127.0.0.1:" + port +
		" has another key file than causeway.db.key: name with -c the config that it runs with\n"})
}

func TestStatusOfAnotherProgram(t *testing.T) {
	stuck := make(chan struct{})
	defer close(stuck)
	var asked int
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer elsewhere.Close()
	const another = "another program answers at ADDRESS, or an older Causeway: end it, or set Listen in [http] to another port"
	for name, test := range map[string]struct {
		answers http.HandlerFunc
		want    string
	}{
		"page":            {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, another},
		"other JSON":      {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"status":"ok"}`)) }, another},
		"not found":       {http.NotFound, another},
		"login":           {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, another},
		"hangs up":        {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, another},
		"redirect":        {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) }, another},
		"fails":           {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, "what answers at ADDRESS has failed"},
		"does not answer": {func(http.ResponseWriter, *http.Request) { <-stuck }, "what listens at ADDRESS does not answer"},
	} {
		server := httptest.NewServer(test.answers)
		address := server.Listener.Addr().String()
		w := newWorld(t, listening(address))
		w.patience = 200 * time.Millisecond
		w.started()
		want := "causeway: " + strings.ReplaceAll(test.want, "ADDRESS", address)
		if got := w.call("status"); got.code != 1 || got.out != "" || !strings.HasPrefix(got.errors, want) {
			t.Errorf("%s: %+v, want %s", name, got, want)
		}
		if name != "does not answer" {
			server.Close()
		}
	}
	if asked > 0 {
		t.Error("the token was sent elsewhere")
	}
}

func TestWhereTheRunningProcessIsAsked(t *testing.T) {
	type asked struct {
		hosts []string
		port  string
	}
	for listen, want := range map[string]asked{
		"0.0.0.0:9080":          {[]string{"127.0.0.1"}, "9080"},
		":9080":                 {[]string{"127.0.0.1", "::1"}, "9080"},
		"[::]:9080":             {[]string{"127.0.0.1", "::1"}, "9080"},
		"[::ffff:0.0.0.0]:9080": {[]string{"127.0.0.1"}, "9080"},
		"127.0.0.1:9080":        {[]string{"127.0.0.1"}, "9080"},
		"[::1]:9080":            {[]string{"::1"}, "9080"},
		"192.0.2.1:80":          {[]string{"192.0.2.1"}, "80"},
		"localhost:80":          {[]string{"localhost"}, "80"},
	} {
		hosts, port, err := askedAt(listen)
		if diff := cmp.Diff(want, asked{hosts, port}, cmp.AllowUnexported(asked{})); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", listen, err, diff)
		}
	}
	for _, listen := range []string{":0", "127.0.0.1:00"} {
		if _, _, err := askedAt(listen); err == nil {
			t.Errorf("%s can be asked", listen)
		}
	}
}

func TestTheSecondHostIsAskedWhenTheFirstDoesNotAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	conn, err := dialer([]string{"127.0.0.2", "127.0.0.1"}, port)(ctx, "tcp", "")
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

func TestStatusIsForThoseWhoMayReadTheKeyFile(t *testing.T) {
	port := freePort(t)
	w := newWorld(t, listening("0.0.0.0:"+port))
	w.run()
	w.until("it is connected", func() bool { return w.call("status").code == 0 })
	for _, header := range []string{"", "Bearer", "Bearer x", "Basic YTpi"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+port+"/status", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", header)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%q: %d", header, resp.StatusCode)
		}
	}
}
