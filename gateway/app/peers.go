package app

import (
	"context"
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
	// untold are the conversations of which they are still to be told, look whether they are to look what they are given.
	untold map[bridge.ConversationID]bool
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
	return &peers{Peers: p, log: log, untold: map[bridge.ConversationID]bool{}, some: make(chan struct{}, 1)}
}

// Tell implements gateway.Peers.
func (p *peers) Tell(all []bridge.ConversationID) { p.note(all, false) }

// Look has the others look what they are given, who there is, and what people have become.
func (p *peers) Look() { p.note(nil, true) }

func (p *peers) note(all []bridge.ConversationID, look bool) {
	p.mutex.Lock()
	for _, c := range all {
		p.untold[c] = true
	}
	p.look = p.look || look
	p.mutex.Unlock()
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
func (p *peers) run(ctx context.Context, heard func([]bridge.ConversationID)) {
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

// tell tells what there is to be told. What fails is told another time.
func (p *peers) tell(ctx context.Context) error {
	p.mutex.Lock()
	all, look := make([]bridge.ConversationID, 0, len(p.untold)), p.look
	for c := range p.untold {
		all = append(all, c)
	}
	clear(p.untold)
	p.look = false
	p.mutex.Unlock()
	var err error
	if len(all) > 0 {
		err = p.Peers.Tell(ctx, all)
	}
	if look && err == nil {
		err = p.Peers.Tell(ctx, nil)
	}
	if err != nil {
		p.note(all, look)
	}
	return err
}
