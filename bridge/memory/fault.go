package memory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"causeway/bridge"
)

// Op names a call of an account.
type Op string

// The calls that a [Fault] is asked about: the methods of the contract that reach the service. Feeding is one read
// of one conversation by Run, asked before it and after its states have been put.
const (
	Connect          Op = "connect"
	Resolve          Op = "resolve"
	Conversations    Op = "conversations"
	Feeding          Op = "feed"
	Read             Op = "read"
	Open             Op = "open"
	Uploading        Op = "upload"
	RemoveFile       Op = "remove file"
	Post             Op = "post"
	Edit             Op = "edit"
	Delete           Op = "delete"
	React            Op = "react"
	Find             Op = "find"
	Notify           Op = "notify"
	OpenConversation Op = "open conversation"
	Talk             Op = "talk"
	Rename           Op = "rename"
	LookUp           Op = "look up"
	Profile          Op = "profile"
	FindUser         Op = "find user"
	Members          Op = "members"
	Administers      Op = "administers"
	Directory        Op = "directory"
	Deactivate       Op = "deactivate"
	SignIn           Op = "sign in"
	Prove            Op = "prove"
	Empower          Op = "empower"
	Release          Op = "release"
	Discard          Op = "discard"
	Verify           Op = "verify"
	Notifications    Op = "notifications"
	SetNotifications Op = "set notifications"
)

// Writes reports whether the call changes something that people can see.
func (o Op) Writes() bool {
	switch o {
	case Post, Edit, Delete, React, Notify, OpenConversation, Rename:
		return true
	}
	return false
}

// Call is what an account asks of the service.
type Call struct {
	Op      Op
	Account bridge.AccountName
	// After: the call has taken effect. An error now loses only the answer.
	After bool
	// Conversation, ID, As and Key as far as the call has them.
	Conversation bridge.ConversationID
	ID           bridge.MessageID
	As           bridge.UserID
	Key          bridge.Key
	// User is whom Notify tells.
	User bridge.UserID

	grant string // what is kept to act as As
}

// Fault decides what goes wrong with a call; nil means nothing. It is asked twice, see [Call.After], from
// several goroutines at once, and may wait (listening to ctx) to delay the call. Its error is the call's:
//
//   - before the effect nothing takes effect. A Throttled error forbids writes within its scope until After has
//     passed; the service answers earlier ones itself and counts them as [Service.Violations]. The error of a context that
//     ended meanwhile becomes Uncertain for a write, as an account cannot know better.
//   - after the effect of a write, an error that has no kind becomes Uncertain.
//
// An error of the feed ends Run.
type Fault func(ctx context.Context, call Call) error

// LostAnswer is what a [Fault] returns after the effect when the answer gets lost.
func LostAnswer() error {
	return &bridge.Error{Kind: bridge.Uncertain, Err: errors.New("the answer was lost")}
}

// Fails is an error of a kind, for a [Fault] to return.
func Fails(kind bridge.Kind) error {
	return &bridge.Error{Kind: kind, Err: errors.New("fault: " + kind.String())}
}

// Throttles is "come back after", for a [Fault] to return.
func Throttles(scope bridge.Scope, after time.Duration) error {
	return &bridge.Error{Kind: bridge.Throttled, Scope: scope, After: after, Err: errors.New("too many requests")}
}

var errCut = errors.New("the connection of the feed was cut")

// pause is a scope in which writes are forbidden for a while.
type pause struct {
	scope        bridge.Scope
	user         bridge.UserID // account or person
	conversation bridge.ConversationID
}

func (a *account) pause(scope bridge.Scope, c Call) pause {
	switch scope {
	case bridge.ScopeAccount:
		return pause{scope: scope, user: a.user}
	case bridge.ScopePerson:
		return pause{scope: scope, user: a.writer(c.As)}
	}
	return pause{scope: scope, user: a.user, conversation: c.Conversation}
}

