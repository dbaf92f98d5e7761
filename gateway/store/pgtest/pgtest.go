//go:build linux

// Package pgtest gives tests a PostgreSQL of their own: a throw-away cluster on a loopback port, from Debian's package postgresql, in which each
// store has a schema.
package pgtest

import (
	"bufio"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	// To make schemas with.
	_ "github.com/jackc/pgx/v5/stdlib"
)

const owner = "causeway"

// Cluster is a running PostgreSQL. Its methods panic on failure, since without it no test can go on.
type Cluster struct {
	// Password is the owner's, as it may appear in no output.
	Password string

	folder, bin, port string
	credential        *syscall.Credential
	process           *exec.Cmd
	log               chan struct{} // closed when the server has said its last word
	promoted          chan struct{} // closed when it takes writes
}

// Start makes a cluster and runs it. As root it runs as the user "postgres", since PostgreSQL refuses to run as root. Nothing is synced to the
// disk unless synced: it never outlives a crash of the machine anyway.
func Start(synced bool) *Cluster {
	c := &Cluster{Password: rand.Text()}
	if err := c.make(); err != nil {
		panic(fmt.Errorf("making a PostgreSQL cluster: %w", err))
	}
	if !synced {
		must(os.WriteFile(filepath.Join(c.data(), "postgresql.auto.conf"), []byte("fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"), 0o644))
	}
	c.Run()
	return c
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func (c *Cluster) data() string { return filepath.Join(c.folder, "data") }

func (c *Cluster) make() (err error) {
	if c.bin, err = Programs(); err != nil {
		return err
	}
	if c.credential, err = Credential(); err != nil {
		return err
	}
	if c.folder, err = os.MkdirTemp("", "pgtest-"); err != nil {
		return err
	}
	password := filepath.Join(c.folder, "password")
	if err := errors.Join(os.WriteFile(password, []byte(c.Password), 0o600), os.Mkdir(c.data(), 0o700)); err != nil {
		return err
	}
	if c.credential != nil {
		for _, path := range []string{c.folder, password, c.data()} {
			if err := os.Chown(path, int(c.credential.Uid), int(c.credential.Gid)); err != nil {
				return err
			}
		}
	}
	if err := c.program("initdb", "--pgdata", c.data(), "--username", owner, "--auth", "scram-sha-256", "--pwfile", password,
		"--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"); err != nil {
		return err
	}
	c.port, err = freePort()
	return err
}

func freePort() (string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

// program runs one of PostgreSQL's to its end.
func (c *Cluster) program(name string, args ...string) error {
	run := exec.Command(filepath.Join(c.bin, name), args...)
	run.Dir, run.Env, run.SysProcAttr = c.folder, []string{"LC_ALL=C", "PGPASSWORD=" + c.Password}, &syscall.SysProcAttr{Credential: c.credential}
	if output, err := run.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, output)
	}
	return nil
}

// Replica makes a replica that has what the cluster has now, and will ask it for more. It does not run yet.
func (c *Cluster) Replica() *Cluster {
	r := &Cluster{Password: c.Password, bin: c.bin, credential: c.credential}
	var err error
	r.folder, err = os.MkdirTemp("", "pgtest-")
	must(err)
	r.port, err = freePort()
	must(err)
	must(os.Mkdir(r.data(), 0o700))
	if r.credential != nil {
		must(os.Chown(r.folder, int(r.credential.Uid), int(r.credential.Gid)))
		must(os.Chown(r.data(), int(r.credential.Uid), int(r.credential.Gid)))
	}
	must(r.program("pg_basebackup", "--dbname", c.dsn("", c.Address()), "--pgdata", r.data(), "--write-recovery-conf", "--checkpoint=fast", "--no-sync"))
	return r
}

// Promote has a replica that runs take over.
func (c *Cluster) Promote() {
	c.Exec(c.dsn("", c.Address()), "SELECT pg_promote()")
	<-c.promoted
}

// Dump dumps the schema of a store, as it is now. Back puts that in the place of what is there by then.
func (c *Cluster) Dump(name string) (back func()) {
	file, address := filepath.Join(c.folder, schemaOf(name)+".dump"), c.dsn("", c.Address())
	must(c.program("pg_dump", "--format=custom", "--schema", schemaOf(name), "--file", file, address))
	return func() { must(c.program("pg_restore", "--clean", "--no-owner", "--dbname", address, file)) }
}

