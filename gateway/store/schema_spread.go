package store

// spreadMigration is migration 6: who delivers beside the process that holds the store, where, and whose turn it is to write.
const spreadMigration = `
CREATE TABLE members (                  -- processes that deliver while another one holds the store; in SQLite there are none
	number  INTEGER PRIMARY KEY,           -- of the lock that its session has
	token   TEXT NOT NULL,                 -- each of its commits names it
	name    TEXT NOT NULL,                 -- what it is called
	fit     TEXT NOT NULL DEFAULT '',      -- what it could deliver: its config, hashed; '' = nothing now
	commits INTEGER NOT NULL DEFAULT 0     -- how often it has written
);
CREATE TABLE lanes (                    -- conversations to which a member delivers; to all others the holder does
	conversation INTEGER PRIMARY KEY REFERENCES conversations,
	member       INTEGER NOT NULL,
	back         INTEGER NOT NULL DEFAULT 0, -- 1: it is to give it back
	trouble      TEXT NOT NULL DEFAULT ''    -- JSON: what keeps it from delivering; '' = nothing
);
CREATE INDEX lanes_member ON lanes (member);
CREATE TABLE turns (                    -- when the account itself, or a person, may write next, where several processes write as them
	writer TEXT PRIMARY KEY,
	next   INTEGER NOT NULL
) WITHOUT ROWID;
`
