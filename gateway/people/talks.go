package people

import (
	"context"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/gateway/direct"
	"causeway/gateway/people/page"
	"causeway/gateway/store"
)

// What direct and group conversations need of people.

// Seek looks at once who a user is on another server, by the e-mail address for which both services vouch, and stores that.
func (p *People) Seek(ctx context.Context, server bridge.ServerID, u bridge.UserID, other bridge.ServerID) error {
	if !p.o.Settings.MatchByEmail {
		return nil
	}
	for _, w := range p.matching.ways(server) {
		if w.server == other {
			_, _, err := p.matching.follow(ctx, w, store.User{Server: server, User: u})
			return err
		}
	}
	return nil
}

// Invite gives the buttons by which a user of an account can connect; none where that is not offered.
func (p *People) Invite(a bridge.AccountName, u bridge.UserID) []bridge.Choice {
	home, ok := p.account(a)
	if !ok || !p.o.Settings.Enable || p.o.PublicURL == "" {
		return nil
	}
	var all []bridge.Choice
	for _, other := range p.offered(home) {
		all = append(all, p.choice(home.Name, u, "Connect with "+other.label(), forConnect, string(other.Name)))
	}
	return all
}

// Connectable gives the pairs of accounts with which people can connect, home first.
func (o Options) Connectable() [][2]bridge.AccountName {
	var all [][2]bridge.AccountName
	for _, home := range o.Accounts {
		for _, other := range o.offered(home) {
			all = append(all, [2]bridge.AccountName{home.Name, other.Name})
		}
	}
	return all
}

// kindOf tells what sort of conversation has a shape.
func kindOf(s bridge.Shape) kind {
	switch s {
	case bridge.Open:
		return inChannel
	case bridge.Group, bridge.Meeting:
		return inGroup
	}
	return inDirect
}

func whether(b bool) truth {
	if b {
		return yes
	}
	return no
}

// talkLines says which direct and group conversations of a person are not carried, and why.
func (p *People) talkLines(ctx context.Context, who []store.User) (richtext.Doc, error) {
	var lines [][]richtext.Run
	for _, one := range who {
		all, err := p.o.Store.RefusedTalks(ctx, one.Server, one.User, whyLimit)
		if err != nil {
			return nil, err
		}
		for _, t := range all {
			if len(lines) < whyLimit {
				lines = append(lines, p.talkLine(ctx, one, t))
			}
		}
	}
	if len(lines) == 0 {
		return nil, nil
	}
	return richtext.Doc{paragraph(bold("These direct and group messages are not carried:")), list(lines...)}, nil
}

// offLines says which direct and group messages do not cross between two accounts because an administrator has switched them off.
func (p *People) offLines(home Account, other bridge.AccountName) (doc richtext.Doc) {
	a, ok := p.account(other)
	if p.o.Off == nil || !ok {
		return nil
	}
	for _, r := range p.o.Off(home.Name, other) {
		doc = append(doc, paragraph(plain("Between "+home.label()+" and "+a.label()+": "+r.Text(nil)+".")))
	}
	return doc
}

// talkLine names a conversation by who else is in it.
func (p *People) talkLine(ctx context.Context, who store.User, t store.Talk) []richtext.Run {
	where, named := string(who.Server), func(u bridge.UserID) string { return page.Clean(string(u)) }
	for _, a := range p.o.Accounts {
		if s, ok := p.server(a.Name); ok && s == who.Server {
			where = a.label()
			named = func(u bridge.UserID) string {
				if known, err := a.Bridge.LookUp(ctx, u); err == nil && known.Name != "" {
					return page.Clean(known.Name)
				}
				return page.Clean(string(u))
			}
		}
	}
	with := ""
	for _, u := range t.Members {
		if u == who.User {
			continue
		}
		if with != "" {
			with += ", "
		}
		with += named(u)
	}
	if with == "" {
		with = "yourself"
	}
	var missing []string
	for _, u := range t.Missing {
		missing = append(missing, named(u))
	}
	return []richtext.Run{plain("with "), bold(with), plain(" in " + where + ": " + direct.Reason(t.Reason).Text(missing))}
}
