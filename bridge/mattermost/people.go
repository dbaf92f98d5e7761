package mattermost

import (
	"context"
	"fmt"
	"net/http"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// person is how somebody is shown.
type person struct {
	name, username string
}

// personOf shows a person as the server's TeammateNameDisplay says; without one by user name.
func personOf(u *model.User, nameFormat string) person {
	return person{name: u.GetDisplayName(nameFormat), username: u.Username}
}

func (p person) author(id string) bridge.Author {
	return bridge.Author{ID: bridge.UserID(id), Name: p.name, Username: p.username}
}

// meet gives the writers of posts, and whom those about these events are about. It asks the server once for all who are not known.
func (a *account) meet(ctx context.Context, posts []*model.Post, events []bridge.Event) (map[string]person, error) {
	_, config, err := a.self()
	if err != nil {
		return nil, err
	}
	writers := map[string]person{}
	var strangers []string
	for _, p := range posts {
		if !shown(p, events) {
			continue
		}
		for _, id := range []string{p.UserId, subject(p)} {
			if _, met := writers[id]; met || id == "" {
				continue
			}
			known, ok := a.users.Get(id)
			writers[id] = known
			if !ok {
				strangers = append(strangers, id)
			}
		}
	}
	for len(strangers) > 0 {
		some := strangers[:min(len(strangers), pageSize)]
		strangers = strangers[len(some):]
		var users []*model.User
		if _, err := a.client.call(ctx, opRead, http.MethodPost, "/users/ids", some, &users); err != nil {
			return nil, fmt.Errorf("asking who wrote: %w", err)
		}
		for _, u := range users {
			writers[u.Id] = personOf(u, config.nameFormat)
			a.users.Add(u.Id, writers[u.Id])
		}
	}
	return writers, nil
}

// LookUp gives a person by id.
func (a *account) LookUp(ctx context.Context, u bridge.UserID) (bridge.Author, error) {
	_, config, err := a.self()
	if err != nil {
		return bridge.Author{}, err
	}
	if p, ok := a.users.Get(string(u)); ok {
		return p.author(string(u)), nil
	}
	if !model.IsValidId(string(u)) {
		return bridge.Author{}, gone("there is no user %q", u)
	}
	var user model.User
	if err := a.client.get(ctx, "/users/"+string(u), &user); err != nil {
		return bridge.Author{}, fmt.Errorf("looking up user %s: %w", u, err)
	}
	p := personOf(&user, config.nameFormat)
	a.users.Add(user.Id, p)
	return p.author(user.Id), nil
}

// userUpdated keeps the names current without asking.
func (a *account) userUpdated(u *model.User) {
	_, config, err := a.self()
	if err != nil || u == nil {
		return
	}
	a.names.forget(u)
	a.renamed(u)
	if !a.users.Contains(u.Id) {
		return
	}
	a.users.Add(u.Id, personOf(u, config.nameFormat))
}
