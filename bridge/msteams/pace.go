package msteams

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"causeway/bridge"
)

// rate is a row of Microsoft's page "Microsoft Graph service-specific throttling limits": how many calls a second are
// allowed the app in the tenant, for one channel (or team, where there is no channel), and to one user. 0: no limit.
type rate struct {
	app, resource, user int
	// write: its pace is PostInterval's, else PollInterval's.
	write bool
}

var (
	rateRead          = &rate{app: 20, resource: 1}
	ratePost          = &rate{app: 50, resource: 1, user: 1, write: true}
	rateWrite         = &rate{app: 30, resource: 1, user: 1, write: true} // "any other POST, PUT, PATCH"
	rateGet           = &rate{app: 30, resource: 1}                       // "any other GET"
	rateChannel       = &rate{app: 30, resource: 1}
	rateChannels      = &rate{app: 60, resource: 4}
	rateMembers       = &rate{app: 60, resource: 1}
	rateTeams         = &rate{app: 30}
	rateUsers         = &rate{app: 175} // 3,500 units per 10 s in a small tenant, 2 each
	rateSubscriptions = &rate{app: 25}  // 500 per 20 s
	rateSubscribed    = &rate{app: 1}   // 25 per 20 s
)

// rates says which row a call belongs to. Those that are not here are made once a day, or are a batch, whose items count.
var rates = map[*Operation]*rate{
	opProbe: rateRead, opThreads: rateRead, opReplies: rateRead, opMessage: rateRead, opReply: rateRead,
	opPicture: rateGet, opPicture2: rateGet,
	opPost: ratePost, opPostReply: ratePost,
	opEdit: rateWrite, opEditReply: rateWrite, opDelete: rateWrite, opDeleteReply: rateWrite,
	opReact: rateWrite, opReactReply: rateWrite, opUnreact: rateWrite, opUnreactReply: rateWrite,
	opChannel: rateChannel, opChannels: rateChannels, opMembers: rateMembers, opJoinedTeams: rateTeams,
	opMe: rateUsers, opUser: rateUsers,
	opSubscribe: rateSubscriptions, opRenew: rateSubscriptions, opUnsubscribe: rateSubscriptions, opSubscriptions: rateSubscribed,
}

const (
	// sustainedSecond is in what time the calls of a second are made: over longer than a second Graph allows "about 83%" of
	// the rates; at 80% no second and no longer time has more.
	sustainedSecond = 1250 * time.Millisecond
	// longestTurn is how long a call waits for its turn; one that had to wait longer is throttled, so that nobody waits
	// who has something else to do.
	longestTurn = 10 * time.Second
	// placesPaced is of how many channels and users it is remembered when they were called.
	placesPaced = 50_000
)

// pacer keeps the account within the rates, so that Graph need not throttle it; and when it does, lets nobody run into
// the same limit a second time. Tokens that fill a bucket would not do: a batch of 20 reads takes all of a second's at once,
// and 20 more must not follow while the bucket fills.
type pacer struct {
	read, write time.Duration
	mu          sync.Mutex
	windows     *lru.Cache[limited, *window]
}

// limited is what a window is for.
type limited struct {
	rate *rate
	// kind is 'a' for the app, 'r' for a resource, 'u' for a user, id which.
	kind byte
	id   string
}

// newPacer paces as the intervals say: shorter ones than Graph's are for what stands in for Graph.
func newPacer(pollInterval, postInterval time.Duration) (*pacer, error) {
	windows, err := lru.New[limited, *window](placesPaced)
	if err != nil {
		return nil, fmt.Errorf("preparing to keep the pace: %w", err)
	}
	return &pacer{read: min(sustainedSecond, pollInterval), write: postInterval, windows: windows}, nil
}

// await waits until calls of op to addresses may begin: one call, or those of a batch. user is whom they are made as, or
// empty. Whoever came first goes first.
func (p *pacer) await(ctx context.Context, op *Operation, user string, addresses ...string) error {
	if p == nil || rates[op] == nil {
		return nil
	}
	now := time.Now()
	turn, taken := p.reserve(op, user, addresses, now)
	wait := turn.Sub(now)
	if wait > longestTurn {
		return tooFar(op, taken, wait)
	}
	if wait <= 0 {
		return nil
	}
	if err := pause(ctx, wait); err != nil { // the turn is lost: few do that
		return &bridge.Error{Err: fmt.Errorf("%s: waiting for its turn: %w", op.Doing, err)}
	}
	return nil
}

