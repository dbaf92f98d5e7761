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
	// lanes is the share of app that is for what lanes read, so that they need not queue behind a feed that has much to
	// catch up with. It is small: lanes write once a second in all, and seldom read more often than they write.
	lanes int
	// write: its pace is PostInterval's, else PollInterval's.
	write bool
}

var (
	rateRead          = &rate{app: 20, resource: 1, lanes: 5}
	ratePost          = &rate{app: 50, resource: 1, user: 1, write: true}
	rateWrite         = &rate{app: 30, resource: 1, user: 1, write: true} // "any other POST, PUT, PATCH"
	rateGet           = &rate{app: 30, resource: 1}                       // "any other GET"
	rateChannel       = &rate{app: 30, resource: 1}
	rateChannels      = &rate{app: 60, resource: 4}
	rateMembers       = &rate{app: 60, resource: 1}
	rateTeams         = &rate{app: 30}
	rateUsers         = &rate{app: 175} // 3,500 units per 10 s in a small tenant, 2 each
	rateDirectory     = &rate{app: 10}  // of the same; pages of it are long
	ratePhotos        = &rate{app: 25}  // Outlook services: 10,000 per 10 min for each mailbox; a choice for all together
	rateFiles         = &rate{app: 20}  // SharePoint tells no numbers (a choice): it throttles when it likes, and says for how long
	rateReadChat      = &rate{app: 20, resource: 1, lanes: 5}
	ratePostChat      = &rate{app: 20, resource: 1, user: 1, write: true}
	rateWriteChat     = &rate{app: 30, resource: 1, write: true}
	rateChats         = &rate{app: 20} // and once a second for each user
	rateChat          = &rate{app: 200, resource: 1}
	rateMakeChat      = &rate{app: 20}
	rateChatPictures  = &rate{app: 60, resource: 1}
	rateSubscriptions = &rate{app: 25} // 500 per 20 s
	rateSubscribed    = &rate{app: 1}  // 25 per 20 s
)

// rates says which row a call belongs to. The one that is not here is made once a day. A batch does not wait by itself, as
// its items count, but it can be throttled as a whole.
var rates = map[*Operation]*rate{
	opBatch: rateRead, opProbe: rateRead, opThreads: rateRead, opReplies: rateRead, opMessage: rateRead, opReply: rateRead,
	opPicture: rateGet, opPicture2: rateGet,
	opPost: ratePost, opPostReply: ratePost,
	opEdit: rateWrite, opEditReply: rateWrite, opDelete: rateWrite, opDeleteReply: rateWrite,
	opReact: rateWrite, opReactReply: rateWrite, opUnreact: rateWrite, opUnreactReply: rateWrite,
	opChannel: rateChannel, opChannels: rateChannels, opMembers: rateMembers, opJoinedTeams: rateTeams,
	opMe: rateUsers, opPerson: rateUsers, opUser: rateUsers, opProfile: rateUsers, opFindUser: rateUsers, opDeletedUser: rateUsers, opDirectory: rateDirectory,
	opPhoto:  ratePhotos,
	opFolder: rateGet, opShared: rateFiles, opItem: rateFiles, opItemNamed: rateFiles, opPutFile: rateFiles, opUploadSession: rateFiles, opRemoveFile: rateFiles,
	opOwnFolder: rateFiles, opOwnDrive: rateFiles, opMakeFolder: rateFiles, opInvite: rateFiles,
	opChats: rateChats, opAllChats: rateChats, opChat: rateChat, opMakeChat: rateMakeChat, opRenameChat: rateWriteChat,
	opChatMessages: rateReadChat, opChatMessage: rateReadChat, opChatPicture: rateChatPictures,
	opPostChat: ratePostChat, opQuoteChat: ratePostChat, opEditChat: rateWriteChat, opDeleteChat: rateWriteChat, opReactChat: rateWrite, opUnreactChat: rateWrite,
	opSubscribeChats: rateSubscriptions,
	opSubscribe:      rateSubscriptions, opRenew: rateSubscriptions, opUnsubscribe: rateSubscriptions, opSubscriptions: rateSubscribed,
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
	// lanesQuiet is how long no lane must have read for a batch to take their share, too.
	lanesQuiet = 10 * time.Second
)

