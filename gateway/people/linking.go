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

// LinkEnd is a channel about which somebody decides. It goes by its id: whoever may rename a channel decides what a name leads to.
type LinkEnd struct {
	Account bridge.AccountName
	ID      bridge.ConversationID
}

// Linking pairs channels while Causeway runs. The errors of all are for whoever wants it.
type Linking interface {
	// Link pairs two channels, Unlink ends the pair that has one; who stands in the audit log. They give what has happened.
	Link(ctx context.Context, who string, both [2]LinkEnd) (string, error)
	Unlink(ctx context.Context, who string, one LinkEnd) (string, error)
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
	here, text := LinkEnd{home.Name, c.Conversation}, ""
	who := Administrator{Account: home.Name, User: c.User}.String()
	if verb == wordLink {
		other, refusal := p.otherEnd(ctx, home, targets, c.User, words)
		if refusal != "" {
			return say(refusal)
		}
		text, err = p.o.Linking.Link(ctx, who, [2]LinkEnd{here, other})
	} else {
		text, err = p.o.Linking.Unlink(ctx, who, here)
	}
	if err != nil {
		return say("Not done: " + bridge.Cause(err) + ".")
	}
	return say(text)
}

// otherEnd gives the channel that somebody names elsewhere. They must administer that, too: what is said there will be read here.
func (p *People) otherEnd(ctx context.Context, home Account, targets []Account, u bridge.UserID, words []string) (end LinkEnd, refusal string) {
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
	// Whoever may not decide about it does not get to know whether it is there.
	no := fmt.Sprintf("You own no channel %q in %s that Causeway can use. It takes an owner of the channel, or of its team, and Causeway's account there must be a member.", name, other.label())
	found, err := other.Bridge.Resolve(ctx, name, bridge.Read|bridge.Write)
	if err != nil {
		return end, no
	}
	if may, err := other.Bridge.Administers(ctx, found.ID, there.User); err != nil || !may {
		return end, no
	}
	return LinkEnd{other.Name, found.ID}, ""
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
