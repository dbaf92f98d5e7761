package gateway

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/gateway/store"
)

// Status is how the running whole stands. It holds neither secrets nor what people say. Its JSON form is a promise: fields
// are added, never renamed, and times are RFC 3339; what has no value is left out, apart from lists, numbers and flags.
type Status struct {
	// Version is the Causeway that runs, Since when it was started, and At when this was so.
	Version string    `json:"version"`
	Since   time.Time `json:"since"`
	At      time.Time `json:"at"`
	// Config is how the config was taken up.
	Config ConfigStatus `json:"config"`
	// Problems keep messages from crossing, or wait for somebody to act. Warnings will become problems.
	Problems []Problem `json:"problems"`
	Warnings []Problem `json:"warnings"`
	// Accounts and Gateways stand as in the config: those that are used and enabled.
	Accounts []AccountStatus `json:"accounts"`
	Gateways []GatewayStatus `json:"gateways"`
	Totals   Totals          `json:"totals"`
	// People are those who have connected their accounts.
	People PeopleStatus `json:"people"`
	// Instances are the processes that work on this store, where it is in PostgreSQL.
	Instances []Instance `json:"instances,omitempty"`
	// Store is what is wrong with the store.
	Store *Trouble `json:"store,omitempty"`
}

// Instance is a process that works on the store. The active one reads, and does whatever else there is to do; the others deliver, and stand by to take its place.
type Instance struct {
	Name   string    `json:"name"`
	Since  time.Time `json:"since"`
	Active bool      `json:"active"`
	// Conversations counts those to which it delivers.
	Conversations int `json:"conversations"`
}

// Does says what an instance does.
func (i Instance) Does() string {
	delivers := "delivers to " + Count(i.Conversations, "conversation")
	switch {
	case i.Active:
		return delivers + ", and does everything else"
	case i.Conversations == 0:
		return "stands by"
	}
	return delivers + ", and stands by"
}

// ConfigStatus is how the config was taken up.
type ConfigStatus struct {
	// Since is when that was taken up by which Causeway goes, Refused why what the file says now was not.
	Since   time.Time `json:"since,omitzero"`
	Refused *Trouble  `json:"refused,omitempty"`
}

// Trouble is something that fails now.
type Trouble struct {
	// Text is the cause, Next the next step, and Since when it began.
	Text  string    `json:"text"`
	Next  string    `json:"next"`
	Since time.Time `json:"since,omitzero"`
}

// Problem is a trouble and where it is: "store", "account msteams.contoso", "msteams.contoso Contoso/General", "quarantine".
type Problem struct {
	Where string `json:"where"`
	Trouble
}

// AccountStatus is how an account stands.
type AccountStatus struct {
	Name     bridge.AccountName `json:"name"`
	Protocol string             `json:"protocol"`
	// Connected: it may read and write, since then. Not connected and without Trouble it has just been started.
	Connected bool      `json:"connected"`
	Since     time.Time `json:"since,omitzero"`
	Trouble   *Trouble  `json:"trouble,omitempty"`
	// Throttled, when set, is until when the service lets the account write nothing.
	Throttled time.Time `json:"throttled,omitzero"`
	// Server and User are ids, Identity is how people call the account; empty until it was connected once.
	Server   bridge.ServerID `json:"server,omitempty"`
	User     bridge.UserID   `json:"user,omitempty"`
	Identity string          `json:"identity,omitempty"`
	// Receiving is how messages arrive, Why the reason where there is a better way.
	Receiving string `json:"receiving,omitempty"`
	Why       string `json:"why,omitempty"`
	// Ends are what people must renew in time, Facts what else is worth showing.
	Ends  []End  `json:"ends"`
	Facts []Fact `json:"facts"`
}

// End is the end of a secret or certificate.
type End struct {
	What string    `json:"what"`
	At   time.Time `json:"at"`
	Next string    `json:"next,omitempty"`
}

// Fact is one line of an account.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// GatewayStatus is a [[gateway]] with its conversations.
type GatewayStatus struct {
	Name          string               `json:"name"`
	Conversations []ConversationStatus `json:"conversations"`
}

// ConversationStatus is one end of a gateway. A conversation in several gateways stands in each with the same numbers.
type ConversationStatus struct {
	Account bridge.AccountName `json:"account"`
	// Channel is its name in the config; Direction is "inout", "in" (read) or "out" (written).
	Channel   string `json:"channel"`
	Direction string `json:"direction"`
	// Found: it is known which conversation that is, now or from an earlier run, and ID names it.
	Found bool   `json:"found"`
	ID    string `json:"id,omitempty"`
	// Finding, Reading and Writing are what is wrong with each.
	Finding *Trouble `json:"finding,omitempty"`
	Reading *Trouble `json:"reading,omitempty"`
	Writing *Trouble `json:"writing,omitempty"`
	// Waiting are the messages, edits, deletions and reactions that have not arrived there yet, Oldest is since when the
	// first of them waits; Quarantined are the messages that could not be delivered.
	Waiting     int       `json:"waiting"`
	Oldest      time.Time `json:"oldest,omitzero"`
	Quarantined int       `json:"quarantined"`
	// Instance is the name of the one that delivers there; empty: the one that does everything else.
	Instance string `json:"instance,omitempty"`
}

