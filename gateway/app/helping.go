package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"time"

	"causeway/bridge"
	"causeway/gateway"
	"causeway/gateway/config"
	"causeway/gateway/store"
)

const (
	// helpEvery is how often an instance that delivers for another one looks what it was given, should it not be told.
	helpEvery = time.Second
	// helpAgain is how long an instance that cannot help waits until it tries again.
	helpAgain = 5 * time.Second
	// unableTime is how long an account may be without connection until everything is begun anew, with what the config's files and the environment say of secrets by then.
	unableTime = time.Minute
	// resignTime is how long it may take to give everything back.
	resignTime = 3 * time.Second
)

// help delivers what the holder of the store gives this instance to deliver, until ctx ends.
func (s *standby) help(ctx context.Context) {
	said := ""
	for ctx.Err() == nil {
		err := guarded(func() error { return s.helpOnce(ctx) })
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			said = ""
			rest(ctx, helpEvery)
			continue
		case errors.Is(err, store.ErrClosed):
			said = ""
			s.app.log.WithError(err).Warn("this instance begins anew to deliver")
			rest(ctx, helpEvery)
			continue
		case err.Error() != said:
			said = err.Error()
			s.app.log.WithError(err).Warn("this instance delivers nothing at present; trying again")
		}
		rest(ctx, helpAgain)
	}
}

// helping is an instance that delivers for another one, from joining to the next config.
type helping struct {
	app   *App // with a store of its own kind
	peers *peers
	// again holds a value when there is something to be looked at.
	again  chan struct{}
	fit    string
	said   string                                    // what it has said that it could deliver
	unable time.Time                                 // since when it could deliver nothing
	given  map[bridge.ConversationID]bool            // to which it delivers
	told   map[bridge.ConversationID]gateway.Trouble // what is stored of its troubles
}

// helpOnce helps until ctx ends, the config says something else, or the holder has given it up. What the config cannot be made of, the holder tells.
func (s *standby) helpOnce(ctx context.Context) error {
	read := s.fileSum()
	cfg := s.latest()
	opened, err := openStoreWith(ctx, cfg.Storage, store.Options{Member: true})
	if err != nil {
		return err
	}
	defer func() { _ = opened.Close() }()
	h := &helping{app: &App{log: s.app.log, protocols: s.app.protocols, store: opened, metrics: s.app.metrics}, again: make(chan struct{}, 1),
		given: map[bridge.ConversationID]bool{}, told: map[bridge.ConversationID]gateway.Trouble{}}
	links, err := opened.ChannelLinks(ctx)
	if err != nil {
		return err
	}
	p, err := h.app.assemble(linked(cfg, links), nil)
	defer h.app.end(p.accounts)
	if err != nil {
		return err
	}
	h.fit, h.peers = p.fit(), newPeers(opened, s.app.log)
	defer func() { _ = h.peers.Close() }()
	return h.run(ctx, p, func(links []store.ChannelLink) bool {
		return s.fileSum() == read && (&parts{cfg: linked(cfg, links), routes: routes(linked(cfg, links))}).fit() == h.fit
	})
}

// latest is what the config file says; what it said before where that is of no use.
func (s *standby) latest() *config.Config {
	if s.app.follow != nil {
		if cfg, err := s.app.follow.load(); err == nil {
			s.good, _ = pinned(s.cfg, cfg)
		}
	}
	return cmp.Or(s.good, s.cfg)
}

// fileSum tells apart what the config file says.
func (s *standby) fileSum() (sum [sha256.Size]byte) {
	if s.app.follow == nil {
		return sum
	}
	text, err := os.ReadFile(s.app.follow.path)
	if err != nil {
		return sum
	}
	return sha256.Sum256(text)
}

