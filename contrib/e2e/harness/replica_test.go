package harness

import "testing"

// TestAReplicaTakesOver: a synchronous replica has what was committed, takes over when the primary is gone, and takes writes then.
func TestAReplicaTakesOver(t *testing.T) {
	primary := StartPostgres(t)
	primary.Durable(t)
	proxy := StartProxy(t, primary.Address())
	replica := primary.Replica(t, proxy.Address, true)
	primary.Query(t, primary.DSN, "CREATE TABLE said (n INT)")
	primary.Query(t, primary.DSN, "INSERT INTO said SELECT generate_series(1, 100)")
	primary.Kill(t)
	replica.Promote(t)
	replica.Query(t, replica.DSN, "INSERT INTO said VALUES (101)")
	if got := replica.Query(t, replica.DSN, "SELECT count(*) FROM said"); got != "101" {
		t.Errorf("the replica has %s rows", got)
	}
}
