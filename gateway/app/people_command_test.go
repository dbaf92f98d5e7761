package app

import (
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/config"
	"causeway/gateway/people"
	"causeway/gateway/store"
)

// peopled is a world with ann and ben on the left and eve on the right, whose pages browsers can reach.
func peopled(t *testing.T) (w *world, port string) {
	t.Helper()
	port = freePort(t)
	w = newWorld(t, strings.Replace(listening("127.0.0.1:"+port), "[http]", "[http]\nPublicURL = \"http://127.0.0.1:"+port+"\"", 1))
	for _, one := range []struct {
		service *memory.Service
		user    string
	}{{w.left, "ann"}, {w.left, "ben"}, {w.right, "eve"}} {
		one.service.AddUser(bridge.Profile{Author: bridge.Author{ID: bridge.UserID(one.user), Name: strings.ToUpper(one.user[:1]) + one.user[1:], Username: one.user},
			Email: one.user + "@example.com", EmailProven: true})
	}
	return w, port
}

// connects makes one person of a user on the left and one on the right, and gives the secrets by which Causeway can act as them.
func (w *world) connects(left, right string) (secrets []string) {
	w.Helper()
	s, err := openStore(w.Context(), config.Storage{DSN: w.path("causeway.db"), KeyFile: w.path("causeway.db.key")})
	if err != nil {
		w.Fatal(err)
	}
	end := func(account bridge.AccountName, service *memory.Service, u string) store.End {
		grant := w.empowered(service, account, bridge.UserID(u))
		secrets = append(secrets, string(grant))
		return store.End{Grant: grant, Identity: store.Identity{Account: account, Server: service.Server(), User: bridge.UserID(u),
			Name: strings.ToUpper(u[:1]) + u[1:], Username: u, Email: u + "@example.com"}}
	}
	_, err = s.Connect(w.Context(), "", [2]store.End{end("left.one", w.left, left), end("right.two", w.right, right)}, 0)
	if err := errors.Join(err, s.Close()); err != nil {
		w.Fatal(err)
	}
	return secrets
}

// empowered lets somebody sign in, and gives what an account keeps to act as them.
func (w *world) empowered(service *memory.Service, account bridge.AccountName, u bridge.UserID) []byte {
	w.Helper()
	b := service.Account(account, "bot")
	signIn := bridge.SignIn{Redirect: "http://causeway.example/connect/back", State: "s", Verifier: strings.Repeat("v", 43)}
	address, err := b.SignIn(w.Context(), signIn)
	if err != nil {
		w.Fatal(err)
	}
	back, err := url.Parse(service.Allow(address, u))
	if err != nil {
		w.Fatal(err)
	}
	proof, err := b.Prove(w.Context(), signIn, back.Query().Get("code"))
	if err != nil {
		w.Fatal(err)
	}
	grant, err := b.Empower(w.Context(), u, proof.Grant)
	if err != nil {
		w.Fatal(err)
	}
	return grant
}

func TestPeopleBeforeAnybodyIsKnown(t *testing.T) {
	w, port := peopled(t)
	w.call("people").wants(t, result{out: "Nobody has connected or was asked to.\n"})
	w.call("people", "export").wants(t, result{out: strings.Join(exportColumns, ",") + "\n"})
	w.call("people", "export", "--json").wants(t, result{out: "[]\n"})
	w.call("people", "show", "ann").wants(t, result{code: 1, errors: "causeway: ann: nobody has connected or was asked yet\n"})
	if got := w.call("people", "invite", "ann"); got.code != 1 || !strings.Contains(got.errors, "there is no key file causeway.db.key, so Causeway has not run") {
		t.Errorf("%+v", got)
	}
	if len(w.snapshot()) != 1 {
		t.Errorf("looking has made something: %v", w.snapshot())
	}
	w.started()
	w.write("names", "ann\nben\n")
	const start = "so Causeway is not running, or was not restarted since Listen in [http] was changed: start it with `causeway run -c config.toml`, or name with -c the config that it runs with"
	w.call("people", "invite", "--file", w.path("names")).wants(t, result{code: 1, errors: "causeway: nothing answers at 127.0.0.1:" + port + ", " + start + " (2 orders not tried)\n"})
	w.call("people", "sync").wants(t, result{code: 1, errors: "causeway: nothing answers at 127.0.0.1:" + port + ", " + start + "\n"})
}

