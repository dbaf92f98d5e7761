package msteams

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/microsoftgraph/msgraph-sdk-go/models"

	"causeway/bridge"
)

const (
	// meetingsAtOnce is how many talks are met at the same time, each of which may take requests to other services.
	meetingsAtOnce = 8
	// metAgain is how soon a talk that is refused is met again because somebody has spoken there.
	metAgain = time.Minute
	// heardKept is of how many chats it is remembered when something was said there last, ignoredKept of how many that are ignored.
	heardKept, ignoredKept = 50_000, 10_000
	// meetingRetry is waited after a failure, at first, and at most.
	meetingRetry, longestMeetingRetry = 5 * time.Second, 10 * time.Minute
)

// talks notices what is said in chats of connected people that are not carried yet, and has the inbox meet them: whose chats they are, nobody
// knows before. What is said in a chat is not looked at for that. A chat that is carried is read by the reader, as channels are.
type talks struct {
	a      *account
	inbox  bridge.Inbox
	reader *reader
	// covered tells since when a subscription has covered somebody's chats.
	covered func(bridge.UserID) (since time.Time, ok bool)

	wake  chan struct{}
	slots chan struct{}
	// ctx is that of the run; work counts the meetings, which end with it.
	ctx  context.Context
	work sync.WaitGroup

	mu       sync.Mutex
	people   map[bridge.UserID]*follower
	meetings map[bridge.ConversationID]*meeting
	// heard is when the newest message of a chat was said that has been dealt with.
	heard *lru.Cache[bridge.ConversationID, time.Time]
	// ignored are chats of which nothing is read, with since when something was said there: that may change with who is in them.
	ignored *lru.Cache[bridge.ConversationID, time.Time]
	// groups are those that have been met in this run.
	groups map[bridge.ConversationID]metGroup
	// marks are those that are stored; unsaved: there are newer ones.
	marks   map[bridge.UserID]int64
	unsaved bool
	// trouble is of what the operator was told last.
	trouble string
}

// meeting is a talk that is being met.
type meeting struct {
	// from is since when something may have been said there that counts, newest when that of which is known was said last.
	from, newest time.Time
	// read is up to when what was said has been dealt with; zero: it was not met yet. Only the meeting itself uses it.
	read time.Time
	// several: more than the newest may have been said since it was met last.
	several bool
	// again: somebody has spoken meanwhile.
	again bool
}

// metGroup is a group as the inbox knows it.
type metGroup struct {
	members []bridge.UserID // sorted
	topic   string
}

func (a *account) newTalks(ctx context.Context, inbox bridge.Inbox, r *reader) (*talks, error) {
	t := &talks{a: a, inbox: inbox, reader: r, ctx: ctx,
		covered: func(bridge.UserID) (time.Time, bool) { return time.Time{}, false },
		wake:    make(chan struct{}, 1), slots: make(chan struct{}, meetingsAtOnce),
		people: map[bridge.UserID]*follower{}, meetings: map[bridge.ConversationID]*meeting{},
		groups: map[bridge.ConversationID]metGroup{}}
	var err error
	if t.heard, err = lru.New[bridge.ConversationID, time.Time](heardKept); err != nil {
		return nil, fmt.Errorf("preparing to follow chats: %w", err)
	}
	if t.ignored, err = lru.New[bridge.ConversationID, time.Time](ignoredKept); err != nil {
		return nil, fmt.Errorf("preparing to follow chats: %w", err)
	}
	t.marks, err = a.loadMarks(ctx)
	return t, err
}

// pushed takes up that a message of a chat that is not watched has been made or changed. Its id is when it was made, in milliseconds.
func (t *talks) pushed(c bridge.ConversationID, message string) {
	ms, err := strconv.ParseInt(message, 10, 64)
	if err != nil {
		return
	}
	t.notice(c, time.UnixMilli(ms), time.UnixMilli(ms).Add(-overlap), false) // pushes come in no order
}