// Programs gives the folder of the newest PostgreSQL installed.
func Programs() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	newest, folder := -1, ""
	for _, path := range found {
		if version, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))); err == nil && version > newest {
			newest, folder = version, filepath.Dir(path)
		}
	}
	if folder != "" {
		return folder, nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", errors.New("there is no initdb in /usr/lib/postgresql/*/bin or the PATH: install the package postgresql")
	}
	return filepath.Dir(path), nil
}

// Credential is whom to run it as: as root the user "postgres" of Debian's package, otherwise nobody else, which is nil.
func Credential() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("as root it runs as the user postgres: %w", err)
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}

// Run starts the server, the first time or after Halt.
func (c *Cluster) Run() {
	c.process = exec.Command(filepath.Join(c.bin, "postgres"), "-D", c.data(), "-c", "port="+c.port, "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=", "-c", "max_connections=200")
	c.process.Dir, c.process.Env = c.folder, []string{"LC_ALL=C"}
	c.process.SysProcAttr = &syscall.SysProcAttr{Credential: c.credential, Pdeathsig: syscall.SIGQUIT}
	output, err := c.process.StderrPipe()
	must(err)
	must(c.process.Start())
	ready := make(chan struct{})
	c.log, c.promoted = make(chan struct{}), make(chan struct{})
	go c.listen(output, ready, c.promoted)
	select {
	case <-ready:
	case <-c.log:
		panic("PostgreSQL has not started")
	case <-time.After(time.Minute):
		panic("PostgreSQL has not started within a minute")
	}
}

// listen reads what the server says, and tells when it is ready, and when it takes writes.
func (c *Cluster) listen(output io.Reader, ready, promoted chan<- struct{}) {
	defer close(c.log)
	lines := bufio.NewScanner(output)
	var isReady, isPromoted sync.Once
	for lines.Scan() {
		if strings.Contains(lines.Text(), "database system is ready to accept connections") {
			isPromoted.Do(func() { close(promoted) })
		}
		if strings.Contains(lines.Text(), "database system is ready to accept") {
			isReady.Do(func() { close(ready) })
		}
	}
}

// Halt ends the server, as a crash does or, when orderly, as a restart does: with every session.
func (c *Cluster) Halt(orderly bool) {
	signal := syscall.SIGQUIT
	if orderly {
		signal = syscall.SIGINT
	}
	must(c.process.Process.Signal(signal))
	<-c.log
	_ = c.process.Wait()
}

// Stop ends the cluster and removes it.
func (c *Cluster) Stop() {
	if c.process != nil && c.process.ProcessState == nil {
		c.Halt(false)
	}
	_ = os.RemoveAll(c.folder)
}

// Address is the server's host and port.
func (c *Cluster) Address() string { return "127.0.0.1:" + c.port }

// DSN is the address of the store called name, by way of host:port; its schema is made when it is not there.
func (c *Cluster) DSN(name, address string) string {
	schema := schemaOf(name)
	db, err := sql.Open("pgx", c.dsn("", c.Address()))
	must(err)
	defer db.Close()
	_, err = db.ExecContext(context.Background(), "CREATE SCHEMA IF NOT EXISTS "+schema)
	must(err)
	return c.dsn(schema, address)
}

func schemaOf(name string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return fmt.Sprintf("s%x", h.Sum64())
}

// Exec runs a statement in a store.
func (c *Cluster) Exec(dsn, statement string) {
	db, err := sql.Open("pgx", dsn)
	must(err)
	defer db.Close()
	_, err = db.ExecContext(context.Background(), statement)
	must(err)
}

func (c *Cluster) dsn(schema, address string) string {
	q := url.Values{"sslmode": {"disable"}}
	if schema != "" {
		q.Set("search_path", schema)
	}
	u := url.URL{Scheme: "postgres", User: url.UserPassword(owner, c.Password), Host: address, Path: "/postgres", RawQuery: q.Encode()}
	return u.String()
}
