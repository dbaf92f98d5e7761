package store

// keepingMigration is the part of migration 4 about what happens to a store as a whole, and about what authors are told.
const keepingMigration = `
CREATE TABLE moments (                  -- what happened to the whole store, and when
	what TEXT PRIMARY KEY,                 -- 'restored': it was put back from a backup; 'begun': processes ended early, by their number
	at   INTEGER NOT NULL
) WITHOUT ROWID;
ALTER TABLE notices ADD COLUMN due INTEGER NOT NULL DEFAULT 0;    -- not before
ALTER TABLE notices ADD COLUMN about INTEGER NOT NULL DEFAULT 0;  -- see noticeAbout
ALTER TABLE notices ADD COLUMN more INTEGER NOT NULL DEFAULT 0;   -- how many more like it were folded into it
ALTER TABLE notices ADD COLUMN key TEXT NOT NULL DEFAULT '';      -- what names it where it is told by direct message, as its number is given again
CREATE TABLE warned (                   -- who was told lately that a message of theirs was not delivered
	server TEXT NOT NULL,
	uid    TEXT NOT NULL,
	at     INTEGER NOT NULL,
	PRIMARY KEY (server, uid)
) WITHOUT ROWID;
CREATE TABLE delays (                   -- whose messages are late, as they know
	conversation INTEGER NOT NULL REFERENCES conversations, -- where they said them
	uid          TEXT NOT NULL,
	at           INTEGER NOT NULL,         -- when they were told
	PRIMARY KEY (conversation, uid)
) WITHOUT ROWID;
ALTER TABLE orphans ADD COLUMN root TEXT NOT NULL DEFAULT '';     -- the post that it answers
CREATE TABLE about (                    -- what is known of the whole store
	what TEXT PRIMARY KEY,                 -- 'program': which Causeway has worked on it last
	said TEXT NOT NULL
) WITHOUT ROWID;
`
