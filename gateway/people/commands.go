package people

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/gateway/people/page"
	"causeway/gateway/store"
)

// offered gives the accounts with which people of an account can connect: those that share a gateway with it, and on which
// Causeway can act as somebody.
func (p *People) offered(home Account) []Account { return p.o.offered(home) }

func (o Options) offered(home Account) []Account {
	if !home.home() || !home.Bridge.Capabilities().People {
		return nil
	}
	var all []Account
	for _, a := range o.Accounts {
		if a.Name != home.Name && slices.Contains(home.With, a.Name) && a.Bridge.Capabilities().People {
			all = append(all, a)
		}
	}
	return all
}

// triggers gives a word for each other service: "/msteams".
func (p *People) triggers(home Account) []bridge.Trigger {
	var all []bridge.Trigger
	if !p.o.Settings.Enable {
		return nil
	}
	for _, a := range p.offered(home) {
		if !slices.ContainsFunc(all, func(t bridge.Trigger) bool { return t.Word == a.protocol() }) {
			all = append(all, bridge.Trigger{
				Word: a.protocol(), Hint: "[connect|disconnect|status|platform|why|help]",
				Description: "Write as yourself on " + a.Title + ", and choose where you are notified",
			})
		}
	}
	return all
}

// Unreachable says why nobody can connect, although the config offers it; empty when they can, or when it offers nothing.
func (o Options) Unreachable() string {
	for _, home := range o.Accounts {
		if others := o.offered(home); o.Settings.Enable && o.PublicURL == "" && len(others) > 0 {
			return fmt.Sprintf("people cannot connect their accounts on %s and %s: set PublicURL in [http] to the address at which browsers reach Causeway, or Enable = false in [people]",
				home.Title, titles(others))
		}
	}
	return ""
}

// call gives a command as people type it: "/msteams help".
func (p *People) call(home Account, words ...string) string {
	trigger := "help"
	if all := p.triggers(home); len(all) > 0 {
		trigger = all[0].Word
	}
	return strings.Join(append([]string{"/" + trigger}, words...), " ")
}

// command does what somebody typed behind a trigger.
func (p *People) command(ctx context.Context, home Account, c bridge.Command) bridge.Reply {
	targets := slices.DeleteFunc(p.offered(home), func(a Account) bool { return a.protocol() != c.Trigger })
	if len(targets) == 0 {
		return say("There is nothing to connect with here. Ask your administrator.")
	}
	verb, words := "help", c.Words
	if len(words) > 0 {
		verb, words = strings.ToLower(words[0]), words[1:]
	}
	switch verb {
	case "connect":
		return p.connectCommand(ctx, home, targets, c.User, words)
	case "disconnect":
		return p.disconnectCommand(ctx, home, targets, c.User, words)
	case "status":
		return p.statusCommand(ctx, home, c.User)
	case "platform":
		return p.platformCommand(ctx, home, c.User, words)
	case "why":
		return p.whyCommand(ctx, home, c.User)
	case "confirm":
		return p.confirmCommand(ctx, home, c.User, words)
	case wordLink, wordUnlink, wordShow:
		return p.linkCommand(ctx, home, targets, c, verb, words)
	case adminWord:
		return p.adminCommand(ctx, home, c, words)
	case "help":
		reply := p.help(home, c.Trigger, targets)
		reply.Text = append(reply.Text, p.linkHelp(c.Trigger)...)
		reply.Text = append(reply.Text, p.adminHelp(ctx, home, c.Trigger, c.User)...)
		return reply
	}
	reply := p.help(home, c.Trigger, targets)
	reply.Text = append(richtext.Doc{paragraph(plain("There is no command "), code(page.Clean(verb)), plain("."))}, reply.Text...)
	return reply
}

func (p *People) help(home Account, trigger string, targets []Account) bridge.Reply {
	name := ""
	if len(targets) > 1 {
		name = " NAME"
	}
	row := func(words, what string) []richtext.Run {
		return []richtext.Run{code("/" + trigger + " " + words), plain(" " + what)}
	}
	doc := richtext.Doc{
		paragraph(plain("Connect your " + home.Title + " account with " + titles(targets) + ", and write as yourself on both:")),
		list(
			row("connect"+name, "gives you a link to connect your accounts"),
			row("platform "+home.word()+"|"+targets[0].word(), "says where you want to be notified"),
			row("status", "shows how you stand, and links to your page"),
			row("why", "shows what of yours was not delivered, and why"),
			row("disconnect"+name, "ends it"),
			row("confirm CODE", "takes the code that a page has shown you while connecting"),
		),
	}
	if len(targets) > 1 {
		doc = append(doc, paragraph(plain("NAME is one of "+names(targets)+".")))
	}
	return bridge.Reply{Text: doc}
}

