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
	initdb := exec.Command(filepath.Join(c.bin, "initdb"), "--pgdata", c.data(), "--username", owner, "--auth", "scram-sha-256", "--pwfile", password,
		"--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = c.folder, &syscall.SysProcAttr{Credential: c.credential}
	if output, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, output)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	_, c.port, err = net.SplitHostPort(l.Addr().String())
	return errors.Join(err, l.Close())
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
	c.log = make(chan struct{})
	go c.listen(output, ready)
	select {
	case <-ready:
	case <-c.log:
		panic("PostgreSQL has not started")
	case <-time.After(time.Minute):
		panic("PostgreSQL has not started within a minute")
	}
}

// listen reads what the server says, and tells when it is ready.
func (c *Cluster) listen(output io.Reader, ready chan<- struct{}) {
	defer close(c.log)
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "database system is ready to accept connections") {
			close(ready)
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
	c.Halt(false)
	_ = os.RemoveAll(c.folder)
}

// Address is the server's host and port.
func (c *Cluster) Address() string { return "127.0.0.1:" + c.port }

// DSN is the address of the store called name, by way of host:port; its schema is made when it is not there.
func (c *Cluster) DSN(name, address string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	schema := fmt.Sprintf("s%x", h.Sum64())
	db, err := sql.Open("pgx", c.dsn("", c.Address()))
	must(err)
	defer db.Close()
	_, err = db.ExecContext(context.Background(), "CREATE SCHEMA IF NOT EXISTS "+schema)
	must(err)
	return c.dsn(schema, address)
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
