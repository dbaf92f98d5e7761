package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// listed is what `go list` says of a package.
type listed struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

const module = "causeway/"

// shared are the packages below bridge/ that are no chat service.
var shared = []string{"bridgetest", "memory", "mutant", "names", "richtext", "secret"}

// TestImportsRunOneWay keeps cmd → gateway → bridge: what ARCHITECTURE.md promises about who knows whom.
func TestImportsRunOneWay(t *testing.T) {
	packages := list(t)
	if len(packages) < 15 {
		t.Fatalf("go list shows only %d packages", len(packages))
	}
	for _, p := range packages {
		for _, to := range p.Imports {
			if reason := forbidden(p.ImportPath, to); reason != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, to, reason)
			}
		}
		for _, to := range slices.Concat(p.TestImports, p.XTestImports) {
			if reason := forbidden(p.ImportPath, to); reason != "" && !allowedInTests(to) {
				t.Errorf("a test of %s imports %s: %s", p.ImportPath, to, reason)
			}
		}
	}
}

func list(t *testing.T) []listed {
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// allowedInTests: stand-ins for services serve the tests of whatever speaks with them.
func allowedInTests(to string) bool {
	return to == module+"bridge/memory" || strings.HasPrefix(to, module+"contrib/sim/")
}

// forbidden says why one package must not import another; "" when it may.
func forbidden(from, to string) string {
	from, _ = strings.CutPrefix(from, module)
	to, ours := strings.CutPrefix(to, module)
	within := func(tree string) bool { return from == tree || strings.HasPrefix(from, tree+"/") }
	into := func(tree string) bool { return to == tree || strings.HasPrefix(to, tree+"/") }
	switch {
	case !ours:
		return ""
	case into("cmd"):
		return "nothing imports a command"
	case into("contrib") && !within("contrib"):
		return "what Causeway is made of imports nothing of contrib"
	case within("bridge") && into("gateway"):
		return "a bridge knows nothing of the gateway"
	case from == "bridge" && to != "bridge/richtext":
		return "the contract knows no service"
	case within("gateway") && service(to) != "":
		return "the gateway knows no single service"
	case within("gateway") && into("bridge/memory"), within("gateway") && into("bridge/bridgetest"):
		return "a service for tests is no part of the product"
	case within("gateway/store"), within("gateway/config"), within("gateway/web"), within("gateway/people"), within("gateway/metrics"):
		if to == "gateway" || to == "gateway/app" {
			return "a part of the gateway does not know the whole"
		}
	case from == "gateway" && (to == "gateway/app" || to == "gateway/web"):
		return "routing does not know the process around it"
	case service(from) != "" && service(to) != "" && service(from) != service(to):
		return "services never import each other"
	case within("bridge") && service(from) == "" && service(to) != "":
		return "what services share knows none of them"
	}
	return ""
}

// service gives the chat service whose package this is.
func service(path string) string {
	rest, ok := strings.CutPrefix(path, "bridge/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	if slices.Contains(shared, name) {
		return ""
	}
	return name
}

// TestForbiddenImportsAreFound proves the rules themselves.
func TestForbiddenImportsAreFound(t *testing.T) {
	for imports, allowed := range map[string]bool{
		"cmd/causeway gateway/app":                   true,
		"cmd/causeway bridge/mattermost":             true,
		"gateway/app gateway":                        true,
		"gateway bridge":                             true,
		"gateway/store bridge/richtext":              true,
		"bridge/mattermost bridge/richtext/markdown": true,
		"bridge/mattermost bridge/names":             true,
		"bridge/mattermost/mmtest bridge/mattermost": true,
		"contrib/demo bridge/msteams":                true,
		"bridge/msteams bridge/mattermost":           false,
		"bridge/irc bridge/mattermost/mmtest":        false,
		"bridge/msteams gateway":                     false,
		"bridge/msteams gateway/store":               false,
		"bridge bridge/msteams":                      false,
		"bridge bridge/memory":                       false,
		"bridge/richtext/html bridge/msteams":        false,
		"bridge/bridgetest bridge/mattermost":        false,
		"gateway bridge/msteams":                     false,
		"gateway/app bridge/msteams":                 false,
		"gateway bridge/memory":                      false,
		"gateway gateway/app":                        false,
		"gateway/store gateway":                      false,
		"gateway/config gateway":                     false,
		"gateway/web gateway":                        false,
		"gateway/app cmd/causeway":                   false,
		"gateway contrib/sim/teams":                  false,
		"bridge/msteams contrib/sim/teams":           false,
		"contrib/demo cmd/causeway":                  false,
	} {
		from, to, _ := strings.Cut(imports, " ")
		if reason := forbidden(module+from, module+to); (reason == "") != allowed {
			t.Errorf("%s → %s: %q, want allowed = %v", from, to, reason, allowed)
		}
	}
	if forbidden(module+"bridge/msteams", "net/http") != "" {
		t.Error("other modules are not our business")
	}
}
