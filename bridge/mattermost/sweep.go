package mattermost

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

const (
	// calm is how long somebody's conversations are looked at often after something happened there.
	calm = 2 * time.Minute
	// budget is how many lists of idle people are asked for in a second at most: a list costs the server a millisecond (measured on 11.1).
	budget = 50
	// mostTries is how often a talk is read for something that a list shows and reading does not.
	mostTries = 10
	// mostStrain is by how much less often is asked at most, where the server limits how often.
	mostStrain = 32
)

// start has the group of the feed notice what is said.
func (t *talks) start(ctx context.Context) {
	t.feed.group.Go(func() error { return t.observe(ctx) })
	t.feed.group.Go(func() error { return t.perform(ctx, t.sweeps, t.sweep) })
	t.feed.group.Go(func() error { return t.perform(ctx, t.polls, t.poll) })
	t.feed.group.Go(func() error { return t.ping(ctx) })
	t.feed.group.Go(func() error { return t.keepMark(ctx) })
}

// perform does what is due, several at a time.
func (t *talks) perform(ctx context.Context, from *agenda, do func(ctx context.Context, key string)) error {
	slots := make(chan struct{}, sweepers)
	for {
		key, err := from.next(ctx)
		if err != nil {
			return err
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := t.feed.rest(ctx); err != nil {
			return err
		}
		t.feed.group.Go(func() error {
			defer func() { <-slots }()
			do(ctx, key)
			return nil
		})
	}
}

// sweep looks at the direct and group channels of somebody, and says when to look again.
func (t *talks) sweep(ctx context.Context, user string) {
	t.mu.Lock()
	p := t.people[user]
	if p == nil || p.busy {
		if p != nil {
			p.hurry = true
		}
		t.mu.Unlock()
		return
	}
	p.busy, p.hurry = true, false
	l := p.listing
	p.listing.whole = time.Now()
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if p.busy = false; p.hurry {
			t.sweeps.soon(user, time.Now())
		}
	}()
	t.look(ctx, p, l)
}

func (t *talks) look(ctx context.Context, p *observed, l lister) {
	a := t.feed.account
	began, clock := time.Now(), a.clock.now()
	list, changed, err := l.list(ctx, t, p.user, began)
	if ctx.Err() != nil {
		return
	}
	t.mu.Lock()
	if p.listing.whole.IsZero() { // meanwhile something was missed
		l.whole = time.Time{}
	}
	p.listing = l
	t.mu.Unlock()
	if err != nil {
		t.failed(ctx, p, began, err)
		return
	}
	if changed {
		t.compare(ctx, p, list)
	}
	t.mu.Lock()
	p.failures, p.lost = 0, false
	p.swept = max(p.swept, clock-overlap.Milliseconds()) // a row may be committed after one with a later time
	t.mu.Unlock()
	t.again(p)
	t.cover(ctx)
}

// failed says when to look again after a failure.
func (t *talks) failed(ctx context.Context, p *observed, began time.Time, err error) {
	a := t.feed.account
	log := a.log.WithError(err).WithField("user", p.user)
	t.mu.Lock()
	p.failures++
	wait := max(a.backoff(p.failures), bridge.AfterOf(err))
	fresh := lost(err) && !p.lost
	p.lost = lost(err)
	t.mu.Unlock()
	switch {
	case fresh:
		a.tellLost(ctx, bridge.UserID(p.user), began, err)
	case bridge.KindOf(err) == bridge.Throttled:
		t.throttled(err)
	default:
		log.Debug("somebody's direct and group conversations could not be listed; trying again")
	}
	t.sweeps.soon(p.user, time.Now().Add(wait))
	t.cover(ctx)
}

