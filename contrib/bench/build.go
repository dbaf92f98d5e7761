package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"causeway/contrib/e2e/harness"
)

// builds times building the program: once from nothing, with an empty cache, and then after a change in one file of the
// gateway. The sources are not touched: the change is an overlay.
func builds(tb harness.TB, o options, r *Report, rounds int) {
	tb.Helper()
	dir := harness.Folder(tb)
	cache := filepath.Join(dir, "cache")
	tb.Logf("building from nothing, which takes minutes")
	took := timeBuild(tb, o.paths, dir, cache, "")
	r.add(partStart, "build from nothing", "s", causeway, took.Seconds())
	const file = "lane.go"
	source := filepath.Join(o.paths.product, "gateway", file)
	text, err := os.ReadFile(source)
	if err != nil {
		tb.Fatalf("building: %v", err)
	}
	for range rounds {
		// A new function, so that the package and all that links it are really built again.
		text = append(text, []byte("\nfunc touched"+strings.ReplaceAll(time.Now().Format("150405.000000000"), ".", "_")+"() {}\n")...)
		changed := filepath.Join(dir, file)
		overlay := filepath.Join(dir, "overlay.json")
		if err := os.WriteFile(changed, text, 0o600); err != nil {
			tb.Fatalf("building: %v", err)
		}
		if err := os.WriteFile(overlay, []byte(`{"Replace":{"`+source+`":"`+changed+`"}}`), 0o600); err != nil {
			tb.Fatalf("building: %v", err)
		}
		took := timeBuild(tb, o.paths, dir, cache, overlay)
		r.add(partStart, "build after a change in the gateway", "s", causeway, took.Seconds())
	}
	r.note("start: a build from nothing has its own empty cache, nearly all of it Microsoft's SDK; the modules are downloaded already. It is measured once.")
}

func timeBuild(tb harness.TB, p paths, dir, cache, overlay string) time.Duration {
	tb.Helper()
	args := []string{"build", "-trimpath", "-o", filepath.Join(dir, "causeway")}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(tb.Context(), "go", append(args, "./cmd/causeway")...)
	cmd.Dir = p.product
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOCACHE="+cache)
	began := time.Now()
	if output, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("building: %v\n%s", err, output)
	}
	return time.Since(began)
}
