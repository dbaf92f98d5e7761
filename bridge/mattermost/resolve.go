package mattermost

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sort"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// Resolve finds a channel by "team/channel" (names or display names), by the channel alone when Team is configured,
// by id or by a link of Mattermost's "Copy Link". The bot must be a member: else the server does not push what is said there.
// To write it needs the permission to post, too.
func (a *account) Resolve(ctx context.Context, name string, need bridge.Access) (bridge.Conversation, error) {
	c, err := a.find(ctx, strings.TrimSpace(name))
	if err != nil {
		return bridge.Conversation{}, fmt.Errorf("finding the channel %q: %w", name, err)
	}
	me, config, err := a.self()
	if err != nil {
		return bridge.Conversation{}, err
	}
	a.rooms.note(c, config)
	channel, member, err := a.membership(ctx, me.Id, string(c.ID.Channel))
	if err == nil && need&bridge.Write != 0 {
		err = a.mayPost(ctx, me, channel, member)
	}
	if err != nil {
		return bridge.Conversation{}, fmt.Errorf("using the channel %q: %w", name, err)
	}
	return c, nil
}

func (a *account) find(ctx context.Context, name string) (bridge.Conversation, error) {
	if strings.HasPrefix(name, "https://") || strings.HasPrefix(name, "http://") {
		return a.findLink(ctx, name)
	}
	if model.IsValidId(name) {
		c, err := a.findID(ctx, name)
		if bridge.KindOf(err) != bridge.Gone || err == nil {
			return c, err
		}
	}
	return a.findName(ctx, name)
}

// findLink follows …/team/channels/name, …/team/channels/id, …/team/pl/post and …/_redirect/pl/post.
func (a *account) findLink(ctx context.Context, link string) (bridge.Conversation, error) {
	_, config, err := a.self()
	if err != nil {
		return bridge.Conversation{}, err
	}
	path, ours := "", false
	for _, base := range []string{config.site, a.client.base.String()} {
		if rest, ok := below(link, base); ok {
			path, ours = rest, true
			break
		}
	}
	if !ours {
		return bridge.Conversation{}, &bridge.Error{Kind: bridge.Gone, Err: errors.New("it is a link of another server"),
			Hint: "links of this account begin with " + config.site}
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case len(parts) == 3 && parts[1] == "channels":
		return a.findName(ctx, parts[0]+"/"+parts[2])
	case len(parts) == 3 && parts[1] == "pl" && model.IsValidId(parts[2]):
		var post model.Post
		if err := a.client.get(ctx, "/posts/"+parts[2], &post); err != nil {
			return bridge.Conversation{}, fmt.Errorf("reading the post of the link: %w", err)
		}
		return a.findID(ctx, post.ChannelId)
	}
	return bridge.Conversation{}, &bridge.Error{Kind: bridge.Gone, Err: errors.New("it is not a link of a channel or post"),
		Hint: `take "Copy Link" from the channel's menu`}
}

// below gives the path of a link under a base address, whatever the scheme and case of the host.
func below(link, base string) (string, bool) {
	l, err := url.Parse(link)
	b, err2 := url.Parse(base)
	if err != nil || err2 != nil || !strings.EqualFold(l.Host, b.Host) {
		return "", false
	}
	return strings.CutPrefix(l.Path, strings.TrimRight(b.Path, "/")+"/")
}

func (a *account) findID(ctx context.Context, id string) (bridge.Conversation, error) {
	_, config, err := a.self()
	if err != nil {
		return bridge.Conversation{}, err
	}
	var c model.Channel
	if err := a.client.get(ctx, "/channels/"+id, &c); err != nil {
		return bridge.Conversation{}, fmt.Errorf("asking for the channel: %w", err)
	}
	a.channels.Add(c.Id, c.Type)
	if c.TeamId == "" {
		return conversation(&c, nil, config), nil
	}
	var t model.Team
	if err := a.client.get(ctx, "/teams/"+c.TeamId, &t); err != nil {
		return bridge.Conversation{}, fmt.Errorf("asking for the channel's team: %w", err)
	}
	return conversation(&c, &t, config), nil
}

// conversation describes a channel; direct and group channels have no team and go by their id.
func conversation(c *model.Channel, t *model.Team, config serverConfig) bridge.Conversation {
	out := bridge.Conversation{ID: bridge.ConversationID{Server: config.server, Channel: bridge.ChannelID(c.Id)}, Name: c.Id}
	if t != nil {
		out.Name = t.Name + "/" + c.Name
		out.Link = config.site + "/" + t.Name + "/channels/" + c.Name
	}
	return out
}

// place is a channel that the bot can see, with its team.
type place struct {
	team    *model.Team
	channel *model.Channel
}

// called says how well a place fits a team's and channel's name: 0 not at all, 1 by display names, 2 by names.
func (p place) called(team, channel string) int {
	t := fit(team, p.team.Name, p.team.DisplayName)
	c := fit(channel, p.channel.Name, p.channel.DisplayName)
	if c == 0 && channel == p.channel.Id {
		c = 2
	}
	return min(t, c)
}

func fit(wanted, name, display string) int {
	switch {
	case strings.EqualFold(wanted, name):
		return 2
	case strings.EqualFold(wanted, display):
		return 1
	}
	return 0
}

