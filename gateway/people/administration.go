package people

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"causeway/bridge"
	"causeway/gateway/config"
	"causeway/gateway/store"
)

// Act is something that administrators can do. The same table serves `causeway people` and the command "admin" at home.
type Act struct {
	// Name is the word for it, Takes shows what follows, About says in a line what it does.
	Name, Takes, About string
	// Looks: it changes nothing, and needs nothing but the store; it has no do.
	Looks bool
	// Words is how many words make one order, and Each: several orders may follow one another. Of a platform, the word behind
	// the name holds for one name.
	Words int
	Each  bool
	do    func(p *People, ctx context.Context, o Order) []Outcome
}

// The names of acts.
const (
	ActList       = "list"
	ActShow       = "show"
	ActInvite     = "invite"
	ActConnect    = "connect"
	ActDisallow   = "disallow"
	ActDisconnect = "disconnect"
	ActPlatform   = "platform"
	ActSync       = "sync"
)

// Acts gives what administrators can do, in the order of help.
func Acts() []Act {
	return []Act{
		{Name: ActList, Takes: "[WORD…]", About: "lists who is connected or was asked; with words, those of whom all of them are true", Looks: true},
		{Name: ActShow, Takes: "NAME", About: "shows all that is known of one person", Looks: true, Words: 1},
		{Name: ActInvite, Takes: "NAME…", About: "asks people whether they want to connect", Words: 1, Each: true, do: one((*People).inviteOne)},
		{Name: ActConnect, Takes: "NAME OTHER", About: "lets two accounts of one person connect although their addresses differ, and asks the person to", Words: 2, Each: true, do: one((*People).approveOne)},
		{Name: ActDisallow, Takes: "NAME OTHER", About: "takes that back; who has connected meanwhile stays so", Words: 2, Each: true, do: one((*People).disallowOne)},
		{Name: ActDisconnect, Takes: "NAME…", About: "disconnects people from everything", Words: 1, Each: true, do: one((*People).disconnectOne)},
		{Name: ActPlatform, Takes: "NAME PLATFORM", About: "sets where somebody is notified", Words: 2, do: one((*People).platformOne)},
		{Name: ActSync, Takes: "[--dry-run|--confirm NUMBER]", About: "looks at once who has left, and removes them; or only says what would happen; or agrees to the removal of as many as that has shown to wait for it", do: (*People).syncAll},
	}
}

// ActNamed gives an act by its name.
func ActNamed(name string) (Act, bool) {
	all := Acts()
	i := slices.IndexFunc(all, func(a Act) bool { return a.Name == name })
	if i < 0 {
		return Act{}, false
	}
	return all[i], true
}

// one makes an act of what is done for one order.
func one(do func(p *People, ctx context.Context, o Order) (string, error)) func(*People, context.Context, Order) []Outcome {
	return func(p *People, ctx context.Context, o Order) []Outcome {
		text, err := do(p, ctx, o)
		return []Outcome{outcome(strings.Join(o.Names, " "), text, err)}
	}
}

// Order is one thing that an administrator wants done. Its JSON is what `causeway people` sends.
type Order struct {
	Act string `json:"act"`
	// Names are the words that make one order, as many as Act.Words.
	Names []string `json:"names,omitempty"`
	// DryRun and Confirm are of sync: how many removals are agreed to.
	DryRun  bool `json:"dry_run,omitempty"`
	Confirm int  `json:"confirm,omitempty"`
}

// Outcome is what became of an order, or of somebody whom it is about.
type Outcome struct {
	// Name is whom it is about, as typed; Text what has happened, or why nothing has.
	Name   string `json:"name"`
	Text   string `json:"text"`
	Failed bool   `json:"failed,omitempty"`
}

// String is the line that administrators read.
func (o Outcome) String() string {
	text := o.Text
	if o.Failed {
		text = "not done: " + text
	}
	if o.Name == "" {
		return text
	}
	return o.Name + ": " + text
}

func outcome(name, text string, err error) Outcome {
	if err != nil {
		return Outcome{Name: name, Text: bridge.Cause(err), Failed: true}
	}
	return Outcome{Name: name, Text: text}
}