// far tells, with the error to give, whether a call would have to wait longer than calls do.
func (p *pacer) far(op *Operation, user, address string) error {
	if p == nil || rates[op] == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.places(op, user, address)
	if wait := time.Until(all.turn()); wait > longestTurn {
		return tooFar(op, all, wait)
	}
	return nil
}

func tooFar(op *Operation, all places, wait time.Duration) error {
	return &bridge.Error{Kind: bridge.Throttled, Scope: all.scope(), After: wait, Err: fmt.Errorf("%s: Graph allows no more for now", op.Doing)}
}

// places are the windows that calls count in, and how often.
type places map[limited]*share

type share struct {
	window *window
	calls  int
}

// turn is when all allow it.
func (s places) turn() time.Time {
	var turn time.Time
	for _, one := range s {
		if t := one.window.next(one.calls); t.After(turn) {
			turn = t
		}
	}
	return turn
}

// scope is what must wait: nothing but one channel, or all.
func (s places) scope() bridge.Scope {
	turn := s.turn()
	for l, one := range s {
		if l.kind != 'r' && !one.window.next(one.calls).Before(turn) {
			return bridge.ScopeAccount
		}
	}
	return bridge.ScopeConversation
}

// places finds the windows for calls. The caller holds the lock.
func (p *pacer) places(op *Operation, user string, addresses ...string) places {
	all := places{}
	for _, address := range addresses {
		for _, l := range limitsOf(rates[op], user, address) {
			if all[l] == nil {
				all[l] = &share{window: p.window(l)}
			}
			all[l].calls++
		}
	}
	return all
}

// reserve takes the first turn that all limits allow, unless it is too far away.
func (p *pacer) reserve(op *Operation, user string, addresses []string, now time.Time) (time.Time, places) {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.places(op, user, addresses...)
	turn := all.turn()
	if turn.Before(now) {
		turn = now
	}
	if turn.Sub(now) <= longestTurn {
		for _, one := range all {
			one.window.take(turn, one.calls)
		}
	}
	return turn, all
}

// limitsOf are the limits that a call counts against.
func limitsOf(r *rate, user, address string) []limited {
	all := []limited{{r, 'a', ""}}
	if id := resourceOf(address); r.resource > 0 && id != "" {
		all = append(all, limited{r, 'r', id})
	}
	if r.user > 0 && user != "" {
		all = append(all, limited{r, 'u', user})
	}
	return all
}

// window is found or made. The caller holds the lock.
func (p *pacer) window(l limited) *window {
	if w, ok := p.windows.Get(l); ok {
		return w
	}
	w := &window{most: l.rate.app, span: p.read}
	if l.rate.write {
		w.span = p.write
	}
	switch l.kind {
	case 'r':
		w.most = l.rate.resource
	case 'u':
		w.most = l.rate.user
	}
	p.windows.Add(l, w)
	return w
}

// hold keeps calls away from a limit that Graph says is used up.
func (p *pacer) hold(op *Operation, user string, answer *answerError, until time.Time) {
	if p == nil || rates[op] == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range limitsOf(rates[op], user, answer.address) {
		// Where Graph does not say which limit it is, it is that of the channel.
		if byUser := strings.Contains(answer.throttled, "User"); answer.account && (l.kind == 'u') == byUser && l.kind != 'r' || !answer.account && l.kind == 'r' {
			w := p.window(l)
			if until.After(w.held) {
				w.held = until
			}
		}
	}
}

// resourceOf is the channel that an address is about, or else the team; empty when it is about neither.
func resourceOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	for _, part := range []string{"/channels/", "/teams/"} {
		if _, rest, ok := strings.Cut(u.Path, part); ok && rest != "" {
			id, _, _ := strings.Cut(rest, "/")
			return id
		}
	}
	return ""
}

// window lets at most so many calls begin in any time of a length.
type window struct {
	most int
	span time.Duration
	// begun are the latest beginnings, those to come included, in order: most of them.
	begun []time.Time
	// held: none may begin before.
	held time.Time
}

// next is when so many calls more may begin together.
func (w *window) next(calls int) time.Time {
	turn := w.held
	if n := len(w.begun) + min(calls, w.most) - w.most; n > 0 {
		if t := w.begun[n-1].Add(w.span); t.After(turn) {
			turn = t
		}
	}
	return turn
}

func (w *window) take(turn time.Time, calls int) {
	i, _ := slices.BinarySearchFunc(w.begun, turn, time.Time.Compare)
	for range calls {
		w.begun = slices.Insert(w.begun, i, turn)
	}
	if extra := len(w.begun) - w.most; extra > 0 {
		w.begun = slices.Delete(w.begun, 0, extra)
	}
}
