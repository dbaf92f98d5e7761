package app

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"causeway/bridge/memory"
	"causeway/gateway/config"
	"causeway/gateway/store"
	"causeway/gateway/store/pgtest"
)

func TestAStoreMovesToPostgreSQLAndBack(t *testing.T) {
	c := pgtest.Start(false)
	t.Cleanup(c.Stop)
	dsn := c.DSN("store", c.Address())
	w := newWorld(t, good)
	w.started() // in SQLite, with its key file
	t.Setenv("CAUSEWAY_DSN", dsn)
	var shown strings.Builder
	call := func(code int, want string, words ...string) {
		t.Helper()
		got := w.call(words...)
		fmt.Fprint(&shown, got.out, got.errors)
		if got.code != code || !strings.Contains(got.out+got.errors, want) {
			t.Errorf("%v: %+v, want %d and %q", words, got, code, want)
		}
	}
	call(2, "needs --to", "store", "copy")
	call(2, "did you mean check", "store", "chek")
	call(1, "not set", "store", "copy", "--to", "env:NOWHERE")
	call(0, "are in postgres://causeway@"+c.Address(), "store", "copy", "--to", "env:CAUSEWAY_DSN")
	call(1, "there is something in it already", "store", "copy", "--to", "env:CAUSEWAY_DSN")

	w.write("config.toml", "[storage]\nDSN = \"env:CAUSEWAY_DSN\"\n"+good)
	call(0, "has version", "store", "check")
	call(0, "has version", "store", "migrate")
	call(0, "", "quarantine", "list")
	held, err := openStoreWith(t.Context(), config.Storage{DSN: dsn, KeyFile: w.path("causeway.db.key")}, store.Options{Holder: "process 1 on a host"})
	if err != nil {
		t.Fatal(err)
	}
	call(1, "another Causeway is using it (process 1 on a host, since ", "rekey")
	call(1, "it takes any port", "unlink", leftOther) // why it cannot be asked, for it runs
	w.write("another.key", keyText)
	w.write("config.toml", "[storage]\nDSN = \"env:CAUSEWAY_DSN\"\nKeyFile = \"another.key\"\n"+good)
	call(1, "it belongs to another key file", "run") // and does not stand by
	w.write("config.toml", "[storage]\nDSN = \"env:CAUSEWAY_DSN\"\n"+good)
	call(0, "", "quarantine", "list") // looks while it runs
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	call(0, "are in back.db", "store", "copy", "--to", w.path("back.db"))
	call(0, "are encrypted with a new key", "rekey")
	w.write("config.toml", "[storage]\nDSN = \"env:CAUSEWAY_DSN\"\nKeyFile = \"lost\"\n"+good)
	call(1, "is there, but its key file", "run")
	c.Halt(true)
	w.write("config.toml", "[storage]\nDSN = \"env:CAUSEWAY_DSN\"\n"+good)
	call(1, "see that PostgreSQL runs", "run")
	c.Run()
	if strings.Contains(shown.String(), c.Password) {
		t.Errorf("the password is shown:\n%s", shown.String())
	}
}

func TestAStoreInPostgreSQLThatIsGoneIsMissed(t *testing.T) {
	c := pgtest.Start(false)
	t.Cleanup(c.Stop)
	t.Setenv("CAUSEWAY_DSN", c.DSN("store", c.Address()))
	const inPostgreSQL = "[storage]\nDSN = \"env:CAUSEWAY_DSN\"\n" + good
	w := newWorld(t, inPostgreSQL)
	one := w.run()
	mark := w.path("causeway.db.key.held")
	text, err := os.ReadFile(mark)
	if err != nil || !strings.Contains(string(text), "postgres://causeway@"+c.Address()) || strings.Contains(string(text), c.Password) {
		t.Fatalf("%s %v", text, err)
	}
	if err := os.Remove(mark); err != nil {
		t.Fatal(err)
	}
	two := w.begin()
	w.until("one that stands by notes it, too", func() bool { _, err := os.Stat(mark); return err == nil })
	two.stop()
	one.stop()
	t.Setenv("CAUSEWAY_DSN", c.DSN("another", c.Address()))
	for name, config := range map[string]string{"another database": inPostgreSQL, "no DSN": good} {
		w.write("config.toml", config)
		for _, command := range []string{"run", "login left.one", "store migrate", "store check", "store backup x.db"} {
			got := w.call(strings.Fields(command)...)
			if got.code != 1 || !strings.Contains(got.errors, "but there was one, as causeway.db.key.held says: see that DSN in [storage] names the right database") || strings.Contains(got.errors, c.Password) {
				t.Errorf("%s: %s: %+v", name, command, got)
			}
		}
	}
	w.write("config.toml", inPostgreSQL)
	if err := os.Remove(mark); err != nil {
		t.Fatal(err)
	}
	w.run() // anew
}

// What Causeway has done since a dump was made is not done again once that was put back.
func TestADumpOfPostgreSQLThatWasPutBackLeadsToNoDouble(t *testing.T) {
	c := pgtest.Start(false)
	t.Cleanup(c.Stop)
	t.Setenv("CAUSEWAY_DSN", c.DSN("store", c.Address()))
	w := newWorld(t, "[storage]\nDSN = \"env:CAUSEWAY_DSN\"\n"+good)
	one := w.run()
	w.speak("before", "moin")
	back := c.Dump("store")
	w.speak("since then", "seither")
	one.stop()
	back()
	var acted atomic.Bool
	w.faults.set(func(_ context.Context, c memory.Call) error {
		switch {
		case c.Account != "right.two" || c.After:
		case c.Op == memory.Feeding: // it does not see its own posts before it would make them again
			w.until("something is done on the right", acted.Load)
		case c.Op == memory.Find, c.Op == memory.Post:
			acted.Store(true)
		}
		return nil
	})
	two := w.run()
	w.speak("last", "zuletzt")
	for side, got := range map[string]int{"left": len(w.left.Messages("C1")), "right": len(w.right.Messages("C1"))} { // deleted ones are counted, too
		if got != 6 {
			t.Errorf("%d messages on the %s, not 6", got, side)
		}
	}
	if log := two.log.String(); !strings.Contains(log, "the database is another one than before, or was put back") {
		t.Errorf("the log does not say it:\n%s", log)
	}
}
