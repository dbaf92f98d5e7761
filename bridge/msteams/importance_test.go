package msteams

import (
	"slices"
	"strings"
	"testing"
	"time"

	"causeway/bridge/richtext"
	"causeway/contrib/sim/teams"
)

// TestImportanceIsTeamsOwn, and a line where Graph does not take it.
func TestImportanceIsTeamsOwn(t *testing.T) {
	inSim(t, func(w *simWorld, a *account) {
		for level, want := range map[richtext.Importance]string{richtext.Normal: "normal", richtext.Important: "high", richtext.Urgent: "urgent"} {
			d := w.draft("")
			d.Text = richtext.Marked(richtext.Plain("look"), level)
			id, err := a.Post(w.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			shows := func(importance, text string) {
				t.Helper()
				m, err := a.message(w.Context(), w.id(w.general), id)
				if err != nil {
					t.Fatal(err)
				}
				seen, _ := w.sim.Message(w.general, string(id))
				if m.GetImportance().String() != importance || seen.Text != text {
					t.Errorf("%s: it is %s, %q, want %s, %q", want, m.GetImportance(), seen.Text, importance, text)
				}
			}
			shows(want, "Carla Fremd\nlook")
			d.Text = richtext.Marked(richtext.Plain("look again"), level)
			w.do(a.Edit(w.Context(), id, d))
			shows(want, "Carla Fremd\nlook again")
			if found, err := a.Find(w.Context(), d, time.Now().Add(-time.Minute)); err != nil || !slices.Contains(found, id) {
				t.Errorf("%s: found %v (%v)", want, found, err)
			}
			if level == richtext.Normal {
				continue
			}
			w.sim.Inject(teams.Fault{Where: isWrite, Status: 403})
			if id, err = a.Post(w.Context(), d); err != nil {
				t.Fatal(err)
			}
			shows("normal", "Carla Fremd\n"+strings.TrimSpace(richtext.Marked(nil, level).PlainText())+"\nlook again")
		}
	})
}
