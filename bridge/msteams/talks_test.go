package msteams

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/msteams/notification"
	"causeway/contrib/sim/teams"
)

// talkInbox is an inbox that has to do with talks: by default it carries pairs and groups, and ignores meetings.
type talkInbox struct {
	*testInbox

	mu       sync.Mutex
	observed []bridge.Observed
	turned   chan struct{}
	interest map[bridge.ConversationID]bridge.Interest
	members  map[bridge.ConversationID][]bridge.UserID
	// begin is from when on talks count.
	begin time.Time
	begun map[bridge.ConversationID]time.Time
	// decide, when set, says what becomes of a talk that is met.
	decide func(bridge.Talk) (bridge.Interest, error)
	met    []bridge.Talk
	// events are meetings and messages in the order in which they came.
	events []string
	names  map[bridge.UserID]string
	// present is who was in a talk when a message was said, by the first letters; wrong is what came under others.
	present map[bridge.MessageID]string
	wrong   []string
}

func newTalkInbox(w *chatWorld, observed ...bridge.UserID) *talkInbox {
	i := &talkInbox{
		testInbox: newTestInbox(), turned: make(chan struct{}), interest: map[bridge.ConversationID]bridge.Interest{},
		members: map[bridge.ConversationID][]bridge.UserID{}, begun: map[bridge.ConversationID]time.Time{}, begin: time.Now(), names: map[bridge.UserID]string{},
		present: map[bridge.MessageID]string{},
	}
	for _, u := range []*teams.User{w.alice, w.bob, w.carla, w.owner, w.relay} {
		i.names[bridge.UserID(u.ID)] = strings.ToLower(u.Name[:1])
	}
	i.observe(observed...)
	return i
}

func (i *talkInbox) observe(people ...bridge.UserID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.observed = nil
	for _, u := range people {
		i.observed = append(i.observed, bridge.Observed{User: u})
	}
	close(i.turned)
	i.turned = make(chan struct{})
}

func (i *talkInbox) Observed() ([]bridge.Observed, <-chan struct{}) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.observed), i.turned
}

func (i *talkInbox) Begin(c bridge.ConversationID) time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.begun[c]
}

func (i *talkInbox) Readers(c bridge.ConversationID) (readers []bridge.UserID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, u := range i.members[c] {
		if slices.Contains(i.observed, bridge.Observed{User: u}) {
			readers = append(readers, u)
		}
	}
	return readers
}

func (i *talkInbox) Interest(c bridge.ConversationID) bridge.Interest {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.interest[c]
}

func (i *talkInbox) Meet(ctx context.Context, t bridge.Talk) (bridge.Interest, error) {
	i.mu.Lock()
	decide := i.decide
	i.mu.Unlock()
	become := bridge.Carried
	if t.Shape == bridge.Meeting {
		become = bridge.Ignored
	}
	if decide != nil {
		var err error
		if become, err = decide(t); err != nil {
			return 0, err
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.met = append(i.met, t)
	i.events = append(i.events, "meet "+i.who(t.Members))
	i.members[t.Conversation] = t.Members
	first := i.interest[t.Conversation] != bridge.Carried
	i.interest[t.Conversation] = become
	if first && become == bridge.Carried {
		i.begun[t.Conversation] = i.begin
		if t.Since.After(i.begin) {
			i.begun[t.Conversation] = t.Since
		}
		watched, _ := i.testInbox.Watched()
		i.testInbox.watch(append(watched, t.Conversation)...)
	} else if !first && become != bridge.Carried {
		watched, _ := i.testInbox.Watched()
		i.testInbox.watch(slices.DeleteFunc(watched, func(c bridge.ConversationID) bool { return c == t.Conversation })...)
	}
	return become, nil
}

// who gives the first letters of people's names, in order.
func (i *talkInbox) who(users []bridge.UserID) string {
	var letters []string
	for _, u := range users {
		letters = append(letters, i.names[u])
	}
	slices.Sort(letters)
	return strings.Join(letters, "")
}

func (i *talkInbox) Put(ctx context.Context, b bridge.Batch) error {
	i.mu.Lock()
	begun := i.begun[b.Conversation]
	for _, s := range b.States {
		now, was := i.who(i.members[b.Conversation]), i.present[s.ID]
		fresh := i.testInbox.state(b.Conversation, string(s.ID)).ID == ""
		if fresh && was != "" && was != now && !s.Created.Before(begun) {
			i.wrong = append(i.wrong, fmt.Sprintf("%s, said to %s, came under %s", s.ID, was, now))
		}
		if fresh && !s.Created.Before(begun) {
			i.events = append(i.events, plain(s.Text))
		}
	}
	i.mu.Unlock()
	return i.testInbox.Put(ctx, b)
}

// happened gives what has come, meetings of the same people in a row once.
func (i *talkInbox) happened() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return strings.Join(slices.Compact(slices.Clone(i.events)), ", ")
}

func (i *talkInbox) meetings() []bridge.Talk {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.met)
}

