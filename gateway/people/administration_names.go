package people

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"causeway/bridge"
	"causeway/gateway/people/page"
	"causeway/gateway/store"
)

// candidate is a user whom an administrator may mean.
type candidate struct {
	account Account
	user    bridge.Profile
}

func (c candidate) String() string { return string(c.account.Name) + ":" + describe(c.user) }

// describe names a user so that the text before the comma can be typed.
func describe(u bridge.Profile) string {
	text := string(u.ID) + " (" + page.Clean(u.Name)
	if u.Username != "" {
		text += ", @" + page.Clean(u.Username)
	}
	if u.Email != "" {
		text += ", " + page.Clean(u.Email)
	}
	return text + ")"
}

// qualified takes the account off a name that names one: "mattermost.hq:ann".
func qualified(name string, known func(account string) bool) (account, rest string) {
	if a, rest, ok := strings.Cut(name, ":"); ok && known(a) {
		return a, rest
	}
	return "", name
}

// ask asks services for a user by name. Without an error there may be nobody.
func (p *People) ask(ctx context.Context, name string, accounts []Account) ([]candidate, error) {
	wanted, rest := qualified(name, func(a string) bool { _, ok := p.account(bridge.AccountName(a)); return ok })
	var all []candidate
	var unsure error
	for _, a := range accounts {
		if wanted != "" && string(a.Name) != wanted {
			continue
		}
		u, err := a.Bridge.FindUser(ctx, rest)
		switch kind := bridge.KindOf(err); {
		case err == nil && u.Standing.Presence != bridge.Erased:
			all = append(all, candidate{a, u})
		case err == nil, kind == bridge.Gone:
		case kind == bridge.Unsupported:
			unsure = fmt.Errorf("looking for %s in %s: %w", name, a.label(), err)
		default:
			return nil, fmt.Errorf("looking for %s in %s: %w", name, a.label(), err)
		}
	}
	if len(all) > 0 {
		unsure = nil
	}
	return all, unsure
}

// lobbies gives the accounts through which people connect.
func (p *People) lobbies() []Account {
	return slices.DeleteFunc(slices.Clone(p.o.Accounts), func(a Account) bool { return len(p.offered(a)) == 0 })
}

// nowhere says why there is no account through which people connect: without PublicURL no service reaches Causeway with what they type.
func (p *People) nowhere() error {
	if err := p.open(); err != nil {
		return err
	}
	return errors.New("there is nothing to connect with: no gateway of the config joins accounts on which people can connect")
}

// meant gives the user at home whom an administrator means: one whom the service knows by that name, else somebody whom the store does.
func (p *People) meant(ctx context.Context, name string) (candidate, error) {
	homes := p.lobbies()
	if len(homes) == 0 {
		return candidate{}, p.nowhere()
	}
	found, err := p.ask(ctx, name, homes)
	if err != nil {
		return candidate{}, err
	}
	if len(found) == 0 {
		if e, err := p.register().Find(ctx, name); err == nil {
			found, err = p.atHome(ctx, e)
			if err != nil {
				return candidate{}, err
			}
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return candidate{}, fmt.Errorf("nobody in %s is called that: write a user name, an e-mail address or an id", titles(homes))
	}
	return candidate{}, several(found)
}

// atHome gives who somebody is where people connect.
func (p *People) atHome(ctx context.Context, e Entry) ([]candidate, error) {
	var all []candidate
	for _, end := range e.Accounts {
		a, ok := p.account(bridge.AccountName(end.Account))
		if !ok || len(p.offered(a)) == 0 {
			continue
		}
		u, err := a.Bridge.Profile(ctx, bridge.UserID(end.ID))
		if err != nil {
			return nil, fmt.Errorf("looking at %s in %s: %w", end.ID, a.label(), err)
		}
		all = append(all, candidate{a, u})
	}
	return all, nil
}

func several[T fmt.Stringer](all []T) error {
	var texts []string
	for _, one := range all {
		texts = append(texts, one.String())
	}
	return fmt.Errorf("several are called that; write one of these up to the blank: %s", strings.Join(texts, "; "))
}

// connectedPerson gives the person whom an administrator means, of those who are connected or are about to lose that.
func (p *People) connectedPerson(ctx context.Context, name string) (store.Person, error) {
	e, err := p.register().Find(ctx, name)
	if err != nil {
		return store.Person{}, err
	}
	if e.Person == 0 || e.State == store.Kept.String() {
		return store.Person{}, errors.New("not connected")
	}
	person, ok, err := p.o.Store.PersonOf(ctx, bridge.ServerID(e.Accounts[0].Server), bridge.UserID(e.Accounts[0].ID))
	if err == nil && !ok {
		err = errors.New("not connected")
	}
	return person, err
}

// register gives what the store knows, with the names that the config gives accounts and conversations.
func (p *People) register() Register {
	names := p.conversationNames()
	return Register{Store: p.o.Store,
		Account: func(s bridge.ServerID) string {
			for _, a := range p.o.Accounts {
				if server, ok := p.server(a.Name); ok && server == s {
					return string(a.Name)
				}
			}
			return ""
		},
		Conversation: func(c bridge.ConversationID) string { return names[c] },
	}
}
