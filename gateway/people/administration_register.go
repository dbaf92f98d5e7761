package people

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/gateway/people/page"
	"causeway/gateway/store"
)

// Register is what the store knows of people, for administrators to look at, whether or not anything runs. It reads no grant.
type Register struct {
	Store *store.Store
	// Account names the account on a server, Conversation a conversation; both may give "".
	Account      func(bridge.ServerID) string
	Conversation func(bridge.ConversationID) string
}

// Invited is the state of somebody who has been asked, and is not connected.
const Invited = "invited"

// Entry is somebody who is known. Its JSON is what `causeway people export --json` gives: fields are only ever added.
type Entry struct {
	// Person is their number; 0: they have only been asked.
	Person int64 `json:"person"`
	// State is Invited, or of all accounts the one that most needs looking at: leaving, lost, connected, kept.
	State string `json:"state"`
	// Preferred is the account on which they want to be notified; empty: where they connected. Observe: they agreed to a
	// connection in their name.
	Preferred string    `json:"preferred"`
	Observe   bool      `json:"observe"`
	Since     time.Time `json:"since,omitzero"`
	Accounts  []End     `json:"accounts"`
}

// End is who somebody is on one account.
type End struct {
	Account  string `json:"account"`
	Server   string `json:"server"`
	ID       string `json:"id"`
	Username string `json:"username"`
	Name     string `json:"name"`
	Email    string `json:"email"`
	// State is that of the account, and Reason why it was lost.
	State  string `json:"state"`
	Reason string `json:"reason"`
	// Verified is when Causeway last made sure that it can act as them.
	Verified time.Time `json:"verified,omitzero"`
	// Invitation is what they answered when they were asked to connect; empty: they were not asked. Asked is when that was.
	Invitation string    `json:"invitation"`
	Asked      time.Time `json:"asked,omitzero"`
}

// wholeState gives the state of a person as a whole.
func wholeState(p store.Person) store.IdentityState {
	worst, rank := store.Kept, map[store.IdentityState]int{store.Kept: 0, store.Connected: 1, store.Lost: 2, store.Leaving: 3}
	for _, i := range p.Identities {
		if rank[i.State] > rank[worst] {
			worst = i.State
		}
	}
	return worst
}

// Entries gives everybody who is known, oldest first, and then those who have only been asked.
func (r Register) Entries(ctx context.Context) ([]Entry, error) {
	people, err := r.Store.People(ctx)
	if err != nil {
		return nil, err
	}
	invited, err := r.Store.Invitations(ctx)
	if err != nil {
		return nil, err
	}
	asked := map[store.User]store.Invitation{}
	for _, i := range invited {
		asked[store.User{Server: i.Server, User: i.User}] = i
	}
	var all []Entry
	for _, p := range people {
		all = append(all, entryOf(p, asked))
		for _, i := range p.Identities {
			delete(asked, store.User{Server: i.Server, User: i.User})
		}
	}
	for _, i := range invited {
		if _, only := asked[store.User{Server: i.Server, User: i.User}]; only {
			all = append(all, r.onlyAsked(i))
		}
	}
	return all, nil
}

func entryOf(p store.Person, asked map[store.User]store.Invitation) Entry {
	e := Entry{Person: p.ID, State: wholeState(p).String(), Preferred: string(p.Preferred), Observe: p.Observe, Since: p.Since}
	for _, i := range p.Identities {
		end := End{Account: string(i.Account), Server: string(i.Server), ID: string(i.User), Username: i.Username, Name: i.Name, Email: i.Email,
			State: i.State.String(), Reason: i.Reason, Verified: i.Verified}
		e.Accounts = append(e.Accounts, end.asked(asked[store.User{Server: i.Server, User: i.User}]))
	}
	return e
}

func (r Register) onlyAsked(i store.Invitation) Entry {
	end := End{Account: r.account(i.Server), Server: string(i.Server), ID: string(i.User), State: Invited}
	return Entry{State: Invited, Accounts: []End{end.asked(i)}}
}

