package people

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/gateway/store"
)

// open says why nobody at all can connect.
func (p *People) open() error {
	switch {
	case !p.o.Settings.Enable:
		return errors.New("connecting is switched off: set Enable = true in [people]")
	case p.o.PublicURL == "":
		return errors.New("nobody can connect: set PublicURL in [http] to the address at which browsers reach Causeway")
	}
	return nil
}

// admissible refuses those who would be refused if they tried to connect.
func (p *People) admissible(ends ...candidate) error {
	for _, c := range ends {
		name := called(c.user)
		switch s := c.user.Standing; {
		case s.Bot:
			return fmt.Errorf("%s is a bot in %s", name, c.account.label())
		case s.Guest:
			return fmt.Errorf("%s is a guest in %s, and guests cannot be connected", name, c.account.label())
		case s.Presence != bridge.Present:
			return fmt.Errorf("%s is %s in %s", name, s.Presence, c.account.label())
		case matches(p.o.Settings.Deny, c.user.Email):
			return fmt.Errorf("%s stands in Deny of [people]", c.user.Email)
		}
	}
	return nil
}

// inviteOne asks somebody whether they want to connect.
func (p *People) inviteOne(ctx context.Context, o Order) (string, error) {
	if err := p.open(); err != nil {
		return "", err
	}
	c, err := p.meant(ctx, o.Names[0])
	if err == nil {
		err = p.admissible(c)
	}
	if err != nil {
		return "", err
	}
	server, ok := p.server(c.account.Name)
	if !ok {
		return "", fmt.Errorf("%s has not connected yet", c.account.Name)
	}
	person, known, err := p.o.Store.PersonOf(ctx, server, c.user.ID)
	if err != nil {
		return "", err
	}
	switch state := wholeState(person); {
	case known && state == store.Connected:
		return "", errors.New("connected already")
	case known && state == store.Leaving:
		return "", errors.New("still being disconnected: try again in a few minutes")
	case known && state != store.Kept:
	default:
		if full, err := p.full(ctx); err != nil || full {
			return "", errors.Join(err, errors.New("as many people are connected as MaxConnected in [people] allows"))
		}
	}
	return p.send(ctx, c, store.User{Server: server, User: c.user.ID}, p.inviting.question(c.account), p.inviting.choices(c.account, c.user.ID))
}

