package notify

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Gate says what may happen to the items of a subscription now.
type Gate int

const (
	// Open lets them be posted.
	Open Gate = iota
	// Paused keeps them until Resume, at most for Config.GiveUp: the subscription's access token has run out.
	Paused
	// Gone throws them away: the subscription has been deleted or has expired.
	Gone
)

// Host is what the engine asks of the stand-in. Both are called without a lock of the engine held.
type Host struct {
	// Gate is asked before each post for each of its subscriptions.
	Gate func(subscription string) Gate
	// Token makes the validation token of an app in a tenant.
	Token func(app, tenant string) string
	// Forge makes the validation token of a forged post.
	Forge func(app, tenant string, f Forgery) string
}

// ErrClosed is what Await gives when the engine has been closed.
var ErrClosed = errors.New("the deliveries have been closed")

// Engine delivers. Make one with New and end it with Close.
type Engine struct {
	conf   Config
	host   Host
	client *http.Client
	ctx    context.Context
	cancel context.CancelFunc
	begin  time.Time
	wg     sync.WaitGroup // workers, and timers that wait

	mu      sync.Mutex
	closed  bool
	held    bool
	cut     int // >0: an answer status in place of posting; <0: connections fail; 0: no outage
	lanes   map[string]*lane
	timers  map[*time.Timer]func()
	parked  map[string][]*post // by subscription
	resumed map[string]int     // how often Resume was called, by subscription
	pending int                // items that are neither delivered nor given up, parked ones not counted
	idle    chan struct{}      // closed when pending is 0
	stats   Stats
	faults  Faults
	sent    uint64     // items since SetFaults
	told    uint64     // lifecycle notifications ever
	random  *rand.Rand // of Draw and Pick
}

// lane is what waits for one URL.
type lane struct {
	url      string
	queue    []*post
	busy     int
	aside    *post // held back so that the next one overtakes it
	endpoint endpoint
}

// post is what is posted at once: fresh ones hold one item each and are put together when they leave.
type post struct {
	lane    *lane
	items   []*delivery
	attempt int
	since   time.Duration // when the change happened
}

// delivery is an item on its way.
type delivery struct {
	*Item
	number   uint64 // which item since SetFaults: its dice are thrown with it
	capitals bool
	forgery  Forgery
	copy     bool
}

// New makes an engine; nothing runs until something is sent.
func New(conf Config, host Host) *Engine {
	conf = conf.withDefaults()
	transport := conf.Transport
	if transport == nil {
		transport = &http.Transport{TLSClientConfig: conf.TLS, MaxIdleConnsPerHost: conf.Parallel, IdleConnTimeout: 90 * time.Second}
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Engine{
		conf: conf, host: host, ctx: ctx, cancel: cancel, begin: time.Now(),
		client: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		lanes:  map[string]*lane{}, timers: map[*time.Timer]func(){}, parked: map[string][]*post{}, resumed: map[string]int{},
		idle: make(chan struct{}), random: rand.New(rand.NewPCG(0, 0)),
	}
}

// now is the time of deliveries since the beginning.
func (e *Engine) now() time.Duration {
	return time.Duration(float64(time.Since(e.begin)) * e.conf.Speed)
}

// Real gives how long a duration of deliveries takes.
func (e *Engine) Real(d time.Duration) time.Duration { return time.Duration(float64(d) / e.conf.Speed) }

// later runs f with the lock held after a time of deliveries. The caller holds the lock.
func (e *Engine) later(d time.Duration, f func()) {
	if e.closed {
		return
	}
	e.wg.Add(1)
	var t *time.Timer
	t = time.AfterFunc(e.Real(d), func() {
		defer e.wg.Done()
		e.mu.Lock()
		defer e.mu.Unlock()
		if _, waiting := e.timers[t]; waiting {
			delete(e.timers, t)
			f()
		}
	})
	e.timers[t] = f
}

// Send takes items in the order of the changes.
func (e *Engine) Send(items ...*Item) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	for _, it := range items {
		if it.Lifecycle != "" {
			e.stats.Lifecycle++
		} else {
			e.stats.Items++
		}
		e.misbehave(it)
	}
}

// begins counts a delivery and puts it into its lane. The caller holds the lock.
func (e *Engine) begins(d *delivery) *post {
	e.pending++
	l := e.lanes[d.URL]
	if l == nil {
		l = &lane{url: d.URL}
		e.lanes[d.URL] = l
	}
	return &post{lane: l, items: []*delivery{d}, since: e.now()}
}

