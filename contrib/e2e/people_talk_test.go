package e2e

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/e2e/harness"
)

// types has somebody type a command in Mattermost, and gives what they are answered, which nobody else sees.
func (f *folk) types(t *testing.T, m *member, command string) string {
	t.Helper()
	f.listens(t, m)
	_, _, err := m.here.Client.ExecuteCommandWithTeam(t.Context(), f.channel.Id, f.place.Id, command)
	if err != nil {
		t.Fatalf("%s types %q: %v", m.there.Name, command, err)
	}
	return f.whispered(t, m)
}

// listens opens what somebody sees of Mattermost.
func (f *folk) listens(t *testing.T, m *member) {
	t.Helper()
	if m.socket == nil {
		m.socket = harness.Listen(f.whole, f.mm.URL, m.here.Token)
	}
}

// whispered waits for the next thing that only this person sees.
func (f *folk) whispered(t *testing.T, m *member) string {
	t.Helper()
	event := m.socket.WaitFor(t, func(e *model.WebSocketEvent) bool { return e.EventType() == model.WebsocketEventEphemeralMessage })
	var post model.Post
	text, _ := event.GetData()["post"].(string)
	if err := json.Unmarshal([]byte(text), &post); err != nil {
		t.Fatal(err)
	}
	f.heard(post.Message)
	return post.Message
}

// heard notes the links in what was said privately: they must be in no log.
func (f *folk) heard(text string) {
	for _, m := range linkIn.FindAllStringSubmatch(text, -1) {
		f.secrets.leading(m[2])
	}
}

var linkIn = regexp.MustCompile(`(http://127\.0\.0\.1:\d+/(?:connect|me)/([A-Za-z0-9_-]+))`)

// link gives the address of a page in what was said.
func link(t *testing.T, text string) string {
	t.Helper()
	m := linkIn.FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("there is no link in %q", text)
	}
	return m[1]
}

// wants compares what somebody was told with what must be in it.
func wants(t *testing.T, text string, all ...string) {
	t.Helper()
	for _, one := range all {
		if !strings.Contains(text, one) {
			t.Errorf("%q is missing in %q", one, text)
		}
	}
}

// letters gives the direct messages of the bot to somebody, oldest first.
func (f *folk) letters(t *testing.T, m *member) []*model.Post {
	t.Helper()
	channel, _, err := m.here.Client.CreateDirectChannel(t.Context(), m.here.Id, f.bot.Id)
	if err != nil {
		t.Fatal(err)
	}
	all := slices.DeleteFunc(m.here.Read(t, channel), func(p *model.Post) bool { return p.UserId != f.bot.Id })
	for _, p := range all {
		f.heard(p.Message)
	}
	return all
}

// letter waits for a direct message of the bot with that text, and gives the newest.
func (f *folk) letter(t *testing.T, m *member, text string) (found *model.Post) {
	t.Helper()
	f.eventually(t, "a direct message", func() string {
		all := f.letters(t, m)
		for _, p := range all {
			if strings.Contains(p.Message, text) {
				found = p
			}
		}
		return complain(found != nil, text, wordsOf(all))
	})
	return found
}

func wordsOf(all []*model.Post) (list []string) {
	for _, p := range all {
		list = append(list, p.Message)
	}
	return list
}

// buttons gives the ids of a message's buttons by their labels.
func buttons(p *model.Post) map[string]string {
	all := map[string]string{}
	for _, a := range p.Attachments() {
		for _, action := range a.Actions {
			all[action.Name] = action.Id
		}
	}
	return all
}

// presses has somebody press a button of a direct message.
func (f *folk) presses(t *testing.T, m *member, p *model.Post, label string) {
	t.Helper()
	f.listens(t, m)
	id := buttons(p)[label]
	if id == "" {
		t.Fatalf("there is no button %q: %v under %q", label, buttons(p), p.Message)
	}
	if _, err := m.here.Client.DoPostAction(t.Context(), p.Id, id); err != nil {
		t.Fatalf("%s presses %q: %v", m.there.Name, label, err)
	}
}

// become waits until a direct message says something else, and has no buttons any more.
func (f *folk) become(t *testing.T, m *member, p *model.Post, text string) {
	t.Helper()
	f.eventually(t, "a message that was answered", func() string {
		now, _, err := m.here.Client.GetPost(t.Context(), p.Id, "")
		if err != nil {
			return err.Error()
		}
		return complain(strings.Contains(now.Message, text) && len(buttons(now)) == 0, now.Message, buttons(now))
	})
}

// status waits until somebody's status says something.
func (f *folk) status(t *testing.T, m *member, text string) {
	t.Helper()
	f.eventually(t, "the status of "+m.there.Name, func() string {
		said := f.types(t, m, "/msteams status")
		return complain(strings.Contains(said, text), said)
	})
}
