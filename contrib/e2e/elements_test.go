package e2e

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge/richtext"
	"causeway/bridge/richtext/html"
	"causeway/bridge/richtext/markdown"
	"causeway/bridge/richtext/richtexttest"
	"causeway/contrib/e2e/harness"
)

// elements are what the table of the README lists, as it is posted on a service.
func elements(t *testing.T, service string) (all []richtexttest.Pair) {
	t.Helper()
	files, err := filepath.Glob("../../bridge/richtext/testdata/pairs/" + service + "-*.txt")
	if err != nil || len(files) < 5 {
		t.Fatalf("the pairs of %s: %v (%v)", service, files, err)
	}
	for _, file := range files {
		pairs, err := richtexttest.Pairs(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range pairs {
			if one.Element != "" {
				all = append(all, one)
			}
		}
	}
	return all
}

// ends tells whether a text ends with another, block by block.
func ends(text, end richtext.Doc) bool {
	return len(text) >= len(end) && text[len(text)-len(end):].Hash() == end.Hash()
}

// TestEveryElementArrives: each is posted on each side and read back through the other's API.
func TestEveryElementArrives(t *testing.T) {
	t.Parallel()
	p := newPair(t, harness.Shared(t).Mattermost, 1)
	p.begin(t)
	fromMattermost, fromTeams := elements(t, "mattermost"), elements(t, "teams")
	client := p.mm.Client(p.people[0].Token)
	for n, one := range fromMattermost {
		if _, _, err := client.CreatePost(t.Context(), &model.Post{ChannelId: p.channel.Id, Message: fmt.Sprintf("#m%d.\n\n%s", n, one.In)}); err != nil {
			t.Fatalf("%s: %v", one.Element, err)
		}
	}
	for n, one := range fromTeams {
		if _, err := p.sim.Say(p.others[0], p.team, fmt.Sprintf("<p>#t%d.</p>%s", n, one.In)); err != nil {
			t.Fatalf("%s: %v", one.Element, err)
		}
	}
	last := func() string {
		there, here := strings.Join(p.inTeams(), "\n"), strings.Join(p.inMattermost(t), "\n")
		return complain(strings.Contains(there, fmt.Sprintf("#m%d.", len(fromMattermost)-1)) && strings.Contains(here, fmt.Sprintf("#t%d.", len(fromTeams)-1)))
	}
	p.eventually(t, "the last of all elements on both sides", last)
	there, here := map[string]string{}, map[string]string{}
	for _, m := range p.relayed() {
		there[token.FindString(m.Text)] = m.HTML
	}
	for _, post := range p.mm.Admin.Read(t, p.channel) {
		if post.UserId == p.bot.Id {
			here[token.FindString(post.Message)] = post.Message
		}
	}
	for n, one := range fromMattermost {
		got := there[fmt.Sprintf("#m%d.", n)]
		if one.Element == "~channels" { // the server knows these two
			got = toItsChannels.ReplaceAllStringFunc(got, func(link string) string {
				return "~" + strings.ToLower(strings.ReplaceAll(toItsChannels.FindStringSubmatch(link)[1], " ", "-"))
			})
		}
		if !ends(html.Parse(got), html.Parse(one.Out)) {
			t.Errorf("%s: Teams has\n%s\nwant\n%s", one.Element, got, one.Out)
		}
	}
	for n, one := range fromTeams {
		if got := here[fmt.Sprintf("#t%d.", n)]; !ends(markdown.Parse(got), markdown.Parse(one.Out)) {
			t.Errorf("%s: Mattermost has\n%s\nwant\n%s", one.Element, got, one.Out)
		}
	}
	p.undone(t)
	p.channelLinks(t)
	t.Logf("%d elements were posted in Mattermost, %d in Teams", len(fromMattermost), len(fromTeams))
}

// toItsChannels is a link of Mattermost's to a channel.
var toItsChannels = regexp.MustCompile(`<a href="http://127\.0\.0\.1:[0-9]+/[^/"]+/channels/[^/"]+">~([^<]+)</a>`)

// channelLinks says on both sides where the joined channels are.
func (p *pair) channelLinks(t *testing.T) {
	t.Helper()
	p.people[0].Post(t, p.channel, "#channel1. see ~"+p.channel.Name)
	link := "https://teams.microsoft.com/l/channel/" + url.QueryEscape(p.team.ID) + "/Berlin?groupId=" + p.group.ID + "&tenantId=" + p.tenant.ID
	if _, err := p.sim.Say(p.others[0], p.team, `<p>#channel2. see <a href="`+strings.ReplaceAll(link, "&", "&amp;")+`">Berlin</a></p>`); err != nil {
		t.Fatal(err)
	}
	p.eventually(t, "links to channels", func() string {
		for _, m := range p.relayed() {
			if strings.Contains(m.Text, "#channel1.") {
				wanted := `<a href="https://teams.microsoft.com/l/channel/` + url.QueryEscape(p.team.ID) + `/channel?`
				here := strings.Join(p.inMattermost(t), "\n")
				return complain(strings.Contains(m.HTML, wanted) && strings.Contains(here, "#channel2. see [Berlin]("+p.mm.URL) && strings.Contains(here, "/channels/"+p.channel.Name+")"), m.HTML, here)
			}
		}
		return "nothing in Teams says where the channel is"
	})
}

// undone deletes a message in Teams, and takes that back.
func (p *pair) undone(t *testing.T) {
	t.Helper()
	id, err := p.sim.Say(p.others[0], p.team, "<p>deleted by mistake</p>")
	if err != nil {
		t.Fatal(err)
	}
	copies := func() (n int) {
		for _, text := range p.inMattermost(t) {
			if strings.Contains(text, "deleted by mistake") {
				n++
			}
		}
		return n
	}
	p.eventually(t, "the copy", func() string { return complain(copies() == 1) })
	if err := p.sim.Delete(p.others[0], p.team, id); err != nil {
		t.Fatal(err)
	}
	p.eventually(t, "the end of the copy", func() string { return complain(copies() == 0) })
	if err := p.sim.Undelete(p.others[0], p.team, id); err != nil {
		t.Fatal(err)
	}
	p.eventually(t, "the copy again", func() string { return complain(copies() == 1, copies()) })
}
