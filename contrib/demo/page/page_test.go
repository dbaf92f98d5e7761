package page_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"causeway/contrib/demo/page"
	"causeway/contrib/demo/stage"
	"causeway/contrib/demo/town"
)

func hasReaction(emoji string) func(town.View) bool {
	return func(m town.View) bool {
		return slices.ContainsFunc(m.Reactions, func(r town.Reaction) bool {
			return strings.TrimSuffix(r.Emoji, "\ufe0f") == strings.TrimSuffix(emoji, "\ufe0f")
		})
	}
}

func says(text string) func(town.View) bool {
	return func(m town.View) bool { return strings.Contains(town.Plain(m.Body), text) && m.State == town.Settled }
}

// TestEverythingCrosses does on either side what the page offers, and sees it on the other.
func TestEverythingCrosses(t *testing.T) {
	v := visit(t)
	texts := [2][]string{
		{"hello **Teams**, <script>alert(1)</script> & `code`\n- one\n- two", "an answer", "hello *again*"},
		{"<p>hello <strong>Mattermost</strong>, &lt;script&gt;alert(1)&lt;/script&gt; <code>code</code></p><ul><li>one</li><li>two</li></ul>", "<p>an answer</p>", "<p>hello <em>again</em></p>"},
	}
	for _, side := range []town.Place{town.Left, town.Right} {
		other := side.Other()
		id, copied := v.say(side, 0, texts[side][0], "")
		v.looks(other, copied, "markup stays text", says("<script>alert(1)</script>"))
		reply, repliedThere := v.say(side, 1, texts[side][1], id)
		v.looks(other, repliedThere, "the reply is in its thread", func(m town.View) bool { return m.Root == copied })
		_, repliedHere := v.say(other, 1, texts[other][1], copied)
		v.looks(side, repliedHere, "the answer is in its thread", func(m town.View) bool { return m.Root == id })

		v.act("/api/edit", v.as(side, 0, map[string]any{"id": id, "text": texts[side][2]}))
		v.looks(other, copied, "the edit has crossed", says("hello again"))
		v.act("/api/react", v.as(side, 1, map[string]any{"id": id, "emoji": "🎉", "on": true}))
		v.looks(other, copied, "the reaction has crossed", hasReaction("🎉"))
		v.act("/api/react", v.as(other, 2, map[string]any{"id": copied, "emoji": "❤️", "on": true}))
		v.looks(side, id, "the reaction has come back", hasReaction("❤️"))
		v.act("/api/react", v.as(side, 1, map[string]any{"id": id, "emoji": "🎉", "on": false}))
		v.looks(other, copied, "the reaction is gone", func(m town.View) bool { return !hasReaction("🎉")(m) })
		v.act("/api/delete", v.as(side, 1, map[string]any{"id": reply}))
		v.looks(other, repliedThere, "the deletion has crossed", func(m town.View) bool { return m.Deleted })
	}
	v.until("all is well", func() bool { return v.news.Mood == stage.Well && v.news.Counts.Said == 6 && v.news.Counts.Arrived == 6 })
}

// TestWhatShowsNothingCrossesToo says on either side what has no letters, or looks otherwise there than here.
func TestWhatShowsNothingCrossesToo(t *testing.T) {
	v := visit(t)
	for side, texts := range [2][]string{
		{"---", "```\n```", "![](https://example.com/a.png)", "[ref]\n\n[ref]: https://example.com/", "| |\n|-|\n| |", "🎉"},
		{"<hr>", "<p>&nbsp;</p>", `<p><img src="https://example.com/a.png" alt=""></p>`, "<p>!!!</p>"},
	} {
		for _, text := range texts {
			v.say(town.Place(side), 0, text, "")
		}
	}
	v.until("all is well", func() bool { return v.news.Mood == stage.Well && v.news.Counts.Arrived == 10 })
}

// TestTheOtherConversationIsJoinedToo goes by the second gateway.
func TestTheOtherConversationIsJoinedToo(t *testing.T) {
	v := visit(t)
	release := v.places[town.Left][1]
	id := v.act("/api/say", v.as(town.Left, 0, map[string]any{"text": "frozen", "conversation": release.ID}))
	v.looks(town.Left, id, "it has crossed", func(m town.View) bool {
		return v.messages[town.Right][m.Twin].Conversation == v.places[town.Right][1].ID
	})
}

