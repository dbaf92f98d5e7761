package app

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/memory"
)

// visitor is a browser before the pages of a running Causeway.
type visitor struct {
	*world
	http.Client
	origin string
}

func (w *world) visitor(origin string) *visitor {
	jar, _ := cookiejar.New(nil) // never fails
	return &visitor{world: w, Client: http.Client{Jar: jar}, origin: origin}
}

// opens gives a page, with its code.
func (v *visitor) opens(path string) (int, string) {
	v.Helper()
	return v.read(v.Get(v.origin + path))
}

func (v *visitor) read(resp *http.Response, err error) (int, string) {
	v.Helper()
	if err != nil {
		v.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		v.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

// presses sends the form of a page.
func (v *visitor) presses(page, action string) (int, string) {
	v.Helper()
	form := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(page, -1) {
		form.Set(m[1], m[2])
	}
	return v.read(v.PostForm(v.origin+action, form))
}

// TestTheOperatorsPagesWhileItRuns: a message is refused, found in quarantine, and tried again from there; it arrives at once, and the command line
// tells who has done it.
func TestTheOperatorsPagesWhileItRuns(t *testing.T) {
	port := freePort(t)
	w := newWorld(t, listening("127.0.0.1:"+port))
	r := w.run()
	w.begun("left", "right")
	v := w.visitor("http://127.0.0.1:" + port)
	w.faults.set(func(_ context.Context, c memory.Call) error {
		if c.Op == memory.Post && !c.After {
			return &bridge.Error{Kind: bridge.Rejected, Err: errors.New("not allowed today")}
		}
		return nil
	})
	w.left.Say("C1", "ann", "hello")
	var page string
	w.until("it is in quarantine", func() bool {
		_, page = v.opens("/quarantine")
		return strings.Contains(page, "not allowed today")
	})
	w.faults.set(nil)
	path := regexp.MustCompile(`href="(confirm\?do=retry&amp;id=\d+)"`).FindStringSubmatch(page)
	if path == nil {
		t.Fatal(page)
	}
	_, page = v.opens("/" + strings.ReplaceAll(path[1], "&amp;", "&"))
	if code, page := v.presses(page, "/act"); code != http.StatusOK || !strings.Contains(page, "is sent again to right.two team/general") {
		t.Errorf("%d %s", code, page)
	}
	w.until("it arrives", func() bool { return len(texts(w.right, "C1")) == 1 })
	if _, page := v.opens("/"); !strings.Contains(page, ">All is well</h1>") || !strings.Contains(page, `aria-label="1 message in 24 hours`) {
		t.Errorf("the first page is\n%s", page)
	}
	got := w.call("audit", "--json")
	var kept []audited
	if err := json.Unmarshal([]byte(got.out), &kept); err != nil || len(kept) != 1 || kept[0].Act != "retry" || kept[0].Who != "dashboard on this machine" || kept[0].Failed {
		t.Errorf("%+v %v", got, err)
	}
	if got := w.call("quarantine", "drop", "99"); got.code != exitFailed {
		t.Errorf("%+v", got)
	}
	if got := w.call("audit", "1"); got.code != exitOK || !strings.Contains(got.out, "operator by command line  drop  message 99  not done: message 99: not in quarantine") || strings.Contains(got.out, "retry") {
		t.Errorf("%+v", got)
	}
	if got := w.call("audit", "x"); got.code != exitUsage {
		t.Errorf("%+v", got)
	}
	stream, err := v.Get(v.origin + "/live")
	if err != nil || stream.StatusCode != http.StatusOK {
		t.Fatalf("%v %v", stream, err)
	}
	if code := r.stop(); code != exitOK || strings.Contains(r.log.String(), "not done after") { // a page that listens does not hold it up
		t.Errorf("stopped with %d\n%s", code, r.log)
	}
	_ = stream.Body.Close()
}

// TestBehindAPublicAddressOneLogsIn, though the request comes from this machine, as a proxy's does.
func TestBehindAPublicAddressOneLogsIn(t *testing.T) {
	port := freePort(t)
	w := newWorld(t, strings.Replace(listening("127.0.0.1:"+port), "[http]", "[http]\nPublicURL = \"http://causeway.example/bridge\"", 1))
	if got := w.call("dashboard"); got.code != exitFailed {
		t.Errorf("without a Causeway that runs: %+v", got)
	}
	w.run()
	for _, path := range []string{"", "/bridge"} {
		v := w.visitor("http://127.0.0.1:" + port + path)
		if code, page := v.opens("/"); code != http.StatusUnauthorized || strings.Contains(page, "team/general") {
			t.Errorf("%d\n%s", code, page)
		}
		got := w.call("dashboard")
		link := regexp.MustCompile(`http://127\.0\.0\.1:` + port + `(/login\?key=\S+)`).FindStringSubmatch(got.out)
		if link == nil {
			t.Fatalf("%+v", got)
		}
		_, page := v.opens(link[1])
		if code, page := v.presses(page, "/login"); code != http.StatusOK || !strings.Contains(page, "team/general") || !strings.Contains(page, "Log out") {
			t.Errorf("%d\n%s", code, page)
		}
		_, page = v.opens("/")
		if code, page := v.presses(page, "/logout"); code != http.StatusOK || !strings.Contains(page, "causeway dashboard") {
			t.Errorf("%d\n%s", code, page)
		}
	}
}

// TestWhatTheCommandLineDoesThePagesDo, too: an account is signed in, everything is checked, channels are listed, and a changed config is taken up.
func TestWhatTheCommandLineDoesThePagesDo(t *testing.T) {
	port := freePort(t)
	config := strings.Replace(signIn, "127.0.0.1:0", "127.0.0.1:"+port, 1)
	w := newWorld(t, config)
	locked := lockedProtocol(w.right)
	locked.Login = true
	w.protocols = append(w.protocols, locked)
	w.run()
	v := w.visitor("http://127.0.0.1:" + port)
	press := func(query string, wants ...string) {
		t.Helper()
		_, page := v.opens("/confirm?" + query)
		code, page := v.presses(page, "/act")
		for _, want := range wants {
			if code != http.StatusOK || !strings.Contains(page, want) {
				t.Errorf("%s: %q is not on the page: %d\n%s", query, want, code, page)
			}
		}
	}
	press("do=check", "Everything was looked at: 1 problem", "run: causeway login locked.a")
	press("do=login&account=locked.a", "Do now what the page says")
	w.until("it is signed in", func() bool { _, page := v.opens("/upkeep"); return strings.Contains(page, "locked.a is signed in.") })
	press("do=check", "Everything was looked at: no problem", "locked.a team/general (both ways)")
	press("do=checkstore", "The store was looked through: no problem", "rows.")
	press("do=channels&account=locked.a", "2 channels", "channel = &#34;team/general&#34;")
	w.write("config.toml", config+"[gateways]\n")
	press("do=reload", "config.toml:10: ", "card note stop")
	w.write("config.toml", "[general]\nLogLevel = \"debug\"\n"+config)
	press("do=reload", "LogLevel: debug", "card note well")
	press("do=loglevel&level=warn", "Causeway logs by the level warn now.", "Logging: warn")
	press("do=reload", "Nothing has changed.", "Logging: debug")
	press("do=backup", "holds the store")
	if made, err := filepath.Glob(filepath.Join(w.dir, "causeway-*.db")); err != nil || len(made) != 1 {
		t.Errorf("backups: %v %v", made, err)
	}
	if code, text := v.opens("/people.csv"); code != http.StatusOK || !strings.HasPrefix(text, "person,state,") {
		t.Errorf("%d %s", code, text)
	}
	press("do=link&one=left.one:team/second&two=nowhere", "&#34;nowhere&#34; names no channel", "card note stop")
	var kept []audited
	if err := json.Unmarshal([]byte(w.call("audit", "--json").out), &kept); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range kept {
		got = append(got, strings.TrimSpace(a.Act+" "+a.About)+map[bool]string{true: ": failed"}[a.Failed])
		if a.Who != "dashboard on this machine" {
			t.Errorf("%+v", a)
		}
	}
	want := []string{"people export", "store backup", "reload config", "log level warn", "reload config", "reload config: failed", "channels locked.a", "store check", "check", "login locked.a", "check"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the audit log (-want +got):\n%s", diff)
	}
}

// TestChannelsAreLinkedFromThePage, carried, and unlinked; the audit log says so once.
func TestChannelsAreLinkedFromThePage(t *testing.T) {
	port := freePort(t)
	w := newWorld(t, listening("127.0.0.1:"+port))
	w.run()
	w.crosses("C1", "before")
	v := w.visitor("http://127.0.0.1:" + port)
	ends := "&one=" + url.QueryEscape(leftOther) + "&two=" + url.QueryEscape(rightOther)
	for _, do := range []string{"link", "unlink"} {
		_, page := v.opens("/confirm?do=" + do + ends)
		code, page := v.presses(page, "/act")
		want := map[string]string{"link": `aria-label="Unlink: link 1"`, "unlink": "are not linked any more"}[do]
		if code != http.StatusOK || !strings.Contains(page, want) {
			t.Fatalf("%s: %d\n%s", do, code, page)
		}
		if do == "link" {
			w.crosses("C2", "through the link")
		}
	}
	who := "dashboard on this machine "
	if got := w.lastAudits(2); len(got) != 2 || !strings.HasPrefix(got[0], who+"unlink "+leftOther+" "+rightOther) || !strings.HasPrefix(got[1], who+"link "+leftOther+" "+rightOther) {
		t.Errorf("the audit log: %q", got)
	}
}

func TestPagesCanBeSwitchedOff(t *testing.T) {
	port := freePort(t)
	w := newWorld(t, "[dashboard]\nEnable = false\n"+listening("127.0.0.1:"+port))
	w.run()
	if code, page := w.visitor("http://127.0.0.1:" + port).opens("/"); code != http.StatusNotFound {
		t.Errorf("%d\n%s", code, page)
	}
}
