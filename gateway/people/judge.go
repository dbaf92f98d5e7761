package people

import (
	"context"
	"errors"
	"slices"
	"strings"

	"causeway/bridge"
	"causeway/gateway/store"
)

// judge says whether two users may be connected, as everything stands now: home is who somebody is at home, other who has signed in
// to the other account. It is asked when both are known, and again at the last press.
func (p *People) judge(ctx context.Context, w walk, home, other bridge.Profile) error {
	if !p.o.Settings.Enable {
		return refuse("Connecting is switched off", "The administrator has switched it off. Nothing has been changed.")
	}
	for _, end := range []struct {
		account Account
		user    bridge.Profile
	}{{w.home, home}, {w.other, other}} {
		if err := standing(end.account, end.user); err != nil {
			return err
		}
	}
	if err := p.listed(home, other); err != nil {
		return err
	}
	hs, ok := p.server(w.home.Name)
	os, there := p.server(w.other.Name)
	if !ok || !there {
		r := retry("Not connected to the service yet", "Causeway is just starting, or the service cannot be reached. Try again in a few minutes.")
		return r
	}
	ends := [2]store.User{{Server: hs, User: home.ID}, {Server: os, User: other.ID}}
	if err := p.free(ctx, w, ends); err != nil {
		return err
	}
	return p.sameEmail(ctx, w, home, other, ends)
}

// standing refuses whoever is no person that can use the service.
func standing(a Account, u bridge.Profile) error {
	switch s := u.Standing; {
	case s.Bot:
		return refuse("Only people can be connected", called(u)+" is a bot.")
	case s.Guest:
		return refuse("Guests cannot be connected", called(u)+" is a guest in "+a.Title+". Sign in with an account that belongs to the organisation itself.")
	case s.Presence != bridge.Present:
		return refuse("This account cannot be used at present", a.Title+" says that "+called(u)+" is "+s.Presence.String()+". Ask your administrator.")
	}
	return nil
}

// listed holds both against Allow and Deny. An address counts for Allow only where its service vouches for it: anybody can claim one.
func (p *People) listed(ends ...bridge.Profile) error {
	const title = "You may not connect these accounts"
	allowed := len(p.o.Settings.Allow) == 0
	for _, u := range ends {
		if matches(p.o.Settings.Deny, u.Email) {
			return refuse(title, "The administrator has excluded "+u.Email+". Ask them if you think that is wrong.")
		}
		allowed = allowed || u.EmailProven && matches(p.o.Settings.Allow, u.Email)
	}
	if !allowed {
		return refuse(title, "The administrator lets only certain e-mail addresses connect, and yours are not among them. Ask them to add one.")
	}
	return nil
}

// matches reports whether an address is in a list of addresses and "@domains".
func matches(list []string, email string) bool {
	email = strings.ToLower(strings.TrimSpace(email))
	at := strings.LastIndexByte(email, '@')
	return at >= 0 && (slices.Contains(list, email) || slices.Contains(list, email[at:]))
}

// free refuses whoever is connected with somebody else, or still being disconnected, and everybody when there are too many.
func (p *People) free(ctx context.Context, w walk, ends [2]store.User) error {
	var people [2]store.Person
	connected := false
	for i, e := range ends {
		var err error
		if people[i], _, err = p.o.Store.PersonOf(ctx, e.Server, e.User); err != nil {
			return err
		}
		for _, one := range people[i].Identities {
			if one.State == store.Leaving {
				return store.ErrLeaving
			}
			connected = connected || one.State != store.Kept
		}
	}
	if with(people[1], ends[0]) {
		return refuse("This "+w.other.Title+" account is connected already", "It is connected with another "+w.home.Title+" account. Disconnect it there first; if you cannot, ask your administrator.")
	}
	if with(people[0], ends[1]) {
		return refuse("Your "+w.home.Title+" account is connected already", "It is connected with another "+w.other.Title+" account. Type "+p.call(w.home, "disconnect", w.other.short())+
			" in "+w.home.Title+" first, or sign in with that account; if it stays so, ask your administrator.")
	}
	if !connected {
		if full, err := p.full(ctx); err != nil || full {
			return errors.Join(err, store.ErrTooMany)
		}
	}
	return nil
}

// with reports whether a person is somebody else on the server of u. What is only remembered gives way.
func with(person store.Person, u store.User) bool {
	return slices.ContainsFunc(person.Identities, func(i store.Identity) bool { return i.Server == u.Server && i.User != u.User && i.State != store.Kept })
}

// full reports whether nobody may connect who is not connected already.
func (p *People) full(ctx context.Context) (bool, error) {
	if p.o.Settings.MaxConnected == 0 {
		return false, nil
	}
	count, err := p.o.Store.CountPeople(ctx)
	return count.People >= p.o.Settings.MaxConnected, err
}

// sameEmail holds the addresses against each other where the config wants that. Equal ones prove nothing, both ends have done that;
// it keeps people from connecting what is not theirs. Where nobody has signed in at home, only a proven address counts there.
func (p *People) sameEmail(ctx context.Context, w walk, home, other bridge.Profile, ends [2]store.User) error {
	if !p.o.Settings.RequireSameEmail {
		return nil
	}
	same := home.Email != "" && strings.EqualFold(strings.TrimSpace(home.Email), strings.TrimSpace(other.Email))
	proven := other.EmailProven && (home.EmailProven || w.Home != nil)
	if same && proven {
		return nil
	}
	if ok, err := p.o.Store.Approved(ctx, ends[0], ends[1]); err != nil || ok {
		return err
	}
	const ask = "Or ask your administrator to approve these two accounts for each other."
	if same {
		return refuse("Your e-mail address is not verified", "Both accounts have the same e-mail address, but one of the services has not verified that it is yours.",
			"Verify your address in "+w.home.Title+" and try again. "+ask)
	}
	return refuse("The e-mail addresses differ", w.home.Title+" knows you as "+address(home)+", "+w.other.Title+" as "+address(other)+". Only accounts with the same address may be connected.",
		"Make them the same and try again. "+ask)
}

func address(u bridge.Profile) string {
	if u.Email == "" {
		return called(u) + " without an address"
	}
	return u.Email
}
