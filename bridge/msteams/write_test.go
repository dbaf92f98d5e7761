package msteams

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/richtext"
	richhtml "causeway/bridge/richtext/html"
	"causeway/contrib/sim/teams"
)

// TestPostsShowTheAuthorAndHideTheKey, also after an edit.
func TestPostsShowTheAuthorAndHideTheKey(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	w.settings.PollInterval, w.settings.PostInterval = "1ms", "1ms" // in real time
	a := w.connected()
	d := w.draft("hello <b>")
	id, err := a.Post(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	look := func() string {
		m, _ := w.sim.Message(w.general, string(id))
		return m.HTML
	}
	if want := `<p><strong>Carla Fremd</strong></p><p>hello &lt;b&gt;</p><abbr title="a-key_1"></abbr>`; look() != want {
		t.Errorf("the post is %s, want %s", look(), want)
	}
	d.Text = richtext.Plain("changed")
	w.do(a.Edit(t.Context(), id, d))
	if want := `<p><strong>Carla Fremd</strong></p><p>changed</p><abbr title="a-key_1"></abbr>`; look() != want {
		t.Errorf("the edited post is %s, want %s", look(), want)
	}
	d.Author.Name = ""
	w.do(a.Edit(t.Context(), id, d))
	if want := `<p>changed</p><abbr title="a-key_1"></abbr>`; look() != want {
		t.Errorf("without an author it is %s, want %s", look(), want)
	}
}

// TestPartsStayBelowTeamsLimit whatever the text is made of, with the longest name and key.
func TestPartsStayBelowTeamsLimit(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	w.settings.PollInterval, w.settings.PostInterval = "1ms", "1ms" // in real time
	a := w.connected()
	d := w.draft("")
	d.Author.Name = strings.Repeat("Ü", 100)
	d.Key = bridge.Key(strings.Repeat("k", 64))
	for name, text := range map[string]string{
		"words": strings.Repeat("some words, ", 6000), "markup": strings.Repeat("<&>", 9000), "one word": strings.Repeat("ä", 40000), "emoji": strings.Repeat("👩‍👩‍👧 ", 3000),
	} {
		d.Text = richtext.Plain(text)
		parts := a.Parts(d)
		if len(parts) < 2 || !cmp.Equal(parts, a.Parts(d)) {
			t.Errorf("%s: %d parts, or others the second time", name, len(parts))
		}
		for n, part := range parts {
			one := d
			one.Text = part
			if size := len(richhtml.RenderWithKey(shown(apart(one), part), string(d.Key))); size > largestBody || n < len(parts)-1 && size < largestBody/3 {
				t.Errorf("%s: part %d has %d bytes", name, n, size)
			}
			if _, err := a.Post(t.Context(), one); err != nil {
				t.Errorf("%s: posting part %d: %v", name, n, err)
			}
		}
	}
	d.Text = nil
	if parts := a.Parts(d); len(parts) != 1 || parts[0] != nil {
		t.Errorf("an empty text has parts %v", parts)
	}
	d.Text = richtext.Plain(strings.Repeat("x", 40000))
	if _, err := a.Post(t.Context(), d); bridge.KindOf(err) != bridge.Rejected || !strings.Contains(err.Error(), "too large for Teams") {
		t.Errorf("a text that was not split: %v (%v)", err, bridge.KindOf(err))
	}
}

// TestATenantThatRemovesKeysIsFoundOut by the first post, remembered, and told of once.
func TestATenantThatRemovesKeysIsFoundOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{StripAbbr: true})
		a := w.connected()
		since := time.Now()
		ids := map[string]bridge.MessageID{}
		for _, text := range []string{"one", "two"} {
			id, err := a.Post(t.Context(), w.draft(text))
			w.do(err)
			ids[text] = id
		}
		if got := string(w.vault.values[keysVaultName]); got != keysVanish {
			t.Errorf("remembered: %q", got)
		}
		if n := strings.Count(w.log.String(), "removes the mark"); n != 1 {
			t.Errorf("it was logged %d times:\n%s", n, w.log)
		}

		// After a restart, posts are found by writer, time and text.
		a = w.connected()
		if _, err := w.sim.Say(w.alice, w.general, "<p><strong>Carla Fremd</strong></p><p>one</p>"); err != nil {
			t.Fatal(err)
		}
		find := func(text string, root bridge.MessageID, since time.Time) []bridge.MessageID {
			t.Helper()
			d := w.draft(text)
			d.Root = root
			found, err := a.Find(t.Context(), d, since)
			w.do(err)
			return found
		}
		if got := find("one", "", since); !slices.Equal(got, []bridge.MessageID{ids["one"]}) {
			t.Errorf("found %v, want %s", got, ids["one"])
		}
		if got := find("three", "", since); got != nil {
			t.Errorf("found %v of what was never posted", got)
		}
		time.Sleep(time.Hour)
		if got := find("one", "", time.Now()); got != nil {
			t.Errorf("found %v of an hour ago", got)
		}
		again, err := a.Post(t.Context(), w.draft("one"))
		w.do(err)
		if got := find("one", "", since); !slices.Equal(got, []bridge.MessageID{ids["one"], again}) {
			t.Errorf("found %v, want both, oldest first", got)
		}

		// The tenant's habit may change.
		w.sim.SetStripAbbr(false)
		_, err = a.Post(t.Context(), w.draft("three"))
		w.do(err)
		if got := string(w.vault.values[keysVaultName]); got != keysSurvive {
			t.Errorf("remembered: %q", got)
		}
		if got := find("one", "", since); len(got) != 1 {
			t.Errorf("with keys that survive, found %v by the key a-key_1", got)
		}
	})
}

