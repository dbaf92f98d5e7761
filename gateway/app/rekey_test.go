package app

import (
	"os"
	"strings"
	"testing"
)

func TestRekeyNeedsAStoreThatNobodyUses(t *testing.T) {
	w := newWorld(t, accounts+oneGateway)
	if r := w.call("rekey"); r.code != 1 || !strings.Contains(r.errors, "nothing is encrypted") {
		t.Errorf("without a store: %+v", r)
	}
	r := w.run()
	w.speak("hello", "moin")
	if r := w.call("rekey"); r.code != 1 || !strings.Contains(r.errors, "another `causeway run` is using it") {
		t.Errorf("while it runs: %+v", r)
	}
	r.stop()
	before := w.read("causeway.db.key")
	done := w.call("rekey")
	after := w.read("causeway.db.key")
	if done.code != 0 || before == after || !strings.Contains(done.out, "causeway.db.key. Back it up.") {
		t.Errorf("%+v", done)
	}
	for _, line := range strings.Fields(before + after) {
		if strings.Contains(done.out+done.errors, line) {
			t.Error("the key stands in the output")
		}
	}
	w.left.Say("C1", "ann", "said while it was down")
	r = w.run()
	w.speak("still", "here")
	if got := len(texts(w.right, "C1")); got != 5 {
		t.Errorf("%d messages on the right, not 5: own posts are not recognised: %q", got, texts(w.right, "C1"))
	}
	r.stop()

	// The same key kept elsewhere.
	t.Setenv("CAUSEWAY_KEY", strings.Join(strings.Fields(after), " "))
	if err := os.Remove(w.path("causeway.db.key")); err != nil {
		t.Fatal(err)
	}
	w.write("config.toml", "[storage]\nKey = \"env:CAUSEWAY_KEY\"\n"+accounts+oneGateway)
	w.run()
	w.speak("and", "still")
	if r := w.call("rekey"); r.code != 1 || !strings.Contains(r.errors, "name that as KeyFile") {
		t.Errorf("with the key in the environment: %+v", r)
	}
}

func (w *world) read(name string) string {
	w.Helper()
	text, err := os.ReadFile(w.path(name))
	if err != nil {
		w.Fatal(err)
	}
	return string(text)
}
