package bridgetest

import (
	"fmt"
	"strings"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// mentionLaws: who is called is known, and is called; and where an address leads is known.
var mentionLaws = []Law{
	{Name: "mentions are reported as whom they call", prove: mentionsAreReported},
	{Name: "the address of a message leads to it", prove: addressesLead},
	{Name: "a mention notifies whom it calls and nobody else", prove: mentionsNotify},
}

func mentionsAreReported(w *world) {
	p := w.Place()
	w.start(p)
	bob := string(w.Person(Bob).ID)
	for _, c := range []struct {
		id   bridge.MessageID
		want []string
	}{
		{w.Call(p.ID, Alice, "hello ", ", are you there?", Bob), []string{bob}},
		{w.Call(p.ID, Alice, "hello ", " all of you"), []string{richtext.Everybody}},
		{w.Say(p.ID, Alice, "nobody at all, somebody@example.com"), nil},
	} {
		w.arrives(p, c.id, func(s bridge.State) string {
			if got := s.Text.Mentions(); fmt.Sprint(got) != fmt.Sprint(c.want) {
				return fmt.Sprintf("%q calls %q, want %q", plain(s.Text), got, c.want)
			}
			return ""
		})
	}
}

// calling is a text that calls somebody by the name that mentions have there.
func (w *world) calling(who bridge.Author) richtext.Doc {
	name := who.Name
	if w.bridge.Capabilities().Handles {
		name = who.Username
	}
	return richtext.Doc{{Kind: richtext.Paragraph, Runs: []richtext.Run{{Text: "hello "}, {Text: "@" + name, Kind: richtext.Mention, Who: string(who.ID)}, {Text: ", there"}}}}
}

func mentionsNotify(w *world) {
	p := w.Place()
	w.start(p)
	everybody := richtext.Doc{{Kind: richtext.Paragraph, Runs: []richtext.Run{{Text: "hello "}, {Text: "@all", Kind: richtext.Mention, Who: richtext.Everybody}}}}
	for n, c := range []struct {
		text        richtext.Doc
		least, most int
		calls       []string
	}{
		{w.calling(w.Person(Bob)), 1, 1, []string{string(w.Person(Bob).ID)}},
		{w.calling(bridge.Author{ID: "no-such-user", Name: "Nobody", Username: "nobody"}), 0, 0, nil},
		{everybody, 1, 2, []string{richtext.Everybody}},
		{append(w.calling(w.Person(Bob)), w.calling(w.Person(Bob))...), 1, 2, []string{string(w.Person(Bob).ID)}},
	} {
		d := w.draft(p, "")
		d.Text = c.text
		id := w.post(d)
		w.eventually("people see it and are notified", func() string {
			seen := w.Messages(p.ID)
			switch {
			case len(seen) != n+1:
				return fmt.Sprintf("they see %d messages, want %d", len(seen), n+1)
			case !strings.Contains(squash(seen[n].Text), "hello"):
				return fmt.Sprintf("they see %q", seen[n].Text)
			case !w.Features().NoMentions && (seen[n].Mentions < c.least || seen[n].Mentions > c.most):
				return fmt.Sprintf("%q notifies %d, want %d to %d", seen[n].Text, seen[n].Mentions, c.least, c.most)
			}
			return ""
		})
		w.arrives(p, id, func(s bridge.State) string {
			if got := s.Text.Mentions(); fmt.Sprint(got) != fmt.Sprint(c.calls) {
				return fmt.Sprintf("what was posted calls %q, want %q", got, c.calls)
			}
			return ""
		})
		if !w.bridge.Capabilities().Edit {
			continue
		}
		d.Text = append(richtext.Plain("again"), c.text...)
		if err := w.edit(id, d); err != nil {
			w.Fatalf("Edit: %v", err)
		}
		w.arrives(p, id, func(s bridge.State) string {
			if got := s.Text.Mentions(); fmt.Sprint(got) != fmt.Sprint(c.calls) || !strings.Contains(plain(s.Text), "again") {
				return fmt.Sprintf("after the edit %q calls %q, want %q", plain(s.Text), got, c.calls)
			}
			return ""
		})
	}
}

func addressesLead(w *world) {
	p := w.Place()
	w.start(p)
	root := w.Say(p.ID, Alice, "a question")
	reply := w.Reply(p.ID, root, Bob, "an answer")
	own := w.post(w.draft(p, "something else"))
	seen := map[string]bool{}
	for _, id := range []bridge.MessageID{root, reply, own} {
		address := w.bridge.Address(p.ID, id)
		if address == "" {
			w.Skip("the service has no addresses of messages")
		}
		c, read, ok := w.bridge.ReadAddress(address)
		if !ok || read != id || c.Server != p.ID.Server || c.Channel != "" && c.Channel != p.ID.Channel {
			w.Errorf("the address of %s in %s, %s, leads to %s in %s (%t)", id, p.ID, address, read, c, ok)
		}
		if seen[address] {
			w.Errorf("two messages lie at %s", address)
		}
		seen[address] = true
		for _, other := range []string{"https://evil.example/?" + address, "x" + address, address + "/x", strings.Replace(address, "://", "://evil.", 1), ""} {
			if _, read, ok := w.bridge.ReadAddress(other); ok {
				w.Errorf("%q is read as the address of %s", other, read)
			}
		}
	}
	for _, c := range []bridge.ConversationID{{}, {Server: "elsewhere:x", Channel: "y"}} {
		if address := w.bridge.Address(c, "no id /?"); address != "" {
			w.Errorf("no message has the address %s", address)
		}
	}
}
