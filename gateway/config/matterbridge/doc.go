// Package matterbridge turns a config of Matterbridge (1.26; its keys are in bridge/config of that program) into one of Causeway's.
//
// What has a counterpart is kept, with the comments that stand directly above it or beside it. What has none becomes a comment
// that says why: "Left out" needs nothing, "TO DO" needs a person before the new config can work. What is written is
// always a config that Causeway takes, though it may name environment variables that have to be set first.
//
// Matterbridge does not tell upper from lower case in keys, takes from [general] what an account does not say, leaves a gateway off
// that does not say enable, and joins a conversation that stands in "in" and "out" to one of both ways; so does this package.
//
// No secret is written unless [Convert] is asked to move them, and none ever into a comment.
package matterbridge
