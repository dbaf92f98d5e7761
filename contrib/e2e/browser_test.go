package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"causeway/contrib/demo/stage"
	"causeway/contrib/e2e/harness"
)

// desktop is an ordinary screen.
var desktop = look{width: 1440, height: 900, theme: "light"}

// TestBrowser uses the demonstration's page as people do.
func TestBrowser(t *testing.T) {
	t.Parallel()
	program := harness.BuildCauseway(t)
	for name, test := range map[string]func(*testing.T, string){
		"people talk": peopleTalk, "messages light up": messagesLightUp, "things go wrong": thingsGoWrong, "everybody talks": everybodyTalks,
		"keyboard alone": keyboardAlone, "text stays text": textStaysText, "light and dark": lightAndDark, "narrow screens": narrowScreens,
		"config and log": configAndLog, "names are offered": namesAreOffered, "files cross": filesCross,
		"people talk directly": peopleTalkDirectly, "people talk in a group, by keyboard": peopleTalkInAGroup,
	} {
		t.Run(name, func(t *testing.T) { test(t, program) })
	}
}

// peopleTalk writes, replies, edits, reacts and deletes on either side, with the mouse where there is a button.
func peopleTalk(t *testing.T, program string) {
	v := openScreen(t, program, look{width: 1440, height: 900, theme: "light", quiet: true})
	for side, own := range []string{"from **Mattermost**", "from Teams"} {
		other := 1 - side
		v.write(side, own)
		shown := strings.ReplaceAll(own, "*", "")
		v.until(message(other, shown) + `?.classList.contains("settled")`)
		if side == 0 {
			v.until(in(message(other, shown), "strong") + `?.textContent === "Mattermost"`)
		}
		v.click(in(message(other, shown), `[data-do="reply"]`))
		v.keys(fmt.Sprintf("an answer on %d", other))
		v.keys(kb.Enter)
		v.until(message(side, fmt.Sprintf("an answer on %d", other)) + `?.classList.contains("reply")`)

		v.click(in(message(side, shown), `[data-do="react"]`))
		v.click(`document.querySelector("#emoji button[title=':tada:']")`)
		v.until(in(message(other, shown), ".reactions button") + `?.dataset.emoji === "🎉"`)
		v.click(in(message(other, shown), ".reactions button")) // the same from the other side
		v.until(in(message(other, shown), ".reactions [aria-pressed='true']"))
		v.click(in(message(other, shown), ".reactions button"))
		v.until("!" + in(message(other, shown), ".reactions [aria-pressed='true']"))

		v.click(in(message(side, shown), `[data-do="edit"]`))
		v.keys(", edited")
		v.keys(kb.Enter)
		v.until(message(other, shown+", edited"))
		v.click(in(message(side, shown+", edited"), `[data-do="delete"]`))
		v.until(message(side, "(message deleted)"))
	}
	v.until(`document.querySelectorAll("#pane-1 .deleted").length >= 1 && document.getElementById("status").dataset.mood === "well"`)
	// Teams' own formatting, by its button.
	v.click(id("write-1"))
	v.click(`document.querySelector("#pane-1 [data-format='bold']")`)
	v.keys("bold words")
	v.keys(kb.Enter)
	v.until(in(message(0, "bold words"), "strong") + `?.textContent === "bold words"`)
}

// messagesLightUp points at a message and sees its counterpart light up, with a line between them and how long it took.
func messagesLightUp(t *testing.T, program string) {
	v := openScreen(t, program, desktop)
	v.point(message(0, "Where shall we have lunch?"))
	v.until(message(1, "Where shall we have lunch?") + `.classList.contains("lit")`)
	v.until(`document.querySelectorAll(".lit").length === 2 && document.querySelector("#thread path").getAttribute("d")`)
	for side, want := range []string{"Origin · in Teams after ", "Copy · from Mattermost in "} {
		state := in(message(side, "Where shall we have lunch?"), ".state")
		if got := ask[string](v, state+".textContent"); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "s") {
			t.Errorf("the state says %q, want %q and a time", got, want)
		}
		if got := ask[string](v, "getComputedStyle("+state+").visibility"); got != "visible" {
			t.Errorf("the state of the message on side %d is %s", side, got)
		}
	}
	v.point(id("status"))
	v.until(`document.querySelectorAll(".lit").length === 0 && !document.querySelector("#thread path").getAttribute("d")`)
}

