package e2e

import (
	"strings"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/e2e/harness"
)

// typesIn has somebody type a command in a channel.
func (f *folk) typesIn(t *testing.T, m *member, channel *model.Channel, command string) string {
	t.Helper()
	f.listens(t, m)
	if _, _, err := m.here.Client.ExecuteCommandWithTeam(t.Context(), channel.Id, f.place.Id, command); err != nil {
		t.Fatalf("%s types %q: %v", m.there.Name, command, err)
	}
	return f.whispered(t, m)
}

// links is what administrators of channels do: link one that they own on both sides, and end that.
func links(t *testing.T, f *folk) {
	owner, guest := f.connected(t, "Olga Owner"), f.connected(t, "Greta Guest")
	pier := f.group.AddPrivateChannel("Pier", owner.there, guest.there, f.relay) // in the team that the config names, as others are not looked in
	name := harness.Name(t, "quay")
	quay, _, err := owner.here.Client.CreateChannel(t.Context(), &model.Channel{TeamId: f.place.Id, Type: model.ChannelTypePrivate, Name: name, DisplayName: name})
	must(t, err)
	f.mm.AddToChannel(t, quay, f.bot, guest.here)

	wants(t, f.typesIn(t, guest, quay, "/msteams link Sales/Pier"), "Only administrators of this channel may do that")
	wants(t, f.typesIn(t, owner, quay, "/msteams link Sales/Berlin"), "You own no channel")
	wants(t, f.typesIn(t, owner, quay, "/msteams show"), "linked with nothing")
	wants(t, f.typesIn(t, owner, quay, "/msteams link Sales/Pier"), "are linked, as", f.place.Name+"/"+quay.Name, "Sales/Pier")
	wants(t, f.typesIn(t, owner, quay, "/msteams show"), "msteams.contoso:Sales/Pier")
	wants(t, f.typesIn(t, owner, quay, "/msteams link Sales/Pier"), "already: unlink it first")

	inTeams := func() string {
		var all []string
		for _, m := range f.sim.Messages(pier) {
			all = append(all, m.Text)
		}
		return strings.Join(all, "\n")
	}
	inMattermost := func() string {
		var all []string
		for _, p := range f.mm.Admin.Read(t, quay) {
			all = append(all, p.Message)
		}
		return strings.Join(all, "\n")
	}
	// What is said before the channels have begun is not carried.
	f.eventually(t, "the link carries", func() string {
		owner.here.Post(t, quay, "ahoy from the quay")
		if _, err := f.sim.Say(guest.there, pier, "ahoy from the pier"); err != nil {
			return err.Error()
		}
		return complain(strings.Contains(inTeams(), "ahoy from the quay") && strings.Contains(inMattermost(), "ahoy from the pier"), inTeams(), inMattermost())
	})
	wants(t, f.typesIn(t, owner, quay, "/msteams unlink"), "are not linked any more")
	wants(t, f.typesIn(t, owner, quay, "/msteams show"), "linked with nothing")
}
