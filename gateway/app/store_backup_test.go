package app

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestAStoreIsBackedUpWhileCausewayRunsAndRestoredWithoutADouble(t *testing.T) {
	w := newWorld(t, accounts+oneGateway)
	file := filepath.Join(t.TempDir(), "backup.db")
	if got := w.call("store", "backup", file); got.code != 1 || !strings.Contains(got.errors, "there is nothing to back up") {
		t.Fatalf("before the first start: %+v", got)
	}
	running := w.run()
	w.begun("left", "right")
	w.left.Say("C1", "ann", "before")
	w.until("it arrives", func() bool { return slices.Contains(texts(w.right, "C1"), "ann: before") })
	if got := w.call("store", "backup", file); got.code != 0 || !strings.Contains(got.out, "causeway.db.key") {
		t.Fatalf("%+v", got)
	}
	w.left.Say("C1", "ann", "since then")
	w.until("it arrives, too", func() bool { return slices.Contains(texts(w.right, "C1"), "ann: since then") })
	if got := w.call("store", "restore", file, "--replace"); got.code != 1 || !strings.Contains(got.errors, "stop that one") {
		t.Fatalf("while it runs: %+v", got)
	}
	running.stop()
	if got := w.call("store", "restore", file); got.code != 1 || !strings.Contains(got.errors, "with --replace") {
		t.Fatalf("without --replace: %+v", got)
	}
	if got := w.call("store", "restore", file, "--replace"); got.code != 0 || !strings.Contains(got.out, "causeway.db.before-") {
		t.Fatalf("%+v", got)
	}
	w.run()
	w.left.Say("C1", "ann", "last")
	w.until("the last one arrives", func() bool { return slices.Contains(texts(w.right, "C1"), "ann: last") })
	if got, want := len(w.right.Messages("C1")), 3; got != want { // deleted ones are counted, too
		t.Errorf("%d posts were made, want %d: %q", got, want, texts(w.right, "C1"))
	}
}

func TestADatabaseThatIsGoneIsMissed(t *testing.T) {
	for name, lose := range map[string]func(path string) error{
		"gone":  os.Remove,
		"empty": func(path string) error { return os.Truncate(path, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, accounts+oneGateway)
			running := w.run()
			w.begun("left", "right")
			file := filepath.Join(t.TempDir(), "backup.db")
			if got := w.call("store", "backup", file); got.code != 0 {
				t.Fatalf("%+v", got)
			}
			running.stop()
			if err := lose(w.path("causeway.db")); err != nil {
				t.Fatal(err)
			}
			for _, command := range []string{"run", "login left.one", "store check", "store backup x.db"} {
				if got := w.call(strings.Fields(command)...); got.code != 1 || !strings.Contains(got.errors, "was there, and now it is not, or is empty: put it back, as with `causeway store restore BACKUP`") {
					t.Errorf("%s: %+v", command, got)
				}
			}
			if info, err := os.Stat(w.path("causeway.db")); err == nil && info.Size() > 0 {
				t.Error("it was made anew without a word")
			}
			if got := w.call("store", "restore", file); got.code != 0 {
				t.Fatalf("%+v", got)
			}
			w.run()
			w.left.Say("C1", "ann", "it goes on")
			w.until("it arrives", func() bool { return slices.Contains(texts(w.right, "C1"), "ann: it goes on") })
		})
	}
}

func TestWrongCallsOfStoreSayWhatIsLacking(t *testing.T) {
	w := newWorld(t, accounts+oneGateway)
	for call, want := range map[string]string{
		"store backup":                "store backup needs the name of a file",
		"store restore":               "store restore needs the name of a file",
		"store check now":             `store check takes no "now"`,
		"store backup x.db --replace": "store backup takes no --replace",
		"store bakcup x.db":           "did you mean backup?",
	} {
		if got := w.call(strings.Fields(call)...); got.code != 2 || !strings.Contains(got.errors, want) {
			t.Errorf("%s: %+v, want %q", call, got, want)
		}
	}
	if got := w.call("store", "restore", "x.db"); got.code != 1 || !strings.Contains(got.errors, "the key file") {
		t.Errorf("without a key file: %+v", got)
	}
}
