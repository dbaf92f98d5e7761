package mattermost

import (
	"testing"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// TestPriorityIsMattermostsOwn at the beginning of a thread, where the server has it; else it is a line.
func TestPriorityIsMattermostsOwn(t *testing.T) {
	for name, c := range map[string]struct {
		level   richtext.Importance
		root    string
		on      bool
		want    string
		message string
	}{
		"normal":         {richtext.Normal, "", true, "", "look"},
		"important":      {richtext.Important, "", true, "important", "look"},
		"urgent":         {richtext.Urgent, "", true, "urgent", "look"},
		"urgent reply":   {richtext.Urgent, "root", true, "", "**‼️ Urgent**\n\nlook"},
		"urgent, is off": {richtext.Urgent, "", false, "", "**‼️ Urgent**\n\nlook"},
	} {
		post, config := &model.Post{RootId: c.root}, testConfig
		config.priorities = c.on
		d := bridge.Draft{Text: richtext.Marked(richtext.Plain("look"), c.level)}
		prioritised(post, &d, config)
		got := ""
		if p := post.GetPriority(); p != nil {
			got = *p.Priority
		}
		if text := message(d, true, nil); got != c.want || text != c.message {
			t.Errorf("%s: it is %q, %q", name, got, text)
		}
	}
}
