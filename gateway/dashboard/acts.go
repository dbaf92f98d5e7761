package dashboard

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/gateway/people"
	"causeway/gateway/store"
	"causeway/gateway/web"
)

// act is something that can be done here. What it takes stands in the form of its page.
type act struct {
	// takes are the fields, in the order of the words of an order about people.
	takes []string
	// title asks whether it shall be done, about says what follows, button does it.
	title, about, button string
	// bad: it cannot be taken back. back is the page to which it returns.
	bad  bool
	back string
	// time is how long it may take; 0: as long as a page.
	time time.Duration
	// may are fields that may be empty.
	may []string
	// asks looks at what was filled in, and gives the question and what the form shall send instead; nil: title asks, and the form sends what it was given.
	asks func(d *Dashboard, ctx context.Context, fields []field) (string, []field, error)
	do   func(d *Dashboard, ctx context.Context, g guest, f url.Values) (note, error)
}

// acts are those of the command line that a running Causeway carries out.
var acts = map[string]act{
	"retry": {takes: []string{"id"}, title: "Try message %s again?", about: "It is put back into its lane, and is sent at once. When it is refused again it comes back here.",
		button: "Try again", back: "quarantine", do: released("retry", "is sent again to %s")},
	"drop": {takes: []string{"id"}, title: "Give message %s up?", about: "It will not arrive in that conversation. The rest goes on as it is. This cannot be taken back.",
		button: "Give it up", bad: true, back: "quarantine", do: released("drop", "is given up: it will not arrive in %s")},
	"retryall": {takes: manyFields, may: manyFields, asks: counted("Try %s again?"), about: "Each is put back into its lane, the oldest first, and is sent in its turn. What is refused again comes back here.",
		button: "Try all again", back: "quarantine", time: web.OrderTime, do: releasedMany("retry", "is sent again", "are sent again")},
	"dropall": {takes: manyFields, may: manyFields, asks: counted("Give %s up?"), about: "What is given up does not arrive. The rest goes on as it is. This cannot be taken back.",
		button: "Give all up", bad: true, back: "quarantine", time: web.OrderTime, do: releasedMany("drop", "is given up", "are given up")},
	"renew": {takes: []string{"account"}, title: "Renew all subscriptions of %s?", about: "Each is made or renewed at once, one after the other. Nothing is lost meanwhile.",
		button: "Renew", back: "subscriptions", do: (*Dashboard).renew},
	people.ActInvite: {takes: []string{"name"}, title: "Ask %s to connect?", about: "They get one direct message that asks whether they want to connect their accounts.",
		button: "Ask", back: "people", do: ordered(people.ActInvite, "name")},
	people.ActDisconnect: {takes: []string{"name"}, title: "Disconnect %s?", about: "What they have said is delivered first, then Causeway gives up acting as them, on all accounts, and revokes what it was given. What it has written stays. They can connect again.",
		button: "Disconnect", bad: true, back: "people", do: ordered(people.ActDisconnect, "name")},
	people.ActConnect: {takes: []string{"name", "other"}, title: "Let %s and %s connect?", about: "They may connect with each other although their addresses differ. The person is asked to, and has to prove both accounts.",
		button: "Let them connect", back: "people", do: ordered(people.ActConnect, "name", "other")},
	people.ActDisallow: {takes: []string{"name", "other"}, title: "No longer let %s and %s connect?", about: "Who has connected meanwhile stays so.",
		button: "Take it back", back: "people", do: ordered(people.ActDisallow, "name", "other")},
	people.ActPlatform: {takes: []string{"name", "platform"}, title: "Notify %s in %s?", about: "That is where they are told of what is said; in the other program the conversations that really reach them are muted.",
		button: "Set it", back: "people", do: ordered(people.ActPlatform, "name", "platform")},
	people.ActSync: {takes: []string{"mode"}, may: []string{"mode"}, title: "%s", about: "The directory is read, and compared with who is connected. That may take some minutes.",
		button: "Go on", back: "people", time: web.OrderTime, do: ordered(people.ActSync)},
	"check": {title: "Check everything?", about: "Each account is asked whether it works, each channel is looked for, and the public address is tried. Nothing is changed. It may take two minutes.",
		button: "Check", back: "upkeep", time: lookTime, do: (*Dashboard).check},
	"reload": {title: "Take up what the config says now?", about: "Gateways, accounts and most other keys count from then on; connections of which it says the same go on. A config with a mistake is not taken up.",
		button: "Take it up", back: "upkeep", time: lookTime, do: (*Dashboard).reload},
	"checkstore": {title: "Look through the store?", about: "All of it is read, beside what goes on. Nothing is changed.", button: "Look through it", back: "upkeep", time: lookTime, do: (*Dashboard).checkStore},
	"channels": {takes: []string{"account"}, title: "List the channels of %s?", about: "The service is asked which channels the account can see. Nothing is changed.",
		button: "List them", back: "upkeep", time: lookTime, do: (*Dashboard).channels},
	"login": {takes: []string{"account"}, title: "Sign %s in?", about: "The page then shows an address and a code. Open the one, sign in there as the relay account, and enter the other. Who signs in is the one as whom Causeway writes from then on.",
		button: "Begin", back: "upkeep", time: lookTime, do: (*Dashboard).signIn},
	"backup": {title: "Back the store up?", about: "All that it holds at this moment is written into a new file on the machine where Causeway runs, and read once to see that it is whole. Messages go on meanwhile.",
		button: "Back it up", back: "upkeep", time: web.OrderTime, do: (*Dashboard).backUp},
	"loglevel": {takes: []string{"level"}, title: "Log by the level %s from now on?", about: "It counts until Causeway takes up its config again or is started anew; LogLevel in [general] is for good. Each message's way stands in the log while the level is debug.",
		button: "Set it", back: "upkeep", do: (*Dashboard).logLevel},
	"link": {takes: []string{"one", "two"}, title: "Link %s and %s?", about: "What is said from now on in one is carried to the other, both ways, as if a gateway of the config held the two. It lasts until they are unlinked.",
		button: "Link them", back: "upkeep", time: lookTime, do: (*Dashboard).link},
	"unlink": {takes: []string{"one", "two"}, title: "Unlink %s and %s?", about: "Nothing more is carried between them. What was carried stays.",
		button: "Unlink them", bad: true, back: "upkeep", time: lookTime, do: (*Dashboard).unlink},
}

