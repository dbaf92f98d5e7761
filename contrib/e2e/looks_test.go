package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"
)

// shown is how a message looks to people: its text from its token on, the token of what it answers, and the emoji on it,
// whoever has set them.
type shown struct{ text, root, emoji string }

// looks are those of all messages on one side, what was said there and the copies, by their tokens.
type looks map[string]shown

func (l looks) add(text, root string, emoji []string) {
	s := token.FindString(text)
	if s == "" {
		return
	}
	_, rest, _ := strings.Cut(text, s)
	slices.Sort(emoji)
	l[s] = shown{strings.TrimSpace(strings.ReplaceAll(rest, "*", "")), root, strings.Join(slices.Compact(emoji), " ")}
}

// emojiNamed are the emoji of these tests by their names in Mattermost.
var emojiNamed = map[string]string{"+1": "👍", "tada": "🎉", "heart": "❤"}

func (p *pair) looksInMattermost(t *testing.T) looks {
	t.Helper()
	all, tokens := p.mm.Admin.Read(t, p.channel), map[string]string{}
	for _, post := range all {
		tokens[post.Id] = token.FindString(post.Message)
	}
	here := looks{}
	for _, post := range all {
		here.add(post.Message, tokens[post.RootId], emojiOn(post))
	}
	return here
}

func emojiOn(post *model.Post) (all []string) {
	if post.Metadata == nil {
		return nil
	}
	for _, r := range post.Metadata.Reactions {
		all = append(all, emojiNamed[r.EmojiName])
	}
	return all
}

func (p *pair) looksInTeams() looks {
	there := looks{}
	tokens := map[string]string{}
	for _, m := range p.everything() {
		if m.Deleted {
			continue
		}
		if m.RootID == "" {
			tokens[m.ID] = token.FindString(m.Text)
		}
		var emoji []string
		for _, r := range m.Reactions {
			emoji = append(emoji, strings.TrimSuffix(r.Emoji, "\ufe0f"))
		}
		there.add(m.Text, tokens[m.RootID], emoji)
	}
	return there
}

// alike waits until every message looks the same on both sides.
func (p *pair) alike(t *testing.T) {
	t.Helper()
	p.eventually(t, "the same on both sides", func() string {
		here, there := p.looksInMattermost(t), p.looksInTeams()
		var wrong []string
		for s, l := range here {
			if other, ok := there[s]; !ok || other != l {
				wrong = append(wrong, fmt.Sprintf("%s is %+v in Mattermost, %+v in Teams", s, l, other))
			}
		}
		for s, l := range there {
			if _, ok := here[s]; !ok {
				wrong = append(wrong, fmt.Sprintf("%s is %+v in Teams, and not in Mattermost", s, l))
			}
		}
		return strings.Join(wrong[:min(len(wrong), 10)], "\n")
	})
}