// talkWorld is an account that receives chats.
type talkWorld struct {
	*chatWorld
	inbox *talkInbox
	stop  func()
}

// modes are the ways of receiving.
var modes = map[string]bool{"rich": true, "poll": false}

// inTalkWorld runs a test in fake time, with Alice and Bob observed.
func inTalkWorld(t *testing.T, rich bool, opts teams.Options, test func(w *talkWorld)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &talkWorld{chatWorld: newChatWorld(t, opts)}
		if rich {
			w.richly()
		}
		w.inbox = newTalkInbox(w.chatWorld, w.aliceID, w.bobID)
		w.start()
		defer func() { w.stop() }()
		test(w)
	})
}

// inBothModes is inTalkWorld for each way of receiving.
func inBothModes(t *testing.T, opts teams.Options, test func(w *talkWorld)) {
	for name, rich := range modes {
		t.Run(name, func(t *testing.T) { inTalkWorld(t, rich, opts, test) })
	}
}

func (w *talkWorld) start() {
	w.Helper()
	w.account = w.connected()
	w.stop = w.running(w.account, w.inbox)
	time.Sleep(10 * time.Second)
}

func (w *talkWorld) says(u *teams.User, c *teams.Channel, text string, opts ...teams.SayOption) string {
	w.Helper()
	id, err := w.sim.Say(u, c, "<p>"+text+"</p>", opts...)
	w.do(err)
	return id
}

func (w *talkWorld) reads() int {
	return w.sim.Count("GET", "/chats/{id}/messages") + w.sim.Count("GET", "/chats/{id}/messages/{id}")
}

// converged fails unless the newest state of each message is what people see.
func (w *talkWorld) converged(c *teams.Channel) {
	w.Helper()
	for _, m := range w.sim.Messages(c) {
		if m.Author == nil {
			continue
		}
		s := w.inbox.state(w.idOf(c), m.ID)
		if s.Deleted != m.Deleted || s.ID == "" || !m.Deleted && (plain(s.Text) != m.Text || len(s.Reactions) != len(m.Reactions)) {
			w.Errorf("%s of %s is %+v in the inbox, %+v in Teams", m.ID, c.ID, s, m)
		}
	}
}

