package people

import (
	"context"
	"fmt"
	"strings"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/gateway/people/page"
	"causeway/gateway/store"
)

// stateText says how an identity stands, in words for its person.
func stateText(i store.Identity) string {
	switch i.State {
	case store.Connected:
		return "Connected: you write as yourself."
	case store.Lost:
		return "Lost: Causeway may not act for you there any more. Connect again."
	case store.Leaving:
		return "Being disconnected."
	default:
		return "Not connected."
	}
}

func (p *People) statusCommand(ctx context.Context, home Account, u bridge.UserID) bridge.Reply {
	person, ok, err := p.personAt(ctx, home, u)
	if err != nil {
		return p.failed(home, err)
	}
	if !ok {
		return bridge.Reply{Text: p.notConnected(home)}
	}
	var lines [][]richtext.Run
	lost := false
	for _, i := range person.Identities {
		title := string(i.Account)
		if a, ok := p.account(i.Account); ok {
			title = a.label()
		}
		lost = lost || i.State == store.Lost
		lines = append(lines, []richtext.Run{bold(title), plain(", " + page.Clean(i.Name) + ": " + stateText(i))})
	}
	reply := bridge.Reply{Text: richtext.Doc{list(lines...)}}
	reply.Text = append(reply.Text, paragraph(plain("You are notified in "), bold(p.prefers(home, person).label()), plain(".")))
	if p.o.PublicURL != "" {
		reply.Text = append(reply.Text, paragraph(link("Open your page", p.meLink(home.Name, u)), plain(" to change that or to disconnect. The link is for you alone and holds for 15 minutes.")))
	}
	if lost {
		reply.Choices = p.connectChoices(home, u, person)
	}
	return reply
}

// connectChoices are buttons that connect anew what was lost.
func (p *People) connectChoices(home Account, u bridge.UserID, person store.Person) []bridge.Choice {
	here, _ := person.On(home.Name)
	var all []bridge.Choice
	for _, a := range p.offered(home) {
		if i, ok := person.On(a.Name); ok && (i.State == store.Lost || i.State == store.Connected && here.State == store.Lost) {
			all = append(all, p.choice(home.Name, u, "Connect again with "+a.label(), forConnect, string(a.Name)))
		}
	}
	return all
}

// connectAgain answers a button by which somebody connects: with a fresh link, for them alone.
func (p *People) connectAgain(ctx context.Context, in pressed) bridge.Reply {
	for _, a := range p.offered(in.home) {
		if string(a.Name) != in.argument {
			continue
		}
		text, err := p.invitation(ctx, in.home, a, in.user)
		if err != nil {
			return p.failed(in.home, err)
		}
		return bridge.Reply{Text: text}
	}
	return say("That account cannot be connected any more. Type " + p.call(in.home, "help") + " for what you can do.")
}

// whyLimit is how many messages `why` shows.
const whyLimit = 10

func (p *People) whyCommand(ctx context.Context, home Account, u bridge.UserID) bridge.Reply {
	server, ok := p.server(home.Name)
	if !ok {
		return p.failed(home, fmt.Errorf("%s has not connected yet", home.Name))
	}
	who := []store.User{{Server: server, User: u}}
	var off richtext.Doc
	if person, ok, err := p.personAt(ctx, home, u); err != nil {
		return p.failed(home, err)
	} else if ok {
		for _, i := range person.Identities {
			if i.Server != server && i.State != store.Kept {
				who = append(who, store.User{Server: i.Server, User: i.User})
				off = append(off, p.offLines(home, i.Account)...)
			}
		}
	}
	names := p.conversationNames()
	var lines [][]richtext.Run
	more := false
	for _, one := range who {
		all, err := p.o.Store.Undelivered(ctx, one.Server, one.User, whyLimit+1)
		if err != nil {
			return p.failed(home, err)
		}
		for _, m := range all {
			if len(lines) == whyLimit {
				more = true
				break
			}
			lines = append(lines, p.whyLine(m, names))
		}
	}
	talks, err := p.talkLines(ctx, who)
	talks = append(talks, off...)
	switch {
	case err != nil:
		return p.failed(home, err)
	case len(lines) == 0 && len(talks) == 0:
		return say("Everything that you have said was delivered.")
	case len(lines) == 0:
		return bridge.Reply{Text: talks}
	}
	text := richtext.Doc{paragraph(bold("Of what you have said, this was not delivered:")), list(lines...)}
	if more {
		text = append(text, paragraph(plain("There is more.")))
	}
	return bridge.Reply{Text: append(text, talks...)}
}

func (p *People) whyLine(m store.Undelivered, names map[bridge.ConversationID]string) []richtext.Run {
	name := func(c bridge.ConversationID) string {
		if n := names[c]; n != "" {
			return n
		}
		return "a conversation that is not carried any more"
	}
	text := ": waiting, and about to go."
	switch {
	case m.Reason != "":
		text = ": " + strings.TrimRight(m.Reason, ".") + ". Say it again in another form, or ask your administrator."
	case !p.o.Gateway.Delivers(m.Origin, m.Target):
		text = ": waiting, as nothing arrives there at present. It goes by itself as soon as that works again."
	}
	return []richtext.Run{bold(excerpt(m.Body)), plain(fmt.Sprintf(" (%s UTC, in %s) to %s%s", m.Created.UTC().Format("2006-01-02 15:04"), name(m.Origin), name(m.Target), text))}
}

// excerpt is the beginning of a message in a line of plain text.
func excerpt(b store.Body) string {
	text := words(b.Text.Excerpt(60))
	switch {
	case text != "":
		return "“" + text + "”"
	case len(b.Files) > 0:
		return "file " + page.Clean(b.Files[0].Name)
	}
	return "a message"
}

// words gives the text of a document without its form.
func words(doc richtext.Doc) string {
	var b strings.Builder
	for _, block := range doc {
		for _, r := range block.Runs {
			b.WriteString(r.Text)
			if r.Break {
				b.WriteByte(' ')
			}
		}
		b.WriteString(" " + block.Text + " " + words(block.Blocks))
		for _, item := range block.Items {
			b.WriteString(" " + words(item))
		}
		b.WriteByte(' ')
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// conversationNames gives what the config calls conversations.
func (p *People) conversationNames() map[bridge.ConversationID]string {
	routes, _ := p.o.Gateway.Routes()
	all := map[bridge.ConversationID]string{}
	for _, one := range routes {
		if a, ok := p.account(one.Reader); ok && one.Shape != bridge.Open {
			all[one.From] = "a direct or group message in " + a.label()
		} else if ok {
			all[one.From] = one.Name + " in " + a.label()
		}
	}
	return all
}
