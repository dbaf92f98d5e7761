package store

// asidesMigration is the part of migration 4 about what was shown by direct messages, and about who knows what of a conversation.
const asidesMigration = `
CREATE TABLE asides (                   -- what was shown to somebody by direct messages, as it cannot stand in the conversation
	id           INTEGER PRIMARY KEY,       -- the latest has the highest
	instance     INTEGER NOT NULL,          -- of which message; of what is to be withdrawn that may be forgotten
	conversation INTEGER NOT NULL REFERENCES conversations,
	person       TEXT NOT NULL,
	key          TEXT NOT NULL,             -- of the notice, and of the post that was made of it
	hash         TEXT NOT NULL,             -- of what it shows, as in messages
	at           INTEGER NOT NULL,          -- when it was noted: there is no earlier post
	tried        INTEGER NOT NULL DEFAULT 0, -- when it was tried last to tell it; 0 = never
	state        INTEGER NOT NULL DEFAULT 0, -- 1: to be withdrawn
	due          INTEGER NOT NULL DEFAULT 0 -- and not before
);
CREATE UNIQUE INDEX asides_key ON asides (key);
CREATE INDEX asides_instance ON asides (instance);
CREATE INDEX asides_left ON asides (conversation) WHERE state = 1;
ALTER TABLE told ADD COLUMN lasting INTEGER NOT NULL DEFAULT 0; -- 1: they know it also when the conversation is carried again, and then no more
`
