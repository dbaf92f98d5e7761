package dashboard

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/gateway"
)

// pageRows is how many rows a page has.
const pageRows = 50

// overview is how everything stands.
type overview struct {
	head
	Version, For       string
	At                 moment
	Problems, Warnings []problem
	Accounts           []account
	Totals             gateway.Totals
	Oldest             string
	People             gateway.PeopleStatus
	// Said is how much was said in 24 hours; Uncounted says why that is not known.
	Said      int
	Uncounted string
	// Instances are the processes on this store, where there may be several.
	Instances []instance
	// Query is what the gateways are looked through for, Found how many there are; Groups are those of this page.
	Query  string
	Found  int
	Groups []group
	pager
}

// instance is a process that works on the store.
type instance struct {
	Name, Does string
	Active     bool
	Since      moment
}

// problem is one with its next step, and where that can be done.
type problem struct {
	Where, Text, Next, For string
	Path, Label            string
}

// account is how one stands.
type account struct {
	Name, Identity, State, For string
	Well                       bool
	Receiving, Why, Throttled  string
	Ends                       []string
	Facts                      []gateway.Fact
}

// group is a gateway with its conversations.
type group struct {
	Name string
	Rows []row
}

// row is a conversation.
type row struct {
	Account, Channel, Direction string
	// Instance delivers there; empty: the one that leads.
	Instance             string
	Spark                spark
	Said                 int
	Last, Oldest         string
	Waiting, Quarantined int
	Troubles             []problem
}

// pager leads to the pages before and after; 0: there is none.
type pager struct{ Before, Page, After, Pages int }

func newPager(page, all int) (p pager, from, to int) {
	p.Pages = max(1, (all+pageRows-1)/pageRows)
	p.Page = min(max(1, page), p.Pages)
	if p.Page > 1 {
		p.Before = p.Page - 1
	}
	if p.Page < p.Pages {
		p.After = p.Page + 1
	}
	from = (p.Page - 1) * pageRows
	return p, from, min(all, from+pageRows)
}

func (d *Dashboard) overview(w http.ResponseWriter, r *http.Request, g guest) {
	ctx, cancel := limited(r)
	defer cancel()
	s := d.o.Gateway.Status(ctx)
	v := overview{head: d.head(r, g, "./", ""), Version: s.Version, For: ago(s.Since, s.At), At: moment{s.At}, Totals: s.Totals, Oldest: ago(s.Totals.Oldest, s.At),
		People: s.People, Query: strings.TrimSpace(r.URL.Query().Get("q"))}
	v.Title = "All is well"
	if n := len(s.Problems); n > 0 {
		v.Title = gateway.Count(n, "problem")
	}
	v.Problems, v.Warnings = problems(s.Problems, s.At), problems(s.Warnings, s.At)
	for _, a := range s.Accounts {
		v.Accounts = append(v.Accounts, shown(a, s.At))
	}
	for _, i := range s.Instances {
		v.Instances = append(v.Instances, instance{Name: i.Name, Does: i.Does(), Active: i.Active, Since: moment{i.Since}})
	}
	said, err := d.counts(ctx, s.At)
	if err != nil {
		v.Uncounted = bridge.Cause(err)
	}
	v.Said = said.sum
	found := matching(s.Gateways, v.Query)
	v.Found = len(found)
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	var from, to int
	v.pager, from, to = newPager(page, len(found))
	for _, one := range found[from:to] {
		v.Groups = append(v.Groups, grouped(one, said, s.At))
	}
	show(w, http.StatusOK, "overview", v)
}

func problems(all []gateway.Problem, at time.Time) []problem {
	var list []problem
	for _, p := range all {
		list = append(list, trouble(p.Where, &p.Trouble, at))
	}
	return list
}

// trouble says what fails, and leads to where it can be mended here.
func trouble(where string, t *gateway.Trouble, at time.Time) problem {
	p := problem{Where: where, Text: t.Text, Next: t.Next, For: ago(t.Since, at)}
	if where == "quarantine" {
		p.Path, p.Label = "quarantine", "Look at them"
	}
	return p
}

