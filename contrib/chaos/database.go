package main

import (
	"net/url"
	"slices"
	"strings"

	"causeway/contrib/e2e/harness"
)

// database is the PostgreSQL that holds Causeway's store: one server, or one and its replica.
type database struct {
	dsn     string // of the first server
	primary *harness.Postgres
	// replica follows the primary, by way of wire; nil: there is none, or it has been promoted.
	replica *harness.Postgres
	wire    *harness.Proxy
	nodes   []*harness.Postgres
}

// openDatabase makes the store's database, and the instances' ways to it. A run in which a replica takes over has servers of its own.
func (w *world) openDatabase() {
	db := &database{primary: w.servers.ours}
	if slices.ContainsFunc(w.plan.Faults, func(f Fault) bool { return slices.Contains(replicaFaults, kindNamed(f.Kind)) }) {
		db.primary = harness.StartPostgres(w.tb)
		db.primary.Durable(w.tb)
		db.wire = harness.StartProxy(w.tb, db.primary.Address())
		db.replica = db.primary.Replica(w.tb, db.wire.Address, w.plan.Replica == replicaSync)
	}
	db.nodes = []*harness.Postgres{db.primary}
	if db.replica != nil {
		db.nodes = append(db.nodes, db.replica)
	}
	db.dsn = db.primary.CreateDatabase(w.tb)
	w.database = db
	for _, i := range w.instances {
		for _, node := range db.nodes {
			i.wires = append(i.wires, harness.StartProxy(w.tb, node.Address()))
		}
	}
}

// dsn is where an instance finds the store.
func (w *world) dsn(i *instance) string {
	if w.plan.Store == storeSQLite {
		return storeFolder + "/causeway.db"
	}
	address, err := url.Parse(w.database.dsn)
	w.must("reading the DSN", err)
	var hosts []string
	for _, wire := range i.wires {
		hosts = append(hosts, wire.Address)
	}
	address.Host = hosts[0]
	dsn := strings.Replace(address.String(), "@"+hosts[0]+"/", "@"+strings.Join(hosts, ",")+"/", 1)
	if len(hosts) > 1 {
		dsn += "&target_session_attrs=read-write"
	}
	return dsn
}

// promoted ends the primary, for good, and lets the replica take its place.
func promoted(w *world, _ Fault) {
	db := w.database
	db.primary.Kill(w.tb)
	db.replica.Promote(w.tb)
	db.primary, db.replica = db.replica, nil
}

// replicaFaults are what happens to a primary that has a replica.
var replicaFaults = []*kind{
	{name: "a synchronous replica takes over", group: ofDatabase, needs: "postgres sync", once: true, begin: promoted},
	// What was stored while the replica heard nothing is lost.
	{name: "an asynchronous replica takes over", group: ofDatabase, least: 200, most: 3000, needs: "postgres async", once: true,
		begin: func(w *world, _ Fault) { w.database.wire.Pause() }, end: promoted},
}

// databaseFaults are what happens to a store in PostgreSQL.
var databaseFaults = []*kind{
	{name: "PostgreSQL restarts", group: ofDatabase, least: 0, most: 2000, needs: "postgres",
		begin: func(w *world, _ Fault) { w.database.primary.Stop(w.tb) },
		end:   func(w *world, _ Fault) { w.database.primary.Start(w.tb) }},
	{name: "PostgreSQL is killed", group: ofDatabase, least: 0, most: 2000, needs: "postgres",
		begin: func(w *world, _ Fault) { w.database.primary.Kill(w.tb) },
		end:   func(w *world, _ Fault) { w.database.primary.Start(w.tb) }},
	{name: "connections to PostgreSQL cut", group: ofDatabase, needs: "postgres",
		begin: onWires(func(_ *world, p *harness.Proxy) { p.Cut() })},
	// Causeway's side ends, and PostgreSQL goes on to believe in the session.
	{name: "connections to PostgreSQL cut on one side", group: ofDatabase, least: 300, most: 5000, needs: "postgres",
		begin: onWires(func(_ *world, p *harness.Proxy) { p.Strand() }),
		end:   onWires(func(_ *world, p *harness.Proxy) { p.Cut() })},
	{name: "no way to PostgreSQL", group: ofDatabase, least: 300, most: 5000, needs: "postgres",
		begin: onWires(func(_ *world, p *harness.Proxy) { p.Down() }),
		end:   onWires(func(w *world, p *harness.Proxy) { w.must("opening the way to PostgreSQL again", p.Up()) })},
	{name: "PostgreSQL half-open, swallowed", group: ofDatabase, least: 500, most: 6000, needs: "postgres",
		begin: onWires(func(_ *world, p *harness.Proxy) { p.Pause() }),
		end:   onWires(func(_ *world, p *harness.Proxy) { p.Cut(); p.Resume() })},
	// As the former, for so long that another instance takes over, which this one does not know.
	{name: "an instance is cut off from PostgreSQL", group: ofDatabase, least: 6000, most: 9000, needs: "postgres several",
		begin: onWires(func(_ *world, p *harness.Proxy) { p.Pause() }),
		end:   onWires(func(_ *world, p *harness.Proxy) { p.Resume() })},
}

// onWires does something to the ways between one instance and PostgreSQL.
func onWires(do func(*world, *harness.Proxy)) func(*world, Fault) {
	return func(w *world, f Fault) {
		for _, p := range w.victim(f).wires {
			do(w, p)
		}
	}
}
