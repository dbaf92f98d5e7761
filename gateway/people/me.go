package people

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"causeway/bridge"
	"causeway/gateway/people/page"
	"causeway/gateway/store"
)

// mine gives whose page it is.
func (p *People) mine(ctx context.Context, token string) (home Account, u bridge.UserID, person store.Person, err error) {
	name, u, ok := p.meOf(token)
	home, used := p.account(name)
	if !ok || !used {
		return home, u, person, errMe
	}
	person, ok, err = p.personAt(ctx, home, u)
	if err == nil && !ok {
		r := refuse("Your accounts are not connected", "They were disconnected, or never connected. Type "+p.call(home, "connect")+" in "+home.Title+" to connect them.")
		r.apart = true
		err = r
	}
	if err != nil {
		err = p.explained(err, home, "looking who you are")
	}
	return home, u, person, err
}

func (p *People) mePage(w http.ResponseWriter, r *http.Request) {
	home, _, person, err := p.mine(r.Context(), r.PathValue("token"))
	var why *refusal
	if errors.As(err, &why) && why.apart && r.URL.Query().Get("done") == "disconnect" { // it was done before the browser has asked
		page.Show(w, http.StatusOK, page.Message{Head: page.Head{Title: "You are disconnected"}, Well: true,
			Text: []string{"Causeway does not write in your name any more.", "To connect again, type " + p.call(home, "connect") + " in " + home.Title + "."}})
		return
	}
	if err != nil {
		p.show(w, err)
		return
	}
	page.Show(w, http.StatusOK, p.me(home, person, r.URL.Query().Get("done")))
}

// notes are what a page says has just been done, by the word in its address.
var notes = map[string]string{
	forPlatform:  "Your choice holds from now on.",
	"disconnect": "You are being disconnected: what you have said is delivered first. You are told when it is done.",
}

func (p *People) me(home Account, person store.Person, done string) page.Me {
	view := page.Me{Head: page.Head{Title: "Your connection"}}
	if note, ok := notes[done]; ok {
		view.Notes = append(view.Notes, note)
	}
	for _, i := range person.Identities {
		a := p.formerly(i.Account)
		who := p.who(a, bridge.Profile{Author: bridge.Author{ID: i.User, Name: i.Name, Username: i.Username}, Email: i.Email})
		if a.Name == home.Name {
			view.Home = who
			if i.State == store.Lost {
				view.Notes = append(view.Notes, a.Title+": "+stateText(i))
			}
			continue
		}
		view.Ends = append(view.Ends, page.Connection{Who: who, Value: string(a.Name), State: stateText(i), Leave: i.State == store.Connected || i.State == store.Lost})
	}
	all := p.platforms(home, person)
	if len(all) < 2 {
		return view
	}
	if view.Welcome = person.Preferred == ""; view.Welcome {
		view.Title, view.Skip = "You are connected", string(home.Name)
	}
	for _, a := range all {
		card := page.Card{Value: string(a.Name), Title: a.label(), Chosen: person.Preferred == a.Name, Text: p.meaning(home, a, all[1:])}
		if a.Name != home.Name {
			card.Ask, card.Asked = observing(home), !card.Chosen || person.Observe
		}
		view.Cards = append(view.Cards, card)
	}
	return view
}

func (p *People) mePress(w http.ResponseWriter, r *http.Request) {
	ctx, token := r.Context(), r.PathValue("token")
	home, _, person, err := p.mine(ctx, token)
	if err != nil {
		p.show(w, err)
		return
	}
	name, do := bridge.AccountName(r.PostFormValue("account")), r.PostFormValue("do")
	all := p.platforms(home, person)
	i := slices.IndexFunc(all, func(a Account) bool { return a.Name == name })
	_, known := person.On(name)
	switch {
	case i < 0 && !known:
		err = refuse("That is not one of your accounts", "The page may be an old one. Open your page anew: type "+p.call(home, "status")+".")
	case do == forPlatform && i >= 0:
		err = p.choose(ctx, person, all[i], name != home.Name && r.PostFormValue("observe") == "on")
	case do == "disconnect" && name != home.Name:
		err = p.disconnect(ctx, person, name)
	default:
		err = refuse("This form is not one of Causeway's", "Nothing has been changed.")
	}
	if err != nil {
		p.show(w, p.explained(err, home, "changing that"))
		return
	}
	p.to(w, r, "/me/"+token+"?done="+do)
}
