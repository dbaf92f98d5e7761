package harness

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"causeway/gateway/store/pgtest"
)

// Replica starts a server that follows this one by streaming, which it reaches at via, host:port: its address, or that of a Proxy. With synchronous,
// this one confirms no commit from now on that the replica does not have.
func (pg *Postgres) Replica(tb TB, via string, synchronous bool) *Postgres {
	tb.Helper()
	credential, err := pgtest.Credential()
	if err != nil {
		tb.Fatalf("making a replica of PostgreSQL: %v", err)
	}
	data := filepath.Join(folder(tb), "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		tb.Fatalf("making a replica of PostgreSQL: %v", err)
	}
	if credential != nil {
		if err := os.Chown(data, int(credential.Uid), int(credential.Gid)); err != nil {
			tb.Fatalf("making a replica of PostgreSQL: %v", err)
		}
	}
	if err := pg.copyTo(tb.Context(), data, via, credential); err != nil {
		tb.Fatalf("making a replica of PostgreSQL: %v", err)
	}
	replica := &Postgres{bin: pg.bin, password: pg.password}
	replica.start(tb, data, credential, "database system is ready to accept read-only connections", unsynced...)
	replica.DSN = replica.dsn("postgres")
	wanted := "async"
	if synchronous {
		wanted = "sync"
		pg.Query(tb, pg.DSN, "ALTER SYSTEM SET synchronous_standby_names = '*'")
		pg.Query(tb, pg.DSN, "SELECT pg_reload_conf()")
	}
	for end := time.Now().Add(Patience); ; time.Sleep(50 * time.Millisecond) {
		if pg.Query(tb, pg.DSN, "SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'") == wanted {
			return replica
		}
		if time.Now().After(end) {
			tb.Fatalf("the replica of PostgreSQL does not follow:\n%s", replica.process.Output())
		}
	}
}

// copyTo makes a copy of the cluster that follows it.
func (pg *Postgres) copyTo(ctx context.Context, data, via string, credential *syscall.Credential) error {
	host, port, err := net.SplitHostPort(via)
	if err != nil {
		return err
	}
	from := url.URL{Scheme: "postgres", User: url.UserPassword(postgresUser, pg.password), Host: net.JoinHostPort(host, port), RawQuery: "sslmode=disable"}
	backup := exec.CommandContext(ctx, filepath.Join(pg.bin, "pg_basebackup"), "--pgdata", data, "--write-recovery-conf", "--wal-method", "stream",
		"--checkpoint", "fast", "--no-sync", "--dbname", from.String())
	backup.Dir = data // the current folder may be closed to the other user
	backup.Env = inheritedEnv()
	backup.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	if output, err := backup.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_basebackup: %w\n%s", err, output)
	}
	return nil
}

// Promote makes a replica a server of its own, that takes writes, and returns when it does. Whom it has followed must be at its end.
func (pg *Postgres) Promote(tb TB) {
	tb.Helper()
	if done := pg.Query(tb, pg.DSN, "SELECT pg_promote(true, 60)"); done != "t" {
		tb.Fatalf("the replica of PostgreSQL does not take over: %s", done)
	}
}
