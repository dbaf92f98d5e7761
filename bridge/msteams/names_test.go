package msteams

import (
	"net/http"
	"testing"
	"time"

	"causeway/contrib/sim/teams"
)

// TestNobodyIsCalledSomebodyForATrouble: a notification lacks the name of who wrote. While that cannot be asked for, it is not taken: what is read has the name. Who is known is
// not asked for.
func TestNobodyIsCalledSomebodyForATrouble(t *testing.T) {
	inRichWorld(t, teams.Options{}, func(w *richWorld) {
		time.Sleep(2 * usualDelay)
		w.sim.SetWebhookFaults(teams.WebhookFaults{NoNames: true})
		w.sim.Inject(teams.Fault{Method: http.MethodGet, Template: "/users/{id}", Times: -1, Status: http.StatusServiceUnavailable})
		w.speak("hello")
		time.Sleep(time.Minute)
		asked := w.sim.Count(http.MethodGet, "/users/{id}")
		w.speak("again")
		time.Sleep(time.Minute)
		if more := w.sim.Count(http.MethodGet, "/users/{id}") - asked; more > 0 || asked == 0 {
			t.Errorf("who is known is asked for %d times, after %d", more, asked)
		}
		w.inbox.mu.Lock()
		defer w.inbox.mu.Unlock()
		said := 0
		for _, s := range w.inbox.arrived {
			if said++; s.Author.Name != w.alice.Name {
				t.Errorf("%q is said by %q", s.Text.PlainText(), s.Author.Name)
			}
		}
		if said < 2 {
			t.Errorf("%d messages have arrived", said)
		}
	})
}
