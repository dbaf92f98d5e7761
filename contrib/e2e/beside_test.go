package e2e

import (
	"encoding/json"
	"fmt"

	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/e2e/harness"
	"causeway/contrib/sim/teams"
)

// TestWhatBelongsToAMessageCrosses is about what stands beside the words: importance, who is called, where links lead, emoji of somebody's own, what is
// forwarded, code, and files that may not cross.
func TestWhatBelongsToAMessageCrosses(t *testing.T) {
	t.Parallel()
	p := newPair(t, harness.Shared(t).Mattermost, 1)
	config, err := os.ReadFile(filepath.Join(p.dir, "config.toml"))
	must(t, err)
	p.write(t, "config.toml", strings.Replace(string(config), "name = \"town\"\n", "name = \"town\"\nMentionAll = true\nBlockedTypes = [\".exe\"]\n", 1))
	p.begin(t)
	t.Run("importance", p.importance)
	t.Run("everybody is called", p.everybodyIsCalled)
	t.Run("links to messages", p.messageLinks)
	t.Run("emoji of one's own", p.ownEmoji)
	t.Run("forwarded, and code", p.forwardedAndCode)
	t.Run("a file that may not cross", p.blockedFile)
}

// copyInTeams waits for the copy that says text.
func (p *pair) copyInTeams(t *testing.T, text string) (found teams.Message) {
	t.Helper()
	p.eventually(t, text+" in Teams", func() string {
		for _, m := range p.relayed() {
			if strings.Contains(m.Text, text) {
				found = m
				return ""
			}
		}
		return "it is not there"
	})
	return found
}

// copyInMattermost waits for the copy that says text.
func (p *pair) copyInMattermost(t *testing.T, text string) (found *model.Post) {
	t.Helper()
	p.eventually(t, text+" in Mattermost", func() string {
		for _, post := range p.mm.Admin.Read(t, p.channel) {
			if post.UserId == p.bot.Id && strings.Contains(post.Message, text) {
				found = post
				return ""
			}
		}
		return "it is not there"
	})
	return found
}

// says posts in Teams.
func (p *pair) says(t *testing.T, html string, options ...teams.SayOption) string {
	t.Helper()
	id, err := p.sim.Say(p.others[0], p.team, html, options...)
	must(t, err)
	return id
}

func (p *pair) importance(t *testing.T) {
	for here, there := range map[string]string{"important": "high", "urgent": "urgent"} {
		_, _, err := p.people[0].Client.CreatePost(t.Context(), &model.Post{ChannelId: p.channel.Id, Message: "mm " + here,
			Metadata: &model.PostMetadata{Priority: &model.PostPriority{Priority: &here}}})
		must(t, err)
		p.says(t, "<p>teams "+there+"</p>", teams.Important(there))
		if m := p.copyInTeams(t, "mm "+here); m.Importance != there || strings.Contains(m.Text, "Important") {
			t.Errorf("in Teams it is %q: %s", m.Importance, m.Text)
		}
		post := p.copyInMattermost(t, "teams "+there)
		if got := post.GetPriority(); got == nil || got.Priority == nil || *got.Priority != here || post.Message != "teams "+there {
			t.Errorf("in Mattermost it is %+v: %s", got, post.Message)
		}
	}
}

func (p *pair) everybodyIsCalled(t *testing.T) {
	for n, name := range []string{"channel", "all", "here"} {
		p.people[0].Post(t, p.channel, fmt.Sprintf("call%d @%s, look", n, name))
		if m := p.copyInTeams(t, fmt.Sprintf("call%d", n)); !strings.Contains(m.HTML, `<at id="0">`) {
			t.Errorf("@%s is %s", name, m.HTML)
		}
		p.people[0].Post(t, p.channel, fmt.Sprintf("code%d `@%s`", n, name))
		if m := p.copyInTeams(t, fmt.Sprintf("code%d", n)); strings.Contains(m.HTML, "<at") {
			t.Errorf("in code @%s is %s", name, m.HTML)
		}
	}
	p.says(t, `<p>teams <at id="0">Berlin</at>, look</p>`, teams.MentioningAll())
	if post := p.copyInMattermost(t, ", look"); post.Message != "teams @channel, look" {
		t.Errorf("a mention of the channel is %q", post.Message)
	}
}

func (p *pair) messageLinks(t *testing.T) {
	there := p.says(t, "<p>a target in Teams</p>")
	here := p.people[0].Post(t, p.channel, "a target in Mattermost")
	target, copied := p.copyInMattermost(t, "a target in Teams"), p.copyInTeams(t, "a target in Mattermost")
	p.people[0].Post(t, p.channel, "both: "+p.mm.URL+"/_redirect/pl/"+here.Id+" and "+p.mm.URL+"/_redirect/pl/"+target.Id+" end")
	if m := p.copyInTeams(t, "both:"); !strings.Contains(m.HTML, "/l/message/") || !strings.Contains(m.HTML, "/"+copied.ID+"?") || !strings.Contains(m.HTML, "/"+there+"?") || strings.Contains(m.HTML, "/pl/") {
		t.Errorf("the links in Teams: %s", m.HTML)
	}
	link := func(id string) string {
		address := "https://teams.microsoft.com/l/message/" + p.team.ID + "/" + id + "?tenantId=" + p.tenant.ID + "&amp;groupId=" + p.group.ID + "&amp;parentMessageId=" + id
		return `<a href="` + address + `">` + address + `</a>`
	}
	p.says(t, "<p>likewise: "+link(there)+" and "+link(copied.ID)+"</p>")
	if post := p.copyInMattermost(t, "likewise:"); !strings.Contains(post.Message, "/pl/"+here.Id) || !strings.Contains(post.Message, "/pl/"+target.Id) || strings.Contains(post.Message, "teams.microsoft") {
		t.Errorf("the links in Mattermost: %s", post.Message)
	}
}

