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

	"github.com/google/go-cmp/cmp"

	"causeway/gateway/web/freeport"
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

// channels are accounts and a gateway that need nothing to start.
const channels = `
[mattermost.a]
Server = "http://127.0.0.1:1"
Token = "x"
[mattermost.b]
Server = "http://127.0.0.1:1"
Token = "env:CAUSEWAY_MATTERMOST_TOKEN"
[[gateway]]
name = "g"
inout = [ { account = "mattermost.a", channel = "t/a" }, { account = "mattermost.b", channel = "t/b" } ]
`

// box is what a container is, without Docker: a root of its own that holds the program and the config, cannot be written, and has a volume. What the
// program is told stands in env alone. It takes root's rights.
type box struct {
	image
	root, state string
	env         []string
}

func newBox(t *testing.T, config string, env []string) box {
	t.Helper()
	present(t, "unshare")
	present(t, "setpriv")
	if os.Geteuid() != 0 {
		t.Skip("only root can make a file system read-only")
	}
	b := box{image: readImage(t), root: t.TempDir(), state: t.TempDir(), env: env}
	for _, dir := range []string{"etc/causeway", b.workdir, "tmp"} {
		if err := os.MkdirAll(filepath.Join(b.root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	output(t, "cp", program(t), filepath.Join(b.root, "causeway"))
	isStatic(t, program(t))
	write(t, filepath.Join(b.root, "etc/causeway/config.toml"), config, 0o644)
	output(t, "chown", b.user, b.state)
	for _, dir := range []string{b.root, filepath.Dir(b.root)} { // others must be able to pass
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// runs gives a command that is carried out in the box, as its user.
func (b box) runs(ctx context.Context, command ...string) *exec.Cmd {
	script := `set -e
mount --bind "$1" "$1"
mount --bind "$2" "$1$3"
mount -t tmpfs -o mode=1777,size=64m,noexec,nosuid,nodev tmpfs "$1/tmp"
mount -o remount,ro,bind "$1"
user=$4 root=$1
shift 4
exec setpriv --no-new-privs env -i "$(command -v chroot)" --userspec="$user" "$root" "$@"`
	for _, one := range b.env {
		script = strings.Replace(script, "env -i", "env -i '"+one+"'", 1)
	}
	return exec.CommandContext(ctx, "unshare", append([]string{"-m", "sh", "-c", script, "sh", b.root, b.state, b.workdir, b.user}, command...)...)
}

// serves runs what the image runs until it answers, then calls while, and ends it; it gives how long it has computed.
func (b box) serves(ctx context.Context, t *testing.T, address string, while func()) time.Duration {
	t.Helper()
	cmd := b.runs(ctx, b.command...)
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	code, body := healthy(ctx, "http://"+address+"/healthz")
	t.Logf("it answers after %v", time.Since(began).Round(time.Millisecond))
	if code == http.StatusOK {
		while()
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil || code != http.StatusOK {
		t.Fatalf("healthz says %d %s; it ended with %v:\n%s", code, body, err, said.String())
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

// holds makes sure that the volume holds just these files, each for its owner alone.
func (b box) holds(t *testing.T, want ...string) {
	t.Helper()
	found, err := os.ReadDir(b.state)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range found {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", f.Name(), info, err)
		}
		got = append(got, f.Name())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the volume holds (-want +got):\n%s", diff)
	}
}

// TestContainerNeedsNothingButItsVolume runs the program as Dockerfile and compose.yaml say, with an empty store.
func TestContainerNeedsNothingButItsVolume(t *testing.T) {
	address, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	base := readCompose(t, "docker/compose.yaml")
	base.isTight(t, readImage(t))
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	b := newBox(t, base.config(t, address)+channels, base.told(t, "causeway", map[string]string{"CAUSEWAY_MATTERMOST_TOKEN": "y", "CAUSEWAY_TEAMS_SECRET": "z"}))
	// How long it takes on a machine that does other things says little; what it computes may be a second's worth at most.
	if cpu := b.serves(ctx, t, address, func() {}); cpu > time.Second {
		t.Errorf("it computes for %v", cpu)
	}
	b.holds(t, "causeway.db", "causeway.db.key", "causeway.db.lock")
	b.serves(ctx, t, address, func() { // what editors do with a file on the host
		config := b.command[len(b.command)-1]
		next := filepath.Join(b.root, filepath.Dir(config), "next")
		write(t, next, base.config(t, address)+strings.Replace(channels, `name = "g"`, `name = "other"`, 1), 0o644)
		if err := os.Rename(next, filepath.Join(b.root, config)); err != nil {
			t.Fatal(err)
		}
		if said, err := b.runs(ctx, "/causeway", "reload", "-c", config).CombinedOutput(); err != nil {
			t.Errorf("reload: %v\n%s", err, said)
		}
		if said, _ := b.runs(ctx, "/causeway", "status", "-c", config).CombinedOutput(); !strings.Contains(string(said), "\n  other\n") {
			t.Errorf("the config that has taken the other's place does not count:\n%s", said)
		}
	})
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