// findName looks at all channels that the bot can see. Display names may contain slashes, so each is tried as the border.
func (a *account) findName(ctx context.Context, name string) (bridge.Conversation, error) {
	_, config, err := a.self()
	if err != nil {
		return bridge.Conversation{}, err
	}
	places, err := a.places(ctx)
	if err != nil {
		return bridge.Conversation{}, err
	}
	best, matches := 1, []place(nil)
	for _, p := range places {
		quality := 0
		for _, try := range a.readings(name) {
			quality = max(quality, p.called(try.team, try.channel))
		}
		switch {
		case quality > best:
			best, matches = quality, []place{p}
		case quality == best:
			matches = append(matches, p)
		}
	}
	switch len(matches) {
	case 1:
		return conversation(matches[0].channel, matches[0].team, config), nil
	case 0:
		return bridge.Conversation{}, a.notFound(name, places)
	}
	var names []string
	for _, m := range matches {
		names = append(names, fmt.Sprintf("%s/%s (id %s)", m.team.Name, m.channel.Name, m.channel.Id))
	}
	return bridge.Conversation{}, &bridge.Error{Kind: bridge.Rejected, Hint: "write the name or id of one",
		Err: fmt.Errorf("several channels are called so: %s", strings.Join(names, ", "))}
}

type reading struct{ team, channel string }

// readings are the ways to understand a name.
func (a *account) readings(name string) []reading {
	var all []reading
	for i := range name {
		if name[i] == '/' {
			all = append(all, reading{strings.TrimSpace(name[:i]), plainChannel(name[i+1:])})
		}
	}
	if a.settings.Team != "" {
		all = append(all, reading{a.settings.Team, plainChannel(name)})
	}
	return all
}

// plainChannel takes the sign off with which people refer to a channel.
func plainChannel(s string) string { return strings.TrimLeft(strings.TrimSpace(s), "~#") }

// notFound names what is near.
func (a *account) notFound(name string, places []place) error {
	e := &bridge.Error{Kind: bridge.Gone, Err: errors.New("there is no such channel, or the bot cannot see it")}
	if !strings.Contains(name, "/") && a.settings.Team == "" {
		e.Hint = `write "team/channel", or set Team`
		return e
	}
	type near struct {
		name     string
		distance int
	}
	var all []near
	for _, p := range places {
		closest := 1 << 20
		for _, try := range a.readings(name) {
			closest = min(closest, distance(try.team, p.team.Name, p.team.DisplayName)+distance(try.channel, p.channel.Name, p.channel.DisplayName))
		}
		all = append(all, near{p.team.Name + "/" + p.channel.Name, closest})
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].distance < all[j].distance })
	var names []string
	for _, n := range all[:min(len(all), 3)] {
		names = append(names, n.name)
	}
	e.Hint = fmt.Sprintf("a private channel is seen by its members only: type \"/invite @%s\" there", a.client.botName())
	if len(names) > 0 {
		e.Hint = "near it are " + strings.Join(names, ", ") + "; " + e.Hint
	}
	return e
}

func distance(wanted, name, display string) int {
	wanted = strings.ToLower(wanted)
	return min(edits(wanted, strings.ToLower(name)), edits(wanted, strings.ToLower(display)))
}

// edits counts the single-character changes that turn a into b (Levenshtein).
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// places lists the channels that the bot is in, and the public ones of its teams.
func (a *account) places(ctx context.Context) ([]place, error) {
	me, _, err := a.self()
	if err != nil {
		return nil, err
	}
	var teams []*model.Team
	if err := a.client.get(ctx, "/users/"+me.Id+"/teams", &teams); err != nil {
		return nil, fmt.Errorf("asking which teams the bot is in: %w", err)
	}
	var all []place
	for _, t := range teams {
		known := map[string]bool{}
		add := func(list []*model.Channel) {
			for _, c := range list {
				if c.DeleteAt == 0 && (c.Type == model.ChannelTypeOpen || c.Type == model.ChannelTypePrivate) && !known[c.Id] {
					known[c.Id] = true
					a.channels.Add(c.Id, c.Type)
					all = append(all, place{t, c})
				}
			}
		}
		var joined []*model.Channel
		// No channel at all is answered with 404.
		if err := a.client.get(ctx, "/users/"+me.Id+"/teams/"+t.Id+"/channels", &joined); err != nil && bridge.KindOf(err) != bridge.Gone {
			return nil, fmt.Errorf("asking which channels the bot is in: %w", err)
		}
		add(joined)
		for public, err := range pages[*model.Channel](ctx, a.client, "/teams/"+t.Id+"/channels") {
			if bridge.KindOf(err) == bridge.Unauthorised && bridge.ScopeOf(err) == bridge.ScopeConversation {
				break // a guest: it sees its own channels only
			}
			if err != nil {
				return nil, fmt.Errorf("asking for the public channels of team %s: %w", t.Name, err)
			}
			add(public)
		}
	}
	return all, nil
}

// Conversations lists the channels that the bot is in and the public ones of its teams, by name.
func (a *account) Conversations(ctx context.Context) ([]bridge.Conversation, error) {
	_, config, err := a.self()
	if err != nil {
		return nil, err
	}
	places, err := a.places(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing the channels: %w", err)
	}
	var all []bridge.Conversation
	for _, p := range places {
		all = append(all, conversation(p.channel, p.team, config))
	}
	slices.SortStableFunc(all, func(x, y bridge.Conversation) int { return strings.Compare(x.Name, y.Name) })
	return all, nil
}
