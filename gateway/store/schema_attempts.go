package store

// attemptsMigration is the part of migration 5 about what has failed of a message on its way.
const attemptsMigration = `
CREATE TABLE attempts (                 -- what has failed of an instance, the latest of it; the same in a row is one
	instance INTEGER NOT NULL REFERENCES instances,
	number   INTEGER NOT NULL,             -- the latest has the highest
	part     INTEGER NOT NULL,             -- of which part
	kind     TEXT NOT NULL,                -- of the error, as bridge.Kind calls it
	reason   TEXT NOT NULL,                -- what was tried, and why it failed
	since    INTEGER NOT NULL,             -- when it failed so first
	last     INTEGER NOT NULL,             -- and when last
	times    INTEGER NOT NULL,
	PRIMARY KEY (instance, number)
) WITHOUT ROWID;
`
