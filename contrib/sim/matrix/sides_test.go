package matrix

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"sort"
	"strings"

	bridgemm "causeway/bridge/mattermost"
	"causeway/contrib/sim/mattermost"
	"causeway/contrib/sim/teams"
)

// message is a message as people see it on one side, people by their letters.
type message struct {
	By, Text, Answers string
	Files             []string // name and content
	Marks             []string // emoji and by whom
}

// look is all that people can see of a case.
type look struct {
	Here, There []message
	// Topics of a group.
	HereTopic, ThereTopic string
	// Told is who was told what privately, on which side.
	Told []string
}

const (
	thumb = "👍"
	heart = "❤️"
)

// aboutChat is what the relay account says first where it tells somebody something about another chat.
var aboutChat = regexp.MustCompile(`^About your chat [^\n]*:\n`)

// emojiNames are what Mattermost calls them.
var emojiNames = map[string]string{thumb: "+1", heart: "heart"}

// short replaces what differs between cases in what people are told.
func (c *matrixCase) short(text string) string {
	for letter, p := range c.people {
		if p.app.ID != "" {
			text = strings.ReplaceAll(text, p.app.Name, letter)
		}
		if p.there != nil {
			text = strings.ReplaceAll(text, p.there.Name, letter)
		}
		text = strings.ReplaceAll(text, p.name, letter)
	}
	return text
}

func (c *matrixCase) inMattermost(w *world) []message {
	if c.channel == "" {
		return nil
	}
	files := map[string][]string{}
	for _, r := range w.mm.Rows(c.channel) {
		for _, id := range r.FileIds {
			info, content := w.mm.File(id)
			if info == nil {
				continue
			}
			data, err := io.ReadAll(content)
			w.do(err)
			owner := "of somebody else"
			if info.CreatorId == r.UserId {
				owner = ""
			}
			files[r.Id] = append(files[r.Id], info.Name+": "+string(data)+owner)
		}
	}
	var all []message
	texts := map[string]string{}
	for _, p := range w.mm.Posts(c.channel) {
		m := message{By: c.short(p.Author), Text: c.short(p.Text), Answers: texts[p.Root], Files: files[p.ID]}
		if p.Shown != p.Author {
			m.By += " as " + c.short(p.Shown)
		}
		for emoji, name := range emojiNames {
			for _, who := range p.Reaction[name] {
				m.Marks = append(m.Marks, emoji+" "+c.short(who))
			}
		}
		sort.Strings(m.Marks)
		texts[p.ID] = m.Text
		all = append(all, m)
	}
	return all
}

var answered = regexp.MustCompile(`<attachment id="([0-9]+)">`)

func (c *matrixCase) inTeams(w *world) []message {
	chat := c.chatNow(w)
	if chat == nil {
		return nil
	}
	var all []message
	texts := map[string]string{}
	for _, p := range w.teams.Messages(chat) {
		if p.Deleted || p.Author == nil && p.Bot == "" {
			continue
		}
		by := p.Bot
		if p.Author != nil {
			by = p.Author.Name
		}
		m := message{By: c.short(by), Text: c.short(strings.TrimSpace(p.Text))}
		if found := answered.FindStringSubmatch(p.Raw); found != nil {
			m.Answers = texts[found[1]]
		}
		for _, f := range p.Files {
			m.Files = append(m.Files, f.Name+": "+string(f.Data))
		}
		for _, r := range p.Reactions {
			m.Marks = append(m.Marks, r.Emoji+" "+c.short(r.User.Name))
		}
		sort.Strings(m.Marks)
		texts[p.ID] = m.Text
		all = append(all, m)
	}
	return all
}

// chatNow finds the chat of the case's people; nil: there is none.
func (c *matrixCase) chatNow(w *world) *teams.Channel {
	if c.chat == nil {
		for _, chat := range w.tenant.Chats() {
			members := chat.Members()
			if len(members) == len(c.people) && !slices.ContainsFunc(members, func(u *teams.User) bool { return !slices.Contains(c.users(), u) }) {
				c.chat = chat
			}
		}
	}
	return c.chat
}

// told gives what the case's people were told by Causeway privately.
func (c *matrixCase) told(w *world, ephemerals []mattermost.Ephemeral) []string {
	var all []string
	for letter, p := range c.people {
		for _, e := range ephemerals {
			if p.id != "" && e.To == p.id {
				all = append(all, fmt.Sprintf("here %s: %s", letter, c.short(e.Post.Message)))
			}
		}
		if w.profile == bridgemm.ProfileRestricted && p.id != "" { // there the bot tells people much by direct messages
			for _, one := range w.mm.Posts(w.mm.Direct(p.name, "causeway").Id) {
				all = append(all, fmt.Sprintf("here %s: %s", letter, strings.Join(strings.Fields(c.short(one.Text)), " ")))
			}
		}
		for _, chat := range w.tenant.Chats() {
			if p.there == nil {
				break
			}
			if members := chat.Members(); len(members) == 2 && slices.Contains(members, w.relay) && slices.Contains(members, p.there) {
				for _, m := range w.teams.Messages(chat) {
					all = append(all, fmt.Sprintf("there %s: %s", letter, c.short(aboutChat.ReplaceAllString(m.Text, ""))))
				}
			}
		}
	}
	sort.Strings(all)
	return all
}

func (c *matrixCase) seen(w *world, ephemerals []mattermost.Ephemeral) look {
	l := look{Here: c.inMattermost(w), There: c.inTeams(w), Told: c.told(w, ephemerals)}
	if c.kind == "group" {
		l.HereTopic = w.topic(c.channel)
		if chat := c.chatNow(w); chat != nil {
			l.ThereTopic = chat.Topic()
		}
	}
	return l
}

// topic gives the header of a channel.
func (w *world) topic(channel string) string {
	w.Helper()
	c, _, err := w.mm.Client(w.overseer).GetChannel(w.Context(), channel, "")
	w.do(err)
	return c.Header
}
