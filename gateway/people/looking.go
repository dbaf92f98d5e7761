package people

import (
	"context"

	"causeway/gateway/store"
)

// Look finds the users whom a user name, an e-mail address or an id means, by asking each service. Of those that could not be asked it says why.
func (p *People) Look(ctx context.Context, name string) (found []store.User, failed []error) {
	for _, a := range p.o.Accounts {
		server, ok := p.server(a.Name)
		if !ok {
			continue // it has never connected, so nothing was read there
		}
		all, err := p.ask(ctx, name, []Account{a})
		if err != nil {
			failed = append(failed, err)
		}
		for _, c := range all {
			found = append(found, store.User{Server: server, User: c.user.ID})
		}
	}
	return found, failed
}
