package memory

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// talkInbox carries every talk as soon as it is met, and notes what happens in which order.
type talkInbox struct {
	observed []bridge.Observed
	begin    time.Time
	mu       sync.Mutex
	changed  chan struct{}
	met      map[bridge.ConversationID]bool
	cursors  map[bridge.ConversationID]string
	log      []string
}

func newTalkInbox(begin time.Time, observed ...bridge.UserID) *talkInbox {
	i := &talkInbox{begin: begin, changed: make(chan struct{}), met: map[bridge.ConversationID]bool{}, cursors: map[bridge.ConversationID]string{}}
	for _, u := range observed {
		i.observed = append(i.observed, bridge.Observed{User: u, Since: begin})
	}
	return i
}

func (i *talkInbox) Watched() ([]bridge.ConversationID, <-chan struct{}) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var all []bridge.ConversationID
	for c := range i.met {
		all = append(all, c)
	}
	return all, i.changed
}

func (i *talkInbox) Cursor(_ context.Context, c bridge.ConversationID) (string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.cursors[c], nil
}

func (i *talkInbox) Living(context.Context, bridge.ConversationID, time.Time) ([]bridge.MessageID, error) {
	return nil, nil
}
func (i *talkInbox) Events(bridge.ConversationID) []bridge.Event           { return nil }
func (i *talkInbox) Begin(bridge.ConversationID) time.Time                 { return i.begin }
func (i *talkInbox) Readers(bridge.ConversationID) []bridge.UserID         { return []bridge.UserID{"ann"} }
func (i *talkInbox) Lost(context.Context, bridge.UserID, time.Time, error) {}
func (i *talkInbox) Observed() ([]bridge.Observed, <-chan struct{})        { return i.observed, nil }
func (i *talkInbox) Trouble(c bridge.ConversationID, err error)            { i.note("trouble %s: %v", c, err) }

func (i *talkInbox) Interest(c bridge.ConversationID) bridge.Interest {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.met[c] {
		return bridge.Carried
	}
	return bridge.Unmet
}

func (i *talkInbox) Meet(_ context.Context, t bridge.Talk) (bridge.Interest, error) {
	i.note("met %v %q", t.Members, t.Topic)
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.met[t.Conversation] {
		i.met[t.Conversation] = true
		close(i.changed)
		i.changed = make(chan struct{})
	}
	return bridge.Carried, nil
}

func (i *talkInbox) Put(_ context.Context, b bridge.Batch) error {
	for _, s := range b.States {
		i.note("%s", Text(s.Text))
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.cursors[b.Conversation] = b.Cursor
	return nil
}

func (i *talkInbox) note(format string, args ...any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.log = append(i.log, fmt.Sprintf(format, args...))
}

// during runs an account of a service while something happens.
func (i *talkInbox) during(t *testing.T, s *Service, do func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Account("memory.a", "bot").Run(ctx, i); err != nil {
			t.Error(err)
		}
	}()
	synctest.Wait()
	do()
	synctest.Wait()
	cancel()
	<-done
}

func TestWhatIsSaidInTalksOfObservedPeopleIsMetInTheOrderInWhichTheirPeopleChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewService("memory:a", Options{Regroup: true})
		old := s.Direct("ann", "ben")
		s.Say(old, "ben", "before anybody was observed")
		time.Sleep(time.Minute)
		i := newTalkInbox(time.Now(), "ann")
		i.during(t, s, func() {
			s.Say(s.Direct("ben", "cyd"), "ben", "nobody here is observed")
			s.Say(old, "ben", "hello")
		})
		group := s.Direct("ann", "ben", "cyd")
		time.Sleep(time.Second)
		s.Say(group, "cyd", "while nobody reads")
		time.Sleep(time.Second)
		s.Join(group, "dan")
		time.Sleep(time.Second)
		s.Say(group, "dan", "now four")
		i.during(t, s, func() {
			s.Retitle(group, "lunch")
			s.Leave(group, "ben")
			synctest.Wait()
			s.Say(group, "ann", "three again")
		})
		want := []string{
			`met [ann ben] ""`, "hello",
			`met [ann ben cyd] ""`, `met [ann ben cyd] ""`, "while nobody reads", `met [ann ben cyd dan] ""`, "now four",
		}
		got := i.log[:min(len(i.log), len(want))]
		if !slices.Equal(got, want) || i.log[len(i.log)-1] != "three again" || i.log[len(i.log)-2] != `met [ann cyd dan] "lunch"` {
			t.Errorf("%q", i.log)
		}
	})
}

func TestOpeningAGroupAgainFindsWhatTheFirstTryMade(t *testing.T) {
	for regroup, want := range map[bool]string{false: "same same same", true: "same other same"} {
		s := NewService("memory:a", Options{Regroup: regroup, GroupLimit: 3})
		a := s.Account("memory.a", "bot")
		open := func(o bridge.Opening) bridge.ConversationID {
			id, err := a.OpenConversation(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
		word := func(a, b bridge.ConversationID) string {
			if a == b {
				return "same"
			}
			return "other"
		}
		began := time.Now()
		o := bridge.Opening{As: "ann", People: []bridge.UserID{"cyd", "ann", "ben"}}
		first := open(o)
		o.Since = began
		tried := open(o)
		s.Say(first.Channel, "ann", "not empty any more")
		later := open(o)
		pair := bridge.Opening{People: []bridge.UserID{"ann", "ben"}}
		if got := word(first, tried) + " " + word(first, later) + " " + word(open(pair), open(pair)); got != want {
			t.Errorf("regroup %t: %s, want %s", regroup, got, want)
		}
		if _, err := a.OpenConversation(t.Context(), bridge.Opening{People: []bridge.UserID{"a", "b", "c", "d"}}); bridge.KindOf(err) != bridge.Rejected {
			t.Error("four where three are the most:", err)
		}
	}
}

func TestOnlyWhoIsInATalkWritesThere(t *testing.T) {
	for _, relay := range []bool{true, false} {
		s := NewService("memory:a", Options{NoRelayDirect: !relay})
		a := s.Account("memory.a", "bot")
		c := bridge.ConversationID{Server: "memory:a", Channel: s.Direct("ann", "ben")}
		post := func(as bridge.UserID) error {
			_, err := a.Post(t.Context(), bridge.Draft{Conversation: c, As: as, Text: richtext.Plain("hello")})
			return err
		}
		if err := post("ann"); err != nil {
			t.Error(err)
		}
		if err := post("cyd"); bridge.KindOf(err) != bridge.Unsupported || bridge.ScopeOf(err) != bridge.ScopePerson {
			t.Errorf("an outsider: %v", err)
		}
		if err := post(""); (err == nil) != relay {
			t.Errorf("the account itself, relay %t: %v", relay, err)
		}
	}
}
