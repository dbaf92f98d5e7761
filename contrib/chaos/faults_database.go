package main

// databaseFaults are what happens to a store in PostgreSQL.
var databaseFaults = []*kind{
	{name: "PostgreSQL restarts", group: ofDatabase, least: 0, most: 2000, needs: "postgres",
		begin: func(w *world, _ Fault) { w.servers.ours.Stop(w.tb) },
		end:   func(w *world, _ Fault) { w.servers.ours.Start(w.tb) }},
	{name: "PostgreSQL is killed", group: ofDatabase, least: 0, most: 2000, needs: "postgres",
		begin: func(w *world, _ Fault) { w.servers.ours.Kill(w.tb) },
		end:   func(w *world, _ Fault) { w.servers.ours.Start(w.tb) }},
	{name: "connections to PostgreSQL cut", group: ofDatabase, needs: "postgres",
		begin: func(w *world, _ Fault) { w.databaseWire.Cut() }},
	// Causeway's side ends, and PostgreSQL goes on to believe in the session.
	{name: "connections to PostgreSQL cut on one side", group: ofDatabase, least: 300, most: 5000, needs: "postgres",
		begin: func(w *world, _ Fault) { w.databaseWire.Strand() },
		end:   func(w *world, _ Fault) { w.databaseWire.Cut() }},
	{name: "no way to PostgreSQL", group: ofDatabase, least: 300, most: 5000, needs: "postgres",
		begin: func(w *world, _ Fault) { w.databaseWire.Down() },
		end: func(w *world, _ Fault) {
			if err := w.databaseWire.Up(); err != nil {
				w.tb.Fatalf("opening the way to PostgreSQL again: %v", err)
			}
		}},
	{name: "PostgreSQL half-open, swallowed", group: ofDatabase, least: 500, most: 6000, needs: "postgres",
		begin: func(w *world, _ Fault) { w.databaseWire.Pause() },
		end:   func(w *world, _ Fault) { w.databaseWire.Cut(); w.databaseWire.Resume() }},
}