// send asks somebody by a direct message, unless a question is still open or they never want to be asked. An administrator may ask at any other
// time, and any number of people.
func (p *People) send(ctx context.Context, c candidate, who store.User, question richtext.Doc, choices []bridge.Choice) (string, error) {
	before, err := p.o.Store.InvitationOf(ctx, who.Server, who.User)
	if err != nil {
		return "", err
	}
	now := time.Now()
	switch {
	case before == nil:
	case before.Answer == store.NeverAsk:
		return "", fmt.Errorf("never wants to be asked: tell them to type %s", p.call(c.account, "connect"))
	case before.Asked.IsZero():
		return "is being asked just now", nil
	case before.Open(now, p.inviting.limits()):
		return fmt.Sprintf("was asked on %s and has not answered yet; not asked again", day(before.Asked)), nil
	}
	before, ok, err := p.o.Store.Invite(ctx, who.Server, who.User, now, store.InvitationLimits{Again: 1, Open: math.MaxInt})
	if err != nil {
		return "", err
	}
	if !ok { // somebody else was quicker
		return "is being asked just now", nil
	}
	if err := p.inviting.ask(ctx, c.account, who, before, question, choices); err != nil {
		return "", fmt.Errorf("asking them: %w", err)
	}
	return "asked to connect, by a direct message in " + c.account.label(), nil
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// approveOne lets two users connect although their addresses differ, and asks the one at home to.
func (p *People) approveOne(ctx context.Context, o Order) (string, error) {
	if err := p.open(); err != nil {
		return "", err
	}
	home, other, err := p.pair(ctx, o.Names[0], o.Names[1])
	if err == nil {
		err = p.admissible(home, other)
	}
	if err != nil {
		return "", err
	}
	if p.listed(home.user, other.user) != nil {
		return "", errors.New("neither address stands, proven, in Allow of [people]: add one")
	}
	var ends [2]store.User
	for i, c := range []candidate{home, other} {
		server, ok := p.server(c.account.Name)
		if !ok {
			return "", fmt.Errorf("%s has not connected yet", c.account.Name)
		}
		ends[i] = store.User{Server: server, User: c.user.ID}
	}
	if err := p.unconnected(ctx, home, other, ends); err != nil {
		return "", err
	}
	if err := p.o.Store.Approve(ctx, ends[0], ends[1], true); err != nil {
		return "", err
	}
	text := fmt.Sprintf("%s in %s and %s in %s may be connected", called(home.user), home.account.label(), called(other.user), other.account.label())
	asked, err := p.send(ctx, home, ends[0], approvedText(home, other),
		[]bridge.Choice{p.choice(home.account.Name, home.user.ID, "Connect", forInvitation, string(other.account.Name)),
			p.choice(home.account.Name, home.user.ID, "Not now", forInvitation, notNow)})
	if err != nil {
		return "", fmt.Errorf("%s, but they were not asked: %w", text, err)
	}
	return text + "; " + asked, nil
}

// disallowOne takes back what approveOne has allowed. Who has connected meanwhile stays so.
func (p *People) disallowOne(ctx context.Context, o Order) (string, error) {
	home, other, err := p.pair(ctx, o.Names[0], o.Names[1])
	if err != nil {
		return "", err
	}
	var ends [2]store.User
	for i, c := range []candidate{home, other} {
		server, ok := p.server(c.account.Name)
		if !ok {
			return "", fmt.Errorf("%s has not connected yet", c.account.Name)
		}
		ends[i] = store.User{Server: server, User: c.user.ID}
	}
	two := fmt.Sprintf("%s in %s and %s in %s", called(home.user), home.account.label(), called(other.user), other.account.label())
	if allowed, err := p.o.Store.Approved(ctx, ends[0], ends[1]); err != nil || !allowed {
		return "", errors.Join(err, fmt.Errorf("%s were not allowed to connect", two))
	}
	if err := p.o.Store.Approve(ctx, ends[0], ends[1], false); err != nil {
		return "", err
	}
	text := two + " may not be connected any more where their addresses differ"
	person, _, err := p.o.Store.PersonOf(ctx, ends[0].Server, ends[0].User)
	if i, joined := on(person, ends[1].Server); err == nil && joined && i.User == ends[1].User && i.State != store.Kept {
		text += "; they are connected, which `disconnect` ends"
	}
	return text, err
}

func approvedText(home, other candidate) richtext.Doc {
	return richtext.Doc{
		paragraph(bold("You can connect your account with "+other.account.label()+"."),
			plain(" An administrator has approved that "+called(home.user)+" here and "+called(other.user)+" there are both you, and may be connected.")),
		paragraph(plain("You sign in to both yourself. If that account is not yours, do not connect, and tell your administrator.")),
	}
}

// unconnected refuses accounts that are connected, with each other or with somebody else.
func (p *People) unconnected(ctx context.Context, home, other candidate, ends [2]store.User) error {
	for i, c := range []candidate{home, other} {
		person, known, err := p.o.Store.PersonOf(ctx, ends[i].Server, ends[i].User)
		if err != nil {
			return err
		}
		mine, _ := on(person, ends[i].Server)
		theirs, joined := on(person, ends[1-i].Server)
		switch {
		case !known || mine.State == store.Kept:
		case wholeState(person) == store.Leaving:
			return fmt.Errorf("%s is still being disconnected: try again in a few minutes", called(c.user))
		case joined && theirs.State != store.Kept && theirs.User != ends[1-i].User:
			return fmt.Errorf("%s is connected with %s in %s: disconnect them first", called(c.user), theirs.Name, [...]candidate{other, home}[i].account.label())
		case joined && theirs.State == store.Connected && mine.State == store.Connected:
			return errors.New("these two are connected already")
		case i == 1 && !joined:
			return fmt.Errorf("%s is connected with somebody else: disconnect them first", called(c.user))
		}
	}
	return nil
}

// pair gives the two users whom an administrator means: the first at home and the second elsewhere, or, where nobody is so called, the other way round.
func (p *People) pair(ctx context.Context, first, second string) (home, other candidate, err error) {
	if len(p.lobbies()) == 0 {
		return home, other, p.nowhere()
	}
	var found [2][]candidate
	for i, name := range []string{first, second} {
		if found[i], err = p.ask(ctx, name, p.o.Accounts); err != nil {
			return home, other, err
		}
		if len(found[i]) == 0 {
			return home, other, fmt.Errorf("nobody is called %s: write a user name, an e-mail address or an id", name)
		}
	}
	pairs := p.joinable(found[0], found[1])
	if len(pairs) == 0 {
		pairs = p.joinable(found[1], found[0])
	}
	switch len(pairs) {
	case 1:
		return pairs[0].home, pairs[0].other, nil
	case 0:
		return home, other, fmt.Errorf("these are no two accounts that can be connected: %s and %s; name one where people connect (%s) and one that shares a gateway with it",
			found[0][0], found[1][0], titles(p.lobbies()))
	}
	return home, other, several(pairs)
}

// couple is two users who could be one person.
type couple struct{ home, other candidate }

func (c couple) String() string {
	return fmt.Sprintf("%s:%s %s:%s", c.home.account.Name, c.home.user.ID, c.other.account.Name, c.other.user.ID)
}

func (p *People) joinable(homes, others []candidate) (all []couple) {
	for _, h := range homes {
		for _, o := range others {
			if slices.ContainsFunc(p.offered(h.account), func(a Account) bool { return a.Name == o.account.Name }) {
				all = append(all, couple{h, o})
			}
		}
	}
	return all
}

// disconnectOne ends all connections of somebody.
func (p *People) disconnectOne(ctx context.Context, o Order) (string, error) {
	person, err := p.connectedPerson(ctx, o.Names[0])
	if err != nil {
		return "", err
	}
	var from []string
	for _, i := range p.ending(person) {
		if err := p.disconnect(ctx, person, i.Account); err != nil {
			return "", err
		}
		from = append(from, p.labelOf(i.Account))
		if person, _, err = p.o.Store.PersonOf(ctx, i.Server, i.User); err != nil {
			return "", err
		}
	}
	if len(from) == 0 {
		return "is being disconnected already", nil
	}
	return "is being disconnected from " + strings.Join(from, " and ") + "; what they have said is delivered first", nil
}

// ending gives the identities whose end ends all of a person's connections: at home they leave with the last of the others.
func (p *People) ending(person store.Person) []store.Identity {
	var homes, others []store.Identity
	for _, i := range person.Identities {
		a, used := p.account(i.Account)
		switch {
		case i.State == store.Kept, i.State == store.Leaving:
		case used && a.home():
			homes = append(homes, i)
		default:
			others = append(others, i)
		}
	}
	if len(others) == 0 {
		return homes
	}
	return others
}

// platformOne sets where somebody is notified. Only the person agrees to a connection in their name, so that stays as it was.
func (p *People) platformOne(ctx context.Context, o Order) (string, error) {
	person, err := p.connectedPerson(ctx, o.Names[0])
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(person.Identities, func(i store.Identity) bool {
		a, used := p.account(i.Account)
		return used && a.home() && i.State != store.Kept
	})
	if i < 0 || wholeState(person) == store.Leaving {
		return "", errors.New("not connected any more")
	}
	here := person.Identities[i]
	home, _ := p.account(here.Account)
	all := p.platforms(home, person)
	meant := slices.DeleteFunc(slices.Clone(all), func(a Account) bool { return !a.named(o.Names[1]) })
	if len(meant) != 1 {
		return "", fmt.Errorf("%s is not one of their platforms: write one of %s", o.Names[1], names(all))
	}
	to := meant[0]
	if p.prefers(home, person).Name == to.Name && person.Preferred != "" {
		return "is notified in " + to.label() + " already", nil
	}
	if err := p.choose(ctx, person, to, to.Name != home.Name && person.Observe); err != nil {
		return "", err
	}
	text := richtext.Doc{paragraph(plain("An administrator has set where you are notified: "), bold(to.label()), plain(". "+strings.Join(p.meaning(home, to, all[1:]), " "))),
		paragraph(plain("You can change it at any time: "), code(p.call(home, "platform")), plain("."))}
	said := "is notified in " + to.label() + " from now on"
	if err := p.notify(ctx, home, here.User, text); err != nil {
		return said + fmt.Sprintf("; telling them failed: %s", bridge.Cause(err)), nil
	}
	return said + ", and was told so", nil
}

// syncAll finds who has left, and removes them.
func (p *People) syncAll(ctx context.Context, o Order) []Outcome {
	planned, err := p.Sync(ctx, o.DryRun, o.Confirm)
	if !o.DryRun {
		p.changed() // what goes on by itself begins at once
	}
	var all []Outcome
	waiting := 0
	for _, one := range planned {
		all = append(all, Outcome{Name: p.left(one), Text: one.text(o.DryRun), Failed: one.unfinished && !one.gone})
		if one.asks() {
			waiting++
		}
	}
	if waiting > 0 && err == nil {
		all = append(all, Outcome{Text: fmt.Sprintf("%d wait for your consent, as more have left than MaxRemovals lets go in a day: agree with `causeway people sync --confirm %d`", waiting, waiting)})
	}
	if err != nil {
		return append(all, outcome("", "", err))
	}
	if len(all) == 0 {
		return []Outcome{{Text: "Nobody who is connected has left."}}
	}
	return all
}

// left names somebody who has left.
func (p *People) left(one *Planned) string {
	name := string(one.Departure.User)
	if one.Name != "" {
		name = one.Name + " (" + name + ")"
	}
	return name + " in " + p.labelOf(one.Account)
}

// text says what becomes of somebody who has left.
func (one *Planned) text(dry bool) string {
	if one.back || one.unfinished && !one.gone || one.Removal == RemoveNothing {
		return "nothing happens: " + one.Why
	}
	text := "disconnected"
	if one.Removal == RemoveAccount {
		text = "disconnected, and the linked account deactivated"
	}
	switch {
	case one.Waits:
		text = "to be " + text + ", but not without your consent"
	case dry:
		text = "would be " + text
	case one.unfinished:
		text = "is being " + text
	default:
		text = "is " + text
	}
	return text + ": " + one.Why
}
