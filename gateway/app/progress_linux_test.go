package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"causeway/bridge/memory"
)

// newTerminal gives one, and what is shown on it.
func newTerminal(t *testing.T) (tty *os.File, shown *output) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if tty, err = os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	shown = &output{}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(shown, screen)
	}()
	t.Cleanup(func() {
		_ = tty.Close()
		<-ended // there is nobody left who could write
		_ = screen.Close()
	})
	return tty, shown
}

func TestACommandThatWaitsShowsASignOfLife(t *testing.T) {
	for command, want := range map[string]string{"check": "trying the accounts", "channels left.one": "asking what it can see"} {
		t.Run(command, func(t *testing.T) {
			w := newWorld(t, good)
			w.started()
			tty, shown := newTerminal(t)
			w.faults.set(func(_ context.Context, c memory.Call) error {
				if c.Op == memory.Connect && c.Account == "left.one" && !c.After {
					w.until("it is shown", func() bool { return strings.Contains(shown.String(), want) })
				}
				return nil
			})
			c := Command{Protocols: w.protocols, Stdout: &output{}, Stderr: tty}
			if code := c.Run(t.Context(), append([]string{"-c", w.path("config.toml")}, strings.Fields(command)...)); code != 0 {
				t.Errorf("exit code %d: %s", code, shown)
			}
		})
	}
}