// ownEmoji: one that both have made crosses by its name; one that only one side has is left out, and holds up nothing.
func (p *pair) ownEmoji(t *testing.T) {
	name := "logo" + strings.ToLower(model.NewId()[:8])
	_, _, err := p.mm.Admin.Client.CreateEmoji(t.Context(), &model.Emoji{CreatorId: p.mm.Admin.Id, Name: name}, painted(t, 16), "logo.png")
	must(t, err)
	said := p.says(t, "<p>said with an emoji</p>")
	for _, emoji := range []string{":" + name + ":", ":nowhere_else:", "🎉"} {
		must(t, p.sim.React(p.others[0], p.team, said, emoji))
	}
	reactions := func(text string) (all []string) {
		post := p.copyInMattermost(t, text)
		list, _, err := p.mm.Admin.Client.GetReactions(t.Context(), post.Id)
		must(t, err)
		for _, r := range list {
			all = append(all, r.EmojiName)
		}
		return all
	}
	p.eventually(t, "reactions in Mattermost", func() string {
		got := strings.Join(reactions("said with an emoji"), " ")
		return complain(got == name+" tada" || got == "tada "+name, got)
	})
	must(t, p.sim.Unreact(p.others[0], p.team, said, ":"+name+":"))
	p.eventually(t, "a reaction that is taken back", func() string {
		got := reactions("said with an emoji")
		return complain(len(got) == 1 && got[0] == "tada", got)
	})
	post := p.people[0].Post(t, p.channel, "written with :"+name+":")
	for _, emoji := range []string{name, "tada"} {
		_, _, err := p.people[0].Client.SaveReaction(t.Context(), &model.Reaction{UserId: p.people[0].Id, PostId: post.Id, EmojiName: emoji})
		must(t, err)
	}
	p.eventually(t, "reactions in Teams", func() string {
		m := p.copyInTeams(t, "written with :"+name+":")
		return complain(len(m.Reactions) == 1 && m.Reactions[0].Emoji == "🎉", m.Reactions)
	})
}

func (p *pair) forwardedAndCode(t *testing.T) {
	p.says(t, "<p>see above</p>", teams.Forwarding("Zoë", "<p>the <b>original</b></p>"))
	if got := p.copyInMattermost(t, "see above").Message; got != "> *Forwarded from* **Zoë**:\n>\n> the **original**\n\nsee above" {
		t.Errorf("what is forwarded is %q", got)
	}
	id := p.says(t, "<p>see the code</p>", teams.WithSnippet("Go", "package main\n\n// ``` is no end\n"))
	want := "\n\n````go\npackage main\n\n// ``` is no end\n````"
	if got := p.copyInMattermost(t, "see the code").Message; got != "see the code"+want {
		t.Errorf("code is %q", got)
	}
	must(t, p.sim.Edit(p.others[0], p.team, id, "<p>see the code again</p>", teams.KeepingRest()))
	if got := p.copyInMattermost(t, "see the code again").Message; got != "see the code again"+want {
		t.Errorf("after an edit code is %q", got)
	}
}

// blockedFile leaves its name, size and reason with a link, and its author is told.
func (p *pair) blockedFile(t *testing.T) {
	socket := harness.Listen(t, p.mm.URL, p.people[0].Token)
	p.attach(t, p.people[0], "with a program", map[string][]byte{"setup.exe": noise(1500, 1), "notes.txt": []byte("hello")})
	m := p.copyInTeams(t, "with a program")
	if !strings.Contains(m.Text, "setup.exe (1.5 kB): files of this type are not carried here") || !strings.Contains(m.HTML, `<a href="`+p.mm.URL) || len(m.Files) != 1 {
		t.Errorf("in Teams stands %s, with %d files", m.HTML, len(m.Files))
	}
	var told model.Post // in a direct message, as this bot may not whisper in the channel
	socket.WaitFor(t, func(e *model.WebSocketEvent) bool {
		text, _ := e.GetData()["post"].(string)
		return e.EventType() == model.WebsocketEventPosted && json.Unmarshal([]byte(text), &told) == nil && told.UserId == p.bot.Id && told.ChannelId != p.channel.Id
	})
	if !strings.Contains(told.Message, "setup.exe did not reach everybody: files of this type are not carried here") {
		t.Errorf("its author is told %q", told.Message)
	}
	shared, err := p.sim.PutFile(p.others[0], p.team, "tool.exe", noise(2500, 2))
	must(t, err)
	p.says(t, "<p>with a tool</p>", teams.WithFiles(shared))
	if got := p.copyInMattermost(t, "with a tool").Message; !strings.Contains(got, "[tool.exe]("+shared.URL) || !strings.Contains(got, "files of this type are not carried here") {
		t.Errorf("in Mattermost stands %q", got)
	}
}
