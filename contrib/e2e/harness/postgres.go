package harness

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"causeway/gateway/store/pgtest"
)

// postgresUser owns everything in a cluster of the harness.
const postgresUser = "causeway"

// Postgres is a PostgreSQL cluster of its own, on a loopback port, which ends with the test that started it.
type Postgres struct {
	// DSN is the address of the cluster's first, empty database, with the password of the cluster's owner.
	DSN string

	process  *Process
	address  string // host:port
	password string
	bin      string // folder of initdb, postgres and createdb
}

// unsynced are the settings of a server that leaves syncing to the disk to the system.
var unsynced = []string{"fsync=off", "synchronous_commit=off", "full_page_writes=off"}

// StartPostgres starts PostgreSQL on a new cluster. It wants Debian's postgresql package, or initdb in the PATH. PostgreSQL
// refuses to run as root; for root it runs as the user "postgres" of that package. Nothing is synced to the disk: the cluster never outlives
// a crash of the machine anyway.
func StartPostgres(tb TB) *Postgres {
	tb.Helper()
	return startCluster(tb, unsynced...)
}

// StartSyncedPostgres starts one that syncs to the disk what it commits, as PostgreSQL comes: for what is measured.
func StartSyncedPostgres(tb TB) *Postgres {
	tb.Helper()
	return startCluster(tb)
}

func startCluster(tb TB, settings ...string) *Postgres {
	tb.Helper()
	bin, err := pgtest.Programs()
	if err != nil {
		tb.Fatalf("starting PostgreSQL: %v", err)
	}
	credential, err := pgtest.Credential()
	if err != nil {
		tb.Fatalf("starting PostgreSQL: %v", err)
	}
	pg := &Postgres{bin: bin, password: rand.Text()}
	data, err := pg.initCluster(tb.Context(), folder(tb), credential)
	if err != nil {
		tb.Fatalf("making a PostgreSQL cluster: %v", err)
	}
	pg.start(tb, data, credential, ready, settings...)
	pg.DSN = pg.dsn("postgres")
	return pg
}

// initCluster makes a cluster below dir and returns its folder.
func (pg *Postgres) initCluster(ctx context.Context, dir string, credential *syscall.Credential) (string, error) {
	data, passwordFile := filepath.Join(dir, "data"), filepath.Join(dir, "password")
	if err := os.Mkdir(data, 0o700); err != nil {
		return "", err
	}
	if err := os.WriteFile(passwordFile, []byte(pg.password), 0o600); err != nil {
		return "", err
	}
	if credential != nil {
		for _, path := range []string{data, passwordFile} {
			if err := os.Chown(path, int(credential.Uid), int(credential.Gid)); err != nil {
				return "", err
			}
		}
	}
	initdb := exec.CommandContext(ctx, filepath.Join(pg.bin, "initdb"), "--pgdata", data, "--username", postgresUser,
		"--auth", "scram-sha-256", "--pwfile", passwordFile, "--encoding", "UTF8", "--locale", "C", "--no-sync")
	initdb.Dir = data // the current folder may be closed to the other user
	initdb.Env = inheritedEnv()
	initdb.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	if output, err := initdb.CombinedOutput(); err != nil {
		return "", fmt.Errorf("initdb: %w\n%s", err, output)
	}
	return data, nil
}

// ready is what a server says when it can be used.
const ready = "database system is ready to accept connections"