func shown(a gateway.AccountStatus, at time.Time) account {
	one := account{Name: string(a.Name), Identity: a.Identity, Well: a.Connected, Receiving: a.Receiving, Why: a.Why, Facts: a.Facts}
	switch {
	case a.Trouble != nil:
		one.State, one.For = "not connected: "+a.Trouble.Text, ago(a.Trouble.Since, at)
	case !a.Connected:
		one.State = "not connected yet"
	default:
		one.State, one.For = "connected", ago(a.Since, at)
	}
	if !a.Throttled.IsZero() {
		one.Throttled = gateway.Span(a.Throttled.Sub(at))
	}
	for _, e := range a.Ends {
		one.Ends = append(one.Ends, gateway.EndText(e.What, e.At, at))
	}
	return one
}

// matching gives the gateways that hold a text, those in trouble first, then those that wait.
func matching(all []gateway.GatewayStatus, text string) []gateway.GatewayStatus {
	text = strings.ToLower(text)
	var found []gateway.GatewayStatus
	for _, g := range all {
		hit := strings.Contains(strings.ToLower(g.Name), text)
		for _, c := range g.Conversations {
			hit = hit || strings.Contains(strings.ToLower(string(c.Account)+" "+c.Channel), text)
		}
		if hit {
			found = append(found, g)
		}
	}
	slices.SortStableFunc(found, func(x, y gateway.GatewayStatus) int { return urgency(y) - urgency(x) })
	return found
}

func urgency(g gateway.GatewayStatus) int {
	worst := 0
	for _, c := range g.Conversations {
		switch {
		case c.Finding != nil, c.Reading != nil, c.Writing != nil:
			worst = max(worst, 3)
		case c.Quarantined > 0:
			worst = max(worst, 2)
		case c.Waiting > 0:
			worst = max(worst, 1)
		}
	}
	return worst
}

func grouped(g gateway.GatewayStatus, said counts, at time.Time) group {
	all := group{Name: g.Name}
	for _, c := range g.Conversations {
		one := row{Account: string(c.Account), Channel: c.Channel, Instance: c.Instance, Direction: map[string]string{"inout": "both ways", "in": "read only", "out": "written only"}[c.Direction],
			Waiting: c.Waiting, Oldest: ago(c.Oldest, at), Quarantined: c.Quarantined}
		counted := said.by[c.ID]
		one.Spark = newSpark(counted, said.from)
		if counted != nil {
			one.Said = counted.Sum
		}
		one.Last = ago(said.last[c.ID], at)
		for _, t := range []*gateway.Trouble{c.Finding, c.Reading, c.Writing} {
			if t != nil {
				one.Troubles = append(one.Troubles, trouble("", t, at))
			}
		}
		if !c.Found && c.Finding == nil {
			one.Troubles = append(one.Troubles, problem{Text: "not looked for yet"})
		}
		all.Rows = append(all.Rows, one)
	}
	return all
}

// names calls conversations as the config does, and users and servers by their accounts.
type names struct {
	channels map[string]string
	accounts map[bridge.ServerID]string
	writing  map[string]*gateway.Trouble
	at       time.Time
}

func newNames(s gateway.Status) names {
	n := names{channels: map[string]string{}, accounts: map[bridge.ServerID]string{}, writing: map[string]*gateway.Trouble{}, at: s.At}
	for _, a := range s.Accounts {
		if _, twice := n.accounts[a.Server]; a.Server != "" && !twice {
			n.accounts[a.Server] = string(a.Name)
		}
	}
	for _, g := range s.Gateways {
		for _, c := range g.Conversations {
			if _, twice := n.channels[c.ID]; c.ID != "" && !twice {
				n.channels[c.ID] = string(c.Account) + " " + c.Channel
				n.writing[c.ID] = c.Writing
			}
		}
	}
	return n
}

func (n names) conversation(c bridge.ConversationID) string {
	if name, ok := n.channels[c.String()]; ok {
		return name
	}
	return n.server(c.Server) + " " + string(c.Channel)
}

func (n names) server(s bridge.ServerID) string {
	if name, ok := n.accounts[s]; ok {
		return name
	}
	return string(s)
}

// query makes the part of an address behind the question mark.
func query(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	return v.Encode()
}
