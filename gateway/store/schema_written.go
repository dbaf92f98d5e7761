package store

// writtenMigration is the part of migration 5 about when Causeway has edited something.
const writtenMigration = `
ALTER TABLE parts ADD COLUMN written INTEGER NOT NULL DEFAULT 0; -- when its last edit as a person was made at the latest, by the service's clock; 0 = not known
`