// TestAPostStandsThoughNothingCanBeRemembered of it.
func TestAPostStandsThoughNothingCanBeRemembered(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	a := w.connected()
	w.vault.refuse = errors.New("disk full")
	if _, err := a.Post(t.Context(), w.draft("x")); err != nil {
		t.Errorf("Post: %v", err)
	}
	if !strings.Contains(w.log.String(), "Cannot store whether this tenant keeps the mark") {
		t.Errorf("log: %s", w.log)
	}
}

// TestFindReadsAllSinceThen: over many pages, in channels and threads, and not everything before.
func TestFindReadsAllSinceThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{EmptyPageEvery: 2})
		a := w.connected()
		w.say(400, "long before")
		time.Sleep(time.Hour)
		since := time.Now()
		id, err := a.Post(t.Context(), w.draft("root"))
		w.do(err)
		reply := w.draft("reply")
		reply.Root, reply.Key = id, "reply-key"
		replied, err := a.Post(t.Context(), reply)
		w.do(err)
		for n := range 130 {
			_, err := w.sim.Reply(w.bob, w.general, string(id), fmt.Sprintf("<p>%d</p>", n))
			w.do(err)
		}
		w.say(130, "after")
		w.sim.ResetRequests()
		found, err := a.Find(t.Context(), w.draft("root"), since)
		if err != nil || !slices.Equal(found, []bridge.MessageID{id}) {
			t.Errorf("found %v (%v), want %s", found, err, id)
		}
		if n := w.sim.Count("GET", channelMessages); n > 6 {
			t.Errorf("reading 131 threads took %d pages", n)
		}
		found, err = a.Find(t.Context(), reply, since)
		if err != nil || !slices.Equal(found, []bridge.MessageID{replied}) {
			t.Errorf("found %v (%v), want %s", found, err, replied)
		}
		w.sim.Inject(teams.Fault{Template: channelMessages, Skip: 2, Status: 500})
		if found, err := a.Find(t.Context(), w.draft("root"), since); err == nil {
			t.Errorf("although a page could not be read, found %v", found)
		}
	})
}

// TestFindStopsInALongOldThread where its replies are older than what is looked for.
func TestFindStopsInALongOldThread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{EmptyPageEvery: -1})
		a := w.connected()
		root := w.say(1, "root")[0]
		for range 500 {
			_, err := w.sim.Reply(w.bob, w.general, root, "<p>x</p>")
			w.do(err)
		}
		time.Sleep(time.Hour)
		w.sim.ResetRequests()
		d := w.draft("never posted")
		d.Root = bridge.MessageID(root)
		if found, err := a.Find(t.Context(), d, time.Now()); err != nil || found != nil {
			t.Errorf("found %v (%v)", found, err)
		}
		if n := w.sim.Count("GET", oneMessage+"/replies"); n != 1 {
			t.Errorf("it took %d pages, want 1", n)
		}
	})
}

func TestReactionsAreSentAsPictures(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	w.settings.PollInterval, w.settings.PostInterval = "1ms", "1ms" // in real time
	a := w.connected()
	root, err := w.sim.Say(w.alice, w.general, "<p>x</p>")
	w.do(err)
	reply, err := w.sim.Reply(w.alice, w.general, root, "<p>y</p>")
	w.do(err)
	for _, id := range []bridge.MessageID{bridge.MessageID(root), messageID(root, reply)} {
		target := bridge.Target{Conversation: w.id(w.general), ID: id}
		w.do(a.React(t.Context(), target, "❤", true))
		m, _ := w.sim.Message(w.general, own(id))
		if len(m.Reactions) != 1 || m.Reactions[0].Emoji != "❤️" || m.Reactions[0].User != w.relay {
			t.Errorf("%s has reactions %+v", id, m.Reactions)
		}
		w.do(a.React(t.Context(), target, "❤", false))
		if m, _ := w.sim.Message(w.general, own(id)); len(m.Reactions) != 0 {
			t.Errorf("%s still has reactions %+v", id, m.Reactions)
		}
		if err := a.React(t.Context(), target, ":party_parrot:", true); bridge.KindOf(err) != bridge.Unsupported {
			t.Errorf("an emoji of somebody's own on %s: %v", id, err)
		}
	}
}

