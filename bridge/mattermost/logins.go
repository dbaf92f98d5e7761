package mattermost

import (
	"context"
	"fmt"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// mostAudits is how many pages of the server's audits a look reads at most: 1,000 entries. What is older then is left out.
const mostAudits = 5

// logins is up to where the server's audits were read. It outlives a Run, and is used by one at a time.
type logins struct {
	// until is the time of the youngest entry, in milliseconds, and read are the ids of all entries of that time.
	until int64
	read  map[string]bool
}

// lookWhoLoggedIn tells who of these people has logged in since the last look, where the bot may read the server's audits. It finds those whom their presence
// does not show: who has set their status to offline by hand, and who logs in without one of Mattermost's own programs. Those who sign on by SAML or
// OAuth are not among them: they come by a browser, and look online. It costs a request each time, or a few where much happens.
func (a *account) lookWhoLoggedIn(ctx context.Context, people []string) error {
	if !a.may(model.PermissionReadAudits) {
		return nil
	}
	entries, err := a.auditsSince(ctx)
	if err != nil {
		return err
	}
	var came map[string]bool
	for _, one := range entries {
		if loggedIn(one) && !a.arrivals.here(one.UserId) {
			if came == nil {
				came = map[string]bool{}
			}
			came[one.UserId] = true
		}
	}
	if came == nil {
		return nil
	}
	var fresh []bridge.UserID
	for _, id := range people {
		if came[id] {
			fresh = append(fresh, bridge.UserID(id))
		}
	}
	if len(fresh) > 0 {
		a.front.Arrived(ctx, fresh)
	}
	return nil
}

// loggedIn reports whether an entry says that its user has logged in (channels/api4/user.go; observed on 11.1).
func loggedIn(one *model.Audit) bool {
	return strings.HasSuffix(one.Action, "/users/login") && strings.HasPrefix(one.ExtraInfo, "success") && one.UserId != ""
}

// auditsSince gives the entries that were made since the last look; none at the first one, which is where it begins.
func (a *account) auditsSince(ctx context.Context) (fresh []*model.Audit, err error) {
	l := &a.logins
	first, until, read := l.read == nil, l.until, map[string]bool{}
	for page := 0; page < mostAudits; page++ {
		var list []*model.Audit
		if err := a.client.get(ctx, fmt.Sprintf("/audits?page=%d&per_page=%d", page, pageSize), &list); err != nil {
			return nil, fmt.Errorf("reading the server's audits: %w", err)
		}
		known := false
		for _, one := range list { // the youngest first
			if known = one.CreateAt < l.until; known {
				break
			}
			if one.CreateAt > until {
				until, read = one.CreateAt, map[string]bool{}
			}
			if one.CreateAt == until {
				read[one.Id] = true
			}
			if !first && !l.read[one.Id] {
				fresh = append(fresh, one)
			}
		}
		if first || known || len(list) < pageSize {
			break
		}
	}
	l.until, l.read = until, read
	return fresh, nil
}
