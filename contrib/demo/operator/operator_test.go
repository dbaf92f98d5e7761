package operator_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"causeway/contrib/demo/operator"
)

// employ makes an operator of a program that waits for its end.
func employ(t *testing.T) *operator.Operator {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	program := filepath.Join(t.TempDir(), "causeway")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nexec sleep 60\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	o, err := operator.New(program, func() {})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// gone reports whether there is no such process.
func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

func TestNothingStartsAfterTheEnd(t *testing.T) {
	o := employ(t)
	if err := o.Start(); err != nil {
		t.Fatal(err)
	}
	pid := o.State().PID
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if !gone(pid) {
		t.Errorf("process %d is still there", pid)
	}
	for name, start := range map[string]func() error{"start": o.Start, "restart": o.Restart} {
		if err := start(); !errors.Is(err, operator.ErrClosed) {
			t.Errorf("%s: %v, want %v", name, err, operator.ErrClosed)
		}
	}
	if s := o.State(); s.Running || s.Starts != 1 {
		t.Errorf("%+v", s)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestRestartIsOneStep lets many restart the program and start it: each restart is one more life, and a start finds it running.
func TestRestartIsOneStep(t *testing.T) {
	o := employ(t)
	if err := o.Start(); err != nil {
		t.Fatal(err)
	}
	const restarts = 20
	var all sync.WaitGroup
	for range restarts {
		all.Go(func() {
			if err := o.Restart(); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			if err := o.Start(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	s := o.State()
	if !s.Running || s.Starts != restarts+1 {
		t.Errorf("%d starts, want %d; running: %v", s.Starts, restarts+1, s.Running)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	if !gone(s.PID) {
		t.Errorf("process %d is still there", s.PID)
	}
}
