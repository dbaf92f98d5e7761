package gateway

import (
	"context"
	"hash/fnv"
	"time"

	"causeway/bridge"
	"causeway/gateway/store"
)

// calmly is within what time the lanes go on that have waited for their service: not all at once.
const calmly = time.Second

// alive notes that the service has done what was asked, and lets those go on who wait for that.
func (a *account) alive() {
	a.lastGood.Store(time.Now().UnixNano())
	if !a.awaited.Load() {
		return
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.awaited.Store(false)
	close(a.revived)
	a.revived = make(chan struct{})
}

// revival gives what is closed as soon as the service does anything well again; nil, which never is, where it has since that time.
func (a *account) revival(since time.Time) <-chan struct{} {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.awaited.Store(true) // first, so that nothing is missed
	if a.lastGood.Load() > since.UnixNano() {
		return nil
	}
	return a.revived
}

// spares leaves the step that has failed by err alone for that long. Where its service has done nothing well since the step failed the time before, it goes on as soon as that does.
// It reports false where it was broken off: then the step has not had its time, and that it failed does not count.
func (l *lane) spares(ctx context.Context, p *place, o *store.Outcome, err error, wait time.Duration) bool {
	limit := time.NewTimer(wait)
	defer limit.Stop()
	select {
	case <-limit.C:
		return true
	case <-l.revival(p, o, err):
		return pause(ctx, l.turn())
	case <-ctx.Done():
		l.failures = max(l.failures-1, 0)
		if o.Step.Op == store.Post || o.Step.Op == store.Find && o.Verdict == store.Absent { // of missed
			l.posts = max(l.posts-1, 0)
		}
		return false
	}
}

// turn is when a lane goes on within that time: each at another moment, and at the same one each time.
func (l *lane) turn() time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(l.name.String()))
	return calmly * time.Duration(h.Sum32()%1000) / 1000
}

// revival gives what tells a lane that the service by which its step has failed is there again.
func (l *lane) revival(p *place, o *store.Outcome, err error) <-chan struct{} {
	if kind := bridge.KindOf(err); kind != bridge.Transient && kind != bridge.Uncertain {
		return nil
	}
	a := p.account
	if fromOrigin(err) {
		origin := l.gateway.table.Load().at(o.Work.Message.Origin)
		if origin == nil {
			return nil
		}
		a = origin.account
	}
	since := l.since
	if l.spared.After(since) {
		since = l.spared
	}
	l.spared = time.Now()
	return a.revival(since)
}
