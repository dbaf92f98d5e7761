package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"causeway/gateway/web/freeport"
)

// root is the folder of the module.
const root = "../.."

// build compiles the command as it is shipped: without cgo. The overlay adds what it names, as files would.
func build(t *testing.T, overlay map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"build", "-trimpath", "-buildvcs=false", "-o", filepath.Join(dir, "causeway")}
	if overlay != nil {
		file := filepath.Join(dir, "overlay.json")
		text, err := json.Marshal(map[string]any{"Replace": overlay})
		if err == nil {
			err = os.WriteFile(file, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, "-overlay", file)
	}
	cmd := exec.CommandContext(t.Context(), "go", append(args, "./cmd/causeway")...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the command: %v\n%s", err, out)
	}
	return filepath.Join(dir, "causeway")
}

// process is a running command.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	log *output
	// ended gives the exit code, -1 after a kill.
	ended chan int
}

// output may be read while the process writes it.
type output struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.text.String()
}

// start runs the program in dir; it is killed at the end of the test at the latest.
func start(t *testing.T, program, dir string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(program, args...), log: &output{}, ended: make(chan int, 1)}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, p.log, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	over, finish := context.WithCancel(context.Background())
	go func() {
		defer finish()
		err := p.cmd.Wait()
		var exit *exec.ExitError
		switch {
		case err == nil:
			p.ended <- 0
		case errors.As(err, &exit):
			p.ended <- exit.ExitCode()
		}
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-over.Done()
	})
	return p
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// code waits for the end.
func (p *process) code() int {
	p.t.Helper()
	select {
	case code := <-p.ended:
		return code
	case <-time.After(30 * time.Second):
		p.t.Fatalf("the process does not end\n%s", p.log)
		return 0
	}
}

// says waits until the process has printed something n times.
func (p *process) says(text string, n int) {
	p.t.Helper()
	until(p.t, func() bool { return strings.Count(p.log.String(), text) >= n }, func() string { return text + " in\n" + p.log.String() })
}

func until(t *testing.T, holds func() bool, what func() string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited too long for %s", what())
		}
	}
}

// chat is a folder of the bridge in testdata/folder, with the channel "hall".
type chat struct {
	t    *testing.T
	file string
}

