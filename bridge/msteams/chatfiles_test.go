package msteams

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/bridge/richtext"
	"causeway/contrib/sim/teams"
)

// sendingIn is an upload as Alice for a chat with Bob.
func (w *chatWorld) sendingIn(c *teams.Channel, name, text string) *sending {
	u := w.sending(name, text)
	u.Conversation, u.As, u.Members = w.idOf(c), w.aliceID, []bridge.UserID{w.aliceID, w.bobID}
	return u
}

// TestFilesOfChatsAreSharedWithTheMembersAlone in the OneDrive of who sends them, whatever its size; a lost answer makes no second one.
func TestFilesOfChatsAreSharedWithTheMembersAlone(t *testing.T) {
	for name, text := range map[string]string{"small": "hello", "large": largeText} {
		t.Run(name, func(t *testing.T) {
			inChatWorld(t, teams.Options{}, func(w *chatWorld) {
				t, a, chat := w.TB, w.account, w.tenant.AddGroupChat("", w.alice, w.bob, w.carla) // Carla has come meanwhile
				u := w.sendingIn(chat, "plan: a.txt", text)
				w.sim.Inject(teams.Fault{Template: "/drives/{id}/items/{id}/invite", Drop: true, AfterEffect: true})
				if _, err := a.Upload(t.Context(), u.Upload); bridge.KindOf(err) != bridge.Uncertain {
					t.Fatalf("the answer is lost: %v (%v)", err, bridge.KindOf(err))
				}
				f, err := a.Upload(t.Context(), u.Upload)
				w.do(err)
				want := bridge.File{ID: f.ID, Name: "plan_ a.txt", Size: int64(len(text)), URL: f.URL}
				if cmp.Diff(want, f) != "" || !strings.HasSuffix(f.URL, "/Documents/Microsoft%20Teams%20Chat%20Files/plan_%20a.txt") {
					t.Errorf("it is %+v", f)
				}
				if got := w.sim.ChatFiles(w.alice); cmp.Diff([]string{"plan_ a.txt: Bob Brown"}, got) != "" {
					t.Errorf("it is shared as %q", got)
				}
				for u, can := range map[*teams.User]bool{w.alice: true, w.bob: true, w.carla: false, w.relay: false, w.owner: false} {
					if w.sim.CanRead(u, f.URL) != can {
						t.Errorf("%s reads it: %v", u.Name, !can)
					}
				}
				w.do(a.RemoveFile(t.Context(), u.Conversation, w.aliceID, f))
				if got := w.sim.ChatFiles(w.alice); len(got) > 0 {
					t.Errorf("what is removed is %q", got)
				}
			})
		})
	}
}

// TestAMessageOfAChatShowsItsFiles, an answer too, and an edit keeps and changes them.
func TestAMessageOfAChatShowsItsFiles(t *testing.T) {
	inChatWorld(t, teams.Options{}, func(w *chatWorld) {
		t, a, chat := w.TB, w.account, w.tenant.AddChat(w.alice, w.bob)
		said, err := w.sim.Say(w.bob, chat, "<p>root</p>")
		w.do(err)
		root := bridge.MessageID(said)
		one, err := a.Upload(t.Context(), w.sendingIn(chat, "one.txt", "first").Upload)
		w.do(err)
		picture := w.sendingIn(chat, "shot.png", "not really a picture")
		picture.File.Type, picture.Beside = "image/png", []bridge.File{one}
		two, err := a.Upload(t.Context(), picture.Upload)
		w.do(err)
		d := w.draftIn(chat, w.aliceID, "see")
		d.Root, d.Files = root, []bridge.File{one, two}
		d.Open = func(ctx context.Context, _ bridge.File) (io.ReadCloser, error) { return picture.Open(ctx, 0) }
		id, err := a.Post(t.Context(), d)
		w.do(err)
		shows := func(want ...string) {
			t.Helper()
			m, _ := w.sim.Message(chat, string(id))
			var got []string
			for _, f := range m.Files {
				got = append(got, f.Name+": "+string(f.Data))
			}
			if cmp.Diff(want, got) != "" {
				t.Errorf("it shows %q", got)
			}
			s, err := a.Read(t.Context(), d.Conversation, id)
			if w.do(err); s.Root != root || len(s.Files) != len(want) || s.Key != d.Key {
				t.Errorf("it is read as %+v", s)
			}
		}
		shows("one.txt: first", "shot.png: not really a picture")
		d.Text = richtext.Plain("changed")
		w.do(a.Edit(t.Context(), id, d))
		shows("one.txt: first", "shot.png: not really a picture")
		d.Files = d.Files[1:]
		w.do(a.Edit(t.Context(), id, d))
		shows("shot.png: not really a picture")
	})
}

