package people

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/gateway/config"
	"causeway/gateway/store"
)

// administrator makes somebody at home one.
func (s *stage) administrator(u bridge.UserID, is bool) {
	s.mm.Alter(u, func(p *bridge.Profile) { p.Standing.Admin = is })
}

// withRoot is a stage with an administrator at home who is called root, a bot, a guest, and somebody who was deactivated.
func withRoot(t *testing.T, change ...func(*setting)) *stage {
	t.Helper()
	s := newStage(t, change...)
	for _, u := range []string{"root", "robot", "guest", "former"} {
		s.add(s.mm, u, strings.ToUpper(u[:1])+u[1:], u+"@example.com")
	}
	s.administrator("root", true)
	s.mm.Alter("robot", func(p *bridge.Profile) { p.Standing.Bot = true })
	s.mm.Alter("guest", func(p *bridge.Profile) { p.Standing.Guest = true })
	s.mm.Alter("former", func(p *bridge.Profile) { p.Standing.Presence = bridge.Disabled })
	return s
}

// admin makes root type a command for administrators, and keeps what they see.
func (s *stage) admin(words string) string {
	s.Helper()
	said := text(s.types("root", strings.TrimSpace("/msteams admin "+words)).Text)
	s.shown = append(s.shown, said)
	return said
}

func TestOnlyAdministratorsAdminister(t *testing.T) {
	s := withRoot(t)
	defer s.close()
	for u, change := range map[bridge.UserID]func(*bridge.Standing){
		"mallory": func(*bridge.Standing) {},
		"robot":   func(st *bridge.Standing) { st.Admin = true },
		"guest":   func(st *bridge.Standing) { st.Admin = true },
		"former":  func(st *bridge.Standing) { st.Admin = true },
	} {
		s.mm.Alter(u, func(p *bridge.Profile) { change(&p.Standing) })
		for _, words := range []string{"", " list", " show alice", " invite alice", " connect mallory eve", " disconnect alice", " platform alice teams", " sync", " nonsense"} {
			if got := text(s.types(u, "/msteams admin"+words).Text); got != "You may not do that." {
				t.Errorf("%s, admin%s: %q", u, words, got)
			}
		}
		if got := text(s.types(u, "/msteams help").Text); strings.Contains(got, "admin") {
			t.Errorf("help tells %s of %q", u, got)
		}
	}
	if n := len(s.mm.Notices()); n > 0 {
		t.Errorf("%d people were told something", n)
	}
	const usage = "- /msteams admin disconnect NAME… disconnects people from everything"
	for _, line := range []string{"/msteams help", "/msteams admin", "/msteams admin frob"} {
		if got := text(s.types("root", line).Text); !strings.Contains(got, usage) {
			t.Errorf("%s: %q", line, got)
		}
	}
	s.administrator("root", false) // it is asked anew each time
	if got := s.admin("list"); got != "You may not do that." {
		t.Errorf("not any more an administrator: %q", got)
	}
	s.administrator("root", true)
	s.fails(memory.Profile, memory.Fails(bridge.Transient))
	if got := s.admin("list"); !strings.Contains(got, "did not work just now") {
		t.Errorf("not known whether an administrator: %q", got)
	}
	if got := text(s.types("root", "/msteams help").Text); strings.Contains(got, "admin") {
		t.Errorf("help tells where that is not known: %q", got)
	}
}