// thingsGoWrong kills Causeway and presses each fault's button; what is said meanwhile waits, is marked, and then crosses.
func thingsGoWrong(t *testing.T, program string) {
	v := openScreen(t, program, desktop)
	buttons := map[string]string{"killed": id("power")}
	for _, f := range []string{stage.Cut, stage.Throttle} {
		buttons[f] = fmt.Sprintf(`document.querySelector("[data-fault='%s']")`, f)
	}
	for name, button := range buttons {
		v.click(button)
		v.until(`document.getElementById("status").dataset.mood === "upset"`)
		said := "said while " + name
		v.write(0, said)
		v.until(message(0, said) + `?.classList.contains("waiting")`)
		v.until(in(message(0, said), ".state") + `.textContent.startsWith("Not in Teams yet")`)
		v.until(`document.querySelector("[data-count='waiting']").textContent === "1" && document.getElementById("status-text").textContent.includes("1 message waits for Teams")`)
		v.click(button)
		v.until(message(1, said) + ` && ` + message(0, said) + `.classList.contains("settled")`)
		v.until(`document.getElementById("status-text").textContent.startsWith("All is well again")`)
	}
	lose := fmt.Sprintf(`document.querySelector("[data-fault='%s']")`, stage.Lose)
	v.click(lose)
	v.write(0, "whose answer is lost")
	v.until(message(0, "whose answer is lost") + `?.classList.contains("settled")`)
	if v.stage.LostAnswers() == 0 {
		t.Error("no answer was lost")
	}
	v.click(lose)
	v.until(lose + `.getAttribute("aria-pressed") === "false" && document.getElementById("status").dataset.mood === "well"`)
	for _, count := range []string{"missing", "doubled", "outOfOrder"} {
		if got := ask[string](v, fmt.Sprintf(`document.querySelector("[data-count='%s']").textContent`, count)); got != "0" {
			t.Errorf("%s: %s, want 0", count, got)
		}
	}
}

// everybodyTalks presses the button under which all of it happens at once.
func everybodyTalks(t *testing.T, program string) {
	v := openScreen(t, program, look{width: 1440, height: 900, theme: "dark", quiet: true})
	v.do(chromedp.SetValue("#talk-count", "60")) // so that it is killed for long enough to be seen
	v.click(id("talk-button"))
	v.until(`document.getElementById("talk-button").textContent.includes("Stop")`)
	v.until(`document.getElementById("panes").classList.contains("down")`) // killed
	v.until(`document.querySelector("[data-count='said']").textContent === "60" && document.querySelector("[data-count='arrived']").textContent === "60" &&
		document.getElementById("status-text").textContent.startsWith("All is well again")`)
	if posts := ask[int](v, `document.querySelectorAll("#pane-0 article").length`); posts != 60 {
		t.Errorf("Mattermost shows %d messages, want 60", posts)
	}
	v.until(`document.querySelector("[data-step='talk']").classList.contains("done")`)
}

// keyboardAlone does everything without a mouse, and looks whether one always sees where one is.
func keyboardAlone(t *testing.T, program string) {
	v := openScreen(t, program, look{width: 1440, height: 900, theme: "light", quiet: true})
	focused := func(expression string) { v.until("document.activeElement." + expression) }
	v.keys(kb.Tab) // the first stop: a link to where one writes
	focused(`getAttribute("href") === "#write-0"`)
	v.keys(kb.Enter)
	focused(`id === "write-0"`)
	v.keys("by keyboard")
	v.keys(kb.Enter)
	v.until(message(1, "by keyboard"))

	v.keys(kb.Tab, chromedp.ModifierShift) // back to the messages
	focused(`matches("#pane-0 article.lit")`)
	v.keys("r")
	focused(`id === "write-0"`)
	v.keys("a reply")
	v.keys(kb.Enter)
	v.until(message(1, "a reply") + `?.closest(".replies")`)
	v.keys(kb.ArrowUp) // edits what one has said last
	v.keys("!")
	v.keys(kb.Enter)
	v.until(message(1, "a reply!"))

	v.keys(kb.Tab, chromedp.ModifierShift)
	v.keys(kb.End)
	focused(`textContent.includes("a reply!")`)
	v.keys("a")
	focused(`closest("#emoji")`)
	v.keys(kb.ArrowRight + kb.ArrowDown + kb.ArrowUp + kb.Enter)
	v.until(in(message(1, "a reply!"), ".reactions button"))
	focused(`textContent.includes("a reply!")`)
	v.keys("o") // to the other side
	focused(`matches("#pane-1 article")`)
	v.keys("o")
	v.keys(kb.ArrowUp)
	focused(`textContent.includes("by keyboard")`)
	v.keys(kb.ArrowDown + kb.Delete)
	v.until(message(1, "(message deleted)"))
	v.until(message(0, "(message deleted)"))

	everyStopIsSeen(v)
}

