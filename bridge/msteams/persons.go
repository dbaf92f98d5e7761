package msteams

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"

	"causeway/bridge"
)

// People who have connected each have tokens of their own. An access token is asked for when something is to be written as
// somebody, and lives 60 to 90 minutes by Entra's own choice, so renewals spread by themselves: 2,000 people who all go on
// writing make one every two seconds. What could still bring them together, as looking after all of them once a day, passes through
// a gate of renewalsAtOnce.
const (
	// personsKept is for how many people tokens are in memory; who has not written for longest is asked for anew. One takes 1.4 KB
	// (BenchmarkPeople), and an access token, which has 2 to 3 KB at Microsoft.
	personsKept = 4096
	// renewalsAtOnce is how many people's tokens are renewed at the same time.
	renewalsAtOnce = 8
)

// persons are those as whom something was written lately.
type persons struct {
	a        *account
	graphURL string
	pacer    *pacer
	renewals chan struct{}

	mu   sync.Mutex
	held *lru.Cache[bridge.UserID, *personal]
}

// personal is one person's client.
type personal struct {
	of *persons
	id bridge.UserID
	*client

	mu sync.Mutex
	// parted: the person has disconnected, or connected again; what is under way with the old grant leads nowhere.
	parted bool
}

func newPersons(a *account, graphURL string, pacer *pacer) (*persons, error) {
	held, err := lru.New[bridge.UserID, *personal](personsKept)
	if err != nil {
		return nil, fmt.Errorf("preparing to act as people: %w", err)
	}
	return &persons{a: a, graphURL: graphURL, pacer: pacer, renewals: make(chan struct{}, renewalsAtOnce), held: held}, nil
}

// get gives the client of somebody, whether they have connected or not: that is seen when it asks for a token.
func (ps *persons) get(id bridge.UserID) (*personal, error) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p, ok := ps.held.Get(id); ok {
		return p, nil
	}
	p := &personal{of: ps, id: id}
	t := newTokens(hintConnectAgain, p.renew)
	t.again = true
	var err error
	if p.client, err = newClient(ps.graphURL, caller{user: string(id), person: true}, t, ps.pacer, ps.a.env.Called, timed{ps.a.network, &ps.a.clock}); err != nil {
		return nil, err
	}
	ps.held.Add(id, p)
	return p, nil
}

// part forgets somebody's tokens, also those that are just being renewed.
func (ps *persons) part(id bridge.UserID) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p, ok := ps.held.Peek(id)
	if !ok {
		return
	}
	ps.held.Remove(id)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.parted = true
}

// writer gives the client that writes as somebody; as the relay account for nobody.
func (a *account) writer(as bridge.UserID) (*client, error) {
	if as == "" {
		return a.relay, nil
	}
	p, err := a.persons.get(as)
	if err != nil {
		return nil, &bridge.Error{Kind: bridge.Transient, Scope: bridge.ScopePerson, Err: err}
	}
	return p.client, nil
}

// personGrant is what is kept of a person who has connected.
type personGrant struct {
	RefreshToken string `json:"refresh_token"`
	// User is who gave it.
	User bridge.UserID `json:"user"`
	// Scopes are the permissions that Entra named with it.
	Scopes []string `json:"scopes,omitempty"`
}

// readGrant reads what somebody has granted.
func readGrant(u bridge.UserID, text []byte) (personGrant, error) {
	var g personGrant
	switch {
	case json.Unmarshal(text, &g) != nil || g.RefreshToken == "": // the error could show parts of the token
		return g, errors.New("the grant cannot be read")
	case g.User != u:
		return g, errors.New("the grant is somebody else's")
	}
	return g, nil
}

// notConnected is for those who have not connected, or not any more.
func notConnected(doing string) error {
	return &bridge.Error{Kind: bridge.Unauthorised, Scope: bridge.ScopePerson, Hint: hintConnectAgain, Err: errors.New(doing + ": the person is not connected")}
}