// TestATalkIsNoticedMetAndRead: by pushes no reading is needed but the first, and what two people are told of is taken once.
func TestATalkIsNoticedMetAndRead(t *testing.T) {
	inBothModes(t, teams.Options{}, func(w *talkWorld) {
		t, ours, hers := w.TB, w.tenant.AddChat(w.alice, w.bob), w.tenant.AddChat(w.carla, w.alice)
		strange := w.tenant.AddChat(w.carla, w.owner)
		w.says(w.carla, strange, "none of ours")
		w.says(w.alice, ours, "one")
		w.says(w.carla, hers, "two")
		time.Sleep(2 * time.Minute)
		if got := w.inbox.happened(); !slices.Contains([]string{"meet ab, one, meet ac, two", "meet ac, two, meet ab, one", "meet ab, meet ac, one, two", "meet ac, meet ab, one, two", "meet ab, meet ac, two, one", "meet ac, meet ab, two, one"}, got) {
			t.Errorf("it came so: %s", got)
		}
		for _, m := range w.inbox.meetings() {
			if want := (bridge.Talk{Conversation: m.Conversation, Shape: bridge.Pair, Members: m.Members, Speaker: m.Speaker}); cmp.Diff(want, m) != "" || m.Conversation == w.idOf(hers) && m.Speaker != bridge.UserID(w.carla.ID) {
				t.Errorf("met: %+v", m)
			}
		}
		time.Sleep(10 * time.Minute)
		w.sim.ResetRequests()
		w.inbox.forget()
		for n := range 20 {
			id := w.says(w.alice, ours, fmt.Sprint("first ", n))
			other := w.says(w.bob, ours, fmt.Sprint("second ", n), teams.Quoting(id))
			time.Sleep(20 * time.Second)
			w.do(w.sim.Edit(w.alice, ours, id, "<p>edited</p>"))
			w.do(w.sim.React(w.bob, ours, id, "👍"))
			w.do(w.sim.Delete(w.bob, ours, other))
			time.Sleep(20 * time.Second)
		}
		time.Sleep(20 * time.Minute)
		w.converged(ours)
		w.inbox.inOrder(t)
		if w.hook != "" {
			if n := w.reads(); n != 0 {
				t.Errorf("%d reads", n)
			}
			if _, states := w.inbox.counts(); states > 20*5 {
				t.Errorf("%d states of %d changes: what two people are told of is taken twice", states, 20*5)
			}
		}
		t.Logf("Graph calls: %v", w.sim.Calls(nil))
		if len(w.inbox.newest[w.idOf(strange)]) != 0 {
			t.Error("a chat of strangers was read")
		}
	})
}

// TestChatsThatAreNotCarriedAreNeverDecrypted nor read, whoever is told of them.
func TestChatsThatAreNotCarriedAreNeverDecrypted(t *testing.T) {
	inTalkWorld(t, true, teams.Options{}, func(w *talkWorld) {
		t, carried, refused := w.TB, w.tenant.AddChat(w.alice, w.bob), w.tenant.AddChat(w.alice, w.carla)
		meeting := w.tenant.AddMeetingChat("Weekly", w.alice, w.bob, w.carla)
		w.inbox.decide = func(talk bridge.Talk) (bridge.Interest, error) {
			switch talk.Conversation {
			case w.idOf(carried):
				return bridge.Carried, nil
			case w.idOf(refused):
				return bridge.Refused, nil
			}
			return bridge.Ignored, nil
		}
		for _, c := range []*teams.Channel{carried, refused, meeting} {
			w.says(w.alice, c, "x")
		}
		time.Sleep(3 * time.Minute)
		before := w.reads()
		s := func() *subscriber { w.account.mu.Lock(); defer w.account.mu.Unlock(); return w.account.subscriber }()
		keys, err := notification.NewKeys(time.Now())
		w.do(err)
		s.mu.Lock()
		right := s.keys
		s.keys = keys // with these nothing can be opened, and trying is told
		s.mu.Unlock()
		for _, c := range []*teams.Channel{refused, meeting} {
			w.says(w.alice, c, "secret")
		}
		time.Sleep(3 * time.Minute)
		if strings.Contains(w.log.String(), "cannot be read") || w.reads() != before {
			t.Errorf("what is not carried was opened or read (%d reads):\n%s", w.reads()-before, w.log)
		}
		w.says(w.alice, carried, "y")
		time.Sleep(time.Minute)
		if !strings.Contains(w.log.String(), "A notification cannot be read") {
			t.Error("the test proves nothing")
		}
		s.mu.Lock()
		s.keys = right
		s.mu.Unlock()
		var again int
		for _, m := range w.inbox.meetings() {
			if m.Conversation == w.idOf(meeting) && m.Shape != bridge.Meeting {
				t.Errorf("a meeting is a %v", m.Shape)
			}
			if m.Conversation == w.idOf(refused) && m.Speaker == w.aliceID {
				again++
			}
		}
		if again != 2 {
			t.Errorf("who spoke in a refused talk was told %d times", again)
		}
	})
}

