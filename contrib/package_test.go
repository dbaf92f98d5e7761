package contrib_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDebPackage builds the package, reads it back, and installs and removes it in a folder of its own.
func TestDebPackage(t *testing.T) {
	present(t, "dpkg-deb")
	fetched(t, "nfpm")
	folder := t.TempDir()
	output(t, "nfpm/build.sh", folder)
	found, err := filepath.Glob(filepath.Join(folder, "causeway_*.deb"))
	if err != nil || len(found) != 1 {
		t.Fatalf("built are %v: %v", found, err)
	}
	deb := found[0]
	fields := output(t, "dpkg-deb", "-f", deb, "Package", "Architecture", "Section", "Priority", "Depends", "Recommends")
	arch := map[string]string{"amd64": "amd64", "arm64": "arm64"}[runtime.GOARCH]
	want := "Package: causeway\nArchitecture: " + arch + "\nSection: net\nPriority: optional\nDepends: ca-certificates\nRecommends: systemd\n"
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if version := output(t, "dpkg-deb", "-f", deb, "Version"); !regexp.MustCompile(`^[0-9][0-9A-Za-z.~+-]*\n$`).MatchString(version) {
		t.Errorf("the version is %q", version)
	}
	if info := output(t, "dpkg-deb", "-I", deb); !strings.Contains(info, "postinst") || !strings.Contains(info, "prerm") || !strings.Contains(info, "postrm") {
		t.Errorf("it lacks scripts:\n%s", info)
	}
	if diff := cmp.Diff(packaged, contents(t, deb)); diff != "" {
		t.Errorf("contents (-want +got):\n%s", diff)
	}
	installs(t, deb)
}

// fetched skips a test whose tool cannot be fetched, as without a network; with REQUIRE_INSTALLED=1 it fails.
func fetched(t *testing.T, module string) {
	t.Helper()
	download := exec.CommandContext(t.Context(), "go", "mod", "download")
	download.Dir = module
	if said, err := download.CombinedOutput(); err != nil {
		if os.Getenv("REQUIRE_INSTALLED") == "1" {
			t.Fatalf("fetching the modules of %s: %v\n%s", module, err, said)
		}
		t.Skipf("the modules of %s cannot be fetched: %v", module, err)
	}
}

// packaged are the files of the package, with owner and mode; of docs only one.
var packaged = map[string]string{
	"./etc/causeway/":                                       "drwxr-xr-x root/root",
	"./usr/bin/causeway":                                    "-rwxr-xr-x root/root",
	"./usr/lib/systemd/system/causeway.service":             "-rw-r--r-- root/root",
	"./usr/lib/sysusers.d/causeway.conf":                    "-rw-r--r-- root/root",
	"./usr/share/bash-completion/completions/causeway":      "-rw-r--r-- root/root",
	"./usr/share/zsh/vendor-completions/_causeway":          "-rw-r--r-- root/root",
	"./usr/share/fish/vendor_completions.d/causeway.fish":   "-rw-r--r-- root/root",
	"./usr/share/doc/causeway/copyright":                    "-rw-r--r-- root/root",
	"./usr/share/doc/causeway/README.md":                    "-rw-r--r-- root/root",
	"./usr/share/doc/causeway/docs/config.md":               "-rw-r--r-- root/root",
	"./usr/share/doc/causeway/examples/config.toml.example": "-rw-r--r-- root/root",
	"./usr/share/doc/causeway/examples/nginx.conf":          "-rw-r--r-- root/root",
	"./usr/share/doc/causeway/examples/Caddyfile":           "-rw-r--r-- root/root",
	"./usr/share/doc/causeway/examples/prometheus.yml":      "-rw-r--r-- root/root",
	"./usr/share/doc/causeway/examples/causeway-alerts.yml": "-rw-r--r-- root/root",
	"./usr/share/doc/causeway/examples/grafana.json":        "-rw-r--r-- root/root",
}

