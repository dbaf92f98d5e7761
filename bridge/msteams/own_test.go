package msteams

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/contrib/sim/teams"
)

// ownMessage is one that Alice has written in Teams, with everything that can stand around the words.
func (w *simWorld) ownMessage() bridge.MessageID {
	w.Helper()
	picture := base64.StdEncoding.EncodeToString([]byte("a picture"))
	text := fmt.Sprintf(`{"importance":"high","subject":"Lunch","body":{"contentType":"html","content":"<attachment id=\"q\"></attachment><p>at one</p><img src=\"../hostedContents/1/$value\"><attachment id=\"f\"></attachment><attachment id=\"c\"></attachment>"},
		"attachments":[{"id":"q","contentType":"messageReference","content":"{\"messagePreview\":\"when?\",\"messageSender\":{\"user\":{\"displayName\":\"Bob\"}}}"},
		{"id":"f","contentType":"reference","contentUrl":"https://contoso.example/menu.pdf","name":"menu.pdf"},
		{"id":"c","contentType":"application/vnd.microsoft.card.adaptive","content":"{\"title\":\"Menu\"}"}],
		"hostedContents":[{"@microsoft.graph.temporaryId":"1","contentBytes":%q,"contentType":"image/png"}]}`, picture)
	access, _ := w.sim.SignIn(w.app, w.alice, permissions(true)...)
	r, err := http.NewRequest(http.MethodPost, simURL+"/v1.0/teams/"+w.team.ID+"/channels/"+url.PathEscape(w.general.ID)+"/messages", strings.NewReader(text))
	w.do(err)
	r.Header.Set("Authorization", "Bearer "+access)
	r.Header.Set("Content-Type", "application/json")
	answer, err := w.sim.Transport().RoundTrip(r)
	w.do(err)
	defer answer.Body.Close()
	var made posted
	w.do(json.NewDecoder(answer.Body).Decode(&made))
	if made.ID == "" {
		w.Fatalf("answered %d", answer.StatusCode)
	}
	return bridge.MessageID(made.ID)
}

func TestOwnMessagesKeepTheirFiles(t *testing.T) {
	w := peopleWorld(t, teams.Options{})
	w.settings.PollInterval, w.settings.PostInterval = "1ms", "1ms" // in real time
	a := w.connected()
	alice := w.connects(a, w.alice)
	read := func(id bridge.MessageID) bridge.State {
		s, err := a.Read(t.Context(), w.id(w.general), id)
		w.do(err)
		return s
	}
	edit := func(id bridge.MessageID, text richtext.Doc) bridge.State {
		w.do(a.Edit(t.Context(), id, bridge.Draft{Conversation: w.id(w.general), As: alice, Text: text}))
		return read(id)
	}
	for name, change := range map[string]func(text richtext.Doc) richtext.Doc{
		"the words":             func(text richtext.Doc) richtext.Doc { text[3] = paragraph(words("at two")); return text },
		"nothing":               func(text richtext.Doc) richtext.Doc { return text },
		"no words":              func(text richtext.Doc) richtext.Doc { return slices.Delete(text, 3, 4) },
		"the subject":           func(text richtext.Doc) richtext.Doc { text[1].Runs[0].Text = "Dinner"; return text },
		"no importance":         func(text richtext.Doc) richtext.Doc { return text[1:] },
		"no subject, no quote":  func(text richtext.Doc) richtext.Doc { return text[3:] },
		"no card":               func(text richtext.Doc) richtext.Doc { return text[:len(text)-1] },
		"something quite other": func(richtext.Doc) richtext.Doc { return richtext.Plain("sorry") },
	} {
		t.Run(name, func(t *testing.T) {
			id := w.ownMessage()
			was := read(id)
			if len(was.Text) != 5 || len(was.Files) != 2 {
				t.Fatalf("at first it says %s with %d files", was.Text.PlainText(), len(was.Files))
			}
			want := richtext.Normalize(change(read(id).Text))
			is := edit(id, want)
			if diff := cmp.Diff(want, is.Text); diff != "" {
				t.Errorf("the text (-want +got): %s", diff)
			}
			if diff := cmp.Diff(was.Files, is.Files); diff != "" {
				t.Errorf("the files (-want +got): %s", diff)
			}
			if is.Author.ID != alice || is.Key != "" {
				t.Errorf("it is by %s with the key %q", is.Author.ID, is.Key)
			}
		})
	}
	plain, err := w.sim.Say(w.alice, w.general, "just text", teams.Plain())
	w.do(err)
	if is := edit(bridge.MessageID(plain), richtext.Plain("more <text>")); is.Text.PlainText() != "more <text>" {
		t.Errorf("plain text became %s", is.Text.PlainText())
	}
	w.do(w.sim.Delete(w.alice, w.general, plain))
	isOf(t, "editing what is deleted", a.Edit(t.Context(), bridge.MessageID(plain), bridge.Draft{Conversation: w.id(w.general), As: alice, Text: richtext.Plain("x")}), bridge.Gone, bridge.ScopeConversation)
	theirs, err := w.sim.Say(w.bob, w.general, "<p>mine</p>")
	w.do(err)
	isOf(t, "editing another's", a.Edit(t.Context(), bridge.MessageID(theirs), bridge.Draft{Conversation: w.id(w.general), As: alice, Text: richtext.Plain("x")}), bridge.Unsupported, bridge.ScopePerson)
	empty, err := w.sim.Say(w.alice, w.general, "<p>x</p>")
	w.do(err)
	if is := edit(bridge.MessageID(empty), nil); strings.TrimSpace(is.Text.PlainText()) != "" {
		t.Errorf("nothing became %q", is.Text.PlainText())
	}
}

