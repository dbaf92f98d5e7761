package memory

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"causeway/bridge"
)

// talk is what a direct or group conversation has beside a channel's.
type talk struct {
	shape   bridge.Shape
	members []bridge.UserID // sorted; of a channel those whom [Service.SetMembers] has named, nil: everybody
	topic   string
	// since is from when on it has had these members.
	since time.Time
	// opener has opened it by an account, at that time.
	opener bridge.UserID
	opened time.Time
}

// roster is who was in a group, and what it was called, from one moment on.
type roster struct {
	members []bridge.UserID
	topic   string
	since   time.Time
}

// enrol puts the present roster of a group into its log.
func (s *Service) enrol(c *channel) {
	c.log = append(c.log, change{previous: -1, roster: &roster{c.members, c.topic, c.since}})
	s.wake(c)
}

// as gives the talk as it was with a roster.
func (c *channel) as(r *roster) bridge.Talk {
	return bridge.Talk{Conversation: c.conversation.ID, Shape: c.shape, Members: slices.Clone(r.members), Since: r.since, Topic: r.topic}
}

// present gives the talk as it is, and who spoke last.
func (c *channel) present() bridge.Talk {
	t := c.as(&roster{c.members, c.topic, c.since})
	if n := len(c.messages); n > 0 {
		t.Speakers = []bridge.UserID{c.messages[n-1].author.ID}
	}
	return t
}

// spoke puts somebody first among those who have spoken.
func spoke(all []bridge.UserID, u bridge.UserID) []bridge.UserID {
	return slices.Insert(slices.DeleteFunc(all, func(other bridge.UserID) bool { return other == u }), 0, u)
}

// admitted reports whether somebody may write in a conversation: as a person they must be in it.
func (a *account) admitted(c *channel, as bridge.UserID) error {
	switch {
	case c.shape == bridge.Open, slices.Contains(c.members, a.writer(as)), as == "" && !a.service.options.NoRelayDirect:
		return nil
	case as == "":
		return fault(bridge.Rejected, "%s is not in %s", a.user, c.conversation.ID)
	}
	return &bridge.Error{Kind: bridge.Unsupported, Scope: bridge.ScopePerson, Err: fmt.Errorf("%s is not in %s", as, c.conversation.ID)}
}

// shapeOf gives the shape of a conversation that people open with each other.
func shapeOf(people int) bridge.Shape {
	return [...]bridge.Shape{1: bridge.Self, 2: bridge.Pair, 3: bridge.Group}[min(people, 3)]
}

// OpenConversation finds or makes the conversation of these people.
func (a *account) OpenConversation(ctx context.Context, o bridge.Opening) (bridge.ConversationID, error) {
	people := slices.Compact(slices.Sorted(slices.Values(o.People)))
	var id bridge.ConversationID
	err := a.call(ctx, Call{Op: OpenConversation, As: o.As}, func() error {
		s := a.service
		switch limit := s.options.GroupLimit; {
		case len(people) == 0:
			return fault(bridge.Rejected, "a conversation needs people")
		case o.As != "" && !slices.Contains(people, o.As):
			return fault(bridge.Rejected, "%s cannot open a conversation of others", o.As)
		case limit > 0 && len(people) > limit:
			return fault(bridge.Rejected, "a group has at most %d people", limit)
		}
		c := s.found(people)
		if s.options.Regroup && len(people) > 2 {
			c = s.tried(o.As, people, o.Since)
		}
		if c == nil {
			c = s.open(people, o.Topic)
			c.opener, c.opened = o.As, s.clock()
		}
		id = c.conversation.ID
		return nil
	})
	return id, err
}

// found gives the direct or group conversation of exactly these people that is oldest; nil: there is none.
func (s *Service) found(people []bridge.UserID) *channel {
	for _, c := range s.order {
		if c.shape == shapeOf(len(people)) && slices.Equal(c.members, people) {
			return c
		}
	}
	return nil
}

// tried gives what an earlier try of opening it has made.
func (s *Service) tried(as bridge.UserID, people []bridge.UserID, since time.Time) *channel {
	if since.IsZero() {
		return nil
	}
	since = since.Add(s.options.Skew).Truncate(s.options.Tick)
	for _, c := range s.order {
		if c.opener == as && !c.opened.IsZero() && !c.opened.Before(since) && len(c.messages) == 0 && slices.Equal(c.members, people) {
			return c
		}
	}
	return nil
}

// open makes a conversation. One that is the only one of its people is named after them.
func (s *Service) open(people []bridge.UserID, topic string) *channel {
	name := fmt.Sprint("chat-", len(s.order))
	if !s.options.Regroup || len(people) < 3 {
		var b strings.Builder
		for _, u := range people {
			b.WriteString("@" + string(u))
		}
		name = b.String()
	}
	return s.addChannel(bridge.ChannelID(name), "direct/"+name, talk{shape: shapeOf(len(people)), members: people, topic: s.topic(topic), since: s.clock()})
}

