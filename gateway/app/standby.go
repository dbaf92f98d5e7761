package app

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/gateway"
	"causeway/gateway/config"
	"causeway/gateway/store"
	"causeway/gateway/web"
)

// standby is an App as long as another process holds its store: it answers the same as that one, by asking it, delivers what it is given to deliver, and waits for its turn.
type standby struct {
	app *App
	cfg *config.Config

	// stop ends what runs then, back is called when it has; nil: nobody has held the store. As the store calls behind from the goroutine that opens it, no lock is needed.
	stop    context.CancelFunc
	running sync.WaitGroup
	back    func()
	// good is what the config file said last that was of use, since it stands by; it belongs to help.
	good *config.Config
	// helped is closed when it does not help to deliver any more.
	helped chan struct{}

	elsewhere *web.Elsewhere
	holder    store.Holder
}

// behind is told who holds the store.
func (s *standby) behind(h store.Holder) {
	if s.stop == nil {
		s.begin()
	}
	if h == s.holder {
		return
	}
	s.holder = h
	s.elsewhere.Is(h.Address)
	log := s.app.log.WithFields(logrus.Fields{"holder": h.Name, "address": h.Address, keyListen: s.app.Address().String()})
	switch {
	case h.Name == "":
		log.Warn("standing by: it is not known who leads")
	case h.Address == "":
		log.Warn("standing by: another Causeway leads, and does not say where requests are to be handed on to")
	default:
		log.Info("standing by: another Causeway leads; requests are handed on to it, and this one delivers what it is given")
	}
}

func (s *standby) begin() {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.elsewhere = web.NewElsewhere(s.app.log)
	lent, back := web.Lend(s.app.listener)
	s.back = back
	site := web.Site{PublicURL: s.cfg.HTTP.PublicURL, Elsewhere: s.elsewhere}
	if s.app.metrics != nil {
		site.Scraping = s.app.scraping(s.cfg)
	}
	s.running.Go(func() {
		if err := web.Serve(ctx, lent, site, s.app.log); err != nil {
			s.app.log.WithError(err).Warn("requests are not handed on")
		}
	})
	s.helped = make(chan struct{})
	s.app.helped = s.helped
	go func() {
		defer close(s.helped)
		s.help(ctx)
	}()
	s.running.Go(func() { supervised(ctx, func(context.Context) error { return nil }, s.app.log) })
	tell("STATUS=standing by: another Causeway leads, and this one delivers what it is given", s.app.log)
	s.app.markKey(s.cfg.Storage)
}

// helpEnds is how long the end of helping to deliver is waited for before this instance takes the other one's place. If its way to the database is cut off then, it has
// what it was given taken from it, as others have.
const helpEnds = time.Second

// end stops what runs while standing by.
func (s *standby) end() {
	if s.stop == nil {
		return
	}
	s.stop()
	s.running.Wait()
	s.back()
	late := time.NewTimer(helpEnds)
	defer late.Stop()
	select {
	case <-s.helped:
	case <-late.C:
	}
	tell("STATUS=", s.app.log)
}

// instances adds who works on the store and who stands by.
func (a *App) instances(ctx context.Context, s *gateway.Status) {
	limited, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	all, err := a.store.Instances(limited)
	if err != nil {
		a.log.WithError(err).Debug("the status does not show who stands by")
	}
	for _, i := range all {
		if i.Holds {
			i.Lanes = max(0, len(a.gateway.Channels())-i.Lanes)
		}
		s.Instances = append(s.Instances, gateway.Instance{Name: i.Name, Since: i.Since, Active: i.Holds, Conversations: i.Lanes})
	}
	a.spread.status(s)
}

// watchStore ends with an error when the store has ended by itself: another process has taken it over, or the database has gone back to what it had before.
func (a *App) watchStore(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-a.store.Done():
		return fmt.Errorf("%w: %w", errEnded, a.store.Err())
	}
}
