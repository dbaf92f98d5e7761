package msteams

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/msteams/notification"
	"causeway/contrib/sim/teams"
)

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
			if want := (bridge.Talk{Conversation: m.Conversation, Shape: bridge.Pair, Members: m.Members, Speakers: m.Speakers}); cmp.Diff(want, m) != "" || m.Conversation == w.idOf(hers) && m.Speaker() != bridge.UserID(w.carla.ID) {
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
		w.inbox.decides(func(talk bridge.Talk) (bridge.Interest, error) {
			switch talk.Conversation {
			case w.idOf(carried):
				return bridge.Carried, nil
			case w.idOf(refused):
				return bridge.Refused, nil
			}
			return bridge.Ignored, nil
		})
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
			if m.Conversation == w.idOf(refused) && m.Speaker() == w.aliceID {
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

// TestWhatWasSaidBeforeAChangeIsNotLost although the group is met only afterwards.
func TestWhatWasSaidBeforeAChangeIsNotLost(t *testing.T) {
	inBothModes(t, teams.Options{}, func(w *talkWorld) {
		t, group := w.TB, w.tenant.AddGroupChat("", w.alice, w.bob, w.carla)
		w.says(w.alice, group, "one")
		w.do(w.sim.AddToChat(group, w.alice, w.owner, false))
		w.says(w.owner, group, "two")
		time.Sleep(2 * time.Minute)
		if got := w.inbox.happened(); got != "meet abc, one, meet abco, two" {
			t.Errorf("it came so: %s", got)
		}
		// The same an hour later, with an old group of which nothing is known yet, and another topic in between.
		w.stop()
		old := w.tenant.AddGroupChat("", w.alice, w.carla, w.owner)
		time.Sleep(time.Hour)
		w.start()
		w.inbox.mu.Lock()
		w.inbox.events = slices.DeleteFunc(w.inbox.events, func(e string) bool { return e != "meet aco" })
		w.inbox.mu.Unlock()
		w.says(w.alice, old, "three")
		w.do(w.sim.RenameChat(old, w.alice, "Topic"))
		w.says(w.alice, old, "four")
		w.do(w.sim.RemoveFromChat(old, w.alice, w.carla))
		w.says(w.alice, old, "five")
		time.Sleep(2 * time.Minute)
		if got := w.inbox.happened(); got != "meet aco, three, four, meet ao, five" && got != "meet aco, three, meet aco, four, meet ao, five" {
			t.Errorf("it came so: %s", got)
		}
		w.converged(group)
		w.converged(old)
	})
}

// TestWhatWasSaidAfterAChangeIsNotLost where the group could not be carried before: who came or went is decided on by themselves.
func TestWhatWasSaidAfterAChangeIsNotLost(t *testing.T) {
	inBothModes(t, teams.Options{}, func(w *talkWorld) {
		w.inbox.decides(func(talk bridge.Talk) (bridge.Interest, error) {
			if slices.Contains(talk.Members, bridge.UserID(w.owner.ID)) {
				return bridge.Refused, nil
			}
			return bridge.Carried, nil
		})
		group := w.tenant.AddGroupChat("", w.alice, w.bob, w.carla, w.owner)
		w.says(w.bob, group, "one")
		w.do(w.sim.RemoveFromChat(group, w.owner, w.owner))
		w.says(w.alice, group, "two")
		w.do(w.sim.AddToChat(group, w.alice, w.owner, false))
		w.says(w.owner, group, "three")
		time.Sleep(2 * time.Minute)
		if got := w.inbox.happened(); !strings.HasPrefix(got, "meet abco, meet abc, two, meet abco") {
			w.Errorf("it came so: %s", got)
		}
		if met := w.inbox.meetings(); met[0].Speaker() != w.bobID {
			w.Errorf("met first: %+v", met[0])
		}
	})
}

// TestWhatIsMadeOfAMessageWithoutSomebodyIsPutAfterThatIsKnown, and before it what it was until then.
func TestWhatIsMadeOfAMessageWithoutSomebodyIsPutAfterThatIsKnown(t *testing.T) {
	inBothModes(t, teams.Options{}, func(w *talkWorld) {
		group := w.tenant.AddGroupChat("", w.alice, w.bob, w.carla, w.owner)
		one := w.says(w.alice, group, "one")
		time.Sleep(2 * time.Minute)
		w.stop()
		w.inbox.mu.Lock()
		w.inbox.puts = nil
		w.inbox.mu.Unlock()
		two, three, four, five := w.says(w.bob, group, "two"), w.says(w.bob, group, "three"), w.says(w.bob, group, "four"), w.says(w.bob, group, "five")
		time.Sleep(time.Minute)
		w.do(w.sim.React(w.alice, group, three, "👍"))
		w.do(w.sim.Edit(w.bob, group, four, "<p>four, for all</p>"))
		time.Sleep(time.Minute)
		w.do(w.sim.RemoveFromChat(group, w.alice, w.carla))
		time.Sleep(time.Minute)
		w.do(w.sim.Edit(w.alice, group, one, "<p>one, edited</p>"))
		w.do(w.sim.Edit(w.bob, group, two, "<p>two, edited</p>"))
		w.do(w.sim.React(w.bob, group, three, "👍"))
		w.do(w.sim.React(w.bob, group, four, "👍"))
		w.do(w.sim.Delete(w.bob, group, five))
		time.Sleep(time.Minute)
		w.do(w.sim.AddToChat(group, w.alice, w.carla, false))
		time.Sleep(time.Minute)
		w.says(w.bob, group, "six")
		w.start()
		time.Sleep(2 * time.Minute)
		w.inbox.mu.Lock()
		defer w.inbox.mu.Unlock()
		var puts []string
		for _, one := range w.inbox.puts {
			if !slices.Contains(puts, one) {
				puts = append(puts, one)
			}
		}
		want := []string{"three+ under abco", "four, for all under abco", " under abco",
			"one, edited under abo", "two, edited under abo", "three++ under abo", "four, for all+ under abo", "six under abco"}
		if diff := cmp.Diff(want, puts); diff != "" {
			w.Errorf("-want +got:\n%s", diff)
		}
	})
}

// withoutNotices is a Graph that lists no notices of its own.
type withoutNotices struct{ next http.RoundTripper }

func (g withoutNotices) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := g.next.RoundTrip(r)
	if err != nil || !isRead(r) || answer.StatusCode != http.StatusOK {
		return answer, err
	}
	var body any
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		return nil, err
	}
	text, err := json.Marshal(unnoticed(body))
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	answer.Header.Del("Content-Length")
	return answer, err
}

