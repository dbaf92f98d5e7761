package msteams

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/microsoftgraph/msgraph-sdk-go/models"

	"causeway/bridge"
)

// Resolve finds a channel by link, id, "team/channel" or, with TeamID set, by the channel's name alone, and tries to
// read it. For writing, the relay account must be a member of the team, or of the private or shared channel.
func (a *account) Resolve(ctx context.Context, name string, need bridge.Access) (bridge.Conversation, error) {
	want, err := readName(name, a.settings.TenantID)
	if err != nil {
		return bridge.Conversation{}, a.notFound(name, err.Error())
	}
	var found listed
	if want.name != "" {
		found, err = a.byName(ctx, want.name)
	} else {
		found, err = a.byID(ctx, name, want)
	}
	if err != nil {
		return bridge.Conversation{}, err
	}
	if found.shared && a.lacks(sharedChannels) {
		return bridge.Conversation{}, &bridge.Error{Kind: bridge.Unsupported, Hint: "take a standard or a private channel",
			Err: fmt.Errorf("channel %q: it is a shared channel, which cannot be used in this cloud", name)}
	}
	if need&bridge.Write != 0 {
		if err := a.mayWrite(ctx, name, found); err != nil {
			return bridge.Conversation{}, err
		}
	}
	if need&bridge.Read != 0 {
		if err := a.mayRead(ctx, found); err != nil {
			return bridge.Conversation{}, fmt.Errorf("channel %q: %w", name, err)
		}
	}
	return a.described(found), nil
}

// Conversations lists the channels of the relay account's teams, or of TeamID's, that the relay account sees.
func (a *account) Conversations(ctx context.Context) ([]bridge.Conversation, error) {
	all, err := a.visible(ctx, time.Now())
	if err != nil {
		return nil, err
	}
	var list []bridge.Conversation
	for _, l := range all {
		list = append(list, a.described(l))
	}
	slices.SortFunc(list, func(x, y bridge.Conversation) int { return strings.Compare(x.Name, y.Name) })
	return list, nil
}

// named is a team or a channel as Graph tells it. The SDK's models of these lead to all that there is in Graph, and with it the program
// would be more than twice as large.
type named struct {
	ID   string `json:"id"`
	Name string `json:"displayName"`
	// Link and Membership are of channels; Membership is standard, private, shared or unknownFutureValue.
	Link       string `json:"webUrl"`
	Membership string `json:"membershipType"`
}

// team is a team by id and name.
type team struct{ id, name string }

// listed is a channel with its team.
type listed struct {
	team    team
	id      string
	name    string
	link    string
	private bool // has members of its own
	shared  bool
}

func (l listed) full() string { return l.team.name + "/" + l.name }

func (a *account) described(l listed) bridge.Conversation {
	return bridge.Conversation{ID: a.conversation(l.team.id, l.id), Name: l.full(), Link: l.link}
}

func (a *account) notFound(name, problem string) error {
	return &bridge.Error{Kind: bridge.Gone, Hint: "causeway channels " + string(a.env.Account) + " lists them", Err: fmt.Errorf("finding channel %q: %s", name, problem)}
}

// pages collects a list over all its pages; an empty page may have a successor.
func pages[T any](ctx context.Context, c *client, op *Operation, p place, each func(T)) error {
	next := c.base + op.address(p)
	for next != "" {
		var page struct {
			Value []T    `json:"value"`
			Next  string `json:"@odata.nextLink"`
		}
		if err := c.read(ctx, op, next, &page); err != nil {
			return err
		}
		for _, one := range page.Value {
			each(one)
		}
		next = page.Next
	}
	return nil
}

// joinedTeams gives the teams of the relay account as they were listed since a time.
func (a *account) joinedTeams(ctx context.Context, since time.Time) ([]team, error) {
	return a.joined.get(ctx, since, func() (all []team, err error) {
		err = pages(ctx, a.relay, opJoinedTeams, place{}, func(t named) { all = append(all, team{t.ID, t.Name}) })
		return all, err
	})
}

// joinedTeam gives a team of the relay account; false when it has not joined it.
func (a *account) joinedTeam(ctx context.Context, id string) (team, bool, error) {
	list := func(since time.Time) ([]team, error) { return a.joinedTeams(ctx, since) }
	found, _, err := sought(list, func(t team) bool { return strings.EqualFold(t.id, id) })
	if err != nil || len(found) == 0 {
		return team{}, false, err
	}
	return found[0], true, nil
}

// teams gives the teams to look in: TeamID's, or else all that the relay account has joined.
func (a *account) teams(ctx context.Context, since time.Time) ([]team, error) {
	joined, err := a.joinedTeams(ctx, since)
	if err != nil || a.settings.TeamID == "" {
		return joined, err
	}
	var same []team
	var ids, names []string
	for _, t := range joined {
		names = append(names, t.name)
		if strings.EqualFold(t.id, a.settings.TeamID) {
			return []team{t}, nil
		}
		if strings.EqualFold(t.name, a.settings.TeamID) {
			same = append(same, t)
			ids = append(ids, t.id)
		}
	}
	switch len(same) {
	case 1:
		return same, nil
	case 0:
		return nil, &bridge.Error{Kind: bridge.Gone, Hint: "the relay account must be a member of it; its teams: " + strings.Join(near(a.settings.TeamID, names), ", "),
			Err: fmt.Errorf("finding TeamID %q: the relay account is in no such team", a.settings.TeamID)}
	}
	return nil, &bridge.Error{Kind: bridge.Gone, Hint: "set TeamID to one of the ids " + strings.Join(ids, ", "),
		Err: fmt.Errorf("finding TeamID %q: there are %d teams of that name", a.settings.TeamID, len(same))}
}

