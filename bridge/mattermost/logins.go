package mattermost

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// mostAudits is how many pages of the server's audits a look reads at most: 1,000 entries. What is older then is left out.
const mostAudits = 5

// The server looks for its youngest audits by SELECT ... FROM Audits ORDER BY CreateAt DESC LIMIT n OFFSET m, and the table has an index on the user alone, so that
// each page is a scan and a sort of all there is; and it only grows: nothing but the removal of its user takes an entry away (source:
// channels/store/sqlstore/audit_store.go and migration 000024_create_audits of 11.1). Hence a look of which a page has taken longer than slowAudits is followed by
// a rest of auditsShare times as long as the look took, and of leastRest at least: the server works for us a thirtieth of the time at most.
const (
	slowAudits  = 500 * time.Millisecond
	auditsShare = 30
	leastRest   = 10 * time.Minute
)

// logins is up to where the server's audits were read. It outlives a Run, and is used by one at a time.
type logins struct {
	// until is the time of the youngest entry, in milliseconds, and read are the ids of all entries of that time.
	until int64
	read  map[string]bool
	// rest is until when the server is not asked; told: the log says that there are such rests.
	rest time.Time
	told bool
}

// lookWhoLoggedIn tells who of these people has logged in since the last look, where the bot may read the server's audits. It finds those whom their presence
// does not show: who has set their status to offline by hand, and who logs in without one of Mattermost's own programs. Those who sign on by SAML or
// OAuth are not among them: they come by a browser, and look online. It costs a request each time, or a few where much happens; none while the server rests.
func (a *account) lookWhoLoggedIn(ctx context.Context, people []string) error {
	if len(people) == 0 || time.Now().Before(a.logins.rest) || !a.may(model.PermissionReadAudits) {
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
	l, began, slowest := &a.logins, time.Now(), time.Duration(0)
	defer func() {
		if slowest > slowAudits {
			a.restFromAudits(time.Since(began))
		}
	}()
	first, until, read := l.read == nil, l.until, map[string]bool{}
	for page := 0; page < mostAudits; page++ {
		var list []*model.Audit
		asked := time.Now()
		err := a.client.get(ctx, fmt.Sprintf("/audits?page=%d&per_page=%d", page, pageSize), &list)
		slowest = max(slowest, time.Since(asked)) // what is given up, the server may still work on
		if err != nil {
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

// restFromAudits leaves the server alone after a look that took so long.
func (a *account) restFromAudits(took time.Duration) {
	rest := max(auditsShare*took, leastRest)
	a.logins.rest = time.Now().Add(rest)
	if !a.logins.told {
		a.logins.told = true
		a.log.WithField("took", took.Round(time.Millisecond)).WithField("again", rest.Round(time.Second)).Info(
			"the server takes long to find its youngest audits: it is asked less often who has logged in, so who does not look online is found later")
	}
}
