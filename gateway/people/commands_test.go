package people

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/gateway/direct"
	"causeway/gateway/store"
)

func twoTenants(o *setting) { o.tenants = 2 }

// both connects alice on Mattermost with alice on these accounts.
func connected(s *stage, accounts ...bridge.AccountName) {
	s.Helper()
	profile := bridge.Profile{Author: bridge.Author{ID: "alice", Name: "Alice Chen", Username: "alice"}, Email: "alice@example.com", EmailProven: true}
	for _, name := range accounts {
		w := walk{home: s.people.accounts[mmAccount], other: s.people.accounts[name]}
		w.User, w.Asker = "alice", profile
		signIn := bridge.SignIn{Redirect: publicURL + "/connect/back", State: "s", Verifier: strings.Repeat("v", 43)}
		service := map[bridge.AccountName]interface {
			Allow(string, bridge.UserID) string
		}{tmAccount: s.teams, faAccount: s.fabrikam}[name]
		address, err := w.other.Bridge.SignIn(s.Context(), signIn)
		if err != nil {
			s.Fatal(err)
		}
		back := service.Allow(address, "alice")
		_, code, _ := strings.Cut(back, "code=")
		code, _, _ = strings.Cut(code, "&")
		proof, err := w.other.Bridge.Prove(s.Context(), signIn, code)
		if err != nil {
			s.Fatal(err)
		}
		w.Other = &proof
		if err := s.people.connect(s.Context(), w); err != nil {
			s.Fatal(err)
		}
	}
	s.people.changed()
}

func TestTriggersAreWordsOfTheOtherServices(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*setting)
		want   []bridge.Trigger
	}{
		"one account": {func(*setting) {}, []bridge.Trigger{{Word: "msteams", Hint: "[connect|disconnect|status|platform|why|help]", Description: "Write as yourself on Microsoft Teams, and choose where you are notified"}}},
		"two of one service": {twoTenants, []bridge.Trigger{{Word: "msteams", Hint: "[connect|disconnect|status|platform|why|help]",
			Description: "Write as yourself on Microsoft Teams, and choose where you are notified"}}},
		"nobody may act there": {func(o *setting) { o.home.NoPeople = true }, nil},
		"switched off":         {func(o *setting) { o.people.Enable = false }, nil},
		"no gateway":           {func(o *setting) { o.tenants = 0 }, nil},
	} {
		s := newStage(t, test.change)
		if diff := cmp.Diff(test.want, s.people.triggers(s.people.accounts[mmAccount])); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		s.close()
	}
}

// TestWhatCommandsAnswer asks in this order; a line that begins with "=" changes something first.
func TestWhatCommandsAnswer(t *testing.T) {
	s := newStage(t, twoTenants)
	defer s.close()
	const which = "Which one? Type /msteams connect NAME with one of these names: contoso, fabrikam."
	for _, test := range [][2]string{
		{"/msteams", "Connect your Mattermost account with Microsoft Teams, and write as yourself on both:"},
		{"/msteams help", "- /msteams connect NAME gives you a link to connect your accounts"},
		{"/msteams Help me", "NAME is one of contoso, fabrikam."},
		{"/msteams cnnect", "There is no command cnnect."},
		{"/msteams connect", which},
		{"/msteams connect nowhere", "There is no account nowhere here. Type /msteams connect contoso; the names are: contoso, fabrikam."},
		{"/msteams connect contoso now", "There is no account contoso now here."},
		{"/msteams connect Fabrikam", "Connect Alice Chen (@alice) with Microsoft Teams (Fabrikam)"},
		{"/msteams connect msteams.contoso", "The link is for you alone, holds for 15 minutes and can be used once."},
		{"/msteams status", "Your accounts are not connected.\nType /msteams connect to connect them."},
		{"/msteams platform", "Your accounts are not connected."},
		{"/msteams platform teams", "Your accounts are not connected."},
		{"/msteams disconnect", "Your accounts are not connected."},
		{"/msteams why", "Everything that you have said was delivered."},
		{"/msteams confirm", "Type /msteams confirm CODE with the code that the page shows."},
		{"/msteams confirm ABCD-EFGH", "Nothing of yours waits for a code. If somebody has asked you to type it here, do not"},
		{"=contoso", ""},
		{"/msteams connect contoso", "You are connected already, as Alice Chen in Microsoft Teams. To connect another account, type /msteams disconnect contoso first."},
		{"/msteams connect", which},
		{"/msteams status", "- Mattermost, Alice Chen: Connected: you write as yourself.\n- Microsoft Teams, Alice Chen: Connected: you write as yourself.\nYou are notified in Mattermost."},
		{"/msteams platform", "You are notified in Mattermost.\nWhere do you want to be notified?\nMattermost: What is said in Microsoft Teams arrives in Mattermost"},
		{"/msteams platform slack", "Which one? Type /msteams platform mattermost or /msteams platform teams."},
		{"/msteams platform Teams", "You are notified in Microsoft Teams. What is said in Mattermost arrives in Microsoft Teams"},
		{"/msteams platform", "You are notified in Microsoft Teams."},
		{"/msteams platform mattermost", "You are notified in Mattermost."},
		{"=fabrikam", ""},
		{"/msteams platform teams", "Which one? Type /msteams platform mattermost or /msteams platform contoso or /msteams platform fabrikam."},
		{"/msteams platform fabrikam", "You are notified in Microsoft Teams (Fabrikam)."},
		{"/msteams disconnect", "Which one? Type /msteams disconnect NAME with one of these names: contoso, fabrikam."},
		{"/msteams disconnect fabrikam", "You are being disconnected from Microsoft Teams (Fabrikam): what you have said is delivered first."},
		{"/msteams connect fabrikam", "Your last connection is still being ended. Try again in a few minutes."},
	} {
		if account, ok := strings.CutPrefix(test[0], "="); ok {
			connected(s, bridge.AccountName("msteams."+account))
			continue
		}
		if got := text(s.types("alice", test[0]).Text); !strings.Contains(got, test[1]) {
			t.Errorf("%s: %q, want %q", test[0], got, test[1])
		}
	}
}

