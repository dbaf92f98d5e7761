package people

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/bridge"
	"causeway/gateway/store"
)

const (
	// departRetry is how long after a failure a directory is read again, at the earliest.
	departRetry = time.Minute
	// departStep is how often is looked whether the next step of a removal can be done.
	departStep = 5 * time.Second
	// departPatience is how long the linked account may stay active because its disconnecting takes time.
	departPatience = 2 * time.Minute
)

// departures notices who has left, and removes them.
//
// A complete reading of the directory gives those who may have left. They are stored with the mark behind it, and stay until a look at
// each one clears or removes them; each later look begins anew. Removing somebody goes in steps that may each be repeated: they are
// allowed (few enough at once, or the operator agreed), disconnected, and last their account at home is deactivated.
type departures struct {
	p       *People
	log     *logrus.Entry
	failing troubles
	woke    chan struct{}
	// disconnect begins to end what makes a person connected on an account, and goes on with that by itself.
	disconnect func(ctx context.Context, p store.Person, from bridge.AccountName) error

	doubting sync.Mutex // guards what follows
	// doubted are the accounts whose directory is to be read whole, as somebody seems to have left of whom it has not told.
	doubted map[bridge.AccountName]bool
	// shown are those who were shown to wait for the operator's consent, asked is how many of each server wait for it.
	shown map[store.User]bool
	asked map[bridge.ServerID]consent

	mutex sync.Mutex // one synchronisation at a time
	// told is of how many the operator has been asked for consent, by account.
	told map[bridge.AccountName]int
	// waiting are those whose removal waits for the operator, as they were looked at last: until the next reading, news of other people is no reason to
	// look at them again.
	waiting map[store.User]Planned
}

func newDepartures(p *People) *departures {
	return &departures{p: p, log: p.o.Log, woke: make(chan struct{}, 1), disconnect: p.disconnect, doubted: map[bridge.AccountName]bool{}, shown: map[store.User]bool{}, asked: map[bridge.ServerID]consent{},
		told: map[bridge.AccountName]int{}, waiting: map[store.User]Planned{}}
}

func (d *departures) run(ctx context.Context) {
	due := map[bridge.AccountName]time.Time{}
	for ctx.Err() == nil {
		news := d.p.changes()
		every := max(d.p.o.Settings.SyncInterval, departRetry)
		wait := every
		for _, a := range d.p.o.Accounts {
			server, connected := d.p.server(a.Name)
			if !connected {
				wait = min(wait, departStep)
				continue
			}
			read := !time.Now().Before(due[a.Name])
			planned, err := d.sync(ctx, a, server, syncing{read: read})
			if ctx.Err() != nil {
				return
			}
			d.failing.report(string(a.Name), d.log.WithField("account", string(a.Name)), "finding who has left", err)
			if err != nil {
				due[a.Name] = time.Now().Add(max(departRetry, bridge.AfterOf(err)))
			} else if read {
				due[a.Name] = time.Now().Add(every)
			}
			wait = min(wait, time.Until(due[a.Name]))
			for _, p := range planned {
				if p.unfinished {
					wait = min(wait, departStep)
				}
			}
		}
		t := time.NewTimer(max(0, wait))
		select {
		case <-ctx.Done():
		case <-news:
		case <-d.woke:
		case <-t.C:
		}
		t.Stop()
	}
}

// suspect takes somebody of whom was seen, otherwise than by reading the directory, that they have left. Where there is a directory, that alone removes
// nobody: the next synchronisation reads all of it, so that many who seem to have left are counted together.
func (d *departures) suspect(ctx context.Context, p store.Person, i store.Identity, seen bridge.Presence) error {
	if a, used := d.p.account(i.Account); used && a.Bridge.Capabilities().Directory {
		d.doubt(a.Name, true)
		return nil
	}
	if err := d.p.o.Store.Suspect(ctx, d.departure(p, i, seen)); err != nil {
		return err
	}
	select {
	case d.woke <- struct{}{}:
	default:
	}
	return nil
}

// doubt says whether a directory is to be read whole.
func (d *departures) doubt(a bridge.AccountName, doubted bool) {
	d.doubting.Lock()
	defer d.doubting.Unlock()
	d.doubted[a] = doubted
}

func (d *departures) doubts(a bridge.AccountName) bool {
	d.doubting.Lock()
	defer d.doubting.Unlock()
	return d.doubted[a]
}

