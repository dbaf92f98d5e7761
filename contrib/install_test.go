// Package contrib_test tries what is given for installing Causeway, with the real systemd, nginx and Caddy.
package contrib_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/gateway/web/freeport"
)

// present skips a test whose program is not installed; with REQUIRE_INSTALLED=1 it fails.
func present(t *testing.T, program string) {
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("REQUIRE_INSTALLED") == "1" {
			t.Fatal(err)
		}
		t.Skipf("%s is not installed; Debian's packages systemd, nginx and caddy have what these tests need", program)
	}
}

// public is the name in the examples.
const public = "causeway.example.com"

func TestUnitIsSoundAndTight(t *testing.T) {
	present(t, "systemd-analyze")
	folder := t.TempDir()
	program, unit := filepath.Join(folder, "causeway"), filepath.Join(folder, "causeway.service")
	write(t, program, "#!/bin/sh\n", 0o755)
	write(t, unit, example(t, "systemd/causeway.service", "/usr/local/bin/causeway", program), 0o644)
	if said := output(t, "systemd-analyze", "verify", "--man=no", unit); said != "" {
		t.Errorf("systemd-analyze verify says:\n%s", said)
	}
	output(t, "systemd-analyze", "security", "--offline=true", "--threshold=15", unit) // how exposed it is at most, of 100
}

// TestUnitReadsTheConfigWhereItIs does what the unit says, without systemd: as a user in whose group the config is, which is then replaced as editors do.
func TestUnitReadsTheConfigWhereItIs(t *testing.T) {
	present(t, "setpriv")
	if os.Geteuid() != 0 {
		t.Skip("only root can become the unit's user")
	}
	const user = 65531
	etc, state := t.TempDir(), t.TempDir()
	for _, dir := range []string{etc, state, filepath.Dir(etc)} { // the user must be able to pass
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	address, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	output(t, "cp", program(t), etc)
	output(t, "chown", fmt.Sprint(user), state)
	config := filepath.Join(etc, "config.toml")
	edit := func(gateway string) {
		next := filepath.Join(etc, "next")
		write(t, next, fmt.Sprintf("[storage]\nDSN = %q\n[http]\nListen = %q\n%s", filepath.Join(state, "causeway.db"), address, strings.Replace(channels, `name = "g"`, gateway, 1)), 0o640)
		if err := errors.Join(os.Chown(next, 0, user), os.Rename(next, config)); err != nil {
			t.Fatal(err)
		}
	}
	unit := example(t, "systemd/causeway.service", "/usr/local/bin/causeway", filepath.Join(etc, "causeway"), "/etc/causeway", etc, "User=causeway\nGroup=causeway\n", "")
	as := func(command string) *exec.Cmd {
		id := fmt.Sprint(user)
		cmd := exec.Command("setpriv", append([]string{"--reuid", id, "--regid", id, "--clear-groups", "--no-new-privs"}, strings.Fields(command)...)...)
		cmd.Dir, cmd.Env = state, []string{"CAUSEWAY_MATTERMOST_TOKEN=y"}
		return cmd
	}
	line := func(key string) string {
		m := regexp.MustCompile(`(?m)^` + key + `=(.*)$`).FindStringSubmatch(unit)
		if m == nil {
			t.Fatalf("the unit has no %s", key)
		}
		return m[1]
	}
	edit(`name = "g"`)
	run := as(line("ExecStart"))
	var log strings.Builder
	run.Stdout, run.Stderr = &log, &log
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = run.Process.Signal(syscall.SIGTERM)
		if err := run.Wait(); err != nil || t.Failed() {
			t.Errorf("%v\n%s", err, log.String())
		}
	}()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	if code, body := healthy(ctx, "http://"+address+"/healthz"); code != http.StatusOK {
		t.Fatalf("healthz says %d %s", code, body)
	}
	edit(`name = "other"`)
	if said, err := as(line("ExecReload")).CombinedOutput(); err != nil {
		t.Errorf("reloading: %v\n%s", err, said)
	}
	if said, _ := as(filepath.Join(etc, "causeway") + " status -c " + config).CombinedOutput(); !strings.Contains(string(said), "\n  other\n") {
		t.Errorf("what was edited does not count:\n%s", said)
	}
	edit(`nome = "g"`)
	if said, err := as(line("ExecReload")).CombinedOutput(); err == nil || !strings.Contains(string(said), "nome") {
		t.Errorf("reloading a mistake: %v\n%s", err, said)
	}
}