// TestWhatSomebodysOneDriveRefuses is no reason to hold back what they say: the message goes out without the file, which stays nowhere.
func TestWhatSomebodysOneDriveRefuses(t *testing.T) {
	const invite = "/drives/{id}/items/{id}/invite"
	for name, c := range map[string]struct {
		fault   teams.Fault
		prepare func(w *chatWorld, u *sending)
		hint    string
	}{
		"there is none":           {prepare: func(w *chatWorld, _ *sending) { w.alice.SetOneDrive(false) }, hint: "its sender has no OneDrive, where Teams keeps the files of conversations"},
		"storing is forbidden":    {fault: teams.Fault{Method: "PUT", Template: "/drives/*", Status: 403}, hint: "its sender's OneDrive does not let Causeway store it"},
		"sharing is forbidden":    {fault: teams.Fault{Template: invite, Status: 403}, hint: "its sender's OneDrive does not let it be shared with everybody in the conversation"},
		"somebody is not known":   {prepare: func(_ *chatWorld, u *sending) { u.Members = append(u.Members, "stranger") }, hint: "its sender's OneDrive does not let it be shared with everybody in the conversation"},
		"it is full":              {fault: teams.Fault{Method: "PUT", Template: "/drives/*", Status: 507}, hint: "there is no room left where Teams keeps such files"},
		"the relay account sends": {prepare: func(_ *chatWorld, u *sending) { u.As = "" }, hint: "in direct and group conversations files can be sent as connected people only"},
	} {
		t.Run(name, func(t *testing.T) {
			inChatWorld(t, teams.Options{}, func(w *chatWorld) {
				u := w.sendingIn(w.tenant.AddChat(w.alice, w.bob), "plan.txt", "hello")
				if c.fault.Status > 0 {
					w.sim.Inject(c.fault)
				}
				if c.prepare != nil {
					c.prepare(w, u)
				}
				_, err := w.account.Upload(w.Context(), u.Upload)
				if bridge.KindOf(err) != bridge.Rejected || err == nil || bridge.HintOf(err) != c.hint {
					w.Errorf("%v is %v with %q", err, bridge.KindOf(err), bridge.HintOf(err))
				}
				if got := w.sim.ChatFiles(w.alice); len(got) > 0 {
					w.Errorf("there stays %q", got)
				}
			})
		})
	}
}

// TestSharingThatSucceedsForSomeOnly is told with status 207, which is no error by itself.
func TestSharingThatSucceedsForSomeOnly(t *testing.T) {
	inChatWorld(t, teams.Options{}, func(w *chatWorld) {
		w.wire.replace(func(next http.RoundTripper) http.RoundTripper {
			return roundTrip(func(r *http.Request) (*http.Response, error) {
				answer, err := next.RoundTrip(r)
				if err == nil && strings.HasSuffix(r.URL.Path, "/invite") {
					answer.StatusCode, answer.Body = http.StatusMultiStatus, io.NopCloser(strings.NewReader(`{"value":[{"id":"1","roles":["read"]},{"error":{"code":"notAllowed","message":"no"}}]}`))
				}
				return answer, err
			})
		})
		_, err := w.account.Upload(w.Context(), w.sendingIn(w.tenant.AddChat(w.alice, w.bob), "plan.txt", "hello").Upload)
		if bridge.KindOf(err) != bridge.Rejected || bridge.HintOf(err) == "" {
			w.Errorf("%v is %v", err, bridge.KindOf(err))
		}
	})
}

// TestFilesOfChatsAreReadAsTheirSender, or else as another member, but then nothing that is not the sender's.
func TestFilesOfChatsAreReadAsTheirSender(t *testing.T) {
	inChatWorld(t, teams.Options{}, func(w *chatWorld) {
		t, a, chat := w.TB, w.account, w.tenant.AddGroupChat("", w.alice, w.bob, w.carla)
		own := func(u *teams.User, name string, readers ...*teams.User) teams.File {
			f, err := w.sim.PutOwnFile(u, name, []byte("hello"), readers...)
			w.do(err)
			return f
		}
		attached := func(u *teams.User, name string) teams.File {
			f, err := w.sim.PutChatFile(u, chat, name, []byte("hello"))
			w.do(err)
			return f
		}
		hers := attached(w.alice, "alice.txt")
		for name, c := range map[string]struct {
			by   *teams.User
			file teams.File
			kind bridge.Kind
			hint string
		}{
			"connected":                          {by: w.alice, file: hers},
			"not connected":                      {by: w.carla, file: attached(w.carla, "carla.txt")},
			"of somebody else":                   {by: w.carla, file: hers, kind: bridge.Unsupported, hint: "it is not the sender's own"},
			"shared with nobody":                 {by: w.carla, file: own(w.carla, "secret.txt"), kind: bridge.Unsupported, hint: "nobody of the conversation is connected who could read it"},
			"shared with the second":             {by: w.carla, file: own(w.carla, "half.txt", w.bob)},
			"of somebody else, and not for them": {by: w.alice, file: own(w.owner, "boss.txt"), kind: bridge.Unsupported, hint: "nobody of the conversation is connected who could read it"},
			"removed":                            {by: w.alice, file: teams.File{ID: hers.ID, Name: "x", URL: hers.URL + "x"}, kind: bridge.Gone},
		} {
			id, err := w.sim.Say(c.by, chat, "<p>see</p>", teams.WithFiles(c.file))
			w.do(err)
			s, err := a.Read(t.Context(), w.idOf(chat), bridge.MessageID(id))
			w.do(err)
			body, known, err := a.Open(t.Context(), w.idOf(chat), s.Files[0], 1)
			if err != nil {
				if c.file.Name == "" || bridge.KindOf(err) != c.kind || bridge.HintOf(err) != c.hint {
					t.Errorf("%s: %v (%v, %q)", name, err, bridge.KindOf(err), bridge.HintOf(err))
				}
				continue
			}
			data, err := io.ReadAll(body)
			body.Close()
			if want := (bridge.File{ID: s.Files[0].ID, Name: c.file.Name, URL: c.file.URL, Size: 5, Type: "text/plain"}); err != nil || string(data) != "ello" || cmp.Diff(want, known) != "" || c.hint != "" {
				t.Errorf("%s: %q (%v) of %+v", name, data, err, known)
			}
			time.Sleep(time.Second)
		}
	})
}
