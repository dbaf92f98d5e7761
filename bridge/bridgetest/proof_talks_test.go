package bridgetest_test

import (
	"context"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
)

const (
	lawMet    = "a talk of an observed person is met and read from when they connected"
	lawOthers = "talks of others, and those that are ignored, are left alone"
	lawSpoke  = "whoever speaks in a talk that is refused is told of"
	lawTold   = "Talk tells how a conversation is"
	lawTried  = "what was tried is not opened twice"
	lawJoined = "people who join are met before what they get to see"
	lawLater  = "what is made of a message without somebody is put when that is known"
	lawFiles  = "files of a talk are read, and written for just those who are named"
	lawTopic  = "a topic is given once and told"
)

// inboxed is a variation of the inbox that a bridge is given.
func inboxed(change func(i *between)) variation {
	return func(_ *handle, b *broken) {
		b.run = func(ctx context.Context, inbox bridge.Inbox) error {
			i := &between{Inbox: inbox}
			change(i)
			return b.Bridge.Run(ctx, i)
		}
	}
}

// talked is a variation of how talks are told of.
func talked(change func(t *bridge.Talk)) variation {
	return func(_ *handle, b *broken) {
		b.talk = func(ctx context.Context, c bridge.ConversationID) (bridge.Talk, error) {
			t, err := b.Bridge.Talk(ctx, c)
			change(&t)
			return t, err
		}
	}
}

// met is a variation of what the inbox is told of talks.
func met(change func(t *bridge.Talk)) variation {
	return inboxed(func(i *between) {
		i.meet = func(ctx context.Context, t bridge.Talk) (bridge.Interest, error) {
			change(&t)
			return i.Inbox.Meet(ctx, t)
		}
	})
}

// optionsFor are those of the service that a law needs.
var optionsFor = map[string]memory.Options{lawJoined: {Regroup: true}, lawLater: {Regroup: true}, lawTried: {Regroup: true}}

var talkProofs = []proof{
	{how: "a file that is for everybody", law: lawFiles, says: "can read it: true, want false", variation: func(_ *handle, b *broken) {
		b.upload = func(ctx context.Context, u bridge.Upload) (bridge.File, error) {
			u.Members = append(u.Members, "u-carol")
			return b.Bridge.Upload(ctx, u)
		}
	}},
	{how: "a file that is for nobody else", law: lawFiles, says: "can read it: false, want true", variation: func(_ *handle, b *broken) {
		b.upload = func(ctx context.Context, u bridge.Upload) (bridge.File, error) {
			u.Members = []bridge.UserID{u.As}
			return b.Bridge.Upload(ctx, u)
		}
	}},
	{how: "nobody observed", law: lawMet, says: "has not been put", variation: inboxed(func(i *between) {
		i.observed = func() ([]bridge.Observed, <-chan struct{}) { return nil, nil }
	})},
	{how: "a talk read from the present", law: lawMet, says: "not within", variation: inboxed(func(i *between) {
		i.begin = func(bridge.ConversationID) time.Time { return time.Now().Add(time.Hour) }
	})},
	{how: "a talk read from its first word", law: lawMet, says: "before anybody was observed", variation: inboxed(func(i *between) {
		i.begin = func(bridge.ConversationID) time.Time { return time.Unix(1, 0) }
	})},
	{how: "a member not told of", law: lawMet, says: "is told as a", variation: met(func(t *bridge.Talk) { t.Members = t.Members[1:] })},
	{how: "observing anew at each start", law: "what is said while nothing runs is met afterwards", says: "has not been put", variation: inboxed(func(i *between) {
		i.begin = func(bridge.ConversationID) time.Time { return time.Now().Add(time.Hour) }
	})},
	{how: "everybody observed", law: lawOthers, says: "although nobody observed is in it", variation: inboxed(func(i *between) {
		i.observed = func() ([]bridge.Observed, <-chan struct{}) {
			all, changed := i.Inbox.Observed()
			return append(all, bridge.Observed{User: "u-bob", Since: all[0].Since}), changed
		}
	})},
	{how: "an ignored talk that is met", law: lawOthers, says: "although it is ignored", variation: inboxed(func(i *between) {
		i.interest = func(bridge.ConversationID) bridge.Interest { return bridge.Unmet }
	})},
	{how: "only who spoke last is told of", law: lawSpoke, says: "was not", variation: met(func(t *bridge.Talk) { t.Speakers = t.Speakers[:min(len(t.Speakers), 1)] })},
	{how: "a group told as a pair", law: lawTold, says: "is told as a pair", variation: talked(func(t *bridge.Talk) { t.Shape = bridge.Pair })},
	{how: "a channel told as a talk", law: lawTold, says: "Talk of a channel succeeded", variation: func(_ *handle, b *broken) {
		b.talk = func(ctx context.Context, c bridge.ConversationID) (bridge.Talk, error) {
			t, err := b.Bridge.Talk(ctx, c)
			if bridge.KindOf(err) == bridge.Gone {
				return bridge.Talk{Conversation: c}, nil
			}
			return t, err
		}
	}},
	{how: "a group opened at each try", law: lawTried, says: "was opened again", variation: func(_ *handle, b *broken) {
		b.direct = func(ctx context.Context, o bridge.Opening) (bridge.ConversationID, error) {
			o.Since = time.Time{}
			return b.Bridge.OpenConversation(ctx, o)
		}
	}},
	{how: "what is said put before who joined is met", law: lawJoined, says: "was met with", variation: func(_ *handle, b *broken) {
		b.run = func(ctx context.Context, inbox bridge.Inbox) error {
			first := map[bridge.ConversationID]bool{}
			i := &between{Inbox: inbox}
			i.meet = func(ctx context.Context, t bridge.Talk) (bridge.Interest, error) {
				if first[t.Conversation] {
					return bridge.Carried, nil
				}
				first[t.Conversation] = true
				return inbox.Meet(ctx, t)
			}
			return b.Bridge.Run(ctx, i)
		}
	}},
	{how: "a text put before it is known who has left", law: lawLater, says: "was met with 3 people", variation: func(_ *handle, b *broken) {
		b.run = func(ctx context.Context, inbox bridge.Inbox) error {
			i := &between{Inbox: inbox}
			i.meet = func(ctx context.Context, t bridge.Talk) (bridge.Interest, error) {
				if len(t.Members) < 3 {
					return bridge.Carried, nil
				}
				return inbox.Meet(ctx, t)
			}
			return b.Bridge.Run(ctx, i)
		}
	}},
	{how: "a topic that is not told", law: lawTopic, says: "it was not met as", variation: met(func(t *bridge.Talk) { t.Topic = "" })},
	{how: "a topic that cannot be given", law: lawTopic, says: "it was not met as \"dinner\"", variation: func(_ *handle, b *broken) {
		b.rename = func(context.Context, bridge.ConversationID, bridge.UserID, string) error { return nil }
	}},
}
