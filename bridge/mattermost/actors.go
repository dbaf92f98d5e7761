package mattermost

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net/url"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

const (
	// knownActors bounds the tokens in memory; one takes 620 bytes (measured). Others are loaded when they are needed.
	knownActors = 4000
	// soon is when a token is renewed before it is used. The server gives it 30 days (SessionLengthSSOInHours).
	soon = time.Hour
	// early and spread say when Verify renews: between one and five days before the end, each person at another time.
	early, spread = 24 * time.Hour, 4 * 24 * time.Hour
)

// actor acts as one connected person. It does not change.
type actor struct {
	*client
	grant grant
}

// actors is the source of the tokens of connected people, whichever way they were given. What is in the vault counts: a token is
// loaded when it is needed first, and again when it is refused.
//
// A refresh token is good for one pair of tokens, so one caller renews for all, what it got is stored before it is used, and the
// end of the caller's context does not break that off. When the process dies in between, the person has to connect again.
type actors struct {
	account *account
	known   *lru.Cache[string, *actor]
	turns   turns

	mu sync.Mutex
	// unsaved are renewed grants that could not be stored: the old ones are good for nothing any more.
	unsaved map[string]renewal
}

// renewal is a grant in the place of the one with that access token.
type renewal struct {
	grant
	of string
}

func newActors(a *account) *actors {
	known, err := lru.New[string, *actor](knownActors)
	if err != nil {
		panic(err) // the size is a positive constant
	}
	return &actors{account: a, known: known, unsaved: map[string]renewal{}}
}

// usable gives the token in memory unless it is the refused one, or ends.
func (s *actors) usable(user, refused string, margin time.Duration) (*actor, bool) {
	known, ok := s.known.Get(user)
	if !ok || known.grant.Access == refused || known.grant.ends(time.Now(), margin) {
		return nil, false
	}
	return known, true
}

// get gives who acts as a user, with a token that is not the refused one and lasts for the margin. Unauthorised: there is none.
func (s *actors) get(ctx context.Context, u bridge.UserID, refused string, margin time.Duration) (*actor, error) {
	user := string(u)
	if !model.IsValidId(user) {
		return nil, gone("there is no user %q on this server", u)
	}
	if known, ok := s.usable(user, refused, margin); ok {
		return known, nil
	}
	done, err := s.turns.take(ctx, user)
	if err != nil {
		return nil, err
	}
	defer done()
	if known, ok := s.usable(user, refused, margin); ok {
		return known, nil
	}
	g, err := s.load(ctx, user)
	if err != nil {
		return nil, err
	}
	if g.Access == refused || g.ends(time.Now(), margin) {
		renewed, err := s.renew(ctx, user, g)
		switch {
		case err == nil:
			g = renewed
		case g.Access == refused || g.ends(time.Now(), 0) || lost(err):
			s.known.Remove(user)
			return nil, err
		}
	}
	made := &actor{client: s.account.client.as(g.secret()), grant: g}
	s.known.Add(user, made)
	return made, nil
}

// load reads the grant of a user. What could not be stored is stored now, unless they have given another one since.
func (s *actors) load(ctx context.Context, user string) (grant, error) {
	s.mu.Lock()
	waiting, renewed := s.unsaved[user]
	s.mu.Unlock()
	g, ok, err := s.kept(ctx, user)
	switch {
	case err != nil:
		return g, err
	case renewed && (!ok || g.Access == waiting.of):
		return waiting.grant, s.store(ctx, user, waiting)
	case renewed:
		s.saved(user)
	case !ok:
		err = lostFor("nothing is kept to act as them")
	}
	return g, err
}

// saved forgets what could not be stored.
func (s *actors) saved(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.unsaved, user)
}

// kept reads the vault.
func (s *actors) kept(ctx context.Context, user string) (g grant, ok bool, err error) {
	data, err := s.account.vault.Load(ctx, bridge.PersonGrant(bridge.UserID(user)))
	if err == nil && data != nil {
		g, err = decodeGrant(data)
	}
	if err != nil {
		return grant{}, false, &bridge.Error{Scope: bridge.ScopePerson, Err: fmt.Errorf("acting as user %s: %w", user, err)}
	}
	return g, data != nil, nil
}

func lostFor(why string) error {
	return &bridge.Error{Kind: bridge.Unauthorised, Scope: bridge.ScopePerson, Hint: hintGrant, Err: errors.New("acting as a person: " + why)}
}

