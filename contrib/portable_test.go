package contrib_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestOtherSystemsHaveWhatTheProgramCalls: for each system of a release, all packages of the program have files there, and what our own take from package
// syscall, in which systems differ most, is there. To compile the program for each would take minutes; make release does.
func TestOtherSystemsHaveWhatTheProgramCalls(t *testing.T) {
	list := regexp.MustCompile(`systems=\(((?:[a-z]+/[a-z0-9]+ ?){3,})\)`).FindStringSubmatch(example(t, "release/build.sh"))
	if list == nil {
		t.Fatal("release/build.sh lists no systems")
	}
	done := map[string]bool{}
	for _, system := range strings.Fields(list[1]) {
		name, arch, _ := strings.Cut(system, "/")
		if done[name] { // another processor is another compiler's affair
			continue
		}
		done[name] = true
		t.Run(name, func(t *testing.T) {
			there := build.Default
			there.GOOS, there.GOARCH, there.CgoEnabled = name, arch, false
			there.GOROOT = strings.TrimSpace(output(t, "go", "env", "GOROOT")) // it is not in a program that is built with -trimpath
			system := &onlySyscall{there: there, set: token.NewFileSet()}
			for _, p := range packagesFor(t, name, arch) {
				for _, wrong := range p.wrong(system) {
					t.Errorf("%s: %s", p.ImportPath, wrong)
				}
			}
		})
	}
}

// listed is a package as `go list` tells of it.
type listed struct {
	ImportPath, Dir string
	Standard        bool
	GoFiles         []string
	Error           *struct{ Err string }
}

func packagesFor(t *testing.T, system, arch string) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-deps", "-json=ImportPath,Dir,Standard,GoFiles,Error", "../cmd/causeway")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+arch)
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(text))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// wrong tells what a package lacks on a system. Of those that are not ours only that they have files there.
func (p listed) wrong(system *onlySyscall) []string {
	if p.Error != nil {
		return []string{p.Error.Err}
	}
	if p.Standard || !strings.HasPrefix(p.ImportPath, "causeway/") {
		return nil
	}
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(system.set, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return []string{err.Error()}
		}
		files = append(files, f)
	}
	var all []string
	check := types.Config{Importer: system, Error: func(err error) {
		if strings.Contains(err.Error(), "syscall") { // other packages are empty here, so that much is undefined
			all = append(all, err.Error())
		}
	}}
	_, _ = check.Check(p.ImportPath, system.set, files, nil)
	return all
}

// onlySyscall imports package syscall as it is on a system, and of all others the name alone.
type onlySyscall struct {
	there   build.Context
	set     *token.FileSet
	syscall *types.Package
}

func (o *onlySyscall) Import(path string) (*types.Package, error) {
	if path != "syscall" {
		p := types.NewPackage(path, filepath.Base(path))
		p.MarkComplete()
		return p, nil
	}
	if o.syscall == nil {
		was := build.Default // by which the importer goes
		build.Default = o.there
		defer func() { build.Default = was }()
		p, err := importer.ForCompiler(o.set, "source", nil).Import(path)
		if err != nil {
			return nil, err
		}
		o.syscall = p
	}
	return o.syscall, nil
}