func newChat(t *testing.T, dir string) chat {
	t.Helper()
	c := chat{t, filepath.Join(dir, "hall.chat")}
	err := os.Mkdir(dir, 0o700)
	if err == nil {
		err = os.WriteFile(c.file, nil, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// say is what a person does.
func (c chat) say(id, author, text string) {
	c.t.Helper()
	line, err := json.Marshal(map[string]any{"id": id, "time": time.Now(), "author": author, "text": text})
	if err != nil {
		c.t.Fatal(err)
	}
	f, err := os.OpenFile(c.file, os.O_WRONLY|os.O_APPEND, 0)
	if err == nil {
		_, err = f.Write(append(line, '\n'))
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// shows gives how many lines hold a text.
func (c chat) shows(text string) int {
	content, err := os.ReadFile(c.file)
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.Count(string(content), text)
}

func (c chat) awaits(text string, p *process) {
	c.t.Helper()
	until(c.t, func() bool { return c.shows(text) > 0 }, func() string { return text + "\n" + p.log.String() })
}

const folderConfig = `
[http]
Listen = "127.0.0.1:0"
[folder.here]
Folder = "here"
Label = "Here"
[folder.there]
Folder = "there"
RemoteNickFormat = "{NICK} ({LABEL})"
[[gateway]]
name = "hall"
inout = [ { account = "folder.here", channel = "hall" }, { account = "folder.there", channel = "hall" } ]
`

// TestOneMoreBridgeIsAFolderAndAnImportLine adds a chat service to the command and to nothing else, and carries
// messages over it.
func TestOneMoreBridgeIsAFolderAndAnImportLine(t *testing.T) {
	program := build(t, withFolder(t))
	dir := t.TempDir()
	here, there := newChat(t, filepath.Join(dir, "here")), newChat(t, filepath.Join(dir, "there"))
	write(t, filepath.Join(dir, "config.toml"), strings.Replace(folderConfig, "127.0.0.1:0", freeAddress(t), 1))

	check := start(t, program, dir, "check")
	if code := check.code(); code != 0 || !strings.Contains(check.log.String(), "  ok       folder.there hall (both ways)\n") {
		t.Errorf("check: %d\n%s", code, check.log)
	}
	channels := start(t, program, dir, "channels", "folder.here")
	if code := channels.code(); code != 0 || channels.log.String() != "channel = \"hall\"\n" {
		t.Errorf("channels: %d\n%s", code, channels.log)
	}

	p := start(t, program, dir)
	p.says("reading begins", 2)
	here.say("1", "ann", "hello over there")
	there.awaits(`"author":"ann (Here)","text":"hello over there"`, p)
	there.say("1", "bob", "hello back")
	here.awaits(`"author":"bob","text":"hello back"`, p)

	stands(t, program, dir, 0, "No problem.", "connected for")
	p.signal(syscall.SIGKILL)
	p.code()
	stands(t, program, dir, 1, "so Causeway is not running, or was not restarted since Listen in [http] was changed: start it with `causeway run`")
	here.say("2", "ann", "said while it was dead")
	p = start(t, program, dir)
	there.awaits("said while it was dead", p)
	there.say("2", "bob", "the last one")
	here.awaits("the last one", p)
	for _, text := range []string{"hello over there", "hello back", "said while it was dead", "the last one"} {
		if h, th := here.shows(text), there.shows(text); h != 1 || th != 1 {
			t.Errorf("%q stands %d times here, %d times there", text, h, th)
		}
	}
	p.signal(syscall.SIGTERM)
	if code := p.code(); code != 0 || !strings.Contains(p.log.String(), "Causeway has stopped") {
		t.Errorf("exit code %d after SIGTERM\n%s", code, p.log)
	}
	signals(t, program, dir)
}

// stands asks how the process stands that runs in dir.
func stands(t *testing.T, program, dir string, code int, says ...string) {
	t.Helper()
	p := start(t, program, dir, "status")
	got := p.code()
	for _, text := range says {
		if got != code || !strings.Contains(p.log.String(), text) {
			t.Errorf("status gave %d, want %d and %q\n%s", got, code, text, p.log)
		}
	}
}

// freeAddress is where nobody listens, and which no connection gets.
func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// signals are tried with a bridge that does not stop.
func signals(t *testing.T, program, dir string) {
	write(t, filepath.Join(dir, "config.toml"), strings.Replace(folderConfig, `Folder = "here"`, "Folder = \"here\"\nDeaf = true", 1))
	p := start(t, program, dir, "run")
	p.says("Causeway is running", 1)
	here := chat{t, filepath.Join(dir, "here", "hall.chat")}
	here.say("3", "ann", "it is reading")
	chat{t, filepath.Join(dir, "there", "hall.chat")}.awaits("it is reading", p)
	p.signal(os.Interrupt)
	p.signal(os.Interrupt) // timeout(1) does that: it is the same wish
	select {
	case code := <-p.ended:
		t.Fatalf("it ended with %d at the second of two signals that came together\n%s", code, p.log)
	case <-time.After(2 * sameWish):
	}
	p.signal(os.Interrupt)
	if code := p.code(); code != 1 || strings.Contains(p.log.String(), "not done after") {
		t.Errorf("exit code %d after a later signal\n%s", code, p.log)
	}
}

// withFolder is the bridge in testdata as a folder below bridge/, and its import line.
func withFolder(t *testing.T) map[string]string {
	t.Helper()
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile("bridges.go")
	if err != nil {
		t.Fatal(err)
	}
	const last = "\t_ \"causeway/bridge/msteams\"\n"
	more := strings.Replace(string(list), last, last+"\t_ \"causeway/bridge/folder\"\n", 1)
	if more == string(list) {
		t.Fatal("bridges.go has no place for one more line")
	}
	file := filepath.Join(t.TempDir(), "bridges.go")
	write(t, file, more)
	return map[string]string{
		filepath.Join(top, "cmd/causeway/bridges.go"): file,
		filepath.Join(top, "bridge/folder/folder.go"): filepath.Join(top, "cmd/causeway/testdata/folder/folder.go"),
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
