package contrib_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// folder is where the program is; empty until a test has asked for it.
var folder string

// built makes the program once.
var built = sync.OnceValue(func() (err error) {
	if folder, err = os.MkdirTemp("", "causeway-contrib-"); err != nil {
		return err
	}
	build := exec.Command("go", "build", "-buildvcs=false", "-o", filepath.Join(folder, "causeway"), "../cmd/causeway")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath") // as make build does
	if said, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the program: %w\n%s", err, said)
	}
	return nil
})

// program gives the path of the program.
func program(t *testing.T) string {
	t.Helper()
	if err := built(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, "causeway")
}

func TestMain(m *testing.M) {
	code := m.Run()
	if folder != "" {
		_ = os.RemoveAll(folder)
	}
	os.Exit(code)
}
