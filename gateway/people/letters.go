package people

import (
	"context"
	"errors"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/gateway/people/page"
	"causeway/gateway/store"
)

const (
	lettersFirst   = time.Second
	lettersSlowest = 5 * time.Minute
)

// letters tells people what has become of their connections: that they are connected, that they are not any more, and who was lost. What is to be told is
// in the store until it was told; when the process ends in between, it may be told twice.
type letters struct {
	p *People
}

// run is the duty.
func (l *letters) run(ctx context.Context) {
	wait := lettersFirst
	last := ""
	for {
		var again <-chan time.Time
		news := l.p.changes()
		err := l.tellAll(ctx)
		if wait = min(2*wait, lettersSlowest); err == nil {
			wait = lettersFirst
		} else if ctx.Err() == nil {
			again = time.After(wait)
			if cause := bridge.Cause(err); cause != last {
				last = cause
				l.p.o.Log.WithError(errors.New(cause)).Warn("telling somebody how they are connected failed; trying again")
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-news:
		case <-again:
		}
	}
}

// tellAll gives the first error that may pass; those whom it met are told later.
func (l *letters) tellAll(ctx context.Context) error {
	all, err := l.p.o.Store.Letters(ctx)
	if err != nil {
		return err
	}
	var first error
	for _, one := range all {
		first = errors.Join(first, l.told(ctx, one.To, func() (bool, error) { return l.send(ctx, one) }, func() error { return l.p.o.Store.Sent(ctx, one) }))
	}
	lost, err := l.p.o.Store.Untold(ctx)
	for _, who := range lost {
		first = errors.Join(first, l.told(ctx, who, func() (bool, error) { return true, l.sendLoss(ctx, who) }, func() error { return l.p.o.Store.Told(ctx, who) }))
	}
	return errors.Join(first, err)
}

// told sends something and notes that. An error may pass; what can never be sent counts as sent.
func (l *letters) told(ctx context.Context, who store.User, send func() (bool, error), note func() error) error {
	ready, err := send()
	switch kind := bridge.KindOf(err); {
	case err == nil && !ready:
		return nil
	case err == nil:
	case kind == bridge.Transient || kind == bridge.Throttled || kind == bridge.Unauthorised || ctx.Err() != nil:
		return err
	case kind != bridge.Uncertain:
		l.p.o.Log.WithField("user", string(who.User)).WithError(errors.New(bridge.Cause(err))).Warn("somebody cannot be told how they are connected")
	}
	return note()
}

// send tells one letter. Not ready: what it is about is not over yet.
func (l *letters) send(ctx context.Context, one store.Letter) (ready bool, err error) {
	home, ok := l.p.homeOn(one.To.Server)
	if !ok {
		return false, nil
	}
	person, _, err := l.p.o.Store.PersonOf(ctx, one.To.Server, one.To.User)
	if err != nil {
		return false, err
	}
	if one.Kind == store.Welcome {
		text, choices := l.welcome(home, person, one)
		return true, l.p.notify(ctx, home, one.To.User, text, choices...)
	}
	for _, i := range person.Identities {
		if i.State == store.Leaving {
			return false, nil
		}
	}
	owed, err := l.owed(ctx, one.To)
	if err != nil {
		return false, err
	}
	return true, l.p.notify(ctx, home, one.To.User, append(l.farewell(home, one), owed...))
}

// homeOn gives the account through which people of a server are reached.
func (p *People) homeOn(server bridge.ServerID) (Account, bool) {
	for _, a := range p.o.Accounts {
		if s, ok := p.server(a.Name); ok && a.home() && s == server {
			return a, true
		}
	}
	return Account{}, false
}

func (l *letters) welcome(home Account, person store.Person, one store.Letter) (richtext.Doc, []bridge.Choice) {
	var doc richtext.Doc
	for _, about := range one.About {
		other, used := l.p.account(about)
		i, connected := person.On(about)
		if used && connected && i.State == store.Connected {
			doc = append(doc, paragraph(bold("You are connected."), plain(" What you say is now carried between "+home.Title+" and "+other.label()+" in your own name, as "+
				page.Clean(i.Name)+" there.")))
		}
	}
	if len(doc) == 0 { // they have left again
		return richtext.Doc{paragraph(plain("You were connected for a moment, and are not any more."))}, nil
	}
	return append(doc, l.p.platformText(home, person)...), l.p.platformChoices(home, one.To.User, person)
}

func (l *letters) farewell(home Account, one store.Letter) richtext.Doc {
	var from []string
	for _, about := range one.About {
		from = append(from, l.p.labelOf(about))
	}
	return richtext.Doc{paragraph(plain("You are not connected with " + strings.Join(from, " and ") + " any more. What you say is carried in the name of Causeway again.")),
		paragraph(plain("To connect again, type "), code(l.p.call(home, "connect")), plain("."))}
}

// labelOf is what people call an account, also one that is not in the config any more.
func (p *People) labelOf(name bridge.AccountName) string { return p.formerly(name).label() }

func (l *letters) sendLoss(ctx context.Context, who store.User) error {
	person, ok, err := l.p.o.Store.PersonOf(ctx, who.Server, who.User)
	if err != nil || !ok {
		return err
	}
	for _, i := range person.Identities {
		home, used := l.p.account(i.Account)
		if !used || !home.home() || i.State == store.Kept {
			continue
		}
		var owed richtext.Doc
		if _, failed := l.p.mutes.Undo(ctx, i); failed == nil { // else muting goes on with it
			if owed, err = l.owed(ctx, store.User{Server: i.Server, User: i.User}); err != nil {
				return err
			}
		}
		if err := l.p.notify(ctx, home, i.User, append(l.lossText(person, who), owed...), l.p.connectChoices(home, i.User, person)...); err != nil {
			return err
		}
	}
	return nil
}

func (l *letters) lossText(person store.Person, lost store.User) richtext.Doc {
	where, name := string(lost.Server), ""
	for _, i := range person.Identities {
		if i.Server == lost.Server {
			name, where = page.Clean(i.Name), l.p.labelOf(i.Account)
		}
	}
	return richtext.Doc{
		paragraph(bold("Causeway cannot write as "+name+" in "+where+" any more."), plain(" Its right was taken back or has ended, for instance because your password was changed.")),
		paragraph(plain("Until you connect again, what you say in channels is carried in the name of Causeway.")),
	}
}

// owedMost is how many conversations are named that stay muted.
const owedMost = 10

// owed says what is still muted for somebody who is not connected, since Causeway may not change it without them. It is put back when they connect again.
func (l *letters) owed(ctx context.Context, u store.User) (richtext.Doc, error) {
	mutes, err := l.p.o.Store.MutesOf(ctx, u.Server, u.User)
	if err != nil {
		return nil, err
	}
	names := l.p.conversationNames()
	var lines [][]richtext.Run
	more := false
	for _, m := range mutes {
		if m.State == store.LeftAlone {
			continue
		}
		if more = len(lines) == owedMost; more {
			break
		}
		name := names[bridge.ConversationID{Server: m.Server, Channel: m.Channel}]
		if name == "" {
			name = "a conversation that is not carried any more"
		}
		lines = append(lines, []richtext.Run{plain(name)})
	}
	if len(lines) == 0 {
		return nil, nil
	}
	if more {
		lines = append(lines, []richtext.Run{plain("and others")})
	}
	return richtext.Doc{paragraph(bold("These stay muted for you:"), plain(" Causeway has muted them, and may not change that without your right. Connect again, and it does what you choose then; or unmute them yourself, in the menu of each.")),
		list(lines...)}, nil
}
