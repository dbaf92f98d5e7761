package harness

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheRepositoryIsFound(t *testing.T) {
	t.Parallel()
	dir, err := repositoryDir(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil || !strings.HasPrefix(string(file), "module causeway\n") {
		t.Errorf("%s is not the product's folder (%v)", dir, err)
	}
}

func TestBuildingACommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module example.test\n\ngo 1.26\n")
	write("good/main.go", "package main\n\nfunc main() { println(\"it runs\") }\n")
	write("bad/main.go", "package main\n\nfunc main() { missing() }\n")

	program := filepath.Join(dir, "program")
	if err := goBuild(t.Context(), dir, "./good", program); err != nil {
		t.Fatal(err)
	}
	StartProcess(t, Command{Path: program}).WaitForLine(t, "it runs")
	if err := goBuild(t.Context(), dir, "./bad", program); err == nil || !strings.Contains(err.Error(), "undefined: missing") {
		t.Errorf("building what does not compile: %v", err)
	}
}

func TestTheServersKeyChangesWithWhatItIsBuiltFrom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := map[string]bool{}
	for _, changed := range []string{"none", "main.go", "go.mod", "go.sum"} {
		for _, name := range []string{"main.go", "go.mod", "go.sum"} {
			text := "as it was"
			if name == changed {
				text = "changed"
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		key, err := serverKey(dir)
		if err != nil {
			t.Fatal(err)
		}
		again, err := serverKey(dir)
		if err != nil || again != key {
			t.Errorf("the same files give %s and %s (%v)", key, again, err)
		}
		keys[key] = true
	}
	if len(keys) != 4 {
		t.Errorf("%d different keys, want 4", len(keys))
	}
}
