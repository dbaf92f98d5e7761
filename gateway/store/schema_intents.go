package store

// intentsMigration is the part of migration 3 that makes an intent a mark of the part that is to be posted: it costs no row of its own, and a
// conversation may have several.
const intentsMigration = `
ALTER TABLE parts ADD COLUMN intent TEXT;                         -- not NULL: it is about to be posted, or has been without its being known yet; the post that it answers
ALTER TABLE parts ADD COLUMN called TEXT NOT NULL DEFAULT '';     -- what the author is called in it by a match; '' = as at the origin
ALTER TABLE parts ADD COLUMN addressed TEXT NOT NULL DEFAULT '';  -- of an intent: JSON of who and which posts those are here to which its text leads
UPDATE parts SET intent = t.root, posted = t.made, called = t.name FROM intents t WHERE t.instance = parts.instance AND t.number = parts.number;
DROP TABLE intents;
CREATE INDEX parts_intended ON parts (conversation) WHERE intent IS NOT NULL;
`