// TestWhatAdministratorsAreAnswered asks in this order; a line that begins with "=" changes something first.
func TestWhatAdministratorsAreAnswered(t *testing.T) {
	s := withRoot(t)
	defer s.close()
	today := time.Now().UTC().Format(time.DateOnly)
	for _, test := range [][2]string{
		{"list", "Nobody."},
		{"show", "Whom? Type /msteams admin show NAME."},
		{"show alice", "Nobody who is known is called that. Type /msteams admin list to see who is."},
		{"invite", "That is not complete. Type /msteams admin invite NAME…."},
		{"invite nobody", "nobody: not done: nobody in Mattermost is called that: write a user name, an e-mail address or an id"},
		{"invite robot", "robot: not done: Robot (@robot) is a bot in Mattermost"},
		{"invite guest", "guest: not done: Guest (@guest) is a guest in Mattermost, and guests cannot be connected"},
		{"invite former", "former: not done: Former (@former) is disabled in Mattermost"},
		{"invite mallory nobody alice@example.com", "- mallory: asked to connect, by a direct message in Mattermost\n" +
			"- nobody: not done: nobody in Mattermost is called that: write a user name, an e-mail address or an id\n" +
			"- alice@example.com: asked to connect, by a direct message in Mattermost"},
		{"invite mattermost.hq:mallory", "was asked on " + today + " and has not answered yet; not asked again"},
		{"list MALLORY", "- mallory: mattermost.hq mallory (invited: unanswered)"},
		{"show mallory", "Not connected; was asked to."},
		{"disconnect mallory", "mallory: not done: not connected"},
		{"platform mallory teams", "mallory teams: not done: not connected"},
		{"connect mallory", "That is not complete. Type /msteams admin connect NAME OTHER."},
		{"connect mallory mallory", "not done: these are no two accounts that can be connected: mattermost.hq:mallory (Mallory, @mallory, mallory@example.com)"},
		{"connect robot eve", "not done: Robot (@robot) is a bot in Mattermost"},
		{"connect nobody eve", "not done: nobody is called nobody"},
		{"connect mallory eve", "Mallory (@mallory) in Mattermost and Eve (@eve) in Microsoft Teams may be connected; was asked on " + today},
		{"connect eve@example.com mallory", "may be connected; was asked on " + today},
		{"show mallory", "May connect with, although the addresses differ\n\n- mattermost.hq mallory with msteams.contoso eve"},
		{"disallow mallory", "That is not complete."},
		{"disallow mallory nobody", "not done: nobody is called nobody"},
		{"disallow eve@example.com mallory", "Mallory (@mallory) in Mattermost and Eve (@eve) in Microsoft Teams may not be connected any more where their addresses differ"},
		{"disallow mallory eve", "not done: Mallory (@mallory) in Mattermost and Eve (@eve) in Microsoft Teams were not allowed to connect"},
		{"show mallory", "Asked to connect"},
		{"=connected", ""},
		{"invite alice", "alice: not done: connected already"},
		{"connect alice alice", "not done: these two are connected already"},
		{"connect alice eve", "not done: Alice Chen (@alice) is connected with Alice Chen in Microsoft Teams: disconnect them first"},
		{"connect mallory alice", "not done: Alice Chen (@alice) is connected with Alice Chen in Mattermost: disconnect them first"},
		{"list connected", "- Alice Chen: mattermost.hq @alice alice@example.com (connected), msteams.contoso @alice alice@example.com (connected); since " + today},
		{"platform alice slack", "not done: slack is not one of their platforms: write one of hq, contoso"},
		{"platform alice teams", "alice teams: is notified in Microsoft Teams from now on, and was told so"},
		{"platform @alice contoso", "is notified in Microsoft Teams already"},
		{"platform alice teams now", "That is not complete."},
		{"show ALICE@example.com", "notified in msteams.contoso."},
		{"sync --frob", "There is no --frob here."},
		{"sync --confirm", "Behind --confirm stands how many people"},
		{"sync --confirm=0", "Behind --confirm stands how many people"},
		{"sync --dry-run —confirm 2", "One of the two only looks, and the other agrees."},
		{"disconnect alice", "alice: is being disconnected from Microsoft Teams; what they have said is delivered first"},
		{"disconnect alice", "alice: is being disconnected already"},
		{"invite alice", "alice: not done: still being disconnected: try again in a few minutes"},
		{"connect alice eve", "not done: Alice Chen (@alice) is still being disconnected: try again in a few minutes"},
		{"platform alice mattermost", "not done: not connected any more"},
		{"disconnect nobody", "nobody: not done: nobody who is known is called that"},
	} {
		if strings.HasPrefix(test[0], "=") {
			connected(s, tmAccount)
			continue
		}
		if got := s.admin(test[0]); !strings.Contains(got, test[1]) {
			t.Errorf("%s: %q, want %q", test[0], got, test[1])
		}
	}
	const want = "mattermost.hq=alice:leaving msteams.contoso=alice:leaving prefers msteams.contoso false"
	if got := s.stored(); got != want { // nobody but she agrees to a connection in her name
		t.Errorf("stored: %s", got)
	}
	var told []string
	for _, n := range s.mm.Notices() {
		told = append(told, string(n.User)+": "+text(n.Text)[:30])
	}
	wantTold := []string{"mallory: Do you use Microsoft Teams, to", "alice: Do you use Microsoft Teams, to", "alice: An administrator has set where"}
	if diff := cmp.Diff(wantTold, told); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{
		`level=info msg="an administrator's order is done" act=invite by="mattermost.hq root" result="asked to connect, by a direct message in Mattermost" whom=mallory`,
		`level=info msg="an administrator's order is refused" act=disconnect by="mattermost.hq root" result="not connected" whom=mallory`,
		`level=info msg="an administrator's order is done" act=show by="mattermost.hq root" result= whom=mallory`,
	} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, s.log)
		}
	}
}

