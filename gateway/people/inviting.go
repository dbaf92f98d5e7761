package people

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/gateway/config"
	"causeway/gateway/store"
)

const (
	// inviteLimit is how many people are looked at at once.
	inviteLimit = 4
	// inviteRetry is how long after a failure somebody is looked at again, and inviteGiveUp how long after they came it is not tried any more, until
	// they come again.
	inviteRetry  = 10 * time.Second
	inviteGiveUp = 10 * time.Minute
	// inviteTrust is how long it is believed that somebody is not in a conversation.
	inviteTrust = time.Minute
	// inviteMost is how many may wait to be looked at.
	inviteMost = 20_000
)

// inviting asks people who come online at home, and are not connected, whether they want to connect: once, and again only after some time.
//
// It stores that somebody is about to be asked before it asks. When it ends in between, they count as asked.
type inviting struct {
	p       *People
	log     *logrus.Entry
	list    *allowList
	failing troubles
	woke    chan struct{}

	mutex sync.Mutex
	came  map[arrival]time.Time
}

// arrival is somebody who has come online.
type arrival struct {
	home bridge.AccountName
	user bridge.UserID
}

func newInviting(p *People) *inviting {
	return &inviting{p: p, log: p.o.Log, list: &allowList{path: p.o.Settings.AllowListFile}, woke: make(chan struct{}, 1), came: map[arrival]time.Time{}}
}

// offers reports whether people of an account can be asked at all.
func (v *inviting) offers(home Account) bool {
	return asks(v.p.o.Settings) && v.p.o.PublicURL != "" && len(v.p.offered(home)) > 0
}

// asks reports whether the config says that people are asked.
func asks(s config.People) bool { return s.Enable && s.Prompt != config.PromptOff && s.Prompt != "" }

// Awaited says whether people of an account can be asked, and which.
func (v *inviting) Awaited(home Account) (of bridge.Circle, ok bool) {
	return circle(v.p.o.Settings), v.offers(home)
}

// circle is of whom the config says that they are to be asked.
func circle(s config.People) bridge.Circle {
	return bridge.Circle{Teams: s.PromptTeams, Groups: s.PromptGroups}
}

// Arrived takes who has come online. It returns at once.
func (v *inviting) Arrived(home Account, users []bridge.UserID) {
	if !v.offers(home) {
		return
	}
	v.mutex.Lock()
	defer v.mutex.Unlock()
	now := time.Now()
	for _, u := range users {
		if len(v.came) < inviteMost {
			v.came[arrival{home.Name, u}] = now
		}
	}
	select {
	case v.woke <- struct{}{}:
	default:
	}
}

func (v *inviting) run(ctx context.Context) {
	for {
		err := v.p.o.Store.AssumeInvited(ctx, time.Now())
		v.failing.report("store", v.log, "finding who was asked to connect", err)
		if err == nil {
			break
		}
		if !pause(ctx, inviteRetry) {
			return
		}
	}
	for {
		var again <-chan time.Time
		if v.round(ctx) {
			again = time.After(inviteRetry)
		}
		select {
		case <-ctx.Done():
			return
		case <-v.woke:
		case <-again:
		}
	}
}

// round looks at all who have come, and reports whether some have to be looked at again.
func (v *inviting) round(ctx context.Context) (left bool) {
	v.mutex.Lock()
	came := v.came
	v.came = map[arrival]time.Time{}
	v.mutex.Unlock()
	if len(came) == 0 {
		return false
	}
	known, full, err := v.known(ctx)
	if full { // whoever comes later is asked in their place
		return false
	}
	if err == nil {
		err = v.list.read(v.p.o.Settings.Prompt)
	}
	var mutex sync.Mutex
	var group errgroup.Group
	group.SetLimit(inviteLimit)
	again := func(a arrival, failed error) {
		mutex.Lock()
		defer mutex.Unlock()
		if err == nil { // one is enough to be told of
			err = failed
		}
		v.mutex.Lock()
		defer v.mutex.Unlock()
		if _, anew := v.came[a]; !anew && time.Since(came[a]) < inviteGiveUp {
			v.came[a] = came[a]
			left = true
		}
	}
	failed := err
	for a := range came {
		if failed != nil {
			again(a, nil)
			continue
		}
		group.Go(func() error {
			if err := guarded(func() error { return v.look(ctx, a, known) }); err != nil {
				again(a, err)
			}
			return nil
		})
	}
	_ = group.Wait()
	if ctx.Err() == nil {
		v.failing.report("inviting", v.log, "asking people whether they want to connect", err)
	}
	return left
}

// known gives whose asking is settled by what the store says, so that no service need be asked about them; full: nobody more may be asked.
func (v *inviting) known(ctx context.Context) (known map[store.User]bool, full bool, err error) {
	people, err := v.p.o.Store.People(ctx)
	if err != nil {
		return nil, false, err
	}
	invited, err := v.p.o.Store.Invitations(ctx)
	if err != nil {
		return nil, false, err
	}
	known = map[store.User]bool{}
	for _, p := range people {
		for _, i := range p.Identities {
			if i.State != store.Kept {
				known[store.User{Server: i.Server, User: i.User}] = true
			}
		}
	}
	open, now, limits := 0, time.Now(), v.limits()
	for _, i := range invited {
		if !i.Again(now, limits) {
			known[store.User{Server: i.Server, User: i.User}] = true
		}
		if i.Open(now, limits) {
			open++
		}
	}
	return known, open >= limits.Open, nil
}

func (v *inviting) limits() store.InvitationLimits {
	return store.InvitationLimits{Again: v.p.o.Settings.RemindAfter, Open: v.p.o.Settings.MaxPendingInvites}
}