// notice takes up that something was said at a time in a chat; from is since when something may have been said there that has not been noticed, and
// several whether that may be more than this.
func (t *talks) notice(c bridge.ConversationID, at, from time.Time, several bool) {
	interest := t.inbox.Interest(c)
	t.mu.Lock()
	defer t.mu.Unlock()
	if heard, _ := t.heard.Get(c); !at.After(heard) {
		if m := t.meetings[c]; m != nil && at.Before(heard) && !at.Before(m.from) {
			m.several, m.again = true, true
		}
		return
	}
	if interest == bridge.Ignored {
		if _, there := t.ignored.Get(c); !there {
			t.ignored.Add(c, from)
		}
		return
	}
	if since, there := t.ignored.Peek(c); there {
		from, several = since, true
		t.ignored.Remove(c)
	}
	t.heard.Add(c, at)
	if interest == bridge.Carried {
		t.reader.nudge(func(other bridge.ConversationID) bool { return other == c })
		return
	}
	if m := t.meetings[c]; m != nil {
		m.newest, m.several, m.again = at, true, true
		return
	}
	m := &meeting{from: from, newest: at, several: several}
	t.meetings[c] = m
	t.work.Go(func() { t.meet(c, m) })
}

// regard takes up chats that were ignored when something was said there, and are not any more.
func (t *talks) regard() {
	for _, c := range t.ignored.Keys() {
		if t.inbox.Interest(c) != bridge.Ignored {
			now := time.Now()
			t.notice(c, now, now, true) // since when, is known
		}
	}
}

// pending tells whether a talk is still to be met.
func (t *talks) pending() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.meetings) > 0
}

// meet meets a talk until that has succeeded, and once more when somebody has spoken there meanwhile.
func (t *talks) meet(c bridge.ConversationID, m *meeting) {
	for failures := 0; ; {
		wait := metAgain
		t.mu.Lock()
		several := m.several
		m.several = false
		t.mu.Unlock()
		upTo, err := t.meetOnce(c, m, several)
		if err == nil {
			failures = 0
		} else {
			failures++
			wait = max(bridge.AfterOf(err), min(meetingRetry<<min(failures-1, 20), longestMeetingRetry))
			log := t.a.log.WithError(err).WithField("conversation", c.String())
			if failures == 3 {
				log.Warn("A chat in which somebody has spoken cannot be looked at; trying again.")
			} else {
				log.Debug("A chat in which somebody has spoken cannot be looked at now.")
			}
		}
		t.mu.Lock()
		if err != nil {
			m.several = m.several || several
		} else if !upTo.IsZero() {
			m.from, m.read = later(m.from, upTo.Add(-overlap)), upTo
		}
		if t.ctx.Err() != nil || failures == 0 && !m.again {
			delete(t.meetings, c)
			t.mu.Unlock()
			return
		}
		m.again = false
		t.mu.Unlock()
		if pause(t.ctx, wait) != nil {
			return
		}
	}
}

// meetOnce has the inbox meet a talk as it is now. It gives up to when what was said there is dealt with; zero, where that is not known.
func (t *talks) meetOnce(c bridge.ConversationID, m *meeting, several bool) (upTo time.Time, err error) {
	select {
	case t.slots <- struct{}{}:
		defer func() { <-t.slots }()
	case <-t.ctx.Done():
		return time.Time{}, t.ctx.Err()
	}
	if i := t.inbox.Interest(c); i == bridge.Carried || i == bridge.Ignored {
		return time.Time{}, nil
	}
	now, err := t.a.chat(t.ctx, t.a.app, string(c.Channel))
	if err != nil {
		return time.Time{}, t.unlessClosed(c, err)
	}
	if now.Last != nil {
		upTo = now.Last.Created.Time
	}
	t.mu.Lock()
	several = several || upTo.After(m.newest)
	t.mu.Unlock()
	all := []bridge.Talk{t.a.talk(now)}
	if all[0].Shape == bridge.Group && now.Updated.After(m.from) {
		if all, err = t.since(now, all[0], m.from); err != nil {
			return time.Time{}, t.unlessClosed(c, err)
		}
	}
	for _, talk := range all {
		interest, err := t.meetNow(t.ctx, talk)
		if interest == bridge.Carried || err != nil {
			return time.Time{}, err
		}
		if several && interest == bridge.Refused && len(all) == 1 {
			return upTo, t.tellSpeakers(talk, m)
		}
	}
	return upTo, nil
}

// unlessClosed gives an error, unless it is that a chat, or what is said in it, may not be seen: that does not change by asking again; the next message asks.
func (t *talks) unlessClosed(c bridge.ConversationID, err error) error {
	kind := bridge.KindOf(err)
	if kind == bridge.Gone || kind == bridge.Unauthorised && bridge.ScopeOf(err) == bridge.ScopeConversation {
		t.a.log.WithError(err).WithField("conversation", c.String()).Debug("A chat cannot be seen.")
		return nil
	}
	return err
}