func TestWhoNeverWantsToBeAskedIsNotAskedByAdministratorsEither(t *testing.T) {
	for name, test := range map[string]struct {
		answer store.Answer
		ago    time.Duration
		want   string
	}{
		"never":             {store.NeverAsk, 1000 * month, "not done: never wants to be asked: tell them to type /msteams connect"},
		"not now":           {store.NotNow, time.Minute, "asked to connect"},
		"open":              {store.Unanswered, month - time.Hour, "has not answered yet; not asked again"},
		"not open any more": {store.Unanswered, month, "asked to connect"},
	} {
		s := withRoot(t, func(o *setting) { o.people.RemindAfter, o.people.MaxPendingInvites = month, 1 })
		if err := s.store.Answered(t.Context(), s.mm.Server(), "mallory", test.answer, time.Now().Add(-test.ago)); err != nil {
			t.Fatal(err)
		}
		if got := s.admin("invite mallory"); !strings.Contains(got, test.want) {
			t.Errorf("%s: %q", name, got)
		}
		s.close()
	}
}

func TestWhoIsApprovedIsAskedAndConnectsByTheButton(t *testing.T) {
	s := withRoot(t)
	defer s.close()
	if got := s.admin("connect mallory eve"); !strings.Contains(got, "asked to connect") {
		t.Fatal(got)
	}
	n := s.mm.Notices()
	if len(n) != 1 || n[0].User != "mallory" || len(n[0].Choices) != 2 || !strings.Contains(text(n[0].Text), "Mallory (@mallory) here and Eve (@eve) there are both you") {
		t.Fatalf("told %+v", n)
	}
	link := s.linkIn(s.mm.Press(t.Context(), "mallory", n[0].Choices[0].Token).Text)
	b := s.browser(map[*memory.Service]bridge.UserID{s.mm: "mallory", s.teams: "eve"})
	b.open(link).wants(doorPage).press(pressBegin).wants(agreePage).press(pressFinish).wants(donePage)
	if got := s.stored(); got != "mattermost.hq=mallory:connected msteams.contoso=eve:connected" {
		t.Error(got)
	}
}

func TestOrdersThatNobodyCanCarryOut(t *testing.T) {
	for want, change := range map[string]func(*setting){
		"connecting is switched off: set Enable = true in [people]": func(o *setting) { o.people.Enable = false },
		"nobody can connect: set PublicURL in [http]":               func(o *setting) { o.noURL = true },
		"there is nothing to connect with":                          func(o *setting) { o.tenants = 0 },
		"mallory@example.com stands in Deny of [people]":            func(o *setting) { o.people.Deny = []string{"@example.com"} },
		"as many people are connected as MaxConnected":              func(o *setting) { o.people.MaxConnected = 1 },
		"looking for mallory in Mattermost: ":                       nil,
	} {
		s := withRoot(t, func(o *setting) {
			if change != nil {
				change(o)
			}
		})
		if strings.Contains(want, "MaxConnected") {
			connected(s, tmAccount)
			mallory := store.End{Identity: store.Identity{Account: mmAccount, Server: s.mm.Server(), User: "mallory"}}
			eve := store.End{Identity: store.Identity{Account: tmAccount, Server: s.teams.Server(), User: "eve"}}
			if _, err := s.store.Connect(t.Context(), "", [2]store.End{mallory, eve}, 0); err != nil {
				t.Fatal(err)
			}
			for _, e := range []store.End{mallory, eve} { // remembered only
				if err := s.store.Forget(t.Context(), e.Server, e.User, true); err != nil {
					t.Fatal(err)
				}
			}
		}
		if change == nil {
			s.fails(memory.FindUser, memory.Fails(bridge.Transient))
		}
		done, err := s.people.Administer(t.Context(), Administrator{}, Order{Act: ActInvite, Names: []string{"mallory"}})
		if err != nil || len(done) != 1 || !done[0].Failed || !strings.Contains(done[0].Text, want) {
			t.Errorf("%s: %v %+v", want, err, done)
		}
		s.close()
	}
	s := withRoot(t, func(o *setting) { o.people.Allow = []string{"@elsewhere.example"} })
	defer s.close()
	done, _ := s.people.Administer(t.Context(), Administrator{}, Order{Act: ActConnect, Names: []string{"mallory", "eve"}})
	if len(done) != 1 || !done[0].Failed || !strings.Contains(done[0].Text, "neither address stands, proven, in Allow") {
		t.Errorf("%+v", done)
	}
	if approved, err := s.store.Approvals(t.Context(), store.User{Server: s.mm.Server(), User: "mallory"}); len(approved) > 0 || err != nil {
		t.Errorf("approved %v %v", approved, err)
	}
}