// Talk tells how a conversation is.
func (a *account) Talk(ctx context.Context, id bridge.ConversationID) (bridge.Talk, error) {
	var t bridge.Talk
	err := a.call(ctx, Call{Op: Talk, Conversation: id}, func() error {
		c, err := a.channel(id)
		if err == nil && c.shape == bridge.Open {
			err = fault(bridge.Gone, "%s is a channel", id)
		}
		if err == nil {
			t = c.present()
		}
		return err
	})
	return t, err
}

// Topic cuts what is longer than a topic may be.
func (a *account) Topic(topic string) string { return a.service.topic(topic) }

func (s *Service) topic(topic string) string {
	letters := []rune(topic)
	if limit := s.options.TopicLimit; limit > 0 {
		letters = letters[:min(limit, len(letters))]
	}
	return string(letters)
}

// Rename gives a group another topic.
func (a *account) Rename(ctx context.Context, id bridge.ConversationID, as bridge.UserID, topic string) error {
	return a.call(ctx, Call{Op: Rename, Conversation: id, As: as}, func() error {
		c, err := a.channel(id)
		if err != nil {
			return err
		}
		if c.shape != bridge.Group {
			return fault(bridge.Rejected, "%s is no group", id)
		}
		if err := a.admitted(c, as); err != nil {
			return err
		}
		a.service.rename(c, topic)
		return nil
	})
}

func (s *Service) rename(c *channel, topic string) {
	topic = s.topic(topic)
	if c.topic != topic {
		c.topic = topic
		s.enrol(c)
	}
}

// What people do with conversations. A group that is not there, or whose people cannot change, is a mistake of the test.

// Direct makes people open a conversation with each other, or go back to the one that they have: of one person with themselves, of two, or
// a group. Where [Options].Regroup is set, each group is a new one.
func (s *Service) Direct(people ...bridge.UserID) bridge.ChannelID {
	s.mu.Lock()
	defer s.mu.Unlock()
	people = slices.Compact(slices.Sorted(slices.Values(people)))
	c := s.found(people)
	if c == nil || s.options.Regroup && len(people) > 2 {
		c = s.open(people, "")
	}
	return c.conversation.ID.Channel
}

// Meeting opens the conversation of a meeting.
func (s *Service) Meeting(people ...bridge.UserID) bridge.ChannelID {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := fmt.Sprint("meeting-", len(s.order))
	people = slices.Sorted(slices.Values(people))
	return s.addChannel(bridge.ChannelID(name), "direct/"+name, talk{shape: bridge.Meeting, members: people, since: s.clock()}).conversation.ID.Channel
}

// Join puts somebody into a group, Leave takes them out.
func (s *Service) Join(in bridge.ChannelID, u bridge.UserID) { s.regroup(in, u, true) }

// Leave takes somebody out of a group.
func (s *Service) Leave(in bridge.ChannelID, u bridge.UserID) { s.regroup(in, u, false) }

func (s *Service) regroup(in bridge.ChannelID, u bridge.UserID, join bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channel(in)
	if !s.options.Regroup || c.shape != bridge.Group {
		panic(fmt.Sprintf("memory: the people in %s cannot change", in))
	}
	members := slices.DeleteFunc(slices.Clone(c.members), func(m bridge.UserID) bool { return m == u })
	if join {
		members = append(members, u)
		slices.Sort(members)
	}
	if slices.Equal(members, c.members) {
		return
	}
	c.members, c.since = members, s.clock()
	s.enrol(c)
}

// Retitle makes people give a group another topic.
func (s *Service) Retitle(in bridge.ChannelID, topic string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rename(s.channel(in), topic)
}

// Topic gives what a group is called.
func (s *Service) Topic(in bridge.ChannelID) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.channel(in).topic
}

// Talks gives the direct and group conversations, oldest first; not those in which an account has told somebody something, and nobody has answered: see
// [Service.Notices].
func (s *Service) Talks() []bridge.Talk {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []bridge.Talk
	for _, c := range s.order {
		if c.shape != bridge.Open && !s.letters(c) {
			all = append(all, c.present())
		}
	}
	return all
}

// from gives the place in the log from which on things happened at that time or later.
func (c *channel) from(at time.Time, o Options) int {
	for i, e := range c.log {
		if e.roster == nil && !e.m.versions[e.v].at.Add(o.Skew).Truncate(o.Tick).Before(at) {
			return i
		}
	}
	return len(c.log)
}
