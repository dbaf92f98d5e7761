package gateway

import (
	"slices"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/bridge/richtext"
)

// calling is a text that calls users by their ids: "hello", and a mention of each.
func calling(users ...string) richtext.Doc {
	runs := []richtext.Run{{Text: "hello"}}
	for _, u := range users {
		runs = append(runs, richtext.Run{Text: " "}, richtext.Run{Text: "@" + u, Kind: richtext.Mention, Who: u})
	}
	return richtext.Doc{{Kind: richtext.Paragraph, Runs: runs}}
}

// called are the texts of a channel, each with whom it calls.
func called(s *memory.Service) (all []string) {
	for _, m := range s.Messages("town") {
		text := m.Text
		for _, who := range m.Doc.Mentions() {
			text += " →" + who
		}
		all = append(all, text)
	}
	return all
}

// mentioning has services where alice and ally are one person, ben and bea have one address, and the people of b are known to it.
func (w *world) mentioning(o memory.Options) (a, b *memory.Service) {
	a, b = w.service("a", o), w.service("b", o)
	for _, u := range []bridge.UserID{"ally", "bea", "zed"} {
		b.AddUser(bridge.Profile{Author: bridge.Author{ID: u, Name: string(u), Username: string(u)}})
	}
	for _, u := range []bridge.UserID{"alice", "ben"} {
		a.AddUser(bridge.Profile{Author: bridge.Author{ID: u, Name: string(u), Username: string(u)}})
	}
	return a, b
}

func TestMentionsCallThePersonOnTheOtherSide(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.mentioning(memory.Options{})
		w.route(inout("a", "town"), inout("b", "town"))
		w.start()
		w.connect(a, "alice", b, "ally")
		w.match(a, "ben", b, "bea", "Bea Chen")
		a.SayDoc("town", "", "zoe", calling("alice", "ben", "zed", richtext.Everybody))
		w.wait(time.Second)
		b.SayDoc("town", "", "zed", calling("ally", "bea"))
		w.wait(time.Second)
		// zed of a is not zed of b, and nobody wakes all.
		w.same(called(b)[:1], []string{"hello @ally @Bea Chen @zed @* →ally →bea"})
		w.same(called(a)[1:], []string{"hello @alice @bea →alice →ben"})
	})
}

func TestMentionsOfEverybodyWakeThemWhereTheConfigSaysSo(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.mentioning(memory.Options{})
		w.route(inout("a", "town"), inout("b", "town"))
		w.routes[0].MentionAll = true
		w.start()
		a.SayDoc("town", "", "zoe", calling(richtext.Everybody))
		w.wait(time.Second)
		w.same(called(b), []string{"hello @* →*"})
	})
}

// TestAnEditElsewhereCallsWhoIsMeant: whoever has changed a copy has called people of that server.
func TestAnEditElsewhereCallsWhoIsMeant(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.mentioning(memory.Options{})
		c := w.service("c", memory.Options{})
		c.AddUser(bridge.Profile{Author: bridge.Author{ID: "ben3", Name: "ben3", Username: "ben3"}})
		w.route(inout("a", "town"), inout("b", "town"), inout("c", "town"))
		w.start()
		w.connect(a, "alice", b, "ally")
		w.connect(a, "alice", c, "al3")
		w.match(a, "ben", b, "bea", "Bea Chen")
		w.match(a, "ben", c, "ben3", "Ben Three")
		a.SayDoc("town", "", "alice", calling("ben"))
		w.wait(time.Second)
		w.same(called(b), []string{"hello @Bea Chen →bea"})
		b.EditDoc("town", b.Messages("town")[0].ID, append(richtext.Plain("again"), calling("bea", "zed")...))
		w.wait(10 * time.Second)
		w.same(called(a), []string{"again\nhello @bea @zed →ben"})
		w.same(called(c), []string{"again\nhello @Ben Three @zed →ben3"})
		w.same(called(b), []string{"again\nhello @bea @zed →bea →zed"})
	})
}