// TestWithoutAPublicAddressThatIsTheReason is about an account that nothing can reach then, as Mattermost's: it is none on which people connect.
func TestWithoutAPublicAddressThatIsTheReason(t *testing.T) {
	s := withRoot(t, func(o *setting) { o.noURL, o.home.NoCommands = true, true })
	defer s.close()
	for _, o := range []Order{{Act: ActInvite, Names: []string{"mallory"}}, {Act: ActConnect, Names: []string{"mallory", "eve"}}, {Act: ActDisallow, Names: []string{"mallory", "eve"}}} {
		done, err := s.people.Administer(t.Context(), Administrator{}, o)
		want := []Outcome{{Name: strings.Join(o.Names, " "), Text: "nobody can connect: set PublicURL in [http] to the address at which browsers reach Causeway", Failed: true}}
		if diff := cmp.Diff(want, done); err != nil || diff != "" {
			t.Errorf("%s: %v %s", o.Act, err, diff)
		}
	}
}

func TestOrdersThatMakeNoSense(t *testing.T) {
	s := withRoot(t)
	defer s.close()
	for order, want := range map[string]string{
		"": "reading an order: ", "[]": "reading an order: ",
		`{}`:                                        `there is no order ""; known here: `,
		`{"act":"list"}`:                            `there is no order "list"; `,
		`{"act":"invit","names":["a"]}`:             `there is no order "invit"; did you mean invite?`,
		`{"act":"invite"}`:                          "invite takes NAME…",
		`{"act":"connect","names":["a"]}`:           "connect takes NAME OTHER",
		`{"act":"sync","names":["a"]}`:              "sync takes [--dry-run|--confirm NUMBER]",
		`{"act":"sync","dry_run":true,"confirm":2}`: "sync takes one of --dry-run and --confirm",
		`{"act":"sync","confirm":-1}`:               "sync --confirm takes the number of people",
	} {
		if _, err := s.people.OrderJSON(t.Context(), []byte(order)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", order, err, want)
		}
	}
	got, err := s.people.OrderJSON(t.Context(), []byte(`{"act":"disconnect","names":["alice"]}`))
	want := Report{Outcomes: []Outcome{{Name: "alice", Text: "nobody who is known is called that: `causeway people list` shows who is", Failed: true}}}
	if diff := cmp.Diff(any(want), got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if log := s.log.String(); !strings.Contains(log, `by="operator by command line"`) {
		t.Errorf("the log says %s", log)
	}
}

func TestSynchronisingByOrder(t *testing.T) {
	inSociety(t, removal(config.RemovedDeactivate), true, func(s *society) {
		for _, u := range []bridge.UserID{"ann", "bob", "cid"} {
			s.connect(u, homeAccount)
		}
		order := func(dry bool, confirm int) []Outcome {
			done, err := s.people.Administer(s.Context(), Administrator{}, Order{Act: ActSync, DryRun: dry, Confirm: confirm})
			s.must(err)
			slices.SortFunc(done, func(a, b Outcome) int { return strings.Compare(a.Name, b.Name) })
			return done
		}
		wants := func(when string, got []Outcome, want ...Outcome) {
			s.Helper()
			if diff := cmp.Diff(want, got); diff != "" {
				s.Errorf("%s: %s", when, diff)
			}
		}
		wants("all are there", order(true, 0), Outcome{Text: "Nobody who is connected has left."})
		kept := func(want ...store.Audited) {
			s.Helper()
			got, err := s.options.Store.Audit(s.Context(), 0, len(want))
			for i := range got {
				got[i].ID, got[i].At = 0, time.Time{}
			}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				s.Errorf("the audit log: %v %s", err, diff)
			}
		}
		look := store.Audited{Who: OperatorByCommand, Act: "people sync --dry-run", Result: "nobody has left"}
		kept(look)
		s.home.Alter("bob", func(p *bridge.Profile) { p.Standing.Admin = true })
		s.gone("ann", bridge.Deleted)
		s.gone("bob", bridge.Disabled)
		s.options.Settings.MaxRemovals = "1"
		s.people = New(s.options)
		const ask = ", but not without your consent: "
		const bob = "disabled in Microsoft Teams; the linked account in Mattermost is not touched: it is an administrator's"
		ann, bobs := "ann (ann) in Microsoft Teams", "bob (bob) in Microsoft Teams"
		for _, dry := range []bool{true, false} {
			wants("more than the limit", order(dry, 0), Outcome{Text: "2 wait for your consent, as more have left than MaxRemovals lets go in a day: agree with `causeway people sync --confirm 2`"}, Outcome{Name: ann, Text: "to be disconnected, and the linked account deactivated" + ask + "deleted in Microsoft Teams"},
				Outcome{Name: bobs, Text: "to be disconnected" + ask + bob})
		}
		look.Result = "who have left: 2"
		if got, err := s.options.Store.Audit(s.Context(), 0, 10); err != nil || !slices.ContainsFunc(got, func(a store.Audited) bool { return a.Act == look.Act && a.Result == look.Result }) {
			s.Errorf("the audit log: %v %+v", err, got)
		}
		wants("with consent", order(false, 2), Outcome{Name: ann, Text: "is being disconnected, and the linked account deactivated: deleted in Microsoft Teams"},
			Outcome{Name: bobs, Text: "is being disconnected: " + bob})
		s.faults(func(_ context.Context, c memory.Call) error {
			if c.Op == memory.Directory && !c.After {
				return memory.Fails(bridge.Transient)
			}
			return nil
		})
		if done := order(true, 0); len(done) == 0 || !done[len(done)-1].Failed && !done[0].Failed {
			s.Errorf("the directory cannot be read: %+v", done)
		} else if look.Failed, look.Result = true, done[len(done)-1].Text; done[len(done)-1].Name == "" {
			kept(look)
		}
	})
}

