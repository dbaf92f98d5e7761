package people

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/gateway/store"
)

// forPlatform and its like are what buttons are for.
const (
	forPlatform = "platform"
	forConnect  = "connect"
)

// unwatched ends the argument of a platform button that declines a connection in the person's name.
const unwatched = " unwatched"

// word is what people call a service for short: "teams" for "Microsoft Teams".
func (a Account) word() string {
	words := strings.Fields(strings.ToLower(a.Title))
	if len(words) == 0 {
		return a.protocol()
	}
	return words[len(words)-1]
}

// named reports whether somebody means this account by a word.
func (a Account) named(word string) bool {
	return slices.ContainsFunc([]string{a.word(), a.protocol(), a.short(), string(a.Name)}, func(s string) bool { return strings.EqualFold(s, word) })
}

// where tells accounts of one service apart.
func (a Account) where() string {
	if a.Label != "" && !strings.EqualFold(a.Label, a.Title) && !strings.EqualFold(a.Label, a.word()) {
		return a.Label
	}
	return ""
}

// platforms gives the accounts that somebody can prefer: home first, then what they are connected with.
func (p *People) platforms(home Account, person store.Person) []Account {
	all := []Account{home}
	for _, a := range p.offered(home) {
		if i, ok := person.On(a.Name); ok && (i.State == store.Connected || i.State == store.Lost) {
			all = append(all, a)
		}
	}
	return all
}

// prefers gives the platform that holds for somebody; who has not chosen is notified at home.
func (p *People) prefers(home Account, person store.Person) Account {
	if a, ok := p.account(person.Preferred); ok {
		if i, ok := person.On(a.Name); ok && i.State != store.Kept {
			return a
		}
	}
	return home
}

// choose stores the preferred platform of somebody.
func (p *People) choose(ctx context.Context, person store.Person, a Account, observe bool) error {
	if err := p.o.Store.Prefer(ctx, person.ID, a.Name, observe); err != nil {
		return err
	}
	p.changed()
	return nil
}

// meaning says what it is to prefer an account.
func (p *People) meaning(home, a Account, others []Account) []string {
	if a.Name == home.Name {
		names := titles(others)
		return []string{
			fmt.Sprintf("What is said in %s arrives in %s, and %s notifies you of it.", names, home.Title, home.Title),
			fmt.Sprintf("%s goes on notifying you as well, as nobody but you can change that: open its settings, Notifications, and turn off what you do not want to see twice.", names),
		}
	}
	return []string{
		fmt.Sprintf("What is said in %s arrives in %s, and %s notifies you of it.", home.Title, a.Title, a.Title),
		fmt.Sprintf("%s is muted for you in the conversations that reach you in %s, and only there. What your settings were is put back when you change your mind.", home.Title, a.Title),
	}
}

// observing says what a connection in the person's name does.
func observing(home Account) string {
	return fmt.Sprintf("Causeway may keep a connection to %s in my name, so that direct messages reach me at once. While it does, %s shows me as online and sends me no e-mail about messages.", home.Title, home.Title)
}

func titles(all []Account) string {
	var names []string
	for _, a := range all {
		if !slices.Contains(names, a.Title) {
			names = append(names, a.Title)
		}
	}
	return strings.Join(names, " and ")
}

// label is what people call an account on a button.
func (a Account) label() string {
	if where := a.where(); where != "" {
		return a.Title + " (" + where + ")"
	}
	return a.Title
}

// platformChoices are the buttons by which somebody chooses.
func (p *People) platformChoices(home Account, u bridge.UserID, person store.Person) []bridge.Choice {
	var all []bridge.Choice
	for _, a := range p.platforms(home, person) {
		all = append(all, p.choice(home.Name, u, a.label(), forPlatform, string(a.Name)))
		if a.Name != home.Name {
			all = append(all, p.choice(home.Name, u, a.label()+", without a connection in my name", forPlatform, string(a.Name)+unwatched))
		}
	}
	return all
}

// platformText asks somebody to choose.
func (p *People) platformText(home Account, person store.Person) richtext.Doc {
	all := p.platforms(home, person)
	doc := richtext.Doc{paragraph(bold("Where do you want to be notified?"))}
	for _, a := range all {
		doc = append(doc, paragraph(bold(a.label()), plain(": "+strings.Join(p.meaning(home, a, all[1:]), " "))))
	}
	if len(all) > 1 {
		doc = append(doc, paragraph(plain(fmt.Sprintf("With %s, too: %s If you do not want that, choose “without a connection in my name”.", titles(all[1:]), observing(home)))))
	}
	return append(doc, paragraph(plain("You can change it at any time: "+p.call(home, "platform")+".")))
}

// chosenText tells somebody what they have chosen.
func (p *People) chosenText(home, a Account, others []Account, observe bool) richtext.Doc {
	doc := richtext.Doc{paragraph(plain("You are notified in "), bold(a.label()), plain(". "+strings.Join(p.meaning(home, a, others), " ")))}
	switch {
	case a.Name == home.Name:
	case observe:
		doc = append(doc, paragraph(plain("You have agreed: "+observing(home))))
	default:
		doc = append(doc, paragraph(plain("Causeway keeps no connection to "+home.Title+" in your name; direct messages may take a little longer.")))
	}
	return doc
}

// choosePlatform answers a platform button.
func (p *People) choosePlatform(ctx context.Context, in pressed) bridge.Reply {
	name, quiet := strings.CutSuffix(in.argument, unwatched)
	person, ok, err := p.personAt(ctx, in.home, in.user)
	if err != nil {
		return p.failed(in.home, err)
	}
	if !ok {
		return bridge.Reply{Replace: p.notConnected(in.home), Text: p.notConnected(in.home)}
	}
	all := p.platforms(in.home, person)
	i := slices.IndexFunc(all, func(a Account) bool { return string(a.Name) == name })
	if i < 0 {
		return say("You are not connected with that account any more. Type " + p.call(in.home, "platform") + " to see what you can choose.")
	}
	observe := all[i].Name != in.home.Name && !quiet
	if err := p.choose(ctx, person, all[i], observe); err != nil {
		return p.failed(in.home, err)
	}
	text := p.chosenText(in.home, all[i], all[1:], observe)
	return bridge.Reply{Replace: append(text, paragraph(plain("You can change it at any time: "+p.call(in.home, "platform")+".")))}
}

// personAt gives who a user at home is, when they are connected with anybody; one who has disconnected is not.
func (p *People) personAt(ctx context.Context, home Account, u bridge.UserID) (store.Person, bool, error) {
	server, ok := p.server(home.Name)
	if !ok {
		return store.Person{}, false, nil
	}
	person, ok, err := p.o.Store.PersonOf(ctx, server, u)
	if err != nil || !ok {
		return store.Person{}, false, err
	}
	here, _ := person.On(home.Name)
	return person, here.State != store.Kept, nil
}
