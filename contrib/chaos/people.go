package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/e2e/harness"
	"causeway/contrib/sim/teams"
)

// member is somebody of the cast, with their accounts.
type member struct {
	role
	here     *harness.User // nil: none in Mattermost
	there    *teams.User   // nil: none in Teams
	password string
}

// venue is a place on both sides.
type venue struct {
	place
	channel string         // its id in Mattermost
	handle  string         // what the config calls it there; empty of a talk
	chat    *teams.Channel // nil until it was opened in Teams
}

// emojiNamed are the emoji by their names in Mattermost.
var emojiNamed = map[string]string{"+1": "👍", "tada": "🎉", "heart": "❤"}

func nameOf(emoji string) string {
	for name, e := range emojiNamed {
		if e == emoji {
			return name
		}
	}
	return ""
}

// talk has people do what the plan says, until all is done or ctx ends.
func (w *world) talk(ctx context.Context, began time.Time) *sync.WaitGroup {
	type worker struct {
		by   int
		side Side
	}
	todo := map[worker][]Act{}
	for _, a := range w.plan.Acts {
		if a.At >= 0 {
			todo[worker{a.By, a.side()}] = append(todo[worker{a.By, a.side()}], a)
		}
	}
	var all sync.WaitGroup
	for _, acts := range todo {
		all.Go(func() {
			for _, a := range acts {
				if !sleep(ctx, time.Until(began.Add(time.Duration(a.At)*time.Millisecond))) {
					return
				}
				w.perform(ctx, a)
			}
		})
	}
	return &all
}

// perform does an act, again and again until it is done: nobody who has something to say gives up.
func (w *world) perform(ctx context.Context, a Act) {
	for _, n := range []int{a.N, a.Root} {
		if e := w.ledger.entries[n]; e != nil && (a.Kind != say || n != a.N) {
			select {
			case <-e.done:
			case <-ctx.Done():
				return
			}
		}
	}
	id := ""
	if a.Kind != say {
		e := w.ledger.entries[a.N]
		e.acting.Lock()
		defer e.acting.Unlock()
		if id = w.target(ctx, a); id == "" {
			w.note("%s does not %s #c%d. in %s, as it is not there as they left it, or not theirs", cast[a.By].name, a.Kind, a.N, a.side())
			return
		}
	}
	for try := 0; ctx.Err() == nil; try++ {
		var err error
		if a.side() == Teams {
			err = w.inTeams(a, id)
		} else {
			err = w.inMattermost(ctx, a, id, try)
		}
		if err == nil {
			w.note("%s %s #c%d. in %s, %s %s", cast[a.By].name, a.Kind, a.N, places[a.Place].name, a.side(), a.Emoji)
			if a.Kind != say {
				w.ledger.did(a)
			}
			return
		}
		if try == 0 {
			w.note("%s cannot %s #c%d. in %s yet: %v", cast[a.By].name, a.Kind, a.N, a.side(), err)
		}
		sleep(ctx, 300*time.Millisecond)
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// fileOf is the content of the file that goes along; nil: none.
func fileOf(a Act) []byte {
	if a.File == 0 {
		return nil
	}
	data := make([]byte, a.File)
	dice := rand.New(rand.NewPCG(uint64(a.N), 3))
	for n := range data {
		data[n] = byte(dice.Uint32())
	}
	return data
}

func hashOf(data []byte) string {
	if data == nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:6])
}

// inMattermost does an act there, once more after it seems to have failed: what was said is looked for first.
func (w *world) inMattermost(ctx context.Context, a Act, id string, try int) error {
	m := w.members[a.By]
	client := m.here.Client
	var err error
	switch a.Kind {
	case say:
		return w.sayInMattermost(ctx, a, try)
	case edit:
		text := mattermostText(a.N, a.Text)
		_, _, err = client.PatchPost(ctx, id, &model.PostPatch{Message: &text})
	case remove:
		if _, err = client.DeletePost(ctx, id); harness.IsStatus(err, http.StatusNotFound) && try > 0 {
			err = nil
		}
	case react:
		_, _, err = client.SaveReaction(ctx, &model.Reaction{UserId: m.here.Id, PostId: id, EmojiName: nameOf(a.Emoji)})
	case unreact:
		if _, err = client.DeleteReaction(ctx, &model.Reaction{UserId: m.here.Id, PostId: id, EmojiName: nameOf(a.Emoji)}); harness.IsStatus(err, http.StatusNotFound) && try > 0 {
			err = nil
		}
	}
	return w.vain(a, err)
}

