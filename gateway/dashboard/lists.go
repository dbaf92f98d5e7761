package dashboard

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/gateway"
	"causeway/gateway/people/page"
	"causeway/gateway/store"
)

// quarantine is what could not be delivered.
type quarantine struct {
	head
	Rows []stuck
	Next string
	// Targets and Reasons are what can be chosen for many at once.
	Targets, Reasons []string
}

type stuck struct {
	ID, Message         int64
	From, To, Author    string
	Reason, For         string
	Since               moment
	RetryPath, DropPath string
}

// number reads a number of an address; 0 where there is none.
func number(r *http.Request, key string) int64 {
	n, _ := strconv.ParseInt(r.URL.Query().Get(key), 10, 64)
	return n
}

func (d *Dashboard) quarantine(w http.ResponseWriter, r *http.Request, g guest) {
	ctx, cancel := limited(r)
	defer cancel()
	all, err := d.o.Store.QuarantineAfter(ctx, number(r, "after"), pageRows+1)
	if err != nil {
		d.failed(w, g, err)
		return
	}
	n := newNames(d.o.Gateway.Status(ctx))
	v := quarantine{head: d.head(r, g, "quarantine", "Quarantine")}
	if len(all) > pageRows {
		all = all[:pageRows]
		v.Next = "quarantine?" + query("after", strconv.FormatInt(all[pageRows-1].ID, 10))
	}
	for _, q := range all {
		id := strconv.FormatInt(q.ID, 10)
		v.Rows = append(v.Rows, stuck{ID: q.ID, Message: q.Message, From: n.conversation(q.Origin), To: n.conversation(q.Target), Author: page.Clean(q.Author), Reason: q.Reason,
			For: ago(q.Since, n.at), Since: moment{q.Since}, RetryPath: "confirm?" + query("do", "retry", "id", id), DropPath: "confirm?" + query("do", "drop", "id", id)})
	}
	v.Targets, v.Reasons = choices(v.Rows)
	show(w, http.StatusOK, "quarantine", v)
}

// folk is who is connected, and who was asked.
type folk struct {
	head
	Query   string
	Counted struct{ Connected, Lost, Asked int }
	People  []person
	Next    string
	Asked   []asked
	// NextAsked leads to those behind.
	NextAsked string
	Accounts  []string
}

type person struct {
	Name, Preferred string
	Ends            []end
	Disconnect      string
	// Key names them in forms, and Platforms are where they can be notified.
	Key       string
	Platforms []string
	State     string
	Lost      bool
	Since     moment
}

type end struct{ Account, Username, Email, State, Reason string }

type asked struct {
	Account, User, Answer string
	At                    moment
}

func (d *Dashboard) people(w http.ResponseWriter, r *http.Request, g guest) {
	ctx, cancel := limited(r)
	defer cancel()
	s := d.o.Gateway.Status(ctx)
	n := newNames(s)
	v := folk{head: d.head(r, g, "people", "People"), Query: strings.TrimSpace(r.URL.Query().Get("q"))}
	v.Counted.Connected, v.Counted.Lost, v.Counted.Asked = s.People.Connected, s.People.Lost, s.People.Asked
	var all []store.Person
	var err error
	if v.Query != "" {
		all, err = d.called(r, v.Query)
	} else {
		all, err = d.o.Store.PeopleAfter(ctx, number(r, "after"), pageRows+1)
		if len(all) > pageRows {
			all = all[:pageRows]
			v.Next = "people?" + query("after", strconv.FormatInt(all[pageRows-1].ID, 10))
		}
	}
	if err == nil && v.Query == "" {
		err = d.askedPage(r, &v, n)
	}
	if err != nil {
		d.failed(w, g, err)
		return
	}
	for _, p := range all {
		v.People = append(v.People, shownPerson(p))
	}
	show(w, http.StatusOK, "people", v)
}

// called finds people by a name, an address or an id.
func (d *Dashboard) called(r *http.Request, name string) ([]store.Person, error) {
	users, err := d.o.Store.Called(r.Context(), name)
	if err != nil {
		return nil, err
	}
	var all []store.Person
	seen := map[int64]bool{}
	for _, u := range users[:min(len(users), pageRows)] {
		p, ok, err := d.o.Store.PersonOf(r.Context(), u.Server, u.User)
		if err != nil {
			return nil, err
		}
		if ok && !seen[p.ID] {
			seen[p.ID] = true
			all = append(all, p)
		}
	}
	return all, nil
}