// everyStopIsSeen goes once through the page by the Tab key.
func everyStopIsSeen(v *screen) {
	v.t.Helper()
	v.do(chromedp.Evaluate[chromedp.Void](`document.querySelector(".skips a").focus()`))
	const name = `(() => { const e = document.activeElement; return e.id || e.getAttribute("aria-label") || (e.closest("label") || e).textContent.trim() || e.tagName; })()`
	const shown = `(() => { const e = document.activeElement; const marked = (x) => { const s = getComputedStyle(x); return s.outlineStyle !== "none" || s.boxShadow !== "none"; };
		const b = e.getBoundingClientRect(); return (marked(e) || marked(e.closest("label") || e) || marked(e.closest(".box") || e)) && b.bottom > 0 && b.right > 0; })()`
	stops := map[string]bool{}
	for range 120 {
		v.keys(kb.Tab)
		stop := ask[string](v, name)
		if stop == "BODY" || ask[bool](v, "document.activeElement === document.body") {
			break
		}
		stops[stop] = true
		if !ask[bool](v, shown) {
			v.t.Errorf("one does not see that the focus is on %q", stop)
		}
	}
	for _, want := range []string{"power", "Throttle Graph", "talk-button", "talk-count", "talk-trouble", "write-0", "write-1", "open-files", "theme", "Town Square"} {
		if !stops[want] {
			v.t.Errorf("the Tab key does not reach %q; it reaches %v", want, stops)
		}
	}
}

// textStaysText says what would be a script if anything that is said could become one.
func textStaysText(t *testing.T, program string) {
	v := openScreen(t, program, look{width: 1440, height: 900, theme: "light", quiet: true})
	const hostile = `<script>window.hacked=1</script><img src=x onerror=window.hacked=1> [x](javascript:window.hacked=1)`
	for side := range 2 {
		v.write(side, hostile)
		for shownOn := range 2 {
			v.until(message(shownOn, "<script>window.hacked=1</script><img src=x onerror=window.hacked=1>"))
		}
	}
	if n := ask[int](v, `document.querySelectorAll("article script, article img, article a[href^='javascript']").length`); n != 0 {
		t.Errorf("%d elements were made of what people said", n)
	}
	if ask[bool](v, "'hacked' in window") {
		t.Error("what somebody said was run as a script")
	}
	if policy := ask[bool](v, `(() => { try { document.body.innerHTML += "x"; return false } catch { return true } })()`); !policy {
		t.Error("the page's policy lets text become markup")
	}
	end := time.Now().Add(harness.Patience)
	for told := false; !told && time.Now().Before(end); v.do(chromedp.Sleep(30 * time.Millisecond)) { // the policy tells of the attempt, a little later
		v.mu.Lock()
		told, v.console = len(v.console) > 0, nil
		v.mu.Unlock()
	}
}

// lightAndDark follows the system, unless one chooses.
func lightAndDark(t *testing.T, program string) {
	v := openScreen(t, program, desktop)
	const brightness = `getComputedStyle(document.querySelector("#pane-0 .place")).backgroundColor.match(/\d+/g).slice(0, 3).map(Number).reduce((a, b) => a + b)`
	if got := ask[int](v, brightness); got < 600 {
		t.Errorf("light is %d of 765 bright", got)
	}
	v.theme("dark")
	v.until(brightness + " < 200")
	v.click(id("theme"))
	v.until(brightness + " > 600")
	v.do(chromedp.Reload())
	v.until(`document.getElementById("status").dataset.mood === "well"`)
	v.until(brightness + " > 600") // as chosen, though the system says dark
}

