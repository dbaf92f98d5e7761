package msteams

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/contrib/sim/teams"
)

const readWrite = bridge.Read | bridge.Write

func TestChannelsAreFoundByWhateverAnOperatorWrites(t *testing.T) {
	w := newSimWorld(t, teams.Options{EmptyPageEvery: 1})
	slash := w.team.AddChannel("Q1/Q2 plans")
	other := w.tenant.AddTeam("Research/Dev", w.owner, w.relay)
	message := "https://teams.microsoft.com/l/message/" + url.PathEscape(w.general.ID) + "/1700000000000?tenantId=" + w.tenant.ID +
		"&groupId=" + w.team.ID + "&parentMessageId=1700000000000&channelName=General"
	of := func(team *teams.Team, c *teams.Channel) bridge.ConversationID {
		return bridge.ConversationID{Server: w.id(c).Server, Channel: bridge.ChannelID(team.ID + "/" + c.ID)}
	}
	for _, c := range []struct {
		name, team string
		want       bridge.ConversationID
	}{
		{name: "Sales/General", want: of(w.team, w.general)},
		{name: "sales/random", want: of(w.team, w.random)},
		{name: " Sales/Q1/Q2 plans ", want: of(w.team, slash)},
		{name: "Research/Dev/General", want: of(other, other.General)},
		{name: w.team.ID + "/General", want: of(w.team, w.general)},
		{name: w.general.ID, want: of(w.team, w.general)},
		{name: w.team.ID + "/" + w.general.ID, want: of(w.team, w.general)},
		{name: strings.ToUpper(w.team.ID) + "/" + w.general.ID, want: of(w.team, w.general)},
		{name: w.general.WebURL, want: of(w.team, w.general)},
		{name: message, want: of(w.team, w.general)},
		{name: strings.Replace(w.general.WebURL, "teams.microsoft.com", "teams.cloud.microsoft", 1), want: of(w.team, w.general)},
		{name: "General", team: "Sales", want: of(w.team, w.general)},
		{name: "Q1/Q2 plans", team: w.team.ID, want: of(w.team, slash)},
		{name: "Sales/Random", team: "sales", want: of(w.team, w.random)},
		{name: w.random.ID, team: w.team.ID, want: of(w.team, w.random)},
	} {
		w.settings.TeamID = c.team
		got, err := w.connected().Resolve(t.Context(), c.name, readWrite)
		if err != nil || got.ID != c.want || !strings.Contains(got.Name, "/") || got.Link == "" {
			t.Errorf("Resolve(%q) with team %q gives %+v (%v), want %s", c.name, c.team, got, err, c.want)
		}
	}
}

func TestWhatIsNotFoundSaysWhatToDo(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	twin := w.tenant.AddTeam("Sales", w.owner, w.relay)
	foreign := w.tenant.AddTeam("Board", w.owner, w.alice)
	secretChannel := w.team.AddPrivateChannel("Secret", w.owner, w.alice)
	for _, c := range []struct {
		name, team string
		kind       bridge.Kind
		hints      []string
	}{
		{name: "Sales/Genaral", kind: bridge.Gone, hints: []string{`the nearest are "Sales/General"`, "causeway channels msteams.contoso"}},
		{name: "General", kind: bridge.Gone, hints: []string{`without TeamID it must be written "team/channel"`}},
		{name: "", kind: bridge.Gone, hints: []string{"empty"}},
		{name: "Sales/General", kind: bridge.Gone, hints: []string{"there are 2 of that name", w.team.ID + "/" + w.general.ID, twin.ID + "/" + twin.General.ID}},
		{name: "General", team: "Sales", kind: bridge.Gone, hints: []string{"there are 2 teams of that name", w.team.ID, twin.ID}},
		{name: "General", team: "Sails", kind: bridge.Gone, hints: []string{"in no such team", `"Sales"`}},
		{name: "19:0123@thread.tacv2", kind: bridge.Gone, hints: []string{"no channel with this id"}},
		{name: w.team.ID + "/19:0123@thread.tacv2", kind: bridge.Gone, hints: []string{"404"}},
		{name: "https://example.com/l/channel/x", kind: bridge.Gone, hints: []string{"example.com is not a Teams address"}},
		{name: "https://teams.microsoft.com/l/team/x/conversations", kind: bridge.Gone, hints: []string{"Copy link"}},
		{name: strings.Replace(w.general.WebURL, w.tenant.ID, "00000000-0000-0000-0000-000000000009", 1), kind: bridge.Gone, hints: []string{"leads to another tenant"}},
		{name: foreign.General.WebURL, kind: bridge.Unauthorised, hints: []string{"add the relay account to the team"}},
		{name: secretChannel.WebURL, kind: bridge.Unauthorised, hints: []string{"add the relay account to the channel"}},
	} {
		w.settings.TeamID = c.team
		_, err := w.connected().Resolve(t.Context(), c.name, readWrite)
		if err == nil || bridge.KindOf(err) != c.kind || bridge.ScopeOf(err) != bridge.ScopeConversation {
			t.Errorf("Resolve(%q): %v (%v)", c.name, err, bridge.KindOf(err))
			continue
		}
		for _, hint := range c.hints {
			if !strings.Contains(err.Error(), hint) {
				t.Errorf("Resolve(%q): %v does not say %q", c.name, err, hint)
			}
		}
	}
}

