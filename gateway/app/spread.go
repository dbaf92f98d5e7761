package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"causeway/bridge"
	"causeway/gateway"
	"causeway/gateway/store"
)

const (
	// membersEvery is how often the holder looks whether the others are there, and nobodyEvery as long as there are none: whoever comes says so.
	membersEvery = 500 * time.Millisecond
	nobodyEvery  = 5 * time.Second
	// missingTime is how long the session of a member must be missing for the member to be gone: it may be connecting anew.
	missingTime = membersEvery
)

// spread is the work of the instance that holds the store to have the others deliver, too, each to as many conversations as itself.
type spread struct {
	app   *App
	peers *peers
	// again holds a value when there is something to be looked at, sought when who there is.
	again, sought chan struct{}
	// left are the conversations to which this instance does not deliver, missing since when members are missed.
	left    map[bridge.ConversationID]bool
	missing map[int64]time.Time

	mutex sync.Mutex
	// members are those who were there last, once that is known.
	members []store.Member
	known   bool
	// names are the instances that deliver to what this one does not, unfit since when some could deliver otherwise only.
	names map[bridge.ConversationID]string
	unfit map[string]time.Time
}

// newSpread prepares it before the gateway is made; nil where the store can have one instance only.
func (a *App) newSpread(ctx context.Context) (s *spread, elsewhere []bridge.ConversationID, err error) {
	p := newPeers(a.store, a.log)
	if p == nil {
		return nil, nil, nil
	}
	s = &spread{app: a, peers: p, again: make(chan struct{}, 1), sought: make(chan struct{}, 1), left: map[bridge.ConversationID]bool{}, missing: map[int64]time.Time{}}
	lanes, err := a.store.Lanes(ctx)
	if err != nil {
		_ = p.Close()
		return nil, nil, err
	}
	for _, l := range lanes {
		s.left[l.Conversation] = true
		elsewhere = append(elsewhere, l.Conversation)
	}
	return s, elsewhere, nil
}

// gatewayPeers is what the gateway tells the others by; nil where there are none.
func (s *spread) gatewayPeers() gateway.Peers {
	if s == nil {
		return nil
	}
	return s.peers
}

// run spreads the work until ctx ends.
func (s *spread) run(ctx context.Context) {
	if s == nil {
		<-ctx.Done()
		return
	}
	defer func() { _ = s.peers.Close() }()
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { s.peers.run(ctx, s.heard) })
	running.Go(func() { s.seek(ctx) })
	failing := false
	for ctx.Err() == nil {
		err := s.look(ctx)
		switch {
		case ctx.Err() != nil || errors.Is(err, store.ErrClosed):
		case err != nil && !failing:
			s.app.log.WithError(err).Warn("sharing the work with other instances failed; trying again: see that PostgreSQL can be reached; until then each goes on with what it has")
		case err == nil && failing:
			s.app.log.Info("sharing the work with other instances works again")
		}
		if failing = err != nil; failing {
			rest(ctx, membersEvery)
			continue
		}
		select {
		case <-ctx.Done():
		case <-s.again:
		}
	}
}