// entry gives one who is known; false when they are not any more.
func (r Register) entry(ctx context.Context, u store.User) (Entry, bool, error) {
	p, known, err := r.Store.PersonOf(ctx, u.Server, u.User)
	if err != nil {
		return Entry{}, false, err
	}
	users := []store.User{u}
	if known {
		users = nil
		for _, i := range p.Identities {
			users = append(users, store.User{Server: i.Server, User: i.User})
		}
	}
	asked := map[store.User]store.Invitation{}
	for _, who := range users {
		i, err := r.Store.InvitationOf(ctx, who.Server, who.User)
		if err != nil {
			return Entry{}, false, err
		}
		if i != nil {
			asked[who] = *i
		}
	}
	if known {
		return entryOf(p, asked), true, nil
	}
	i, only := asked[u]
	return r.onlyAsked(i), only, nil
}

func (e End) asked(i store.Invitation) End {
	if i.User != "" {
		e.Invitation, e.Asked = i.Answer.String(), i.Asked
	}
	return e
}

func (r Register) account(s bridge.ServerID) string {
	if r.Account != nil {
		if name := r.Account(s); name != "" {
			return name
		}
	}
	return string(s)
}

func (r Register) conversation(c bridge.ConversationID) string {
	if r.Conversation != nil {
		if name := r.Conversation(c); name != "" {
			return name
		}
	}
	return c.String()
}

// Matching keeps those of whom all words are true: each is part of a name, an address, an id, a state, an account.
func Matching(all []Entry, words []string) []Entry {
	var kept []Entry
	for _, e := range all {
		matches := true
		for _, w := range words {
			matches = matches && e.matches(strings.ToLower(w))
		}
		if matches {
			kept = append(kept, e)
		}
	}
	return kept
}

func (e Entry) matches(word string) bool {
	texts := []string{e.State, e.Preferred}
	for _, a := range e.Accounts {
		texts = append(texts, a.Account, a.ID, "@"+a.Username, a.Name, a.Email, a.State, a.Invitation)
	}
	for _, t := range texts {
		if strings.Contains(strings.ToLower(t), word) {
			return true
		}
	}
	return false
}

// ErrNobody is what Find wraps where nobody is called so.
var ErrNobody = errors.New("nobody who is known is called that")

// Find gives the one whom a name means: a user name, an e-mail address or an id on any account, with the account before it where that is needed
// ("mattermost.hq:ann").
func (r Register) Find(ctx context.Context, name string) (Entry, error) {
	name = strings.TrimSpace(name)
	users, err := r.Store.Called(ctx, name)
	if err != nil {
		return Entry{}, err
	}
	if _, rest, ok := strings.Cut(name, ":"); ok {
		more, err := r.Store.Called(ctx, rest)
		if err != nil {
			return Entry{}, err
		}
		users = append(users, more...)
	}
	var found []Entry
	for _, u := range users {
		e, ok, err := r.entry(ctx, u)
		if err != nil {
			return Entry{}, err
		}
		if ok && e.called(name) && !slices.ContainsFunc(found, e.same) {
			found = append(found, e)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Entry{}, fmt.Errorf("%w: `causeway people list` shows who is", ErrNobody)
	}
	return Entry{}, several(found)
}

func (e Entry) same(other Entry) bool {
	return e.Accounts[0].Server == other.Accounts[0].Server && e.Accounts[0].ID == other.Accounts[0].ID
}

func (e Entry) called(name string) bool {
	for _, a := range e.Accounts {
		_, rest := qualified(name, func(account string) bool { return strings.EqualFold(account, a.Account) })
		user := strings.TrimPrefix(rest, "@")
		if rest != "" && (rest == a.ID || strings.EqualFold(rest, a.Email)) || user != "" && strings.EqualFold(user, a.Username) {
			return true
		}
	}
	return false
}

// String names somebody so that what stands before the first blank can be typed.
func (e Entry) String() string {
	a := e.Accounts[0]
	return a.Account + ":" + describe(a.profile())
}

func (e End) profile() bridge.Profile {
	return bridge.Profile{Author: bridge.Author{ID: bridge.UserID(e.ID), Name: e.Name, Username: e.Username}, Email: e.Email}
}

// Name is what somebody is called.
func (e Entry) Name() string {
	for _, a := range e.Accounts {
		if a.Name != "" {
			return page.Clean(a.Name)
		}
	}
	return e.Accounts[0].ID
}
