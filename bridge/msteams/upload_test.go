package msteams

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
	"causeway/contrib/sim/teams"
)

// sending is an upload of a text from elsewhere, which remembers how to go on.
type sending struct {
	bridge.Upload
	offsets []int64
}

func (w *simWorld) sending(name, text string) *sending {
	s := &sending{}
	s.Upload = bridge.Upload{
		Conversation: w.id(w.general), File: bridge.File{ID: "elsewhere", Name: name, Size: int64(len(text))},
		Open: func(_ context.Context, offset int64) (io.ReadCloser, error) {
			s.offsets = append(s.offsets, offset)
			return io.NopCloser(strings.NewReader(text[offset:])), nil
		},
		Progress: func(_ context.Context, resume string) error { s.Resume = resume; return nil },
	}
	return s
}

// largeText is of three fragments.
var largeText = strings.Repeat("0123456789abcdef", (2*fragment+1000)/16)

func inSim(t *testing.T, test func(w *simWorld, a *account)) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		test(w, w.connected())
	})
}

// TestAFileWhoseAnswerWasLostIsNotStoredTwice, however large it is.
func TestAFileWhoseAnswerWasLostIsNotStoredTwice(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		fault teams.Fault
		reads int
	}{
		"a small one":            {"hello", teams.Fault{Method: "PUT", Template: "/drives/*", Drop: true, AfterEffect: true}, 1},
		"a large one":            {largeText, teams.Fault{Method: "PUT", Template: "/upload/{id}", Skip: 2, Drop: true, AfterEffect: true}, 1},
		"a part of a large one":  {largeText, teams.Fault{Method: "PUT", Template: "/upload/{id}", Skip: 1, Drop: true, AfterEffect: true}, 2},
		"the session of one":     {largeText, teams.Fault{Method: "POST", Template: "/drives/*", Drop: true, AfterEffect: true}, 1},
		"a part that is refused": {largeText, teams.Fault{Method: "PUT", Template: "/upload/{id}", Skip: 1, Status: 503, RetryAfter: time.Second}, 2},
		"a part taken for twice": {largeText, teams.Fault{Method: "PUT", Template: "/upload/{id}", Skip: 1, Status: 416, AfterEffect: true}, 2},
		"a part behind another":  {largeText, teams.Fault{Method: "PUT", Template: "/upload/{id}", Skip: 1, Status: 409, Code: "resourceModified"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			inSim(t, func(w *simWorld, a *account) {
				u := w.sending("plan.txt", c.text)
				w.sim.Inject(c.fault)
				_, err := a.Upload(w.Context(), u.Upload)
				if err == nil || strings.Contains(err.Error(), "/upload/") || u.Resume != "" && strings.Contains(err.Error(), u.Resume) {
					t.Fatalf("the first attempt: %v", err)
				}
				u.Upload.Resume = u.Resume
				f, err := a.Upload(w.Context(), u.Upload)
				if err != nil {
					t.Fatal(err)
				}
				content, there := w.sim.Stored(f.URL)
				if !there {
					t.Fatalf("nothing lies at %s", f.URL)
				}
				if data, err := io.ReadAll(content); string(data) != c.text {
					t.Errorf("it has %d bytes (%v)", len(data), err)
				}
				if diff := cmp.Diff([]string{"plan.txt"}, w.sim.Folder(w.general)); diff != "" {
					t.Errorf("the folder (-want +got):\n%s", diff)
				}
				if len(u.offsets) != c.reads {
					t.Errorf("it was read from %v on, want %d times", u.offsets, c.reads)
				} else if c.reads > 1 && u.offsets[1] == 0 {
					t.Error("it has begun anew")
				}
			})
		})
	}
}

func TestAFileOfTheSameNameIsNeverReplaced(t *testing.T) {
	inSim(t, func(w *simWorld, a *account) {
		for _, name := range []string{"plan.txt", "plan (2).txt"} {
			if _, err := w.sim.PutFile(w.alice, w.general, name, []byte("alice's")); err != nil {
				t.Fatal(err)
			}
		}
		for _, text := range []string{"hello", largeText} {
			if _, err := a.Upload(w.Context(), w.sending("plan.txt", text).Upload); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]string{"plan (2).txt", "plan (3).txt", "plan (4).txt", "plan.txt"}, w.sim.Folder(w.general)); diff != "" {
			t.Errorf("the folder (-want +got):\n%s", diff)
		}
		// What looks like an earlier attempt of ours, and is not.
		u := w.sending("plan.txt", "alice's")
		u.Upload.Resume = `{"name":"plan.txt","by":"` + string(a.relayID()) + `","since":1}`
		f, err := a.Upload(w.Context(), u.Upload)
		if err != nil || f.Name != "plan (5).txt" {
			t.Errorf("%+v (%v)", f, err)
		}
	})
}

