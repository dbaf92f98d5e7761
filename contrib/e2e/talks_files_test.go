package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/e2e/harness"
	"causeway/contrib/sim/teams"
)

// TestFilesOfTalksCross has people send files of all kinds in a direct and a group conversation, on both sides: each arrives whole, as its sender's, and
// nobody else can read it.
func TestFilesOfTalksCross(t *testing.T) {
	t.Parallel()
	f := newFolk(t, harness.StartMattermost(t, harness.Options{Postgres: harness.Shared(t).Postgres}), "simple")
	ann, ben, cyd := f.connected(t, "Ann"), f.connected(t, "Ben"), f.connected(t, "Cyd")
	stranger := f.member(t, "Stranger", "")
	small, large := painted(t, 40), painted(t, 900) // 5 kB: in the text; 2.4 MB: a file
	kinds := map[string][]byte{
		"notes.txt": []byte("hello"), "größe & co #1%.pdf": noise(70_000, 1), "archive.tar.gz": noise(6<<20, 2),
		"shot.png": small, "photo.png": large, "no ending": noise(3, 3),
	}
	for number, people := range [][]*member{{ann, ben}, {cyd, ann, ben}} {
		c := &talk{number: number, people: people}
		c.channel = f.channelOf(t, c)
		first, second := people[0], people[1]
		post := f.sends(t, first, c.channel, "from Mattermost", kinds)
		f.eventually(t, "files in Teams", func() string {
			if c.chat = f.chatOf(c); c.chat == nil {
				return "there is no chat"
			}
			return f.seenInChat(c, first, "from Mattermost", kinds, stranger)
		})
		want := map[string][]byte{"picture-1": small}
		var shared []teams.File
		for n := range 11 {
			name, data := fmt.Sprintf("file %d ß.bin", n), noise(n*1000, uint64(n))
			if n == 10 {
				name, data = "large.zip", noise(7<<20, 11)
			}
			one, err := f.sim.PutChatFile(second.there, c.chat, name, data)
			must(t, err)
			shared, want[name] = append(shared, one), data
		}
		_, err := f.sim.Say(second.there, c.chat, "<p>from Teams</p>", teams.WithFiles(shared...), teams.WithPictures(small))
		must(t, err)
		f.eventually(t, "files in Mattermost", func() string { return f.seenInTalk(t, c, second, "from Teams", want, stranger) })

		// An edit changes them, and a deletion takes the copies along.
		keep := model.StringArray{}
		for _, id := range post.FileIds {
			name, _, err := f.fileInMattermost(t, id)
			if must(t, err); name == "shot.png" || name == "notes.txt" {
				keep = append(keep, id)
			}
		}
		_, _, err = first.here.Client.PatchPost(t.Context(), post.Id, &model.PostPatch{FileIds: &keep})
		must(t, err)
		left := map[string][]byte{"notes.txt": []byte("hello"), "shot.png": small}
		f.eventually(t, "files after an edit", func() string { return f.seenInChat(c, first, "from Mattermost", left, stranger) })
		_, err = first.here.Client.DeletePost(t.Context(), post.Id)
		must(t, err)
		f.eventually(t, "files after a deletion", func() string {
			all := f.sim.ChatFiles(first.there)
			return complain(len(all) == 0, all)
		})
		f.answersCross(t, c)
	}
}

// answersCross: what quotes several messages in Teams answers the first in Mattermost and quotes the others; an answer in Mattermost quotes in Teams.
func (f *folk) answersCross(t *testing.T, c *talk) {
	t.Helper()
	first, second := c.people[0], c.people[1]
	say := func(html string, options ...teams.SayOption) string {
		id, err := f.sim.Say(second.there, c.chat, html, options...)
		must(t, err)
		return id
	}
	one, two := say("<p>lunch?</p>"), say("<p>or <b>dinner</b>?</p>")
	say("<p>both</p>", teams.Quoting(one, two))
	said := map[string]*model.Post{}
	f.eventually(t, "an answer in Mattermost", func() string {
		for _, p := range f.mm.Admin.Read(t, c.channel) {
			said[p.Message] = p
		}
		answer := said["> **"+second.there.Name+"**: or dinner?\n\nboth"]
		return complain(answer != nil && said["lunch?"] != nil && answer.RootId == said["lunch?"].Id, sortedNames(said))
	})
	first.here.Reply(t, said["or **dinner**?"], "dinner it is")
	f.eventually(t, "an answer in Teams", func() string {
		for _, m := range f.sim.Messages(c.chat) {
			if strings.Contains(m.Text, "dinner it is") {
				return complain(strings.Contains(m.HTML, `<attachment id="`+two+`"></attachment>`) && m.Author == first.there, m.HTML)
			}
		}
		return "it is not there"
	})
}

