package msteams

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/contrib/sim/teams"
)

func TestCheckTellsOfEachPermissionThatIsThere(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	w.direct = true
	a := w.connected()
	for _, c := range []struct {
		have []string
		want []bridge.Finding
	}{
		{nil, []bridge.Finding{{Unsure: true, Text: "The app: Microsoft does not tell which application permissions it has; whether they are enough shows at the first call"}}},
		{[]string{}, nil},
		{[]string{readMessages, "user.readbasic.all", "Group.Read.All", "Mail.Send"}, []bridge.Finding{
			{Fine: true, Text: "The app has the application permission Group.Read.All (to look at a channel that is named by its id or link)"},
			{Fine: true, Text: "The app has the application permission User.ReadBasic.All (to show people's names where a message lacks them)"},
			{Fine: true, Text: "The app has the application permission ChannelMessage.Read.All (to read what is said in the channels)"},
		}},
	} {
		if diff := cmp.Diff(c.want, a.grantedTo("The app", "application", c.have, false)); diff != "" {
			t.Errorf("of %v (-want +got):\n%s", c.have, diff)
		}
	}
	fine := 0
	for _, f := range a.Check(t.Context()) {
		if f.Fine {
			fine++
		}
	}
	if fine < len(permissions(true)) {
		t.Errorf("Check tells of %d things that are as they should be", fine)
	}
}