// look asks somebody, if that is right. After an error it has to be done again.
func (v *inviting) look(ctx context.Context, a arrival, known map[store.User]bool) error {
	home, _ := v.p.account(a.home)
	server, ok := v.p.server(a.home)
	if !ok {
		return errors.New("it has not connected yet")
	}
	who := store.User{Server: server, User: a.user}
	if known[who] {
		return nil
	}
	if inside, err := v.inside(ctx, server, a.user); err != nil || !inside {
		return err
	}
	u, err := home.Bridge.Profile(ctx, a.user)
	if err != nil {
		return err
	}
	if standing(home, u) != nil || !v.wanted(u) {
		return nil
	}
	before, ok, err := v.p.o.Store.Invite(ctx, server, a.user, time.Now(), v.limits())
	if err != nil || !ok {
		return err
	}
	err = v.ask(ctx, home, who, before, v.question(home), v.choices(home, who.User))
	if kind := bridge.KindOf(err); ctx.Err() == nil && (kind == bridge.Rejected || kind == bridge.Unsupported || kind == bridge.Gone) { // until they come again
		v.log.WithError(err).WithField("user", string(who.User)).Info("somebody cannot be asked whether they want to connect")
		return nil
	}
	return err
}

// wanted holds the address against the lists of the config.
func (v *inviting) wanted(u bridge.Profile) bool {
	s := v.p.o.Settings
	return !matches(s.Deny, u.Email) && (len(s.Allow) == 0 || matches(s.Allow, u.Email)) && (s.Prompt != config.PromptAllowList || v.list.has(u.Email))
}

// inside reports whether somebody is in a conversation at home that a gateway carries. Where the config names teams or groups, whoever comes is of one of
// them, see [bridge.Front].Awaited.
func (v *inviting) inside(ctx context.Context, server bridge.ServerID, u bridge.UserID) (bool, error) {
	if s := v.p.o.Settings; len(s.PromptTeams)+len(s.PromptGroups) > 0 {
		return true, nil
	}
	routes, _ := v.p.o.Gateway.Routes()
	var failed error
	asked := map[bridge.ConversationID]bool{}
	for _, route := range routes {
		if route.Shape != bridge.Open {
			continue
		}
		for c, name := range map[bridge.ConversationID]bridge.AccountName{route.From: route.Reader, route.To: route.Writer} {
			a, ok := v.p.account(name)
			if !ok || c.Server != server || asked[c] {
				continue
			}
			asked[c] = true
			v.p.members.doubt(c, u, time.Now().Add(-inviteTrust))
			if _, err := v.p.members.learn(ctx, a.Bridge, c); err != nil {
				failed = err
			}
			switch v.p.members.has(c, u) {
			case yes:
				return true, nil
			case unknown:
				failed = errors.Join(failed, errors.New("it is not known who is in "+c.String()))
			}
		}
	}
	return false, failed
}

// ask sends a question of which the store knows already; before is what [store.Store.Invite] gave.
func (v *inviting) ask(ctx context.Context, home Account, who store.User, before *store.Invitation, question richtext.Doc, choices []bridge.Choice) error {
	err := v.p.notify(ctx, home, who.User, question, choices...)
	switch {
	case err == nil, bridge.KindOf(err) == bridge.Uncertain:
		return v.p.o.Store.Invited(ctx, who.Server, who.User, time.Now())
	case ctx.Err() != nil: // the next run takes it for asked
		return err
	}
	return errors.Join(err, v.p.o.Store.Uninvite(ctx, who.Server, who.User, before))
}

func (v *inviting) question(home Account) richtext.Doc {
	there := titles(v.p.offered(home))
	return richtext.Doc{
		paragraph(bold("Do you use " + there + ", too?")),
		paragraph(plain("Some channels here are carried there. Connect your two accounts, and what you say on either side is said by you on both; and you choose where you are notified.")),
	}
}

// forInvitation is what its buttons are for; notNow and never are arguments beside the accounts with which to connect.
const (
	forInvitation = "invitation"
	notNow        = "not now"
	never         = "never"
)

func (v *inviting) choices(home Account, u bridge.UserID) []bridge.Choice {
	var all []bridge.Choice
	for _, a := range v.p.offered(home) {
		label := "Connect"
		if len(v.p.offered(home)) > 1 {
			label += " with " + a.label()
		}
		all = append(all, v.p.choice(home.Name, u, label, forInvitation, string(a.Name)))
	}
	return append(all, v.p.choice(home.Name, u, "Not now", forInvitation, notNow), v.p.choice(home.Name, u, "Never ask", forInvitation, never))
}

// press is what the buttons do.
func (v *inviting) press(ctx context.Context, in pressed) bridge.Reply {
	said := store.Accepted
	switch in.argument {
	case notNow:
		said = store.NotNow
	case never:
		said = store.NeverAsk
	}
	if err := v.Answer(ctx, in.home, in.user, said); err != nil {
		return v.p.failed(in.home, err)
	}
	typed := v.p.call(in.home, "connect")
	switch said {
	case store.NotNow:
		return bridge.Reply{Replace: richtext.Doc{paragraph(plain("All right, not now. Whenever you want to connect, type "), code(typed), plain("."))}}
	case store.NeverAsk:
		return bridge.Reply{Replace: richtext.Doc{paragraph(plain("You are not asked again. If you ever want to connect, type "), code(typed), plain("."))}}
	}
	return v.p.connectAgain(ctx, in)
}

// Answer stores what somebody said to the question.
func (v *inviting) Answer(ctx context.Context, home Account, u bridge.UserID, said store.Answer) error {
	server, ok := v.p.server(home.Name)
	if !ok {
		return errors.New("storing an answer: " + string(home.Name) + " has not connected yet")
	}
	return v.p.o.Store.Answered(ctx, server, u, said, time.Now())
}
