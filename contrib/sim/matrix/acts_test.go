package matrix

import (
	"regexp"
	"sort"
	"strings"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/contrib/sim/mattermost"
	"causeway/contrib/sim/teams"
	"causeway/gateway/store"
)

// voice is who says what the event is about: a, but another one, where a reacts to it.
func (s *situation) voice() string {
	if among(s.v[event], "react", "unreact") && s.speaker() != "" {
		return s.speaker()
	}
	return "a"
}

// says has somebody say something where it begins.
func (s *situation) says(w *world, letter, text, answering, file string) {
	w.Helper()
	p := s.people[letter]
	var id string
	var err error
	switch {
	case p.app.ID != "":
		id, err = w.teams.SayAsBot(p.app, s.chat, "<p>"+text+"</p>")
	case s.v[origin] == "here" && file != "":
		id, err = w.mm.PostFiles(p.name, s.channel, text, mattermost.Attachment{Name: file, Data: []byte("in " + file)})
	case s.v[origin] == "here" && answering != "":
		id, err = w.mm.Reply(p.name, s.said[answering], text)
	case s.v[origin] == "here":
		id, err = w.mm.Post(p.name, s.channel, text)
	default:
		var options []teams.SayOption
		if file != "" {
			f, failed := w.teams.PutChatFile(p.there, s.chat, file, []byte("in "+file))
			w.do(failed)
			options = append(options, teams.WithFiles(f))
		}
		if answering != "" {
			options = append(options, teams.Quoting(s.said[answering]))
		}
		id, err = w.teams.Say(p.there, s.chat, "<p>"+text+"</p>", options...)
	}
	if err != nil {
		w.Fatalf("%s says %q: %v: %v", letter, text, s, err)
	}
	s.said[text] = id
}

// happens is the event, first or again: what is deleted, or set, is brought back or taken away then.
func (s *situation) happens(w *world, again bool) {
	w.Helper()
	p, one := s.people["a"], s.said["one"]
	var err error
	switch here := s.v[origin] == "here"; {
	case p.app.ID != "" && s.v[event] == "edit" && !again:
		err = w.teams.EditAsBot(p.app, s.chat, one, "<p>one, edited</p>")
	case p.app.ID != "" && s.v[event] == "delete" && !again:
		err = w.teams.DeleteAsBot(p.app, s.chat, one)
	case again && s.v[event] == "undelete":
		err = w.teams.Undelete(p.there, s.chat, one)
	case again && s.v[event] == "unreact" && here:
		err = w.mm.Unreact(p.name, one, emojiNames[heart])
	case again && s.v[event] == "unreact":
		err = w.teams.Unreact(p.there, s.chat, one, heart)
	case again, s.v[event] == "new":
	case among(s.v[event], "reply", "quote"):
		s.says(w, "a", "two", "one", "")
	case s.v[event] == "file":
		s.says(w, "a", "two", "", "plan.txt")
	case s.v[event] == "edit" && here:
		err = w.mm.Edit(p.name, one, "one, edited")
	case s.v[event] == "edit":
		err = w.teams.Edit(p.there, s.chat, one, "<p>one, edited</p>")
	case among(s.v[event], "delete", "undelete") && here:
		err = w.mm.Delete(p.name, one)
	case among(s.v[event], "delete", "undelete"):
		err = w.teams.Delete(p.there, s.chat, one)
	case among(s.v[event], "react", "unreact") && here:
		err = w.mm.React(p.name, one, emojiNames[heart])
	case among(s.v[event], "react", "unreact"):
		err = w.teams.React(p.there, s.chat, one, heart)
	case s.v[event] == "join":
		err = w.teams.AddToChat(s.chat, p.there, s.people["n"].there, false)
	case s.v[event] == "leave":
		err = w.teams.RemoveFromChat(s.chat, p.there, s.people["b"].there)
	case s.v[event] == "rename" && here:
		topic := "plans"
		_, _, err = w.mm.Client(w.mm.Token(p.name)).PatchChannel(w.Context(), s.channel, &model.ChannelPatch{Header: &topic})
	case s.v[event] == "rename":
		err = w.teams.RenameChat(s.chat, p.there, "plans")
	}
	if err != nil {
		w.Fatalf("%s: %v", s, err)
	}
}

// departs deactivates those who are to be, on the side on which they have spoken.
func (s *situation) departs(w *world) {
	for _, letter := range s.all() {
		if s.is(letter) != deactivated {
			continue
		}
		if s.v[origin] == "here" {
			w.mm.SetActive(s.people[letter].name, false)
		} else {
			s.people[letter].there.SetDisabled(true)
		}
	}
}

// outcome is all that can be seen of a situation in the end.
type outcome struct {
	// Origin and Target are both conversations, Next the one in which it goes on where somebody has come or gone.
	Origin, Target, Next []message
	// Topic is what the other side calls it.
	Topic string
	// Told is who was told what, Reason why the store says that it is not carried.
	Told   []string
	Reason string
}

// seen gives what can be seen of a situation.
func (s *situation) seen(w *world, ephemerals []mattermost.Ephemeral, talks map[string]store.Talk) outcome {
	o := outcome{Told: s.toldNow(w, ephemerals)}
	mm, tm := s.inMattermost(w), s.inTeams(w)
	if s.v[origin] == "here" {
		o.Origin, o.Target, o.Reason = mm, tm, s.reasonOf(talks[s.channel])
		if s.chat != nil {
			o.Topic = s.chat.Topic()
		}
		return o
	}
	o.Origin, o.Target, o.Reason = tm, mm, s.reasonOf(talks[s.chat.ID])
	if s.channel != "" {
		o.Topic = w.topic(s.channel)
	}
	if s.next != "" && s.next != s.channel {
		next := *s
		next.channel = s.next
		o.Next = next.inMattermost(w)
	}
	for _, all := range [][]message{o.Target, o.Next} { // the rest names who is there, in the order of their ids
		for i := range all {
			for _, line := range []string{leftBehind, goesOn} {
				if strings.HasPrefix(all[i].Text, line) {
					all[i].Text = line
				}
			}
		}
	}
	return o
}

var linked = regexp.MustCompile(`\(https://[^)]*\)`)

// toldNow is who has been told what until now, the missing in order: they are named in the order of their ids.
func (s *situation) toldNow(w *world, ephemerals []mattermost.Ephemeral) []string {
	all := s.told(w, ephemerals)
	for i, text := range all {
		all[i] = strings.Replace(linked.ReplaceAllString(text, "(link)"), "b, a", "a, b", 1)
		for _, line := range []string{leftBehind, goesOn} { // the rest names who is there, in the order of their ids
			if head, _, cut := strings.Cut(text, line); cut {
				all[i] = head + strings.TrimSpace(line)
			}
		}
	}
	sort.Strings(all)
	return all
}