// load gives somebody's grant as it is kept.
func (ps *persons) load(ctx context.Context, id bridge.UserID) (personGrant, error) {
	const doing = "loading a person's grant"
	text, err := ps.a.env.Vault.Load(ctx, bridge.PersonGrant(id))
	if err != nil {
		return personGrant{}, &bridge.Error{Scope: bridge.ScopeAccount, Err: fmt.Errorf("%s: %w", doing, err)}
	}
	if text == nil {
		return personGrant{}, notConnected(doing)
	}
	g, err := readGrant(id, text)
	if err != nil {
		return g, &bridge.Error{Kind: bridge.Unauthorised, Scope: bridge.ScopePerson, Hint: hintConnectAgain, Err: fmt.Errorf("%s: %w", doing, err)}
	}
	return g, nil
}

// renew gets an access token from the kept refresh token. The newest refresh token is stored before the access token is used;
// where the grant has been taken away meanwhile, nothing is stored and nothing used.
func (p *personal) renew(ctx context.Context, claims string) (granted, error) {
	select {
	case p.of.renewals <- struct{}{}:
		defer func() { <-p.of.renewals }()
	case <-ctx.Done():
		return granted{}, &bridge.Error{Scope: bridge.ScopePerson, Err: fmt.Errorf("waiting to renew a person's token: %w", ctx.Err())}
	}
	kept, err := p.of.load(ctx, p.id)
	if err != nil {
		return granted{}, err
	}
	a := p.of.a
	answer, err := a.renewed(ctx, claims, kept.RefreshToken, false, a.personScopesFor)
	if err != nil {
		return granted{}, personRefused("renewing a person's token", err)
	}
	if err := p.keep(ctx, kept, answer); err != nil {
		return granted{}, err
	}
	return answer.granted(), nil
}