// TestAnswersToRepliesGoToTheirThread: Teams knows one level.
func TestAnswersToRepliesGoToTheirThread(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	a := w.connected()
	root, err := w.sim.Say(w.alice, w.general, "<p>x</p>")
	w.do(err)
	reply, err := w.sim.Reply(w.alice, w.general, root, "<p>y</p>")
	w.do(err)
	d := w.draft("answer")
	d.Root = messageID(root, reply)
	id, err := a.Post(t.Context(), d)
	if err != nil || !strings.HasPrefix(string(id), root+"/") {
		t.Errorf("posted as %s (%v)", id, err)
	}
}

// TestDeletingIsTriedOnlyWhenThereIsSomething to delete.
func TestDeletingIsTriedOnlyWhenThereIsSomething(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		a := w.connected()
		id, err := a.Post(t.Context(), w.draft("x"))
		w.do(err)
		target := bridge.Target{Conversation: w.id(w.general), ID: id}
		w.sim.Inject(teams.Fault{Method: "GET", Template: oneMessage, Status: 429, RetryAfter: 3 * time.Second})
		if err := a.Delete(t.Context(), target); bridge.KindOf(err) != bridge.Throttled || bridge.AfterOf(err) != 3*time.Second {
			t.Errorf("while looking is throttled: %v", err)
		}
		w.do(a.Delete(t.Context(), target))
		before := w.wire.attempts()
		if err := a.Delete(t.Context(), target); bridge.KindOf(err) != bridge.Gone || w.wire.attempts() != before {
			t.Errorf("a second time: %v, %d requests", err, w.wire.attempts()-before)
		}
	})
}

// TestFindLooksPastAThreadWhoseChangeIsHidden: it stands at the head for a change in a reply that did not come along.
func TestFindLooksPastAThreadWhoseChangeIsHidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{RepliesPerPage: 1})
		a := w.connected()
		root := w.say(1, "old")[0]
		var replies []string
		for range 2 {
			id, err := w.sim.Reply(w.bob, w.general, root, "<p>x</p>")
			w.do(err)
			replies = append(replies, id)
		}
		time.Sleep(time.Hour)
		since := time.Now()
		id, err := a.Post(t.Context(), w.draft("new"))
		w.do(err)
		w.do(w.sim.Edit(w.bob, w.general, replies[0], "<p>edited</p>"))
		found, err := a.Find(t.Context(), w.draft("new"), since)
		if err != nil || !slices.Equal(found, []bridge.MessageID{id}) {
			t.Errorf("found %v (%v), want %s", found, err, id)
		}
	})
}

// oldestFirstReplies is a service that lists replies the other way round, in two pages.
type oldestFirstReplies struct {
	next  http.RoundTripper
	pages map[string]string
}

func (o oldestFirstReplies) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, "/replies") || r.Method != http.MethodGet {
		return o.next.RoundTrip(r)
	}
	return &http.Response{
		StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(o.pages[r.URL.Query().Get("page")])),
	}, nil
}

// TestFindDoesNotRelyOnTheOrderOfReplies: it is not documented.
func TestFindDoesNotRelyOnTheOrderOfReplies(t *testing.T) {
	w := newSimWorld(t, teams.Options{})
	a := w.connected()
	reply := func(id, created, body string) string {
		return `{"id":"` + id + `","replyToId":"1","createdDateTime":"` + created + `","from":{"user":{"id":"` + w.relay.ID +
			`"}},"body":{"contentType":"html","content":"` + body + `"}}`
	}
	w.wire.next = oldestFirstReplies{w.wire.next, map[string]string{
		"": `{"value":[` + reply("2", "2020-01-01T00:00:00Z", "a") + `,` + reply("3", "2020-01-02T00:00:00Z", "b") + `],"@odata.nextLink":"` +
			simURL + `/v1.0/teams/t/channels/c/messages/1/replies?page=2"}`,
		"2": `{"value":[` + reply("4", "2026-01-01T00:00:00Z", `c<abbr title=\"a-key_1\"></abbr>`) + `]}`,
	}}
	d := w.draft("c")
	d.Root = "1"
	found, err := a.Find(t.Context(), d, time.Date(2025, 12, 31, 23, 0, 0, 0, time.UTC))
	if err != nil || !slices.Equal(found, []bridge.MessageID{"1/4"}) {
		t.Errorf("found %v (%v)", found, err)
	}
}

// TestAnAddressHoldsWhatItIsAbout: ids are escaped, and none is taken for the name of another.
func TestAnAddressHoldsWhatItIsAbout(t *testing.T) {
	p := place{team: "{channel}", channel: "19:a/b@thread", message: "1 2", reply: "3?", user: "u", app: "a", content: "c", subscription: "s"}
	for op, want := range map[*Operation]string{
		opPostReply: "/teams/%7Bchannel%7D/channels/19:a%2Fb@thread/messages/1%202/replies",
		opReply:     "/teams/%7Bchannel%7D/channels/19:a%2Fb@thread/messages/1%202/replies/3%3F",
	} {
		if got := op.address(p); got != want {
			t.Errorf("%s: %s, want %s", op.Doing, got, want)
		}
	}
	for _, op := range operations {
		if got := op.address(p); strings.ContainsAny(got, "{}") {
			t.Errorf("%s: %s", op.Doing, got)
		}
	}
}