// TestReadingNeedsNoMembership but the app's permission, which is tried.
func TestReadingNeedsNoMembership(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	foreign := w.tenant.AddTeam("Board", w.owner, w.alice)
	a := w.connected()
	if _, err := a.Resolve(t.Context(), foreign.General.WebURL, bridge.Read); err != nil {
		t.Errorf("Resolve for reading: %v", err)
	}
	w.app.SetRoles(slices.DeleteFunc(permissions(false), func(p string) bool { return p == readMessages })...)
	_, err := w.connected().Resolve(t.Context(), "Sales/General", readWrite)
	if bridge.KindOf(err) != bridge.Unauthorised || !strings.Contains(err.Error(), "application permission ChannelMessage.Read.All") {
		t.Errorf("without the permission to read: %v", err)
	}
	if _, err := w.connected().Resolve(t.Context(), "Sales/General", bridge.Write); err != nil {
		t.Errorf("for writing alone: %v", err)
	}
}

func TestPrivateChannelsWantTheirOwnMembership(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	private := w.team.AddPrivateChannel("Inner circle", w.owner, w.relay)
	hidden := w.team.AddPrivateChannel("Hidden", w.owner)
	a := w.connected()
	if got, err := a.Resolve(t.Context(), "Sales/Inner circle", readWrite); err != nil || got.Name != "Sales/Inner circle" {
		t.Errorf("a private channel with the relay account: %+v (%v)", got, err)
	}
	if _, err := a.Resolve(t.Context(), "Sales/Hidden", readWrite); bridge.KindOf(err) != bridge.Gone {
		t.Errorf("a private channel without it is known by name: %v", err)
	}
	list, err := a.Conversations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range list {
		names = append(names, c.Name)
		if strings.Contains(string(c.ID.Channel), hidden.ID) {
			t.Error("the hidden channel is listed")
		}
	}
	if diff := cmp.Diff([]string{"Sales/General", "Sales/Inner circle", "Sales/Random"}, names); diff != "" || !strings.Contains(string(list[1].ID.Channel), private.ID) {
		t.Errorf("Conversations (-want +got):\n%s", diff)
	}
}

func TestFailuresOfLookingAreTheirOwnKind(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	a := w.connected()
	for path, name := range map[string]string{
		"/me/joinedTeams": "Sales/General", "/teams/{id}/channels": "Sales/General", "/teams/{id}/channels/{id}": w.general.WebURL, channelMessages: "Sales/General",
	} {
		a := w.connected() // which has listed nothing yet
		w.sim.Inject(teams.Fault{Template: path, Status: 502})
		if _, err := a.Resolve(t.Context(), name, readWrite); err == nil || bridge.KindOf(err) != bridge.Transient {
			t.Errorf("with %s out of order: %v (%v)", path, err, bridge.KindOf(err))
		}
		w.sim.ClearFaults()
	}
	w.sim.Inject(teams.Fault{Template: "/me/joinedTeams", Status: 502})
	if _, err := a.Conversations(t.Context()); err == nil || bridge.KindOf(err) != bridge.Transient {
		t.Errorf("Conversations: %v", err)
	}
	if who, err := a.LookUp(t.Context(), bridge.UserID(w.bob.ID)); err != nil || who.Username != w.bob.UPN {
		t.Errorf("LookUp gives %+v (%v)", who, err)
	}
	if _, err := a.LookUp(t.Context(), "nobody"); bridge.KindOf(err) != bridge.Gone {
		t.Errorf("LookUp of nobody: %v", err)
	}
}