// pacer keeps the account within the rates, so that Graph need not throttle it; and when it does, lets nobody run into
// the same limit a second time. Tokens that fill a bucket would not do: a batch of reads takes all of a second's at once,
// and as many more must not follow while the bucket fills.
type pacer struct {
	read, write time.Duration
	mu          sync.Mutex
	windows     *lru.Cache[limited, *window]
	// laneCalled is when the latest call began, or begins, that counts against the lanes' share.
	laneCalled time.Time
}

// limited is what a window is for.
type limited struct {
	rate *rate
	// kind is 'a' for the app, 'r' for a resource, 'u' for a user, id which; of the app, it is the lanes' share or the rest.
	kind byte
	id   string
}

const lanesShare = "lanes"

// caller is who makes a call.
type caller struct {
	// user is whom it is made as; empty: the app itself.
	user string
	// person: user is somebody who has connected; what they may not at present holds up nobody else.
	person bool
	// lane: for a lane, which is told nothing but when it may go on itself. What the app may not read is no reason to
	// keep the relay account from writing.
	lane bool
}

// scope is what such a caller must pause for want of turns.
func (c caller) scope(s bridge.Scope) bridge.Scope {
	if c.lane {
		return bridge.ScopeConversation
	}
	return s
}

// newPacer paces as the intervals say: shorter ones than Graph's are for what stands in for Graph.
func newPacer(pollInterval, postInterval time.Duration) (*pacer, error) {
	windows, err := lru.New[limited, *window](placesPaced)
	if err != nil {
		return nil, fmt.Errorf("preparing to keep the pace: %w", err)
	}
	return &pacer{read: min(sustainedSecond, pollInterval), write: postInterval, windows: windows}, nil
}

// await waits until calls of op to addresses may begin: one call, or those of a batch. Whoever came first goes first.
func (p *pacer) await(ctx context.Context, op *Operation, who caller, addresses ...string) error {
	if p == nil || rates[op] == nil {
		return nil
	}
	wait, err := p.reserve(op, who, addresses)
	if err != nil || wait <= 0 {
		return err
	}
	if err := pause(ctx, wait); err != nil { // the turn is lost: few do that
		return &bridge.Error{Err: fmt.Errorf("%s: waiting for its turn: %w", op.Doing, err)}
	}
	return nil
}

// reserve takes the first turn that all limits allow, and tells how far away it is: longestTurn at most.
func (p *pacer) reserve(op *Operation, who caller, addresses []string) (time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	all, now := p.places(op, who, addresses...), time.Now()
	turn := all.turn()
	if turn.Before(now) {
		turn = now
	}
	if err := all.tooFar(op, who, turn.Sub(now)); err != nil {
		return 0, err
	}
	for _, one := range all {
		one.window.take(turn, one.calls)
	}
	if who.lane && rates[op].lanes > 0 && turn.After(p.laneCalled) {
		p.laneCalled = turn
	}
	return turn.Sub(now), nil
}

// batchSize is how many calls of op should be made at once.
func (p *pacer) batchSize(op *Operation) int {
	r := rates[op]
	if p == nil || r == nil || r.lanes == 0 {
		return largestBatch
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.laneCalled) > lanesQuiet {
		return largestBatch
	}
	return min(largestBatch, r.app-r.lanes)
}

// far tells, with the error to give, whether a call would have to wait longer than calls do.
func (p *pacer) far(op *Operation, who caller, address string) error {
	if p == nil || rates[op] == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.places(op, who, address)
	return all.tooFar(op, who, time.Until(all.turn()))
}

// places are the windows that calls count in, and how often. They are looked at under the pacer's lock.
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