// again puts down the next look: often while something happens, else less often, and rarely where a connection tells. All are spread over
// time.
func (t *talks) again(p *observed) {
	timing := t.feed.account.timing
	t.mu.Lock()
	idle := max(timing.idle, time.Duration(len(t.people))*time.Second/budget)
	switch {
	case p.observer != nil && p.observer.heard.Load():
		p.pause = timing.safety
	case p.observer == nil && p.listed && t.mayConnect(p):
		p.pause = idle // the connections of others bring it
	case time.Since(p.active) < calm:
		p.pause = timing.sweep
	default:
		p.pause = min(max(p.pause, timing.sweep)*3/2, idle)
	}
	wait := t.spread(p.pause)
	here := t.people[p.user] == p
	t.mu.Unlock()
	if here {
		t.sweeps.soon(p.user, time.Now().Add(wait))
	}
}

// throttled pauses all reading as long as the server wants, and has people's conversations asked about half as often from now on.
func (t *talks) throttled(err error) {
	t.feed.pause(bridge.AfterOf(err))
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := time.Now(); now.Sub(t.strained) > time.Second { // one burst counts once
		t.strain, t.strained = min(max(t.ease(now), 1)*2, mostStrain), now
	}
}

// ease gives by how much less often to ask: that halves with each minute without a complaint. The caller holds talks.mu.
func (t *talks) ease(now time.Time) int {
	return t.strain >> min(int(now.Sub(t.strained)/time.Minute), 8)
}

// spread gives how long to wait in the place of d: as the server can take it, and each time a little different. The caller holds talks.mu.
func (t *talks) spread(d time.Duration) time.Duration {
	d *= time.Duration(max(t.ease(time.Now()), 1))
	return d*7/8 + rand.N(d/4+1)
}

// listed is what a list tells of a channel.
type listed struct {
	ID         string            `json:"id"`
	Type       model.ChannelType `json:"type"`
	Name       string            `json:"name"`
	LastPostAt int64             `json:"last_post_at"`
	UpdateAt   int64             `json:"update_at"`
	DeleteAt   int64             `json:"delete_at"`
}

// lister lists the channels of one person.
type lister struct {
	// team is one of theirs, of which the list of channels can be asked for conditionally, and tag its last state; looked: that was found out.
	team, tag string
	looked    bool
	// whole is when all were listed last; zero: they must be.
	whole time.Time
}

// list asks for somebody's channels. The list of all knows no conditional requests (observed on 11.1); that of a team, in which direct and group
// channels are, does. So the latter is asked for, and the former once in a while: who is in no team any more has direct messages, too.
func (l *lister) list(ctx context.Context, t *talks, user string, now time.Time) (all []listed, changed bool, err error) {
	if err := l.findTeam(ctx, t, user); err != nil {
		return nil, false, fmt.Errorf("asking for somebody's teams: %w", err)
	}
	path, tag := "/users/"+user+"/teams/"+l.team+"/channels", l.tag
	whole := l.team == "" || now.Sub(l.whole) >= t.feed.account.timing.safety*9/10
	if whole {
		path, tag = "/users/"+user+"/channels", ""
	}
	var body []byte
	err = t.asOrBy(ctx, user, func(c *client) (err error) {
		body, tag, err = c.conditional(ctx, path, tag)
		return err
	})
	if err != nil && !whole && bridge.KindOf(err) != bridge.Throttled {
		*l = lister{} // is it another team now?
	}
	if bridge.KindOf(err) == bridge.Gone { // there is no channel at all
		return nil, whole, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("listing somebody's channels: %w", err)
	}
	if whole {
		l.whole = now
	} else {
		l.tag = tag
	}
	if body == nil {
		return nil, false, nil
	}
	if err := json.Unmarshal(body, &all); err != nil {
		// The server begins its list before it knows that there is nothing in it.
		if !bytes.Contains(body, []byte("app.channel.get_channels.not_found")) {
			return nil, false, unreadable(opRead, err)
		}
		all = nil
	}
	return all, true, nil
}

// findTeam finds a team of theirs, once.
func (l *lister) findTeam(ctx context.Context, t *talks, user string) error {
	if l.looked {
		return nil
	}
	err := t.asOrBy(ctx, user, func(c *client) error {
		var teams []*model.Team
		if err := c.get(ctx, "/users/"+user+"/teams", &teams); err != nil {
			return err
		}
		for _, one := range teams {
			l.team = max(l.team, one.Id) // any, but always the same
		}
		return nil
	})
	if forbidden(err) || notThere(err) {
		err = nil // it does without
	}
	l.looked = err == nil
	return err
}

