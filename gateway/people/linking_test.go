package people

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
)

// linkingBook notes what is wanted, and refuses when told so.
type linkingBook struct {
	wanted []string
	refuse error
	linked []string
}

func (b *linkingBook) note(word, who string, ends ...LinkEnd) (string, error) {
	text := word + " by " + who + ":"
	for _, end := range ends {
		text += " " + string(end.Account) + ":" + string(end.ID.Channel)
	}
	b.wanted = append(b.wanted, text)
	return "It is done.", b.refuse
}

func (b *linkingBook) Link(_ context.Context, who string, both [2]LinkEnd) (string, error) {
	return b.note("link", who, both[:]...)
}

func (b *linkingBook) Unlink(_ context.Context, who string, one LinkEnd) (string, error) {
	return b.note("unlink", who, one)
}

func (b *linkingBook) Linked(_ context.Context, c bridge.ConversationID) ([]string, error) {
	return b.linked, nil
}

// newLinking gives a stage on which alice is connected and decides about a channel on both sides.
func newLinking(t *testing.T, allowed bool) (*stage, *linkingBook) {
	s := newStage(t, func(o *setting) { o.people.AllowLinking = allowed })
	book := &linkingBook{}
	o := s.people.o
	o.Linking = book
	s.restart(o)
	s.mm.AddChannel("town", "main/town")
	s.mm.SetOwners("town", "alice", "mallory")
	s.teams.AddChannel("berlin", "Sales/Berlin Office")
	s.teams.AddChannel("board", "Sales/Board")
	s.teams.SetOwners("berlin", "alice")
	return s, book
}

func TestWhoDecidesOnBothSidesMayLink(t *testing.T) {
	s, book := newLinking(t, true)
	defer s.close()
	connected(s, tmAccount)
	if got := text(s.types("alice", "/msteams link Sales/Berlin Office").Text); got != "It is done." {
		t.Errorf("%s", got)
	}
	book.linked = []string{"link 1: msteams.contoso:Sales/Berlin Office"}
	if got := text(s.types("alice", "/msteams show").Text); !strings.HasSuffix(got, "link 1: msteams.contoso:Sales/Berlin Office") {
		t.Errorf("%s", got)
	}
	if got := text(s.types("alice", "/msteams unlink").Text); got != "It is done." {
		t.Errorf("%s", got)
	}
	book.refuse = errors.New("it is in the gateway \"town\" already")
	if got := text(s.types("alice", "/msteams link Sales/Berlin Office").Text); got != `Not done: it is in the gateway "town" already.` {
		t.Errorf("%s", got)
	}
	want := []string{"link by mattermost.hq alice: mattermost.hq:town msteams.contoso:berlin", "unlink by mattermost.hq alice: mattermost.hq:town",
		"link by mattermost.hq alice: mattermost.hq:town msteams.contoso:berlin"}
	if diff := cmp.Diff(want, book.wanted); diff != "" {
		t.Error(diff)
	}
}

func TestNobodyElseMayLink(t *testing.T) {
	notYours := func(name string) string {
		return `You own no channel "` + name + `" in Microsoft Teams that Causeway can use. It takes an owner of the channel, or of its team, and Causeway's account there must be a member.`
	}
	for name, c := range map[string]struct {
		allowed bool
		who     bridge.UserID
		line    string
		want    string
	}{
		"switched off":                    {false, "alice", "/msteams link Sales/Berlin Office", "Channels are linked by the operator of Causeway here. Ask your administrator."},
		"show, switched off":              {false, "alice", "/msteams show", "Channels are linked by the operator of Causeway here. Ask your administrator."},
		"no administrator here":           {true, "bob", "/msteams link Sales/Berlin Office", "Only administrators of this channel may do that."},
		"no administrator, who looks":     {true, "bob", "/msteams show", "Only administrators of this channel may do that."},
		"no administrator, who ends it":   {true, "bob", "/msteams unlink", "Only administrators of this channel may do that."},
		"not connected":                   {true, "mallory", "/msteams link Sales/Berlin Office", "Connect your accounts first, so that Causeway knows whether you may do that in Microsoft Teams: type /msteams connect."},
		"no owner there":                  {true, "alice", "/msteams link Sales/Board", notYours("Sales/Board")},
		"no channel there":                {true, "alice", "/msteams link Sales/Nowhere", notYours("Sales/Nowhere")},
		"nothing named":                   {true, "alice", "/msteams link", "With which channel? Type /msteams link TEAM/CHANNEL."},
		"who decides cannot be found out": {true, "alice", "/msteams unlink", "That did not work just now. Try again in a few minutes; if it stays so, tell your administrator."},
	} {
		s, book := newLinking(t, c.allowed)
		connected(s, tmAccount)
		if strings.HasPrefix(name, "who decides") {
			s.fails("administers", errors.New("the network is down"))
		}
		if got := text(s.types(c.who, c.line).Text); got != c.want || len(book.wanted) != 0 {
			t.Errorf("%s: %q, want %q; %q", name, got, c.want, book.wanted)
		}
		s.close()
	}
}
