package mattermost

import (
	"strings"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/bridge/richtext/markdown"
)

// Place of the key in a post's props.
const (
	propCauseway = "causeway"
	propKey      = "key"
	// propUserIcon makes clients show the bot's own picture beside a post with another name, not the one of webhooks.
	propUserIcon = "use_user_icon"
)

// carried says whether a post is something a person, bot or webhook said. What the server writes itself (system_…,
// ephemeral posts among them) is not, nor what is meant to vanish after reading.
func carried(p *model.Post) bool {
	switch p.Type {
	case model.PostTypeAddBotTeamsChannels, model.PostTypeReminder, "burn_on_read", postTypeCall:
		return false
	}
	return p.OriginalId == "" && !strings.HasPrefix(p.Type, model.PostSystemMessagePrefix)
}

// stateOf shows a post by a writer, which mentions these people, as a state. Revision is update_at; [seenPosts] refines it.
func stateOf(p *model.Post, writer person, named handles, config serverConfig) bridge.State {
	s := bridge.State{
		Conversation: bridge.ConversationID{Server: config.server, Channel: bridge.ChannelID(p.ChannelId)},
		ID:           bridge.MessageID(p.Id),
		Root:         bridge.MessageID(p.RootId),
		Author:       authorOf(p, writer, config),
		Created:      at(p.CreateAt),
		Revision:     revisionOf(p),
		Deleted:      p.DeleteAt != 0,
	}
	// People can write props, too: whose key it is, the gateway finds out.
	s.Key = keyOf(p)
	if s.Deleted {
		return s
	}
	if p.EditAt != 0 {
		s.Edited = at(p.EditAt)
	}
	s.Text = withChannels(textOf(p, named), p, config.site)
	s.Files = filesOf(p, config.site)
	s.Reactions = reactions(p)
	return s
}

// revisionOf orders the states of a post by update_at, and those of one millisecond by what usually comes later.
func revisionOf(p *model.Post) int64 {
	revision := p.UpdateAt * revisionsPerMilli
	if p.EditAt != 0 {
		revision++
	}
	if p.Metadata != nil {
		revision += 2 * int64(min(len(p.Metadata.Reactions), 6))
	}
	return revision
}

func at(millis int64) time.Time { return time.UnixMilli(millis).UTC() }

// authorOf gives the name that Mattermost's clients show: an overridden one only counts with from_webhook "true" and when the
// server allows it.
func authorOf(p *model.Post, writer person, config serverConfig) bridge.Author {
	author := writer.author(p.UserId)
	shown, _ := p.GetProp(model.PostPropsOverrideUsername).(string)
	if shown != "" && config.showNames && p.GetProp(model.PostPropsFromWebhook) == "true" {
		author.Name, author.Username = shown, ""
	}
	return author
}

// keyOf reads the key. Whether it is authentic is for the gateway to find out.
func keyOf(p *model.Post) bridge.Key {
	ours, _ := p.GetProp(propCauseway).(map[string]any)
	key, _ := ours[propKey].(string)
	if len(key) > 64 {
		return ""
	}
	return bridge.Key(key)
}

func textOf(p *model.Post, named handles) richtext.Doc {
	message := p.Message
	if p.MessageSource != "" {
		message = p.MessageSource // as written, before links to pictures were turned to the image proxy
	}
	doc := markdown.Parse(message)
	if p.Type == model.PostTypeMe {
		doc = slanted(doc)
	}
	doc = append(doc, attachments(p)...)
	doc = richtext.Normalize(richtext.Marked(spellEmoji(doc), importance(p)))
	if len(named) > 0 {
		doc = doc.WithMentions(named.who)
	}
	return doc
}

// withChannels makes links of those "~channels" in a text that the server has found (FillInPostProps in its channels/app/post.go): public ones, which its own
// programs show by their display names.
func withChannels(doc richtext.Doc, p *model.Post, site string) richtext.Doc {
	found, _ := p.GetProp(model.PostPropsChannelMentions).(map[string]any)
	if len(found) == 0 {
		return doc
	}
	return doc.WithChannels(func(name string) (text, link string, ok bool) {
		one, _ := found[name].(map[string]any)
		team, shown := words(one["team_name"]), words(one["display_name"])
		if path := "/" + team + "/channels/" + name; shown != "" && channelPath.MatchString(path) {
			return "~" + shown, site + path, true
		}
		return "", "", false
	})
}

// slanted makes a text italic: what /me says.
func slanted(doc richtext.Doc) richtext.Doc {
	for i := range doc {
		for j := range doc[i].Runs {
			if run := &doc[i].Runs[j]; !run.Break && run.Style&richtext.InlineCode == 0 {
				run.Style |= richtext.Italic
			}
		}
	}
	return doc
}