// run delivers as long as same says that nothing else is asked for, or ctx ends, and then gives everything back.
func (h *helping) run(ctx context.Context, p *parts, same func([]store.ChannelLink) bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a := h.app
	a.gateway = gateway.New(gateway.Options{Plan: gateway.Plan{Accounts: p.accounts, Routes: p.routes, Keep: p.keep()}, Store: a.store, Log: a.log, Version: version(), Metrics: a.metrics,
		Helps: true, Peers: h.peers, Lost: func(bridge.ServerID, bridge.UserID, error) { h.peers.Look() }})
	delivering := make(chan error, 1)
	go func() { delivering <- guarded(func() error { return a.gateway.Run(ctx) }) }()
	hearing := make(chan struct{})
	go func() {
		defer close(hearing)
		h.peers.run(ctx, h.heard)
	}()
	err := h.serve(ctx, same)
	cancel(nil)
	if failed := <-delivering; err == nil {
		err = failed
	}
	<-hearing
	resigning, done := context.WithTimeout(context.WithoutCancel(ctx), resignTime)
	defer done()
	if resigned := a.store.Resign(resigning); resigned == nil {
		_ = h.peers.Peers.Tell(resigning, nil)
	}
	return err
}

// heard takes what others say.
func (h *helping) heard(all []store.Hint) {
	switch {
	case len(all) > 0:
		h.app.gateway.Heard(all)
		return
	case all == nil:
		h.app.gateway.Look()
	}
	prod(h.again)
}

// serve takes and gives back what it is told to.
func (h *helping) serve(ctx context.Context, same func([]store.ChannelLink) bool) error {
	for {
		links, err := h.app.store.ChannelLinks(ctx)
		if err == nil && !same(links) || !h.unable.IsZero() && time.Since(h.unable) > unableTime {
			return nil
		}
		if err == nil {
			err = h.look(ctx)
		}
		if errors.Is(err, store.ErrClosed) || ctx.Err() != nil {
			return err
		}
		timer := time.NewTimer(helpEvery)
		select {
		case <-ctx.Done():
		case <-h.app.store.Done():
		case <-h.again:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// look says what it can, and goes over what it was given.
func (h *helping) look(ctx context.Context) error {
	able := ""
	switch {
	case h.app.gateway.Able():
		able, h.unable = h.fit, time.Time{}
	case h.unable.IsZero():
		h.unable = time.Now()
	}
	if able != h.said {
		if err := h.app.store.Able(ctx, able); err != nil {
			return err
		}
		if h.said = able; able == "" {
			h.app.log.Warn("this instance is given nothing to deliver until all its accounts are connected")
		}
		h.peers.Look()
	}
	lanes, err := h.app.store.Given(ctx)
	if err != nil {
		return err
	}
	var take, back []bridge.ConversationID
	for _, l := range lanes {
		switch {
		case l.Back:
			back = append(back, l.Conversation)
		case !h.given[l.Conversation]:
			take = append(take, l.Conversation)
		}
	}
	if err := h.giveBack(ctx, back); err != nil {
		return err
	}
	for _, c := range take {
		h.given[c] = true
	}
	h.app.gateway.Take(take)
	if len(h.given) == 0 { // what it knows of channels does not matter
		return nil
	}
	if differ, err := h.app.store.RoutesDiffer(ctx); err != nil {
		return err
	} else if differ { // the one that reads has found a channel, or has another config
		if err := h.app.gateway.Recall(ctx); err != nil {
			return err
		}
	}
	return h.troubles(ctx)
}

func (h *helping) giveBack(ctx context.Context, all []bridge.ConversationID) error {
	if len(all) == 0 {
		return nil
	}
	if err := h.app.gateway.Leave(ctx, all); err != nil {
		return err
	}
	if err := h.app.store.GiveBack(ctx, all); err != nil {
		return err
	}
	for _, c := range all {
		delete(h.given, c)
		delete(h.told, c)
	}
	h.peers.Look()
	return nil
}

// troubles stores what keeps it from delivering, for the holder to show.
func (h *helping) troubles(ctx context.Context) error {
	now := h.app.gateway.Troubles()
	for c := range h.given {
		var one gateway.Trouble
		if t := now[c]; t != nil {
			one = *t
		}
		if h.told[c] == one {
			continue
		}
		text := ""
		if one != (gateway.Trouble{}) {
			raw, err := json.Marshal(one)
			if err != nil {
				return err
			}
			text = string(raw)
		}
		if err := h.app.store.Troubled(ctx, c, text); err != nil {
			return err
		}
		h.told[c] = one
	}
	maps.DeleteFunc(h.told, func(c bridge.ConversationID, t gateway.Trouble) bool { return t == gateway.Trouble{} })
	return nil
}