func TestIdsOfOthersAreGone(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	a := w.connected()
	for _, c := range []bridge.ConversationID{
		{Server: "msteams:other", Channel: "t/c"}, {Server: a.server, Channel: "t"}, {Server: a.server, Channel: "/c"}, {Server: a.server},
	} {
		if _, err := a.Read(t.Context(), c, "1"); bridge.KindOf(err) != bridge.Gone {
			t.Errorf("%s: %v", c, err)
		}
	}
	if _, err := a.Read(t.Context(), w.id(w.general), ""); bridge.KindOf(err) != bridge.Gone {
		t.Errorf("an empty message id: %v", err)
	}
}

func TestCheckFindsWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		name  string
		do    func(w *simWorld)
		fatal string
		note  string
	}{
		{name: "all is well", do: func(*simWorld) {}, note: "polling"},
		{name: "wrong secret", do: func(w *simWorld) { w.app.SetSecret("other") }, fatal: "The app cannot sign in"},
		{name: "nobody signed in", do: func(w *simWorld) { w.vault.values = nil }, fatal: "The relay account is not signed in: "},
		{name: "keys vanish", do: func(w *simWorld) { w.vault.values[keysVaultName] = []byte(keysVanish) }, note: "removes the mark"},
	} {
		w := newSimWorld(t, teams.Options{})
		c.do(w)
		before := w.wire.attempts()
		var fatal, notes []string
		for _, f := range w.account().Check(t.Context()) {
			if strings.Contains(f.Text, clientSecret) {
				t.Errorf("%s: the secret stands in %q", c.name, f.Text)
			}
			if f.Fatal {
				fatal = append(fatal, f.Text)
			} else {
				notes = append(notes, f.Text)
			}
		}
		if (c.fatal == "") != (len(fatal) == 0) || !strings.Contains(strings.Join(fatal, "\n"), c.fatal) || !strings.Contains(strings.Join(notes, "\n"), c.note) {
			t.Errorf("%s: fatal %q, notes %q", c.name, fatal, notes)
		}
		if w.wire.attempts() != before {
			t.Errorf("%s: Check has written", c.name)
		}
	}
}

// TestManyNamesAreFoundInOneList: a start asks for each channel of the config, and Graph lets nobody list a team's channels often. What is not in the list is
// looked for in another one.
func TestManyNamesAreFoundInOneList(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	const many = 20
	for n := range many {
		w.team.AddChannel(fmt.Sprint("town", n))
	}
	a := w.connected()
	listings := func() [2]int {
		return [2]int{w.sim.Count("GET", "/teams/{id}/channels"), w.sim.Count("GET", "/me/joinedTeams")}
	}
	before := listings()
	var asking sync.WaitGroup
	for n := range many {
		asking.Go(func() {
			if _, err := a.Resolve(t.Context(), fmt.Sprint("Sales/town", n), readWrite); err != nil {
				t.Error(err)
			}
		})
	}
	asking.Wait()
	after := listings()
	if lists, teams := after[0]-before[0], after[1]-before[1]; lists != 1 || teams != 1 {
		t.Errorf("the channels were listed %d times, and the teams %d times", lists, teams)
	}
	w.team.AddChannel("late")
	if _, err := a.Resolve(t.Context(), "Sales/late", readWrite); err != nil {
		t.Error(err)
	}
	another := w.tenant.AddTeam("Another", w.owner, w.relay)
	if _, err := a.Resolve(t.Context(), another.ID+"/"+another.General.ID, readWrite); err != nil {
		t.Error(err)
	}
}