func TestConnectSaysAtOnceWhatKeepsSomebodyFromIt(t *testing.T) {
	for want, change := range map[string]func(*setting){
		"Ask your administrator to set PublicURL":          func(o *setting) { o.noURL = true },
		"The administrator has excluded alice@example.com": func(o *setting) { o.people.Deny = []string{"@example.com"} },
		"Connect Alice Chen":                               func(o *setting) { o.people.Allow = []string{"chen@elsewhere.net"} }, // the other address may be it
	} {
		s := newStage(t, change)
		if got := text(s.types("alice", "/msteams connect").Text); !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		s.close()
	}
	s := newStage(t)
	defer s.close()
	s.mm.Alter("alice", func(p *bridge.Profile) { p.Standing.Bot = true })
	if got := text(s.types("alice", "/msteams connect").Text); !strings.Contains(got, "is a bot") {
		t.Errorf("a bot is told %q", got)
	}
	s.people.o.Settings.Enable = false // the service still knows the command
	home := s.people.accounts[mmAccount]
	if got := text(s.people.command(t.Context(), home, bridge.Command{User: "alice", Trigger: "msteams", Words: []string{"connect"}}).Text); !strings.Contains(got, "switched off") {
		t.Errorf("told %q", got)
	}
}

func TestCommandBeforeCausewayIsReady(t *testing.T) {
	var d Doors
	door := d.Door(mmAccount)
	if got := text(door.Command(t.Context(), bridge.Command{}).Text); !strings.Contains(got, "just starting") {
		t.Errorf("told %q", got)
	}
	if got := text(door.Press(t.Context(), bridge.Press{}).Text); !strings.Contains(got, "just starting") || door.Triggers() != nil {
		t.Errorf("told %q", got)
	}
	door.Arrived(t.Context(), []bridge.UserID{"alice"})
}

func TestPlatformByButtons(t *testing.T) {
	s := newStage(t)
	defer s.close()
	connected(s, tmAccount)
	reply := s.types("alice", "/msteams platform")
	want := map[string]string{
		"Mattermost": " prefers mattermost.hq false", "Microsoft Teams": " prefers msteams.contoso true",
		"Microsoft Teams, without a connection in my name": " prefers msteams.contoso false",
	}
	if len(reply.Choices) != len(want) {
		t.Errorf("%d buttons", len(reply.Choices))
	}
	for _, c := range reply.Choices {
		if len(c.Token) > 2000 {
			t.Errorf("a token of %d", len(c.Token))
		}
		for range 2 { // pressing twice is harmless
			got := s.mm.Press(t.Context(), "alice", c.Token)
			if s.stored() != aliceIs+want[c.Label] || !strings.Contains(text(got.Replace), "You are notified in ") {
				t.Errorf("%s: %s, %q", c.Label, s.stored(), text(got.Replace))
			}
		}
	}
}

