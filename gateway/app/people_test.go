package app

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/bridge/richtext"
	"causeway/gateway"
)

// TestPeopleConnectWhileItRuns types a command on the left and walks through the pages of the running server.
func TestPeopleConnectWhileItRuns(t *testing.T) {
	port := freePort(t)
	address := "http://127.0.0.1:" + port + "/causeway"
	w := newWorld(t, strings.Replace(listening("127.0.0.1:"+port), "[http]", "[people]\nMaxRemovals = \"0\"\n[http]\nPublicURL = \""+address+"\"", 1))
	for _, s := range []*memory.Service{w.left, w.right} {
		s.AddUser(bridge.Profile{Author: bridge.Author{ID: "ann", Name: "Ann", Username: "ann"}, Email: "ann@example.com", EmailProven: true})
	}
	r := w.run()
	w.begun("left", "right")
	var reply bridge.Reply
	w.until("the command is taken", func() (ok bool) {
		reply, ok = w.left.Command(t.Context(), "C1", "ann", "/right connect")
		return ok && linkOf(reply.Text) != ""
	})
	jar, _ := cookiejar.New(nil) // never fails
	browser := &http.Client{Jar: jar}
	open := func(resp *http.Response, err error) (body string) {
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if _, next, ok := strings.Cut(resp.Header.Get("Refresh"), "url="); ok {
			return next
		}
		return string(text)
	}
	link := linkOf(reply.Text)
	if body := open(browser.Get(link)); !strings.Contains(body, "Connect left with right") {
		t.Fatalf("the first page is\n%s", body)
	}
	next := open(browser.PostForm(link, nil))
	next = open(browser.Get(w.left.Allow(next, "ann")))
	last := open(browser.Get(w.right.Allow(next, "ann")))
	form := regexp.MustCompile(`name="form" value="([^"]+)"`).FindStringSubmatch(last)
	if form == nil {
		t.Fatalf("the last page is\n%s", last)
	}
	done := open(browser.PostForm(address+"/connect/step", map[string][]string{"form": {form[1]}}))
	if !strings.Contains(done, "<h1>You are connected</h1>") {
		t.Fatalf("the page after it is\n%s", done)
	}
	if got := w.call("status"); !strings.Contains(got.out, "\nPEOPLE\n  1 connected\n") {
		t.Errorf("the status does not count them:\n%s", got.out)
	}
	w.left.Say("C1", "ann", "as myself")
	w.until("it crosses in her own name", func() bool {
		for _, m := range w.right.Messages("C1") {
			if m.Text == "as myself" {
				return m.Author.ID == "ann"
			}
		}
		return false
	})
	w.right.Revoke("ann")
	w.left.Say("C1", "ann", "in the name of the relay")
	w.until("she is told that she has to connect again", func() bool {
		n := w.left.Notices()
		return len(n) == 2 && n[1].User == "ann" && len(n[1].Choices) == 1
	})
	w.right.Alter("ann", func(p *bridge.Profile) { p.Standing.Presence = bridge.Deleted })
	w.call("people", "sync")
	if got := w.call("status"); got.code == 0 || !strings.Contains(got.out, "1 person who has left waits for your consent to be removed") {
		t.Errorf("that the operator is asked does not stand in the status:\n%s", got.out)
	}
	if got := w.call("people", "sync", "--confirm", "1"); got.code != 0 || !strings.Contains(got.out, "is being disconnected: deleted in right") {
		t.Errorf("the consent is answered by\n%s%s", got.out, got.errors)
	}
	w.until("nothing is asked any more", func() bool { return w.call("status").code == 0 })
	if got := w.call("audit"); !strings.Contains(got.out, "Causeway by itself") || !strings.Contains(got.out, "somebody who has left is disconnected: deleted in right") {
		t.Errorf("the audit log says\n%s", got.out)
	}
	if log := r.log.String(); strings.Contains(log, link[strings.LastIndexByte(link, '/')+1:]) || strings.Contains(log, "PublicURL") {
		t.Errorf("the log says\n%s", log)
	}
	r.stop()
}

// linkOf gives the first link of a text.
func linkOf(doc richtext.Doc) string {
	for _, block := range doc {
		for _, r := range block.Runs {
			if r.Link != "" {
				return r.Link
			}
		}
	}
	return ""
}

func TestRunSaysThatPeopleCannotConnect(t *testing.T) {
	for change, want := range map[string]int{"": 1, "[people]\nEnable = false\n": 0, "[http]\nPublicURL = \"https://example.com\"\n": 0} {
		text := accounts + oneGateway
		if strings.HasPrefix(change, "[http]") {
			text = strings.Replace(text, "[http]\n", change, 1)
		} else {
			text = change + text
		}
		w := newWorld(t, text)
		r := w.run()
		r.stop()
		if got := strings.Count(r.log.String(), "people cannot connect their accounts on left and right: set PublicURL in [http]"); got != want {
			t.Errorf("%q: said %d times\n%s", change, got, r.log)
		}
	}
}

func TestSharingIsByGateway(t *testing.T) {
	end := func(accounts ...bridge.AccountName) (r gateway.Route) {
		for _, a := range accounts {
			r.Endpoints = append(r.Endpoints, gateway.Endpoint{Account: a})
		}
		return r
	}
	routes := []gateway.Route{end("a", "b", "a"), end("c", "d"), end("d", "a", "b")}
	got := map[bridge.AccountName][]bridge.AccountName{}
	for _, a := range []bridge.AccountName{"a", "b", "c", "d", "e"} {
		got[a] = sharing(routes, a)
	}
	want := map[bridge.AccountName][]bridge.AccountName{"a": {"b", "d"}, "b": {"a", "d"}, "c": {"d"}, "d": {"c", "a", "b"}, "e": nil}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAddressIsTheServerOfTheSettings(t *testing.T) {
	for want, settings := range map[string]any{
		"https://chat.example": &struct{ Server string }{"https://chat.example"}, "": &struct{ Server int }{1},
	} {
		if got := addressOf(settings); got != want {
			t.Errorf("%+v: %q", settings, got)
		}
	}
	if got := addressOf(nil) + addressOf(&struct{}{}) + addressOf("Server"); got != "" {
		t.Errorf("%q", got)
	}
}
