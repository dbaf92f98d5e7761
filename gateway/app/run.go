package app

import "context"

// run is `causeway run`.
func (c *call) run(ctx context.Context) error {
	follow := newFollower(c.config, c.load)
	cfg, err := c.load()
	if err != nil {
		return err
	}
	log := newLog(c.Stderr, cfg.General)
	for _, w := range cfg.Warnings {
		log.Warn(w.String())
	}
	a, err := Open(ctx, cfg, c.Protocols, log)
	switch {
	case err == nil:
		a.follow = follow
		return a.Run(ctx)
	case ctx.Err() != nil: // it was told to stop, and has
		return nil
	}
	return err
}
