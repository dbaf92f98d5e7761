package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"causeway/bridge"
	"causeway/gateway"
	"causeway/gateway/config"
)

// status is `causeway status`. It reads of the config only where to ask, so that it works without the secrets.
func (c *call) status(ctx context.Context) error {
	r, err := config.LoadRunning(c.config)
	if err != nil {
		return err
	}
	a, err := c.ask(ctx, r)
	if err != nil {
		return err
	}
	text := statusText(a.status)
	if c.json {
		var whole bytes.Buffer // with what only a newer Causeway says
		if err := json.Indent(&whole, a.text, "", "  "); err != nil {
			return fmt.Errorf("showing the status: %w", err)
		}
		text = strings.TrimSpace(whole.String()) + "\n"
	}
	if _, err := io.WriteString(c.out, text); err != nil {
		return err
	}
	if len(a.status.Problems) > 0 {
		return errProblems
	}
	return nil
}

// page is a status as people read it.
type page struct {
	strings.Builder
	gateway.Status
}

func statusText(s gateway.Status) string {
	p := &page{Status: s}
	p.line("Causeway %s has been running for %s, since %s.", s.Version, gateway.Span(s.At.Sub(s.Since)), moment(s.Since))
	p.problems("problem", s.Problems)
	p.problems("warning", s.Warnings)
	p.accounts()
	p.gateways()
	p.people()
	p.instances()
	p.totals()
	return p.String()
}

// line adds a line that is a paragraph of its own, or begins one.
func (p *page) line(format string, args ...any) {
	if p.Len() > 0 {
		p.WriteByte('\n')
	}
	p.WriteString(oneLine(fmt.Sprintf(format, args...)) + "\n")
}

func (p *page) row(indent int, text string) {
	p.WriteString(strings.Repeat(" ", indent) + strings.TrimRight(oneLine(text), " ") + "\n")
}

func (p *page) problems(what string, all []gateway.Problem) {
	switch {
	case len(all) > 0:
		p.line("%s", strings.ToUpper(gateway.Count(len(all), what)))
	case what == "problem":
		p.line("No problem.")
	}
	for _, one := range all {
		where := one.Where
		if !one.Since.IsZero() {
			where += ", for " + gateway.Span(p.At.Sub(one.Since))
		}
		p.row(2, where+": "+one.Text)
		if one.Next != "" {
			p.row(6, "→ "+one.Next)
		}
	}
}

// instances are shown where there could be several.
func (p *page) instances() {
	if len(p.Instances) == 0 {
		return
	}
	p.line("INSTANCES")
	for _, i := range p.Instances {
		p.row(2, i.Name+": "+i.Does()+", since "+moment(i.Since))
	}
}

func (p *page) accounts() {
	p.line("ACCOUNTS")
	width := 0
	for _, a := range p.Accounts {
		width = max(width, utf8.RuneCountInString(string(a.Name)))
	}
	for _, a := range p.Accounts {
		p.row(2, padded(string(a.Name), width)+"  "+p.connection(a))
		more := []string{receives(a.Receiving, a.Why)}
		for _, e := range a.Ends {
			more = append(more, gateway.EndText(e.What, e.At, p.At))
		}
		for _, f := range a.Facts {
			more = append(more, f.Name+": "+f.Value)
		}
		for _, text := range more {
			if text != "" {
				p.row(width+4, text)
			}
		}
	}
}

// connection says whether an account works.
func (p *page) connection(a gateway.AccountStatus) string {
	switch {
	case a.Trouble != nil:
		return "NOT CONNECTED, see above"
	case !a.Connected:
		return "not connected yet"
	}
	text := "connected for " + gateway.Span(p.At.Sub(a.Since))
	if a.Identity != "" {
		text += " as " + a.Identity
	}
	if !a.Throttled.IsZero() {
		text += "; the service lets it write again in " + gateway.Span(a.Throttled.Sub(p.At))
	}
	return text
}

func (p *page) gateways() {
	const heading = "  WAITING  OLDEST   QUARANTINED"
	width := len("GATEWAYS")
	down := map[bridge.AccountName]bool{}
	for _, a := range p.Accounts {
		down[a.Name] = !a.Connected
	}
	for _, g := range p.Gateways {
		width = max(width, 2+utf8.RuneCountInString(oneLine(g.Name)))
		for _, c := range g.Conversations {
			width = max(width, 4+utf8.RuneCountInString(oneLine(conversation(c))))
		}
	}
	p.line("%s%s", padded("GATEWAYS", width), heading)
	for _, g := range p.Gateways {
		p.row(2, g.Name)
		for _, c := range g.Conversations {
			oldest := "-"
			if !c.Oldest.IsZero() {
				oldest = gateway.Span(p.At.Sub(c.Oldest))
			}
			numbers := fmt.Sprintf("  %7d  %-7s  %11d  ", c.Waiting, oldest, c.Quarantined)
			p.row(4, padded(oneLine(conversation(c)), width-4)+numbers+condition(c, down[c.Account]))
		}
	}
}

// conversation names one end of a gateway.
func conversation(c gateway.ConversationStatus) string {
	text := string(c.Account) + " " + c.Channel
	switch c.Direction {
	case config.In.String():
		text += " (read)"
	case config.Out.String():
		text += " (written)"
	}
	return text
}

// condition says what is wrong with a conversation itself, and which other instance delivers there; nothing when all is well.
func condition(c gateway.ConversationStatus, down bool) string {
	var wrong []string
	switch {
	case c.Finding != nil && c.Found:
		wrong = append(wrong, "NOT FOUND ANY MORE")
	case c.Finding != nil:
		wrong = append(wrong, "NOT FOUND")
	case down:
		return "account not connected"
	case !c.Found:
		wrong = append(wrong, "being looked for")
	}
	if c.Reading != nil {
		wrong = append(wrong, "CANNOT BE READ")
	}
	if c.Writing != nil {
		wrong = append(wrong, "CANNOT BE WRITTEN")
	}
	if c.Instance != "" {
		wrong = append(wrong, "by "+c.Instance)
	}
	return strings.Join(wrong, ", ")
}

// people counts those who have connected, once there are any.
func (p *page) people() {
	var parts []string
	for _, one := range []struct {
		n    int
		what string
	}{{p.People.Connected, "connected"}, {p.People.Lost, "must connect again"}, {p.People.Asked, "asked to connect"}} {
		if one.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", one.n, one.what))
		}
	}
	if len(parts) > 0 {
		p.line("PEOPLE")
		p.row(2, strings.Join(parts, ", "))
	}
	if where := p.People.Preferences(); where != "" {
		p.row(2, "notified where they prefer it: "+where)
	}
}

func (p *page) totals() {
	t := p.Totals
	text := fmt.Sprintf("%s, %s: ", gateway.Count(t.Gateways, "gateway"), gateway.Count(t.Conversations, "conversation"))
	switch {
	case t.Waiting == 0:
		text += "nothing is waiting"
	default:
		text += fmt.Sprintf("%d waiting, the oldest for %s", t.Waiting, gateway.Span(p.At.Sub(t.Oldest)))
	}
	if t.Quarantined > 0 {
		text += fmt.Sprintf("; %d in quarantine", t.Quarantined)
	}
	p.line("%s.", text)
}

func padded(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

// moment gives a time as the people here read it.
func moment(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }
