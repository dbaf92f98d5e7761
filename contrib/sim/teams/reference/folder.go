package reference

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Folder is the reference: the schema and the examples.
type Folder struct {
	Path string
	*Schema
}

// TB is what Open needs of a test.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
}

// Open loads the folder that GRAPH_REFERENCE names. Without the variable the test skips and says so, or fails when
// REQUIRE_REFERENCE is 1.
func Open(t TB) *Folder {
	t.Helper()
	f, err := Load(os.Getenv("GRAPH_REFERENCE"))
	if err != nil {
		if os.Getenv("GRAPH_REFERENCE") == "" && os.Getenv("REQUIRE_REFERENCE") != "1" {
			t.Skipf("not checked against Microsoft's schema: GRAPH_REFERENCE is not set")
		}
		t.Fatalf("GRAPH_REFERENCE: %v", err)
	}
	return f
}

// Load reads the schema of a reference folder.
func Load(path string) (*Folder, error) {
	if path == "" {
		return nil, fmt.Errorf("no folder is named")
	}
	file, err := os.Open(filepath.Join(path, "schema.csdl.xml"))
	if err != nil {
		return nil, fmt.Errorf("opening the schema: %w", err)
	}
	defer file.Close()
	schema, err := Read(file)
	if err != nil {
		return nil, err
	}
	return &Folder{Path: path, Schema: schema}, nil
}

// Example reads one example by its file name.
func (f *Folder) Example(name string) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(f.Path, "examples", name))
	if err != nil {
		return nil, fmt.Errorf("reading an example: %w", err)
	}
	return b, nil
}

// Examples lists the file names of the examples that begin and end so.
func (f *Folder) Examples(prefix, suffix string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(f.Path, "examples"))
	if err != nil {
		return nil, fmt.Errorf("listing the examples: %w", err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) && strings.HasSuffix(e.Name(), suffix) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
