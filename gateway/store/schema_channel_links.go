package store

// channelLinksMigration is the part of migration 4 about pairs of channels that were made at run time, gateways beside those of the config.
const channelLinksMigration = `
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
CREATE UNIQUE INDEX channel_links_ends ON channel_links (one_account, one_channel, two_account, two_channel);
`

// channelLinksVersion is the first version of a store that has them.
const channelLinksVersion = 4
