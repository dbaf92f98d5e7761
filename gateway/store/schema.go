package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// ErrTooNew: the store was written by a newer Causeway.
var ErrTooNew = errors.New("the store was written by a newer version of Causeway")

// ErrUnfinished: something was being copied into the store, and not all of it has arrived.
var ErrUnfinished = errors.New("it is an unfinished copy: do causeway store copy again, with the same --from and --to")

// unfinished is the version of a store into which is being copied.
const unfinished = -1

// migrations are applied in order, each once; append only. Times are Unix milliseconds.
var migrations = []string{
	`
CREATE TABLE conversations (
	id      INTEGER PRIMARY KEY,
	server  TEXT NOT NULL,
	channel TEXT NOT NULL,
	cursor  TEXT NOT NULL DEFAULT '',    -- how far it has been read without a gap; '' = not begun
	begins  INTEGER NOT NULL DEFAULT 0,  -- what was created earlier is not carried
	UNIQUE (server, channel)
);
CREATE TABLE endpoints (               -- what the names in the config were found to be
	account      TEXT NOT NULL,
	name         TEXT NOT NULL,
	conversation INTEGER NOT NULL REFERENCES conversations,
	PRIMARY KEY (account, name)
);
CREATE TABLE messages (
	id       INTEGER PRIMARY KEY,
	origin   INTEGER NOT NULL REFERENCES conversations,
	origin_id TEXT NOT NULL,             -- its id there
	root_id  TEXT NOT NULL DEFAULT '',   -- the id there of the message it answers
	root     INTEGER,                    -- the message it answers, when known
	quote    TEXT NOT NULL DEFAULT '',   -- JSON: what to quote where the root is missing
	created  INTEGER NOT NULL,
	version  INTEGER NOT NULL DEFAULT 1, -- counts changes of text, files, deletion
	deleted  INTEGER NOT NULL DEFAULT 0,
	reacted  INTEGER NOT NULL DEFAULT 0, -- 1 once anybody has reacted to any instance
	hash     TEXT NOT NULL DEFAULT '',   -- of the neutral text and files
	body     BLOB,                       -- JSON of author, text, files; NULL once all instances are settled
	UNIQUE (origin, origin_id)
);
CREATE INDEX messages_root ON messages (root) WHERE root IS NOT NULL;
CREATE TABLE instances (
	id           INTEGER PRIMARY KEY,
	message      INTEGER NOT NULL REFERENCES messages,
	conversation INTEGER NOT NULL REFERENCES conversations,
	origin       INTEGER NOT NULL,            -- 1: it was said here
	phase        INTEGER NOT NULL,            -- see Phase
	version      INTEGER NOT NULL DEFAULT 0,  -- messages.version that it looks like
	blanked      INTEGER NOT NULL DEFAULT 0,  -- deleted, but its post stays for its replies
	thread       TEXT NOT NULL DEFAULT '',    -- the post here whose thread it stands in; '' = it starts one
	frozen       INTEGER NOT NULL DEFAULT 0,  -- 1: the service does not let its posts be edited any more
	unrooted     INTEGER NOT NULL DEFAULT 0,  -- 1: posted without what it answers, 2: nor are its parts in one thread
	late         INTEGER NOT NULL DEFAULT 0,  -- posted after a younger one of the same origin
	rank         INTEGER,                     -- NULL: settled; else its place in the lane
	reason       TEXT,                        -- not NULL: quarantined, and why
	quarantined  INTEGER NOT NULL DEFAULT 0,  -- when
	UNIQUE (message, conversation)
);
CREATE INDEX instances_lacking ON instances (conversation, rank, id) WHERE rank IS NOT NULL;
CREATE INDEX instances_quarantined ON instances (id) WHERE reason IS NOT NULL;
CREATE TABLE parts (
	instance     INTEGER NOT NULL REFERENCES instances,
	number       INTEGER NOT NULL,           -- from 0; below 0: deleted, and known only so that it is not taken for new
	conversation INTEGER NOT NULL,
	id           TEXT,                       -- NULL until known
	key          TEXT,                       -- NULL at the origin
	hash         TEXT NOT NULL DEFAULT '',   -- of what was sent; '' when that is not known
	posted       INTEGER NOT NULL DEFAULT 0, -- when Causeway last tried to post it, by its own clock
	mixed        INTEGER NOT NULL DEFAULT 0, -- 1: several texts were tried, so a post that turns up may show any
	version      INTEGER NOT NULL DEFAULT 0, -- messages.version that was sent
	revision     INTEGER NOT NULL DEFAULT 0, -- the newest seen
	deleted      INTEGER NOT NULL DEFAULT 0,
	leaving      INTEGER NOT NULL DEFAULT 0, -- 1: Causeway has begun to delete it
	PRIMARY KEY (instance, number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX parts_id ON parts (conversation, id) WHERE id IS NOT NULL;
CREATE UNIQUE INDEX parts_key ON parts (key) WHERE key IS NOT NULL;
CREATE TABLE departures (               -- how far the messages of one conversation have left for another
	origin  INTEGER NOT NULL REFERENCES conversations,
	target  INTEGER NOT NULL REFERENCES conversations,
	created INTEGER NOT NULL,              -- creation time of the youngest
	PRIMARY KEY (origin, target)
) WITHOUT ROWID;
CREATE TABLE reactions (                -- what people set, not Causeway
	instance INTEGER NOT NULL REFERENCES instances,
	number   INTEGER NOT NULL,
	person   TEXT NOT NULL,
	emoji    TEXT NOT NULL,
	PRIMARY KEY (instance, number, person, emoji)
) WITHOUT ROWID;
CREATE TABLE own_reactions (            -- what Causeway set for people elsewhere
	instance INTEGER NOT NULL REFERENCES instances,
	emoji    TEXT NOT NULL,
	state    INTEGER NOT NULL,          -- 0: set, 1: the service does not take it, 2: begun, outcome unknown,
	                                       -- 3: the message was gone; tried again when it is back
	PRIMARY KEY (instance, emoji)
) WITHOUT ROWID;
CREATE TABLE intents (                  -- the post that a lane is about to make, or has made without knowing it;
	-- of an edit parts.hash = '' tells, of a deletion parts.leaving, of a reaction own_reactions.state
	conversation INTEGER PRIMARY KEY REFERENCES conversations,
	instance     INTEGER NOT NULL,
	number       INTEGER NOT NULL,
	root         TEXT NOT NULL,
	made         INTEGER NOT NULL
);
CREATE TABLE orphans (                  -- own posts that an older or emptied store does not know
	conversation INTEGER NOT NULL REFERENCES conversations,
	key          TEXT NOT NULL,
	id           TEXT NOT NULL,
	PRIMARY KEY (key)
) WITHOUT ROWID;
CREATE TABLE strays (                   -- second copies, to be deleted, and those that were
	conversation INTEGER NOT NULL REFERENCES conversations,
	id           TEXT NOT NULL,
	key          TEXT NOT NULL,
	done         INTEGER NOT NULL DEFAULT 0, -- 1: gone, 2: cannot be deleted and is to be blanked
	PRIMARY KEY (conversation, id)
) WITHOUT ROWID;
CREATE INDEX strays_left ON strays (conversation) WHERE done <> 1;
CREATE TABLE notices (                  -- what is to be told to a person
	id           INTEGER PRIMARY KEY,
	conversation INTEGER NOT NULL REFERENCES conversations,
	person       TEXT NOT NULL,
	text         TEXT NOT NULL
);
CREATE INDEX notices_left ON notices (conversation);
CREATE TABLE vault (
	account TEXT NOT NULL,
	name    TEXT NOT NULL,
	sealed  BLOB NOT NULL,
	PRIMARY KEY (account, name)
) WITHOUT ROWID;
`,
	// People: who they are, as whom posts and reactions were made, and what is under way with them.
	`
CREATE TABLE people (                   -- humans known on more than one account
	id        INTEGER PRIMARY KEY,
	preferred TEXT NOT NULL DEFAULT '',    -- the account on which they want to be notified; '' = not chosen
	observe   INTEGER NOT NULL DEFAULT 0,  -- 1: they agreed that Causeway keeps a connection in their name
	since     INTEGER NOT NULL
);
CREATE TABLE identities (               -- who a person is on a server
	server   TEXT NOT NULL,
	uid      TEXT NOT NULL,
	person   INTEGER NOT NULL REFERENCES people,
	account  TEXT NOT NULL,                -- by which Causeway acts as them
	name     TEXT NOT NULL,
	username TEXT NOT NULL,
	email    TEXT NOT NULL,
	state    INTEGER NOT NULL,             -- see IdentityState
	reason   TEXT NOT NULL DEFAULT '',     -- why it was lost
	verified INTEGER NOT NULL,             -- when Causeway last made sure that it can act as them
	told     INTEGER NOT NULL DEFAULT 0,   -- 1: they have been told that it was lost
	PRIMARY KEY (server, uid)
) WITHOUT ROWID;
CREATE UNIQUE INDEX identities_person ON identities (person, server);
CREATE TABLE walks (                    -- connecting that is under way
	id      TEXT PRIMARY KEY,              -- hash of the link
	account TEXT NOT NULL,                 -- who asked for it, and where
	uid     TEXT NOT NULL,
	target  TEXT NOT NULL,                 -- the account to connect to
	sealed  BLOB NOT NULL,                 -- JSON of what has been proven so far
	expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE invitations (              -- who has been asked to connect
	server TEXT NOT NULL,
	uid    TEXT NOT NULL,
	asked  INTEGER NOT NULL,               -- when last, or when they answered; 0 = about to be
	answer INTEGER NOT NULL DEFAULT 0,     -- see Answer
	PRIMARY KEY (server, uid)
) WITHOUT ROWID;
CREATE TABLE approvals (                -- who may connect although the e-mail addresses differ
	server       TEXT NOT NULL,
	uid          TEXT NOT NULL,
	other_server TEXT NOT NULL,
	other_uid    TEXT NOT NULL,
	PRIMARY KEY (server, uid, other_server, other_uid)
) WITHOUT ROWID;
CREATE TABLE matches (                  -- who somebody is on a server with which they are not connected, by their e-mail address
	server       TEXT NOT NULL,
	uid          TEXT NOT NULL,
	other_server TEXT NOT NULL,
	other_uid    TEXT NOT NULL,            -- '' = looked for, and nobody
	other_name   TEXT NOT NULL,            -- what they are called there
	seen         INTEGER NOT NULL,         -- when the services said so
	PRIMARY KEY (server, uid, other_server)
) WITHOUT ROWID;
CREATE UNIQUE INDEX matches_other ON matches (other_server, other_uid, server) WHERE other_uid <> '';
CREATE TABLE mutes (                    -- conversations that were muted for somebody
	server  TEXT NOT NULL,
	uid     TEXT NOT NULL,
	channel TEXT NOT NULL,
	before  TEXT NOT NULL,                 -- the setting that was found
	state   INTEGER NOT NULL,              -- see MuteState
	PRIMARY KEY (server, uid, channel)
) WITHOUT ROWID;
CREATE TABLE directories (              -- how far directories have been read
	account TEXT PRIMARY KEY,
	mark    TEXT NOT NULL,
	read    INTEGER NOT NULL               -- when
) WITHOUT ROWID;
CREATE TABLE departures_of_people (     -- who has left, until all that follows from it is done
	server      TEXT NOT NULL,
	uid         TEXT NOT NULL,
	home_server TEXT NOT NULL,             -- who they were where people connect
	home        TEXT NOT NULL,
	presence    INTEGER NOT NULL,          -- what the directory said
	seen        INTEGER NOT NULL,          -- when it said so
	allowed     INTEGER NOT NULL,          -- since when it is within the limit, or the operator agreed; 0 = not yet
	PRIMARY KEY (server, uid)
) WITHOUT ROWID;
ALTER TABLE messages ADD COLUMN author TEXT NOT NULL DEFAULT '';    -- its author's id at the origin
ALTER TABLE messages ADD COLUMN edited INTEGER NOT NULL DEFAULT 0;  -- the service's edit time of its text, wherever that was written
ALTER TABLE instances ADD COLUMN relayed INTEGER NOT NULL DEFAULT 0; -- 1: the service does not take it from its author, so the relay posts it
-- As whom a part was written, and what tells a human's edit of it from the echo of Causeway's last write.
ALTER TABLE parts ADD COLUMN writer TEXT NOT NULL DEFAULT '';     -- the user; '' = the relay, or at the origin
ALTER TABLE parts ADD COLUMN tried TEXT NOT NULL DEFAULT '';      -- the user as whom it was tried, though the relay may have written it since
ALTER TABLE parts ADD COLUMN sent TEXT NOT NULL DEFAULT '';       -- hash of the neutral text that was sent; '' = not written as a person
ALTER TABLE parts ADD COLUMN shown TEXT NOT NULL DEFAULT '';      -- hash of what was seen first after that; '' = not seen yet
ALTER TABLE parts ADD COLUMN edited INTEGER NOT NULL DEFAULT 0;   -- the newest of the service's edit times that is known
ALTER TABLE parts ADD COLUMN doubt TEXT NOT NULL DEFAULT '';      -- hash of what was seen instead of what was sent
ALTER TABLE parts ADD COLUMN rewritten INTEGER NOT NULL DEFAULT 0; -- 1: Causeway has edited it
UPDATE parts SET version = (SELECT m.version FROM instances i JOIN messages m ON m.id = i.message WHERE i.id = parts.instance) WHERE key IS NULL;
ALTER TABLE intents ADD COLUMN name TEXT NOT NULL DEFAULT '';      -- what the author is called in it by a match; '' = as at the origin
ALTER TABLE orphans ADD COLUMN writer TEXT NOT NULL DEFAULT '';   -- as in parts
ALTER TABLE strays ADD COLUMN writer TEXT NOT NULL DEFAULT '';    -- as in parts
CREATE TABLE reactions_made (           -- takes the place of own_reactions: what Causeway set for people elsewhere
	instance INTEGER NOT NULL REFERENCES instances,
	emoji    TEXT NOT NULL,
	writer   TEXT NOT NULL DEFAULT '',     -- the user as whom it was set; '' = the relay
	state    INTEGER NOT NULL,             -- see reactionState
	seen     INTEGER NOT NULL DEFAULT 0,   -- 1: it has been seen there; when it is missing afterwards, its person took it away. 2: look
	made     INTEGER NOT NULL DEFAULT 0,   -- when it was set or removed
	PRIMARY KEY (instance, emoji, writer)
) WITHOUT ROWID;
INSERT INTO reactions_made (instance, emoji, writer, state) SELECT instance, emoji, '', state FROM own_reactions;
DROP TABLE own_reactions;
ALTER TABLE reactions_made RENAME TO own_reactions;
`,
	`
CREATE TABLE letters (                  -- what somebody is to be told where people connect, until they have been
	server TEXT NOT NULL,
	uid    TEXT NOT NULL,
	what   TEXT NOT NULL,                  -- see LetterKind
	about  TEXT NOT NULL,                  -- accounts, with a blank between them
	PRIMARY KEY (server, uid, what)
) WITHOUT ROWID;
CREATE TABLE removals (                 -- who was removed within the limit, without anybody's consent, lately
	server TEXT NOT NULL,
	uid    TEXT NOT NULL,
	at     INTEGER NOT NULL,
	PRIMARY KEY (server, uid)
) WITHOUT ROWID;
` + filesMigration + talksMigration + dashboardMigration + intentsMigration,
	keepingMigration + channelLinksMigration + asidesMigration,
	attemptsMigration + writtenMigration,
	spreadMigration,
}

