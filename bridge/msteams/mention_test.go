package msteams

import (
	"strings"
	"testing"

	"causeway/bridge/richtext"
	"causeway/contrib/sim/teams"
)

func mentionOf(id, name string) richtext.Run {
	return richtext.Run{Text: "@" + name, Kind: richtext.Mention, Who: id}
}

// TestWhoMayNotBeMentionedIsNamed: it is not documented what Graph says of mentions of people who are not in the conversation.
func TestWhoMayNotBeMentionedIsNamed(t *testing.T) {
	for _, status := range []int{400, 403} {
		inSim(t, func(w *simWorld, a *account) {
			d := w.draft("")
			d.Text = richtext.Doc{{Kind: richtext.Paragraph, Runs: []richtext.Run{{Text: "hello "}, mentionOf(w.bob.ID, "Bob Brown")}}}
			w.sim.Inject(teams.Fault{Where: isWrite, Status: status})
			id, err := a.Post(w.Context(), d)
			if err != nil {
				t.Fatalf("%d: %v", status, err)
			}
			m, _ := w.sim.Message(w.general, string(id))
			if strings.Contains(m.HTML, "<at") || !strings.Contains(m.Text, "hello @Bob Brown") {
				t.Errorf("%d: it is %s", status, m.HTML)
			}
			w.sim.Inject(teams.Fault{Where: isWrite, Status: status})
			w.do(a.Edit(w.Context(), id, d))
			w.do(a.Edit(w.Context(), id, d))
			if m, _ = w.sim.Message(w.general, string(id)); strings.Count(m.HTML, "<at") != 1 {
				t.Errorf("%d: edited it is %s", status, m.HTML)
			}
			if n := len(w.sim.Messages(w.general)); n != 1 {
				t.Errorf("there are %d messages", n)
			}
		})
	}
}

// TestNamesOfMentionsForgeNothing, nor do they make a post too large.
func TestNamesOfMentionsForgeNothing(t *testing.T) {
	inSim(t, func(w *simWorld, a *account) {
		d := w.draft("")
		d.Author.Name = `</at><at id="0">Boss</at>`
		runs := []richtext.Run{mentionOf(w.bob.ID, `</at><at id="7">Boss`), {Text: ` <at id="0">Boss</at> `}, mentionOf("no-guid", "Boss")}
		for range 300 {
			runs = append(runs, richtext.Run{Text: ", "}, mentionOf(w.alice.ID, strings.Repeat("Ä", 60)))
		}
		d.Text = richtext.Doc{{Kind: richtext.Paragraph, Runs: runs}}
		calls := 0
		for _, part := range a.Parts(d) {
			piece := d
			piece.Text = part
			id, err := a.Post(w.Context(), piece)
			if err != nil {
				t.Fatal(err)
			}
			m, _ := w.sim.Message(w.general, string(id))
			calls += strings.Count(m.HTML, "<at ")
		}
		if calls > 301 || calls < 301-20 { // a name that is cut between two parts calls nobody
			t.Errorf("%d are called", calls)
		}
		if m := w.sim.Messages(w.general)[0]; !strings.Contains(m.Text, `<at id="0">Boss</at>`) || !strings.Contains(m.Text, "@Boss") {
			t.Errorf("it says %.300q", m.Text)
		}
	})
}
