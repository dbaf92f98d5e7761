package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/e2e/harness"
)

// TestWhatHappensIsTold: a real server says by what posts, and each is told once although Causeway is killed.
func TestWhatHappensIsTold(t *testing.T) {
	t.Parallel()
	mm := harness.Shared(t).Mattermost
	p := newPair(t, mm, 2)
	config, err := os.ReadFile(filepath.Join(p.dir, "config.toml"))
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, "config.toml", strings.Replace(string(config), "name = \"town\"\n", "name = \"town\"\nSystemEvents = [\"members\", \"renamed\", \"description\", \"calls\", \"pinned\"]\n", 1))
	p.begin(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	client, admin := mm.Client(p.people[0].Token), mm.Client(mm.Admin.Token)
	renamed, header := "Ville de Berne", "see ~nothing"
	_, _, err = client.PatchChannel(t.Context(), p.channel.Id, &model.ChannelPatch{DisplayName: &renamed, Header: &header})
	must(err)
	p.people[0].Post(t, p.channel, "a pause")
	_, err = admin.RemoveUserFromChannel(t.Context(), p.channel.Id, p.people[1].Id)
	must(err)
	by := map[string]any{"user": map[string]any{"id": p.others[0].ID, "displayName": nil, "userIdentityType": "aadUser"}}
	p.sim.SystemMessage(p.team, "channelRenamedEventMessageDetail", map[string]any{"channelDisplayName": "Bern", "initiator": by})
	p.sim.SystemMessage(p.team, "callStartedEventMessageDetail", map[string]any{"callEventType": "meeting", "initiator": by})
	p.causeway.Kill(t)
	p.sim.SystemMessage(p.team, "callEndedEventMessageDetail", map[string]any{"callEventType": "meeting", "initiator": by})
	_, _, err = admin.AddChannelMember(t.Context(), p.channel.Id, p.people[1].Id)
	must(err)
	p.run(t)

	told := func(all []string, wanted ...string) string {
		var got []string
		for _, text := range all {
			for _, one := range wanted {
				if strings.Contains(text, one) {
					got = append(got, one)
				}
			}
		}
		slices.Sort(got)
		slices.Sort(wanted)
		return complain(slices.Equal(got, wanted), fmt.Sprintf("%q, want %q", got, wanted))
	}
	look := func() string {
		return told(p.inTeams(), "renamed the channel to “Ville de Berne”", "changed the header of the channel to “see ~nothing”", "removed anna1", "added anna1", "a pause") +
			told(p.inMattermost(t), "*renamed the channel to “Bern”*", "*started a meeting*", "*The meeting has ended.*")
	}
	p.eventually(t, "what has happened", look)
	p.people[0].Post(t, p.channel, "and behind it")
	p.eventually(t, "what was said behind it", func() string { return told(p.inTeams(), "and behind it") })
	if problem := look(); problem != "" {
		t.Error(problem)
	}
}
