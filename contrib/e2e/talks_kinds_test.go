package e2e

import (
	"slices"
	"strings"
	"testing"

	"causeway/contrib/e2e/harness"
	"causeway/contrib/sim/teams"
)

// TestWhatIsNotCarriedIsToldOnARealMattermost is a sample of what contrib/sim/matrix holds to its oracle on the stand-ins: who is in a conversation, and what
// becomes of it.
func TestWhatIsNotCarriedIsToldOnARealMattermost(t *testing.T) {
	t.Parallel()
	f := newFolk(t, harness.StartMattermost(t, harness.Options{Postgres: harness.Shared(t).Postgres}), "simple")
	ann, ben, cyd, dan := f.connected(t, "Ann"), f.connected(t, "Ben"), f.connected(t, "Cyd"), f.connected(t, "Dan")
	for _, m := range []*member{ann, ben} {
		f.listens(t, m)
	}
	t.Run("who is told", func(t *testing.T) { f.refusesAndTells(t, ann, ben) })
	t.Run("chats that do not fit", func(t *testing.T) { f.refusesChats(t, ann, ben) })
	t.Run("who has left", func(t *testing.T) { f.keepsFromWhoHasLeft(t, ann, ben, cyd, dan) })
}

// refusesAndTells: whoever speaks where it is not carried is told why, but for those who write to a bot alone.
func (f *folk) refusesAndTells(t *testing.T, ann, ben *member) {
	robot := &member{here: f.mm.CreateBot(t, "robot", "", f.place), there: f.tenant.AddUser("None")}
	stranger, gone := f.member(t, "Stranger", "stranger@elsewhere.example"), f.member(t, "Gone", "")
	for number, one := range []struct {
		people []*member
		why    string // empty: nobody is told
	}{
		{[]*member{ann, robot}, ""},
		{[]*member{ann, stranger}, "cannot be found there."},
		{[]*member{ann, ben, robot}, "bots have no account there."},
		{[]*member{ann, ben, gone}, "the account is deactivated."},
	} {
		c := &talk{number: number, people: one.people}
		c.channel = f.channelOf(t, c)
		if one.people[len(one.people)-1] == gone {
			_, err := f.mm.Admin.Client.DeleteUser(t.Context(), gone.here.Id)
			must(t, err)
		}
		ann.here.Post(t, c.channel, "hello")
		if one.why == "" {
			continue // the next one that she is told is about another conversation
		}
		wants(t, f.whispered(t, ann), "What you write here does not appear in Microsoft Teams: ", one.why)
		if chat := f.chatOf(c); chat != nil {
			t.Errorf("there is a chat of %s", c.names())
		}
	}
	self, _, err := ann.here.Client.CreateDirectChannel(t.Context(), ann.here.Id, ann.here.Id)
	must(t, err)
	ann.here.Post(t, self, "to myself")
	wants(t, f.whispered(t, ann), "nobody has a conversation with themselves there.")
	said := f.types(t, ann, "/msteams why")
	wants(t, said, "cannot be found there", "bots have no account there", "the account is deactivated", "nobody has a conversation with themselves there")
}

// refusesChats: a chat of nine people, and that of a meeting.
func (f *folk) refusesChats(t *testing.T, ann, ben *member) {
	nine := []*teams.User{ann.there, ben.there}
	for len(nine) < 9 {
		nine = append(nine, f.tenant.AddUser("Number "+string(rune('A'+len(nine)))))
	}
	for why, chat := range map[string]*teams.Channel{
		"it has more people than a group can have there.": f.tenant.AddGroupChat("", nine...),
		"it belongs to a meeting.":                        f.tenant.AddMeetingChat("Weekly", ann.there, ben.there),
	} {
		_, err := f.sim.Say(ann.there, chat, "<p>hello</p>")
		must(t, err)
		f.eventually(t, "what Ann is told in Teams", func() string {
			var told []string
			for _, one := range f.tenant.Chats() {
				if !sameUsers(one.Members(), []*teams.User{ann.there, f.relay}) {
					continue
				}
				for _, m := range f.sim.Messages(one) {
					told = append(told, m.Text)
				}
			}
			return complain(strings.Contains(strings.Join(told, "\n"), why), told)
		})
	}
}

// keepsFromWhoHasLeft: what is made of a message without somebody does not reach them, though it is read only afterwards; what is deleted does.
func (f *folk) keepsFromWhoHasLeft(t *testing.T, people ...*member) {
	c := &talk{people: people}
	c.chat = f.tenant.AddGroupChat("", c.there()...)
	say := func(text string) string {
		id, err := f.sim.Say(people[0].there, c.chat, "<p>"+text+"</p>")
		must(t, err)
		return id
	}
	first, second := say("first"), say("second")
	c.channel = f.channelOf(t, c)
	shown := func() (all []string) {
		for _, p := range f.mm.Admin.Read(t, c.channel) {
			all = append(all, p.Message)
		}
		return all
	}
	f.eventually(t, "a group in Mattermost", func() string { return complain(len(shown()) == 2, shown()) })
	f.causeway.Kill(t)
	never := say("never read before")
	dan := people[len(people)-1]
	must(t, f.sim.RemoveFromChat(c.chat, people[0].there, dan.there))
	for _, id := range []string{first, never} {
		must(t, f.sim.Edit(people[0].there, c.chat, id, "<p>not for Dan</p>"))
	}
	must(t, f.sim.Delete(people[0].there, c.chat, second))
	after := &talk{people: people[:len(people)-1], chat: c.chat}
	say("without Dan")
	f.run(t)
	after.channel = f.channelOf(t, after)
	f.eventually(t, "where it goes on", func() string {
		all := wordsOf(f.mm.Admin.Read(t, after.channel)) // the line may come after what is said
		return complain(len(all) == 2 && slices.Contains(all, "without Dan") && len(shown()) == 2, all, shown())
	})
	if got := shown(); got[0] != "first" || !strings.HasPrefix(got[1], "The people in this conversation have changed") {
		t.Errorf("Dan sees %q", got)
	}
}