func TestButtonsOfOthersAndForgedOnesDoNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.close()
		connected(s, tmAccount)
		good := s.people.choice(mmAccount, "alice", "", forPlatform, string(tmAccount)).Token
		parts := strings.Split(good, ".")
		with := func(at int) string { // another letter there
			letter := "A"
			if parts[1][at] == 'A' {
				letter = "B"
			}
			return parts[0] + "." + parts[1][:at] + letter + parts[1][at+1:] + "." + parts[2] + "." + parts[3]
		}
		for name, token := range map[string]string{
			"of another user":    s.people.choice(mmAccount, "mallory", "", forPlatform, string(tmAccount)).Token,
			"of another account": s.people.choice(faAccount, "alice", "", forPlatform, string(tmAccount)).Token,
			"another purpose":    forConnect + good[len(forPlatform):],
			"another argument":   strings.Replace(good, string(tmAccount), string(mmAccount), 1),
			"longer argument":    good + unwatched,
			"another proof":      with(20),
			"a later end":        with(5),
			"nothing":            "",
			"garbage":            "..",
			"unknown purpose":    s.people.choice(mmAccount, "alice", "", "unheard", "").Token,
			"not an account":     s.people.choice(mmAccount, "alice", "", forPlatform, "msteams.fabrikam").Token,
		} {
			reply := s.mm.Press(t.Context(), "alice", token)
			if len(reply.Replace) > 0 || text(reply.Text) == "" || s.stored() != aliceIs {
				t.Errorf("%s: %+v, stored %q", name, reply, s.stored())
			}
		}
		time.Sleep(choiceLife - time.Second)
		if reply := s.mm.Press(t.Context(), "alice", good); len(reply.Replace) == 0 {
			t.Errorf("in time: %q", text(reply.Text))
		}
		time.Sleep(time.Second)
		if reply := s.mm.Press(t.Context(), "alice", good); len(reply.Replace) > 0 || !strings.Contains(text(reply.Text), "does not work any more") {
			t.Errorf("too late: %q", text(reply.Text))
		}
	})
}

func TestWhyShowsOnesOwnMessages(t *testing.T) {
	s := newStage(t)
	defer s.close()
	from, to := bridge.ConversationID{Server: "mattermost:1", Channel: "town"}, bridge.ConversationID{Server: "msteams:1", Channel: "town"}
	began := time.Date(2030, 5, 1, 12, 0, 0, 0, time.UTC)
	say := func(id string, user bridge.UserID, said string) bridge.State {
		return bridge.State{Conversation: from, ID: bridge.MessageID(id), Author: bridge.Author{ID: user, Name: string(user)}, Created: began, Revision: 1, Text: richtext.Plain(said)}
	}
	if _, err := s.store.Put(t.Context(), bridge.Batch{Conversation: from, Cursor: "1", Begin: began, States: []bridge.State{say("1", "alice", "hello there"), say("2", "mallory", "secret of mallory")}},
		store.Routes{Targets: []bridge.ConversationID{to}, Own: func(bridge.UserID) bool { return false }}); err != nil {
		t.Fatal(err)
	}
	want := "Of what you have said, this was not delivered:\n\n- “hello there” (2030-05-01 12:00 UTC, in main/town in Mattermost) to a conversation that is not carried any more: waiting, as nothing arrives there at present. It goes by itself as soon as that works again."
	if got := text(s.types("alice", "/msteams why").Text); got != want {
		t.Errorf("%q", got)
	}
}

func TestWhyTellsWhatIsSwitchedOffOfDirectMessages(t *testing.T) {
	s := newStage(t)
	defer s.close()
	connected(s, tmAccount)
	for _, test := range []struct {
		off  []direct.Reason
		want string
	}{
		{[]direct.Reason{direct.Off}, "Between Mattermost and Teams: direct and group messages are switched off here."},
		{[]direct.Reason{direct.GroupsOff}, "Between Mattermost and Teams: group messages are switched off here."},
		{nil, "Everything that you have said was delivered."},
	} {
		o := s.people.o
		o.Off = func(one, other bridge.AccountName) []direct.Reason { return test.off }
		s.restart(o)
		if got := text(s.types("alice", "/msteams why").Text); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}