// asOrBy does something about a user: with the bot's token where it may, else with the user's own.
func (t *talks) asOrBy(ctx context.Context, user string, do func(*client) error) error {
	a := t.feed.account
	if a.may(model.PermissionEditOtherUsers, model.PermissionViewTeam) {
		return do(a.client)
	}
	return a.by(ctx, bridge.UserID(user), func(c *client, _ string) error { return do(c) })
}

// compare looks what is new in somebody's channels.
func (t *talks) compare(ctx context.Context, p *observed, list []listed) {
	type change struct {
		id                   string
		said, since, renamed int64
	}
	var changes []change
	var ids []string
	t.mu.Lock()
	for _, c := range list {
		if c.Type != model.ChannelTypeDirect && c.Type != model.ChannelTypeGroup || c.DeleteAt != 0 || t.own(c.Type, c.Name) {
			continue
		}
		ids = append(ids, c.ID)
		k, seen := t.known[c.ID]
		if !seen {
			k = noticed{said: p.from, changed: p.from}
			t.loose = true
		}
		news := change{id: c.ID}
		if c.LastPostAt > k.said {
			news.said, news.since = c.LastPostAt, k.said
		}
		if c.Type == model.ChannelTypeGroup && c.UpdateAt > k.changed {
			news.renamed = c.UpdateAt
		}
		if news.said != 0 || news.renamed != 0 {
			changes = append(changes, news)
		}
		// The server may list a post before it gives it: what says that nothing is new is cached, and forgotten a little after the
		// post is stored (post_layer.go of its store). So what is read counts as noticed when it was read.
		if k.tries++; news.said == 0 || t.feed.channel(c.ID) == nil || k.tries > mostTries {
			k.said, k.tries = max(k.said, c.LastPostAt), 0
		}
		k.changed = max(k.changed, c.UpdateAt)
		t.known[c.ID] = k
	}
	t.loose = t.loose || !p.listed
	p.talks, p.listed = ids, true
	t.mu.Unlock()
	for _, c := range changes {
		if c.said != 0 && t.spoken(ctx, c.id, p.user, "", c.said, c.since) {
			t.mu.Lock()
			p.active = time.Now()
			t.mu.Unlock()
		}
		if c.renamed != 0 {
			t.renamed(ctx, c.id, p.user)
		}
	}
}

// renamed has the inbox meet a carried talk anew, whose topic may have changed.
func (t *talks) renamed(ctx context.Context, channel, by string) {
	if t.feed.inbox.Interest(t.conversation(channel)) == bridge.Carried {
		t.feed.account.insiders.Add(channel, by)
		t.meet(ctx, channel, "", 0, nobodySince)
	}
}

// own says whether it is the direct channel of the bot and somebody: there only Causeway itself speaks with them.
func (t *talks) own(kind model.ChannelType, name string) bool {
	return kind == model.ChannelTypeDirect && strings.Contains(name, t.feed.me)
}

// conditional reads path unless it is still as tag says; then body is nil.
func (c *client) conditional(ctx context.Context, path, tag string) (body []byte, now string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("no answer within %v", c.timeout))
	defer cancel()
	headers := map[string]string{}
	if tag != "" {
		headers[model.HeaderEtagClient] = tag
	}
	answer, err := c.send(ctx, opRead, http.MethodGet, c.APIURL+path, "", headers)
	if err != nil {
		return nil, tag, err
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(io.LimitReader(answer.Body, largestAnswer))
	switch {
	case err != nil:
		return nil, tag, unreadable(opRead, because(ctx, err))
	case answer.StatusCode == http.StatusNotModified:
		return nil, tag, nil
	}
	return body, answer.Header.Get(model.HeaderEtagServer), nil
}