// confirm is the page that asks.
type confirm struct {
	head
	Do, About, Button, Back string
	Bad                     bool
	Fields                  []field
}

type field struct{ Name, Value string }

// mostTyped is how long a name may be, in bytes.
const mostTyped = 300

// filled gives the fields of an act, and why they make no sense.
func (a act) filled(v url.Values) (fields []field, wrong string) {
	for _, name := range a.takes {
		value := strings.TrimSpace(v.Get(name))
		if name == "mode" && v.Has("agree") {
			if value = strings.TrimSpace(v.Get("agreed")); value == "" {
				return nil, "Say how many removals you agree to: looking tells how many wait for it."
			}
		}
		switch {
		case value == "" && !slices.Contains(a.may, name):
			return nil, "Something is missing: fill in every field."
		case len(value) > mostTyped || strings.ContainsAny(value, "\r\n\x00"):
			return nil, "That is too long, or not on one line."
		}
		fields = append(fields, field{name, value})
	}
	return fields, ""
}

func (a act) titled(fields []field) string {
	var words []any
	for _, f := range fields {
		if f.Name == "mode" {
			f.Value = syncTitle(f.Value)
		}
		words = append(words, f.Value)
	}
	return fmt.Sprintf(a.title, words...)
}

// introduced gives the fields as people are called: who is named by account and id is called by their name, too.
func (d *Dashboard) introduced(ctx context.Context, fields []field) []field {
	fields = slices.Clone(fields)
	for i, f := range fields {
		account, user, ok := strings.Cut(f.Value, ":")
		if !ok || f.Name != "name" && f.Name != "other" {
			continue
		}
		for _, a := range d.o.Gateway.Status(ctx).Accounts {
			if string(a.Name) != account || a.Server == "" {
				continue
			}
			if p, known, err := d.o.Store.PersonOf(ctx, a.Server, bridge.UserID(user)); err == nil && known {
				fields[i].Value = shownPerson(p).Name + " (" + f.Value + ")"
			}
		}
	}
	return fields
}

func syncTitle(mode string) string {
	switch mode {
	case "":
		return "Look now who has left, and remove them?"
	case "look":
		return "Only look who has left?"
	}
	return "Remove " + mode + " people who have left?"
}

func (d *Dashboard) confirm(w http.ResponseWriter, r *http.Request, g guest) {
	q := r.URL.Query()
	a, ok := acts[q.Get("do")]
	if !ok {
		d.refuse(w, http.StatusNotFound, g, "There is no such button", "Go back, and choose another one.")
		return
	}
	fields, wrong := a.filled(q)
	if wrong != "" {
		d.refuse(w, http.StatusBadRequest, g, "That cannot be done", wrong)
		return
	}
	ctx, cancel := limited(r)
	defer cancel()
	title := ""
	if a.asks == nil {
		title = a.titled(d.introduced(ctx, fields))
	} else {
		var err error
		if title, fields, err = a.asks(d, ctx, fields); err != nil {
			d.refuse(w, http.StatusBadRequest, g, "That cannot be done", sentence(bridge.Cause(err)))
			return
		}
	}
	v := confirm{head: d.head(r, g, a.back, title), Do: q.Get("do"), About: a.about, Button: a.button, Back: a.back, Bad: a.bad, Fields: fields}
	v.Live = false
	show(w, http.StatusOK, "confirm", v)
}