// scope is what must wait: nothing but one channel, or one person, or all.
func (s places) scope(who caller) bridge.Scope {
	turn, scope := s.turn(), bridge.ScopeConversation
	for l, one := range s {
		switch {
		case l.kind == 'r' || one.window.next(one.calls).Before(turn):
		case l.kind == 'u' && who.person:
			scope = max(scope, bridge.ScopePerson)
		default:
			scope = bridge.ScopeAccount
		}
	}
	return scope
}

// tooFar is the error for a call that would have to wait so long; nil when calls do wait so long.
func (s places) tooFar(op *Operation, who caller, wait time.Duration) error {
	if wait <= longestTurn {
		return nil
	}
	return &bridge.Error{Kind: bridge.Throttled, Scope: who.scope(s.scope(who)), After: wait, Err: fmt.Errorf("%s: Graph allows no more for now", op.Doing)}
}

// places finds the windows for calls. The lock is held.
func (p *pacer) places(op *Operation, who caller, addresses ...string) places {
	all := places{}
	for _, address := range addresses {
		for _, l := range limitsOf(rates[op], who, address) {
			if all[l] == nil {
				all[l] = &share{window: p.window(l)}
			}
			all[l].calls++
		}
	}
	// What a batch has beyond the feed's share, it takes of the lanes'.
	r := rates[op]
	if feed := all[limited{r, 'a', ""}]; feed != nil && r.lanes > 0 && feed.calls > feed.window.most {
		lanes := limited{r, 'a', lanesShare}
		all[lanes] = &share{window: p.window(lanes), calls: feed.calls - feed.window.most}
		feed.calls = feed.window.most
	}
	return all
}

// limitsOf are the limits that a call counts against.
func limitsOf(r *rate, who caller, address string) []limited {
	app := limited{r, 'a', ""}
	if who.lane && r.lanes > 0 {
		app.id = lanesShare
	}
	all := []limited{app}
	if id := resourceOf(address); r.resource > 0 && id != "" {
		all = append(all, limited{r, 'r', id})
	}
	if r.user > 0 && who.user != "" {
		all = append(all, limited{r, 'u', who.user})
	}
	return all
}

// window is found or made. The lock is held.
func (p *pacer) window(l limited) *window {
	if w, ok := p.windows.Get(l); ok {
		return w
	}
	w := &window{most: l.rate.app - l.rate.lanes, span: p.read}
	if l.rate.write {
		w.span = p.write
	}
	switch {
	case l.kind == 'r':
		w.most = l.rate.resource
	case l.kind == 'u':
		w.most = l.rate.user
	case l.id == lanesShare:
		w.most = l.rate.lanes
	}
	p.windows.Add(l, w)
	return w
}

// hold keeps calls away from a limit that Graph says is used up.
func (p *pacer) hold(op *Operation, who caller, answer *answerError, until time.Time) {
	if p == nil || rates[op] == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range usedUp(rates[op], who, answer) {
		if w := p.window(l); until.After(w.held) {
			w.held = until
		}
	}
}

// usedUp are the limits that an answer is about. Where Graph does not say which, it is that of the channel. Where a call
// has no limit of the kind, as one that is about no channel, it is all that it has: it must be one of them.
func usedUp(r *rate, who caller, answer *answerError) []limited {
	all := limitsOf(r, caller{user: who.user}, answer.address)
	if r.lanes > 0 {
		all = append(all, limited{r, 'a', lanesShare}) // Graph knows nothing of shares
	}
	kind := byte('r')
	switch {
	case answer.account && strings.Contains(answer.throttled, "User"):
		kind = 'u'
	case answer.account:
		kind = 'a'
	}
	if named := slices.DeleteFunc(slices.Clone(all), func(l limited) bool { return l.kind != kind }); len(named) > 0 {
		return named
	}
	return all
}

// resourceOf is the chat or channel that an address is about, or else the team; empty when it is about none.
func resourceOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	for _, part := range []string{"/channels/", "/chats/", "/teams/"} {
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
