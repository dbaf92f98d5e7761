package mattermost

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// vaultTalks is where the mark is kept.
const vaultTalks = "talks noticed"

// mark is what has been noticed in direct and group conversations. Its form in JSON is stored.
type mark struct {
	// Until is up to when all was noticed, and met, in milliseconds of the server's clock; 0: nothing.
	Until int64 `json:"until"`
	// People are whose.
	People map[string]bool `json:"people"`
}

func (t *talks) loadMark(ctx context.Context) (m mark, err error) {
	data, err := t.feed.account.vault.Load(ctx, vaultTalks)
	if err != nil {
		return m, fmt.Errorf("reading up to when direct messages were noticed: %w", err)
	}
	if data != nil && json.Unmarshal(data, &m) != nil {
		return mark{}, nil // it is not of this bridge: all begins now
	}
	return m, nil
}

// mark gives what has been noticed until now.
func (t *talks) mark() mark {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := mark{People: map[string]bool{}}
	lower := func(to int64) {
		if m.Until == 0 || to < m.Until {
			m.Until = to
		}
	}
	for _, p := range t.people {
		if !p.lost { // else they connect anew, and that is when all begins for them
			m.People[p.user] = true
			lower(p.swept)
		}
	}
	for _, one := range t.met {
		if one.running && one.said > 0 {
			lower(one.said - 1)
		}
	}
	return m
}

// keepMark stores the mark from time to time, when other people are observed, and at the end.
func (t *talks) keepMark(ctx context.Context) error {
	ticker := time.NewTicker(t.feed.account.timing.safety)
	defer ticker.Stop()
	for stored := int64(-1); ; {
		select {
		case <-ctx.Done():
		case <-ticker.C:
		case <-t.others:
			stored = -1
		}
		if m := t.mark(); m.Until != stored && len(m.People) > 0 {
			if err := t.saveMark(ctx, m); err != nil {
				t.feed.account.log.WithError(err).Warn("up to when direct messages were noticed could not be stored")
			} else {
				stored = m.Until
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func (t *talks) saveMark(ctx context.Context, m mark) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return t.feed.account.vault.Save(ctx, vaultTalks, data)
}