// A proxy hands on what services and people need, as it came, and nothing of the operator's.
func TestProxiesHandOnWhatIsMeantForOthers(t *testing.T) {
	for name, configure := range map[string]func(*testing.T, proxy) []string{"nginx": nginx, "Caddy": caddy} {
		t.Run(name, func(t *testing.T) {
			present(t, strings.ToLower(name))
			causeway := httptest.NewServer(http.HandlerFunc(repeat))
			defer causeway.Close()
			p, roots := newProxy(t, causeway.Listener.Addr().String())
			serve(t, configure(t, p))
			client := dialing(p.address, roots)
			got := map[string]string{}
			want := map[string]string{"/status": "404", "/people": "404", "/healthz": "404", "/": "404"}
			for _, path := range []string{"/hooks/msteams.contoso/notify?validationToken=a%20b%2F", "/hooks/odd%2Fname/x", "/connect/token", "/me/token"} {
				want[path] = fmt.Sprintf("202 POST %s %s %d", public, path, body)
			}
			for path := range want {
				got[path] = post(t, client, "https://"+public+path)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answers (-want +got):\n%s", diff)
			}
		})
	}
}

// body is how long what is posted is: as the longest notification that Causeway takes.
const body = 8 << 20

// repeat stands for Causeway and says what has arrived.
func repeat(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	_, _ = fmt.Fprintf(w, "%s %s %s %d", r.Method, r.Host, r.RequestURI, n)
}

// proxy is what one is started with.
type proxy struct {
	folder, causeway string
	// address is where it listens.
	address, port     string
	certificate, pkey string
}

func newProxy(t *testing.T, causeway string) (proxy, *x509.CertPool) {
	address, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(address)
	folder := t.TempDir()
	p := proxy{folder: folder, causeway: causeway, address: address, port: port,
		certificate: filepath.Join(folder, "certificate.pem"), pkey: filepath.Join(folder, "key.pem")}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{public}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})
	write(t, p.certificate, string(chain), 0o600)
	write(t, p.pkey, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})), 0o600)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(chain)
	return p, roots
}

func nginx(t *testing.T, p proxy) []string {
	site := example(t, "nginx/causeway.conf",
		"listen 443 ssl;", "listen "+p.address+" ssl;", "    listen [::]:443 ssl;\n", "", "127.0.0.1:9080", p.causeway,
		"/etc/ssl/causeway/fullchain.pem", p.certificate, "/etc/ssl/causeway/privkey.pem", p.pkey)
	config := filepath.Join(p.folder, "nginx.conf")
	write(t, config, fmt.Sprintf(`daemon off;
user root;
pid %[1]s/pid;
error_log stderr;
events {}
http {
client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
%[2]s}
`, p.folder, site), 0o600)
	return []string{"nginx", "-p", p.folder, "-e", "stderr", "-c", config}
}

func caddy(t *testing.T, p proxy) []string {
	site := example(t, "caddy/Caddyfile", "127.0.0.1:9080", p.causeway,
		public+" {", "{\nadmin off\nhttps_port "+p.port+"\nauto_https disable_redirects\n}\n"+public+" {\ntls "+p.certificate+" "+p.pkey)
	config := filepath.Join(p.folder, "Caddyfile")
	write(t, config, site, 0o600)
	t.Setenv("XDG_DATA_HOME", p.folder)
	t.Setenv("XDG_CONFIG_HOME", p.folder)
	return []string{"caddy", "run", "--adapter", "caddyfile", "--config", config}
}

// serve runs a program until the test ends.
func serve(t *testing.T, command []string) {
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s says:\n%s", command[0], said.String())
		}
	})
}

// dialing is a client that reaches every name at one address, and tries until somebody listens there.
func dialing(address string, roots *x509.CertPool) *http.Client {
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		for {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			if err == nil || ctx.Err() != nil {
				return conn, err
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{DialContext: dial, TLSClientConfig: &tls.Config{RootCAs: roots}}}
}

// post gives status and, where the request has arrived, what Causeway said.
func post(t *testing.T, client *http.Client, address string) string {
	answer, err := client.Post(address, "application/json", strings.NewReader(strings.Repeat("x", body)))
	if err != nil {
		t.Errorf("posting: %v", err)
		return ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Error(err)
	}
	if answer.StatusCode != http.StatusAccepted {
		return fmt.Sprint(answer.StatusCode)
	}
	return fmt.Sprint(answer.StatusCode, " ", string(text))
}

// example reads one and replaces what stands for the reader's own; each must be there.
func example(t *testing.T, name string, oldNew ...string) string {
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for i := 0; i < len(oldNew); i += 2 {
		if !strings.Contains(text, oldNew[i]) {
			t.Errorf("%s lacks %q", name, oldNew[i])
		}
		text = strings.ReplaceAll(text, oldNew[i], oldNew[i+1])
	}
	return text
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// output runs a program that must succeed.
func output(t *testing.T, command ...string) string {
	said, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", command[0], err, said)
	}
	return string(said)
}
