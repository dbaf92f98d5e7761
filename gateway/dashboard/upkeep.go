package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/gateway"
)

// Works is what the command line can do beside what the gateway and people do.
type Works interface {
	// Accounts are those of the config that counts.
	Accounts() []Account
	// Reload takes up what the config file says, and gives what has changed, a line each.
	Reload(ctx context.Context) ([]string, error)
	// Check tries everything, and changes nothing.
	Check(ctx context.Context) (Findings, error)
	// Channels gives those that an account can see, each as a line of the config.
	Channels(ctx context.Context, account string) ([]string, error)
	// CheckStore reads all of the store, and changes nothing.
	CheckStore(ctx context.Context) (Findings, error)
	// Backup writes all of the store into a new file, and says where it is.
	Backup(ctx context.Context) (string, error)
	// LogLevel is one of LogLevels; SetLogLevel has another one count until the config is taken up again.
	LogLevel() string
	SetLogLevel(level string) error
	// Links are the pairs of channels that were made at run time, oldest first.
	Links(ctx context.Context) ([]Link, error)
	// Link pairs two channels, each written as ACCOUNT:CHANNEL, and Unlink ends that; both say what they have done, and keep it in the audit log.
	Link(ctx context.Context, who, one, two string) (string, error)
	Unlink(ctx context.Context, who, one, two string) (string, error)
	// Export writes down everybody who is known, as CSV.
	Export(ctx context.Context) ([]byte, error)
	// Login signs an account in. What a person must do for it goes to show.
	Login(ctx context.Context, account string, show func(text string)) error
}

// Account is an account of the config.
type Account struct {
	Name string
	// LogsIn: a person signs it in.
	LogsIn bool
}

// LogLevels are how much can be logged, least last.
var LogLevels = []string{"debug", "info", "warn", "error"}

// Link is a pair of channels that was made at run time.
type Link struct {
	Name string
	Ends [2]LinkEnd
	Made time.Time
	Who  string
}

// LinkEnd is one of the two channels: Typed leads to it, as ACCOUNT:CHANNEL; Shown is how people know it.
type LinkEnd struct{ Typed, Shown string }

// Findings are what a look has found.
type Findings struct {
	// Title is what was looked at.
	Title    string
	At       time.Time
	Sections []Section
}

// Section is a part of what was found. Its lines are to be copied.
type Section struct {
	About string
	Items []Item
	Lines []string
}

// urgency is less for what has problems, then for what has warnings.
func (s Section) urgency() int {
	least := 2
	for _, i := range s.Items {
		least = min(least, map[string]int{"problem": 0, "warning": 1, "ok": 2, "note": 2}[i.State])
	}
	return least
}

// Item is one thing that was looked at.
type Item struct {
	// State is ok, warning, problem or note.
	State, Text, Next string
}

// Mood is how pages show a state.
func (i Item) Mood() string {
	return map[string]string{"ok": "well", "warning": "wait", "problem": "bad"}[i.State]
}

// Sum says how many problems and warnings there are.
func (f Findings) Sum() string {
	n := map[string]int{}
	for _, s := range f.Sections {
		for _, i := range s.Items {
			n[i.State]++
		}
	}
	problems := "no problem"
	if n["problem"] > 0 {
		problems = gateway.Count(n["problem"], "problem")
	}
	if n["warning"] > 0 {
		return problems + ", " + gateway.Count(n["warning"], "warning")
	}
	return problems
}

const (
	// lookTime is how long a look, or the taking up of a config, may take.
	lookTime = 2 * time.Minute
	// loginTime is how long a person may take to sign an account in; the code that they enter ends earlier.
	loginTime = 30 * time.Minute
	// loginShown is for how long it is shown how that has ended.
	loginShown = 10 * time.Minute
)

// signIn is an account that is being signed in, or was.
type signIn struct {
	Account string
	// Steps are what a person must do.
	Steps []string
	// Ended is zero as long as it goes on; Result tells how it has ended.
	Ended  time.Time
	Result string
	Failed bool
}

// Over tells whether it has ended.
func (s signIn) Over() bool { return !s.Ended.IsZero() }

// upkeep is the page from which things are looked at and taken up.
type upkeep struct {
	head
	Accounts []Account
	SignIns  []signIn
	// Found is what the last look has found; nil: there was none.
	Found *Findings
	At    moment
	// Level is how much is logged, Levels what it can be besides.
	Level  string
	Levels []string
	Pairs  []linkRow
}

// linkRow is a pair of channels, with what ends it.
type linkRow struct {
	Name, One, Two, Who string
	Since               moment
	Unlink              string
}

func (d *Dashboard) upkeep(w http.ResponseWriter, r *http.Request, g guest) {
	ctx, cancel := limited(r)
	defer cancel()
	links, err := d.o.Works.Links(ctx)
	if err != nil {
		d.failed(w, g, err)
		return
	}
	v := upkeep{head: d.head(r, g, "upkeep", "Upkeep"), Accounts: d.o.Works.Accounts(), Level: d.o.Works.LogLevel()}
	v.Levels = slices.DeleteFunc(slices.Clone(LogLevels), func(l string) bool { return l == v.Level })
	for _, l := range links {
		v.Pairs = append(v.Pairs, linkRow{Name: l.Name, One: l.Ends[0].Shown, Two: l.Ends[1].Shown, Who: l.Who, Since: moment{l.Made},
			Unlink: "confirm?" + query("do", "unlink", "one", l.Ends[0].Typed, "two", l.Ends[1].Typed)})
	}
	v.SignIns, v.Found = d.looked(time.Now())
	if v.Found != nil {
		v.At = moment{v.Found.At}
	}
	show(w, http.StatusOK, "upkeep", v)
}