// start runs the server, on another port when the first is taken, until it says what is to be waited for.
func (pg *Postgres) start(tb TB, data string, credential *syscall.Credential, until string, settings ...string) {
	tb.Helper()
	var last error
	for range 5 {
		address, err := freePort()
		if err != nil {
			tb.Fatalf("starting PostgreSQL: %v", err)
		}
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			tb.Fatalf("starting PostgreSQL: %v", err)
		}
		args := []string{"-D", data}
		for _, setting := range append([]string{"port=" + port, "listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=800"}, settings...) {
			args = append(args, "-c", setting)
		}
		// SIGQUIT ends the server and its children at once; after SIGKILL its shared memory would stay behind.
		process := StartProcess(tb, Command{
			Path: filepath.Join(pg.bin, "postgres"), Args: args, Dir: data, LogFile: filepath.Join(filepath.Dir(data), "postgres.log"),
			StopSignal: syscall.SIGQUIT, DeathSignal: syscall.SIGQUIT, Credential: credential,
		})
		tb.Cleanup(func() { process.Stop(tb) })
		ctx, cancel := context.WithTimeout(tb.Context(), Patience)
		_, last = process.output.waitLine(ctx, 0, until, process.Exited())
		cancel()
		if last == nil {
			pg.process, pg.address = process, address
			return
		}
		if !strings.Contains(process.output.String(), "could not bind") {
			tb.Fatalf("starting PostgreSQL: %v", last)
		}
	}
	tb.Fatalf("starting PostgreSQL on a free port: %v", last)
}

func (pg *Postgres) dsn(database string) string {
	address := url.URL{
		Scheme: "postgres", User: url.UserPassword(postgresUser, pg.password), Host: pg.address, Path: "/" + database,
		RawQuery: "sslmode=disable&connect_timeout=10",
	}
	return address.String()
}

// CreateDatabase makes an empty database and returns its DSN.
func (pg *Postgres) CreateDatabase(tb TB) string {
	tb.Helper()
	name := Name(tb, "db")
	host, port, err := net.SplitHostPort(pg.address)
	if err != nil {
		tb.Fatalf("creating a database: %v", err)
	}
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	createdb := exec.CommandContext(ctx, filepath.Join(pg.bin, "createdb"),
		"--host", host, "--port", port, "--username", postgresUser, "--no-password", name)
	createdb.Env = append(inheritedEnv(), "PGPASSWORD="+pg.password)
	if output, err := createdb.CombinedOutput(); err != nil {
		tb.Fatalf("creating a database: %v\n%s", err, output)
	}
	return pg.dsn(name)
}

// Address is where the server listens, host:port, which is what a Proxy wants.
func (pg *Postgres) Address() string { return pg.address }

// Durable makes the cluster keep what it has committed when it is killed, as one does that is not of the harness. (What the whole
// machine would lose it still loses.)
func (pg *Postgres) Durable(tb TB) {
	tb.Helper()
	pg.Query(tb, pg.DSN, "ALTER ROLE "+postgresUser+" SET synchronous_commit = on")
}

// Stop ends the server in order, without waiting for its clients (a fast shutdown).
func (pg *Postgres) Stop(tb TB) {
	tb.Helper()
	pg.process.Signal(tb, syscall.SIGINT)
	if code := pg.process.Wait(tb); code != 0 {
		tb.Errorf("stopping PostgreSQL: exit code %d", code)
	}
}

// Kill ends the server and its processes at once, without a word to the disk or to clients (an immediate shutdown). The next Start has to recover.
func (pg *Postgres) Kill(tb TB) {
	tb.Helper()
	pg.process.Stop(tb)
}

// Start starts the server again after Stop or Kill, at its address, and waits until it takes connections.
func (pg *Postgres) Start(tb TB) {
	tb.Helper()
	pg.process.Start(tb)
	pg.process.WaitForLine(tb, ready)
}

// Password is that of the cluster's owner.
func (pg *Postgres) Password() string { return pg.password }

// Query gives what psql says to a statement.
func (pg *Postgres) Query(tb TB, dsn, sql string) string {
	tb.Helper()
	psql := exec.CommandContext(tb.Context(), filepath.Join(pg.bin, "psql"), "--no-psqlrc", "--tuples-only", "--no-align", "--dbname", dsn, "--command", sql)
	output, err := psql.CombinedOutput()
	if err != nil {
		tb.Fatalf("%s: %v\n%s", sql, err, output)
	}
	return strings.TrimSpace(string(output))
}