// TestQuotesCallNobody: a reply whose root is not there quotes it.
func TestQuotesCallNobody(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.mentioning(memory.Options{})
		root := a.SayDoc("town", "", "zoe", calling("zed"))
		w.wait(time.Second)
		w.route(inout("a", "town"), inout("b", "town"))
		w.start()
		w.connect(a, "alice", b, "ally")
		a.Reply("town", root, "zoe", "an answer")
		w.wait(time.Second)
		w.same(called(b), []string{"zoe: hello @zed\nan answer"})
	})
}

// TestAnEditedReplyCallsNobodyAgain where posts cannot be edited.
func TestAnEditedReplyCallsNobodyAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.mentioning(memory.Options{})
		w.route(inout("a", "town"), inout("b", "town"))
		w.wrap("b", func(inner bridge.Bridge) bridge.Bridge { return uneditable{inner} })
		w.start()
		w.connect(a, "alice", b, "ally")
		id := a.SayDoc("town", "", "zoe", calling("alice"))
		w.wait(time.Second)
		a.EditDoc("town", id, append(calling("alice"), richtext.Plain("more")...))
		w.wait(time.Second)
		w.same(called(b), []string{"hello @ally →ally", "edited:\nhello @ally\nmore"})
	})
}

type uneditable struct{ bridge.Bridge }

func (u uneditable) Capabilities() bridge.Capabilities {
	can := u.Bridge.Capabilities()
	can.Edit = false
	return can
}

// TestLinksLeadToTheSameMessageOnTheOtherSide, wherever that is; those to what is not there stay, and so do those to other people's talks.
func TestLinksLeadToTheSameMessageOnTheOtherSide(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{})
		a.AddChannel("village", "team/village")
		b.AddChannel("village", "team/village")
		w.route(inout("a", "town"), inout("b", "town"))
		w.route(inout("a", "village"), inout("b", "village"))
		w.start()
		address := func(s *memory.Service, channel string, id bridge.MessageID) string {
			return s.Account("", "bot").Address(bridge.ConversationID{Server: s.Server(), Channel: bridge.ChannelID(channel)}, id)
		}
		leads := func(text string, addresses ...string) richtext.Doc {
			runs := []richtext.Run{{Text: text}}
			for _, one := range addresses {
				runs = append(runs, richtext.Run{Text: " "}, richtext.Run{Text: one, Link: one}, richtext.Run{Text: " or "}, richtext.Run{Text: "here", Link: one})
			}
			return richtext.Doc{{Kind: richtext.Paragraph, Runs: runs}}
		}
		b.Say("village", "bea", "older there")
		old := a.Say("village", "ann", "elsewhere")
		w.wait(time.Second)
		first := a.Say("town", "ann", "first")
		reply := a.Reply("town", first, "ben", "an answer")
		w.wait(time.Second)
		unknown, other := address(a, "town", "m99"), "https://example.com/x"
		id := a.SayDoc("town", "", "ann", leads("look:", address(a, "town", first), address(a, "town", reply), address(a, "village", old), unknown, other))
		w.wait(time.Second)
		there := b.Messages("town")
		w.same(there[2].Doc, richtext.Normalize(leads("look:", address(b, "town", there[0].ID), address(b, "town", there[1].ID), address(b, "village", b.Messages("village")[1].ID), unknown, other)))
		a.EditDoc("town", id, leads("look again:", address(a, "town", first)))
		w.wait(time.Second)
		w.same(b.Messages("town")[2].Doc, richtext.Normalize(leads("look again:", address(b, "town", there[0].ID))))
		b.SayDoc("town", "", "bea", leads("back:", address(b, "town", there[1].ID)))
		w.wait(time.Second)
		w.same(a.Messages("town")[3].Doc, richtext.Normalize(leads("back:", address(a, "town", reply))))
	})
}

