package mattermost

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

const (
	// mostWatched bounds whose presence is looked at.
	mostWatched = 20_000
	// statusesAtOnce is how many are asked for by one request; the server answered 1,500 (observed on 11.1).
	statusesAtOnce = 1000
)

// arrivals knows who was online at the last look, so that coming online is told once. It outlives a Run.
type arrivals struct {
	mu     sync.Mutex
	online map[string]bool
	// stale: there may be more people than were listed.
	stale bool
}

func newArrivals() *arrivals { return &arrivals{online: map[string]bool{}} }

// arrived notes who is online now and gives those who were not.
func (r *arrivals) arrived(statuses []*model.Status) []bridge.UserID {
	r.mu.Lock()
	defer r.mu.Unlock()
	var fresh []bridge.UserID
	for _, s := range statuses {
		here := s.Status != "" && s.Status != model.StatusOffline
		if here && !r.online[s.UserId] {
			fresh = append(fresh, bridge.UserID(s.UserId))
		}
		if here {
			r.online[s.UserId] = true
		} else {
			delete(r.online, s.UserId)
		}
	}
	return fresh
}

// here reports whether somebody was online at the last look.
func (r *arrivals) here(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.online[id]
}

// joined notes that somebody has come to where they were not before: if they are online, that counts as coming. Of nobody is known who, where id is empty.
func (r *arrivals) joined(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stale = true
	delete(r.online, id)
}

// relist says once that the people must be listed anew.
func (r *arrivals) relist() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	stale := r.stale
	r.stale = false
	return stale
}

// watchArrivals looks who is online: no event tells of other people's presence, which is what shows a log-in (a websocket makes a person online, a log-in
// without one does not; source: channels/app/platform/web_conn.go). Whoever does not look online all the same is found in the server's audits, where the
// bot may read them. It costs a request a minute for each thousand people, and one for each 200 to know who there is, every ten minutes and when somebody
// has joined; nothing where it does not matter.
func (f *feed) watchArrivals(ctx context.Context) error {
	a := f.account
	if a.front == nil {
		return nil
	}
	var people []string
	var listed time.Time
	var before bridge.Circle
	told := ""
	for {
		of, awaited := a.front.Awaited()
		if awaited && (a.arrivals.relist() || listed.IsZero() || time.Since(listed) >= a.timing.roster || !reflect.DeepEqual(of, before)) {
			before = of
			found, missing, err := a.peopleOf(ctx, of)
			if err != nil {
				listed = time.Time{}
				a.log.WithError(err).Debug("the people who may be asked to connect could not be listed")
			} else {
				people, listed = found, time.Now()
				if now := strings.Join(missing, "\n"); now != told {
					told = now
					for _, one := range missing {
						a.log.Warn(one)
					}
				}
			}
		}
		if awaited {
			if err := a.lookWhoArrived(ctx, people); err != nil {
				a.log.WithError(err).Debug("who is online could not be asked")
			}
			if err := a.lookWhoLoggedIn(ctx, people); err != nil {
				a.log.WithError(err).Debug("who has logged in could not be asked")
			}
		}
		if err := sleep(ctx, a.timing.statuses); err != nil {
			return err
		}
	}
}

func (a *account) lookWhoArrived(ctx context.Context, people []string) error {
	for len(people) > 0 {
		some := people[:min(len(people), statusesAtOnce)]
		people = people[len(some):]
		var statuses []*model.Status
		if _, err := a.client.call(ctx, opRead, http.MethodPost, "/users/status/ids", some, &statuses); err != nil {
			return fmt.Errorf("asking who is online: %w", err)
		}
		if fresh := a.arrivals.arrived(statuses); len(fresh) > 0 {
			a.front.Arrived(ctx, fresh)
		}
	}
	return nil
}