// renew changes the refresh token into a new pair, and stores that.
func (s *actors) renew(ctx context.Context, user string, old grant) (grant, error) {
	if old.Refresh == "" {
		return grant{}, s.revoked(ctx, user, old)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*s.account.timing.request)
	defer cancel()
	app, err := s.account.keptApp(ctx)
	if err != nil {
		return grant{}, fmt.Errorf("renewing the tokens of user %s: %w", user, err)
	}
	var answer accessResponse
	try := func() error {
		return s.account.client.submit(ctx, opPost, "/oauth/access_token", url.Values{
			"grant_type": {model.RefreshTokenGrantType}, "client_id": {app.ID}, "client_secret": {app.Secret}, "refresh_token": {old.Refresh},
		}, &answer)
	}
	if err = try(); lost(err) {
		if err = s.account.surely(ctx, lost, try); lost(err) {
			return s.renewedElsewhere(ctx, user, old, err)
		}
	}
	if err != nil {
		return grant{}, fmt.Errorf("renewing the tokens of user %s: %w", user, ofPerson(err))
	}
	renewed, err := answer.grant(app.ID, time.Now())
	if err != nil {
		return grant{}, err
	}
	return renewed, s.store(ctx, user, renewal{renewed, old.Access})
}

// renewedElsewhere waits a little for another instance that may have been first.
func (s *actors) renewedElsewhere(ctx context.Context, user string, old grant, refused error) (grant, error) {
	for range 3 {
		g, ok, err := s.kept(ctx, user)
		if err != nil {
			return grant{}, err
		}
		if ok && g.Access != old.Access {
			return g, nil
		}
		if err := sleep(ctx, s.account.timing.retry); err != nil {
			return grant{}, err
		}
	}
	return grant{}, fmt.Errorf("renewing the tokens of user %s: %w", user, refused)
}

// store keeps a renewed grant. Where nothing is kept any more the person has disconnected, and it is given back.
func (s *actors) store(ctx context.Context, user string, g renewal) error {
	kept, err := s.account.vault.Renew(ctx, bridge.PersonGrant(bridge.UserID(user)), g.encode())
	if err != nil {
		s.mu.Lock()
		s.unsaved[user] = g
		s.mu.Unlock()
		return &bridge.Error{Scope: bridge.ScopePerson, Err: fmt.Errorf("storing the renewed tokens of user %s: %w", user, err)}
	}
	s.saved(user)
	if !kept {
		if err := s.account.deauthorize(ctx, s.account.client.as(g.secret()), g.App); err != nil {
			s.account.log.WithError(err).Warn("tokens of somebody who has disconnected meanwhile could not be revoked; they end by themselves")
		}
		return lostFor("they have disconnected")
	}
	return nil
}

// forget makes the next use read the vault.
func (s *actors) forget(u bridge.UserID) { s.known.Remove(string(u)) }

// ofPerson narrows an error to the person, and calls it Transient where it is Uncertain: nothing of what was to be done has been.
func ofPerson(err error) error {
	var e *bridge.Error
	if !errors.As(err, &e) || e.Scope == bridge.ScopeAccount {
		return err
	}
	narrowed := *e
	narrowed.Scope = bridge.ScopePerson
	if narrowed.Kind == bridge.Uncertain || narrowed.Kind == bridge.Unsupported || narrowed.Kind == bridge.Rejected {
		narrowed.Kind = bridge.Transient
	}
	return &narrowed
}

// by does something as a user, or as the bot when as is empty. A token that is refused is renewed once: nothing has taken effect then.
func (a *account) by(ctx context.Context, as bridge.UserID, do func(c *client, user string) error) error {
	if as == "" {
		me, _, err := a.self()
		if err != nil {
			return err
		}
		return do(a.client, me.Id)
	}
	who, err := a.actors.get(ctx, as, "", soon)
	if err != nil {
		return err
	}
	err = do(who.client, string(as))
	if !lost(err) {
		return err
	}
	if who, err = a.actors.get(ctx, as, who.grant.Access, soon); err != nil {
		return err
	}
	return do(who.client, string(as))
}

// Verify makes sure that a person's token is good. What ends within some days is renewed; the days differ from person to person, so
// that people who connected together do not renew together.
func (a *account) Verify(ctx context.Context, u bridge.UserID) error {
	h := fnv.New32a()
	_, _ = h.Write([]byte(u)) // a hash takes everything
	margin := early + spread*time.Duration(h.Sum32()%1000)/1000
	if _, err := a.actors.get(ctx, u, "", margin); err != nil {
		return fmt.Errorf("making sure of a connection: %w", err)
	}
	return a.by(ctx, u, func(c *client, user string) error {
		var me model.User
		if err := c.get(ctx, "/users/me", &me); err != nil {
			return fmt.Errorf("making sure of a connection: %w", err)
		}
		if me.Id != user {
			return lostFor("the token is somebody else's")
		}
		return nil
	})
}

// turns lets one at a time work on each of many things.
type turns struct {
	mu   sync.Mutex
	busy map[string]chan struct{}
}

// take waits for the turn.
func (t *turns) take(ctx context.Context, key string) (done func(), err error) {
	for {
		t.mu.Lock()
		other, busy := t.busy[key]
		if !busy {
			mine := make(chan struct{})
			if t.busy == nil {
				t.busy = map[string]chan struct{}{}
			}
			t.busy[key] = mine
			t.mu.Unlock()
			return func() {
				t.mu.Lock()
				delete(t.busy, key)
				t.mu.Unlock()
				close(mine)
			}, nil
		}
		t.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
