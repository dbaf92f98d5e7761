package harness

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// alive says whether a process exists and is more than a zombie that nobody has asked about.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}

// eventually waits for what another process does, of which nobody tells us.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(Patience); !holds(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", Patience, what)
		}
	}
}

func refused(address string) bool {
	conn, err := net.Dial("tcp4", address)
	if err == nil {
		conn.Close()
	}
	return err != nil
}

func query(t *testing.T, pg *Postgres, dsn, sql string) string {
	t.Helper()
	psql := exec.CommandContext(t.Context(), filepath.Join(pg.bin, "psql"), "--no-psqlrc", "--tuples-only", "--no-align", "--dbname", dsn, "--command", sql)
	output, err := psql.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", sql, err, output)
	}
	return strings.TrimSpace(string(output))
}

func TestPostgresIsGoneAfterItsTest(t *testing.T) {
	t.Setenv("E2E_KEEP", "")
	var pg *Postgres
	t.Run("cluster", func(t *testing.T) {
		pg = StartPostgres(t)
		dsn := pg.CreateDatabase(t)
		if got := query(t, pg, dsn, "SELECT count(*) FROM pg_database WHERE datname = current_database()"); got != "1" {
			t.Errorf("the new database answers %q", got)
		}
		if got := query(t, pg, pg.DSN, "SHOW listen_addresses"); got != "127.0.0.1" {
			t.Errorf("the cluster listens on %q", got)
		}
		if other := pg.CreateDatabase(t); other == dsn {
			t.Errorf("two databases are both %s", dsn)
		}
	})
	if alive(pg.process.PID()) {
		t.Error("the server runs")
	}
	if !refused(pg.address) {
		t.Error("the port is open")
	}
	if _, err := os.Stat(filepath.Dir(pg.process.command.Dir)); !os.IsNotExist(err) {
		t.Errorf("the folder is there (%v)", err)
	}
}

func TestADurableClusterKeepsWhatItHasCommitted(t *testing.T) {
	pg := StartPostgres(t)
	pg.Durable(t)
	dsn := pg.CreateDatabase(t)
	query(t, pg, dsn, "CREATE TABLE kept (n INT)")
	for n, end := range []func(TB){pg.Stop, pg.Kill, pg.Kill} {
		query(t, pg, dsn, fmt.Sprintf("INSERT INTO kept VALUES (%d)", n))
		end(t)
		if !refused(pg.Address()) {
			t.Error("the port is open")
		}
		pg.Start(t)
		if got := query(t, pg, dsn, "SELECT count(*) FROM kept"); got != fmt.Sprint(n+1) {
			t.Errorf("of %d committed rows there are %s", n+1, got)
		}
	}
}

func TestStrangersCannotUseTheCluster(t *testing.T) {
	pg := StartPostgres(t)
	stranger := *pg
	stranger.password = "guessed"
	psql := exec.CommandContext(t.Context(), filepath.Join(pg.bin, "psql"), "--dbname", stranger.dsn("postgres"), "--command", "SELECT 1")
	if output, err := psql.CombinedOutput(); err == nil || !strings.Contains(string(output), "password authentication failed") {
		t.Errorf("with a wrong password: %v\n%s", err, output)
	}
}

// When the test process is killed, no clean-up of it runs: the kernel must end the server, and the next start must
// remove the folder.
func TestAKilledTestProcessLeavesNothing(t *testing.T) {
	t.Setenv("E2E_KEEP", "")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	helper := StartProcess(t, Command{Path: self, Env: []string{helperMode + "=1"}})
	line := helper.WaitForLine(t, "helper:")
	var pid int
	var address, data string
	if _, err := fmt.Sscanf(line, "helper: %d %s %s", &pid, &address, &data); err != nil {
		t.Fatalf("the helper says %q: %v", line, err)
	}
	if refused(address) || !alive(pid) {
		t.Fatal("the helper's PostgreSQL does not run")
	}
	removeOrphans()
	if _, err := os.Stat(data); err != nil {
		t.Fatalf("the folder of a living process was removed: %v", err)
	}

	helper.Kill(t)
	eventually(t, "PostgreSQL ends with the process that started it", func() bool { return !alive(pid) && refused(address) })
	eventually(t, "the orphaned folder is removed", func() bool {
		removeOrphans()
		_, err := os.Stat(filepath.Dir(data))
		return os.IsNotExist(err)
	})
}
