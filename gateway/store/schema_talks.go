package store

// talksMigration is the part of migration 3 about direct and group conversations.
const talksMigration = `
CREATE TABLE talks (                    -- those that were met, a row for each time their people changed
	conversation INTEGER NOT NULL REFERENCES conversations,
	since   INTEGER NOT NULL,              -- from when on it has had these people, by its service's clock; 0 = from the first
	shape   INTEGER NOT NULL,
	members TEXT NOT NULL,                 -- JSON of their ids, sorted
	topic   TEXT NOT NULL,                 -- what it was called when it was met last
	reason  INTEGER NOT NULL,              -- why it is not carried; 0 = it is
	missing TEXT NOT NULL,                 -- JSON of the ids of those who are the reason
	decided INTEGER NOT NULL,              -- when that was decided last
	PRIMARY KEY (conversation, since)
) WITHOUT ROWID;
CREATE TABLE pairs (                    -- those that mirror each other: the first end is on the server that sorts first
	id          INTEGER PRIMARY KEY,
	shape       INTEGER NOT NULL,
	one_server  TEXT NOT NULL,
	two_server  TEXT NOT NULL,
	one         INTEGER REFERENCES conversations, -- NULL: still to be opened
	two         INTEGER REFERENCES conversations,
	one_members TEXT NOT NULL,             -- JSON of their ids, sorted
	two_members TEXT NOT NULL,
	topic       TEXT NOT NULL,             -- what both ends were called last
	begins      INTEGER NOT NULL,          -- what was said earlier is not carried
	state       INTEGER NOT NULL DEFAULT 0, -- see PairState
	tried       INTEGER NOT NULL DEFAULT 0, -- when it was first tried to open the missing end; 0 = never
	opener      TEXT NOT NULL DEFAULT ''   -- as whom
);
CREATE UNIQUE INDEX pairs_one ON pairs (one_server, two_server, shape, one_members) WHERE state = 0;
CREATE UNIQUE INDEX pairs_two ON pairs (one_server, two_server, shape, two_members) WHERE state = 0;
CREATE UNIQUE INDEX pairs_ends ON pairs (one, two, one_members) WHERE one IS NOT NULL AND two IS NOT NULL;
CREATE TABLE told (                     -- who knows why something of a conversation is not carried
	conversation INTEGER NOT NULL REFERENCES conversations,
	uid     TEXT NOT NULL,
	reason  INTEGER NOT NULL,
	at      INTEGER NOT NULL,              -- when they were told last
	PRIMARY KEY (conversation, uid, reason)
) WITHOUT ROWID;
CREATE TABLE directs (                  -- what is switched on between two servers, and since when
	one_server TEXT NOT NULL,
	two_server TEXT NOT NULL,
	groups     INTEGER NOT NULL,           -- 1: group messages, 0: the others
	enabled    INTEGER NOT NULL,
	since      INTEGER NOT NULL,
	PRIMARY KEY (one_server, two_server, groups)
) WITHOUT ROWID;
CREATE TABLE lines (                    -- what the account itself is to say in a conversation
	id           INTEGER PRIMARY KEY,
	conversation INTEGER NOT NULL REFERENCES conversations,
	text         TEXT NOT NULL,            -- JSON
	tried        INTEGER NOT NULL DEFAULT 0 -- when it was tried first; 0 = never
);
CREATE INDEX lines_left ON lines (conversation);
ALTER TABLE notices ADD COLUMN way INTEGER NOT NULL DEFAULT 0;     -- see NoticeWay
ALTER TABLE instances ADD COLUMN held INTEGER NOT NULL DEFAULT 0;  -- 1: waits until its author has connected again
CREATE INDEX instances_held ON instances (id) WHERE held = 1;
ALTER TABLE identities ADD COLUMN since INTEGER NOT NULL DEFAULT 0; -- when they connected
UPDATE identities SET since = (SELECT since FROM people p WHERE p.id = person);
`
