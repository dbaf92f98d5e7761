package bridgetest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"causeway/bridge"
)

var needTalks = need(func(f Features) bool { return f.Talks.Open == nil || f.NoPeople }, "open direct conversations of connected people")

var needTalkFiles = need(func(f Features) bool { return f.Talks.Reads == nil || f.NoPeople || f.NoFiles }, "tell who can read the files of direct conversations")

// talkLaws: direct and group conversations of connected people.
var talkLaws = []Law{
	{Name: "a talk of an observed person is met and read from when they connected", needs: needTalks, prove: talkIsMet},
	{Name: "what is said while nothing runs is met afterwards", needs: needTalks, prove: talkIsMetAfterwards},
	{Name: "talks of others, and those that are ignored, are left alone", needs: needTalks, prove: othersAreLeftAlone},
	{Name: "whoever speaks in a talk that is refused is told of", needs: needTalks, prove: speakersAreTold},
	{Name: "Talk tells how a conversation is", needs: needTalks, prove: talkIsTold},
	{Name: "what was tried is not opened twice", needs: needTalks, prove: triedOpening},
	{Name: "people who join are met before what they get to see", needs: need(func(f Features) bool { return f.Talks.Join == nil || f.Talks.Leave == nil || f.NoPeople }, "change the people of a group"), prove: joinedAreMet},
	{Name: "what is made of a message without somebody is put when that is known", needs: need(func(f Features) bool { return f.Talks.Leave == nil || f.NoPeople }, "change the people of a group"), prove: changedWithoutThem},
	{Name: "files of a talk are read, and written for just those who are named", needs: needTalkFiles, prove: filesOfTalks},
	{Name: "a topic is given once and told", needs: need(func(f Features) bool { return f.Talks.Retitle == nil || f.NoPeople }, "give a group a topic"), prove: topicIsTold},
}

// circle connects Alice, whose talks are observed from now on.
func (w *world) circle() Talks {
	w.Helper()
	w.ConnectPerson(Alice)
	w.connect()
	if can := w.bridge.Capabilities(); !can.Direct || !can.People {
		w.Skip("this service's direct conversations are not read")
	}
	pause(w.ctx, 10*time.Millisecond)
	w.inbox.observe(time.Now(), w.Person(Alice).ID)
	pause(w.ctx, 10*time.Millisecond)
	return w.Features().Talks
}

func (w *world) members(who ...Who) []bridge.UserID {
	var all []bridge.UserID
	for _, one := range who {
		all = append(all, w.Person(one).ID)
	}
	slices.Sort(all)
	return all
}

// put waits until a text of a conversation has been put.
func (w *world) put(c bridge.ConversationID, text string) {
	w.Helper()
	w.eventually("what is said in "+c.String()+" is put", func() string {
		if slices.ContainsFunc(w.inbox.history(c), func(h happening) bool { return h.text == text }) {
			return ""
		}
		return text + " has not been put"
	})
}

// told checks how a talk was told of.
func (w *world) told(t *bridge.Talk, shape bridge.Shape, who ...Who) {
	w.Helper()
	got := slices.Sorted(slices.Values(t.Members))
	if want := w.members(who...); t.Shape != shape || !slices.Equal(got, want) {
		w.Errorf("%s is told as a %s of %v, want a %s of %v", t.Conversation, t.Shape, got, shape, want)
	}
}

func talkIsMet(w *world) {
	w.ConnectPerson(Alice)
	talks := w.Features().Talks
	old := talks.Open(Alice, Bob)
	w.Say(old, Bob, "before anybody was observed")
	talks = w.circle()
	w.read()
	group := talks.Open(Alice, Bob, Carol)
	w.Say(old, Bob, "first")
	w.Say(group, Carol, "to all")
	w.Say(old, Alice, "second")
	w.put(old, "second")
	w.put(group, "to all")
	w.Say(old, Bob, "third")
	w.put(old, "third")
	for c, want := range map[bridge.ConversationID][]string{old: {"first", "second", "third"}, group: {"to all"}} {
		all := w.inbox.history(c)
		if len(all) == 0 || all[0].talk == nil {
			w.Fatalf("something of %s was put before it was met", c)
		}
		if c == old {
			w.told(all[0].talk, bridge.Pair, Alice, Bob)
		} else {
			w.told(all[0].talk, bridge.Group, Alice, Bob, Carol)
		}
		var texts []string
		for _, h := range all {
			if h.talk == nil && !slices.Contains(texts, h.text) {
				texts = append(texts, h.text)
			}
		}
		if !slices.Equal(texts, want) {
			w.Errorf("of %s was put %q, want %q", c, texts, want)
		}
	}
}