func (d *departures) departure(p store.Person, i store.Identity, seen bridge.Presence) store.Departure {
	one := store.Departure{Server: i.Server, User: i.User, Presence: seen, Seen: time.Now()}
	for _, home := range d.p.homes(p) {
		if home.Server != i.Server {
			one.HomeServer, one.Home = home.Server, home.User
		}
	}
	return one
}

// syncing says what a synchronisation does.
type syncing struct {
	// read the directory; else only go on with those who are known to have left.
	read bool
	// dry: nothing is stored or done.
	dry bool
	// agreed are those to whose removal the operator agrees.
	agreed map[store.User]bool
}

// Sync finds who has left, and removes them; with dryRun it only says what would happen. confirm is the operator's consent to the removal of so many people
// more than [config.People.MaxRemovals] lets go; 0: none. It is to those whom Sync has given before, as somebody has seen them. Where by now there are others
// among those who wait, or more, nobody is removed, which is an error. An error of one account does not keep it from the others.
func (p *People) Sync(ctx context.Context, dryRun bool, confirm int) ([]*Planned, error) {
	how := syncing{read: true, dry: dryRun}
	if confirm > 0 {
		seen, err := p.departures.all(ctx, syncing{read: true, dry: true})
		var others int
		how.agreed, others = p.departures.show(seen)
		n := len(how.agreed)
		const look = "; look at them, and agree with --confirm %d"
		if n > confirm {
			return seen, errors.Join(fmt.Errorf("nobody is removed: %d people wait for your consent by now, and not %d"+look, n, confirm, n), err)
		}
		if others > 0 {
			return seen, errors.Join(fmt.Errorf("nobody is removed: of the %d people who wait for your consent by now, %d have not been shown since Causeway started"+look, n, others, n), err)
		}
	}
	planned, err := p.departures.all(ctx, how)
	p.departures.show(planned)
	return planned, err
}

// show notes who is shown to wait for consent. It gives them, and how many of them were not shown before.
func (d *departures) show(planned []*Planned) (waiting map[store.User]bool, others int) {
	waiting = map[store.User]bool{}
	d.doubting.Lock()
	defer d.doubting.Unlock()
	for _, one := range planned {
		if who := (store.User{Server: one.Departure.Server, User: one.Departure.User}); one.asks() {
			waiting[who] = true
			if !d.shown[who] {
				others++
			}
			d.shown[who] = true
		}
	}
	return waiting, others
}

func (d *departures) all(ctx context.Context, how syncing) ([]*Planned, error) {
	var all []*Planned
	var failed error
	for _, a := range d.p.o.Accounts {
		server, ok := d.p.server(a.Name)
		if !ok {
			if a.Bridge.Capabilities().Directory {
				failed = errors.Join(failed, fmt.Errorf("finding who has left %s: it has not connected yet", a.Name))
			}
			continue
		}
		planned, err := d.sync(ctx, a, server, how)
		all = append(all, planned...)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("finding who has left %s: %w", a.Name, err))
		}
	}
	return all, failed
}

// sync does one account. What it gives was planned also where an error stopped it.
func (d *departures) sync(ctx context.Context, a Account, server bridge.ServerID, how syncing) ([]*Planned, error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	people, err := d.p.o.Store.People(ctx)
	if err != nil {
		return nil, err
	}
	connected := connectedOn(people, server)
	left, failed := d.left(ctx, a, server, connected, how)
	if len(left) == 0 {
		if failed == nil && !how.dry {
			d.await(server, nil, false)
		}
		return nil, failed
	}
	planned := d.look(ctx, a, left, how.read)
	// Where the directory could not be read, only what was allowed before goes on.
	err = d.allow(ctx, a, server, planned, len(connected), how, failed != nil)
	if err == nil && !how.dry {
		err = d.remove(ctx, planned)
		d.await(server, planned, failed != nil)
	}
	return planned, errors.Join(failed, err)
}

// await notes who of a server waits for the operator. doubtful: its directory could not be read, so that the operator is not asked by this.
func (d *departures) await(server bridge.ServerID, planned []*Planned, doubtful bool) {
	maps.DeleteFunc(d.waiting, func(who store.User, _ Planned) bool { return who.Server == server })
	var now consent
	for _, p := range planned {
		if !p.asks() {
			continue
		}
		d.waiting[store.User{Server: p.Departure.Server, User: p.Departure.User}] = *p
		now.people++
		if seen := p.Departure.Seen; now.since.IsZero() || seen.Before(now.since) {
			now.since = seen
		}
	}
	if doubtful {
		return
	}
	d.doubting.Lock()
	defer d.doubting.Unlock()
	d.asked[server] = now
}