// names lists accounts by what people type.
func names(all []Account) string {
	var list []string
	for _, a := range all {
		text := a.short()
		if where := a.where(); where != "" && !strings.EqualFold(where, a.short()) {
			text += " (" + where + ")"
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

// target gives the account that somebody means: the only one, or the one that they name. Else it says what to type.
func (p *People) target(home Account, verb string, all []Account, words []string) (Account, *bridge.Reply) {
	switch {
	case len(words) == 0 && len(all) == 1:
		return all[0], nil
	case len(words) == 0:
		reply := bridge.Reply{Text: richtext.Doc{paragraph(plain("Which one? Type "), code(p.typed(all[0], verb, "NAME")), plain(" with one of these names: "+names(all)+"."))}}
		return Account{}, &reply
	}
	if i := slices.IndexFunc(all, func(a Account) bool {
		return strings.EqualFold(a.short(), words[0]) || strings.EqualFold(string(a.Name), words[0])
	}); i >= 0 && len(words) == 1 {
		return all[i], nil
	}
	reply := bridge.Reply{Text: richtext.Doc{paragraph(plain("There is no account "), code(page.Clean(strings.Join(words, " "))), plain(" here. Type "), code(p.typed(all[0], verb, all[0].short())),
		plain("; the names are: "+names(all)+"."))}}
	return Account{}, &reply
}

// typed gives a command about an account as people type it.
func (p *People) typed(a Account, words ...string) string {
	return "/" + a.protocol() + " " + strings.Join(words, " ")
}

func (p *People) connectCommand(ctx context.Context, home Account, targets []Account, u bridge.UserID, words []string) bridge.Reply {
	other, reply := p.target(home, "connect", targets, words)
	if reply != nil {
		return *reply
	}
	text, err := p.invitation(ctx, home, other, u)
	if err != nil {
		return p.failed(home, err)
	}
	return bridge.Reply{Text: text}
}

// invitation begins to connect a user at home, and gives the text that holds the link, or says why it cannot be.
func (p *People) invitation(ctx context.Context, home, other Account, u bridge.UserID) (richtext.Doc, error) {
	switch {
	case !p.o.Settings.Enable:
		return richtext.Plain("Connecting accounts is switched off here. Ask your administrator."), nil
	case p.o.PublicURL == "":
		return richtext.Plain("Accounts cannot be connected yet: browsers cannot reach Causeway. Ask your administrator to set PublicURL in its config."), nil
	}
	person, known, err := p.personAt(ctx, home, u)
	if err != nil {
		return nil, err
	}
	there, _ := person.On(other.Name)
	here, _ := person.On(home.Name)
	switch {
	case known && (there.State == store.Leaving || here.State == store.Leaving):
		return richtext.Plain("Your last connection is still being ended. Try again in a few minutes."), nil
	case known && there.User != "" && there.State == store.Connected && here.State == store.Connected:
		return richtext.Doc{paragraph(plain("You are connected already, as "), bold(page.Clean(there.Name)), plain(" in "+other.label()+". To connect another account, type "),
			code(p.typed(other, "disconnect", other.short())), plain(" first."))}, nil
	}
	if !known {
		if full, err := p.full(ctx); err != nil || full {
			return richtext.Plain("As many people are connected as the administrator allows. Ask them to allow more."), err
		}
	}
	asker, err := home.Bridge.Profile(ctx, u)
	if err != nil {
		return nil, err
	}
	if err := p.welcome(home, asker); err != nil {
		return refused(err), nil
	}
	// Where nobody can be connected at present, it is better to say so now than after two sign-ins.
	_, err = home.Bridge.SignIn(ctx, bridge.SignIn{Redirect: p.redirect()})
	switch kind := bridge.KindOf(err); {
	case err != nil && kind == bridge.Rejected:
		return refused(p.explained(err, home, "looking whether you can sign in")), nil
	case err != nil && kind != bridge.Unsupported:
		return nil, err
	}
	address, err := p.invite(ctx, home, other, asker)
	if err != nil {
		return nil, err
	}
	return richtext.Doc{
		paragraph(link("Connect "+called(asker)+" with "+other.label(), address)),
		paragraph(plain("The link is for you alone, holds for 15 minutes and can be used once. Give it to nobody.")),
	}, nil
}

// welcome refuses at once whoever would be refused at the end, as far as home alone can tell.
func (p *People) welcome(home Account, asker bridge.Profile) error {
	if err := standing(home, asker); err != nil {
		return err
	}
	if matches(p.o.Settings.Deny, asker.Email) {
		return p.listed(asker)
	}
	return nil
}

// refused words a refusal as a text.
func refused(err error) richtext.Doc {
	var r *refusal
	if !errors.As(err, &r) {
		return richtext.Plain(err.Error())
	}
	return richtext.Doc{paragraph(bold(r.title+"."), plain(" "+strings.Join(r.text, " ")))}
}

// failed answers when something does not work that ought to; the operator sees what.
func (p *People) failed(home Account, err error) bridge.Reply {
	p.o.Log.WithField("account", string(home.Name)).WithError(errors.New(bridge.Cause(err))).Warn("answering a command failed")
	return say("That did not work just now. Try again in a few minutes; if it stays so, tell your administrator.")
}

func (p *People) notConnected(home Account) richtext.Doc {
	doc := richtext.Doc{paragraph(plain("Your accounts are not connected."))}
	if p.o.Settings.Enable {
		doc = append(doc, paragraph(plain("Type "), code(p.call(home, "connect")), plain(" to connect them.")))
	}
	return doc
}

func (p *People) confirmCommand(ctx context.Context, home Account, u bridge.UserID, words []string) bridge.Reply {
	given := typedCode(words)
	if given == "" {
		return say("Type " + p.call(home, "confirm", "CODE") + " with the code that the page shows.")
	}
	switch err := p.confirm(ctx, home, u, given); {
	case err == nil:
		return say("Thank you. Go back to the page: it asks you for one last press.")
	case errors.Is(err, errCodesUsedUp):
		return say("That was the last of five wrong codes, and your link has ended. Type " + p.call(home, "connect") + " to begin anew.")
	case errors.Is(err, errWrongCode):
		return say("That is not the code. Look at the page again: it has eight letters and digits.")
	case errors.Is(err, errNothingToConfirm), errors.Is(err, store.ErrNoWalk):
		return say("Nothing of yours waits for a code. If somebody has asked you to type it here, do not: they want to connect your account with theirs. To connect your own, type " +
			p.call(home, "connect") + ".")
	default:
		return p.failed(home, err)
	}
}

func (p *People) platformCommand(ctx context.Context, home Account, u bridge.UserID, words []string) bridge.Reply {
	person, ok, err := p.personAt(ctx, home, u)
	if err != nil {
		return p.failed(home, err)
	}
	if !ok {
		return bridge.Reply{Text: p.notConnected(home)}
	}
	all := p.platforms(home, person)
	if len(words) == 0 {
		text := append(richtext.Doc{paragraph(plain("You are notified in "), bold(p.prefers(home, person).label()), plain("."))}, p.platformText(home, person)...)
		return bridge.Reply{Text: text, Choices: p.platformChoices(home, u, person)}
	}
	meant := slices.DeleteFunc(slices.Clone(all), func(a Account) bool { return len(words) > 1 || !a.named(words[0]) })
	if len(meant) != 1 {
		var known []string
		for _, a := range all {
			word := a.word()
			if slices.ContainsFunc(all, func(other Account) bool { return other.Name != a.Name && other.word() == word }) {
				word = a.short()
			}
			known = append(known, p.call(home, "platform", word))
		}
		return say("Which one? Type " + strings.Join(known, " or ") + ".")
	}
	observe := meant[0].Name != home.Name
	if err := p.choose(ctx, person, meant[0], observe); err != nil {
		return p.failed(home, err)
	}
	reply := bridge.Reply{Text: p.chosenText(home, meant[0], all[1:], observe)}
	if observe {
		reply.Choices = []bridge.Choice{p.choice(home.Name, u, "No connection in my name", forPlatform, string(meant[0].Name)+unwatched)}
	}
	return reply
}

// notify tells somebody something privately, by a direct message at home.
func (p *People) notify(ctx context.Context, home Account, u bridge.UserID, text richtext.Doc, choices ...bridge.Choice) error {
	return home.Bridge.Notify(ctx, bridge.Notice{User: u, Text: text, Choices: choices})
}