// keep stores what Entra gave in place of what it was got with. The old refresh token stays valid, but the newest lives
// longest.
func (p *personal) keep(ctx context.Context, old personGrant, answer tokenAnswer) error {
	const doing = "storing a person's renewed grant"
	fresh := personGrant{RefreshToken: answer.RefreshToken, User: p.id, Scopes: answer.Scopes()}
	if fresh.RefreshToken == "" {
		fresh.RefreshToken = old.RefreshToken
	}
	text, err := json.Marshal(fresh)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	// What was handed out is stored whatever becomes of the caller.
	ctx = context.WithoutCancel(ctx)
	if now, err := p.of.load(ctx, p.id); err != nil || now.RefreshToken != old.RefreshToken {
		if err == nil {
			err = &bridge.Error{Scope: bridge.ScopePerson, Err: errors.New(doing + ": it has been replaced meanwhile")}
		}
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.parted {
		return &bridge.Error{Scope: bridge.ScopePerson, Err: errors.New(doing + ": the person has disconnected or connected again meanwhile")}
	}
	there, err := p.of.a.env.Vault.Renew(ctx, bridge.PersonGrant(p.id), text)
	if err != nil {
		return &bridge.Error{Scope: bridge.ScopeAccount, Err: fmt.Errorf("%s: %w", doing, err)}
	}
	if !there {
		return notConnected(doing)
	}
	return nil
}

// Empower takes the grant of a proof as it is: Entra has given it for the account already. It asks nobody.
func (a *account) Empower(_ context.Context, u bridge.UserID, grant []byte) ([]byte, error) {
	if _, err := readGrant(u, grant); err != nil {
		return nil, &bridge.Error{Kind: bridge.Rejected, Scope: bridge.ScopePerson, Hint: "sign in to Microsoft again", Err: fmt.Errorf("beginning to act as a person: %w", err)}
	}
	a.persons.part(u)
	return grant, nil
}

// Release forgets somebody's tokens. Entra knows no way for an app to give back one person's grant: what is left of it ends unused
// after 90 days, or when the person takes back what they consented to at myapps.microsoft.com, or an administrator revokes their
// sessions.
func (a *account) Release(ctx context.Context, u bridge.UserID) error {
	a.persons.part(u)
	_, err := a.persons.load(ctx, u)
	if bridge.KindOf(err) == bridge.Unauthorised {
		return &bridge.Error{Kind: bridge.Gone, Scope: bridge.ScopePerson, Err: fmt.Errorf("ceasing to act as a person: %w", errors.Unwrap(err))}
	}
	return err
}

// Discard leaves a grant that leads to nothing to its end, as Release does. It asks nobody.
func (a *account) Discard(context.Context, bridge.UserID, []byte) error { return nil }

// Verify renews somebody's tokens, which makes the refresh token live on, and asks Graph with them.
func (a *account) Verify(ctx context.Context, u bridge.UserID) error {
	p, err := a.persons.get(u)
	if err != nil {
		return err
	}
	p.tokens.forget()
	var me user
	err = p.client.read(ctx, opPerson, p.client.base+opPerson.address(place{}), &me)
	switch {
	case err != nil:
		return err
	case !strings.EqualFold(me.ID, string(u)):
		return &bridge.Error{Kind: bridge.Unauthorised, Scope: bridge.ScopePerson, Hint: hintConnectAgain, Err: errors.New("verifying that a person is connected: the grant is another user's")}
	}
	return nil
}

// asPerson gives what Graph said of a call as a person its scope: it is about this person, unless it is about the app or a
// channel. Where the person may not write, the relay account does it.
func asPerson(e *bridge.Error, answer *answerError, op *Operation, missing string) *bridge.Error {
	switch {
	case e.Kind == bridge.Throttled:
		if answer.account && strings.Contains(answer.throttled, "User") {
			e.Scope = bridge.ScopePerson
		}
	case answer.status == http.StatusUnauthorized && e.Kind == bridge.Unauthorised:
		e.Scope, e.Hint = bridge.ScopePerson, hintConnectAgain
	case answer.status == http.StatusForbidden && withoutConsent(e, op, missing):
	case answer.status == http.StatusForbidden && !op.writes:
		e.Scope, e.Hint = bridge.ScopePerson, personConsent
	case answer.status == http.StatusForbidden && missing != "":
		e.Scope, e.Hint = bridge.ScopePerson, "connect again, and allow Causeway all that Microsoft asks for (it lacks "+missing+")"
	case answer.status == http.StatusForbidden, answer.status == http.StatusPaymentRequired,
		answer.status == http.StatusNotFound && op.posts():
		e.Kind, e.Scope, e.Hint = bridge.Unsupported, bridge.ScopePerson, "not as this person in this conversation: they must be a member of the team, and of the channel when that is a private one"
		if op.Direct {
			e.Hint = "not as this person in this chat: they must be a member of it"
		}
	}
	return e
}

// posts tells whether the call makes a message.
func (op *Operation) posts() bool {
	return op == opPost || op == opPostReply || op == opPostChat || op == opQuoteChat
}

// changedAs finds out why a person could not change a message: it may be gone, be nothing that they see any more, or nothing of
// theirs.
func (a *account) changedAs(ctx context.Context, t bridge.Target, err error) error {
	kind := bridge.KindOf(err)
	if kind != bridge.Gone && (kind != bridge.Unsupported || bridge.ScopeOf(err) != bridge.ScopePerson) {
		return err
	}
	m, lookErr := a.message(ctx, t.Conversation, t.ID)
	switch {
	case bridge.KindOf(lookErr) == bridge.Gone:
		return lookErr
	case lookErr == nil && versionOf(m).deleted:
		return &bridge.Error{Kind: bridge.Gone, Err: fmt.Errorf("%w: it is deleted", errors.Unwrap(err))}
	case lookErr == nil && kind == bridge.Gone:
		return &bridge.Error{Kind: bridge.Unsupported, Scope: bridge.ScopePerson, Err: errors.Unwrap(err), Hint: "the person does not see this conversation any more"}
	}
	return err
}
