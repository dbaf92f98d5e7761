package app

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/gateway/store"
)

// peers leads to the other instances that share the work of a store; it is what a gateway tells them by.
type peers struct {
	*store.Peers
	log *logrus.Entry

	mutex sync.Mutex
	// untold are the conversations of which they are still to be told that they lack something, posted the last post in each, look whether they are to look what
	// they are given.
	untold map[bridge.ConversationID]bool
	posted map[bridge.ConversationID]bridge.MessageID
	look   bool
	// some holds a value when there is something to be told.
	some chan struct{}
}

// tellPause lies between two attempts to reach the others.
const tellPause = 250 * time.Millisecond

// newPeers gives nil for a store that has none.
func newPeers(s *store.Store, log *logrus.Entry) *peers {
	p := s.Peers()
	if p == nil {
		return nil
	}
	return &peers{Peers: p, log: log, untold: map[bridge.ConversationID]bool{}, posted: map[bridge.ConversationID]bridge.MessageID{}, some: make(chan struct{}, 1)}
}

// Tell implements gateway.Peers.
func (p *peers) Tell(all []bridge.ConversationID) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, c := range all {
		p.untold[c] = true
	}
	prod(p.some)
}

// Posted implements gateway.Peers.
func (p *peers) Posted(c bridge.ConversationID, id bridge.MessageID) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.posted[c] = id
	prod(p.some)
}

// Look has the others look what they are given, who there is, and what people have become.
func (p *peers) Look() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.look = true
	prod(p.some)
}

func prod(to chan struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}

// run tells, and hears, until ctx ends. Heard is given what others say: nil at the beginning, and whenever something may have been missed, and nothing where it is to
// be looked for.
func (p *peers) run(ctx context.Context, heard func([]store.Hint)) {
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() {
		for ctx.Err() == nil {
			if err := p.Listen(ctx, heard); err != nil && ctx.Err() == nil {
				p.log.WithError(err).Debug("what other instances say is not heard")
			}
			rest(ctx, tellPause)
		}
	})
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-p.some:
			if err := p.tell(ctx); err != nil && ctx.Err() == nil {
				p.log.WithError(err).Debug("other instances are not told")
				rest(ctx, tellPause)
			}
		}
	}
}

func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// tell tells what there is to be told. What fails is told another time, but for what was posted: the next post will do as well.
func (p *peers) tell(ctx context.Context) error {
	p.mutex.Lock()
	untold, posted, look := p.untold, p.posted, p.look
	p.untold, p.posted, p.look = map[bridge.ConversationID]bool{}, map[bridge.ConversationID]bridge.MessageID{}, false
	p.mutex.Unlock()
	var all []store.Hint
	for c := range untold {
		all = append(all, store.Hint{Conversation: c})
	}
	for c, id := range posted {
		all = append(all, store.Hint{Conversation: c, Posted: id})
	}
	var err error
	if len(all) > 0 {
		err = p.Peers.Tell(ctx, all)
	}
	if look && err == nil {
		err = p.Peers.Tell(ctx, nil)
	}
	if err != nil {
		p.Tell(slices.Collect(maps.Keys(untold)))
		if look {
			p.Look()
		}
	}
	return err
}
