package mattermost

import (
	"context"
	"fmt"
	"math"
	"slices"

	"causeway/bridge"
)

// meeting is a talk that the inbox is about to meet, or has met.
type meeting struct {
	// running: there is a goroutine that meets it; again: somebody spoke meanwhile; renamed: the topic may have changed.
	running, again, renamed bool
	// heard are those who spoke and of whom the inbox is to be told; so is who spoke after since, in milliseconds, of which nothing was heard.
	heard []bridge.UserID
	since int64
	// said is when what is not known yet was said, in milliseconds; 0: not known.
	said int64
	// told are those who spoke when it was met and refused.
	told []bridge.UserID
}

// nobodySince stands for the time after which nobody has spoken whom nothing was heard of.
const nobodySince = math.MaxInt64

// meet has the inbox meet a talk; nothing but this talk waits for it. Said is when somebody spoke there; 0: its topic may have changed. Since is up to when it
// is known who has spoken.
func (t *talks) meet(ctx context.Context, channel string, speaker bridge.UserID, said, since int64) {
	refused := t.feed.inbox.Interest(t.conversation(channel)) == bridge.Refused
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.met[channel]
	if m == nil {
		m = &meeting{since: nobodySince}
		t.met[channel] = m
	}
	if refused && speaker != "" && slices.Contains(m.told, speaker) {
		return
	}
	m.owe(speaker, since)
	if m.running {
		m.again, m.renamed = true, m.renamed || said == 0
		return
	}
	m.running, m.said = true, said
	t.feed.group.Go(func() error {
		t.keepMeeting(ctx, channel, m)
		return nil
	})
}

// owe notes of whom the inbox is to be told. The caller holds talks.mu.
func (m *meeting) owe(speaker bridge.UserID, since int64) {
	if speaker != "" && !slices.Contains(m.heard, speaker) {
		m.heard = append(m.heard, speaker)
	}
	m.since = min(m.since, since)
}

// keepMeeting goes on until it is known what becomes of the talk.
func (t *talks) keepMeeting(ctx context.Context, channel string, m *meeting) {
	a := t.feed.account
	for failures := 0; ; {
		t.mu.Lock()
		heard, since := m.heard, m.since
		m.again, m.renamed, m.heard, m.since = false, false, nil, nobodySince
		t.mu.Unlock()
		err := t.meetOnce(ctx, channel, heard, since, m)
		if ctx.Err() != nil {
			return // what was said stays behind the mark
		}
		if err != nil {
			failures++
			t.mu.Lock()
			for _, u := range heard {
				m.owe(u, since)
			}
			m.owe("", since)
			t.mu.Unlock()
			a.log.WithError(err).WithField("conversation", t.conversation(channel).String()).Debug("a direct or group conversation could not be met; trying again")
			if sleep(ctx, max(a.backoff(failures), bridge.AfterOf(err))) != nil {
				return
			}
			continue
		}
		failures = 0
		// What was said meanwhile in a talk that is carried now is read.
		settled := t.feed.inbox.Interest(t.conversation(channel)) == bridge.Carried
		t.mu.Lock()
		if !m.renamed && (!m.again || settled) {
			m.running, m.said, m.heard, m.since = false, 0, nil, nobodySince
			t.mu.Unlock()
			return
		}
		t.mu.Unlock()
	}
}

// meetOnce asks how the talk is, and tells the inbox; also of those who were heard, and who spoke since.
func (t *talks) meetOnce(ctx context.Context, channel string, heard []bridge.UserID, since int64, m *meeting) error {
	talk, err := t.ask(ctx, channel, since)
	if bridge.KindOf(err) == bridge.Gone {
		return nil // nobody is left who could read it
	}
	if err != nil {
		return err
	}
	for _, u := range heard {
		if !slices.Contains(talk.Speakers, u) { // what says who has spoken may be a little older
			talk.Speakers = slices.Insert(talk.Speakers, 0, u)
		}
	}
	refused := t.feed.inbox.Interest(talk.Conversation) == bridge.Refused
	t.mu.Lock()
	untold := slices.DeleteFunc(slices.Clone(talk.Speakers), func(u bridge.UserID) bool { return slices.Contains(m.told, u) })
	t.mu.Unlock()
	if refused && len(untold) == 0 && len(talk.Speakers) > 0 {
		return nil
	}
	interest, err := t.feed.inbox.Meet(ctx, talk)
	if err != nil {
		return fmt.Errorf("meeting a conversation: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	m.told = append(m.told, untold...)
	if interest != bridge.Refused {
		m.told = nil
	}
	return nil
}

// ask asks the server how a talk is; few are asked for at once.
func (t *talks) ask(ctx context.Context, channel string, since int64) (bridge.Talk, error) {
	select {
	case t.meeting <- struct{}{}:
	case <-ctx.Done():
		return bridge.Talk{}, ctx.Err()
	}
	defer func() { <-t.meeting }()
	if err := t.feed.rest(ctx); err != nil {
		return bridge.Talk{}, err
	}
	talk, err := t.feed.account.talkSince(ctx, t.conversation(channel), since)
	if bridge.KindOf(err) == bridge.Throttled {
		t.feed.pause(bridge.AfterOf(err))
	}
	return talk, err
}
