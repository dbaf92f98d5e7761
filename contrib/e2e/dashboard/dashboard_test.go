package dashboard

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"causeway/contrib/e2e/harness"
)

// TestTheOperatorsPages uses them as an operator does, and has axe look at each in light and dark, on a desktop and a phone.
func TestTheOperatorsPages(t *testing.T) {
	s := newStage(t, harness.StartPostgres(t).DSN)
	s.standBy()
	v := openScreen(t, s.origin, true)
	v.goes("/")
	v.until(`document.getElementById("live").textContent === "live"`)
	// What happens while the page is open shows by itself.
	v.until(`document.getElementById("verdict").innerText.includes("Contoso/Customers")`)
	v.until(`document.getElementById("instancelist").innerText.includes("stands by")`)
	s.refuse("the message is longer than the service takes")
	s.left.Say("dev", "jonas", "a word that is refused")
	v.until(`document.getElementById("verdict").innerText.includes("1 message could not be delivered")`)
	s.refuse("")

	s.left.Say("town", "maria", "a word that arrives")
	id := found(s)
	v.goes("/messages")
	everyStopIsSeen(v)
	v.do(chromedp.Evaluate[chromedp.Void](`document.getElementById("q").focus()`))
	for _, key := range "https://chat.example/main/pl/" + id {
		v.do(chromedp.KeyEvent(string(key)))
	}
	v.do(chromedp.Evaluate[chromedp.Void](`document.getElementById("q").form.requestSubmit()`))
	v.until(`location.pathname === "/message" || document.querySelectorAll("main tbody tr").length > 0`)

	v.goes("/confirm?do=link&one=mattermost.hq:main/support&two=mattermost.hq:main/spare")
	v.press("Link them")
	v.until(`document.querySelector(".note")?.innerText.includes("is in the gateway")`)
	v.goes("/confirm?do=link&one=mattermost.hq:main/spare&two=msteams.contoso:Contoso/Spare")
	v.press("Link them")
	v.until(`document.getElementById("links").innerText.includes("Contoso/Spare")`)

	v.goes("/upkeep")
	v.press("Check")
	v.until(`document.querySelector("h1").textContent === "Check everything?"`)
	v.press("Check")
	v.until(`document.querySelector(".note")?.innerText.includes("Everything was looked at: 1 problem")`)

	for _, page := range []struct{ name, path string }{
		{"overview", "/"}, {"messages", "/messages?author=jonas"}, {"journey", stuckMessage(v)}, {"quarantine", "/quarantine"}, {"people", "/people"},
		{"subscriptions", "/subscriptions"}, {"upkeep", "/upkeep"}, {"audit", "/audit"}, {"confirm", "/confirm?do=disconnect&name=mattermost.hq:maria"},
		{"many", "/confirm?do=dropall&to=&reason=longer"},
	} {
		v.goes(page.path)
		for _, look := range []struct {
			name, theme   string
			width, height int64
		}{{"light", "light", 1280, 900}, {"dark", "dark", 1280, 900}, {"phone", "light", 390, 844}, {"phone-dark", "dark", 390, 844}} {
			v.looks(look.theme, look.width, look.height)
			v.accessible(page.name + " " + look.name)
			v.picture(page.name + "-" + look.name)
		}
		for _, width := range []int64{320, 390, 600, 768, 1024, 1920} {
			v.looks("light", width, 900)
			if over := v.says("document.documentElement.scrollWidth - innerWidth"); !strings.HasPrefix(over, "-") && over != "0" {
				t.Errorf("%s: at a width of %d it is %s too wide", page.name, width, over)
			}
		}
		v.looks("light", 1280, 900)
	}

	v.goes("/quarantine")
	v.press("Try again")
	v.until(`document.querySelector("h1").textContent.endsWith("again?")`)
	v.press("Try again")
	v.until(`document.querySelector(".note")?.innerText.includes("is sent again to msteams.contoso Contoso/Development")`)
	s.until("it has arrived", func() bool { return said(s, "a word that is refused") })
	v.goes("/audit")
	v.until(`document.querySelector("main tbody tr").innerText.includes("dashboard on this machine")`)
}

