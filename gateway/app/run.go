package app

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/sirupsen/logrus"

	"causeway/gateway/config"
	"causeway/gateway/store"
)

// errEnded: the store has ended by itself, so that whatever is known of it is to be read anew.
var errEnded = errors.New("stopping")

// anew is the pause before everything is begun anew.
const anew = time.Second

// run is `causeway run`.
func (c *call) run(ctx context.Context) error {
	follow, end := newFollower(c.config, c.load)
	defer end()
	cfg, err := c.load()
	if err != nil {
		return err
	}
	watched := c.watchedLog()
	log := newLog(c.Stderr, cfg.General)
	if watched != nil {
		log.Logger.SetOutput(watched)
		if f, ok := log.Logger.Formatter.(*logrus.TextFormatter); ok {
			f.ForceColors = runtime.GOOS != "windows" // it would look for a terminal itself
		}
	}
	for _, w := range cfg.Warnings {
		log.Warn(w.String())
	}
	for again := false; ; again = true {
		err := c.once(ctx, cfg, follow, watched, log)
		switch {
		case ctx.Err() != nil && errors.Is(err, errEnded): // it was told to stop anyway, and others go on
			return nil
		case ctx.Err() != nil || !errors.Is(err, errEnded) && !(again && errors.Is(err, store.ErrAway)):
			return err
		}
		log.WithError(err).Warn("everything is begun anew from what is stored")
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(anew):
		}
		follow.changed()
		if now, err := c.load(); err == nil {
			cfg = now
		} else { // what it said before holds, and following it tells what is wrong
			follow.forget()
		}
	}
}

// once runs from opening the store to its end. What the config file says otherwise by then, follow takes up.
func (c *call) once(ctx context.Context, cfg *config.Config, follow *follower, watched *terminal, log *logrus.Entry) error {
	a, err := openFollowing(ctx, cfg, c.Protocols, log, follow)
	switch {
	case err == nil:
		a.watched = watched
		return a.Run(ctx)
	case ctx.Err() != nil: // it was told to stop, and has
		return nil
	}
	return ended(err)
}

// ended makes an error one after which all is begun anew where it is that the store has ended by itself.
func ended(err error) error {
	if errors.Is(err, store.ErrClosed) {
		return fmt.Errorf("%w: %w", errEnded, err)
	}
	return err
}