func TestWhatSharePointSaysOfFiles(t *testing.T) {
	for name, c := range map[string]struct {
		fault teams.Fault
		kind  bridge.Kind
		hint  string
	}{
		"throttled":            {teams.Fault{Template: "/upload/{id}", Status: 429, RetryAfter: 7 * time.Second}, bridge.Throttled, ""},
		"out of order":         {teams.Fault{Template: "/upload/{id}", Status: 503}, bridge.Transient, ""},
		"the session is over":  {teams.Fault{Template: "/upload/{id}", Status: 404}, bridge.Transient, ""},
		"the name is taken":    {teams.Fault{Template: "/upload/{id}", Skip: 2, Status: 409}, bridge.Transient, ""},
		"no folder yet":        {teams.Fault{Template: "/teams/{id}/channels/{id}/filesFolder", Status: 404}, bridge.Rejected, "the channel has no folder for files yet: somebody must open its tab Files once"},
		"no permission":        {teams.Fault{Template: "/teams/{id}/channels/{id}/filesFolder", Status: 403}, bridge.Unauthorised, "the relay account must be a member of the team, and of the channel when that is a private one"},
		"there is no room":     {teams.Fault{Template: "/drives/*", Status: 507}, bridge.Rejected, "there is no room left where Teams keeps such files"},
		"a token is not valid": {teams.Fault{Template: "/drives/*", Status: 401}, bridge.Unauthorised, "run: causeway login msteams.contoso"},
	} {
		t.Run(name, func(t *testing.T) {
			inSim(t, func(w *simWorld, a *account) {
				w.sim.Inject(c.fault)
				_, err := a.Upload(w.Context(), w.sending("x.bin", largeText).Upload)
				if err == nil || bridge.KindOf(err) != c.kind || bridge.HintOf(err) != c.hint {
					t.Errorf("%v is %v with %q, want %v with %q", err, bridge.KindOf(err), bridge.HintOf(err), c.kind, c.hint)
				}
				if c.fault.RetryAfter > 0 && bridge.AfterOf(err) != c.fault.RetryAfter {
					t.Errorf("it waits %v", bridge.AfterOf(err))
				}
			})
		})
	}
}

func TestAPersonWhoMayNotStoreFilesHasTheRelayStoreThem(t *testing.T) {
	inSim(t, func(w *simWorld, a *account) {
		w.app.SetRedirects(backURI)
		w.connects(a, w.alice)
		w.sim.Inject(teams.Fault{Method: "PUT", Template: "/drives/*", Status: 403})
		u := w.sending("x.txt", "hello")
		u.As = bridge.UserID(w.alice.ID)
		f, err := a.Upload(w.Context(), u.Upload)
		if err != nil {
			t.Fatal(err)
		}
		d := w.draft("")
		d.As, d.Files = u.As, []bridge.File{f}
		if _, err := a.Post(w.Context(), d); err != nil {
			t.Fatal(err)
		}
		seen := w.sim.Messages(w.general)[0]
		if seen.Author != w.alice || len(seen.Files) != 1 || string(seen.Files[0].Data) != "hello" {
			t.Errorf("it is %+v", seen)
		}
		if err := a.RemoveFile(w.Context(), u.Conversation, u.As, f); err != nil {
			t.Error(err)
		}
	})
}

