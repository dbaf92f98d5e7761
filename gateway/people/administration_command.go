package people

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/gateway/people/page"
)

const (
	adminWord = "admin"
	// chatMost is how many people a list in a chat shows, and how many orders one command may give.
	chatMost = 50
)

// administers reports whether a user at home is an administrator there. It asks the service each time.
func (p *People) administers(ctx context.Context, home Account, u bridge.UserID) (bool, error) {
	who, err := home.Bridge.Profile(ctx, u)
	s := who.Standing
	return err == nil && who.ID == u && s.Admin && !s.Bot && !s.Guest && s.Presence == bridge.Present, err
}

// adminHelp are the lines of help about what administrators can do; none for others, and where that cannot be found out.
func (p *People) adminHelp(ctx context.Context, home Account, trigger string, u bridge.UserID) richtext.Doc {
	if admin, err := p.administers(ctx, home, u); err != nil || !admin {
		return nil
	}
	return p.adminUsage(trigger)
}

func (p *People) adminUsage(trigger string) richtext.Doc {
	var lines [][]richtext.Run
	for _, a := range Acts() {
		lines = append(lines, []richtext.Run{code(strings.TrimSpace("/" + trigger + " " + adminWord + " " + a.Name + " " + a.Takes)), plain(" " + a.About)})
	}
	return richtext.Doc{paragraph(plain("As an administrator you can also type:")), list(lines...),
		paragraph(plain("A name is a user name, an e-mail address or an id on any account."))}
}

// adminCommand does what an administrator types behind "admin".
func (p *People) adminCommand(ctx context.Context, home Account, c bridge.Command, words []string) bridge.Reply {
	by := Administrator{Account: home.Name, User: c.User}
	admin, err := p.administers(ctx, home, c.User)
	switch {
	case err != nil:
		return p.failed(home, err)
	case !admin:
		p.logAct(by, Order{Act: adminWord}, Outcome{Text: "not an administrator", Failed: true})
		return say("You may not do that.")
	case len(words) == 0:
		return bridge.Reply{Text: p.adminUsage(c.Trigger)}
	}
	act, known := ActNamed(strings.ToLower(words[0]))
	if !known {
		return bridge.Reply{Text: append(richtext.Doc{paragraph(plain("There is no command "), code(page.Clean(words[0])), plain(" for administrators."))}, p.adminUsage(c.Trigger)...)}
	}
	if act.Looks {
		return p.adminLook(ctx, home, by, c.Trigger, act, words[1:])
	}
	orders, wrong := ordersOf(act, words[1:])
	if wrong != "" {
		return bridge.Reply{Text: richtext.Doc{paragraph(plain(wrong+" Type "), code("/"+c.Trigger+" "+adminWord+" "+act.Name+" "+act.Takes), plain("."))}}
	}
	if act.Name == ActSync {
		return p.errands.take(errand{home: home, by: by, order: orders[0]})
	}
	var lines [][]richtext.Run
	for _, o := range orders {
		done, err := p.Administer(ctx, by, o)
		if err != nil {
			return say(err.Error())
		}
		for _, d := range done {
			lines = append(lines, outcomeRuns(d))
		}
	}
	return bridge.Reply{Text: richtext.Doc{list(lines...)}}
}

func outcomeRuns(d Outcome) []richtext.Run {
	text := strings.TrimSpace(d.Text)
	if d.Failed {
		text = "not done: " + text
	}
	if d.Name == "" {
		return []richtext.Run{plain(text)}
	}
	return []richtext.Run{bold(page.Clean(d.Name)), plain(": " + text)}
}

// ordersOf makes orders of the words behind an act.
func ordersOf(act Act, words []string) (all []Order, wrong string) {
	one := Order{Act: act.Name}
	if act.Name == ActSync {
		return one.sync(words)
	}
	switch n := len(words); {
	case n == 0, n%act.Words != 0:
		return nil, "That is not complete."
	case n > act.Words && !act.Each:
		return nil, "That is too much at once."
	case n/act.Words > chatMost:
		return nil, fmt.Sprintf("At most %d at once; the command line takes any number.", chatMost)
	}
	for names := range slices.Chunk(words, act.Words) {
		all = append(all, Order{Act: act.Name, Names: names})
	}
	return all, ""
}

