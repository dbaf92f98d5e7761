package app

import (
	"crypto/x509"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
)

// front is a reverse proxy that speaks https, before an address; roots trusts it.
func front(t *testing.T, address string) (server *httptest.Server, roots *x509.CertPool) {
	t.Helper()
	server = httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of clients that do not trust it
	server.StartTLS()
	t.Cleanup(server.Close)
	roots = x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server, roots
}

// publicly gives a config whose server is at an address and reached at another.
func publicly(address, public string) string {
	return strings.Replace(listening(address), "[http]", "[http]\nPublicURL = \""+public+"\"", 1)
}

// about gives the lines of a report that tell of the address.
func about(text, address string) []string {
	var all []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, address) || strings.Contains(line, "certificate of PublicURL") {
			all = append(all, strings.TrimRight(line, "\n"))
		}
	}
	return all
}

func TestCheckSeesThatThePublicAddressLeadsHere(t *testing.T) {
	address := "127.0.0.1:" + freePort(t)
	proxy, roots := front(t, address)
	ends := proxy.Certificate().NotAfter.UTC().Format(time.DateOnly)
	for _, path := range []string{"", "/causeway"} {
		w := newWorld(t, publicly(address, proxy.URL+path))
		w.roots = roots
		well := func(who string) []string {
			return []string{"  ok       " + proxy.URL + path + " leads here: it was answered by " + who, ends}
		}
		check := func(who string) {
			t.Helper()
			got := w.call("check")
			lines := about(got.out, proxy.URL)
			if len(lines) == 2 && strings.HasSuffix(lines[1], "on "+ends) {
				lines[1] = ends
			}
			if diff := cmp.Diff(well(who), lines); diff != "" || got.code != 0 {
				t.Errorf("code %d (-want +got):\n%s\n%s", got.code, diff, got.out)
			}
		}
		check("this check, as Causeway is not running")
		r := w.run()
		check("the Causeway that is running")
		other := newWorld(t, publicly("127.0.0.1:"+freePort(t), proxy.URL+path))
		other.roots = roots
		if got := other.call("check"); got.code != 1 || !strings.Contains(got.out, "  PROBLEM  "+proxy.URL+path+" leads elsewhere, to another Causeway or another program\n") {
			t.Errorf("where another Causeway answers: %+v", got)
		}
		r.stop()
	}
}

func TestCheckTellsWhatIsWrongWithThePublicAddress(t *testing.T) {
	answers := map[string]http.HandlerFunc{
		"does not lead to Causeway (status 404), or to an older one": http.NotFound,
		"sends on to another address (status 301), which services":   func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusMovedPermanently) },
		"leads elsewhere, to another Causeway or another program":    func(http.ResponseWriter, *http.Request) {},
		"reaches a reverse proxy that does not reach Causeway":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
	}
	for want, answer := range answers {
		server := httptest.NewServer(answer)
		defer server.Close()
		got := newWorld(t, publicly("127.0.0.1:0", server.URL)).call("check")
		if got.code != 1 || !strings.Contains(got.out, "  PROBLEM  "+server.URL+" "+want) || !strings.Contains(got.out, "\n           → ") {
			t.Errorf("%s: %+v", want, got)
		}
	}
	proxy, _ := front(t, "127.0.0.1:1")
	got := newWorld(t, publicly("127.0.0.1:0", proxy.URL)).call("check")
	if got.code != 1 || !strings.Contains(got.out, "  PROBLEM  the certificate of "+proxy.URL+" is not good: x509: ") {
		t.Errorf("with a certificate of nobody's: %+v", got)
	}
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	got = newWorld(t, publicly("127.0.0.1:0", strings.Replace(plain.URL, "http://", "https://", 1))).call("check")
	if got.code != 1 || !strings.Contains(got.out, " does not speak https\n") {
		t.Errorf("without encryption: %+v", got)
	}
	// What this machine cannot reach others may.
	gone := "http://127.0.0.1:" + freePort(t)
	got = newWorld(t, publicly("127.0.0.1:0", gone)).call("check")
	if got.code != 0 || !strings.Contains(got.out, "  warning  "+gone+" cannot be reached from this machine: dial tcp ") {
		t.Errorf("where nobody answers: %+v", got)
	}
}

func TestCertificateThatEndsSoonIsWarnedOf(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for left, want := range map[time.Duration]item{
		30 * day: {stateOK, "the certificate of PublicURL ends in 30 days, on 2026-05-31", ""},
		13 * day: {stateWarning, "the certificate of PublicURL ends in 13 days, on 2026-05-14", "renew it, or see why it is not renewed"},
	} {
		if got := certificate(&x509.Certificate{NotAfter: now.Add(left)}, now); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}

func TestCheckAsJSON(t *testing.T) {
	w := newWorld(t, accounts+oneGateway)
	w.stands(func(_ bridge.Env, s *standing) {
		s.Bridge = &checked{Bridge: s.Bridge, findings: []bridge.Finding{{Fine: true, Text: "good"}, {Unsure: true, Text: "who knows"},
			{Text: "so so", Next: "do this"}, {Fatal: true, Text: "bad"}}}
	})
	got := w.call("check", "--json")
	var r report
	if err := json.Unmarshal([]byte(got.out), &r); err != nil || got.code != 1 {
		t.Fatalf("%v %+v", err, got)
	}
	want := section{"account left.one", []item{{stateOK, "connected as bot", ""}, {stateOK, "good", ""}, {stateNote, "who knows", ""}, {stateWarning, "so so", "do this"}, {stateProblem, "bad", ""}}}
	if diff := cmp.Diff(want, r.Sections[1]); diff != "" || r.Problems != 1 || r.Warnings != 1 || r.Version != version() {
		t.Errorf("%+v (-want +got):\n%s", r, diff)
	}
}
