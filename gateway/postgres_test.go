package gateway

import (
	"flag"
	"testing"

	"causeway/gateway/store"
	"causeway/gateway/store/pgtest"
)

var onPostgres = flag.Bool("postgres", false, "keep the stores of the tests in a throw-away PostgreSQL instead of SQLite in memory")

// cluster is where the stores of the tests are; nil: in SQLite.
var cluster *pgtest.Cluster

// tests runs the tests with their PostgreSQL, if they are to have one.
func tests(m *testing.M) int {
	flag.Parse()
	if *onPostgres {
		cluster = pgtest.Start(flag.Lookup("test.bench").Value.String() != "") // what is measured goes to the disk
		defer cluster.Stop()
	}
	return m.Run()
}

// placed gives the DSN of the store that a test calls path.
func placed(path string, o *store.Options) string {
	if cluster == nil {
		return path
	}
	o.VFS = ""
	return cluster.DSN(path, cluster.Address())
}
