package mattermost

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"causeway/bridge"
)

// meeting is a talk that the inbox is about to meet, or has met.
type meeting struct {
	// running: there is a goroutine that meets it; again: somebody spoke meanwhile; renamed: the topic may have changed.
	running, again, renamed bool
	speaker                 string
	// said is when what is not known yet was said, in milliseconds; 0: not known.
	said int64
	// told are those who spoke when it was met and refused.
	told []string
}

// meet has the inbox meet a talk; nothing but this talk waits for it. Said is when somebody spoke there; 0: its topic may have changed.
func (t *talks) meet(ctx context.Context, channel, speaker string, said int64) {
	refused := t.feed.inbox.Interest(t.conversation(channel)) == bridge.Refused
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.met[channel]
	if m == nil {
		m = &meeting{}
		t.met[channel] = m
	}
	if refused && speaker != "" && slices.Contains(m.told, speaker) {
		return
	}
	if m.running {
		m.again, m.renamed, m.speaker = true, m.renamed || said == 0, cmp.Or(speaker, m.speaker)
		return
	}
	m.running, m.speaker, m.said = true, speaker, said
	t.feed.group.Go(func() error {
		t.keepMeeting(ctx, channel, m)
		return nil
	})
}

// keepMeeting goes on until it is known what becomes of the talk.
func (t *talks) keepMeeting(ctx context.Context, channel string, m *meeting) {
	a := t.feed.account
	for failures := 0; ; {
		t.mu.Lock()
		speaker := m.speaker
		m.again, m.renamed = false, false
		t.mu.Unlock()
		err := t.meetOnce(ctx, channel, speaker, m)
		if ctx.Err() != nil {
			return // what was said stays behind the mark
		}
		if err != nil {
			failures++
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
			m.running, m.said = false, 0
			t.mu.Unlock()
			return
		}
		t.mu.Unlock()
	}
}

// meetOnce asks how the talk is, and tells the inbox.
func (t *talks) meetOnce(ctx context.Context, channel, speaker string, m *meeting) error {
	talk, err := t.ask(ctx, channel)
	if bridge.KindOf(err) == bridge.Gone {
		return nil // nobody is left who could read it
	}
	if err != nil {
		return err
	}
	talk.Speaker = cmp.Or(bridge.UserID(speaker), talk.Speaker)
	refused := t.feed.inbox.Interest(talk.Conversation) == bridge.Refused
	t.mu.Lock()
	told := slices.Contains(m.told, string(talk.Speaker))
	t.mu.Unlock()
	if refused && told {
		return nil
	}
	interest, err := t.feed.inbox.Meet(ctx, talk)
	if err != nil {
		return fmt.Errorf("meeting a conversation: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case interest != bridge.Refused:
		m.told = nil
	case talk.Speaker != "" && !told:
		m.told = append(m.told, string(talk.Speaker))
	}
	return nil
}

// ask asks the server how a talk is; few are asked for at once.
func (t *talks) ask(ctx context.Context, channel string) (bridge.Talk, error) {
	select {
	case t.meeting <- struct{}{}:
	case <-ctx.Done():
		return bridge.Talk{}, ctx.Err()
	}
	defer func() { <-t.meeting }()
	if err := t.feed.rest(ctx); err != nil {
		return bridge.Talk{}, err
	}
	talk, err := t.feed.account.Talk(ctx, t.conversation(channel))
	if bridge.KindOf(err) == bridge.Throttled {
		t.feed.pause(bridge.AfterOf(err))
	}
	return talk, err
}