// narrowScreens looks whether all of it can be reached on phones and tablets.
func narrowScreens(t *testing.T, program string) {
	v := openScreen(t, program, look{width: 390, height: 844, theme: "light"})
	for _, width := range []int64{320, 390, 600, 768, 900, 1024, 1280, 1920} {
		v.size(width, 844)
		if over := ask[int](v, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
			t.Errorf("at a width of %d the page is %d too wide", width, over)
		}
	}
	for _, height := range []int64{844, 600, 500} { // the newest message stays in sight
		v.size(1000, height)
		for side := range 2 {
			v.until(fmt.Sprintf(`(() => { const log = document.querySelector("#pane-%d .log"); return log.scrollHeight - log.scrollTop - log.clientHeight < 2; })()`, side))
		}
	}
	v.size(390, 844)
	visible := func(pane int) string {
		return fmt.Sprintf(`document.getElementById("pane-%d").offsetParent !== null`, pane)
	}
	v.until(visible(0) + " && !(" + visible(1) + ")")
	v.write(0, "from a phone")
	v.click(id("tab-1"))
	v.until(visible(1) + " && !(" + visible(0) + ")")
	v.until(message(1, "from a phone"))
	v.keys(kb.ArrowLeft)
	v.until(visible(0))
}

// configAndLog looks at the config on the page, changes it, and has Causeway read it.
func configAndLog(t *testing.T, program string) {
	v := openScreen(t, program, desktop)
	v.click(id("open-files"))
	v.until(`document.getElementById("config").value.includes("[mattermost.acme]")`)
	if got, want := ask[string](v, `document.getElementById("path").textContent`), v.stage.Operator.ConfigPath(); got != want {
		t.Errorf("the page says that the config is %s; it is %s", got, want)
	}
	v.until(`document.getElementById("log").textContent.includes("Causeway is running")`)
	aBadConfigIsRefused(v)
	v.do(chromedp.Evaluate[chromedp.Void](`(() => { const c = document.getElementById("config"); c.value = c.value.replaceAll("({LABEL})", "of {LABEL}"); })()`))
	v.click(id("apply"))
	v.until(`document.getElementById("files-note").textContent.startsWith("Saved, and")`)
	text, err := os.ReadFile(filepath.Join(v.stage.Operator.Folder(), "config.toml"))
	if err != nil || !strings.Contains(string(text), "{NICK} of {LABEL}") {
		t.Errorf("the file says %s (%v)", text, err)
	}
	v.keys(kb.Escape)
	v.be(0, "mei") // who has not connected
	v.write(0, "after the change")
	v.until(message(1, "mei of Mattermost"))
}

// aBadConfigIsRefused saves a config with a mistake: the page says that Causeway does not start, and shows why. Then it puts it right.
func aBadConfigIsRefused(v *screen) {
	v.t.Helper()
	v.do(chromedp.Evaluate[chromedp.Void](`document.getElementById("config").value += "\n[[gatewai]]\n"`))
	v.click(id("apply"))
	v.until(`document.getElementById("files-note").textContent.startsWith("Saved, but Causeway does not start")`)
	v.until(`document.getElementById("log").textContent.includes("gatewai")`)
	v.until(`document.getElementById("status").dataset.mood === "broken"`)
	v.do(chromedp.Evaluate[chromedp.Void](`(() => { const c = document.getElementById("config"); c.value = c.value.replace("\n[[gatewai]]\n", ""); })()`))
	v.click(id("apply"))
	v.until(`document.getElementById("files-note").textContent.startsWith("Saved, and")`)
	v.until(`document.getElementById("status").dataset.mood === "well"`)
}

// namesAreOffered mentions somebody on either side.
func namesAreOffered(t *testing.T, program string) {
	v := openScreen(t, program, look{width: 1440, height: 900, theme: "light", quiet: true})
	v.click(id("write-0"))
	v.keys("hello @m")
	v.until(`document.querySelector("#names-0 [aria-selected='true']").textContent.includes("mei")`)
	v.keys(kb.Enter)
	v.keys("there")
	v.keys(kb.Enter)
	v.until(in(message(0, "hello @mei there"), ".mention") + `?.textContent === "@mei"`)
	v.until(message(1, "hello @mei there"))

	v.click(id("write-1"))
	v.keys("hello @")
	v.until(`document.querySelectorAll("#names-1 li").length === 5`)
	v.keys(kb.ArrowDown + kb.Enter)
	v.keys("there")
	v.keys(kb.Enter)
	v.until(in(message(1, "hello"), ".mention") + `?.textContent === "Berta Ott"`)
	v.until(in(message(0, "@berta there"), ".mention") + `?.textContent === "@berta"`)
}