func TestPeopleAreAdministeredWhileCausewayRuns(t *testing.T) {
	w, _ := peopled(t)
	r := w.run()
	w.begun("left", "right")
	today := time.Now().UTC().Format(time.DateOnly)
	var seen []string
	call := func(want result, args ...string) {
		t.Helper()
		got := w.call(append([]string{"people"}, args...)...)
		seen = append(seen, got.out, got.errors)
		got.wants(t, want)
	}
	w.write("bulk", "\uFEFF# from the wiki\r\nann  # first\r\n\r\nnobody\nben eve\nben\n")
	call(result{code: 1, out: "ann: asked to connect, by a direct message in left\n" +
		"nobody: not done: nobody in left and right is called that: write a user name, an e-mail address or an id\n" +
		"line 5: not done: needs 1 name, and has 2\n" +
		"ben: asked to connect, by a direct message in left\n"}, "invite", "--file", w.path("bulk"))
	w.write("pairs", "ann, eve\nben\nben;nobody\n")
	call(result{code: 1, out: "ann eve: Ann (@ann) in left and Eve (@eve) in right may be connected; was asked on " + today + " and has not answered yet; not asked again\n" +
		"line 2: not done: needs 2 names, and has 1\n" +
		"ben nobody: not done: nobody is called nobody: write a user name, an e-mail address or an id\n"}, "connect", "--file", w.path("pairs"))
	if n := len(w.left.Notices()); n != 2 {
		t.Errorf("%d were told something", n)
	}
	call(result{out: "Nobody who is connected has left.\n"}, "sync", "--dry-run")
	secrets := append(w.connects("ann", "eve"), "Bearer")
	day := time.Now().Format(time.DateOnly)
	call(result{out: "PERSON  NAME  ACCOUNT    USER  E-MAIL           STATE                NOTIFIED IN  SINCE\n" +
		"1       Ann   left.one   @ann  ann@example.com  connected            -            " + day + "\n" +
		"1       Eve   right.two  @eve  eve@example.com  connected            -            " + day + "\n" +
		"-       -     left.one   ben   -                invited: unanswered  -            -\n"}, "list")
	call(result{out: "Nobody of the 2 who are known.\n"}, "list", "lost")
	call(result{out: "ann right: is notified in right from now on, and was told so\n"}, "platform", "ann", "right")
	shown := w.call("people", "show", "eve@example.com")
	seen = append(seen, shown.out)
	for _, want := range []string{"Ann\n  Person 1, connected, known since ", "notified in right.two.\n\nAccounts\n  left.one, Ann, @ann, ann@example.com, id ann: connected, verified ",
		"\nMay connect with, although the addresses differ\n  left.one ann with right.two eve\n"} {
		if shown.code != 0 || !strings.Contains(shown.out, want) {
			t.Errorf("show lacks %q: %+v", want, shown)
		}
	}
	exported := w.call("people", "export", "--json")
	seen = append(seen, exported.out)
	var all []people.Entry
	if err := json.Unmarshal([]byte(exported.out), &all); err != nil || len(all) != 2 || all[0].Preferred != "right.two" || all[0].Accounts[1].Username != "eve" || all[1].State != people.Invited {
		t.Errorf("%v: %s", err, exported.out)
	}
	csv := w.call("people", "export")
	seen = append(seen, csv.out)
	stamp := regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
	want := strings.Join(exportColumns, ",") + "\n" +
		"1,connected,right.two,false,T,left.one,memory:left,ann,ann,Ann,ann@example.com,connected,,T,accepted,T\n" +
		"1,connected,right.two,false,T,right.two,memory:right,eve,eve,Eve,eve@example.com,connected,,T,accepted,T\n" +
		"0,invited,,false,,left.one,memory:left,ben,,,,invited,,,unanswered,T\n"
	if diff := cmp.Diff(want, stamp.ReplaceAllString(csv.out, "T")); diff != "" {
		t.Error(diff)
	}
	w.write("export.csv", csv.out)
	call(result{code: 1, out: "left.one:ann: is being disconnected from left and right; what they have said is delivered first\nleft.one:ben: not done: not connected\n"},
		"disconnect", "--file", w.path("export.csv"))
	w.until("she is disconnected", func() bool {
		return strings.Contains(w.call("people", "show", "ann").out, "Not connected; was asked to.")
	})
	for _, text := range append(seen, r.log.String()) {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("the secret %s is in\n%s", secret, text)
			}
		}
	}
	if log := r.log.String(); !strings.Contains(log, "by=\"operator by command line\"") || !strings.Contains(log, "act=invite") || !strings.Contains(log, "whom=ann") {
		t.Errorf("the log says\n%s", log)
	}
	r.stop()
	if got := w.call("people", "list", "ben"); !strings.Contains(got.out, "invited: unanswered") {
		t.Errorf("while it does not run: %+v", got)
	}
}

