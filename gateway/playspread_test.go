package gateway

import (
	"context"
	"sync"
	"time"

	"causeway/bridge"
	"causeway/gateway/store"
)

// spread tells whether two processes share the work in this play: one reads, and conversations go back and forth between it and one that helps, which dies now and then.
func (p *play) spread() bool { return p.seed/3%4 == 1 }

// troupe is those two processes. It is what each tells the other by.
type troupe struct {
	play *play
	// make makes a process that helps.
	make   func(Options) *Gateway
	leader *Gateway

	mutex  sync.Mutex
	helper *Gateway
	given  map[bridge.ConversationID]bool
	next   map[string]time.Time

	telling sync.WaitGroup
}

// newTroupe prepares for a leader, whose options it completes.
func newTroupe(p *play, leader *Options, make func(Options) *Gateway) *troupe {
	t := &troupe{play: p, make: make, given: map[bridge.ConversationID]bool{}, next: map[string]time.Time{}}
	leader.Peers = t
	return t
}

// Tell implements Peers: a word is lost now and then, as with PostgreSQL whose connection is lost; whoever listens anew looks at everything.
func (t *troupe) Tell(all []bridge.ConversationID) {
	if t.play.int(20) == 0 {
		t.telling.Go(func() { t.both((*Gateway).Look) })
		return
	}
	var hints []store.Hint
	for _, c := range all {
		hints = append(hints, store.Hint{Conversation: c})
	}
	t.telling.Go(func() { t.both(func(g *Gateway) { g.Heard(hints) }) })
}

// Posted implements Peers.
func (t *troupe) Posted(c bridge.ConversationID, id bridge.MessageID) {
	t.telling.Go(func() { t.both(func(g *Gateway) { g.Heard([]store.Hint{{Conversation: c, Posted: id}}) }) })
}

// Turn implements Peers.
func (t *troupe) Turn(_ context.Context, writer string, every time.Duration) (time.Duration, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	at := t.next[writer]
	if now := time.Now(); at.Before(now) {
		at = now
	}
	t.next[writer] = at.Add(every)
	return time.Until(at), nil
}

func (t *troupe) both(do func(*Gateway)) {
	t.mutex.Lock()
	helper := t.helper
	t.mutex.Unlock()
	do(t.leader)
	if helper != nil {
		do(helper)
	}
}

// run has processes help, one after the other, until ctx ends.
func (t *troupe) run(ctx context.Context, helping Options) {
	select {
	case <-t.leader.began:
	case <-ctx.Done():
	}
	for ctx.Err() == nil {
		t.help(ctx, helping)
		for c := range t.given { // as the leader does when it has struck one out
			delete(t.given, c)
			t.leader.Take([]bridge.ConversationID{c})
		}
		t.leader.Look()
		pause(ctx, time.Second)
	}
}

// help has one process help until it dies.
func (t *troupe) help(ctx context.Context, o Options) {
	ctx, die := context.WithCancel(ctx)
	defer die()
	o.Helps, o.Peers = true, t
	g := t.make(o)
	t.mutex.Lock()
	t.helper = g
	t.mutex.Unlock()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err := g.Run(ctx)
		t.play.add("a process that helps ends: %v", err)
		die()
	}()
	t.play.add("a process helps")
	for acts := 1 + t.play.int(20); acts > 0 && pause(ctx, time.Duration(t.play.int(int(5*time.Second)))); acts-- {
		all := t.leader.Channels()
		if len(all) == 0 {
			continue
		}
		c := all[t.play.int(len(all))]
		from, to, what := t.leader, g, "is given away"
		if t.given[c] {
			from, to, what = g, t.leader, "is given back"
		}
		if from.Leave(ctx, []bridge.ConversationID{c}) != nil {
			t.given[c] = true // so that the leader takes it, whoever had it
			break
		}
		t.play.add("%s %s", c, what)
		t.play.troubles.add(what, false)
		if t.given[c] = !t.given[c]; !t.given[c] {
			delete(t.given, c)
		}
		to.Take([]bridge.ConversationID{c})
		if !t.play.storm.Load() {
			acts++ // in the end it helps for as long as it is needed
		}
	}
	die()
	<-ended
	t.mutex.Lock()
	t.helper = nil
	t.mutex.Unlock()
}

// performs runs what a process is made of, by itself or as one of two.
func (p *play) performs(ctx context.Context, o Options, accounts func() []Account) error {
	if !p.spread() {
		g := New(o)
		g.ahead = p.ahead()
		return g.Run(ctx)
	}
	make := func(o Options) *Gateway {
		o.Accounts = accounts()
		g := New(o)
		g.ahead = p.ahead()
		return g
	}
	helping := o
	t := newTroupe(p, &o, make)
	t.leader = make(o)
	ctx, end := context.WithCancel(ctx)
	var others sync.WaitGroup
	defer t.telling.Wait()
	defer others.Wait()
	defer end()
	others.Go(func() { t.run(ctx, helping) })
	return t.leader.Run(ctx)
}
