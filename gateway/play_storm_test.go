package gateway

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
)

// longestMoments are what calls take at most in a play, unless the storm holds them up: in half of the plays people seldom do something
// meanwhile, in the others often.
var longestMoments = []time.Duration{time.Millisecond, time.Millisecond, 300 * time.Millisecond, 3 * time.Second}

// moment lets what is about to be done take a time that follows from the seed and from what it is. Fake time goes on when all goroutines
// wait, so what begins together happens in an order that the seed alone decides, not the scheduler. It reports whether ctx is still alive.
func (p *play) moment(ctx context.Context, what ...any) bool {
	if *playParallel {
		return ctx.Err() == nil
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %q", p.seed, what)
	return pause(ctx, time.Duration(1+h.Sum64()%uint64(p.longest)))
}

// turn orders lanes that are woken together.
func (p *play) turn(ctx context.Context, c bridge.ConversationID) { p.moment(ctx, "lane", c) }

// fail is the storm: any call to side n may fail before or after it took effect.
func (p *play) fail(ctx context.Context, n int, call memory.Call) error {
	what := []any{n, call.Op, call.After, call.Conversation, call.ID, call.As}
	if p.paced[n] && call.Op.Writes() && !call.After {
		what = []any{n, call.As} // what leaves a second apart arrives a second apart
	}
	if !p.moment(ctx, what...) {
		return ctx.Err()
	}
	if !p.storm.Load() || p.float() >= p.fault {
		return nil
	}
	err := p.failure(ctx, call)
	if err != nil {
		p.troubles.add(string(call.Op), call.After)
	}
	return err
}

func (p *play) failure(ctx context.Context, call memory.Call) error {
	switch p.int(8) {
	case 0:
		if call.As != "" { // or the relay would speak for them
			return p.unanswered(call)
		}
		return memory.Fails(bridge.Unauthorised)
	case 1, 2:
		if !call.After {
			scope := bridge.Scope(2 * p.int(2))
			if call.As != "" && p.int(2) == 0 {
				scope = bridge.ScopePerson
			}
			return memory.Throttles(scope, time.Duration(1+p.int(5))*time.Second)
		}
		return p.unanswered(call)
	case 3:
		pause(ctx, time.Duration(p.int(3000))*time.Millisecond)
		return ctx.Err()
	case 4:
		if !call.After {
			if call.As != "" {
				return p.unanswered(call)
			}
			return &bridge.Error{Kind: bridge.Unauthorised, Scope: bridge.ScopeAccount, Err: errors.New("the token has expired")}
		}
	}
	return p.unanswered(call)
}

// unanswered is a failure of which a write does not know whether it took effect.
func (p *play) unanswered(call memory.Call) error {
	switch {
	case !call.Op.Writes():
		return memory.Fails(bridge.Transient)
	case call.After || p.int(2) == 0:
		return memory.LostAnswer()
	}
	return memory.Fails(bridge.Transient)
}