// asked is a database, or a connection to one.
type asked interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// usable gives the error of a version that this Causeway cannot work on.
func usable(ctx context.Context, db asked, version int) error {
	switch {
	case version > len(migrations):
		return tooNew(ctx, db, version)
	case version == unfinished:
		return ErrUnfinished
	case version < unfinished:
		return fmt.Errorf("%w: its version is %d", ErrDamaged, version)
	}
	return nil
}

// lastProgram is under which it stands which Causeway has worked on a store last.
const lastProgram = "program"

// tooNew names the version of Causeway that is needed, where the store says it.
func tooNew(ctx context.Context, db asked, version int) error {
	program := "a newer Causeway"
	var said string
	if err := db.QueryRowContext(ctx, "SELECT said FROM about WHERE what = $1", lastProgram).Scan(&said); err == nil {
		program = "Causeway " + said
	}
	return fmt.Errorf("%w (its version is %d, and %s has worked on it; this one knows up to %d): run that newer version, or restore a backup made before it",
		ErrTooNew, version, program, len(migrations))
}

// noteProgram notes which Causeway works on the store, for an older one to name; empty: it does not say.
func noteProgram(ctx context.Context, conn *sql.Conn, program string) error {
	var before string
	err := conn.QueryRowContext(ctx, "SELECT said FROM about WHERE what = $1", lastProgram).Scan(&before)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("looking which Causeway has worked on it: %w", err)
	}
	if program == "" || program == before {
		return nil
	}
	if _, err := conn.ExecContext(ctx, "INSERT INTO about (what, said) VALUES ($1, $2) ON CONFLICT (what) DO UPDATE SET said = excluded.said", lastProgram, program); err != nil {
		return fmt.Errorf("noting which Causeway works on it: %w", err)
	}
	return nil
}

// Version is that of the stores that this Causeway works on.
func Version() int { return len(migrations) }