// looked gives what there is to show of logins and looks.
func (d *Dashboard) looked(now time.Time) ([]signIn, *Findings) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	var all []signIn
	for _, s := range d.signIns {
		if !s.Over() || now.Sub(s.Ended) < loginShown {
			one := *s
			one.Steps = slices.Clone(s.Steps)
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b signIn) int { return strings.Compare(a.Account, b.Account) })
	return all, d.found
}

// find keeps what a look has found, and gives the note that leads to it.
func (d *Dashboard) find(ctx context.Context, g guest, act, about string, f Findings, err error) (note, error) {
	if err != nil {
		return d.record(ctx, g, act, about, note{}, err)
	}
	f.At = time.Now()
	slices.SortStableFunc(f.Sections, func(a, b Section) int { return a.urgency() - b.urgency() })
	d.mutex.Lock()
	d.found = &f
	d.mutex.Unlock()
	return d.record(ctx, g, act, about, note{Text: []string{f.Title + ": " + f.Sum() + "."}}, nil)
}

func (d *Dashboard) check(ctx context.Context, g guest, _ url.Values) (note, error) {
	f, err := d.o.Works.Check(ctx)
	f.Title = "Everything was looked at"
	return d.find(ctx, g, "check", "", f, err)
}

func (d *Dashboard) checkStore(ctx context.Context, g guest, _ url.Values) (note, error) {
	f, err := d.o.Works.CheckStore(ctx)
	f.Title = "The store was looked through"
	return d.find(ctx, g, "store check", "", f, err)
}

func (d *Dashboard) channels(ctx context.Context, g guest, v url.Values) (note, error) {
	account := v.Get("account")
	lines, err := d.o.Works.Channels(ctx, account)
	f := Findings{Title: "The channels of " + account, Sections: []Section{{About: gateway.Count(len(lines), "channel") + ", each as a gateway of the config takes it", Lines: lines}}}
	return d.find(ctx, g, "channels", account, f, err)
}

func (d *Dashboard) reload(ctx context.Context, g guest, _ url.Values) (note, error) {
	lines, err := d.o.Works.Reload(ctx)
	return d.record(ctx, g, "reload", "config", note{Text: lines}, err)
}

func (d *Dashboard) backUp(ctx context.Context, g guest, _ url.Values) (note, error) {
	said, err := d.o.Works.Backup(ctx)
	return d.record(ctx, g, "store backup", "", note{Text: []string{said}}, err)
}

func (d *Dashboard) logLevel(ctx context.Context, g guest, v url.Values) (note, error) {
	level := v.Get("level")
	err := d.o.Works.SetLogLevel(level)
	return d.record(ctx, g, "log level", level, note{Text: []string{"Causeway logs by the level " + level + " now."}}, err)
}

func (d *Dashboard) link(ctx context.Context, g guest, v url.Values) (note, error) {
	said, err := d.o.Works.Link(ctx, g.who, strings.TrimSpace(v.Get("one")), strings.TrimSpace(v.Get("two")))
	return note{Text: []string{said}}, err
}

func (d *Dashboard) unlink(ctx context.Context, g guest, v url.Values) (note, error) {
	said, err := d.o.Works.Unlink(ctx, g.who, strings.TrimSpace(v.Get("one")), strings.TrimSpace(v.Get("two")))
	return note{Text: []string{said}}, err
}

// signIn begins to sign an account in, which a person then does elsewhere; the page shows how.
func (d *Dashboard) signIn(ctx context.Context, g guest, v url.Values) (note, error) {
	account := v.Get("account")
	if !slices.Contains(d.o.Works.Accounts(), Account{Name: account, LogsIn: true}) {
		return d.record(ctx, g, "login", account, note{}, errors.New("no account of that name is signed in by a person: choose one on the page"))
	}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	select {
	case <-d.live.done:
		return note{}, errors.New("it is being stopped: do this again when Causeway runs")
	default:
	}
	if s := d.signIns[account]; s != nil && !s.Over() {
		return note{}, fmt.Errorf("%s is being signed in already: do what the page says", account)
	}
	s := &signIn{Account: account}
	d.signIns[account] = s
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loginTime)
	d.logins.Go(func() {
		defer cancel()
		d.signingIn(ctx, g, s)
	})
	d.logins.Go(func() { // as long as all else
		select {
		case <-d.live.done:
			cancel()
		case <-ctx.Done():
		}
	})
	return note{Text: []string{"Do now what the page says: " + account + " is signed in by it."}}, nil
}

func (d *Dashboard) signingIn(ctx context.Context, g guest, s *signIn) {
	err := d.o.Works.Login(ctx, s.Account, func(text string) {
		d.mutex.Lock()
		defer d.mutex.Unlock()
		s.Steps = append(s.Steps, text)
	})
	n := note{Text: []string{s.Account + " is signed in. Causeway uses it within a few minutes."}}
	kept, cancel := context.WithTimeout(context.WithoutCancel(ctx), pageTime)
	defer cancel()
	n, err = d.record(kept, g, "login", s.Account, n, err)
	d.mutex.Lock()
	defer d.mutex.Unlock()
	s.Ended, s.Failed, s.Result = time.Now(), err != nil, strings.Join(n.Text, " ")
	if err != nil {
		s.Result = s.Account + " was not signed in: " + bridge.Cause(err)
	}
}

// piece is a part of a text; one that begins with https:// leads there.
type piece struct{ Text, Href string }

// linked finds the addresses in a text.
func linked(text string) []piece {
	var all []piece
	for i, word := range strings.Split(text, " ") {
		if i > 0 {
			word = " " + word
		}
		p := piece{Text: word}
		if at := strings.TrimRight(strings.TrimSpace(word), ".,;:"); strings.HasPrefix(at, "https://") {
			p.Href = at
		}
		all = append(all, p)
	}
	return all
}