// tellSpeakers has a talk that is refused met once more for others than the last one who have spoken there: some of its members do not know yet that it is. Only
// who has spoken is looked at. What is shown late of what was said before the last look is found where it is on the first page.
func (t *talks) tellSpeakers(talk bridge.Talk, m *meeting) error {
	var said []models.ChatMessageable
	next := t.a.app.base + opChatMessages.address(place{chat: string(talk.Conversation.Channel)})
	for range changePages {
		page, err := t.a.page(t.ctx, opChatMessages, next)
		if err != nil {
			return t.unlessClosed(talk.Conversation, err)
		}
		said = append(said, page.messages...)
		next = page.next
		if n := len(page.messages); next == "" || n > 0 && modified(page.messages[n-1]).Before(later(m.from, m.read)) {
			break
		}
	}
	slices.SortFunc(said, oldestFirst)
	known := talk.Speakers
	if talk.Speakers = speakers(said, m.from, time.Time{}); len(talk.Speakers) == 0 || slices.Equal(talk.Speakers, known) {
		return nil
	}
	_, err := t.meetNow(t.ctx, talk)
	return err
}

// speakers gives who has spoken from one time until another, which may be zero, who spoke last first. What was said is in the order in which it was.
func speakers(said []models.ChatMessageable, from, until time.Time) (all []bridge.UserID) {
	for _, m := range slices.Backward(said) {
		made := created(m)
		if made.Before(from) || !until.IsZero() && !made.Before(until) || m.GetEventDetail() != nil || m.GetFrom() == nil || m.GetFrom().GetUser() == nil {
			continue
		}
		if u := bridge.UserID(strings.ToLower(value(m.GetFrom().GetUser().GetId()))); u != "" && !slices.Contains(all, u) {
			all = append(all, u)
		}
	}
	return all
}

func (t *talks) meetNow(ctx context.Context, talk bridge.Talk) (bridge.Interest, error) {
	interest, err := t.inbox.Meet(ctx, talk)
	if err != nil {
		return interest, fmt.Errorf("meeting a chat: %w", err)
	}
	if talk.Shape != bridge.Pair {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.groups[talk.Conversation] = metGroup{members: slices.Sorted(slices.Values(talk.Members)), topic: talk.Topic}
	}
	return interest, nil
}

// met gives a group as it was met last in this run.
func (t *talks) met(c bridge.ConversationID) (metGroup, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, ok := t.groups[c]
	return g, ok
}

// changePages is how many pages of a group are looked through for changes of its members.
const changePages = 5

// since gives a group as it was at a time and after each change of its members since: what was said then was said to those who were in it then. Once
// it is carried the reader meets what comes after. Only Teams' notices are looked at, and who has spoken.
func (t *talks) since(now chat, talk bridge.Talk, at time.Time) ([]bridge.Talk, error) {
	next := t.a.app.base + opChatMessages.address(place{chat: now.ID})
	var all []models.ChatMessageable
	for range changePages {
		page, err := t.a.page(t.ctx, opChatMessages, next)
		if err != nil {
			return nil, err
		}
		all = append(all, page.messages...)
		next = page.next
		if n := len(page.messages); next == "" || n > 0 && modified(page.messages[n-1]).Before(at) {
			slices.SortFunc(all, oldestFirst)
			if before, steps, ok := history(all, later(at, birth(now, all)), talk.Members); ok && len(steps) > 0 {
				return course(talk, at, before, steps, all), nil
			}
			break
		}
	}
	return []bridge.Talk{talk}, nil
}

// course gives a group as it was before the first of some steps and after each, with who has spoken then since a time.
func course(talk bridge.Talk, at time.Time, before []bridge.UserID, steps []step, said []models.ChatMessageable) []bridge.Talk {
	all := []bridge.Talk{talk}
	all[0].Members, all[0].Since = before, time.Time{}
	for _, s := range steps {
		one := talk
		one.Members, one.Since = s.members, s.change.at
		all = append(all, one)
	}
	for i := range all {
		var until time.Time
		if i < len(steps) {
			until = all[i+1].Since
		}
		all[i].Speakers = speakers(said, later(at, all[i].Since), until)
	}
	return all
}

// birth is up to when what changes of a group belongs to its making: for a moment, but not after somebody has spoken.
func birth(now chat, said []models.ChatMessageable) time.Time {
	until := now.Created.Add(atBirth)
	for _, m := range said {
		if m.GetEventDetail() == nil && created(m).Before(until) {
			until = created(m)
		}
	}
	return until
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
