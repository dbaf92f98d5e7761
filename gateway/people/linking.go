package people

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/gateway/people/page"
	"causeway/gateway/store"
)

// Linking pairs channels while Causeway runs. The errors of all are for whoever wants it.
type Linking interface {
	// Link pairs two channels, Unlink ends a pair, of which one end may be empty; who stands in the audit log. They give what has happened.
	Link(ctx context.Context, who string, ends [2]store.ChannelEnd) (string, error)
	Unlink(ctx context.Context, who string, ends [2]store.ChannelEnd) (string, error)
	// Linked names the channels with which one mirrors, by gateway: "town: msteams.contoso:Sales/Berlin".
	Linked(ctx context.Context, c bridge.ConversationID) ([]string, error)
}

// Words of the commands about channels.
const (
	wordLink   = "link"
	wordUnlink = "unlink"
	wordShow   = "show"
)

// linkHelp are the lines of help about channels.
func (p *People) linkHelp(trigger string) richtext.Doc {
	if !p.o.Settings.AllowLinking || p.o.Linking == nil {
		return nil
	}
	row := func(words, what string) []richtext.Run {
		return []richtext.Run{code("/" + trigger + " " + words), plain(" " + what)}
	}
	return richtext.Doc{paragraph(plain("As an administrator of a channel you can also type in it:")), list(
		row(wordLink+" TEAM/CHANNEL", "carries what is said here to that channel, and back"),
		row(wordUnlink, "ends that"),
		row(wordShow, "shows what this channel is linked with"))}
}

// linkCommand is link, unlink and show, which are about the channel in which they are typed.
func (p *People) linkCommand(ctx context.Context, home Account, targets []Account, c bridge.Command, verb string, words []string) bridge.Reply {
	switch {
	case !p.o.Settings.AllowLinking || p.o.Linking == nil:
		return say("Channels are linked by the operator of Causeway here. Ask your administrator.")
	case verb == wordLink && len(words) == 0:
		return bridge.Reply{Text: richtext.Doc{paragraph(plain("With which channel? Type "), code(p.typed(targets[0], wordLink, "TEAM/CHANNEL")), plain("."))}}
	}
	may, err := home.Bridge.Administers(ctx, c.Conversation, c.User)
	switch {
	case err != nil:
		return p.failed(home, err)
	case !may:
		return say("Only administrators of this channel may do that.")
	}
	if verb == wordShow {
		return p.showLinks(ctx, home, c)
	}
	here, err := channelEnd(ctx, home, c.Conversation)
	if err != nil {
		return say(bridge.Cause(err))
	}
	ends, do := [2]store.ChannelEnd{here}, p.o.Linking.Unlink
	if verb == wordLink {
		other, refusal := p.otherEnd(ctx, home, targets, c.User, words)
		if refusal != "" {
			return say(refusal)
		}
		ends[1], do = other, p.o.Linking.Link
	}
	text, err := do(ctx, Administrator{Account: home.Name, User: c.User}.String(), ends)
	if err != nil {
		return say("Not done: " + bridge.Cause(err) + ".")
	}
	return say(text)
}

// channelEnd names a channel as the config would: by its name, where that leads to it.
func channelEnd(ctx context.Context, a Account, c bridge.ConversationID) (store.ChannelEnd, error) {
	end := store.ChannelEnd{Account: a.Name, Channel: string(c.Channel)}
	found, err := a.Bridge.Resolve(ctx, end.Channel, bridge.Read|bridge.Write)
	if err != nil {
		return end, err
	}
	if again, err := a.Bridge.Resolve(ctx, found.Name, bridge.Read|bridge.Write); err == nil && again.ID == found.ID {
		end.Channel = found.Name
	}
	return end, nil
}

// otherEnd gives the channel that somebody names elsewhere. They must administer that, too: what is said there will be read here.
func (p *People) otherEnd(ctx context.Context, home Account, targets []Account, u bridge.UserID, words []string) (end store.ChannelEnd, refusal string) {
	other := targets[0]
	if i := slices.IndexFunc(targets, func(a Account) bool { return strings.EqualFold(a.short(), words[0]) }); i >= 0 && len(targets) > 1 && len(words) > 1 {
		other, words = targets[i], words[1:]
	}
	name := page.Clean(strings.Join(words, " "))
	person, known, err := p.personAt(ctx, home, u)
	there, _ := person.On(other.Name)
	if err != nil || !known || there.State != store.Connected {
		return end, "Connect your accounts first, so that Causeway knows whether you may do that in " + other.label() + ": type " + p.typed(other, "connect") + "."
	}
	found, err := other.Bridge.Resolve(ctx, name, bridge.Read|bridge.Write)
	if err != nil {
		return end, fmt.Sprintf("There is no channel %q in %s that Causeway can use. Its account there must be a member.", name, other.label())
	}
	// Whoever may not decide about it does not get to know more of it than of one that is not there.
	if may, err := other.Bridge.Administers(ctx, found.ID, there.User); err != nil || !may {
		return end, fmt.Sprintf("You must own the channel %q in %s, or its team, to link it.", name, other.label())
	}
	return store.ChannelEnd{Account: other.Name, Channel: name}, ""
}

func (p *People) showLinks(ctx context.Context, home Account, c bridge.Command) bridge.Reply {
	all, err := p.o.Linking.Linked(ctx, c.Conversation)
	switch {
	case err != nil:
		return p.failed(home, err)
	case len(all) == 0:
		return say("This channel is linked with nothing.")
	}
	var lines [][]richtext.Run
	for _, one := range all {
		lines = append(lines, []richtext.Run{plain(one)})
	}
	return bridge.Reply{Text: richtext.Doc{paragraph(plain("What is said here is carried by these gateways:")), list(lines...)}}
}
