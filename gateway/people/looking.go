package people

import (
	"context"
	"slices"
	"sync"
	"time"

	"causeway/gateway/store"
)

// lookTime is how long each service may take to say who somebody is.
const lookTime = 5 * time.Second

// Look finds the users whom a user name, an e-mail address or an id means, by asking each service, all at once: one that does not answer takes no time from the others.
// Of those that could not be asked it says why.
func (p *People) Look(ctx context.Context, name string) (found []store.User, failed []error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	users, errs := make([][]store.User, len(p.o.Accounts)), make([]error, len(p.o.Accounts))
	var asked sync.WaitGroup
	for i, a := range p.o.Accounts {
		server, ok := p.server(a.Name)
		if !ok {
			continue // it has never connected, so nothing was read there
		}
		asked.Go(func() {
			all, err := p.ask(ctx, name, []Account{a})
			for _, c := range all {
				users[i] = append(users[i], store.User{Server: server, User: c.user.ID})
			}
			errs[i] = err
		})
	}
	asked.Wait()
	return slices.Concat(users...), slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}