// TestLinksIntoTalksStay: the address of a talk tells who is in it.
func TestLinksIntoTalksStay(t *testing.T) {
	inWorld(t, func(w *world) {
		w.route(inout("a", "town"), inout("b", "town"))
		a, b := w.talking(likeMattermost(), likeTeams(), "ann", "ben")
		talk := a.Direct("ann", "ben")
		id := a.Say(talk, "ann", "between us")
		w.wait(10 * time.Second)
		w.talksAre(b, "Ann Ben > Ann: between us")
		secret := a.Account("", "bot").Address(bridge.ConversationID{Server: a.Server(), Channel: talk}, id)
		link := func(text string) richtext.Doc {
			return richtext.Doc{{Kind: richtext.Paragraph, Runs: []richtext.Run{{Text: text, Link: secret}}}}
		}
		a.SayDoc("town", "", "ann", link("look"))
		a.SayDoc(talk, "", "ann", link("as I said"))
		w.wait(10 * time.Second)
		w.same(b.Messages("town")[0].Doc, link("look"))
		there := b.Talks()[0].Conversation
		w.same(b.Messages(there.Channel)[1].Doc.Links(), []string{b.Account("", "bot").Address(there, b.Messages(there.Channel)[0].ID)})
	})
}

// Where posts are quickly made, several are begun in one commit: each calls whom it means, and a link to one of them leads there.
func TestPostsThatAreBegunTogetherCallAndLeadAsOthersDo(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.mentioning(memory.Options{})
		w.route(inout("a", "town"), inout("b", "town"))
		w.start()
		w.connect(a, "alice", b, "ally")
		w.down()
		for range 5 {
			a.SayDoc("town", "", "zoe", calling("alice"))
		}
		last := a.Say("town", "zoe", "look here")
		linking := func(s *memory.Service, id bridge.MessageID) richtext.Doc {
			address := s.Account("", "bot").Address(bridge.ConversationID{Server: s.Server(), Channel: "town"}, id)
			return richtext.Doc{{Kind: richtext.Paragraph, Runs: []richtext.Run{{Text: "there", Link: address}}}}
		}
		a.SayDoc("town", "", "zoe", linking(a, last))
		w.start()
		w.wait(time.Minute)
		all := b.Messages("town")
		w.same(called(b)[:5], slices.Repeat([]string{"hello @ally →ally"}, 5))
		w.same(all[6].Doc, richtext.Normalize(linking(b, all[5].ID)))
	})
}

// TestLinksToChannelsLeadToTheirOtherSide; those to channels that are not joined stay.
func TestLinksToChannelsLeadToTheirOtherSide(t *testing.T) {
	inWorld(t, func(w *world) {
		a, b := w.service("a", memory.Options{}), w.service("b", memory.Options{})
		for _, s := range []*memory.Service{a, b} {
			s.AddChannel("city", "team/city")
			s.AddChannel("alone", "team/alone")
		}
		w.route(inout("a", "town"), inout("b", "town"))
		w.route(inout("a", "city"), inout("b", "city"))
		w.start()
		address := func(s *memory.Service, server bridge.ServerID, c bridge.ChannelID) string {
			return s.Account("", "bot").Address(bridge.ConversationID{Server: server, Channel: c}, "")
		}
		leading := func(links ...string) (doc richtext.Doc) {
			for _, one := range links {
				doc = append(doc, richtext.Block{Kind: richtext.Paragraph, Runs: []richtext.Run{{Text: "~there", Link: one}}})
			}
			return doc
		}
		a.SayDoc("town", "", "ann", leading(address(a, "memory:a", "town"), address(a, "memory:a", "city"), address(a, "memory:a", "alone"), address(b, "memory:b", "city")))
		w.wait(time.Second)
		w.same(b.Messages("town")[0].Doc.Links(), []string{address(b, "memory:b", "town"), address(b, "memory:b", "city"), address(a, "memory:a", "alone")})
		b.SayDoc("city", "", "bob", leading(address(b, "memory:b", "town")))
		w.wait(time.Second)
		w.same(a.Messages("city")[0].Doc.Links(), []string{address(a, "memory:a", "town")})
	})
}
