package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/gateway"
	"causeway/gateway/config"
	"causeway/gateway/store"
)

// state is how something stands that check has looked at. Its words are a promise, as they stand in what --json prints.
type state string

const (
	stateOK      state = "ok"
	stateWarning state = "warning"
	stateProblem state = "problem"
	// stateNote: nothing was tried, or nothing is known.
	stateNote state = "note"
)

// shown is how the table says it.
func (s state) shown() string {
	switch s {
	case stateProblem:
		return "PROBLEM"
	case stateNote:
		return "-"
	}
	return string(s)
}

// item is one thing that check has looked at.
type item struct {
	State state  `json:"state"`
	Text  string `json:"text"`
	// Next is what to do about it; may be empty, or stand in Text.
	Next string `json:"next,omitempty"`
}

// section is a part of the report.
type section struct {
	About string `json:"about"`
	Items []item `json:"items"`
}

// report is what check prints. Its JSON form is a promise: fields are added, never renamed.
type report struct {
	Version  string    `json:"version"`
	Problems int       `json:"problems"`
	Warnings int       `json:"warnings"`
	Sections []section `json:"sections"`
}

func (r *report) header(format string, args ...any) {
	r.Sections = append(r.Sections, section{About: oneLine(fmt.Sprintf(format, args...)), Items: []item{}})
}

// add adds to the present section.
func (r *report) add(all ...item) {
	if len(r.Sections) == 0 {
		r.header("")
	}
	last := &r.Sections[len(r.Sections)-1]
	for _, i := range all {
		i.Text, i.Next = oneLine(i.Text), oneLine(i.Next)
		switch i.State {
		case stateProblem:
			r.Problems++
		case stateWarning:
			r.Warnings++
		}
		last.Items = append(last.Items, i)
	}
}

func (r *report) line(s state, format string, args ...any) {
	r.add(item{State: s, Text: fmt.Sprintf(format, args...)})
}

func (r *report) ok(format string, args ...any)      { r.line(stateOK, format, args...) }
func (r *report) note(format string, args ...any)    { r.line(stateNote, format, args...) }
func (r *report) warning(format string, args ...any) { r.line(stateWarning, format, args...) }
func (r *report) problem(format string, args ...any) { r.line(stateProblem, format, args...) }

// failed adds an error as a problem, with its own next step apart.
func (r *report) failed(before string, err error) {
	text, next := err.Error(), ""
	var known *bridge.Error
	var stepped *stepError
	if errors.As(err, &stepped) {
		text, next = stepped.error.Error(), stepped.next
	} else if errors.As(err, &known) && known.Hint != "" && strings.HasSuffix(text, " ("+known.Hint+")") {
		text, next = strings.TrimSuffix(text, " ("+known.Hint+")"), known.Hint
	}
	r.add(item{stateProblem, before + text, next})
}

// text is the report as a table, with an arrow at what to do.
func (r *report) text() string {
	var b strings.Builder
	for _, s := range r.Sections {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(s.About + "\n")
		for _, i := range s.Items {
			fmt.Fprintf(&b, "  %-8s %s\n", i.State.shown(), i.Text)
			if i.Next != "" {
				fmt.Fprintf(&b, "           → %s\n", i.Next)
			}
		}
	}
	b.WriteByte('\n')
	switch {
	case r.Problems > 0:
		fmt.Fprintf(&b, "%s, %s.\n", gateway.Count(r.Problems, "problem"), gateway.Count(r.Warnings, "warning"))
	case r.Warnings > 0:
		fmt.Fprintf(&b, "No problem, %s.\n", gateway.Count(r.Warnings, "warning"))
	default:
		b.WriteString("No problem.\n")
	}
	return b.String()
}

func (r *report) json() (string, error) {
	text, err := json.MarshalIndent(r, "", "  ")
	return string(text) + "\n", err
}