func TestSynchronisingInAChatIsToldByADirectMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := withRoot(t, func(o *setting) {
			o.people.OnTeamsUserRemoved, o.people.SyncInterval = config.RemovedDisconnect, time.Hour
		})
		defer s.close()
		if got := s.admin("sync --dry-run"); !strings.HasPrefix(got, "Looking who has left.") {
			t.Error(got)
		}
		if got := s.admin("sync"); !strings.HasPrefix(got, "Somebody is doing that just now.") {
			t.Error(got)
		}
		defer s.running()()
		synctest.Wait()
		n := s.mm.Notices()
		if len(n) != 1 || n[0].User != "root" || text(n[0].Text) != "Who has left:\n\n- Nobody who is connected has left." {
			t.Errorf("told %+v", n)
		}
		if got := s.admin("sync"); !strings.HasPrefix(got, "Looking who has left.") {
			t.Error(got)
		}
	})
}

func TestAnErrandThatPanicsKeepsNobodyFromTheNext(t *testing.T) {
	e := newErrands(nil) // without people it must panic
	if got := text(e.take(errand{}).Text); !strings.HasPrefix(got, "Looking who has left.") {
		t.Error(got)
	}
	if err := guarded(func() error { e.do(t.Context(), <-e.queue); return nil }); err == nil {
		t.Error("it did not panic")
	}
	if got := text(e.take(errand{}).Text); !strings.HasPrefix(got, "Looking who has left.") {
		t.Error(got)
	}
}

func TestSeveralOfOneName(t *testing.T) {
	s := withRoot(t, twoTenants)
	defer s.close()
	s.add(s.teams, "bo", "Bo", "bo@a.example")
	s.add(s.fabrikam, "bo", "Bo", "bo@b.example")
	got := s.admin("connect mallory bo")
	if want := "not done: several are called that; write one of these up to the blank: mattermost.hq:mallory msteams.contoso:bo; mattermost.hq:mallory msteams.fabrikam:bo"; !strings.Contains(got, want) {
		t.Error(got)
	}
	if got := s.admin("connect mallory msteams.fabrikam:bo"); !strings.Contains(got, "Bo (@bo) in Microsoft Teams (Fabrikam) may be connected; asked to connect") {
		t.Error(got)
	}
}