func unnoticed(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			v[name] = unnoticed(inner)
		}
	case []any:
		return slices.DeleteFunc(v, func(one any) bool {
			m, ok := unnoticed(one).(map[string]any)
			return ok && m["eventDetail"] != nil
		})
	}
	return v
}

// TestAChangeWithoutANoticeIsSeenByWhoIsThere: nothing that was said since is put before the group has been met as it is.
func TestAChangeWithoutANoticeIsSeenByWhoIsThere(t *testing.T) {
	inBothModes(t, teams.Options{}, func(w *talkWorld) {
		t, group := w.TB, w.tenant.AddGroupChat("", w.alice, w.bob, w.carla)
		w.says(w.alice, group, "one")
		time.Sleep(2 * time.Minute)
		w.wire.replace(func(next http.RoundTripper) http.RoundTripper { return withoutNotices{next} })
		w.says(w.alice, group, "two")
		time.Sleep(time.Second)
		w.do(w.sim.AddToChat(group, w.alice, w.owner, false))
		time.Sleep(time.Second)
		w.says(w.owner, group, "three")
		time.Sleep(2 * time.Minute)
		if got := w.inbox.happened(); got != "meet abc, one, two, meet abco, three" {
			t.Errorf("it came so: %s", got)
		}
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
		w.inbox.decides(func(talk bridge.Talk) (bridge.Interest, error) {
			if talk.Conversation == w.idOf(slow) {
				<-hang
				return 0, errors.New("not now")
			}
			return bridge.Carried, nil
		})
		w.says(w.carla, slow, "slow")
		w.says(w.bob, quick, "quick")
		time.Sleep(2 * time.Minute)
		if got := w.inbox.happened(); got != "meet ab, quick" {
			t.Errorf("while a meeting hangs: %s", got)
		}
		close(hang)
		time.Sleep(3 * time.Minute)
		w.stop()
		w.inbox.decides(nil)
		time.Sleep(3 * time.Hour)
		w.start()
		time.Sleep(time.Minute)
		w.converged(slow)
	})
}