func TestOrdersNeedTheKeyFile(t *testing.T) {
	w, port := peopled(t)
	w.run()
	other := newWorld(t, listening("127.0.0.1:"+port))
	if _, err := openStore(t.Context(), config.Storage{DSN: other.path("causeway.db"), KeyFile: other.path("causeway.db.key")}); err != nil {
		t.Fatal(err)
	}
	other.call("people", "invite", "ann").wants(t, result{code: 1,
		errors: "causeway: the Causeway at 127.0.0.1:" + port + " has another key file than causeway.db.key: name with -c the config that it runs with\n"})
	if n := len(w.left.Notices()); n != 0 {
		t.Errorf("%d were told something", n)
	}
}

func TestNamesOfFilesThatMakeNoSense(t *testing.T) {
	w, _ := peopled(t)
	header := strings.Join(exportColumns, ",")
	for text, want := range map[string]string{
		"":                         "there is no name in names: write one a line, # begins a comment",
		"# none\n":                 "there is no name in names: write one a line, # begins a comment",
		header + "\n1,2\n":         "reading the names of names: record on line 2: wrong number of fields",
		"person,state,preferred\n": "reading the names of names: the columns person, account and id must be there",
	} {
		w.write("names", text)
		w.call("people", "disconnect", "--file", w.path("names")).wants(t, result{code: 1, errors: "causeway: " + want + "\n"})
	}
	w.write("names", header+"\n")
	w.call("people", "connect", "--file", w.path("names")).wants(t, result{code: 1,
		errors: "causeway: reading the names of names: an export does not say who belongs to whom: write two names a line\n"})
	if got := w.call("people", "invite", "--file", w.path("nothing")); got.code != 1 || !strings.Contains(got.errors, "reading the names: open nothing: ") {
		t.Errorf("%+v", got)
	}
}

func TestExportedNamesAreNoFormulas(t *testing.T) {
	for text, want := range map[string]string{"": "", "Ann": "Ann", "=1+1": "'=1+1", "@SUM(A1)": "'@SUM(A1)", "+1": "'+1", "-1": "'-1", "\t=1": "'\t=1", "a=1": "a=1"} {
		if got := harmless(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// TestTheManualNamesEveryActionAndField keeps docs/people.md true.
func TestTheManualNamesEveryActionAndField(t *testing.T) {
	text, err := os.ReadFile("../../docs/people.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range peopleActions() {
		if want := "\n    causeway people " + strings.TrimSpace(a.Name+" "+a.Takes) + " "; !strings.Contains(string(text), want) {
			t.Errorf("docs/people.md lacks %q", want)
		}
	}
	for _, column := range exportColumns {
		if !strings.Contains(string(text), "`"+column+"`") {
			t.Errorf("docs/people.md lacks the column %s", column)
		}
	}
}