// consent is what the operator is asked for: the removal of so many people, of whom the first is known to have left since a time.
type consent struct {
	people int
	since  time.Time
}

// Consent gives how many people who have left are not removed before the operator agrees, and since when the first of them is known to have left; as
// of the latest synchronisation. It asks nobody and returns at once.
func (p *People) Consent() (people int, since time.Time) {
	d := p.departures
	d.doubting.Lock()
	defer d.doubting.Unlock()
	for _, one := range d.asked {
		people += one.people
		if one.people > 0 && (since.IsZero() || one.since.Before(since)) {
			since = one.since
		}
	}
	return people, since
}

// connectedOn gives who is connected on a server, or has been until their token was refused.
func connectedOn(people []store.Person, server bridge.ServerID) map[bridge.UserID]store.Person {
	all := map[bridge.UserID]store.Person{}
	for _, p := range people {
		if i, ok := on(p, server); ok && (i.State == store.Connected || i.State == store.Lost) {
			all[i.User] = p
		}
	}
	return all
}

// left gives who has left a server, stored or just read.
func (d *departures) left(ctx context.Context, a Account, server bridge.ServerID, connected map[bridge.UserID]store.Person, how syncing) ([]store.Departure, error) {
	var found []store.Departure
	var failed error
	if how.read && d.reads(a, how) && len(connected) > 0 {
		var mark string
		found, mark, failed = d.read(ctx, a, server, connected)
		if failed == nil && !how.dry {
			if failed = d.p.o.Store.DirectoryRead(ctx, a.Name, mark, time.Now(), found); failed == nil {
				d.doubt(a.Name, false)
			}
		}
		if failed != nil {
			found = nil
		}
	}
	stored, err := d.p.o.Store.Departures(ctx)
	if err != nil {
		return nil, errors.Join(failed, err)
	}
	var all []store.Departure
	known := map[bridge.UserID]bool{}
	for _, one := range stored {
		if one.Server == server {
			known[one.User] = true
			all = append(all, one)
		}
	}
	for _, one := range found {
		if !known[one.User] {
			all = append(all, one)
		}
	}
	return all, failed
}

// reads reports whether an account's directory is of any use.
func (d *departures) reads(a Account, how syncing) bool {
	return a.Bridge.Capabilities().Directory && (a.home() || how.dry || d.removes())
}

// read reads the directory from where it was left. It gives nobody after an error.
func (d *departures) read(ctx context.Context, a Account, server bridge.ServerID, connected map[bridge.UserID]store.Person) ([]store.Departure, string, error) {
	since, _, err := d.p.o.Store.DirectoryMark(ctx, a.Name)
	if err != nil {
		return nil, "", err
	}
	if d.doubts(a.Name) {
		since = ""
	}
	seen, left, mark, err := readDirectory(ctx, a.Bridge, since, connected)
	if err != nil && bridge.KindOf(err) == bridge.Gone && since != "" {
		since = ""
		seen, left, mark, err = readDirectory(ctx, a.Bridge, since, connected)
	}
	if err != nil {
		return nil, "", fmt.Errorf("reading the directory: %w", err)
	}
	if since == "" { // all were told of, so whoever was not is not there
		if len(seen) == 0 {
			return nil, "", errors.New("reading the directory: it has none of the connected people, which cannot be")
		}
		for u := range connected {
			if !seen[u] {
				left[u] = bridge.Erased
			}
		}
	}
	var found []store.Departure
	for u, presence := range left {
		i, _ := on(connected[u], server)
		found = append(found, d.departure(connected[u], i, presence))
	}
	return found, mark, nil
}

// readDirectory gives which of the connected were told of, and who of them has left; of several words about one the last counts.
func readDirectory(ctx context.Context, b bridge.Bridge, since string, connected map[bridge.UserID]store.Person) (seen map[bridge.UserID]bool, left map[bridge.UserID]bridge.Presence, mark string, err error) {
	seen, left = map[bridge.UserID]bool{}, map[bridge.UserID]bridge.Presence{}
	mark, err = b.Directory(ctx, since, func(page []bridge.Profile) error {
		for _, p := range page {
			if _, ok := connected[p.ID]; !ok {
				continue
			}
			seen[p.ID] = true
			if delete(left, p.ID); p.Standing.Presence != bridge.Present {
				left[p.ID] = p.Standing.Presence
			}
		}
		return nil
	})
	return seen, left, mark, err
}