// TestAChatThatWasIgnoredIsMetWhenItIsNotAnyMore though nobody says anything more.
func TestAChatThatWasIgnoredIsMetWhenItIsNotAnyMore(t *testing.T) {
	inBothModes(t, teams.Options{}, func(w *talkWorld) {
		group := w.tenant.AddGroupChat("", w.alice, w.bob, w.carla)
		w.inbox.decides(func(bridge.Talk) (bridge.Interest, error) { return bridge.Ignored, nil })
		w.says(w.alice, group, "one")
		time.Sleep(time.Minute)
		w.says(w.alice, group, "two")
		time.Sleep(time.Minute)
		if got := w.inbox.happened(); got != "meet abc" {
			w.Errorf("it came so: %s", got)
		}
		w.inbox.mu.Lock()
		w.inbox.decide, w.inbox.interest[w.idOf(group)] = nil, bridge.Unmet
		w.inbox.mu.Unlock()
		time.Sleep(2 * time.Minute)
		if got := w.inbox.happened(); got != "meet abc, one, two" {
			w.Errorf("it came so: %s", got)
		}
	})
}

// TestChatsAreLookedThroughSinceSomebodyConnected, when that was while nothing was received, and not from before.
func TestChatsAreLookedThroughSinceSomebodyConnected(t *testing.T) {
	inBothModes(t, teams.Options{}, func(w *talkWorld) {
		w.stop()
		w.inbox.observe()
		early, late := w.tenant.AddChat(w.carla, w.alice), w.tenant.AddChat(w.carla, w.bob)
		w.says(w.carla, early, "too early")
		time.Sleep(3 * time.Hour)
		w.inbox.mu.Lock()
		w.inbox.begin = time.Now()
		w.inbox.observed = []bridge.Observed{{User: w.aliceID, Since: time.Now()}, {User: w.bobID, Since: time.Now()}}
		w.inbox.mu.Unlock()
		time.Sleep(time.Minute)
		w.says(w.carla, late, "one")
		time.Sleep(3 * time.Hour)
		w.start()
		time.Sleep(2 * time.Minute)
		if got := w.inbox.happened(); got != "meet bc, one" {
			w.Errorf("it came so: %s", got)
		}
	})
}

// TestWhoSpeaksWhereAGroupIsCarriedNoMoreIsToldOf, also those who have done so before it was looked at.
func TestWhoSpeaksWhereAGroupIsCarriedNoMoreIsToldOf(t *testing.T) {
	inBothModes(t, teams.Options{}, func(w *talkWorld) {
		w.inbox.decides(func(t bridge.Talk) (bridge.Interest, error) {
			if len(t.Members) > 3 {
				return bridge.Refused, nil
			}
			return bridge.Carried, nil
		})
		group := w.tenant.AddGroupChat("", w.alice, w.bob, w.carla)
		w.says(w.alice, group, "carried")
		time.Sleep(time.Minute)
		w.inbox.forget()
		w.do(w.sim.AddToChat(group, w.alice, w.owner, false))
		for _, u := range []*teams.User{w.owner, w.bob} {
			w.says(u, group, "not carried")
		}
		time.Sleep(5 * time.Minute)
		var told []bridge.UserID
		for _, m := range w.inbox.meetings() {
			told = append(told, m.Speakers...)
		}
		if !slices.Contains(told, bridge.UserID(w.owner.ID)) || !slices.Contains(told, w.bobID) || strings.Contains(w.inbox.happened(), "not carried") {
			w.Errorf("it came so: %s; told of %v", w.inbox.happened(), told)
		}
	})
}

