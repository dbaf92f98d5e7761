package people

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/gateway/people/page"
	"causeway/gateway/store"
)

// Section is a part of what is shown of somebody: a title and its lines.
type Section struct {
	Title string
	Lines []string
}

// showMost is how many messages that were not delivered are shown, and how many muted conversations.
const showMost = 20

// Show gives all that is known of somebody. What they have said is not shown, only where it is missing, and why.
func (r Register) Show(ctx context.Context, e Entry) ([]Section, error) {
	all := []Section{{Title: e.Name(), Lines: []string{e.line()}}, {Title: "Accounts"}}
	var mutes, invitations, approvals, left, missing []string
	departures, err := r.Store.Departures(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range e.Accounts {
		all[1].Lines = append(all[1].Lines, a.line())
		who := store.User{Server: bridge.ServerID(a.Server), User: bridge.UserID(a.ID)}
		if a.Invitation != "" {
			invitations = append(invitations, a.Account+": "+a.invitation())
		}
		for _, read := range []struct {
			to    *[]string
			lines func(context.Context, store.User) ([]string, error)
		}{{&mutes, r.mutes}, {&approvals, r.approvals}, {&missing, r.missing}} {
			lines, err := read.lines(ctx, who)
			if err != nil {
				return nil, err
			}
			for _, l := range lines {
				if !slices.Contains(*read.to, l) {
					*read.to = append(*read.to, l)
				}
			}
		}
		for _, d := range departures {
			if d.Server == who.Server && d.User == who.User {
				left = append(left, departureLine(a, d))
			}
		}
	}
	for _, s := range []Section{{"Asked to connect", invitations}, {"May connect with, although the addresses differ", approvals}, {"Has left", left},
		{"Muted for them, or left alone", capped(mutes)}, {"Not delivered", missing}} {
		if len(s.Lines) > 0 {
			all = append(all, s)
		}
	}
	return all, nil
}

// line says how somebody stands as a whole.
func (e Entry) line() string {
	if e.Person == 0 {
		return "Not connected; was asked to."
	}
	text := fmt.Sprintf("Person %d, %s, known since %s; notified ", e.Person, e.State, minute(e.Since))
	switch {
	case e.Preferred == "":
		return text + "where they connected (has not chosen)."
	case e.Observe:
		return text + "in " + e.Preferred + ", with a connection in their name."
	}
	return text + "in " + e.Preferred + "."
}

// line says who somebody is on an account, and how that stands.
func (e End) line() string {
	parts := []string{e.Account}
	if e.Name != "" {
		parts = append(parts, page.Clean(e.Name))
	}
	if e.Username != "" {
		parts = append(parts, "@"+page.Clean(e.Username))
	}
	if e.Email != "" {
		parts = append(parts, page.Clean(e.Email))
	}
	text := strings.Join(append(parts, "id "+page.Clean(e.ID)), ", ") + ": " + e.Stands()
	if !e.Verified.IsZero() {
		text += ", verified " + minute(e.Verified)
	}
	return text
}

// Stands is the state with its reason: "lost: the token was refused".
func (e End) Stands() string {
	switch {
	case e.State == Invited:
		return Invited + ": " + e.Invitation
	case e.Reason != "":
		return e.State + ": " + e.Reason
	}
	return e.State
}

func (e End) invitation() string {
	if e.Asked.IsZero() {
		return e.Invitation
	}
	return e.Invitation + ", " + minute(e.Asked)
}

func departureLine(a End, d store.Departure) string {
	text := fmt.Sprintf("%s: %s since %s; ", a.Account, d.Presence, minute(d.Seen))
	if d.Allowed.IsZero() {
		return text + "not removed yet (`causeway people sync --dry-run` says why)"
	}
	return text + "being removed"
}

func (r Register) mutes(ctx context.Context, u store.User) (lines []string, err error) {
	all, err := r.Store.MutesOf(ctx, u.Server, u.User)
	for _, m := range all {
		lines = append(lines, fmt.Sprintf("%s: %s (was %q)", r.conversation(bridge.ConversationID{Server: m.Server, Channel: m.Channel}), m.State, m.Before))
	}
	return lines, err
}

func (r Register) approvals(ctx context.Context, u store.User) (lines []string, err error) {
	all, err := r.Store.Approvals(ctx, u)
	for _, other := range all {
		ends := []string{r.account(u.Server) + " " + string(u.User), r.account(other.Server) + " " + string(other.User)}
		slices.Sort(ends) // so that it is the same line from both ends
		lines = append(lines, strings.Join(ends, " with "))
	}
	return lines, err
}

func (r Register) missing(ctx context.Context, u store.User) (lines []string, err error) {
	all, err := r.Store.Undelivered(ctx, u.Server, u.User, showMost+1)
	for _, m := range all {
		why := "waiting"
		if m.Reason != "" {
			why = "in quarantine: " + m.Reason
		}
		lines = append(lines, fmt.Sprintf("%s, %s → %s: %s", minute(m.Created), r.conversation(m.Origin), r.conversation(m.Target), why))
	}
	return capped(lines), err
}

// capped keeps a list short.
func capped(lines []string) []string {
	if len(lines) <= showMost {
		return lines
	}
	return append(lines[:showMost:showMost], "and more")
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") + " UTC" }
