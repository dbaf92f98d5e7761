package store

import (
	"cmp"
	"flag"
	"os"
	"testing"

	"causeway/gateway/store/pgtest"
)

var onPostgres = flag.Bool("postgres", false, "test on a throw-away PostgreSQL instead of SQLite")

// cluster is where the stores of all tests are, nil: in SQLite.
var cluster *pgtest.Cluster

func TestMain(m *testing.M) {
	flag.Parse()
	if *onPostgres {
		cluster = pgtest.Start(false)
	}
	code := m.Run()
	if c := cmp.Or(own, cluster); c != nil {
		c.Stop()
	}
	os.Exit(code)
}

// place gives the DSN of the store that a test calls path.
func place(path string, o *Options) string {
	if cluster == nil || IsPostgres(path) {
		return path
	}
	o.VFS = ""
	return cluster.DSN(path, cluster.Address())
}

// aboutSQLite ends a test that is about it alone, when it is to be run on the other engine.
func aboutSQLite(t *testing.T) {
	t.Helper()
	if cluster != nil {
		t.Skip("about SQLite alone; it runs without -postgres")
	}
}
