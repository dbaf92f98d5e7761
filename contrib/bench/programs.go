package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"causeway/contrib/e2e/harness"
)

// matterbridgeModule is what Causeway is measured against; matterbridge/go.mod pins the version.
const matterbridgeModule = "github.com/42wim/matterbridge"

// matterbridgeTags leave out every network but Mattermost (gateway/bridgemap of Matterbridge).
const matterbridgeTags = "noapi,nodiscord,nogitter,noharmony,noirc,nokeybase,nomatrix,nomsteams,nomumble,nonctalk," +
	"norocketchat,noslack,nosshchat,nosteam,notelegram,novk,nowhatsapp,noxmpp,nozulip"

// paths are the folders of the sources.
type paths struct{ bench, product, e2e string }

// findPaths asks go for the folders of the modules; the working directory must be in contrib/bench.
func findPaths(ctx context.Context) (paths, error) {
	output, err := run(ctx, ".", "go", "list", "-m", "-f", "{{.Dir}}", "causeway/contrib/bench", "causeway", "causeway/contrib/e2e")
	if err != nil {
		return paths{}, err
	}
	dirs := strings.Fields(output)
	if len(dirs) != 3 {
		return paths{}, fmt.Errorf("looking for the sources: %q", output)
	}
	return paths{dirs[0], dirs[1], dirs[2]}, nil
}

// run runs a command to its end and gives what it wrote to its output.
func run(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	var failure strings.Builder
	cmd.Stderr = &failure
	output, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, failure.String())
	}
	return string(output), nil
}

// programs are what is measured, built on the first demand, all with the flags with which Causeway is shipped.
type programs struct {
	paths paths
	dir   string
	built map[string]string
}

func newPrograms(tb harness.TB, p paths) *programs {
	return &programs{paths: p, dir: harness.Folder(tb), built: map[string]string{}}
}

func (p *programs) causeway(tb harness.TB) string {
	return p.build(tb, "causeway", p.paths.product, "./cmd/causeway")
}

func (p *programs) relay(tb harness.TB) string {
	return p.build(tb, "relay", p.paths.bench, "./relay")
}

// profiled is Causeway that writes profiles of itself.
func (p *programs) profiled(tb harness.TB) string {
	return p.build(tb, "profiled", p.paths.bench, "./profiled")
}

func (p *programs) matterbridge(tb harness.TB) string {
	return p.build(tb, "matterbridge", filepath.Join(p.paths.bench, "matterbridge"), "-tags="+matterbridgeTags, matterbridgeModule)
}

func (p *programs) build(tb harness.TB, name, dir string, args ...string) string {
	tb.Helper()
	if path := p.built[name]; path != "" {
		return path
	}
	path := filepath.Join(p.dir, name)
	if _, err := run(tb.Context(), dir, "go", append([]string{"build", "-trimpath", "-o", path}, args...)...); err != nil {
		tb.Fatalf("building %s: %v", name, err)
	}
	p.built[name] = path
	return path
}

// matterbridgeVersion gives the version in matterbridge/go.mod.
func (p paths) matterbridgeVersion(ctx context.Context) (string, error) {
	return moduleVersion(ctx, filepath.Join(p.bench, "matterbridge"), matterbridgeModule)
}

// mattermostVersion gives the version of the server's module.
func (p paths) mattermostVersion(ctx context.Context) (string, error) {
	return moduleVersion(ctx, filepath.Join(p.e2e, "mattermost-server"), "github.com/mattermost/mattermost/server/v8")
}

func moduleVersion(ctx context.Context, dir, module string) (string, error) {
	output, err := run(ctx, dir, "go", "list", "-m", "-json", module)
	if err != nil {
		return "", err
	}
	var m struct{ Version string }
	if err := json.Unmarshal([]byte(output), &m); err != nil {
		return "", fmt.Errorf("reading the version of %s: %w", module, err)
	}
	return m.Version, nil
}
