package msteams

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"strings"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/bridgetest"
	"causeway/contrib/sim/teams"
)

// TestLaws holds the bridge to the laws of the contract, against the stand-in.
func TestLaws(t *testing.T) {
	for _, mode := range []struct {
		name string
		opts teams.Options
		rich bool
	}{
		{name: "as documented"},
		{name: "deletions move nothing", opts: teams.Options{DeletionMovesNothing: true}},
		{name: "few replies come along and pages are empty", opts: teams.Options{RepliesPerPage: 1, EmptyPageEvery: 1}},
		{name: "change notifications", rich: true},
	} {
		t.Run(mode.name, func(t *testing.T) {
			bridgetest.Run(t, func(t *testing.T) bridgetest.Service {
				s := newSuiteService(t, mode.opts)
				if mode.rich {
					s.richly()
				}
				return s
			}, bridgetest.FakeTime())
		})
	}
}

// suiteService is the suite's handle on the stand-in.
type suiteService struct {
	*simWorld
	reopen map[bridge.ConversationID]func()
	// carol is made when she is needed.
	carol *teams.User
}

func newSuiteService(t *testing.T, opts teams.Options) *suiteService {
	w := newSimWorld(t, opts)
	w.settings.PollInterval = "100ms"
	w.settings.PostInterval = "10ms"
	w.direct = true
	return &suiteService{simWorld: w, reopen: map[bridge.ConversationID]func(){}}
}

func (s *suiteService) Features() bridgetest.Features {
	return bridgetest.Features{NoCut: true, KeyCopied: true, Talks: s.talks()}
}
func (s *suiteService) Within() time.Duration   { return 5 * time.Minute }
func (s *suiteService) Bridge() bridge.Bridge   { return s.account() }
func (s *suiteService) Place() bridgetest.Place { return s.place(s.general) }
func (s *suiteService) Other() bridgetest.Place { return s.place(s.random) }

func (s *suiteService) place(c *teams.Channel) bridgetest.Place {
	return bridgetest.Place{ID: s.id(c), Names: []string{s.team.Name + "/" + c.Name, c.ID, s.team.ID + "/" + c.ID, c.WebURL}}
}

func (s *suiteService) user(who bridgetest.Who) *teams.User {
	switch who {
	case bridgetest.Alice:
		return s.alice
	case bridgetest.Carol:
		if s.carol == nil {
			s.carol = s.tenant.AddUser("Carol Clark")
		}
		return s.carol
	}
	return s.bob
}

func (s *suiteService) Person(who bridgetest.Who) bridge.Author {
	u := s.user(who)
	return bridge.Author{ID: bridge.UserID(u.ID), Name: u.Name}
}

// paragraphs is plain text as Teams' programs write it.
func paragraphs(text string) string {
	return "<p>" + strings.ReplaceAll(html.EscapeString(text), "\n", "</p><p>") + "</p>"
}

// own gives the id that Graph knows a message by in its channel.
func own(id bridge.MessageID) string {
	if _, reply, ok := strings.Cut(string(id), "/"); ok {
		return reply
	}
	return string(id)
}

func (s *suiteService) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *suiteService) Say(c bridge.ConversationID, who bridgetest.Who, text string) bridge.MessageID {
	id, err := s.sim.Say(s.user(who), s.channel(c), paragraphs(text))
	s.must(err)
	return bridge.MessageID(id)
}

// Call mentions people as Teams' programs do: a mention for each word of a name.
func (s *suiteService) Call(c bridge.ConversationID, who bridgetest.Who, before, behind string, whom ...bridgetest.Who) bridge.MessageID {
	text, n := html.EscapeString(before), 0
	var users []*teams.User
	for _, one := range whom {
		for word := range strings.FieldsSeq(s.user(one).Name) {
			if n > 0 {
				text += "&nbsp;"
			}
			text += fmt.Sprintf(`<at id="%d">%s</at>`, n, html.EscapeString(word))
			users = append(users, s.user(one))
			n++
		}
	}
	options := []teams.SayOption{teams.Mentioning(users...)}
	if len(whom) == 0 {
		text += `<at id="0">General</at>`
		options = append(options, teams.MentioningAll())
	}
	id, err := s.sim.Say(s.user(who), s.channel(c), "<p>"+text+html.EscapeString(behind)+"</p>", options...)
	s.must(err)
	return bridge.MessageID(id)
}

func (s *suiteService) SayFiles(c bridge.ConversationID, who bridgetest.Who, text string, files ...bridgetest.Attachment) bridge.MessageID {
	var all []teams.File
	for _, f := range files {
		put := s.sim.PutFile
		if inChat(c) {
			put = s.sim.PutChatFile
		}
		stored, err := put(s.user(who), s.channel(c), f.Name, f.Data)
		s.must(err)
		all = append(all, stored)
	}
	id, err := s.sim.Say(s.user(who), s.channel(c), paragraphs(text), teams.WithFiles(all...))
	s.must(err)
	return bridge.MessageID(id)
}

func (s *suiteService) FileThere(_ bridge.ConversationID, f bridge.File) bool {
	_, there := s.sim.Stored(f.URL)
	return there
}

func (s *suiteService) Reply(c bridge.ConversationID, root bridge.MessageID, who bridgetest.Who, text string) bridge.MessageID {
	id, err := s.sim.Reply(s.user(who), s.channel(c), own(root), paragraphs(text))
	s.must(err)
	return messageID(own(root), id)
}

