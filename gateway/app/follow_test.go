package app

import (
	"database/sql"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"causeway/gateway/config"
)

// TestAHangUpEndsNobody: one that stands by, or is about to begin, is told like one that runs.
func TestAHangUpEndsNobody(t *testing.T) {
	if signal.Ignored(syscall.SIGHUP) {
		t.Skip("the signal is ignored, as under nohup: there it ends nobody anyway")
	}
	f, end := newFollower(t.TempDir()+"/config.toml", func() (*config.Config, error) { return nil, nil })
	defer end()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	select {
	case <-f.hangups: // which would have ended this test
	case <-time.After(time.Minute):
		t.Error("it was not noticed")
	}
}

func TestAConfigIsTakenUpWhenTheStoreCanBeReadAgain(t *testing.T) {
	for _, ordered := range []bool{false, true} {
		t.Run(fmt.Sprintf("ordered %v", ordered), func(t *testing.T) { takenUpLater(t, ordered) })
	}
}

func takenUpLater(t *testing.T, ordered bool) {
	w, config := newReloading(t)
	r := w.run()
	w.crosses("C1", "before")
	store, err := sql.Open("sqlite", "file:"+w.path("causeway.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	renamed := func(from, to string) {
		t.Helper()
		if _, err := store.Exec("ALTER TABLE " + from + " RENAME TO " + to); err != nil {
			t.Fatal(err)
		}
	}
	renamed("channel_links", "elsewhere")
	w.write("config.toml", config+otherGateway)
	if ordered {
		if got := w.call("reload"); got.code != exitFailed {
			t.Errorf("while the store cannot be read: %+v", got)
		}
	}
	w.until("it is not taken up", func() bool { return len(w.problems()) == 1 })
	if p := w.problems()[0]; p.Where != "config" || p.Next != passingStep || !strings.Contains(p.Text, "channel_links") {
		t.Errorf("the status: %+v", p)
	}
	time.Sleep(absent + calm) // it has been tried again
	renamed("elsewhere", "channel_links")
	w.until("it is taken up by itself", func() bool { return len(w.problems()) == 0 })
	w.crosses("C2", "through the new gateway")
	if n := strings.Count(r.log.String(), "the config was not taken up"); n != 1 {
		t.Errorf("it was logged %d times", n)
	}
}
