package contrib_test

import (
	"context"
	"debug/elf"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"causeway/contrib/freeport"
)

// image is what the last stage of the Dockerfile says.
type image struct {
	user, workdir string
	command       []string
}

func readImage(t *testing.T) image {
	t.Helper()
	_, last, found := strings.Cut(example(t, "docker/Dockerfile"), "\nFROM scratch\n")
	if !found {
		t.Fatal("the Dockerfile has no stage FROM scratch")
	}
	line := func(word string) string {
		m := regexp.MustCompile(`(?m)^` + word + ` (.*)$`).FindStringSubmatch(last)
		if m == nil {
			t.Fatalf("the Dockerfile has no %s", word)
		}
		return m[1]
	}
	i := image{user: line("USER"), workdir: line("WORKDIR")}
	for _, word := range []string{"ENTRYPOINT", "CMD"} {
		var part []string
		if err := json.Unmarshal([]byte(line(word)), &part); err != nil {
			t.Fatal(err)
		}
		i.command = append(i.command, part...)
	}
	return i
}

const containerConfig = `[storage]
DSN = "/var/lib/causeway/causeway.db"
[http]
Listen = "ADDRESS"
[mattermost.a]
Server = "http://127.0.0.1:1"
Token = "x"
[mattermost.b]
Server = "http://127.0.0.1:1"
Token = "y"
[[gateway]]
name = "g"
inout = [ { account = "mattermost.a", channel = "t/a" }, { account = "mattermost.b", channel = "t/b" } ]
`

// TestContainerNeedsNothingButItsVolume runs the program as the Dockerfile says, without Docker: in a root of its own that holds nothing else and
// cannot be written, as its user. That takes root's rights.
func TestContainerNeedsNothingButItsVolume(t *testing.T) {
	present(t, "unshare")
	if os.Geteuid() != 0 {
		t.Skip("only root can make a file system read-only")
	}
	i := readImage(t)
	root, state := t.TempDir(), t.TempDir()
	for _, dir := range []string{"etc/causeway", i.workdir, "tmp"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	output(t, "cp", program(t), filepath.Join(root, "causeway"))
	isStatic(t, program(t))
	address, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "etc/causeway/config.toml"), strings.Replace(containerConfig, "ADDRESS", address, 1), 0o644)
	output(t, "chown", i.user, state)
	for _, dir := range []string{root, filepath.Dir(root)} { // others must be able to pass
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	script := `set -e
mount --bind "$1" "$1"
mount --bind "$2" "$1$3"
mount -t tmpfs tmpfs "$1/tmp"
mount -o remount,ro,bind "$1"
user=$4 root=$1
shift 4
exec chroot --userspec="$user" "$root" "$@"`
	cmd := exec.CommandContext(ctx, "unshare", append([]string{"-m", "sh", "-c", script, "sh", root, state, i.workdir, i.user}, i.command...)...)
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	code, body := healthy(ctx, "http://"+address+"/healthz")
	took := time.Since(began)
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil || code != http.StatusOK {
		t.Fatalf("healthz says %d %s; it ended with %v:\n%s", code, body, err, said.String())
	}
	// How long it takes on a machine that does other things says little; what it computes may be a second's worth at most.
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	t.Logf("with an empty store it answers after %v, and has computed for %v from start to end", took.Round(time.Millisecond), cpu.Round(time.Millisecond))
	if cpu > time.Second {
		t.Errorf("it computes for %v", cpu)
	}
	for _, name := range []string{"causeway.db", "causeway.db.key"} {
		if info, err := os.Stat(filepath.Join(state, name)); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
}

// isStatic makes sure that a program asks for no loader, which an empty image does not have.
func isStatic(t *testing.T, program string) {
	t.Helper()
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the program is not static")
		}
	}
}

// healthy waits until something answers.
func healthy(ctx context.Context, address string) (int, string) {
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return 0, err.Error()
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			defer func() { _ = resp.Body.Close() }()
			body, _ := io.ReadAll(resp.Body)
			return resp.StatusCode, string(body)
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
	return 0, "nobody answers"
}
