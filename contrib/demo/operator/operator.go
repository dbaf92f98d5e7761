// Package operator runs the causeway program as somebody does who looks after it: it writes the config, signs the relay
// account in, starts the program, kills it, and looks at its log.
package operator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Names of files in the folder.
const (
	ConfigFile = "config.toml"
	LogFile    = "causeway.log"
)

// patience is how long the program may take to end when it is asked to.
const patience = 15 * time.Second

// ErrClosed says that the operator has been closed.
var ErrClosed = errors.New("the demonstration has ended")

// Operator looks after one causeway program in a folder of its own. Its methods may be called from any goroutine.
type Operator struct {
	program, folder string
	changed         func()

	mu     sync.Mutex // held while the program is started or ended
	run    *run       // nil: never started
	closed bool       // nothing starts any more
	state  sync.Mutex // guards what State reads
	last   State
}

// run is one life of the program.
type run struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// State is how the program is.
type State struct {
	Running bool      `json:"running"`
	PID     int       `json:"pid"`
	Since   time.Time `json:"since"`           // when it was started, or ended
	Killed  bool      `json:"killed"`          // it was ended by Kill
	Ended   string    `json:"ended,omitempty"` // how it ended by itself
	Starts  int       `json:"starts"`          // how often it was started
}

// New makes an operator with an empty folder below the one for temporary files. Changed is called when State has changed.
func New(program string, changed func()) (*Operator, error) {
	program, err := filepath.Abs(program)
	if err != nil {
		return nil, fmt.Errorf("finding the program: %w", err)
	}
	folder, err := os.MkdirTemp("", "causeway-demo-")
	if err != nil {
		return nil, fmt.Errorf("making a folder: %w", err)
	}
	return &Operator{program: program, folder: folder, changed: changed}, nil
}

// Build builds the program from this repository into a folder and gives its path.
func Build(ctx context.Context, folder string) (string, error) {
	program := filepath.Join(folder, "causeway")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", program, "causeway/cmd/causeway")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building causeway: %w\n%s", err, output)
	}
	return program, nil
}

// Folder is where config, store and log are.
func (o *Operator) Folder() string { return o.folder }

// ConfigPath is the path of the config.
func (o *Operator) ConfigPath() string { return filepath.Join(o.folder, ConfigFile) }

// Config reads the config.
func (o *Operator) Config() (string, error) {
	text, err := os.ReadFile(o.ConfigPath())
	if err != nil {
		return "", fmt.Errorf("reading the config: %w", err)
	}
	return string(text), nil
}

// WriteConfig replaces the config. The program reads it at its next start.
func (o *Operator) WriteConfig(text string) error {
	if err := os.WriteFile(o.ConfigPath(), []byte(text), 0o600); err != nil {
		return fmt.Errorf("writing the config: %w", err)
	}
	return nil
}

// Log gives at most so many bytes of the end of the log, from the beginning of a line.
func (o *Operator) Log(most int64) (string, error) {
	file, err := os.Open(filepath.Join(o.folder, LogFile))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the log: %w", err)
	}
	defer func() { _ = file.Close() }() // nothing was written
	info, err := file.Stat()
	if err != nil {
		return "", fmt.Errorf("reading the log: %w", err)
	}
	start := max(0, info.Size()-most)
	text := make([]byte, info.Size()-start)
	if _, err := file.ReadAt(text, start); err != nil {
		return "", fmt.Errorf("reading the log: %w", err)
	}
	if _, rest, ok := bytes.Cut(text, []byte("\n")); ok && start > 0 {
		text = rest
	}
	return string(text), nil
}

// Command runs the program with some arguments and gives what it printed.
func (o *Operator) Command(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, o.program, args...)
	cmd.Dir = o.folder
	output, err := cmd.CombinedOutput()
	return string(output), err
}

// Login runs `causeway login`; meanwhile enter does what the person at the other screen does, and must return when its
// context ends.
func (o *Operator) Login(ctx context.Context, account string, enter func(context.Context) error) (string, error) {
	entering, done := context.WithCancel(ctx)
	entered := make(chan error, 1)
	go func() { entered <- enter(entering) }()
	output, err := o.Command(ctx, "login", account)
	done()
	if err := errors.Join(err, <-entered); err != nil {
		return output, fmt.Errorf("signing %s in: %w\n%s", account, err, output)
	}
	return output, nil
}

// Start starts `causeway run`. Of a program that runs already nothing is changed. After Close it returns ErrClosed.
func (o *Operator) Start() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.start()
}

func (o *Operator) start() error {
	if o.closed {
		return ErrClosed
	}
	if o.State().Running {
		return nil
	}
	log, err := os.OpenFile(filepath.Join(o.folder, LogFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the log: %w", err)
	}
	defer func() { _ = log.Close() }() // the process has its own
	cmd := exec.Command(o.program, "run")
	cmd.Dir, cmd.Stdout, cmd.Stderr = o.folder, log, log
	r := &run{cmd: cmd, done: make(chan struct{})}
	if err := o.begin(r); err != nil {
		return fmt.Errorf("starting causeway: %w", err)
	}
	o.run = r
	return nil
}

// begin starts the process and lets a goroutine wait for its end, which Kill and Stop wait for. That goroutine keeps its
// thread to itself: to the kernel the parent of a process is the thread that made it, see endWithParent.
func (o *Operator) begin(r *run) error {
	started := make(chan error)
	go func() {
		defer lockThread()()
		endWithParent(r.cmd)
		err := r.cmd.Start()
		if err == nil {
			o.set(func(s *State) {
				*s = State{Running: true, PID: r.cmd.Process.Pid, Since: time.Now(), Starts: s.Starts + 1}
			})
		}
		started <- err
		if err != nil {
			return
		}
		_ = r.cmd.Wait() // how it ended is in the state of the process
		o.set(func(s *State) {
			s.Running, s.Since = false, time.Now()
			if !s.Killed {
				s.Ended = r.cmd.ProcessState.String()
			}
		})
		close(r.done)
	}()
	return <-started
}

func (o *Operator) set(f func(*State)) {
	o.state.Lock()
	f(&o.last)
	o.state.Unlock()
	o.changed()
}

// State tells how the program is.
func (o *Operator) State() State {
	o.state.Lock()
	defer o.state.Unlock()
	return o.last
}

// Kill is kill -9. It returns when the program is gone.
func (o *Operator) Kill() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kill()
}

func (o *Operator) kill() {
	if o.run == nil || !o.State().Running {
		return
	}
	o.set(func(s *State) { s.Killed = true })
	_ = o.run.cmd.Process.Kill() // it fails only when the process has ended
	<-o.run.done
}

// Restart asks the program to end and starts it again, so that it reads its config anew. Nobody can start or end it in between. After
// Close it returns ErrClosed.
func (o *Operator) Restart() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stop()
	return o.start()
}

// Stop asks the program to end, and kills it when it does not.
func (o *Operator) Stop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stop()
}

func (o *Operator) stop() {
	if o.run == nil {
		return
	}
	_ = o.run.cmd.Process.Signal(syscall.SIGTERM) // it fails only when the process has ended
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-o.run.done:
	case <-timer.C:
		o.kill()
	}
}

// Close stops the program for good and removes the folder.
func (o *Operator) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stop()
	o.closed = true
	if err := os.RemoveAll(o.folder); err != nil {
		return fmt.Errorf("removing the folder: %w", err)
	}
	return nil
}