// TestThePagesBeforeTheLogIn has axe look at what somebody sees who is not logged in, gets the token wrong, or asks for what is not there.
func TestThePagesBeforeTheLogIn(t *testing.T) {
	const token = "a-token-of-an-operator-0123456789"
	s := newStage(t, "", "[dashboard]\nToken = \""+token+"\"\n")
	v := openScreen(t, s.origin, true)
	v.isRefused()
	looks := func(name, says string) {
		t.Helper()
		v.until(fmt.Sprintf(`document.body.innerText.includes(%q)`, says))
		for _, look := range []struct {
			name, theme string
			width       int64
		}{{"light", "light", 1280}, {"dark", "dark", 1280}, {"phone", "light", 390}, {"phone-dark", "dark", 390}} {
			v.looks(look.theme, look.width, 900)
			v.accessible(name + " " + look.name)
			v.picture(name + "-" + look.name)
			if over := v.says("document.documentElement.scrollWidth - innerWidth"); !strings.HasPrefix(over, "-") && over != "0" {
				t.Errorf("%s: at a width of %d it is %s too wide", name, look.width, over)
			}
		}
		v.looks("light", 1280, 900)
	}
	enters := func(token string) {
		t.Helper()
		v.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.getElementById("token").value = %q`, token)))
		v.press("Log in")
	}
	v.goes("/")
	looks("login", "Token, as in [dashboard] of the config")
	v.goes("/login?key=one-of-a-link")
	looks("login-link", "This link logs you in")
	v.goes("/login")
	enters("another one")
	looks("login-wrong", "That is not the token")
	enters(token)
	v.until(`document.getElementById("verdict") !== null`)
	v.goes("/message?id=987654321")
	looks("not-there", "There is no such message")
}

// found waits for a message on the other side, and gives its id there.
func found(s *stage) (id string) {
	s.until("it has arrived", func() bool {
		for _, m := range s.right.Messages("town") {
			if strings.Contains(m.Text, "a word that arrives") {
				id = string(m.ID)
			}
		}
		return id != ""
	})
	return url.PathEscape(id)
}

func said(s *stage, text string) bool {
	for _, m := range s.right.Messages("dev") {
		if strings.Contains(m.Text, text) {
			return true
		}
	}
	return false
}

// stuckMessage is the path of the message in quarantine.
func stuckMessage(v *screen) string {
	v.goes("/quarantine")
	v.until(`Boolean(document.querySelector("td a[href^='message']"))`)
	return "/" + v.says(`document.querySelector("td a[href^='message']").getAttribute("href")`)
}

// everyStopIsSeen goes once through a page by the Tab key: the first stop skips the navigation, and each shows that one is there.
func everyStopIsSeen(v *screen) {
	v.t.Helper()
	const shown = `(() => { const e = document.activeElement, s = getComputedStyle(e), b = e.getBoundingClientRect(); return s.outlineStyle !== "none" && b.bottom > 0 && b.right > 0; })()`
	stops := map[string]bool{}
	for n := range 40 {
		v.do(chromedp.KeyEvent(kb.Tab))
		at := v.says(`document.activeElement.id || document.activeElement.textContent.trim() || document.activeElement.tagName`)
		if v.says(`document.activeElement === document.body`) == "true" || n > 0 && at == "Skip to the content" {
			break
		}
		if n == 0 && at != "Skip to the content" {
			v.t.Errorf("the first stop is %q", at)
		}
		stops[at] = true
		if v.says(shown) != "true" {
			v.t.Errorf("one does not see that the focus is on %q", at)
		}
	}
	for _, want := range []string{"Overview", "Audit log", "q", "author", "from", "to", "Find"} {
		if !stops[want] {
			v.t.Errorf("the Tab key does not reach %q; it reaches %v", want, stops)
		}
	}
}

// TestWithoutAScript gives a message up in a browser that runs no scripts, and reads the other pages there.
func TestWithoutAScript(t *testing.T) {
	s := newStage(t, "")
	v := openScreen(t, s.origin, false)
	text := func() string { return v.says(`document.body.innerText`) } // what the browser itself is told to run, it runs
	// What was said before Causeway knows a channel is history, which it does not carry.
	s.until("every channel has been looked for", func() bool { v.goes("/"); return strings.Contains(text(), "Contoso/Customers") })
	s.refuse("not allowed")
	s.left.Say("dev", "jonas", "a word that is refused")
	s.until("it is in quarantine", func() bool { v.goes("/quarantine"); return strings.Contains(text(), "not allowed") })
	v.press("Give it up")
	v.until(`document.querySelector("h1").textContent.endsWith("?")`)
	v.press("Give it up")
	s.until("it is given up", func() bool { return strings.Contains(text(), "Nothing is in quarantine.") })
	for path, want := range map[string]string{"/": "town-square", "/people": "Maria Lopez", "/subscriptions": "2 of 3 alive", "/upkeep": "Look through the store", "/audit": "ben@example.com"} {
		v.goes(path)
		if got := text(); !strings.Contains(got, want) {
			t.Errorf("%s says %s", path, got)
		}
	}
}
