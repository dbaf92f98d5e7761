//go:build unix

package app

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sirupsen/logrus"
)

// supervisor is a socket as systemd gives it.
type supervisor struct {
	*testing.T
	conn *net.UnixConn
}

func newSupervisor(t *testing.T, watchdog string) supervisor {
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", watchdog)
	t.Setenv("WATCHDOG_PID", "")
	return supervisor{t, conn}
}

func (s supervisor) told() string {
	s.Helper()
	if err := s.conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		s.Fatal(err)
	}
	text := make([]byte, 1024)
	n, err := s.conn.Read(text)
	if err != nil {
		s.Fatalf("nothing is told: %v", err)
	}
	return string(text[:n])
}

func TestSystemdIsToldOfReadinessAndLife(t *testing.T) {
	s := newSupervisor(t, "30000")
	silent := logrus.New()
	silent.SetOutput(io.Discard)
	ctx, stop := context.WithCancel(t.Context())
	answers := make(chan error)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		supervised(ctx, func(ctx context.Context) error {
			select {
			case err := <-answers:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		}, logrus.NewEntry(silent))
	}()
	got := []string{s.told()}
	answers <- nil
	got = append(got, s.told())
	answers <- errors.New("the store does not answer")
	answers <- nil
	got = append(got, s.told())
	stop()
	<-ended
	if diff := cmp.Diff([]string{"READY=1", "WATCHDOG=1", "WATCHDOG=1"}, got); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestRunTellsSystemdWhenItIsReady(t *testing.T) {
	s := newSupervisor(t, "")
	w := newWorld(t, accounts+oneGateway)
	r := w.run()
	if got := s.told(); got != "READY=1" {
		t.Errorf("told first: %q", got)
	}
	if code := r.stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, r.log)
	}
	if got := s.told(); got != "STOPPING=1" {
		t.Errorf("told at the end: %q", got)
	}
}