// Totals sum up, each conversation once.
type Totals struct {
	Accounts      int       `json:"accounts"`
	Connected     int       `json:"connected"`
	Gateways      int       `json:"gateways"`
	Conversations int       `json:"conversations"`
	Waiting       int       `json:"waiting"`
	Oldest        time.Time `json:"oldest,omitzero"`
	// Quarantined counts also what stands for conversations that are no longer in the config.
	Quarantined int `json:"quarantined"`
}

// PeopleStatus counts people.
type PeopleStatus struct {
	// Connected are those as whom Causeway can act somewhere, Lost those who have to connect again, Asked those who have been asked
	// to connect and have not answered.
	Connected int `json:"connected"`
	Lost      int `json:"lost"`
	Asked     int `json:"asked"`
	// Preferred counts those who are connected by the account on which they want to be notified.
	Preferred map[bridge.AccountName]int `json:"preferred,omitempty"`
}

// Preferences says how many want to be notified where; empty: nobody has chosen.
func (p PeopleStatus) Preferences() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(p.Preferred)) {
		all = append(all, fmt.Sprintf("%d in %s", p.Preferred[name], name))
	}
	return strings.Join(all, ", ")
}

// Status tells how everything stands. It asks no service, and of the store one question that holds up nothing; what the
// store cannot tell is missing, and Store says why.
func (g *Gateway) Status(ctx context.Context) Status {
	backlogs, err := g.store.Backlogs(ctx)
	return g.statusOf(ctx, backlogs, err)
}

func (g *Gateway) statusOf(ctx context.Context, backlogs map[bridge.ConversationID]store.Backlog, err error) Status {
	s := Status{
		Version: g.version, Since: g.since, At: time.Now(), Problems: []Problem{}, Warnings: []Problem{},
		Accounts: []AccountStatus{}, Gateways: []GatewayStatus{},
	}
	if s.Store = g.storing.now("", ""); s.Store == nil && err != nil {
		s.Store = &Trouble{Text: err.Error(), Next: storeStep, Since: s.At}
	}
	if s.Store != nil {
		s.Problems = append(s.Problems, Problem{"store", *s.Store})
	}
	setup := g.setup.Load()
	for _, a := range setup.order {
		s.account(a)
	}
	if heads, err := g.store.CountPeople(ctx); err == nil { // else the trouble above says so
		s.People = PeopleStatus{Connected: heads.Connected, Lost: heads.Lost, Asked: heads.Asked, Preferred: heads.Preferring}
	}
	t := g.table.Load()
	for _, r := range setup.routes {
		s.Gateways = append(s.Gateways, g.gatewayStatus(t, r, setup.accounts, backlogs))
	}
	s.conversations(t, backlogs)
	s.quarantine(backlogs)
	for _, a := range s.Accounts {
		s.ends(a)
	}
	return s
}

// storeStep is what an operator can do when the store cannot be read or written.
const storeStep = "make room on the disk of the store and let Causeway write there; meanwhile the services keep what is said"

func (s *Status) account(a *account) {
	one := a.status()
	s.Accounts = append(s.Accounts, one)
	s.Totals.Accounts++
	if one.Connected {
		s.Totals.Connected++
	}
	if one.Trouble != nil && !s.storeCaused(one.Trouble) {
		s.Problems = append(s.Problems, Problem{"account " + string(one.Name), *one.Trouble})
	}
}

// storeCaused tells whether a trouble only repeats that of the store.
func (s *Status) storeCaused(t *Trouble) bool { return s.Store != nil && t.Next == storeStep }

// status tells how the account stands.
func (a *account) status() AccountStatus {
	s := AccountStatus{Name: a.Name, Protocol: a.Protocol, Ends: []End{}, Facts: []Fact{}}
	a.mutex.Lock()
	if s.Connected = a.open; a.open {
		s.Since = a.admitted
	}
	if time.Now().Before(a.relay.until) {
		s.Throttled = a.relay.until
	}
	a.mutex.Unlock()
	if !s.Connected { // what ended the last session is old news once there is another
		s.Trouble = a.reading.now(a.Name, "")
	}
	if id := a.identity.Load(); id != nil {
		s.Server, s.User, s.Identity = id.Server, id.User, id.Name
	}
	told := a.told()
	s.Receiving, s.Why = told.Receiving, told.Why
	for _, e := range told.Ends {
		s.Ends = append(s.Ends, End{What: e.What, At: e.At, Next: e.Hint})
	}
	for _, f := range told.Facts {
		s.Facts = append(s.Facts, Fact(f))
	}
	return s
}

