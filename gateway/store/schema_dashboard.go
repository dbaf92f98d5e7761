package store

// dashboardMigration: what operators and administrators have done, and an index by which messages are found by their time, which
// is also all that counting them takes.
const dashboardMigration = `
CREATE TABLE audit (                    -- what was done by hand, the newest of it
	id     INTEGER PRIMARY KEY,
	at     INTEGER NOT NULL,
	who    TEXT NOT NULL,
	act    TEXT NOT NULL,
	about  TEXT NOT NULL,
	result TEXT NOT NULL,
	failed INTEGER NOT NULL
);
CREATE INDEX messages_created ON messages (created, origin);
`