// Quote copies the whole source, key at the end included, as somebody could do through Graph.
func (s *suiteService) Quote(c bridge.ConversationID, id bridge.MessageID, who bridgetest.Who, text string) bridge.MessageID {
	m, ok := s.sim.Message(s.channel(c), own(id))
	if !ok {
		s.Fatalf("no message %s", id)
	}
	copied, err := s.sim.Say(s.user(who), s.channel(c), paragraphs(text)+"<blockquote>"+m.Raw+"</blockquote>"+m.Raw)
	s.must(err)
	return bridge.MessageID(copied)
}

func (s *suiteService) Change(c bridge.ConversationID, id bridge.MessageID, who bridgetest.Who, text string) {
	s.must(s.sim.Edit(s.user(who), s.channel(c), own(id), paragraphs(text)))
}

func (s *suiteService) Remove(c bridge.ConversationID, id bridge.MessageID, who bridgetest.Who) {
	s.must(s.sim.Delete(s.user(who), s.channel(c), own(id)))
}

func (s *suiteService) RemoveAny(c bridge.ConversationID, id bridge.MessageID) {
	s.must(s.sim.Delete(s.owner, s.channel(c), own(id)))
}

func (s *suiteService) Restore(c bridge.ConversationID, id bridge.MessageID, who bridgetest.Who) {
	s.must(s.sim.Undelete(s.user(who), s.channel(c), own(id)))
}

func (s *suiteService) React(c bridge.ConversationID, id bridge.MessageID, who bridgetest.Who, emoji string) {
	s.must(s.sim.React(s.user(who), s.channel(c), own(id), qualified(emoji)))
}

func (s *suiteService) Unreact(c bridge.ConversationID, id bridge.MessageID, who bridgetest.Who, emoji string) {
	s.must(s.sim.Unreact(s.user(who), s.channel(c), own(id), qualified(emoji)))
}

func (s *suiteService) Messages(c bridge.ConversationID) []bridgetest.Seen {
	var all []teams.Message
	for _, m := range s.sim.Messages(s.channel(c)) {
		all = append(append(all, m), m.Replies...)
	}
	var list []bridgetest.Seen
	for _, m := range all {
		if m.Deleted {
			continue
		}
		seen := bridgetest.Seen{
			ID: messageID(m.RootID, m.ID), Root: bridge.MessageID(m.RootID), Author: m.Author.Name, Text: m.Text,
			Mentions: strings.Count(m.HTML, "<at"),
		}
		for _, f := range m.Files {
			seen.Files = append(seen.Files, bridgetest.Attachment{Name: f.Name, Data: f.Data})
		}
		for _, r := range m.Reactions {
			seen.Reactions = append(seen.Reactions, bridge.Reaction{User: bridge.UserID(r.User.ID), Emoji: neutralEmoji(r.Emoji, "")})
		}
		list = append(list, seen)
	}
	return list
}

func (s *suiteService) Cut() { s.Fatal("there is nothing to cut") }

func match(of bridgetest.Calls) func(*http.Request) bool {
	if of == bridgetest.Writes {
		return isWrite
	}
	return isItem
}

func (s *suiteService) Throttle(of bridgetest.Calls, n int, after time.Duration) {
	s.sim.Inject(teams.Fault{Where: match(of), Times: n, Status: 429, RetryAfter: after})
}

func (s *suiteService) Fail(of bridgetest.Calls, n int) {
	s.sim.Inject(teams.Fault{Where: match(of), Times: n, Status: 503})
}

func (s *suiteService) Hang(of bridgetest.Calls) func() {
	if of == bridgetest.Writes {
		return s.wire.hold(isWrite)
	}
	return s.wire.hold(isRead)
}

func (s *suiteService) LoseAnswer() {
	s.sim.Inject(teams.Fault{Where: isWrite, Drop: true, AfterEffect: true})
}

func (s *suiteService) Revoke() { s.relay.SetDisabled(true) }
func (s *suiteService) Grant()  { s.relay.SetDisabled(false) }

// Shut takes the channel away from app and relay account alike. Subscriptions end with the access.
func (s *suiteService) Shut(c bridge.ConversationID) {
	channel := s.channel(c).ID
	for _, sub := range s.sim.Subscriptions() {
		if strings.Contains(sub.Resource, channel) {
			s.sim.RemoveSubscription(sub.ID, true)
		}
	}
	s.reopen[c] = s.sim.Inject(teams.Fault{
		Where: func(r *http.Request) bool { return strings.Contains(r.URL.Path, channel) }, Times: -1, Status: 403, Code: "Forbidden",
	})
}

func (s *suiteService) Reopen(c bridge.ConversationID) { s.reopen[c]() }

// ConnectPerson has somebody sign in by a browser; the bridge under test is not disturbed.
func (s *suiteService) ConnectPerson(who bridgetest.Who) {
	s.app.SetRedirects(backURI)
	hooked := s.hooked.Load()
	s.connects(s.account(), s.user(who))
	s.hooked.Store(hooked)
}

func (s *suiteService) RevokePerson(who bridgetest.Who) { s.sim.RevokeUser(s.user(who)) }

func (s *suiteService) Attempts() int { return s.wire.attempts() }
func (s *suiteService) Log() string   { return s.log.String() }

func (s *suiteService) Secrets() []string {
	all := append(s.wire.bearers(), clientSecret, s.vault.login(s.TB).RefreshToken)
	for _, u := range []*teams.User{s.alice, s.bob} {
		if kept, err := s.vault.Load(context.Background(), bridge.PersonGrant(bridge.UserID(u.ID))); err == nil && kept != nil {
			all = append(all, s.grant(bridge.UserID(u.ID)).RefreshToken)
		}
	}
	return all
}