// told is what the bridge says of itself.
func (a *account) told() bridge.Status {
	var s bridge.Status
	if err := guarded(func() error { s = a.Bridge.Status(); return nil }); err != nil {
		return bridge.Status{Facts: []bridge.Fact{{Name: "status", Value: err.Error()}}}
	}
	return s
}

func (g *Gateway) gatewayStatus(t *table, r Route, accounts map[bridge.AccountName]*account, backlogs map[bridge.ConversationID]store.Backlog) GatewayStatus {
	s := GatewayStatus{Name: r.Name}
	for _, e := range r.Endpoints {
		one := ConversationStatus{Account: e.Account, Channel: cmp.Or(e.Name, e.Channel), Direction: e.direction()}
		one.Finding = accounts[e.Account].reading.now(e.Account, findingKey(e.Channel))
		if c, ok := t.found[named{e.Account, e.Channel}]; ok {
			b := backlogs[c]
			one.Found, one.ID = true, c.String()
			one.Waiting, one.Oldest, one.Quarantined = b.Waiting, b.Oldest, b.Quarantined
			one.Reading, one.Writing = g.troublesOf(t, c)
		}
		s.Conversations = append(s.Conversations, one)
	}
	return s
}

// direction gives the word of the config.
func (e Endpoint) direction() string {
	switch {
	case e.In && e.Out:
		return "inout"
	case e.In:
		return "in"
	}
	return "out"
}

// troublesOf tells what is wrong with reading and writing a conversation.
func (g *Gateway) troublesOf(t *table, c bridge.ConversationID) (reading, writing *Trouble) {
	p := t.at(c)
	if p == nil {
		return nil, nil
	}
	g.lanes.Lock()
	l, elsewhere := g.running[c], g.apart[c]
	g.lanes.Unlock()
	if writing = elsewhere; l != nil {
		writing = l.trouble.now(p.account.Name, delivering, storing, errands)
	}
	return p.account.reading.now(p.account.Name, c.String(), leftOutKey(c)), writing
}

// conversations sums up, and lists the troubles of conversations: each once, and none that follows from one of their
// account or of the store.
func (s *Status) conversations(t *table, backlogs map[bridge.ConversationID]store.Backlog) {
	s.Totals.Gateways, s.Totals.Conversations = len(s.Gateways), 0
	for c := range t.all() {
		s.Totals.Conversations++
		b := backlogs[c]
		s.Totals.Waiting += b.Waiting
		s.Totals.Oldest = earlier(s.Totals.Oldest, b.Oldest)
	}
	down := map[bridge.AccountName]bool{}
	for _, a := range s.Accounts {
		down[a.Name] = a.Trouble != nil
	}
	seen := map[Problem]bool{}
	for _, g := range s.Gateways {
		for _, c := range g.Conversations {
			for _, t := range []*Trouble{c.Finding, c.Reading, c.Writing} {
				if t == nil || down[c.Account] || s.storeCaused(t) {
					continue
				}
				p := Problem{string(c.Account) + " " + c.Channel, *t}
				if !seen[p] {
					seen[p] = true
					s.Problems = append(s.Problems, p)
				}
			}
		}
	}
}

// quarantine makes one problem of all that could not be delivered.
func (s *Status) quarantine(backlogs map[bridge.ConversationID]store.Backlog) {
	var since time.Time
	for _, b := range backlogs {
		s.Totals.Quarantined += b.Quarantined
		since = earlier(since, b.Stuck)
	}
	if n := s.Totals.Quarantined; n > 0 {
		text := "1 message could not be delivered"
		if n > 1 {
			text = fmt.Sprintf("%d messages could not be delivered", n)
		}
		s.Problems = append(s.Problems, Problem{"quarantine", Trouble{Text: text, Since: since,
			Next: "`causeway quarantine list` shows why; then retry or drop"}})
	}
}

// ends adds what has ended to the problems, and what is about to, to the warnings.
func (s *Status) ends(a AccountStatus) {
	for _, e := range a.Ends {
		p := Problem{"account " + string(a.Name), Trouble{Text: EndText(e.What, e.At, s.At), Next: e.Next}}
		switch left := e.At.Sub(s.At); {
		case left <= 0:
			p.Since = e.At
			s.Problems = append(s.Problems, p)
		case left <= EndNear:
			s.Warnings = append(s.Warnings, p)
		}
	}
}

// earlier gives the earlier of two times, of which either may be missing.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// findingKey is under which an account's troubles hold that a channel was not found. No conversation's form has a space
// so early.
func findingKey(channel string) string { return "channel " + channel }

// The keys of a lane's troubles.
const (
	delivering = ""
	storing    = "store"
	errands    = "errands"
)
