package store

// filesMigration: the files of messages on their way into a conversation, and those that are there.
const filesMigration = `
CREATE TABLE files (
	id        INTEGER PRIMARY KEY,
	instance  INTEGER NOT NULL REFERENCES instances, -- which it belongs to
	file      TEXT NOT NULL,                -- its id at the origin
	origin    BLOB NOT NULL,                -- sealed JSON of how it is there
	state     INTEGER NOT NULL,             -- see FileState
	writer    TEXT NOT NULL DEFAULT '',     -- as whom it is uploaded; '' = the account itself
	resume    BLOB,                         -- sealed: how the next attempt goes on; NULL = from the beginning
	reference BLOB,                         -- sealed JSON of how it is here; NULL = it is not
	reason    TEXT NOT NULL DEFAULT '',     -- why it does not cross
	lost      INTEGER NOT NULL DEFAULT 0    -- how often it was not there any more when it was to be shown
);
CREATE UNIQUE INDEX files_wanted ON files (instance, file) WHERE state < 3;
CREATE INDEX files_instance ON files (instance);
`