// TestGroupsAreMetBeforeWhatIsSaidAfterAChange however fast it goes.
func TestGroupsAreMetBeforeWhatIsSaidAfterAChange(t *testing.T) {
	inBothModes(t, teams.Options{}, func(w *talkWorld) {
		t, group := w.TB, w.tenant.AddGroupChat("", w.alice, w.bob, w.carla)
		w.says(w.alice, group, "one")
		time.Sleep(time.Minute)
		w.says(w.bob, group, "two")
		w.do(w.sim.AddToChat(group, w.alice, w.owner, true))
		joined := time.Now()
		w.says(w.carla, group, "three")
		w.do(w.sim.RemoveFromChat(group, w.carla, w.carla))
		w.says(w.owner, group, "four")
		w.do(w.sim.RenameChat(group, w.bob, "Topic"))
		w.says(w.bob, group, "five")
		time.Sleep(time.Minute)
		if got, want := w.inbox.happened(), "meet abc, one, two, meet abco, three, meet abo, four, meet abo, five"; strings.ReplaceAll(got, ", meet abo, five", ", five") != strings.ReplaceAll(want, ", meet abo, five", ", five") {
			t.Errorf("it came so:\n%s, want\n%s", got, want)
		}
		met := w.inbox.meetings()
		if last := met[len(met)-1]; last.Topic != "Topic" {
			t.Errorf("met last: %+v", last)
		}
		i := slices.IndexFunc(met, func(m bridge.Talk) bool { return len(m.Members) == 4 })
		if i < 0 || met[i].Since.Sub(joined).Abs() > time.Second {
			t.Fatalf("it has been so since %v: %+v", joined, met)
		}
		time.Sleep(time.Minute)
		w.do(w.sim.RenameChat(group, w.bob, "Other"))
		time.Sleep(time.Minute)
		if met = w.inbox.meetings(); met[len(met)-1].Topic != "Other" {
			t.Errorf("met last: %+v", met[len(met)-1])
		}
		w.converged(group)
		w.inbox.inOrder(t)
	})
}

// TestWhatHappensWhileItIsDownIsFoundAfterwards: what was said and changed, who came and went, chats that were born.
func TestWhatHappensWhileItIsDownIsFoundAfterwards(t *testing.T) {
	inBothModes(t, teams.Options{}, func(w *talkWorld) {
		t, pair, group := w.TB, w.tenant.AddChat(w.alice, w.bob), w.tenant.AddGroupChat("", w.alice, w.bob, w.carla)
		id := w.says(w.alice, pair, "one")
		w.says(w.alice, group, "two")
		time.Sleep(2 * time.Minute)
		w.stop()
		w.inbox.mu.Lock()
		w.inbox.events = nil
		w.inbox.mu.Unlock()
		time.Sleep(time.Hour)
		w.do(w.sim.Edit(w.alice, pair, id, "<p>one, edited</p>"))
		w.says(w.bob, group, "three")
		time.Sleep(time.Minute)
		w.do(w.sim.AddToChat(group, w.alice, w.owner, false))
		time.Sleep(time.Minute)
		w.says(w.owner, group, "four")
		time.Sleep(time.Minute)
		w.do(w.sim.RemoveFromChat(group, w.alice, w.carla))
		time.Sleep(time.Minute)
		w.says(w.bob, group, "five")
		born := w.tenant.AddChat(w.bob, w.carla)
		w.says(w.carla, born, "six")
		time.Sleep(time.Hour)
		w.start()
		time.Sleep(2 * time.Minute)
		got := w.inbox.happened()
		inGroup := strings.Join(slices.DeleteFunc(strings.Split(got, ", "), func(e string) bool { return e == "meet bc" || e == "six" || e == "meet ab" }), ", ")
		if want := "meet abc, three, meet abco, four, meet abo, five"; inGroup != want || !strings.Contains(got, "six") {
			t.Errorf("it came so:\n%s, want in the group\n%s", got, want)
		}
		for _, c := range []*teams.Channel{pair, group, born} {
			w.converged(c)
		}
	})
}