// enqueue puts a fresh post where its endpoint's state lets it: into the queue, later, or nowhere.
func (e *Engine) enqueue(p *post) {
	switch state := p.lane.endpoint.state(e.now()); {
	case state == dropping && p.items[0].forgery == "":
		e.stats.Dropped += len(p.items)
		e.ended(len(p.items))
	case state == slow:
		e.later(e.conf.Window, func() { e.push(p) })
	default:
		e.push(p)
	}
}

func (e *Engine) push(p *post) {
	p.lane.queue = append(p.lane.queue, p)
	if aside := p.lane.aside; aside != nil {
		p.lane.aside = nil
		p.lane.queue = append(p.lane.queue, aside)
	}
	e.kick(p.lane)
}

// kick starts a worker for a lane that has something to do. The caller holds the lock.
func (e *Engine) kick(l *lane) {
	for !e.held && !e.closed && l.busy < min(e.conf.Parallel, len(l.queue)) {
		l.busy++
		e.wg.Add(1)
		go e.work(l)
	}
}

func (e *Engine) work(l *lane) {
	defer e.wg.Done()
	for {
		e.mu.Lock()
		p := e.take(l)
		if p == nil {
			l.busy--
			e.mu.Unlock()
			return
		}
		e.mu.Unlock()
		e.deliver(p)
	}
}

// take gives the next post of a lane: a repeated one by itself, fresh ones put together.
func (e *Engine) take(l *lane) *post {
	if e.held || e.closed || len(l.queue) == 0 {
		return nil
	}
	p := l.queue[0]
	l.queue = l.queue[1:]
	for p.joins() && len(l.queue) > 0 && l.queue[0].joins() && len(p.items) < e.batch() {
		p.items = append(p.items, l.queue[0].items...)
		l.queue = l.queue[1:]
	}
	return p
}

func (e *Engine) batch() int { return max(e.conf.Batch, e.faults.Batch) }

// joins tells whether a post may go together with others.
func (p *post) joins() bool {
	return p.attempt == 0 && p.items[0].Lifecycle == "" && !p.items[0].forgery.whole()
}

// ended counts items that need no more attention. The caller holds the lock.
func (e *Engine) ended(n int) {
	e.pending -= n
	if e.pending == 0 {
		close(e.idle)
		e.idle = make(chan struct{})
	}
}

// Await waits until everything sent has been delivered, lost or thrown away; what is parked because its subscription is
// paused does not count. It gives the context's error when that ends first.
func (e *Engine) Await(ctx context.Context) error {
	for {
		e.mu.Lock()
		idle, pending, closed := e.idle, e.pending, e.closed
		e.mu.Unlock()
		switch {
		case pending == 0:
			return nil
		case closed:
			return ErrClosed
		}
		select {
		case <-idle:
		case <-e.ctx.Done():
			return ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Hold lets items gather until release is called; a test can make batches with it.
func (e *Engine) Hold() (release func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.held = true
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.held = false
		for _, l := range e.lanes {
			e.kick(l)
		}
	}
}

// Outage makes every post and handshake fail: with a status, as if something before the endpoint answered it, or with 0
// by a connection that is refused. EndOutage ends it.
func (e *Engine) Outage(status int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cut = status
	if status == 0 {
		e.cut = -1
	}
}

// EndOutage ends an Outage. What failed meanwhile is repeated when its interval is over.
func (e *Engine) EndOutage() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cut = 0
}

// Resume lets go what was parked for a subscription.
func (e *Engine) Resume(subscription string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.resumed[subscription]++
	waiting := e.parked[subscription]
	delete(e.parked, subscription)
	for _, p := range waiting {
		e.pending += len(p.items)
		e.push(p)
	}
}

// Close ends all deliveries and waits for those that are on their way. What was waiting is never delivered.
func (e *Engine) Close() {
	e.mu.Lock()
	e.closed = true
	for t := range e.timers {
		if t.Stop() {
			e.wg.Done()
		}
	}
	clear(e.timers)
	e.cancel()
	e.mu.Unlock()
	e.wg.Wait()
	e.client.CloseIdleConnections()
}

// After calls f, without a lock of the engine held, after a real time; Close stops it. It is for what the stand-in has
// to do at a certain time.
func (e *Engine) After(d time.Duration, f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	e.wg.Add(1)
	var t *time.Timer
	t = time.AfterFunc(d, func() {
		defer e.wg.Done()
		e.mu.Lock()
		_, waiting := e.timers[t]
		delete(e.timers, t)
		e.mu.Unlock()
		if waiting {
			f()
		}
	})
	e.timers[t] = nil
}
