package mattermost

import (
	"context"
	"math/rand/v2"
	"time"

	"causeway/bridge"
)

// lively is how long after the last word edits, deletions and reactions in a talk are asked for; later ones are found by reconcile.
const lively = time.Hour

// stir notes that something happened in a carried talk, and has it asked about from now on. The caller holds talks.mu.
func (t *talks) stir(channel string, now time.Time) {
	t.active[channel] = now
	t.polls.soon(channel, now.Add(t.feed.account.timing.poll/2))
}

// poll asks whether something has changed in a talk that no connection tells of: when somebody's channels are listed, edits, deletions and reactions do
// not show.
func (t *talks) poll(ctx context.Context, channel string) {
	a := t.feed.account
	t.mu.Lock()
	last, tag := t.active[channel], t.tags[channel]
	t.mu.Unlock()
	// The state may be an old one that the server has cached while it stored a change; reading from before the last change goes past that.
	if rand.IntN(3) == 0 {
		tag = ""
	}
	c := t.feed.channel(channel)
	if time.Since(last) > lively || c == nil || !c.talk.Load() || !c.isWatched() {
		t.mu.Lock()
		delete(t.active, channel)
		delete(t.tags, channel)
		t.mu.Unlock()
		return
	}
	wait := a.timing.poll
	switch quiet := time.Since(last); { // most are made right after
	case quiet < lively/60:
		wait /= 2
	case quiet > lively/6:
		wait *= 2
	}
	if !t.covered(channel) {
		// Only the state is of interest here, and it is the state of the whole channel.
		path, now, changed := "/channels/"+channel+"/posts?per_page=1&collapsedThreads=false&skipFetchThreads=true", "", false
		err := a.reading(ctx, channel, func(by *client) error {
			body, state, err := by.conditional(ctx, path, tag)
			now, changed = state, body != nil
			return err
		})
		if ctx.Err() != nil {
			return
		}
		switch {
		case bridge.KindOf(err) == bridge.Throttled:
			t.throttled(err)
		case err == nil && changed:
			t.mu.Lock()
			t.tags[channel] = now
			t.mu.Unlock()
			c.fallBehind(ctx, fromCursor)
		}
	}
	t.mu.Lock()
	wait = t.spread(wait)
	t.mu.Unlock()
	t.polls.soon(channel, time.Now().Add(wait))
}