// TestOwnMessagesKeepTheirSnippets, whether their code could be read when the text was made, can be when it is changed, both, or neither.
func TestOwnMessagesKeepTheirSnippets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := peopleWorld(t, teams.Options{})
		a := w.connected()
		alice, c := w.connects(a, w.alice), w.id(w.general)
		fail := func() (end func()) {
			return w.sim.Inject(teams.Fault{Template: "/teams/{id}/channels/{id}/messages/{id}/hostedContents/{id}/$value", Status: 503, Times: -1})
		}
		for _, was := range []bool{true, false} {
			for _, is := range []bool{true, false} {
				made, err := w.sim.Say(w.alice, w.general, "<p>see</p>", teams.WithSnippet("go", "func a() {}"), teams.WithSnippet("go", strings.Repeat("long\n", 20_000)), teams.WithSnippet("", "b"))
				w.do(err)
				id, end := bridge.MessageID(made), func() {}
				if !was {
					end = fail()
				}
				s, err := a.Read(t.Context(), c, id)
				w.do(err)
				end()
				if code := s.Text[1].Kind == richtext.Code; len(s.Text) != 4 || code != was {
					t.Fatalf("at first it says %+v", s.Text)
				}
				s.Text[0] = paragraph(words("look"))
				if end = func() {}; !is {
					end = fail()
				}
				edit := func() error { return a.Edit(t.Context(), id, bridge.Draft{Conversation: c, As: alice, Text: s.Text}) }
				err = edit()
				end()
				if was && !is {
					isOf(t, "what may be the code", err, bridge.Transient, bridge.ScopeConversation)
					err = edit()
				}
				w.do(err)
				s, err = a.Read(t.Context(), c, id)
				w.do(err)
				want := richtext.Doc{paragraph(words("look")), {Kind: richtext.Code, Language: "go", Text: "func a() {}"}, paragraph(words("[code snippet: snippet]")), {Kind: richtext.Code, Text: "b"}}
				if diff := cmp.Diff(want, s.Text); diff != "" || len(s.Files) != 1 {
					t.Errorf("readable at first: %v, then: %v: with %d files (-want +got):\n%s", was, is, len(s.Files), diff)
				}
			}
		}
	})
}
