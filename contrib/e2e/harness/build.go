package harness

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// serverModule is where the Mattermost server comes from; mattermost-server/go.mod pins the version.
const serverModule = "github.com/mattermost/mattermost/server/v8"

// BuildCauseway builds the causeway command of this repository, without CGO as it is shipped, and returns the path of the
// program, which is gone when tb is over.
func BuildCauseway(tb TB) string {
	tb.Helper()
	return BuildCommand(tb, "./cmd/causeway")
}

// BuildCommand builds another command of the product's module, named by its folder: "./contrib/sim/teams/teams-sim".
func BuildCommand(tb TB, pkg string) string {
	tb.Helper()
	repository, err := repositoryDir(tb.Context())
	if err != nil {
		tb.Fatalf("building %s: %v", pkg, err)
	}
	program := filepath.Join(folder(tb), filepath.Base(pkg))
	if err := goBuild(tb.Context(), repository, pkg, program); err != nil {
		tb.Fatalf("building %s: %v", pkg, err)
	}
	return program
}

// repositoryDir returns the folder of the product's module.
func repositoryDir(ctx context.Context) (string, error) {
	dir, err := moduleDir(ctx)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "..", ".."), nil
}

// goBuild builds a package of the module in dir into the file program.
func goBuild(ctx context.Context, dir, pkg, program string) error {
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", program, pkg)
	build.Dir = dir
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, output)
	}
	return nil
}

// moduleDir returns the folder of the module of the tests that run, which is contrib/e2e.
func moduleDir(ctx context.Context) (string, error) {
	output, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	path := strings.TrimSpace(string(output))
	if path == "" || path == os.DevNull {
		return "", errors.New("the tests do not run inside a module")
	}
	return filepath.Dir(path), nil
}

// serverProgram returns the Mattermost server's program and the folder of its module with i18n, templates and fonts.
// The program is built once, which takes minutes, and then kept in the user's cache folder under a name made of all that it depends on.
func serverProgram(tb TB) (program, assets string, err error) {
	tb.Helper()
	ctx := tb.Context()
	root, err := moduleDir(ctx)
	if err != nil {
		return "", "", err
	}
	source := filepath.Join(root, "mattermost-server")
	assets, err = serverAssets(ctx, source)
	if err != nil {
		return "", "", err
	}
	key, err := serverKey(source)
	if err != nil {
		return "", "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", "", err
	}
	dir := filepath.Join(cache, "causeway-e2e")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", "", err
	}
	program = filepath.Join(dir, "mattermost-server-"+key)
	return program, assets, buildOnce(tb, source, program)
}

// buildOnce builds the server unless it is there. Of several test processes one builds, the others wait for it.
func buildOnce(tb TB, source, program string) error {
	tb.Helper()
	lock, err := os.OpenFile(program+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("waiting for another build: %w", err)
	}
	if _, err := os.Stat(program); err == nil {
		return nil
	}
	tb.Logf("building the Mattermost server; this takes some minutes, the first time only")
	// The program gets its name when it is complete, so that an interrupted build leaves nothing that looks finished.
	unfinished := program + ".new"
	if err := goBuild(tb.Context(), source, ".", unfinished); err != nil {
		return err
	}
	return os.Rename(unfinished, program)
}

// serverKey is a hash of all that the server is built from.
func serverKey(source string) (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	for _, name := range []string{"main.go", "go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			return "", err
		}
		fmt.Fprintln(hash, name, len(content))
		hash.Write(content)
	}
	return hex.EncodeToString(hash.Sum(nil)[:8]), nil
}

// serverAssets returns the folder of the server's module in the module cache, downloading it when it is not there.
func serverAssets(ctx context.Context, source string) (string, error) {
	download := exec.CommandContext(ctx, "go", "mod", "download", "-json", serverModule)
	download.Dir = source
	output, err := download.Output()
	if err != nil {
		return "", fmt.Errorf("go mod download %s: %w\n%s", serverModule, err, output)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(output, &module); err != nil {
		return "", fmt.Errorf("go mod download %s: %w", serverModule, err)
	}
	return module.Dir, nil
}