// TestNothingIsLostWhenEverythingGoesWrong lets everybody talk while Causeway is killed and each fault comes and goes.
func TestNothingIsLostWhenEverythingGoesWrong(t *testing.T) {
	v := visit(t)
	v.act("/api/talk", map[string]any{"count": 40, "on": true})
	if status, _ := v.send("/api/talk", map[string]any{"count": 40}); status != http.StatusConflict {
		t.Errorf("talking twice at once: %d, want %d", status, http.StatusConflict)
	}
	v.until("Causeway is killed", func() bool { return v.news.Causeway.Killed })
	v.until("something waits", func() bool { return v.news.Counts.Waiting > 0 })
	v.until("all have spoken and all is there", func() bool {
		return v.news.Talking == 0 && v.news.Counts.Said == 40 && v.news.Counts.Arrived == 40
	})
	c := v.stage.Counts()
	t.Logf("%d said, %d crossed, half within %.0f ms", c.Said, c.Crossed, c.Median)
	if c.Missing+c.Doubled+c.OutOfOrder > 0 || v.news.Mood != stage.Well || v.news.Problem != "" {
		t.Errorf("%s %+v %s", v.news.Mood, c, v.news.Problem)
	}
}

// TestFaultsHoldThingsUp says something while Causeway is killed, and while each fault is on; it waits and then crosses.
func TestFaultsHoldThingsUp(t *testing.T) {
	v := visit(t)
	throttled := func(on bool) { v.act("/api/fault", map[string]any{"name": stage.Throttle, "on": on}) }
	for _, c := range []struct {
		name string
		set  func(on bool)
	}{
		{"killed", func(on bool) { v.act("/api/causeway", map[string]any{"on": !on}) }},
		{"throttled", throttled},
		{"websocket cut", func(on bool) { v.act("/api/fault", map[string]any{"name": stage.Cut, "on": on}) }},
	} {
		c.set(true)
		id := v.act("/api/say", v.as(town.Left, 0, map[string]any{"text": "said while " + c.name}))
		v.until(c.name+": it waits, and the page says so", func() bool {
			return v.messages[town.Left][id].State == town.Waiting && v.news.Mood == stage.Upset && strings.Contains(v.news.Status, "1 message waits for Teams")
		})
		c.set(false)
		v.looks(town.Left, id, c.name+": it has crossed after all", func(m town.View) bool { return m.State == town.Settled && m.Twin != "" })
	}
	v.act("/api/fault", map[string]any{"name": stage.Lose, "on": true})
	v.say(town.Left, 0, "said while answers are lost", "")
	v.say(town.Left, 0, "and once more", "")
	if v.stage.LostAnswers() == 0 {
		t.Error("no answer was lost")
	}
	v.act("/api/fault", map[string]any{"name": stage.Lose, "on": false})
	v.until("all is well", func() bool { return v.news.Mood == stage.Well && v.news.Counts.Doubled == 0 })
	if status, _ := v.send("/api/fault", map[string]any{"name": "earthquake", "on": true}); status != http.StatusConflict {
		t.Errorf("an unknown fault: %d, want %d", status, http.StatusConflict)
	}
}

// TestConfigCanBeEdited changes how names are shown; then something that Causeway refuses, which the page must tell.
func TestConfigCanBeEdited(t *testing.T) {
	v := visit(t)
	config, err := v.stage.Operator.Config()
	if err != nil {
		t.Fatal(err)
	}
	v.act("/api/config", map[string]any{"text": strings.ReplaceAll(config, "{NICK} ({LABEL})", "{NICK} of {LABEL}"), "restart": true})
	_, copied := v.say(town.Left, 2, "who am I?", "") // mei, who has not connected
	v.looks(town.Right, copied, "the new config counts", says("mei of Mattermost"))

	v.act("/api/config", map[string]any{"text": "nonsense", "restart": true})
	v.until("the page says that Causeway has ended", func() bool {
		return v.news.Mood == stage.Broken && strings.Contains(v.news.Status, "ended by itself (exit status 1)")
	})
	v.act("/api/config", map[string]any{"text": config, "restart": true})
	v.say(town.Right, 0, "<p>and again</p>", "")
}

