package main

// mattermostFaults are what happens to the Mattermost server.
var mattermostFaults = []*kind{
	{name: "Mattermost restarts", group: ofMattermost, least: 0, most: 2000,
		begin: func(w *world, _ Fault) { w.servers.mattermost.Stop(w.tb) },
		end:   func(w *world, _ Fault) { w.servers.mattermost.Start(w.tb) }},
	{name: "Mattermost is killed", group: ofMattermost, least: 0, most: 1000,
		begin: func(w *world, _ Fault) { w.servers.mattermost.Kill(w.tb) },
		end:   func(w *world, _ Fault) { w.servers.mattermost.Start(w.tb) }},
	{name: "Mattermost's database restarts", group: ofMattermost, least: 0, most: 1000,
		begin: func(w *world, _ Fault) { w.servers.theirs.Stop(w.tb) },
		end:   func(w *world, _ Fault) { w.servers.theirs.Start(w.tb) }},
	{name: "Mattermost's database is killed", group: ofMattermost, least: 0, most: 1000,
		begin: func(w *world, _ Fault) { w.servers.theirs.Kill(w.tb) },
		end:   func(w *world, _ Fault) { w.servers.theirs.Start(w.tb) }},
}

// wireFaults are what happens between Causeway and Mattermost.
var wireFaults = []*kind{
	{name: "websocket cut", group: ofWire, begin: func(w *world, _ Fault) { w.wire.CutWebSockets() }},
	{name: "all connections cut", group: ofWire, begin: func(w *world, _ Fault) { w.wire.Cut() }},
	{name: "no way to Mattermost", group: ofWire, least: 300, most: 5000,
		begin: func(w *world, _ Fault) { w.wire.Down() }, end: wireUp},
	// Nothing passes, and nobody is told; then it was all lost.
	{name: "half-open, swallowed", group: ofWire, least: 1000, most: 8000,
		begin: func(w *world, _ Fault) { w.wire.Pause() },
		end:   func(w *world, _ Fault) { w.wire.Cut(); w.wire.Resume() }},
	// The same, but it arrives in the end.
	{name: "half-open, late", group: ofWire, least: 1000, most: 8000,
		begin: func(w *world, _ Fault) { w.wire.Pause() },
		end:   func(w *world, _ Fault) { w.wire.Resume() }},
	{name: "Mattermost fails and throttles", group: ofWire, least: 2000, most: 8000,
		begin: func(w *world, f Fault) {
			w.mattermostFront.trouble(f.Salt, odds{throttled: 0.05, failed: 0.08, failedAfter: 0.05})
		}, end: calmFronts},
	{name: "Mattermost's answers are lost", group: ofWire, least: 2000, most: 8000,
		begin: func(w *world, f Fault) {
			w.mattermostFront.trouble(f.Salt, odds{loseRequest: 0.05, loseAnswer: 0.15})
		}, end: calmFronts},
	{name: "Mattermost's answers are slow and cut short", group: ofWire, least: 2000, most: 8000,
		begin: func(w *world, f Fault) {
			w.mattermostFront.trouble(f.Salt, odds{truncated: 0.1, slow: 0.2})
		}, end: calmFronts},
}

func wireUp(w *world, _ Fault) {
	if err := w.wire.Up(); err != nil {
		w.tb.Fatalf("opening the way to Mattermost again: %v", err)
	}
}

func calmFronts(w *world, _ Fault) { w.mattermostFront.calm() }