// seek looks who there is, until ctx ends, and ends the sessions of those that are silent. It writes nothing: one that is silent may keep everybody from writing.
func (s *spread) seek(ctx context.Context) {
	for ctx.Err() == nil {
		members, err := s.app.store.Members(ctx)
		every := membersEvery
		switch {
		case err != nil && ctx.Err() == nil:
			s.app.log.WithError(err).Debug("it is not known which other instances deliver")
		case err == nil:
			if len(members) == 0 {
				every = nobodyEvery
			}
			s.mutex.Lock()
			s.members, s.known = members, true
			s.mutex.Unlock()
			prod(s.again)
		}
		timer := time.NewTimer(every)
		select {
		case <-ctx.Done():
		case <-s.sought:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// retold is told that the gateway goes by another table, of which members must know before they deliver anything more.
func (s *spread) retold() {
	if s != nil {
		prod(s.again)
	}
}

// heard takes what others say.
func (s *spread) heard(all []store.Hint) {
	switch {
	case len(all) > 0:
		s.app.gateway.Heard(all)
		return
	case all == nil:
		s.app.gateway.Look()
	}
	s.app.gateway.PeopleChanged()
	s.app.crowd.now().Noticed()
	prod(s.sought)
}

// look goes over who there is, and what they deliver.
func (s *spread) look(ctx context.Context) error {
	s.mutex.Lock()
	members, known := s.members, s.known
	s.mutex.Unlock()
	if !known || len(members) == 0 && len(s.left) == 0 {
		return nil
	}
	members, err := s.strikeOut(ctx, members)
	if err != nil {
		return err
	}
	if err := s.tellTable(ctx); err != nil {
		return err
	}
	lanes, err := s.app.store.Lanes(ctx)
	if err == nil {
		lanes, err = s.orphaned(ctx, members, lanes)
	}
	if err != nil {
		return err
	}
	s.returned(members, lanes)
	return s.move(ctx, members, lanes)
}

// tellTable stores by which table the gateway goes, where that has not been stored with anything else, and has members go by it.
func (s *spread) tellTable(ctx context.Context) error {
	differ, err := s.app.store.RoutesDiffer(ctx)
	if err == nil && differ {
		err = s.app.store.StoreRoutes(ctx)
		s.peers.Look()
	}
	return err
}

// orphaned takes back what is with a member of which nobody knows any more.
func (s *spread) orphaned(ctx context.Context, members []store.Member, lanes []store.Lane) (rest []store.Lane, err error) {
	known := map[int64]bool{}
	for _, m := range members {
		known[m.Number] = true
	}
	for _, l := range lanes {
		if known[l.Member] {
			rest = append(rest, l)
		} else if _, err := s.app.store.Expel(ctx, l.Member); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

// strikeOut strikes out who is gone.
func (s *spread) strikeOut(ctx context.Context, members []store.Member) (there []store.Member, err error) {
	now := time.Now()
	missing := map[int64]time.Time{}
	for _, m := range members {
		since := cmp.Or(s.missing[m.Number], now)
		switch {
		case m.Present:
			there = append(there, m)
		case now.Sub(since) < missingTime:
			missing[m.Number] = since
			m.Fit = "" // it gets nothing more
			there = append(there, m)
		default:
			had, err := s.app.store.Expel(ctx, m.Number)
			if err != nil {
				return nil, err
			}
			log := s.app.log.WithField(keyProcess, m.Name).WithField(keyConversations, len(had))
			if len(had) > 0 {
				log.Warn("another instance is gone; what it delivered is delivered by the others")
			} else {
				log.Info("another instance is gone")
			}
			s.app.gateway.Look() // what it was about to tell has not been told
			s.mutex.Lock()
			s.members = slices.DeleteFunc(slices.Clone(s.members), func(other store.Member) bool { return other.Number == m.Number })
			s.mutex.Unlock()
		}
	}
	s.missing = missing
	return there, nil
}

// returned takes over what nobody else delivers any more, and notes how it stands with the rest.
func (s *spread) returned(members []store.Member, lanes []store.Lane) {
	names := map[int64]string{}
	for _, m := range members {
		names[m.Number] = m.Name
	}
	elsewhere := map[bridge.ConversationID]string{}
	for _, l := range lanes {
		elsewhere[l.Conversation] = names[l.Member]
		s.app.gateway.Apart(l.Conversation, troubleOf(l.Trouble))
	}
	var back []bridge.ConversationID
	for c := range s.left {
		if _, there := elsewhere[c]; !there {
			back = append(back, c)
		}
	}
	s.mutex.Lock()
	s.names = elsewhere
	s.mutex.Unlock()
	s.app.gateway.Take(back)
	for _, c := range back {
		delete(s.left, c)
	}
	if len(back) > 0 {
		s.app.gateway.Look() // what those who have stopped were about to tell has not been told
	}
}

func troubleOf(text string) *gateway.Trouble {
	var t gateway.Trouble
	if text == "" || json.Unmarshal([]byte(text), &t) != nil {
		return nil
	}
	return &t
}

// move gives members what they lack, and asks for what they have too much.
func (s *spread) move(ctx context.Context, members []store.Member, lanes []store.Lane) error {
	able := s.able(members)
	give, back := balance(s.app.gateway.Channels(), lanes, able)
	if len(give) == 0 && len(back) == 0 {
		return nil
	}
	defer s.peers.Look()
	if err := s.app.store.CallBack(ctx, back); err != nil {
		return err
	}
	var leaving []bridge.ConversationID
	for _, all := range give {
		leaving = append(leaving, all...)
	}
	for _, c := range leaving { // from now on it counts whether it is in the store
		s.left[c] = true
	}
	if err := s.app.gateway.Leave(ctx, leaving); err != nil {
		return err
	}
	for _, member := range slices.Sorted(maps.Keys(give)) {
		if err := s.app.store.Give(ctx, member, give[member]); err != nil {
			return err
		}
	}
	return nil
}

// able gives the members that could deliver what this instance could, and says of whom that is not so.
func (s *spread) able(members []store.Member) (able []int64) {
	fit, unfit := s.app.parts.Load().fit(), map[string]time.Time{}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, m := range members {
		switch since, known := s.unfit[m.Name]; {
		case m.Fit == fit:
			able = append(able, m.Number)
		case m.Fit != "" && !known: // a config that is being changed everywhere is no trouble
			unfit[m.Name] = time.Now()
		case m.Fit != "":
			unfit[m.Name] = since
		}
	}
	s.unfit = unfit
	return able
}

// unfitTime is how long the configs of two instances may differ before that is a warning.
const unfitTime = time.Minute

// status shows who delivers where.
func (s *spread) status(to *gateway.Status) {
	if s == nil {
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	byText := map[string]string{}
	for c, name := range s.names {
		byText[c.String()] = name
	}
	for _, g := range to.Gateways {
		for i := range g.Conversations {
			g.Conversations[i].Instance = byText[g.Conversations[i].ID]
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.unfit)) {
		if since := s.unfit[name]; time.Since(since) > unfitTime {
			to.Warnings = append(to.Warnings, gateway.Problem{Where: "instance " + name, Trouble: gateway.Trouble{Since: since,
				Text: "it delivers to nothing, as its version or its config says otherwise of accounts and channels than that of the instance that leads", Next: "give both the same version and config.toml"}})
		}
	}
}