// call carries out one call: asks for faults before and after, and checks what holds for all calls. effect
// runs under the service's mutex.
func (a *account) call(ctx context.Context, c Call, effect func() error) error {
	c.Account = a.name
	if err := a.before(ctx, c); err != nil {
		return fmt.Errorf("%s: %w", c.Op, err)
	}
	if c.As != "" && a.vault != nil {
		kept, err := a.vault.Load(ctx, bridge.PersonGrant(c.As))
		if err != nil {
			return fmt.Errorf("%s: %w", c.Op, err)
		}
		c.grant = string(kept)
	}
	if err := a.effect(c, effect); err != nil {
		return fmt.Errorf("%s: %w", c.Op, err)
	}
	if err := a.after(ctx, c); err != nil {
		return fmt.Errorf("%s: %w", c.Op, err)
	}
	return nil
}

func (a *account) before(ctx context.Context, c Call) error {
	s := a.service
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.Op.Writes() {
		s.mu.Lock()
		s.writes++
		s.mu.Unlock()
	}
	if s.options.Fault != nil {
		if err := s.options.Fault(ctx, c); err != nil {
			if bridge.KindOf(err) == bridge.Throttled {
				s.mu.Lock()
				s.paused[a.pause(bridge.ScopeOf(err), c)] = time.Now().Add(bridge.AfterOf(err))
				s.mu.Unlock()
			}
			return a.uncertain(c, err)
		}
	}
	return nil
}

func (a *account) effect(c Call, effect func() error) error {
	s := a.service
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := a.authorised(c); err != nil {
		return err
	}
	if c.Op.Writes() {
		if err := a.paced(c); err != nil {
			return err
		}
	}
	return effect()
}

func (a *account) after(ctx context.Context, c Call) error {
	if a.service.options.Fault == nil {
		return nil
	}
	c.After = true
	err := a.service.options.Fault(ctx, c)
	var known *bridge.Error
	if err != nil && c.Op.Writes() && !errors.As(err, &known) {
		return &bridge.Error{Kind: bridge.Uncertain, Err: err}
	}
	return err
}

// uncertain is what an account knows when its patience ends while the service is at work on a write: nothing.
func (a *account) uncertain(c Call, err error) error {
	if c.Op.Writes() && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return &bridge.Error{Kind: bridge.Uncertain, Err: err}
	}
	return err
}

// authorised checks the tokens, and that the conversation may be seen.
func (a *account) authorised(c Call) error {
	s := a.service
	if s.revoked[a.user] {
		return &bridge.Error{Kind: bridge.Unauthorised, Scope: bridge.ScopeAccount,
			Err: fmt.Errorf("the token of %s is not valid", a.user), Hint: "grant it again"}
	}
	if c.As != "" && s.options.NoPeople {
		return fault(bridge.Unsupported, "acting as %s: not supported by this service", c.As)
	}
	if c.As != "" && c.Op != Find && (s.revoked[c.As] || a.vault != nil && s.grants[c.grant] != grant{user: c.As, kept: true}) {
		return &bridge.Error{Kind: bridge.Unauthorised, Scope: bridge.ScopePerson,
			Err: fmt.Errorf("the token of %s is not valid", c.As), Hint: "that person has to connect again"}
	}
	if ch := s.channels[c.Conversation.Channel]; ch != nil && ch.shut {
		return &bridge.Error{Kind: bridge.Unauthorised, Scope: bridge.ScopeConversation,
			Err: fmt.Errorf("%s may not use %s", a.user, c.Conversation), Hint: "make it a member"}
	}
	return nil
}

// paced refuses writes that come too early, and counts them.
func (a *account) paced(c Call) error {
	s, now := a.service, time.Now()
	var wait time.Duration
	var scope bridge.Scope
	for _, sc := range []bridge.Scope{bridge.ScopeConversation, bridge.ScopePerson, bridge.ScopeAccount} {
		p := a.pause(sc, c)
		until, paused := s.paused[p]
		if !paused {
			continue
		}
		if d := until.Sub(now); d > 0 {
			wait, scope = max(wait, d), sc
		} else {
			delete(s.paused, p)
		}
	}
	if s.options.PostInterval > 0 {
		last, any := s.lastWrite[a.writer(c.As)]
		if d := last.Add(s.options.PostInterval).Sub(now); any && d > 0 {
			wait, scope = max(wait, d), bridge.ScopeAccount
			if c.As != "" {
				scope = bridge.ScopePerson
			}
		}
	}
	if wait > 0 {
		s.violations++
		return Throttles(scope, wait)
	}
	s.lastWrite[a.writer(c.As)] = now
	return nil
}