func (d *Dashboard) act(w http.ResponseWriter, r *http.Request, g guest) {
	if !d.validForm(r, g) {
		d.refuse(w, http.StatusForbidden, g, "This form is too old", "Nothing has been changed. Open the page anew, and press there.")
		return
	}
	a, ok := acts[r.PostFormValue("do")]
	if !ok {
		d.refuse(w, http.StatusNotFound, g, "There is no such button", "Nothing has been changed.")
		return
	}
	if _, wrong := a.filled(r.PostForm); wrong != "" {
		d.refuse(w, http.StatusBadRequest, g, "That cannot be done", wrong)
		return
	}
	limit := cmp.Or(a.time, pageTime)
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(limit + pageTime))
	ctx, cancel := web.Outlasting(r.Context(), limit) // what was begun is not left half done when the browser goes
	defer cancel()
	n, err := a.do(d, ctx, g, r.PostForm)
	if err != nil {
		n = note{Text: append(n.Text, bridge.Cause(err)), Failed: true}
	}
	lead(w, a.back+"?"+query("note", d.keep(n)))
}

// record writes the audit log. An error says that something was done of which that does not tell.
func (d *Dashboard) record(ctx context.Context, g guest, act, about string, n note, done error) (note, error) {
	a := store.Audited{Who: g.who, Act: act, About: about, Result: strings.Join(n.Text, " "), Failed: done != nil}
	if done != nil {
		a.Result = bridge.Cause(done)
	}
	d.o.Log.WithFields(map[string]any{"by": a.Who, "act": a.Act, "whom": a.About, "result": a.Result}).Info("the dashboard has done what the operator wanted")
	if err := d.o.Store.Record(ctx, a); err != nil && done == nil {
		return n, fmt.Errorf("%s is done, but stands in no audit log: %w", act, err)
	}
	return n, done
}

// released is retry and drop.
func released(name, result string) func(*Dashboard, context.Context, guest, url.Values) (note, error) {
	return func(d *Dashboard, ctx context.Context, g guest, f url.Values) (note, error) {
		id, err := strconv.ParseInt(f.Get("id"), 10, 64)
		change := d.o.Gateway.Retry
		if name == "drop" {
			change = d.o.Gateway.Drop
		}
		var n note
		if err == nil {
			var target bridge.ConversationID
			if target, err = change(ctx, id); err == nil {
				n.Text = []string{fmt.Sprintf("Message %d "+result+".", id, newNames(d.o.Gateway.Status(ctx)).conversation(target))}
			}
		}
		return d.record(ctx, g, name, "message "+f.Get("id"), n, err)
	}
}

func (d *Dashboard) renew(ctx context.Context, g guest, f url.Values) (note, error) {
	name := f.Get("account")
	err := d.o.Gateway.Renew(ctx, bridge.AccountName(name))
	return d.record(ctx, g, "renew", name, note{Text: []string{"The subscriptions of " + name + " are being renewed."}}, err)
}

// ordered is an order about people, which writes the audit log itself.
func ordered(name string, takes ...string) func(*Dashboard, context.Context, guest, url.Values) (note, error) {
	return func(d *Dashboard, ctx context.Context, g guest, f url.Values) (note, error) {
		o := people.Order{Act: name}
		for _, key := range takes {
			o.Names = append(o.Names, strings.TrimSpace(f.Get(key)))
		}
		if name == people.ActSync {
			var err error
			if o.DryRun = f.Get("mode") == "look"; !o.DryRun && f.Get("mode") != "" {
				if o.Confirm, err = strconv.Atoi(f.Get("mode")); err != nil || o.Confirm < 1 {
					return note{}, fmt.Errorf("%q is not a number of people", f.Get("mode"))
				}
			}
		}
		done, err := d.o.People.Administer(ctx, people.Administrator{By: g.who}, o)
		var n note
		for i, one := range done {
			if i == pageRows {
				n.Text = append(n.Text, fmt.Sprintf("And %d more.", len(done)-i))
				break
			}
			n.Text = append(n.Text, one.String())
			n.Failed = n.Failed || one.Failed
		}
		return n, err
	}
}
