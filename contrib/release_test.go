package contrib_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAReleaseIsTheSameWhereverItIsBuilt builds this machine's program, and what it is made of, in two folders, each with a commit of what is here. make release
// refuses what is larger than 40 MiB, so this does, too.
func TestAReleaseIsTheSameWhereverItIsBuilt(t *testing.T) {
	present(t, "git")
	fetched(t, "release")
	var made [2]map[string]string
	var sums [2]string
	for i, name := range []string{"one", "another/place that is called otherwise"} {
		top := filepath.Join(t.TempDir(), name)
		committed(t, top)
		out := filepath.Join(top, "dist")
		build := exec.CommandContext(t.Context(), filepath.Join(top, "contrib/release/build.sh"), out, runtime.GOOS+"/"+runtime.GOARCH)
		if said, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		made[i] = hashes(t, out)
		listsWhatItIsMadeOf(t, out)
		sum, err := os.ReadFile(filepath.Join(out, "SHA256SUMS"))
		if err != nil {
			t.Fatal(err)
		}
		sums[i] = string(sum)
		check := exec.CommandContext(t.Context(), "sha256sum", "--check", "SHA256SUMS")
		check.Dir = out
		if said, err := check.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, said)
		}
	}
	if diff := cmp.Diff(made[0], made[1]); diff != "" || len(made[0]) != 3 {
		t.Errorf("%d files; (-one +another):\n%s", len(made[0]), diff)
	}
	if sums[0] != sums[1] || !strings.HasPrefix(strings.Fields(sums[0])[1], "causeway-0.0.0~20300102.") {
		t.Errorf("the checksums are\n%s\nand\n%s", sums[0], sums[1])
	}
}

// listsWhatItIsMadeOf makes sure that the list of contents is CycloneDX (https://cyclonedx.org/docs/1.6/json/) and has what everybody who looks for a hole would look for.
func listsWhatItIsMadeOf(t *testing.T, folder string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, "*.cdx.json"))
	if err != nil || len(found) != 1 {
		t.Fatalf("the lists are %v: %v", found, err)
	}
	var list struct {
		Format     string `json:"bomFormat"`
		Components []struct{ Name, Version string }
	}
	raw, err := os.ReadFile(found[0])
	if err == nil {
		err = json.Unmarshal(raw, &list)
	}
	if err != nil || list.Format != "CycloneDX" {
		t.Fatalf("%s: %v", found[0], err)
	}
	versions := map[string]string{}
	for _, c := range list.Components {
		versions[c.Name] = c.Version
	}
	for _, name := range []string{"modernc.org/sqlite", "github.com/jackc/pgx/v5", "golang.org/x/net", "std"} {
		if versions[name] == "" {
			t.Errorf("%s does not say which %s is in it: %v", found[0], name, versions)
		}
	}
}

// committed copies what git knows, or would add, into a folder with one commit.
func committed(t *testing.T, top string) {
	t.Helper()
	if err := os.MkdirAll(top, 0o755); err != nil {
		t.Fatal(err)
	}
	script := `set -e
cd ..
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' f; do [ ! -e "$f" ] || printf '%s\0' "$f"; done | tar -c --null -T - | tar -x -C "$1"
cd "$1"
git init -q
git add .
git -c user.name=Test -c user.email=test@example.com commit -q -m "All of it"`
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script, "bash", top)
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_DATE=2030-01-02T03:04:05Z", "GIT_COMMITTER_DATE=2030-01-02T03:04:05Z", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
}

// hashes gives those of the files in a folder.
func hashes(t *testing.T, folder string) map[string]string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, path := range all {
		found[filepath.Base(path)] = strings.Fields(output(t, "sha256sum", path))[0]
	}
	return found
}