// Administrator is who gives an order: a user at home, or, without one, the operator by command line, or otherwise as By says.
type Administrator struct {
	Account bridge.AccountName
	User    bridge.UserID
	By      string
}

// String names them in the log.
func (a Administrator) String() string {
	if a.User == "" {
		return cmp.Or(a.By, OperatorByCommand)
	}
	return string(a.Account) + " " + string(a.User)
}

// OperatorByCommand is who has given an order on the command line, in logs.
const OperatorByCommand = "operator by command line"

// Report is what became of an order, as JSON.
type Report struct {
	Outcomes []Outcome `json:"outcomes"`
}

// OrderJSON carries out an order of the operator's, as it comes over HTTP. An error says why it makes no sense; nothing was done then.
func (p *People) OrderJSON(ctx context.Context, text []byte) (any, error) {
	var o Order
	if err := json.Unmarshal(text, &o); err != nil {
		return nil, fmt.Errorf("reading an order: %w", err)
	}
	done, err := p.Administer(ctx, Administrator{}, o)
	return Report{Outcomes: done}, err
}

// Administer carries out an order, and logs it. Who gives it must be allowed to.
func (p *People) Administer(ctx context.Context, by Administrator, o Order) ([]Outcome, error) {
	act, ok := ActNamed(o.Act)
	switch {
	case !ok || act.do == nil:
		return nil, fmt.Errorf("there is no order %q; %s", o.Act, config.Suggest(o.Act, orderNames()))
	case len(o.Names) != act.Words:
		return nil, fmt.Errorf("%s takes %s", act.Name, act.Takes)
	case o.Confirm < 0:
		return nil, fmt.Errorf("%s --confirm takes the number of people that --dry-run shows", act.Name)
	case o.Confirm > 0 && o.DryRun:
		return nil, fmt.Errorf("%s takes one of --dry-run and --confirm, as the one only looks and the other agrees", act.Name)
	}
	done := act.do(p, ctx, o)
	for _, d := range done {
		p.logAct(by, o, d)
	}
	return done, p.audit(ctx, by, o, done)
}

// audit keeps what was done, or refused, and that somebody has looked.
func (p *People) audit(ctx context.Context, by Administrator, o Order, done []Outcome) error {
	if o.DryRun {
		done = []Outcome{sighted(done)}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditTime)
	defer cancel()
	for _, d := range done {
		if err := p.o.Store.Record(ctx, store.Audited{Who: by.String(), Act: "people " + o.wording(), About: d.Name, Result: d.Text, Failed: d.Failed}); err != nil {
			return fmt.Errorf("%s: it is done, but stands in no audit log: %w", o.Act, err)
		}
	}
	return nil
}

// sighted sums up what a look has shown: there may be many who have left, and nothing has become of them.
func sighted(done []Outcome) Outcome {
	n := 0
	for _, d := range done {
		switch {
		case d.Name != "":
			n++
		case d.Failed:
			return Outcome{Text: d.Text, Failed: true}
		}
	}
	if n == 0 {
		return Outcome{Text: "nobody has left"}
	}
	return Outcome{Text: fmt.Sprintf("who have left: %d", n)}
}

// auditTime is how long it may take to store what was done, even where who has ordered it is gone.
const auditTime = 10 * time.Second

func orderNames() []string {
	var all []string
	for _, a := range Acts() {
		if a.do != nil {
			all = append(all, a.Name)
		}
	}
	return all
}

// Keys of the log lines about what administrators do.
const (
	keyBy     = "by"
	keyAct    = "act"
	keyWhom   = "whom"
	keyResult = "result"
)

// wording is the act with its options, as typed.
func (o Order) wording() string {
	what := o.Act
	if o.DryRun {
		what += " --dry-run"
	}
	if o.Confirm > 0 {
		what += fmt.Sprint(" --confirm ", o.Confirm)
	}
	return what
}

func (p *People) logAct(by Administrator, o Order, d Outcome) {
	said := "an administrator's order is done"
	if d.Failed {
		said = "an administrator's order is refused"
	}
	p.o.Log.WithFields(map[string]any{keyBy: by.String(), keyAct: o.wording(), keyWhom: d.Name, keyResult: d.Text}).Info(said)
}