// TestAMeetingThatFailsIsTriedAgain, after a restart, too; and holds nothing else up.
func TestAMeetingThatFailsIsTriedAgain(t *testing.T) {
	inBothModes(t, teams.Options{}, func(w *talkWorld) {
		t, slow, quick := w.TB, w.tenant.AddChat(w.alice, w.carla), w.tenant.AddChat(w.alice, w.bob)
		hang := make(chan struct{})
		w.inbox.decide = func(talk bridge.Talk) (bridge.Interest, error) {
			if talk.Conversation == w.idOf(slow) {
				<-hang
				return 0, errors.New("not now")
			}
			return bridge.Carried, nil
		}
		w.says(w.carla, slow, "slow")
		w.says(w.bob, quick, "quick")
		time.Sleep(2 * time.Minute)
		if got := w.inbox.happened(); got != "meet ab, quick" {
			t.Errorf("while a meeting hangs: %s", got)
		}
		close(hang)
		time.Sleep(3 * time.Minute)
		w.stop()
		w.inbox.mu.Lock()
		w.inbox.decide = nil
		w.inbox.mu.Unlock()
		time.Sleep(3 * time.Hour)
		w.start()
		time.Sleep(time.Minute)
		w.converged(slow)
	})
}

// TestOneSubscriptionForEachPerson, who is observed: made, adopted by the next run, and ended when they part.
func TestOneSubscriptionForEachPerson(t *testing.T) {
	inTalkWorld(t, true, teams.Options{}, func(w *talkWorld) {
		t := w.TB
		resources := func() (list []string) {
			for _, s := range w.sim.Subscriptions() {
				list = append(list, s.Resource+" "+s.ID)
			}
			slices.Sort(list)
			return list
		}
		first := resources()
		if len(first) != 2 || !strings.HasPrefix(first[0], "/users/") {
			t.Errorf("subscriptions: %v", first)
		}
		w.stop()
		w.start()
		if d := cmp.Diff(first, resources()); d != "" {
			t.Errorf("after a restart: %s", d)
		}
		chat := w.tenant.AddChat(w.bob, w.carla)
		w.inbox.observe(w.aliceID)
		time.Sleep(time.Second)
		if got := resources(); len(got) != 1 || !strings.Contains(got[0], string(w.aliceID)) {
			t.Errorf("after Bob has parted: %v", got)
		}
		w.says(w.carla, chat, "none of ours")
		time.Sleep(time.Hour)
		if got := w.inbox.happened(); got != "" {
			t.Errorf("of somebody who has parted: %s", got)
		}
	})
}

// TestWhoCannotBeSubscribedToIsPolled, and said so.
func TestWhoCannotBeSubscribedToIsPolled(t *testing.T) {
	inTalkWorld(t, true, teams.Options{Subscriptions: teams.SubscriptionLimits{PerTenant: 1}}, func(w *talkWorld) {
		t := w.TB
		time.Sleep(time.Minute)
		a, b := w.tenant.AddChat(w.alice, w.carla), w.tenant.AddChat(w.bob, w.carla)
		for _, c := range []*teams.Channel{a, b} {
			w.says(w.carla, c, "hello")
		}
		time.Sleep(3 * time.Minute)
		w.converged(a)
		w.converged(b)
		id := w.says(w.carla, b, "later")
		time.Sleep(2 * time.Minute)
		w.do(w.sim.Edit(w.carla, b, id, "<p>edited</p>"))
		time.Sleep(2 * time.Minute)
		w.converged(b)
		s := w.account.Status()
		if !slices.ContainsFunc(s.Facts, func(f bridge.Fact) bool { return f.Name == "polled instead" && strings.Contains(f.Value, "limit") }) {
			t.Errorf("the status is %+v", s)
		}
	})
}