func talkIsMetAfterwards(w *world) {
	talks := w.circle()
	c := talks.Open(Bob, Alice)
	w.Say(c, Bob, "nobody reads")
	w.read()
	w.put(c, "nobody reads")
	w.halt()
	w.Say(c, Bob, "nobody reads again")
	w.read()
	w.put(c, "nobody reads again")
}

func othersAreLeftAlone(w *world) {
	talks := w.circle()
	ignored := talks.Open(Alice, Bob)
	w.inbox.mu.Lock()
	w.inbox.met = map[bridge.ConversationID]bridge.Interest{ignored: bridge.Ignored}
	w.inbox.mu.Unlock()
	w.read()
	others := talks.Open(Bob, Carol)
	w.Say(others, Bob, "between us")
	w.Say(ignored, Bob, "not read")
	c := talks.Open(Alice, Carol)
	w.Say(c, Carol, "hello")
	w.put(c, "hello")
	w.settle()
	for name, one := range map[string]bridge.ConversationID{"nobody observed is in it": others, "it is ignored": ignored} {
		if all := w.inbox.history(one); len(all) > 0 {
			w.Errorf("%s was met or put although %s", one, name)
		}
	}
}

func speakersAreTold(w *world) {
	talks := w.circle()
	w.inbox.mu.Lock()
	w.inbox.decide = func(bridge.Talk) bridge.Interest { return bridge.Refused }
	w.inbox.mu.Unlock()
	c := talks.Open(Alice, Bob, Carol)
	told := func(who ...Who) {
		w.Helper()
		w.eventually("who has spoken is told of", func() string {
			var all []bridge.UserID
			for _, h := range w.inbox.history(c) {
				if h.talk == nil {
					return "something was put"
				}
				all = append(all, h.talk.Speakers...)
			}
			for _, one := range who {
				if !slices.Contains(all, w.Person(one).ID) {
					return w.Person(one).Name + " was not"
				}
			}
			return ""
		})
	}
	for _, one := range []Who{Bob, Carol} {
		w.Say(c, one, "nobody reads")
	}
	w.read()
	told(Bob, Carol)
	w.Say(c, Alice, "nor this")
	w.Say(c, Bob, "nor that")
	told(Alice)
}

func talkIsTold(w *world) {
	talks := w.circle()
	w.read() // by whose right it is asked, the inbox tells
	ask := func(c bridge.ConversationID) (bridge.Talk, error) {
		ctx, cancel := w.limit()
		defer cancel()
		t, err := w.bridge.Talk(ctx, c)
		return t, w.note(err)
	}
	for shape, who := range map[bridge.Shape][]Who{bridge.Self: {Alice}, bridge.Pair: {Alice, Bob}, bridge.Group: {Alice, Bob, Carol}} {
		if shape == bridge.Self && talks.NoSelf {
			continue
		}
		c := talks.Open(who...)
		w.Say(c, Alice, "hello")
		w.put(c, "hello")
		t, err := ask(c)
		w.must("Talk", err)
		if t.Conversation != c {
			w.Errorf("Talk of %s tells of %s", c, t.Conversation)
		}
		w.told(&t, shape, who...)
	}
	_, err := ask(w.Place().ID)
	w.kind("Talk of a channel", err, bridge.Gone)
}

func triedOpening(w *world) {
	w.circle()
	open := func(since time.Time) bridge.ConversationID {
		var id bridge.ConversationID
		w.must("OpenConversation", w.write(func(ctx context.Context) (err error) {
			id, err = w.bridge.OpenConversation(ctx, bridge.Opening{As: w.Person(Alice).ID, People: w.members(Alice, Bob, Carol), Since: since})
			return err
		}))
		return id
	}
	began := time.Now()
	first := open(time.Time{})
	if again := open(began); again != first {
		w.Errorf("what was tried is %s, and was opened again as %s", first, again)
	}
}

func joinedAreMet(w *world) {
	talks := w.circle()
	w.read()
	if can := w.bridge.Capabilities(); !can.Regroup {
		w.Errorf("people join groups, and the capabilities say that they do not")
	}
	c := talks.Open(Alice, Bob, Carol)
	w.Say(c, Bob, "three")
	w.put(c, "three")
	pause(w.ctx, 10*time.Millisecond)
	talks.Leave(c, Bob)
	w.Say(c, Carol, "two")
	pause(w.ctx, 10*time.Millisecond)
	talks.Join(c, Bob)
	w.Say(c, Carol, "three again")
	w.put(c, "three again")
	members, since := 0, time.Time{}
	for _, h := range w.inbox.history(c) {
		if h.talk != nil {
			members = len(h.talk.Members)
			if h.talk.Since.Before(since) {
				w.Errorf("it is met with people since %s after it was met with others since %s", h.talk.Since, since)
			}
			since = h.talk.Since
			continue
		}
		if want := map[string]int{"three": 3, "two": 2, "three again": 3}[h.text]; want != members {
			w.Errorf("%q was put when the talk was met with %d people, want %d", h.text, members, want)
		}
	}
}

