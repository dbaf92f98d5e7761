-- A store of version 5, as it was released; never to be changed.
BEGIN TRANSACTION;
CREATE TABLE about (                    -- what is known of the whole store
	what TEXT PRIMARY KEY,                 -- 'program': which Causeway has worked on it last
	said TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "about" VALUES('program','v0.4.0');
CREATE TABLE approvals (                -- who may connect although the e-mail addresses differ
	server       TEXT NOT NULL,
	uid          TEXT NOT NULL,
	other_server TEXT NOT NULL,
	other_uid    TEXT NOT NULL,
	PRIMARY KEY (server, uid, other_server, other_uid)
) WITHOUT ROWID;
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
INSERT INTO "asides" VALUES(1,2,2,'eve','aside-1','h',1000500,1000501,0,0);
CREATE TABLE audit (                    -- what was done by hand, the newest of it
	id     INTEGER PRIMARY KEY,
	at     INTEGER NOT NULL,
	who    TEXT NOT NULL,
	act    TEXT NOT NULL,
	about  TEXT NOT NULL,
	result TEXT NOT NULL,
	failed INTEGER NOT NULL
);
INSERT INTO "audit" VALUES(1,1000600,'root','retry','message 5','done',0);
CREATE TABLE channel_links (
	id          INTEGER PRIMARY KEY,
	one_account TEXT NOT NULL,
	one_channel TEXT NOT NULL,              -- as in the config, or its id
	one_name    TEXT NOT NULL DEFAULT '',   -- what it was called when it was linked by its id; leads nowhere
	two_account TEXT NOT NULL,
	two_channel TEXT NOT NULL,
	two_name    TEXT NOT NULL DEFAULT '',
	made        INTEGER NOT NULL,
	who         TEXT NOT NULL
);
INSERT INTO "channel_links" VALUES(1,'memory.a','team/other','','memory.b','team/other','',1000600,'root');
CREATE TABLE conversations (
	id      INTEGER PRIMARY KEY,
	server  TEXT NOT NULL,
	channel TEXT NOT NULL,
	cursor  TEXT NOT NULL DEFAULT '',    -- how far it has been read without a gap; '' = not begun
	begins  INTEGER NOT NULL DEFAULT 0,  -- what was created earlier is not carried
	UNIQUE (server, channel)
);
INSERT INTO "conversations" VALUES(1,'memory:a','town','c7',1000000);
INSERT INTO "conversations" VALUES(2,'memory:b','town','c8',1000000);
CREATE TABLE delays (                   -- whose messages are late, as they know
	conversation INTEGER NOT NULL REFERENCES conversations, -- where they said them
	uid          TEXT NOT NULL,
	at           INTEGER NOT NULL,         -- when they were told
	PRIMARY KEY (conversation, uid)
) WITHOUT ROWID;
INSERT INTO "delays" VALUES(1,'ben',1000600);
CREATE TABLE departures (               -- how far the messages of one conversation have left for another
	origin  INTEGER NOT NULL REFERENCES conversations,
	target  INTEGER NOT NULL REFERENCES conversations,
	created INTEGER NOT NULL,              -- creation time of the youngest
	PRIMARY KEY (origin, target)
) WITHOUT ROWID;
INSERT INTO "departures" VALUES(1,2,1002000);
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
CREATE TABLE directories (              -- how far directories have been read
	account TEXT PRIMARY KEY,
	mark    TEXT NOT NULL,
	read    INTEGER NOT NULL               -- when
) WITHOUT ROWID;
CREATE TABLE directs (                  -- what is switched on between two servers, and since when
	one_server TEXT NOT NULL,
	two_server TEXT NOT NULL,
	groups     INTEGER NOT NULL,           -- 1: group messages, 0: the others
	enabled    INTEGER NOT NULL,
	since      INTEGER NOT NULL,
	PRIMARY KEY (one_server, two_server, groups)
) WITHOUT ROWID;
CREATE TABLE endpoints (               -- what the names in the config were found to be
	account      TEXT NOT NULL,
	name         TEXT NOT NULL,
	conversation INTEGER NOT NULL REFERENCES conversations,
	PRIMARY KEY (account, name)
);
INSERT INTO "endpoints" VALUES('memory.a',' team/town',1);
INSERT INTO "endpoints" VALUES('memory.b',' team/town',2);
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
	told     INTEGER NOT NULL DEFAULT 0, since INTEGER NOT NULL DEFAULT 0,   -- 1: they have been told that it was lost
	PRIMARY KEY (server, uid)
) WITHOUT ROWID;
INSERT INTO "identities" VALUES('memory:a','dan',1,'memory.a','Dan','dan','dan@example.com',0,'',1000500,0,1000500);
INSERT INTO "identities" VALUES('memory:b','dane',1,'memory.b','Dan','dane','dan@example.com',0,'',1000500,0,1000500);
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
	quarantined  INTEGER NOT NULL DEFAULT 0, relayed INTEGER NOT NULL DEFAULT 0, held INTEGER NOT NULL DEFAULT 0,  -- when
	UNIQUE (message, conversation)
);
INSERT INTO "instances" VALUES(1,1,1,1,1,1,0,'',0,0,0,NULL,NULL,0,0,0);
INSERT INTO "instances" VALUES(2,1,2,0,1,1,0,'',0,0,0,NULL,NULL,0,0,0);
INSERT INTO "instances" VALUES(3,2,1,1,1,1,0,'',0,0,0,NULL,NULL,0,0,0);
INSERT INTO "instances" VALUES(4,2,2,0,1,2,0,'',0,0,0,NULL,NULL,0,0,0);
INSERT INTO "instances" VALUES(5,3,1,1,1,1,0,'',0,0,0,NULL,NULL,0,0,0);
INSERT INTO "instances" VALUES(6,3,2,0,0,0,0,'',0,0,0,1003000,NULL,0,0,0);
INSERT INTO "instances" VALUES(7,4,1,1,1,1,0,'',0,0,0,NULL,NULL,0,0,0);
INSERT INTO "instances" VALUES(8,4,2,0,0,0,0,'',0,0,0,1004000,NULL,0,0,0);
INSERT INTO "instances" VALUES(9,5,1,1,1,1,0,'',0,0,0,NULL,NULL,0,0,0);
INSERT INTO "instances" VALUES(10,5,2,0,0,0,0,'',0,0,0,NULL,'too large',1005500,0,0);
INSERT INTO "instances" VALUES(11,6,2,1,1,1,0,'',0,0,0,NULL,NULL,0,0,0);
INSERT INTO "instances" VALUES(12,6,1,0,2,2,0,'',0,0,0,NULL,NULL,0,0,0);
CREATE TABLE invitations (              -- who has been asked to connect
	server TEXT NOT NULL,
	uid    TEXT NOT NULL,
	asked  INTEGER NOT NULL,               -- when last, or when they answered; 0 = about to be
	answer INTEGER NOT NULL DEFAULT 0,     -- see Answer
	PRIMARY KEY (server, uid)
) WITHOUT ROWID;
CREATE TABLE letters (                  -- what somebody is to be told where people connect, until they have been
	server TEXT NOT NULL,
	uid    TEXT NOT NULL,
	what   TEXT NOT NULL,                  -- see LetterKind
	about  TEXT NOT NULL,                  -- accounts, with a blank between them
	PRIMARY KEY (server, uid, what)
) WITHOUT ROWID;
CREATE TABLE lines (                    -- what the account itself is to say in a conversation
	id           INTEGER PRIMARY KEY,
	conversation INTEGER NOT NULL REFERENCES conversations,
	text         TEXT NOT NULL,            -- JSON
	tried        INTEGER NOT NULL DEFAULT 0 -- when it was tried first; 0 = never
);
CREATE TABLE matches (                  -- who somebody is on a server with which they are not connected, by their e-mail address
	server       TEXT NOT NULL,
	uid          TEXT NOT NULL,
	other_server TEXT NOT NULL,
	other_uid    TEXT NOT NULL,            -- '' = looked for, and nobody
	other_name   TEXT NOT NULL,            -- what they are called there
	seen         INTEGER NOT NULL,         -- when the services said so
	PRIMARY KEY (server, uid, other_server)
) WITHOUT ROWID;
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
	body     BLOB, author TEXT NOT NULL DEFAULT '', edited INTEGER NOT NULL DEFAULT 0,                       -- JSON of author, text, files; NULL once all instances are settled
	UNIQUE (origin, origin_id)
);
INSERT INTO "messages" VALUES(1,1,'settled','',NULL,'',1001000,1,0,1,'h1',NULL,'',0);
INSERT INTO "messages" VALUES(2,1,'answer','settled',1,'',1002000,2,0,0,'h2',NULL,'',0);
INSERT INTO "messages" VALUES(3,1,'uncertain','',NULL,'',1003000,1,0,0,'h3','{"Author":{"ID":"ann","Name":"Ann"},"Text":[{"k":"p","r":[{"t":"may be there"}]}]}','',0);
INSERT INTO "messages" VALUES(4,1,'waiting','',NULL,'',1004000,1,0,0,'h4','{"Author":{"ID":"ann","Name":"Ann"},"Text":[{"k":"p","r":[{"t":"waits"}]}]}','',0);
INSERT INTO "messages" VALUES(5,1,'refused','',NULL,'',1005000,1,0,0,'h5','{"Author":{"ID":"ben","Name":"Ben"},"Text":[{"k":"p","r":[{"t":"was refused"}]}]}','',0);
INSERT INTO "messages" VALUES(6,2,'deleted','',NULL,'',1006000,2,1,0,'',NULL,'',0);
CREATE TABLE moments (                  -- what happened to the whole store, and when
	what TEXT PRIMARY KEY,                 -- 'restored': it was put back from a backup; 'begun': processes ended early, by their number
	at   INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO "moments" VALUES('restored',1000);
CREATE TABLE mutes (                    -- conversations that were muted for somebody
	server  TEXT NOT NULL,
	uid     TEXT NOT NULL,
	channel TEXT NOT NULL,
	before  TEXT NOT NULL,                 -- the setting that was found
	state   INTEGER NOT NULL,              -- see MuteState
	PRIMARY KEY (server, uid, channel)
) WITHOUT ROWID;
INSERT INTO "mutes" VALUES('memory:a','dan','town','all',1);
CREATE TABLE notices (                  -- what is to be told to a person
	id           INTEGER PRIMARY KEY,
	conversation INTEGER NOT NULL REFERENCES conversations,
	person       TEXT NOT NULL,
	text         TEXT NOT NULL
, way INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL DEFAULT 0, about INTEGER NOT NULL DEFAULT 0, more INTEGER NOT NULL DEFAULT 0, key TEXT NOT NULL DEFAULT '');
INSERT INTO "notices" VALUES(1,1,'ben','[{"k":"p","r":[{"t":"a notice"}]}]',0,0,0,0,'');
CREATE TABLE orphans (                  -- own posts that an older or emptied store does not know
	conversation INTEGER NOT NULL REFERENCES conversations,
	key          TEXT NOT NULL,
	id           TEXT NOT NULL, writer TEXT NOT NULL DEFAULT '', root TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (key)
) WITHOUT ROWID;
INSERT INTO "orphans" VALUES(2,'key-9','q9','','');
CREATE TABLE "own_reactions" (           -- takes the place of own_reactions: what Causeway set for people elsewhere
	instance INTEGER NOT NULL REFERENCES instances,
	emoji    TEXT NOT NULL,
	writer   TEXT NOT NULL DEFAULT '',     -- the user as whom it was set; '' = the relay
	state    INTEGER NOT NULL,             -- see reactionState
	seen     INTEGER NOT NULL DEFAULT 0,   -- 1: it has been seen there; when it is missing afterwards, its person took it away. 2: look
	made     INTEGER NOT NULL DEFAULT 0,   -- when it was set or removed
	PRIMARY KEY (instance, emoji, writer)
) WITHOUT ROWID;
INSERT INTO "own_reactions" VALUES(2,'👍','',0,0,0);
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
INSERT INTO "pairs" VALUES(1,1,'memory:a','memory:b',NULL,NULL,'["dan","eve"]','["dane","eva"]','',1000500,0,0,'');
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
	leaving      INTEGER NOT NULL DEFAULT 0, writer TEXT NOT NULL DEFAULT '', tried TEXT NOT NULL DEFAULT '', sent TEXT NOT NULL DEFAULT '', shown TEXT NOT NULL DEFAULT '', edited INTEGER NOT NULL DEFAULT 0, doubt TEXT NOT NULL DEFAULT '', rewritten INTEGER NOT NULL DEFAULT 0, intent TEXT, called TEXT NOT NULL DEFAULT '', addressed TEXT NOT NULL DEFAULT '', written INTEGER NOT NULL DEFAULT 0, -- 1: Causeway has begun to delete it
	PRIMARY KEY (instance, number)
) WITHOUT ROWID;
INSERT INTO "parts" VALUES(1,0,1,'settled',NULL,'',0,0,1,1,0,0,'','','','',0,'',0,NULL,'','',0);
INSERT INTO "parts" VALUES(2,0,2,'q1','key-1','version 1',1001500,0,1,1,0,0,'','','','',0,'',0,NULL,'','',0);
INSERT INTO "parts" VALUES(3,0,1,'answer',NULL,'',0,0,2,1,0,0,'','','','',0,'',0,NULL,'','',0);
INSERT INTO "parts" VALUES(4,0,2,'q2','key-2','version 2',1002500,0,2,1,0,0,'','','','',0,'',0,NULL,'','',0);
INSERT INTO "parts" VALUES(5,0,1,'uncertain',NULL,'',0,0,1,1,0,0,'','','','',0,'',0,NULL,'','',0);
INSERT INTO "parts" VALUES(6,0,2,NULL,'key-3','version 1',1003500,0,1,0,0,0,'','','','',0,'',0,'','Annie','',0);
INSERT INTO "parts" VALUES(7,0,1,'waiting',NULL,'',0,0,1,1,0,0,'','','','',0,'',0,NULL,'','',0);
INSERT INTO "parts" VALUES(9,0,1,'refused',NULL,'',0,0,1,1,0,0,'','','','',0,'',0,NULL,'','',0);
INSERT INTO "parts" VALUES(11,0,2,'deleted',NULL,'',0,0,2,2,1,0,'','','','',0,'',0,NULL,'','',0);
INSERT INTO "parts" VALUES(12,-1,1,'q6','key-6','version 1',1006500,0,1,2,1,0,'','','','',0,'',0,NULL,'','',0);
CREATE TABLE people (                   -- humans known on more than one account
	id        INTEGER PRIMARY KEY,
	preferred TEXT NOT NULL DEFAULT '',    -- the account on which they want to be notified; '' = not chosen
	observe   INTEGER NOT NULL DEFAULT 0,  -- 1: they agreed that Causeway keeps a connection in their name
	since     INTEGER NOT NULL
);
INSERT INTO "people" VALUES(1,'memory.b',1,1000500);
CREATE TABLE reactions (                -- what people set, not Causeway
	instance INTEGER NOT NULL REFERENCES instances,
	number   INTEGER NOT NULL,
	person   TEXT NOT NULL,
	emoji    TEXT NOT NULL,
	PRIMARY KEY (instance, number, person, emoji)
) WITHOUT ROWID;
INSERT INTO "reactions" VALUES(1,0,'ben','👍');
CREATE TABLE removals (                 -- who was removed within the limit, without anybody's consent, lately
	server TEXT NOT NULL,
	uid    TEXT NOT NULL,
	at     INTEGER NOT NULL,
	PRIMARY KEY (server, uid)
) WITHOUT ROWID;
CREATE TABLE strays (                   -- second copies, to be deleted, and those that were
	conversation INTEGER NOT NULL REFERENCES conversations,
	id           TEXT NOT NULL,
	key          TEXT NOT NULL,
	done         INTEGER NOT NULL DEFAULT 0, writer TEXT NOT NULL DEFAULT '', -- 1: gone, 2: cannot be deleted and is to be blanked
	PRIMARY KEY (conversation, id)
) WITHOUT ROWID;
INSERT INTO "strays" VALUES(2,'q8','key-8',1,'');
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
CREATE TABLE told (                     -- who knows why something of a conversation is not carried
	conversation INTEGER NOT NULL REFERENCES conversations,
	uid     TEXT NOT NULL,
	reason  INTEGER NOT NULL,
	at      INTEGER NOT NULL, lasting INTEGER NOT NULL DEFAULT 0,              -- when they were told last
	PRIMARY KEY (conversation, uid, reason)
) WITHOUT ROWID;
CREATE TABLE vault (
	account TEXT NOT NULL,
	name    TEXT NOT NULL,
	sealed  BLOB NOT NULL,
	PRIMARY KEY (account, name)
) WITHOUT ROWID;
CREATE TABLE walks (                    -- connecting that is under way
	id      TEXT PRIMARY KEY,              -- hash of the link
	account TEXT NOT NULL,                 -- who asked for it, and where
	uid     TEXT NOT NULL,
	target  TEXT NOT NULL,                 -- the account to connect to
	sealed  BLOB NOT NULL,                 -- JSON of what has been proven so far
	expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE warned (                   -- who was told lately that a message of theirs was not delivered
	server TEXT NOT NULL,
	uid    TEXT NOT NULL,
	at     INTEGER NOT NULL,
	PRIMARY KEY (server, uid)
) WITHOUT ROWID;
INSERT INTO "warned" VALUES('memory:a','ben',1000600);
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
INSERT INTO "attempts" VALUES(6,1,0,'transient','post: there was no answer',1003500,1003600,2);
CREATE INDEX messages_root ON messages (root) WHERE root IS NOT NULL;
CREATE INDEX instances_lacking ON instances (conversation, rank, id) WHERE rank IS NOT NULL;
CREATE INDEX instances_quarantined ON instances (id) WHERE reason IS NOT NULL;
CREATE UNIQUE INDEX parts_id ON parts (conversation, id) WHERE id IS NOT NULL;
CREATE UNIQUE INDEX parts_key ON parts (key) WHERE key IS NOT NULL;
CREATE INDEX strays_left ON strays (conversation) WHERE done <> 1;
CREATE INDEX notices_left ON notices (conversation);
CREATE UNIQUE INDEX identities_person ON identities (person, server);
CREATE UNIQUE INDEX matches_other ON matches (other_server, other_uid, server) WHERE other_uid <> '';
CREATE UNIQUE INDEX files_wanted ON files (instance, file) WHERE state < 3;
CREATE INDEX files_instance ON files (instance);
CREATE UNIQUE INDEX pairs_one ON pairs (one_server, two_server, shape, one_members) WHERE state = 0;
CREATE UNIQUE INDEX pairs_two ON pairs (one_server, two_server, shape, two_members) WHERE state = 0;
CREATE UNIQUE INDEX pairs_ends ON pairs (one, two, one_members) WHERE one IS NOT NULL AND two IS NOT NULL;
CREATE INDEX lines_left ON lines (conversation);
CREATE INDEX instances_held ON instances (id) WHERE held = 1;
CREATE INDEX messages_created ON messages (created, origin);
CREATE INDEX parts_intended ON parts (conversation) WHERE intent IS NOT NULL;
CREATE UNIQUE INDEX channel_links_ends ON channel_links (one_account, one_channel, two_account, two_channel);
CREATE UNIQUE INDEX asides_key ON asides (key);
CREATE INDEX asides_instance ON asides (instance);
CREATE INDEX asides_left ON asides (conversation) WHERE state = 1;
COMMIT;
PRAGMA user_version = 5;
