package harness

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Patience is how long the harness waits for anything before it gives up. It is far above what things take, since a
// machine that runs many tests at once may be slow, and is reached only when something is broken.
const Patience = 90 * time.Second

// Command says what to run.
type Command struct {
	Path string   // the program
	Args []string // without the program's name
	Env  []string // NAME=value, besides PATH, HOME and TMPDIR of this process; nothing else is inherited
	Dir  string   // working directory; empty means the current one

	LogFile     string              // also gets the output of all runs; empty for none
	StopSignal  syscall.Signal      // asks the process to end; SIGTERM when zero
	DeathSignal syscall.Signal      // what the kernel sends when this process dies; SIGKILL when zero
	Credential  *syscall.Credential // the user to run as; nil means the current one
}

// Process is a program that can be started again after it has ended. Its methods must not be called at the same
// time, except Output, Running and Exited.
type Process struct {
	name    string
	command Command
	output  *Output

	mu  sync.Mutex
	run *run // the latest one
}

// run is one life of a process.
type run struct {
	cmd  *exec.Cmd
	mark int           // where its output begins
	done chan struct{} // closed when it has ended and its output is complete
	err  error         // of cmd.Wait; read it after done
}

// StartProcess starts a program. It is killed when tb is over, and the end of its output is printed if tb has failed.
func StartProcess(tb TB, command Command) *Process {
	tb.Helper()
	p := &Process{name: filepath.Base(command.Path), command: command}
	var file io.Writer
	if command.LogFile != "" {
		log, err := os.OpenFile(command.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			tb.Fatalf("opening the log of %s: %v", p.name, err)
		}
		tb.Cleanup(func() { log.Close() })
		file = log
	}
	p.output = newOutput(file)
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("the end of what %s wrote:\n%s", p.name, p.output.tail(0))
		}
	})
	tb.Cleanup(func() { p.Kill(tb) })
	p.Start(tb)
	return p
}

// Start starts the program again after Kill, Stop or Wait.
func (p *Process) Start(tb TB) {
	tb.Helper()
	if p.Running() {
		tb.Fatalf("starting %s: it is running", p.name)
	}
	cmd := exec.Command(p.command.Path, p.command.Args...)
	cmd.Dir = p.command.Dir
	cmd.Env = append(inheritedEnv(), p.command.Env...)
	cmd.Stdout = p.output
	cmd.Stderr = p.output
	// A grandchild that keeps the output open must not keep us waiting.
	cmd.WaitDelay = 5 * time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: p.command.Credential,
		Pdeathsig:  orDefault(p.command.DeathSignal, syscall.SIGKILL),
		// An interrupt typed in the terminal goes to the test process alone, which then takes its children along.
		Setpgid: true,
	}
	r := &run{cmd: cmd, mark: p.output.Len(), done: make(chan struct{})}
	if err := r.start(); err != nil {
		tb.Fatalf("starting %s: %v", p.name, err)
	}
	p.mu.Lock()
	p.run = r
	p.mu.Unlock()
}

// start starts the command and lets a goroutine wait for its end. That goroutine keeps its thread to itself: to the kernel the
// parent of a process is the thread that made it, and when that thread ends the child gets its death signal.
func (r *run) start() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := r.cmd.Start()
		started <- err
		if err == nil {
			r.err = r.cmd.Wait()
			close(r.done)
		}
	}()
	return <-started
}

// inheritedEnv is what every program may need of our environment. The rest is left out: a variable such as MM_… or
// HTTP_PROXY of the developer's shell must not change a test.
func inheritedEnv() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

func orDefault(signal, other syscall.Signal) syscall.Signal {
	if signal == 0 {
		return other
	}
	return signal
}

func (p *Process) current() *run {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.run
}

// Output returns what the program has written in all its runs.
func (p *Process) Output() *Output { return p.output }

// Exited is closed when the current run is over and its output complete.
func (p *Process) Exited() <-chan struct{} { return p.current().done }

// Running says whether the program runs.
func (p *Process) Running() bool {
	r := p.current()
	if r == nil {
		return false
	}
	select {
	case <-r.done:
		return false
	default:
		return true
	}
}

// PID returns the process id of the latest run.
func (p *Process) PID() int { return p.current().cmd.Process.Pid }

// Signal sends a signal. A program that has ended already is not an error.
func (p *Process) Signal(tb TB, signal os.Signal) {
	tb.Helper()
	r := p.current()
	if r == nil {
		return
	}
	if err := r.cmd.Process.Signal(signal); err != nil && p.Running() {
		tb.Errorf("sending %v to %s: %v", signal, p.name, err)
	}
}

// Kill ends the program as a power cut would (SIGKILL) and waits until it is gone. It may have ended already.
func (p *Process) Kill(tb TB) {
	tb.Helper()
	p.Signal(tb, syscall.SIGKILL)
	p.awaitEnd(tb)
}

// Stop asks the program to end and waits for it. It returns the exit code, or -1 after a signal.
func (p *Process) Stop(tb TB) int {
	tb.Helper()
	p.Signal(tb, orDefault(p.command.StopSignal, syscall.SIGTERM))
	return p.Wait(tb)
}

// Wait waits until the program ends by itself and returns the exit code, or -1 after a signal.
func (p *Process) Wait(tb TB) int {
	tb.Helper()
	p.awaitEnd(tb)
	return p.current().cmd.ProcessState.ExitCode()
}

// awaitEnd does not listen to tb's context: that one is cancelled before the clean-ups, which must wait nevertheless.
func (p *Process) awaitEnd(tb TB) {
	tb.Helper()
	r := p.current()
	if r == nil {
		return
	}
	timer := time.NewTimer(Patience)
	defer timer.Stop()
	select {
	case <-r.done:
	case <-timer.C:
		tb.Errorf("%s has not ended within %s", p.name, Patience)
		_ = r.cmd.Process.Kill()
		<-r.done
	}
}

// WaitForLine returns the first line of the current run that contains text, waiting for it if need be. The test fails when
// the program ends without having written one.
func (p *Process) WaitForLine(tb TB, text string) string {
	tb.Helper()
	r := p.current()
	ctx, cancel := context.WithTimeout(tb.Context(), Patience)
	defer cancel()
	line, err := p.output.waitLine(ctx, r.mark, text, r.done)
	if err != nil {
		tb.Fatalf("%s: %v", p.name, err)
	}
	return line
}

// WaitForHTTP waits until a GET of url is answered by a status below 400. The test fails when the program ends before.
func (p *Process) WaitForHTTP(tb TB, url string) {
	tb.Helper()
	if err := p.waitForHTTP(tb.Context(), url); err != nil {
		tb.Fatalf("%s: %v", p.name, err)
	}
}

func (p *Process) waitForHTTP(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	// A connection per try: kept ones would belong to the run before a restart.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	exited := p.Exited()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		if last = answers(ctx, client, url); last == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-exited:
			return fmt.Errorf("the process ended without answering %s", url)
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", url, last)
		}
	}
}

// answers returns nil when a GET of url has a status below 400.
func answers(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("GET %s: %s", url, response.Status)
	}
	return nil
}
