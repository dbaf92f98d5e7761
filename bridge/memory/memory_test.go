package memory_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"causeway/bridge"
	"causeway/bridge/memory"
	"causeway/bridge/richtext"
)

// inbox keeps what was put, in memory.
type inbox struct {
	bridge.NoTalks
	mu      sync.Mutex
	watched []bridge.ConversationID
	changed chan struct{}
	cursors map[bridge.ConversationID]string
	batches []bridge.Batch
}

func newInbox(watched ...bridge.ConversationID) *inbox {
	return &inbox{watched: watched, changed: make(chan struct{}), cursors: map[bridge.ConversationID]string{}}
}

func (i *inbox) Watched() ([]bridge.ConversationID, <-chan struct{}) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.watched, i.changed
}

func (i *inbox) watch(watched ...bridge.ConversationID) {
	i.mu.Lock()
	defer i.mu.Unlock()
	close(i.changed)
	i.watched, i.changed = watched, make(chan struct{})
}

func (i *inbox) Cursor(_ context.Context, c bridge.ConversationID) (string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.cursors[c], nil
}

func (i *inbox) Living(context.Context, bridge.ConversationID, time.Time) ([]bridge.MessageID, error) {
	return nil, nil
}

func (i *inbox) Put(_ context.Context, b bridge.Batch) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.batches = append(i.batches, b)
	if b.Cursor != "" {
		i.cursors[b.Conversation] = b.Cursor
	}
	return nil
}

func (i *inbox) Trouble(bridge.ConversationID, error) {}

// texts gives what was put about a conversation, in order.
func (i *inbox) texts(c bridge.ConversationID) []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var all []string
	for _, b := range i.batches {
		for _, s := range b.States {
			if b.Conversation == c {
				all = append(all, memory.Text(s.Text))
			}
		}
	}
	return all
}

// run runs a bridge until the returned function is called, which gives Run's error.
func run(b bridge.Bridge, i *inbox) func() error {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx, i) }()
	return func() error { cancel(); return <-done }
}

func want[T any](t *testing.T, what string, got, want []T, equal func(a, b T) bool) {
	t.Helper()
	if !slices.EqualFunc(got, want, equal) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func same(a, b string) bool { return a == b }

func TestAWrittenMessageIsInvisibleUntilItHasSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		s := memory.NewService("memory:a", memory.Options{Settle: 3 * time.Second})
		town := s.AddChannel("c", "team/town")
		b, i := s.Account("memory.a", "bot"), newInbox(town)
		stop := run(b, i)
		synctest.Wait()
		draft := bridge.Draft{Conversation: town, Text: richtext.Plain("hello"), Key: "k"}
		start := time.Now()
		id, err := b.Post(ctx, draft)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		found, err := b.Find(ctx, draft, start)
		if _, missed := b.Read(ctx, town, id); len(found) > 0 || err != nil || bridge.KindOf(missed) != bridge.Gone || len(i.texts(town)) > 0 {
			t.Errorf("after 2 s: found %v (%v), read %v, fed %v", found, err, missed, i.texts(town))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		found, err = b.Find(ctx, draft, start)
		if _, missed := b.Read(ctx, town, id); !slices.Equal(found, []bridge.MessageID{id}) || err != nil || missed != nil {
			t.Errorf("after 3 s: found %v (%v), read %v", found, err, missed)
		}
		want(t, "fed", i.texts(town), []string{"hello"}, same)
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestWritesDuringAPauseAreRefusedAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttle := true
		s := memory.NewService("memory:a", memory.Options{Fault: func(_ context.Context, c memory.Call) error {
			if throttle && c.Op == memory.Post && !c.After {
				throttle = false
				return memory.Throttles(bridge.ScopeAccount, 5*time.Second)
			}
			return nil
		}})
		town := s.AddChannel("c", "team/town")
		b := s.Account("memory.a", "bot")
		post := func() error {
			_, err := b.Post(t.Context(), bridge.Draft{Conversation: town, Text: richtext.Plain("x")})
			return err
		}
		for n, after := range []time.Duration{5 * time.Second, 3 * time.Second} {
			if err := post(); bridge.KindOf(err) != bridge.Throttled || bridge.AfterOf(err) != after || s.Violations() != n {
				t.Errorf("%d: %v, after %s, %d violations", n, err, bridge.AfterOf(err), s.Violations())
			}
			time.Sleep(2 * time.Second)
		}
		time.Sleep(time.Second)
		if err := post(); err != nil || s.Violations() != 1 {
			t.Errorf("after the pause: %v, %d violations", err, s.Violations())
		}
	})
}

func TestALostAnswerIsUncertainAndItsEffectStays(t *testing.T) {
	s := memory.NewService("memory:a", memory.Options{Fault: func(_ context.Context, c memory.Call) error {
		if c.After && c.Op == memory.Post {
			return errors.New("connection reset")
		}
		return nil
	}})
	town := s.AddChannel("c", "team/town")
	_, err := s.Account("memory.a", "bot").Post(t.Context(), bridge.Draft{Conversation: town, Text: richtext.Plain("x"), Key: "k"})
	if seen := s.Messages("c"); bridge.KindOf(err) != bridge.Uncertain || len(seen) != 1 || seen[0].Key != "k" {
		t.Errorf("%v (%v), people see %v", err, bridge.KindOf(err), seen)
	}
}

func TestTheFeedFollowsWhatIsWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.NewService("memory:a", memory.Options{})
		one, two := s.AddChannel("1", "team/one"), s.AddChannel("2", "team/two")
		i := newInbox(one)
		stop := run(s.Account("memory.a", "bot"), i)
		synctest.Wait()
		s.Say("1", "ann", "a")
		s.Say("2", "ann", "too early")
		synctest.Wait()
		i.watch(two)
		synctest.Wait()
		s.Say("1", "ann", "not watched")
		s.Say("2", "ann", "b")
		synctest.Wait()
		want(t, "of one", i.texts(one), []string{"a"}, same)
		want(t, "of two", i.texts(two), []string{"b"}, same)
		i.watch(one, two)
		synctest.Wait()
		want(t, "of one", i.texts(one), []string{"a", "not watched"}, same)
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestADisturbedFeedStillTellsEverything(t *testing.T) {
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) {
			s := memory.NewService("memory:a", memory.Options{BatchSize: 3,
				Feed: memory.Feed{Seed: seed, Repeat: 0.5, Stale: 0.5, Ahead: 0.5, AheadNew: 0.5, Shuffle: 0.5}})
			town := s.AddChannel("c", "team/town")
			i := newInbox(town)
			stop := run(s.Account("memory.a", "bot"), i)
			synctest.Wait()
			for n := range 20 {
				id := s.Say("c", "ann", "first")
				if n%2 == 0 {
					synctest.Wait()
				}
				s.Edit("c", id, "second")
			}
			synctest.Wait()
			if err := stop(); err != nil {
				t.Error(err)
			}
			newest := map[bridge.MessageID]bridge.State{}
			for _, b := range i.batches {
				for _, st := range b.States {
					if st.Revision > newest[st.ID].Revision {
						newest[st.ID] = st
					}
				}
			}
			for _, m := range s.Messages("c") {
				if got := memory.Text(newest[m.ID].Text); got != m.Text {
					t.Errorf("seed %d: %s is %q, want %q", seed, m.ID, got, m.Text)
				}
			}
		})
	}
}

func TestPartsFitAndSayEverything(t *testing.T) {
	b := memory.NewService("memory:a", memory.Options{MaxText: 5}).Account("memory.a", "bot")
	word := func(s string) []richtext.Run { return []richtext.Run{{Text: s, Style: richtext.Bold}} }
	doc := richtext.Doc{
		{Kind: richtext.Paragraph, Runs: word("ab")},
		{Kind: richtext.Paragraph, Runs: word("cd")},
		{Kind: richtext.Paragraph, Runs: append(word("öffnen"), richtext.Run{Break: true}, richtext.Run{Text: "zu"})},
		{Kind: richtext.Code, Text: "one two"},
		{Kind: richtext.Quote, Blocks: richtext.Plain("quoted text")},
		{Kind: richtext.Table, Rows: []richtext.Row{{word("a"), word("b")}, {word("c"), word("long cell")}}},
		{Kind: richtext.List, Ordered: true, Start: 3, Items: []richtext.Doc{richtext.Plain("first item"), richtext.Plain("2nd")}},
	}
	var parts []string
	for _, p := range b.Parts(bridge.Draft{Text: doc}) {
		parts = append(parts, memory.Text(p))
	}
	want(t, "parts", parts, []string{"ab\ncd", "öffne", "n\nzu", "one t", "wo", "quote", "d tex", "t\na\tb", "clong", " cell", "first", " item", "2nd"}, same)
}

func TestPeopleForWhomAnAccountSpeaksAreRevokedAlone(t *testing.T) {
	s := memory.NewService("memory:a", memory.Options{})
	town := s.AddChannel("c", "team/town")
	b := s.Account("memory.a", "bot")
	post := func(as bridge.UserID) error {
		_, err := b.Post(t.Context(), bridge.Draft{Conversation: town, As: as, Author: bridge.Author{Name: "Shown"}, Text: richtext.Plain("x")})
		return err
	}
	s.Revoke("ann")
	if err := post("ann"); bridge.KindOf(err) != bridge.Unauthorised || bridge.ScopeOf(err) != bridge.ScopePerson {
		t.Errorf("as ann: %v of scope %d", err, bridge.ScopeOf(err))
	}
	if err := post(""); err != nil {
		t.Error(err)
	}
	s.Grant("ann")
	if err := post("ann"); err != nil {
		t.Error(err)
	}
	var shown []string
	for _, m := range s.Messages("c") {
		shown = append(shown, string(m.Author.ID)+" "+m.Author.Name)
	}
	want(t, "authors", shown, []string{"bot Shown", "ann ann"}, same)
}

func TestFilesAreReportedAndOpened(t *testing.T) {
	s := memory.NewService("memory:a", memory.Options{})
	town := s.AddChannel("c", "team/town")
	b := s.Account("memory.a", "bot")
	id := s.SayDoc("c", "", "ann", richtext.Plain("see"), memory.Upload{Name: "a.txt", Type: "text/plain", Data: []byte("content")})
	state, err := b.Read(t.Context(), town, id)
	if err != nil || len(state.Files) != 1 || state.Files[0].Name != "a.txt" || state.Files[0].Size != 7 {
		t.Fatalf("%+v (%v)", state, err)
	}
	r, _, err := b.Open(t.Context(), town, state.Files[0], 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if data, err := io.ReadAll(r); err != nil || string(data) != "content" {
		t.Errorf("%q (%v)", data, err)
	}
	if _, _, err := b.Open(t.Context(), town, bridge.File{ID: "other"}, 0); bridge.KindOf(err) != bridge.Gone {
		t.Errorf("an unknown file: %v", err)
	}
}