// TestStrangersAreKeptOut: a request that does not come from the page itself does nothing.
func TestStrangersAreKeptOut(t *testing.T) {
	v := visit(t)
	kill := map[string]any{"on": false}
	for name, c := range map[string]struct {
		change func(*http.Request)
		want   int
	}{
		"another origin": {func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }, http.StatusForbidden},
		"another port":   {func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1") }, http.StatusForbidden},
		"no origin":      {func(r *http.Request) { r.Header.Del("Origin") }, http.StatusForbidden},
		"another site":   {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, http.StatusForbidden},
		"another host":   {func(r *http.Request) { r.Host = "evil.example"; r.Header.Set("Origin", "http://evil.example") }, http.StatusMisdirectedRequest},
		"a form":         {func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, http.StatusUnsupportedMediaType},
		"without the key": {func(r *http.Request) {
			r.URL.Host = strings.Replace(r.URL.Host, "127.0.0.1", "localhost", 1)
			r.Host = r.URL.Host
			r.Header.Set("Origin", "http://"+r.Host)
		}, http.StatusForbidden},
		"with another address": {func(r *http.Request) { r.URL.Path = "/api/kill" }, http.StatusMethodNotAllowed},
	} {
		if status, text := v.send("/api/causeway", kill, c.change); status != c.want {
			t.Errorf("%s: %d %s, want %d", name, status, text, c.want)
		}
	}
	if state := v.stage.Operator.State(); !state.Running || state.Starts != 1 {
		t.Errorf("a stranger has got at Causeway: %+v", state)
	}
	for name, body := range map[string]map[string]any{
		"nobody":       {"side": 0, "person": "nobody", "conversation": "nowhere", "text": "hi"},
		"Causeway":     v.as(town.Right, 0, map[string]any{"text": "hi", "mentions": []string{"nobody"}}),
		"nothing":      v.as(town.Left, 0, map[string]any{"text": " \n"}),
		"far too much": v.as(town.Left, 0, map[string]any{"text": strings.Repeat("a", town.MaxText+1)}),
		"a third side": {"side": 2, "text": "hi"},
		"a riddle":     {"what": "is this?"},
	} {
		if status, text := v.send("/api/say", body); status < 400 || status >= 500 {
			t.Errorf("saying as %s: %d %s, want 4xx", name, status, text)
		}
	}
	if c := v.stage.Counts(); c.Said != 0 {
		t.Errorf("a stranger has spoken: %+v", c)
	}
}

// TestNothingIsSaidTooEarly: what is said before Causeway reads would not be carried.
func TestNothingIsSaidTooEarly(t *testing.T) {
	t.Parallel()
	acme, err := stage.NewAcme(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer acme.Close()
	s, err := stage.New(stage.Options{Program: program, Mattermost: acme.Mattermost()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p, err := page.Listen("127.0.0.1:0", s) // the stage is not run
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- p.Serve(ctx) }()
	v := enter(t, p, s)
	v.listen()
	v.until("it is known who is there", func() bool { return v.people[0] != nil && v.places[0] != nil })
	if status, text := v.send("/api/say", v.as(town.Left, 0, map[string]any{"text": "too early"})); status != http.StatusConflict {
		t.Errorf("%d %s, want %d", status, text, http.StatusConflict)
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestThePageIsForThisMachineAlone(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:80", "example.com:80", "nonsense"} {
		if p, err := page.Listen(address, nil); err == nil {
			t.Errorf("the page listens on %s: %s", address, p.URL())
		}
	}
}

// TestAnAccidentIsTold runs a program that is not Causeway.
func TestAnAccidentIsTold(t *testing.T) {
	for name, script := range map[string]string{"fails at once": "exit 3", "signs nobody in": "exit 0"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			other := filepath.Join(t.TempDir(), "causeway")
			if err := os.WriteFile(other, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			acme, err := stage.NewAcme(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer acme.Close()
			s, err := stage.New(stage.Options{Program: other, Mattermost: acme.Mattermost()})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Run(t.Context()); err == nil {
				t.Error("no error")
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}