func TestSmallPicturesStandInTheText(t *testing.T) {
	inSim(t, func(w *simWorld, a *account) {
		data := map[string][]byte{}
		var beside []bridge.File
		for n, c := range []struct {
			name, kind string
			size       int
			inText     bool
		}{
			{"image.png", "image/png", 900 << 10, true}, {"image.png", "image/png", 900 << 10, true}, {"photo.jpg", "image/jpeg; x=y", 700 << 10, true},
			{"more.png", "image/png", 200 << 10, false}, {"small.gif", "image/gif", 1000, true}, {"large.png", "image/png", pictureLimit + 1, false}, {"drawing.svg", "image/svg+xml", 100, false},
		} {
			u := w.sending(c.name, strings.Repeat(string(rune('a'+n)), c.size))
			u.File.ID, u.File.Type, u.Beside = c.name+string(rune('0'+n)), c.kind, beside
			f, err := a.Upload(w.Context(), u.Upload)
			if err != nil || isInText(f) != c.inText {
				t.Fatalf("%s of %d bytes: %+v (%v)", c.name, c.size, f, err)
			}
			data[f.ID] = []byte(strings.Repeat(string(rune('a'+n)), c.size))
			beside = append(beside, f)
		}
		d := w.draft("all of them")
		d.Files = beside
		d.Open = func(_ context.Context, f bridge.File) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(string(data[f.ID]))), nil
		}
		if _, err := a.Post(w.Context(), d); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range w.sim.Messages(w.general)[0].Files {
			names = append(names, f.Name)
		}
		slices.Sort(names)
		if diff := cmp.Diff([]string{"drawing.svg", "image (2).png", "image.png", "large.png", "more.png", "photo.jpg", "small.gif"}, names); diff != "" {
			t.Errorf("it shows (-want +got):\n%s", diff)
		}
		d.Open = func(context.Context, bridge.File) (io.ReadCloser, error) {
			return nil, &bridge.Error{Kind: bridge.Gone, Err: io.ErrUnexpectedEOF}
		}
		if _, err := a.Post(w.Context(), d); bridge.KindOf(err) != bridge.Rejected || !slices.Equal(bridge.FilesOf(err), []string{beside[0].ID}) {
			t.Errorf("a picture that is gone: %v, files %v", err, bridge.FilesOf(err))
		}
	})
}

func TestNamesThatSharePointTakes(t *testing.T) {
	for name, want := range map[string]string{
		"plan.txt": "plan.txt", "a:b*c?.txt": "a_b_c_.txt", " lead and trail. ": "lead and trail", "CON": "file CON", "com1.txt": "file com1.txt",
		"~$doc.docx": "file doc.docx", "": "file", "...": "file", "a\tb\n": "a_b_", "x_vti_y": "file x_y", "größe & co #1%.pdf": "größe & co #1%.pdf",
		strings.Repeat("ü", 300) + ".pdf": strings.Repeat("ü", 116) + ".pdf",
	} {
		if got := storedName(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}

func TestWithoutThePermissionFilesAreLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, teams.Options{})
		w.settings.NoFiles = true
		a := w.connected()
		if can := a.Capabilities(); can.Files {
			t.Errorf("%+v", can)
		}
		if strings.Contains(a.relayScopes(), writeFiles) || slices.Contains(a.needs(true, false), writeFiles) {
			t.Errorf("it asks for %s", a.relayScopes())
		}
		if _, err := a.Upload(w.Context(), w.sending("x", "y").Upload); bridge.KindOf(err) != bridge.Unsupported {
			t.Error(err)
		}
	})
}

// TestWhoSignedInBeforeFilesWereCarriedStaysSignedIn although nobody has consented to what files need: the relay account and people. Only files
// do not cross.
func TestWhoSignedInBeforeFilesWereCarriedStaysSignedIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := peopleWorld(t, teams.Options{})
		without := slices.DeleteFunc(permissions(true), func(p string) bool { return p == writeFiles })
		w.app.SetScopes(without...)
		_, refresh := w.sim.SignIn(w.app, w.relay, without...)
		w.vault.put(t, relayVaultName, relayLogin{RefreshToken: refresh})
		w.settings.NoFiles = true
		alice := w.connects(w.connected(), w.alice)
		w.settings.NoFiles = false
		a := w.connected()
		if _, err := a.Post(t.Context(), w.draftAs(alice, "as alice")); err != nil {
			t.Errorf("as a person: %v", err)
		}
		if _, err := a.Post(t.Context(), w.draftAs("", "as the relay")); err != nil {
			t.Errorf("as the relay: %v", err)
		}
		for _, as := range []bridge.UserID{alice, ""} {
			u := w.sending("plan.txt", "a plan").Upload
			u.As = as
			_, err := a.Upload(t.Context(), u)
			if bridge.KindOf(err) != bridge.Rejected || !strings.Contains(bridge.HintOf(err), writeFiles) {
				t.Errorf("a file as %q: %v", as, err)
			}
		}
		w.do(a.Verify(t.Context(), alice))
	})
}

// TestNoTokenGoesToAddressesForBytes: the stand-in refuses it, and so does Microsoft.
func TestNoTokenGoesToAddressesForBytes(t *testing.T) {
	inSim(t, func(w *simWorld, a *account) {
		if _, err := a.Upload(w.Context(), w.sending("x.bin", largeText).Upload); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, r := range w.sim.Requests() {
			if strings.HasPrefix(r.Path, "/upload/") {
				if n++; r.Status >= http.StatusBadRequest {
					t.Errorf("%s %s: %d", r.Method, r.Template, r.Status)
				}
			}
		}
		if n != 3 {
			t.Errorf("%d fragments, want 3", n)
		}
	})
}