// TestPeopleFromElsewhereCount: guests, those of other organisations and those without any account are members like others.
func TestPeopleFromElsewhereCount(t *testing.T) {
	inBothModes(t, teams.Options{}, func(w *talkWorld) {
		guest, stranger := w.tenant.AddGuest("Gina Guest", "live.com"), w.sim.AddTenant("Fabrikam").AddUser("Finn")
		group := w.tenant.AddGroupChat("", w.alice, guest, stranger)
		w.says(stranger, group, "hello")
		time.Sleep(time.Minute)
		met := w.inbox.meetings()
		if who, err := w.account.LookUp(w.Context(), bridge.UserID(stranger.ID)); err != nil || who.Name != "Finn" {
			w.Errorf("who is of another organisation is %+v (%v)", who, err)
		}
		// It may be met for Teams' own notice that it was made, before anybody has spoken.
		if len(met) != 1 || len(met[0].Members) != 3 || met[0].Speaker() != bridge.UserID(stranger.ID) && met[0].Speaker() != "" {
			w.Errorf("met: %+v", met)
		}
		w.converged(group)
	})
	c := chat{Members: []chatMember{{ID: "a", User: "U"}, {ID: "b"}, {ID: "c", User: "u"}}}
	if got := c.people(); !slices.Equal(got, []bridge.UserID{"u", "member b"}) {
		t.Errorf("members: %v", got)
	}
}

// TestPicturesInChatsAreFiles that the app can open.
func TestPicturesInChatsAreFiles(t *testing.T) {
	inChatWorld(t, teams.Options{}, func(w *chatWorld) {
		chat := w.tenant.AddChat(w.alice, w.bob)
		access, _ := w.sim.SignIn(w.app, w.alice)
		r, err := http.NewRequest("POST", simURL+"/v1.0/chats/"+url.PathEscape(chat.ID)+"/messages", strings.NewReader(
			`{"body":{"contentType":"html","content":"<p>look</p><img src=\"../hostedContents/1/$value\">"},"hostedContents":[{"@microsoft.graph.temporaryId":"1","contentBytes":"AAAA","contentType":"image/png"}]}`))
		w.do(err)
		r.Header.Set("Authorization", "Bearer "+access)
		r.Header.Set("Content-Type", "application/json")
		answer, err := w.sim.Transport().RoundTrip(r)
		w.do(err)
		answer.Body.Close()
		var made struct{ ID string }
		messages := w.sim.Messages(chat)
		if made.ID = messages[len(messages)-1].ID; answer.StatusCode != http.StatusCreated {
			w.Fatal(answer.Status)
		}
		s, err := w.account.Read(w.Context(), w.idOf(chat), bridge.MessageID(made.ID))
		w.do(err)
		if len(s.Files) != 1 {
			w.Fatalf("files: %+v", s.Files)
		}
		file, _, err := w.account.Open(w.Context(), w.idOf(chat), s.Files[0], 0)
		w.do(err)
		defer file.Close()
		if content, err := io.ReadAll(file); err != nil || len(content) != 3 {
			w.Errorf("the picture: %v (%v)", content, err)
		}
	})
}

// TestMomentsAreLenient: a placeholder is no time, and no reason not to read the rest.
func TestMomentsAreLenient(t *testing.T) {
	for text, want := range map[string]time.Time{
		`"2026-01-02T03:04:05.6Z"`: time.Date(2026, 1, 2, 3, 4, 5, 600e6, time.UTC), `"0001-01-01T00:00:00Z"`: {}, `"0001-01-01T00:00:00"`: {}, `null`: {}, `7`: {},
	} {
		m := moment{time.Now()}
		if err := m.UnmarshalJSON([]byte(text)); err != nil || !m.Equal(want) {
			t.Errorf("%s: %v (%v)", text, m, err)
		}
	}
}