// sync reads the options of a synchronisation.
func (o Order) sync(words []string) (all []Order, wrong string) {
	for ; len(words) > 0; words = words[1:] {
		option, number, joined := strings.Cut("--"+strings.TrimLeft(strings.ToLower(words[0]), "-–—"), "=") // some programs make one dash of two
		switch {
		case option == "--dry-run" && !joined:
			o.DryRun = true
		case option == "--confirm":
			if !joined && len(words) > 1 {
				words = words[1:]
				number = words[0]
			}
			n, err := strconv.Atoi(number)
			if err != nil || n < 1 {
				return nil, "Behind --confirm stands how many people --dry-run has shown to wait for it."
			}
			o.Confirm = n
		default:
			return nil, "There is no " + page.Clean(words[0]) + " here."
		}
	}
	if o.DryRun && o.Confirm > 0 {
		return nil, "One of the two only looks, and the other agrees."
	}
	return []Order{o}, ""
}

// adminLook is list and show.
func (p *People) adminLook(ctx context.Context, home Account, by Administrator, trigger string, act Act, words []string) bridge.Reply {
	register := p.register()
	p.logAct(by, Order{Act: act.Name}, Outcome{Name: strings.Join(words, " ")})
	if act.Name == ActShow {
		if len(words) != 1 {
			return bridge.Reply{Text: richtext.Doc{paragraph(plain("Whom? Type "), code("/"+trigger+" "+adminWord+" "+act.Name+" "+act.Takes), plain("."))}}
		}
		return p.adminShow(ctx, home, register, words[0])
	}
	all, err := register.Entries(ctx)
	if err != nil {
		return p.failed(home, err)
	}
	all = Matching(all, words)
	if len(all) == 0 {
		return say("Nobody.")
	}
	more := len(all) - chatMost
	var lines [][]richtext.Run
	for _, e := range all[:min(len(all), chatMost)] {
		lines = append(lines, []richtext.Run{bold(e.Name()), plain(": " + e.brief())})
	}
	text := richtext.Doc{list(lines...)}
	if more > 0 {
		text = append(text, paragraph(plain(fmt.Sprintf("And %d more: add words to see fewer.", more))))
	}
	return bridge.Reply{Text: text}
}

// brief is somebody in one line, without their name.
func (e Entry) brief() string {
	var parts []string
	for _, a := range e.Accounts {
		text := a.Account
		switch {
		case a.Username != "":
			text += " @" + page.Clean(a.Username)
		default:
			text += " " + page.Clean(a.ID)
		}
		if a.Email != "" {
			text += " " + page.Clean(a.Email)
		}
		parts = append(parts, text+" ("+a.Stands()+")")
	}
	text := strings.Join(parts, ", ")
	if e.Preferred != "" {
		text += "; notified in " + e.Preferred
	}
	if !e.Since.IsZero() {
		text += "; since " + day(e.Since)
	}
	return text
}

func (p *People) adminShow(ctx context.Context, home Account, r Register, name string) bridge.Reply {
	e, err := r.Find(ctx, name)
	if err != nil {
		if ctx.Err() == nil && errors.Is(err, ErrNobody) {
			return say("Nobody who is known is called that. Type " + p.call(home, adminWord, ActList) + " to see who is.")
		}
		return say(bridge.Cause(err))
	}
	sections, err := r.Show(ctx, e)
	if err != nil {
		return p.failed(home, err)
	}
	var text richtext.Doc
	for _, s := range sections {
		var lines [][]richtext.Run
		for _, l := range s.Lines {
			lines = append(lines, []richtext.Run{plain(l)})
		}
		text = append(text, paragraph(bold(s.Title)), list(lines...))
	}
	return bridge.Reply{Text: text}
}