// export gives everybody who is known as a file; that somebody has taken it is kept. A page of another site, which could have it made again and again by
// showing it as a picture, is refused where the browser tells of it: by Sec-Fetch-Site, which is "none" for an address that somebody has typed
// (https://www.w3.org/TR/fetch-metadata/).
func (d *Dashboard) export(w http.ResponseWriter, r *http.Request, g guest) {
	if from := r.Header.Get("Sec-Fetch-Site"); from != "" && from != "same-origin" && from != "none" {
		d.refuse(w, http.StatusForbidden, g, "Another site asks for this list", "It is given to Causeway's own pages: open People, and download it there.")
		return
	}
	ctx, cancel := limited(r)
	defer cancel()
	text, err := d.o.Works.Export(ctx)
	if _, err = d.record(ctx, g, "people export", "", note{Text: []string{"as CSV"}}, err); err != nil {
		d.failed(w, g, err)
		return
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="people.csv"`)
	_, _ = w.Write(text)
}

func (d *Dashboard) askedPage(r *http.Request, v *folk, n names) error {
	q := r.URL.Query()
	all, err := d.o.Store.InvitationsAfter(r.Context(), store.User{Server: bridge.ServerID(q.Get("server")), User: bridge.UserID(q.Get("user"))}, pageRows+1)
	if len(all) > pageRows {
		all = all[:pageRows]
		last := all[pageRows-1]
		v.NextAsked = "people?" + query("server", string(last.Server), "user", string(last.User)) + "#asked"
	}
	for _, i := range all {
		v.Asked = append(v.Asked, asked{Account: n.server(i.Server), User: string(i.User), Answer: i.Answer.String(), At: moment{i.Asked}})
	}
	return err
}

func shownPerson(p store.Person) person {
	one := person{Preferred: string(p.Preferred), Since: moment{p.Since}, State: store.Kept.String()}
	rank := map[store.IdentityState]int{store.Kept: 0, store.Connected: 1, store.Lost: 2, store.Leaving: 3}
	worst := store.Kept
	for _, i := range p.Identities {
		if one.Name == "" && i.Name != "" {
			one.Name = page.Clean(i.Name)
		}
		if one.Key == "" {
			one.Key = string(i.Account) + ":" + string(i.User)
		}
		if rank[i.State] > rank[worst] {
			worst = i.State
		}
		one.Ends = append(one.Ends, end{Account: string(i.Account), Username: page.Clean(i.Username), Email: page.Clean(i.Email), State: i.State.String(), Reason: i.Reason})
		if i.State == store.Connected {
			one.Platforms = append(one.Platforms, string(i.Account))
		}
	}
	one.State, one.Lost = worst.String(), worst == store.Lost
	if one.Name == "" {
		one.Name = one.Key
	}
	if worst == store.Connected || worst == store.Lost {
		one.Disconnect = "confirm?" + query("do", "disconnect", "name", one.Key)
	}
	return one
}

// feeds are the subscriptions of accounts.
type feeds struct {
	head
	Accounts []feedAccount
	None     []string
}

type feedAccount struct {
	Name, Renew string
	Alive, All  int
	Rows        []feed
	More        int
}

type feed struct {
	What, State, For, Ends, Next string
	Alive                        bool
	Trouble                      string
}

// mostFeeds is how many of one account are shown: those that do not live come first.
const mostFeeds = 200

func (d *Dashboard) subscriptions(w http.ResponseWriter, r *http.Request, g guest) {
	ctx, cancel := limited(r)
	defer cancel()
	s := d.o.Gateway.Status(ctx)
	n := newNames(s)
	v := feeds{head: d.head(r, g, "subscriptions", "Subscriptions")}
	by := map[bridge.AccountName]int{}
	for _, sub := range d.o.Gateway.Subscriptions() {
		at, ok := by[sub.Account]
		if !ok {
			at = len(v.Accounts)
			by[sub.Account] = at
			v.Accounts = append(v.Accounts, feedAccount{Name: string(sub.Account), Renew: "confirm?" + query("do", "renew", "account", string(sub.Account))})
		}
		a := &v.Accounts[at]
		a.All++
		if sub.Alive {
			a.Alive++
		}
		if len(a.Rows) == mostFeeds {
			a.More++
			continue
		}
		a.Rows = append(a.Rows, fed(sub.Subscription, n))
	}
	for _, a := range s.Accounts {
		if _, ok := by[a.Name]; !ok {
			line := string(a.Name) + " has none"
			if a.Receiving != "" {
				line += ": it receives by " + a.Receiving
			}
			if a.Why != "" {
				line += ", because " + a.Why
			}
			v.None = append(v.None, line+".")
		}
	}
	show(w, http.StatusOK, "subscriptions", v)
}

func fed(s bridge.Subscription, n names) feed {
	one := feed{What: s.What, Alive: s.Alive, State: "does not live", Trouble: s.Trouble}
	if s.Conversation != (bridge.ConversationID{}) {
		one.What = n.conversation(s.Conversation)
	}
	if s.Alive {
		one.State, one.For = "alive", ago(s.Since, n.at)
		one.Ends = gateway.Span(s.Ends.Sub(n.at))
	}
	if !s.Next.IsZero() {
		one.Next = gateway.Span(s.Next.Sub(n.at))
	}
	return one
}

// ledger is what was done by hand.
type ledger struct {
	head
	Zone string
	Rows []entry
	Next string
}

type entry struct {
	At                      moment
	Who, Act, About, Result string
	Failed                  bool
}

func (d *Dashboard) audit(w http.ResponseWriter, r *http.Request, g guest) {
	ctx, cancel := limited(r)
	defer cancel()
	all, err := d.o.Store.Audit(ctx, number(r, "before"), pageRows+1)
	if err != nil {
		d.failed(w, g, err)
		return
	}
	v := ledger{head: d.head(r, g, "audit", "Audit log"), Zone: zone(time.Now())}
	if len(all) > pageRows {
		all = all[:pageRows]
		v.Next = "audit?" + query("before", strconv.FormatInt(all[pageRows-1].ID, 10))
	}
	for _, a := range all {
		v.Rows = append(v.Rows, entry{moment{a.At}, a.Who, a.Act, a.About, a.Result, a.Failed})
	}
	show(w, http.StatusOK, "audit", v)
}
