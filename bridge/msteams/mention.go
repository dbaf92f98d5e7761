package msteams

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/microsoftgraph/msgraph-sdk-go/models"

	"causeway/bridge"
	"causeway/bridge/richtext"
	richhtml "causeway/bridge/richtext/html"
)

// mentionTags is about how many bytes a mention takes in a post, besides its name.
const mentionTags = 250

// calls gives whom the mentions in a message's body stand for: users, and everybody where they are of a team, a channel or a chat. Tags and apps
// are words.
func calls(m models.ChatMessageable) func(id, name string) richtext.Run {
	who := map[string]string{}
	for _, one := range m.GetMentions() {
		if one.GetId() == nil || one.GetMentioned() == nil {
			continue
		}
		id := strconv.Itoa(int(*one.GetId()))
		switch whom := one.GetMentioned(); {
		case whom.GetUser() != nil:
			who[id] = value(whom.GetUser().GetId())
		case whom.GetConversation() != nil:
			who[id] = richtext.Everybody
		}
	}
	return func(id, name string) richtext.Run {
		r := richtext.Run{Text: "@" + richtext.Line(strings.TrimPrefix(name, "@"))}
		if who[id] != "" {
			r.Kind, r.Who = richtext.Mention, who[id]
		}
		return r
	}
}

// called makes the HTML of a text for a conversation, and the mentions in it: each has an entry of its own. Where they are not asked for, and where
// somebody cannot be a user, they are names.
func called(c bridge.ConversationID, text richtext.Doc) (string, []models.ChatMessageMentionable) {
	list := []models.ChatMessageMentionable{}
	text = text.MapMentions(func(r richtext.Run) (richtext.Run, bool) {
		whom := mentioned(c, r)
		if whom == nil {
			return r, false
		}
		one := models.NewChatMessageMention()
		one.SetId(pointer(int32(len(list))))
		one.SetMentionText(pointer(strings.TrimPrefix(r.Text, "@")))
		one.SetMentioned(whom)
		r.Who = strconv.Itoa(len(list))
		list = append(list, one)
		return r, true
	})
	number := func(r richtext.Run) (string, bool) { return r.Who, true }
	return richhtml.Options{MentionID: number}.Render(text), list
}

// mentioned is whom a mention calls, as Graph wants to be told; nil when that cannot be.
func mentioned(c bridge.ConversationID, r richtext.Run) *models.ChatMessageMentionedIdentitySet {
	whom, name := models.NewChatMessageMentionedIdentitySet(), strings.TrimPrefix(r.Text, "@")
	if r.Who == richtext.Everybody {
		team, channel, inTeam := strings.Cut(string(c.Channel), "/")
		if team == "" {
			return nil
		}
		kind := models.CHAT_TEAMWORKCONVERSATIONIDENTITYTYPE
		if inTeam {
			kind = models.CHANNEL_TEAMWORKCONVERSATIONIDENTITYTYPE
		}
		all := models.NewTeamworkConversationIdentity()
		all.SetId(pointer(cmp.Or(channel, team)))
		all.SetDisplayName(&name)
		all.SetConversationIdentityType(&kind)
		whom.SetConversation(all)
		return whom
	}
	if !guid.MatchString(r.Who) {
		return nil
	}
	user := models.NewTeamworkUserIdentity()
	user.SetId(&r.Who)
	user.SetDisplayName(&name)
	user.SetUserIdentityType(pointer(models.AADUSER_TEAMWORKUSERIDENTITYTYPE))
	whom.SetUser(user)
	return whom
}

// callRoom is how many bytes the mentions in a text take, besides their names in it.
func callRoom(text richtext.Doc) int {
	n := 0
	text.MapMentions(func(r richtext.Run) (richtext.Run, bool) {
		n += mentionTags + 2*len(r.Text)
		return r, true
	})
	return n
}

// orInWords makes an attempt to write a draft, and where Graph refuses it, another one in which its mentions are names and its importance is a line:
// whether somebody may be mentioned who is not in the conversation, and who may write what is urgent, is on no page. What is refused has had no effect.
func orInWords(d bridge.Draft, write func(bridge.Draft) error) error {
	err := write(d)
	words, level := richtext.Unmarked(d.Text)
	if err == nil || len(d.Text.Mentions()) == 0 && level == richtext.Normal {
		return err
	}
	refused := bridge.KindOf(err) == bridge.Rejected || bridge.KindOf(err) == bridge.Unsupported ||
		bridge.KindOf(err) == bridge.Unauthorised && bridge.ScopeOf(err) == bridge.ScopeConversation
	if !refused {
		return err
	}
	if level != richtext.Normal {
		line := richtext.Marked(nil, level).Without(richtext.Bold) // which is not taken for the mark any more
		d.Text = append(line, words...)
	}
	d.Text = d.Text.Literal()
	return write(d)
}