// sends lets somebody post files, as their program does.
func (f *folk) sends(t *testing.T, by *member, channel *model.Channel, text string, files map[string][]byte) *model.Post {
	t.Helper()
	var ids []string
	for _, name := range sortedNames(files) {
		got, _, err := by.here.Client.UploadFileAsRequestBody(t.Context(), files[name], channel.Id, name)
		must(t, err)
		ids = append(ids, got.FileInfos[0].Id)
	}
	post, _, err := by.here.Client.CreatePost(t.Context(), &model.Post{ChannelId: channel.Id, Message: text, FileIds: ids})
	if err != nil || len(post.FileIds) != len(ids) {
		t.Fatalf("posting %d files: %+v (%v)", len(ids), post, err)
	}
	return post
}

// seenInChat complains unless a message in Teams shows everybody there just these files, as its author's, and nobody else.
func (f *folk) seenInChat(c *talk, by *member, text string, want map[string][]byte, stranger *member) string {
	var texts []string
	for _, m := range f.sim.Messages(c.chat) {
		if texts = append(texts, m.Text); !strings.Contains(m.Text, text) || m.Deleted {
			continue
		}
		got := map[string][]byte{}
		for _, one := range m.Files {
			got[one.Name] = one.Data
			if one.URL == "" {
				continue // a picture in the text
			}
			for _, u := range []*teams.User{stranger.there, f.relay} {
				if f.sim.CanRead(u, one.URL) {
					return fmt.Sprintf("%s can read %s", u.Name, one.Name)
				}
			}
		}
		if m.Author != by.there {
			return "its author is " + m.Author.Name
		}
		return sameFiles(got, want)
	}
	return fmt.Sprintf("there is no such message, but %q", texts)
}

// seenInTalk complains unless posts in Mattermost show just these files, which belong to their author, and nobody else can read them.
func (f *folk) seenInTalk(t *testing.T, c *talk, by *member, text string, want map[string][]byte, stranger *member) string {
	t.Helper()
	var root string
	got := map[string][]byte{}
	for _, p := range f.mm.Admin.Read(t, c.channel) {
		if p.Message == text {
			root = p.Id
		}
		if root == "" || p.Id != root && p.RootId != root {
			continue
		}
		if p.UserId != by.here.Id {
			return "its author is " + p.UserId
		}
		for _, id := range p.FileIds { // see showsInMattermost
			reader := c.people[len(c.people)-1].here.Client
			one, _, err := reader.GetFileInfo(t.Context(), id)
			if err != nil {
				return err.Error() // it is not attached yet
			}
			data, _, err := reader.GetFile(t.Context(), id)
			must(t, err)
			if got[one.Name] = data; one.CreatorId != by.here.Id {
				return one.Name + " belongs to " + one.CreatorId
			}
			if _, answer, err := stranger.here.Client.GetFile(t.Context(), one.Id); err == nil || answer.StatusCode != http.StatusForbidden {
				return "a stranger can read " + one.Name
			}
		}
	}
	return sameFiles(got, want)
}

func sameFiles(got, want map[string][]byte) string {
	if fmt.Sprint(sortedNames(got)) != fmt.Sprint(sortedNames(want)) {
		return fmt.Sprintf("it shows %q", sortedNames(got))
	}
	for name, data := range want {
		if !bytes.Equal(got[name], data) {
			return fmt.Sprintf("%s has %d bytes, want %d", name, len(got[name]), len(data))
		}
	}
	return ""
}
