package mattermost

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// groupLimit is how many people a group channel has at most.
const groupLimit = model.ChannelGroupMaxUsers

// Talk tells how a direct or group channel is, and who spoke there last. Its members never change, so Since is always zero.
func (a *account) Talk(ctx context.Context, c bridge.ConversationID) (bridge.Talk, error) {
	return a.talkSince(ctx, c, math.MaxInt64)
}

// talkSince is Talk with all who spoke after a time, in milliseconds of the server's clock, or last.
func (a *account) talkSince(ctx context.Context, c bridge.ConversationID, since int64) (bridge.Talk, error) {
	channel, err := a.channelOf(c)
	if err != nil {
		return bridge.Talk{}, err
	}
	t := bridge.Talk{Conversation: c}
	err = a.reading(ctx, channel, func(by *client) error {
		var ch model.Channel
		if err := by.get(ctx, "/channels/"+channel, &ch); err != nil {
			return err
		}
		a.channels.Add(ch.Id, ch.Type)
		switch ch.Type {
		case model.ChannelTypeDirect:
			t.Shape, t.Members = bridge.Pair, directMembers(ch.Name)
			if len(t.Members) == 1 {
				t.Shape = bridge.Self
			}
		case model.ChannelTypeGroup:
			t.Shape, t.Topic = bridge.Group, ch.Header
			if t.Members, err = a.members(ctx, by, channel); err != nil {
				return err
			}
		default:
			return gone("it is a channel")
		}
		t.Speakers, err = speakers(ctx, by, channel, since)
		return err
	})
	if err != nil {
		return bridge.Talk{}, fmt.Errorf("asking how a conversation is: %w", unseen(err))
	}
	return t, nil
}

// directMembers gives the people of a direct channel, whose name is their ids; one for a channel with oneself.
func directMembers(name string) []bridge.UserID {
	one, other, _ := strings.Cut(name, "__")
	if one == other || other == "" {
		return []bridge.UserID{bridge.UserID(one)}
	}
	return []bridge.UserID{bridge.UserID(one), bridge.UserID(other)}
}

// speakersPage is how many of the newest posts tell who has spoken, where a few do not reach back far enough; a few, as some may be the server's.
const speakersPage, speakerPage = 100, 3

// speakers tells who has written after a time, and in any case who has written last; as far as these are among the newest posts, and no messages of the
// server's. Their texts, which come along, are not looked at.
func speakers(ctx context.Context, by *client, channel string, since int64) (all []bridge.UserID, err error) {
	type post struct {
		UserID   string `json:"user_id"`
		Type     string
		CreateAt int64 `json:"create_at"`
	}
	var posts []post // the newest first
	for _, size := range []int{speakerPage, speakersPage} {
		var list struct {
			Order []string
			Posts map[string]post
		}
		if err := by.get(ctx, fmt.Sprint("/channels/", channel, "/posts?per_page=", size, "&collapsedThreads=false&skipFetchThreads=true"), &list); err != nil {
			return nil, err
		}
		posts = nil
		for _, id := range list.Order {
			posts = append(posts, list.Posts[id])
		}
		if len(posts) < size || posts[size-1].CreateAt <= since {
			break
		}
	}
	for _, p := range posts {
		u := bridge.UserID(p.UserID)
		if u != "" && !strings.HasPrefix(p.Type, model.PostSystemMessagePrefix) && (len(all) == 0 || p.CreateAt > since) && !slices.Contains(all, u) {
			all = append(all, u)
		}
	}
	return all, nil
}

// Members lists the members of a channel, direct and group ones as well.
func (a *account) Members(ctx context.Context, c bridge.ConversationID) ([]bridge.UserID, error) {
	channel, err := a.channelOf(c)
	if err != nil {
		return nil, err
	}
	var all []bridge.UserID
	err = a.reading(ctx, channel, func(by *client) error {
		all, err = a.members(ctx, by, channel)
		return a.explain(ctx, by, err, channel, "")
	})
	if err != nil {
		return nil, fmt.Errorf("listing the members of a channel: %w", err)
	}
	return all, nil
}

func (a *account) members(ctx context.Context, by *client, channel string) ([]bridge.UserID, error) {
	var all []bridge.UserID
	for list, err := range pages[model.ChannelMember](ctx, by, "/channels/"+channel+"/members") {
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			if u := bridge.UserID(m.UserId); !slices.Contains(all, u) { // somebody may come or go between two pages
				all = append(all, u)
			}
		}
	}
	return all, nil
}

// Topic shortens what is longer than a header may be.
func (a *account) Topic(topic string) string {
	return clip(strings.ReplaceAll(topic, "\x00", ""), model.ChannelHeaderMaxRunes)
}

// Rename changes the header of a group channel, as one of its members: its name cannot change.
func (a *account) Rename(ctx context.Context, c bridge.ConversationID, as bridge.UserID, topic string) error {
	channel, err := a.channelOf(c)
	if err != nil {
		return err
	}
	err = a.by(ctx, as, func(by *client, _ string) error {
		var ch model.Channel
		err := by.get(ctx, "/channels/"+channel, &ch)
		switch {
		case err != nil:
			return a.explain(ctx, by, err, channel, "")
		case ch.Type != model.ChannelTypeGroup:
			return unsupported("only a group conversation has a topic")
		}
		return a.setHeader(ctx, by, &ch, topic)
	})
	if err != nil {
		return fmt.Errorf("renaming a group conversation: %w", err)
	}
	return nil
}

// setHeader changes a header that is another one: the server leaves a message of its own each time.
func (a *account) setHeader(ctx context.Context, by *client, ch *model.Channel, topic string) error {
	topic = a.Topic(topic)
	if ch.Header == topic {
		return nil
	}
	_, err := by.call(ctx, opChange, http.MethodPut, "/channels/"+ch.Id+"/patch", map[string]string{"header": topic}, nil)
	return a.explain(ctx, by, err, ch.Id, "")
}

// said is what a frame's post tells beside its text.
type said struct {
	UserID   string `json:"user_id"`
	Type     string
	CreateAt int64 `json:"create_at"`
}

func (s *said) read(post string) error { return json.Unmarshal([]byte(post), s) }

// system says whether the server itself wrote it.
func (s *said) system() bool { return strings.HasPrefix(s.Type, model.PostSystemMessagePrefix) }