// TestTalksConvergeWhateverGoesWrong: people do everything in pairs and groups, come and go, while notifications are late, doubled, reordered and lost,
// Graph fails, and the process is started anew. In the end all is known, and nothing was put under people who were not there when it was said.
func TestTalksConvergeWhateverGoesWrong(t *testing.T) {
	for name, rich := range modes {
		for seed := range uint64(6) {
			t.Run(fmt.Sprintf("%s %d", name, seed), func(t *testing.T) {
				inTalkWorld(t, rich, teams.Options{DeletionMovesNothing: seed%2 == 1}, func(w *talkWorld) { w.anything(seed) })
			})
		}
	}
}

func (w *talkWorld) anything(seed uint64) {
	t, random := w.TB, rand.New(rand.NewPCG(seed, 1))
	pair, group := w.tenant.AddChat(w.alice, w.bob), w.tenant.AddGroupChat("", w.alice, w.bob, w.carla)
	all := []*teams.User{w.alice, w.bob, w.carla, w.owner}
	in := []*teams.User{w.alice, w.bob, w.carla}
	w.sim.SetWebhookFaults(teams.WebhookFaults{Seed: seed, Duplicate: 0.2, Reorder: 0.2, Lose: 0.05, Delay: 0.2, MaxDelay: 20 * time.Second, LoseAnswer: 0.05, DeletedAsUpdated: 0.5, Remove: 0.01})
	w.sim.SetChaos(teams.Chaos{Seed: seed, Throttled: 0.05, Failed: 0.05, LoseAnswer: 0.03})
	said := map[*teams.Channel][]string{}
	for n := range 120 {
		c, who := pair, in[0]
		if random.IntN(3) > 0 {
			c, who = group, in[random.IntN(len(in))]
		} else if random.IntN(2) == 0 {
			who = w.bob
		}
		switch k := random.IntN(12); {
		case k < 6 || len(said[c]) == 0:
			w.inbox.mu.Lock() // so that it is not put before it is known who was there
			id := w.says(who, c, fmt.Sprint("message ", n))
			said[c] = append(said[c], id)
			if c == group {
				w.inbox.present[bridge.MessageID(id)] = w.inbox.who(people(in...))
			}
			w.inbox.mu.Unlock()
		case k < 9:
			id := said[c][max(0, len(said[c])-15)+random.IntN(min(15, len(said[c])))] // a deletion that moves nothing is seen on the first page only
			m, _ := w.sim.Message(c, id)
			if !slices.Contains(in, m.Author) && c == group {
				break
			}
			switch random.IntN(3) {
			case 0:
				_ = w.sim.Edit(m.Author, c, id, fmt.Sprintf("<p>edited %d</p>", n))
			case 1:
				_ = w.sim.Delete(m.Author, c, id)
			default:
				_ = w.sim.React(m.Author, c, id, "👍")
			}
		case k < 11:
			u := all[1+random.IntN(3)]
			if i := slices.Index(in, u); i >= 0 && len(in) > 2 {
				w.do(w.sim.RemoveFromChat(group, w.alice, u))
				in = slices.Delete(in, i, i+1)
			} else if i < 0 {
				w.do(w.sim.AddToChat(group, w.alice, u, random.IntN(2) == 0))
				in = append(in, u)
			}
		case random.IntN(3) == 0:
			w.stop()
			time.Sleep(time.Duration(random.IntN(600)) * time.Second)
			w.account = w.account2()
			w.stop = w.running(w.account, w.inbox)
		}
		time.Sleep(time.Duration(random.IntN(8000)) * time.Millisecond)
	}
	w.sim.ClearFaults()
	w.sim.SetWebhookFaults(teams.WebhookFaults{})
	time.Sleep(30 * time.Hour)
	w.inbox.mu.Lock()
	for _, problem := range w.inbox.wrong {
		t.Error(problem)
	}
	w.inbox.mu.Unlock()
	w.converged(pair)
	w.converged(group)
}

// account2 connects, however often that fails.
func (w *talkWorld) account2() *account {
	w.Helper()
	for {
		a := w.simWorld.account()
		if _, err := a.Connect(w.Context()); err == nil {
			return a
		}
		time.Sleep(time.Second)
	}
}