func (r *report) config(path string, cfg *config.Config, storeFailed error) {
	r.header("%s", path)
	enabled := len(routes(cfg))
	r.ok("%s, %s", gateway.Count(len(cfg.Accounts), "account"), gateway.Count(enabled, "enabled gateway"))
	for _, w := range cfg.Warnings {
		next := w.Hint
		w.Hint = ""
		r.add(item{stateWarning, w.String(), next})
	}
	if enabled == 0 {
		r.add(item{stateProblem, "no gateway is enabled, so `causeway run` has nothing to carry", "add a [[gateway]]"})
	}
	switch {
	case storeFailed != nil:
		r.problem("%v", storeFailed)
	case !storeExists(cfg.Storage):
		r.ok("the store %s is made at the first start", store.Name(cfg.Storage.DSN))
	default:
		r.ok("the store %s can be read", store.Name(cfg.Storage.DSN))
	}
}

func (r *report) account(a *accountCheck) {
	r.header("account %s", a.account.ID)
	switch {
	case a.failed == nil:
		r.ok("connected as %s", a.name)
	case !told(a.findings, a.failed):
		r.failed("", a.failed)
	}
	if how := receives(a.status.Receiving, a.status.Why); how != "" {
		r.ok("%s", how)
	}
	for _, e := range a.status.Ends {
		r.end(e, time.Now())
	}
	for _, f := range a.findings {
		r.add(item{stateOf(f), f.Text, f.Next})
	}
}

func stateOf(f bridge.Finding) state {
	switch {
	case f.Fatal:
		return stateProblem
	case f.Fine:
		return stateOK
	case f.Unsure:
		return stateNote
	}
	return stateWarning
}

// end says what must be renewed.
func (r *report) end(e bridge.End, now time.Time) {
	i := item{stateWarning, gateway.EndText(e.What, e.At, now), e.Hint}
	switch left := e.At.Sub(now); {
	case left > gateway.EndNear:
		i.State, i.Next = stateOK, ""
	case left <= 0:
		i.State = stateProblem
	}
	r.add(i)
}

// receives words how messages arrive.
func receives(how, why string) string {
	switch {
	case how == "":
		return ""
	case why == "":
		return "receives by " + how
	}
	return "receives by " + how + ", because " + why
}

// told reports whether a fatal finding says already what an error says at its bottom.
func told(findings []bridge.Finding, err error) bool {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return slices.ContainsFunc(findings, func(f bridge.Finding) bool { return f.Fatal && strings.Contains(f.Text, err.Error()) })
}

func (r *report) gateway(g config.Gateway, accounts []*accountCheck) {
	r.header("gateway %s", g.Name)
	if !g.Enable {
		r.note("disabled, not tried")
		return
	}
	first := map[bridge.ConversationID]string{}
	failed := false
	for _, e := range g.Endpoints {
		a := accountNamed(accounts, e.Account)
		name := e.Account + " " + e.Channel
		ch, tried := a.channels[e.Channel]
		switch before, twice := first[ch.found.ID]; {
		case !tried:
			r.note("%s: not tried, as the account has a problem", name)
		case ch.failed != nil:
			r.failed(name+": ", ch.failed)
		case twice:
			r.warning("%s is the same conversation as %s: one of them is enough", name, before)
		default:
			first[ch.found.ID] = name
			r.ok("%s", found(name, e, ch.found))
		}
		failed = failed || !tried || ch.failed != nil
	}
	if !failed && len(first) == 1 {
		r.add(item{stateProblem, "all of it is one conversation, so nothing can cross", "add another one"})
	}
}

// found shows which conversation a name means, unless that is plain.
func found(name string, e config.Endpoint, c bridge.Conversation) string {
	text := name + " (" + [...]string{config.InOut: "both ways", config.In: "read", config.Out: "written"}[e.Direction] + ")"
	if c.Name != "" && c.Name != e.Channel {
		text += ": " + c.Name
	}
	return text
}

func accountNamed(all []*accountCheck, id string) *accountCheck {
	for _, a := range all {
		if a.account.ID == id {
			return a
		}
	}
	return &accountCheck{} // the config has checked that there is one
}