func changedWithoutThem(w *world) {
	talks := w.circle()
	w.read()
	c := talks.Open(Alice, Bob, Carol)
	first := w.Say(c, Carol, "first")
	w.put(c, "first")
	w.halt()
	second := w.Say(c, Carol, "second")
	pause(w.ctx, 10*time.Millisecond)
	talks.Leave(c, Bob)
	pause(w.ctx, time.Second) // edit times may be told as a little earlier
	const firstly, secondly = "first, not for Bob", "second, not for Bob"
	w.Change(c, first, Carol, firstly)
	w.Change(c, second, Carol, secondly)
	w.read()
	w.put(c, firstly)
	w.put(c, secondly)
	members := 0
	for _, h := range w.inbox.history(c) {
		switch {
		case h.talk != nil:
			members = len(h.talk.Members)
		case members != 2 && (h.text == firstly || h.text == secondly):
			w.Errorf("%q was put when the talk was met with %d people, want 2", h.text, members)
		}
	}
}

func filesOfTalks(w *world) {
	talks := w.circle()
	if !w.bridge.Capabilities().Files {
		w.Skip("this service's accounts cannot send files")
	}
	c := talks.Open(Alice, Bob)
	p := Place{ID: c}
	theirs := Attachment{"theirs.txt", "text/plain", content(70_000, 4)}
	w.read()
	id := w.SayFiles(c, Bob, "see this", theirs)
	w.put(c, "see this")
	ctx, cancel := w.limit()
	defer cancel()
	s, err := w.bridge.Read(ctx, c, id)
	if w.must("Read", w.note(err)); len(s.Files) != 1 {
		w.Fatalf("it is read with %d files", len(s.Files))
	}
	if data, size, err := w.reads(p, s.Files[0], 9); err != nil || size != int64(len(theirs.Data)) || !bytes.Equal(data, theirs.Data[9:]) {
		w.Errorf("%d bytes of %d (%v) are read, want %d of %d", len(data), size, err, len(theirs.Data)-9, len(theirs.Data))
	}
	writers := []bridge.UserID{w.Person(Alice).ID}
	if w.bridge.Capabilities().RelayDirect {
		writers = append(writers, "")
	}
	for n, as := range writers {
		mine := Attachment{fmt.Sprintf("mine-%d.txt", n), "text/plain", content(9_000, byte(n))}
		src := &source{Attachment: mine, members: w.members(Alice, Bob)}
		f, err := w.attempt(p, as, src)
		w.must("Upload", err)
		d := w.showing(w.draft(p, "and this"), []bridge.File{f}, mine)
		if d.As = as; as != "" {
			d.Author = w.Person(Alice)
		}
		id := w.post(d)
		w.eventually("people see the file", func() string {
			for _, m := range w.Messages(c) {
				if m.ID == id && len(m.Files) == 1 && bytes.Equal(m.Files[0].Data, mine.Data) {
					return ""
				}
			}
			return "they do not"
		})
		for who, can := range map[Who]bool{Alice: true, Bob: true, Carol: false} {
			if talks.Reads(c, f, who) != can {
				w.Errorf("%s can read it: %v, want %v", w.Person(who).Name, !can, can)
			}
		}
	}
}

func topicIsTold(w *world) {
	talks := w.circle()
	w.read()
	c := talks.Open(Alice, Bob, Carol)
	w.Say(c, Bob, "hello")
	w.put(c, "hello")
	topic := func(want string) {
		w.Helper()
		w.eventually("the topic is told", func() string {
			all := w.inbox.history(c)
			for _, h := range slices.Backward(all) {
				if h.talk != nil && h.talk.Topic == want {
					return ""
				}
			}
			return fmt.Sprintf("it was not met as %q", want)
		})
	}
	talks.Retitle(c, "lunch")
	topic("lunch")
	for range 2 {
		w.must("Rename", w.write(func(ctx context.Context) error { return w.bridge.Rename(ctx, c, w.Person(Alice).ID, "dinner") }))
	}
	topic("dinner")
}