// vain forgives what is done to something that was deleted in the meantime.
func (w *world) vain(a Act, err error) error {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	if err != nil && w.ledger.entries[a.N].Deleted {
		return nil
	}
	return err
}

func mattermostText(n int, text string) string {
	first, rest, _ := strings.Cut(text, " ")
	return token(n) + " " + first + " **" + rest + "**"
}

func teamsText(n int, text string) string {
	first, rest, _ := strings.Cut(text, " ")
	return "<p>" + token(n) + " " + html.EscapeString(first) + " <strong>" + html.EscapeString(rest) + "</strong></p>"
}

func (w *world) sayInMattermost(ctx context.Context, a Act, try int) error {
	m, channel := w.members[a.By], w.places[a.Place].channel
	if try > 0 { // it may have been said
		list, _, err := m.here.Client.GetPostsForChannel(ctx, channel, 0, 100, "", false, false)
		if err != nil {
			return err
		}
		for _, p := range list.Posts {
			if p.UserId == m.here.Id && strings.HasPrefix(p.Message, token(a.N)) {
				w.ledger.said(a.N, p.Id)
				return nil
			}
		}
	}
	// As Mattermost's own programs do: the server refuses a second post with this id.
	post := &model.Post{ChannelId: channel, Message: mattermostText(a.N, a.Text), PendingPostId: fmt.Sprintf("%s:%d", m.here.Id, a.N)}
	if a.Root > 0 {
		post.RootId = w.ledger.entries[a.Root].id
	}
	if data := fileOf(a); data != nil {
		got, _, err := m.here.Client.UploadFileAsRequestBody(ctx, data, channel, fileName(a.N))
		if err != nil {
			return err
		}
		post.FileIds = model.StringArray{got.FileInfos[0].Id}
	}
	made, _, err := m.here.Client.CreatePost(ctx, post)
	if err != nil {
		return err
	}
	w.ledger.said(a.N, made.Id)
	return nil
}

func fileName(n int) string { return fmt.Sprintf("file %d.bin", n) }

func (w *world) inTeams(a Act, id string) error {
	m, e, chat := w.members[a.By], w.ledger.entries[a.N], w.places[a.Place].chat
	switch a.Kind {
	case say:
		return w.sayInTeams(a)
	case edit:
		return w.vain(a, w.sim.Edit(m.there, chat, id, teamsText(a.N, a.Text), teams.WithFiles(e.files...)))
	case remove:
		return w.sim.Delete(m.there, chat, id)
	case react:
		return w.vain(a, w.sim.React(m.there, chat, id, inColour(a.Emoji)))
	default:
		return w.vain(a, w.sim.Unreact(m.there, chat, id, inColour(a.Emoji)))
	}
}

// inColour gives an emoji as Teams has it: the heart is a letter that is asked to be shown as a picture.
func inColour(emoji string) string {
	if emoji == "❤" {
		emoji += "\ufe0f"
	}
	return emoji
}

func (w *world) sayInTeams(a Act) error {
	m, e, v := w.members[a.By], w.ledger.entries[a.N], w.places[a.Place]
	if data := fileOf(a); data != nil && e.files == nil {
		put := w.sim.PutFile
		if v.talk {
			put = w.sim.PutChatFile
		}
		file, err := put(m.there, v.chat, fileName(a.N), data)
		if err != nil {
			return err
		}
		e.files = []teams.File{file}
	}
	var id string
	var err error
	if text := teamsText(a.N, a.Text); a.Root > 0 {
		id, err = w.sim.Reply(m.there, v.chat, w.ledger.entries[a.Root].id, text, teams.WithFiles(e.files...))
	} else {
		id, err = w.sim.Say(m.there, v.chat, text, teams.WithFiles(e.files...))
	}
	if err != nil {
		return err
	}
	w.ledger.said(a.N, id)
	return nil
}