func (a *account) channels(ctx context.Context, t team) ([]listed, error) {
	var all []listed
	err := pages(ctx, a.relay, opChannels, place{team: t.id}, func(c named) { all = append(all, listing(t, c)) })
	return all, err
}

// listing takes what is not marked standard for a channel with members of its own: shared ones come as
// unknownFutureValue.
func listing(t team, c named) listed {
	return listed{
		team: t, id: c.ID, name: c.Name, link: c.Link,
		private: c.Membership != "" && c.Membership != "standard",
		shared:  c.Membership == "shared" || c.Membership == "unknownFutureValue",
	}
}

// visible gives the channels that the relay account sees as they were listed since a time.
func (a *account) visible(ctx context.Context, since time.Time) ([]listed, error) {
	return a.seen.get(ctx, since, func() ([]listed, error) {
		teams, err := a.teams(ctx, time.Now())
		if err != nil {
			return nil, err
		}
		var all []listed
		for _, t := range teams {
			channels, err := a.channels(ctx, t)
			if err != nil {
				return nil, fmt.Errorf("team %q: %w", t.name, err)
			}
			all = append(all, channels...)
		}
		return all, nil
	})
}

// byName looks for "team/channel", or "channel" with TeamID set. Names may hold slashes, so whole forms are compared.
func (a *account) byName(ctx context.Context, name string) (listed, error) {
	list := func(since time.Time) ([]listed, error) { return a.visible(ctx, since) }
	found, all, err := sought(list, func(l listed) bool {
		forms := []string{l.full(), l.team.id + "/" + l.name}
		if a.settings.TeamID != "" {
			forms = append(forms, l.name)
		}
		return slices.ContainsFunc(forms, func(form string) bool { return strings.EqualFold(form, name) })
	})
	if err != nil {
		return listed{}, err
	}
	var names []string
	for _, l := range all {
		names = append(names, l.full())
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		var ids []string
		for _, l := range found {
			ids = append(ids, l.team.id+"/"+l.id)
		}
		return listed{}, &bridge.Error{Kind: bridge.Gone, Hint: "write one of the ids " + strings.Join(ids, ", "),
			Err: fmt.Errorf("finding channel %q: there are %d of that name", name, len(found))}
	case !strings.Contains(name, "/") && a.settings.TeamID == "":
		return listed{}, a.notFound(name, `without TeamID it must be written "team/channel"`)
	}
	problem := "the relay account sees no such channel"
	if close := near(name, names); len(close) > 0 {
		problem += "; the nearest are " + strings.Join(close, ", ")
	}
	return listed{}, a.notFound(name, problem)
}

// byID looks at a channel whose id was given, and finds its team when only the channel's was.
func (a *account) byID(ctx context.Context, name string, want wanted) (listed, error) {
	if want.team == "" {
		list := func(since time.Time) ([]listed, error) { return a.visible(ctx, since) }
		found, _, err := sought(list, func(l listed) bool { return l.id == want.channel })
		if err != nil {
			return listed{}, err
		}
		if len(found) > 0 {
			return found[0], nil
		}
		return listed{}, a.notFound(name, "the relay account sees no channel with this id")
	}
	var c named
	if err := a.app.read(ctx, opChannel, a.app.base+opChannel.address(place{team: want.team, channel: want.channel}), &c); err != nil {
		if bridge.KindOf(err) == bridge.Gone {
			return listed{}, a.notFound(name, err.Error())
		}
		return listed{}, fmt.Errorf("channel %q: %w", name, err)
	}
	t, joined, err := a.joinedTeam(ctx, want.team)
	if err != nil {
		return listed{}, fmt.Errorf("channel %q: %w", name, err)
	}
	if !joined {
		t = team{id: want.team, name: want.team}
	}
	return listing(t, c), nil
}

// mayWrite makes sure that the relay account is a member: Graph lets nobody else post.
func (a *account) mayWrite(ctx context.Context, name string, l listed) error {
	denied := func(of string) error {
		return &bridge.Error{Kind: bridge.Unauthorised, Hint: "add the relay account to the " + of,
			Err: fmt.Errorf("channel %q: the relay account is not a member of the %s", name, of)}
	}
	if !l.private {
		_, joined, err := a.joinedTeam(ctx, l.team.id)
		if err != nil {
			return fmt.Errorf("channel %q: %w", name, err)
		}
		if !joined {
			return denied("team")
		}
		return nil
	}
	self := a.relayID()
	if self == "" {
		return &bridge.Error{Kind: bridge.Unauthorised, Scope: bridge.ScopeAccount, Hint: a.loginHint(), Err: errors.New("the relay account is not connected")}
	}
	member := false
	err := a.channelMembers(ctx, a.app, place{team: l.team.id, channel: l.id}, func(id bridge.UserID, _ string) {
		member = member || strings.EqualFold(string(id), string(self))
	})
	if err != nil {
		return fmt.Errorf("channel %q: %w", name, err)
	}
	if !member {
		return denied("channel")
	}
	return nil
}

// mayRead tries to read one message as the app.
func (a *account) mayRead(ctx context.Context, l listed) error {
	p := place{team: l.team.id, channel: l.id}
	_, err := call[models.ChatMessageCollectionResponseable](ctx, a.app, opProbe, p, nil, models.CreateChatMessageCollectionResponseFromDiscriminatorValue)
	return err
}