func contents(t *testing.T, deb string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for line := range strings.Lines(output(t, "dpkg-deb", "-c", deb)) {
		words := strings.Fields(line)
		if len(words) < 6 {
			t.Fatalf("dpkg-deb -c says %q", line)
		}
		path := words[5]
		if strings.HasSuffix(path, "/") && path != "./etc/causeway/" || strings.Contains(path, "/docs/") && !strings.HasSuffix(path, "/config.md") {
			continue
		}
		all[path] = words[0] + " " + words[1]
	}
	return all
}

// installs installs it below a folder, tries it there, and takes it away again.
func installs(t *testing.T, deb string) {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"var/lib/dpkg/updates", "var/lib/dpkg/info", "var/lib/dpkg/triggers"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(root, "var/lib/dpkg/status"), "", 0o644)
	dpkg := func(args ...string) string {
		t.Helper()
		return output(t, append([]string{"dpkg", "--root=" + root, "--force-script-chrootless", "--force-not-root", "--force-depends", "--force-bad-path", "--log=" + filepath.Join(root, "log")}, args...)...)
	}
	if said := dpkg("-i", deb); !strings.Contains(said, "systemctl enable --now causeway") {
		t.Errorf("installing says:\n%s", said)
	}
	program := filepath.Join(root, "usr/bin/causeway")
	if said := output(t, program, "version"); !strings.HasPrefix(said, "causeway ") {
		t.Errorf("version says %s", said)
	}
	if said := output(t, "bash", "-n", filepath.Join(root, "usr/share/bash-completion/completions/causeway")); said != "" {
		t.Errorf("the completion is no script of bash: %s", said)
	}
	unit, err := os.ReadFile(filepath.Join(root, "usr/lib/systemd/system/causeway.service"))
	if err != nil || !strings.Contains(string(unit), "\nExecStart=/usr/bin/causeway run -c ") || strings.Contains(string(unit), "/usr/local/bin") {
		t.Errorf("the unit: %v\n%s", err, unit)
	}
	if _, err := exec.LookPath("systemd-analyze"); err == nil {
		tried := filepath.Join(t.TempDir(), "causeway.service")
		write(t, tried, strings.ReplaceAll(string(unit), "/usr/bin/causeway", program), 0o644)
		if said := output(t, "systemd-analyze", "verify", "--man=no", tried); said != "" {
			t.Errorf("systemd-analyze verify says:\n%s", said)
		}
	}
	kept := filepath.Join(root, "etc/causeway/config.toml")
	write(t, kept, "", 0o640)
	dpkg("-i", deb) // as an upgrade does
	belongsToTheGroup(t, root, kept)
	if said := dpkg("--purge", "causeway"); !strings.Contains(said, "/etc/causeway stay") {
		t.Errorf("purging says:\n%s", said)
	}
	if _, err := os.Stat(kept); err != nil {
		t.Errorf("the config was taken away: %v", err)
	}
	if _, err := os.Stat(program); err == nil {
		t.Error("the program was left behind")
	}
}

// belongsToTheGroup makes sure that the unit's user, whom the package has made, may read a config that an older package left to root alone.
func belongsToTheGroup(t *testing.T, root, config string) {
	t.Helper()
	if _, err := exec.LookPath("systemd-sysusers"); err != nil || os.Geteuid() != 0 {
		return // neither user nor group can be made
	}
	groups, err := os.ReadFile(filepath.Join(root, "etc/group"))
	group := regexp.MustCompile(`(?m)^causeway:[^:]*:([0-9]+):`).FindSubmatch(groups)
	if group == nil {
		t.Fatalf("there is no group causeway: %v\n%s", err, groups)
	}
	if got, want := output(t, "stat", "-c", "%u:%g %a", config), "0:"+string(group[1])+" 640\n"; got != want {
		t.Errorf("the config belongs to %s, want %s", got, want)
	}
}
