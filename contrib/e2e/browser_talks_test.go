package e2e

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// heads is an expression for what stands above the messages of a side.
func heads(side int) string {
	return fmt.Sprintf(`document.querySelector("#pane-%d .head h2").textContent`, side)
}

// lists is an expression for the names of the conversations that a side lists, but for channels.
func lists(side int) string {
	return fmt.Sprintf(`[...document.querySelectorAll("#pane-%d .side ul:last-of-type button:not(.begin)")].map((b) => b.title).join("; ")`, side)
}

// begin presses "New message".
func begin(side int) string { return fmt.Sprintf(`document.querySelector("#pane-%d .begin")`, side) }

// talkTo opens the conversation of whoever one is with others.
func (v *screen) talkTo(side int, names ...string) {
	v.t.Helper()
	v.click(begin(side))
	for _, name := range names {
		v.click(fmt.Sprintf(`[...document.querySelectorAll("#talk-with-people label")].find((l) => l.textContent.includes(%q))`, name))
	}
	v.click(`document.querySelector("#talk-with-form .main")`)
	v.until(`!document.getElementById("talk-with").open`)
}

// peopleTalkDirectly opens a direct conversation, sees it appear on the other side as whoever is spoken to, and goes on there; each person has a list of
// their own.
func peopleTalkDirectly(t *testing.T, program string) {
	v := openScreen(t, program, look{width: 1440, height: 900, theme: "light", quiet: true})
	for side, c := range []struct{ me, them, meThere, themThere, stranger string }{
		{"alice", "bob", "Alice Chen", "Bob Kahn", "mei"}, {"Berta Ott", "Amir Haddad", "berta", "amir", "Sofia Rossi"},
	} {
		other := 1 - side
		v.be(side, c.me)
		v.talkTo(side, c.them)
		v.until(heads(side) + ` === "` + c.them + `"`)
		v.until(`document.activeElement.id === "write-` + fmt.Sprint(side) + `"`)
		v.keys("between us")
		v.keys(kb.Enter)
		v.until(heads(other) + ` === "` + c.meThere + `"`)
		v.until(message(other, "between us") + `?.classList.contains("settled")`)
		v.until(fmt.Sprintf(`document.querySelector("#pane-%d .as :checked").closest("label").title.startsWith(%q)`, other, c.themThere+","))
		if badges := ask[int](v, fmt.Sprintf(`document.querySelectorAll("#pane-%d .badge").length`, other)); badges != 0 {
			t.Errorf("on side %d it seems that a bot has written it", other)
		}
		v.attach(other, "note.txt", "aGVsbG8=")
		v.click(in(message(other, "between us"), `[data-do="reply"]`))
		v.keys("of course")
		v.keys(kb.Enter)
		v.until(message(side, "of course") + `?.classList.contains("reply")`)
		v.until(in(message(side, "of course"), ".file") + `?.download === "note.txt"`)
		v.until(in(message(side, "between us"), `[data-do="edit"]`) + ` && !` + in(message(side, "between us"), `[data-do="edit"]`) + `.hidden`)
		v.point(message(side, "of course"))
		v.until(`document.querySelectorAll(".lit").length === 2 && document.querySelector("#thread path").getAttribute("d")`)

		v.be(side, c.stranger)
		v.until(lists(side) + ` === ""`)
		if ask[bool](v, begin(side)+" !== null") {
			t.Errorf("%s, who has not connected, can begin a conversation", c.stranger)
		}
		v.until(fmt.Sprintf(`!document.querySelector("#pane-%d").classList.contains("talking") && !%s`, side, message(side, "between us")))
		v.be(side, c.me)
		v.until(lists(side) + ` === "` + c.them + `"`)
	}
	v.until(`document.querySelector("[data-step='direct']").classList.contains("done") && document.getElementById("status").dataset.mood === "well"`)
}

// peopleTalkInAGroup begins a group by keyboard alone.
func peopleTalkInAGroup(t *testing.T, program string) {
	v := openScreen(t, program, look{width: 1440, height: 900, theme: "dark", quiet: true})
	v.do(chromedp.Evaluate[chromedp.Void](begin(1) + `.focus()`))
	v.keys(kb.Enter)
	v.until(`document.activeElement.matches("#talk-with-people input")`)
	v.keys(kb.Tab + kb.Tab + kb.Tab) // past all of them, to the button
	v.until(`document.activeElement.textContent === "Write to them"`)
	v.keys(kb.Enter)
	v.until(`document.getElementById("talk-with-note").textContent.includes("at least one")`)
	v.keys(kb.Tab, chromedp.ModifierShift)
	v.keys(" ")
	v.keys(kb.Tab, chromedp.ModifierShift)
	v.keys(" ")
	v.keys(kb.Enter) // in a field of the form
	v.until(heads(1) + ` === "Alice, Amir" && document.activeElement.id === "write-1"`)
	v.keys("all of you")
	v.keys(kb.Enter)
	v.until(message(0, "all of you") + `?.classList.contains("settled")`)
	v.until(heads(0) + ` === "amir, bob"`)
	v.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#pane-1 .side button").focus()`))
	v.keys(kb.Enter) // back to the channel, on both sides
	v.until(heads(0) + ` === "Town Square" && ` + heads(1) + ` === "General"`)
	v.until(`document.activeElement.closest("#pane-1 .side button") !== null`)
}
