package harness

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func shell(t *testing.T, script string) Command {
	t.Helper()
	return Command{Path: "/bin/sh", Args: []string{"-c", script}}
}

func TestAProcessCanBeKilledAndStartedAgain(t *testing.T) {
	t.Parallel()
	p := StartProcess(t, shell(t, `echo "run $$"; exec sleep 1000`))
	first := p.WaitForLine(t, "run ")
	p.Kill(t)
	if p.Running() {
		t.Error("it runs after Kill")
	}
	p.Start(t)
	second := p.WaitForLine(t, "run ")
	if first == second {
		t.Errorf("both runs wrote %q", first)
	}
	if got, want := p.Output().String(), first+"\n"+second+"\n"; got != want {
		t.Errorf("the output is %q, want %q", got, want)
	}
}

// A shell may miss a signal between two commands until the second one ends, so the shells below wait in short steps.

func TestStopAsksAndWaitReturnsTheExitCode(t *testing.T) {
	t.Parallel()
	p := StartProcess(t, shell(t, `trap 'echo asked; exit 3' TERM; echo ready; while :; do sleep 0.05; done`))
	p.WaitForLine(t, "ready")
	if code := p.Stop(t); code != 3 {
		t.Errorf("the exit code is %d, want 3", code)
	}
	if got, want := p.Output().String(), "ready\nasked\n"; got != want {
		t.Errorf("the output is %q, want %q", got, want)
	}
	if code := StartProcess(t, shell(t, "exit 7")).Wait(t); code != 7 {
		t.Errorf("the exit code is %d, want 7", code)
	}
}

func TestAProcessInheritsNothingElse(t *testing.T) {
	t.Setenv("MM_SERVICESETTINGS_SITEURL", "http://wrong.example.test")
	p := StartProcess(t, Command{Path: "/usr/bin/env", Env: []string{"OURS=1"}})
	p.Wait(t)
	text := p.Output().String()
	if strings.Contains(text, "MM_") || !strings.Contains(text, "OURS=1\n") || !strings.Contains(text, "PATH=") {
		t.Errorf("its environment is %q", text)
	}
}

func TestOutputAlsoGoesToTheLogFile(t *testing.T) {
	t.Parallel()
	command := shell(t, `echo out; echo err >&2`)
	command.LogFile = filepath.Join(t.TempDir(), "log")
	p := StartProcess(t, command)
	p.Wait(t)
	p.Start(t)
	p.Wait(t)
	log, err := os.ReadFile(command.LogFile)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(log), "out\nerr\nout\nerr\n"; got != want {
		t.Errorf("the file has %q, want %q", got, want)
	}
}

func TestWaitingEndsWithTheProcess(t *testing.T) {
	t.Parallel()
	p := StartProcess(t, shell(t, "echo something"))
	p.Wait(t)
	if line, err := p.output.waitLine(t.Context(), 0, "something", p.Exited()); line != "something" || err != nil {
		t.Errorf("a line that is there: %q, %v", line, err)
	}
	if _, err := p.output.waitLine(t.Context(), 0, "something else", p.Exited()); err == nil {
		t.Error("a line that never came was found")
	}
	if err := p.waitForHTTP(t.Context(), "http://127.0.0.1:1/"); err == nil {
		t.Error("a process that has ended answered")
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	living := StartProcess(t, shell(t, "exec sleep 1000"))
	if _, err := living.output.waitLine(cancelled, 0, "x", living.Exited()); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting with a cancelled context: %v", err)
	}
}

func TestAProcessRunsInItsFolderAndGetsSignals(t *testing.T) {
	t.Parallel()
	command := shell(t, `trap 'echo heard; exit 0' USR1; pwd; while :; do sleep 0.05; done`)
	command.Dir = t.TempDir()
	p := StartProcess(t, command)
	if got := p.WaitForLine(t, "/"); got != command.Dir {
		t.Errorf("it runs in %s, want %s", got, command.Dir)
	}
	p.Signal(t, syscall.SIGUSR1)
	p.WaitForLine(t, "heard")
	if code := p.Wait(t); code != 0 {
		t.Errorf("the exit code is %d, want 0", code)
	}
	p.Signal(t, syscall.SIGUSR1) // to nobody
}
