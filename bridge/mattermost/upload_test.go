package mattermost_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
	"causeway/bridge/richtext"
	sim "causeway/contrib/sim/mattermost"
)

// sending is an upload of a text from elsewhere.
func sending(c bridge.ConversationID, name, text string) bridge.Upload {
	return bridge.Upload{
		Conversation: c, File: bridge.File{ID: "elsewhere", Name: name, Size: int64(len(text))},
		Open: func(_ context.Context, offset int64) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(text[offset:])), nil
		},
		Progress: func(context.Context, string) error { return nil },
	}
}

func TestAPostWithoutItsFilesIsTakenBack(t *testing.T) {
	w := newBench(t, sim.Options{})
	b := w.account
	f, err := b.Upload(w.Context(), sending(w.conv, "x.txt", "hello"))
	w.must(err)
	d := bridge.Draft{Conversation: w.conv, Author: bridge.Author{Name: "Carla"}, Text: richtext.Plain("see"), Files: []bridge.File{f}, Key: "k1"}
	_, err = b.Post(w.Context(), d)
	w.must(err)
	d.Key = "k2" // the file stands in the first post
	_, err = b.Post(w.Context(), d)
	if bridge.KindOf(err) != bridge.Rejected || !slices.Equal(bridge.FilesOf(err), []string{f.ID}) {
		t.Errorf("posting what cannot be shown: %v, files %v", err, bridge.FilesOf(err))
	}
	if n := len(w.sim.Posts(w.channel)); n != 1 {
		t.Errorf("%d posts are there, want 1", n)
	}
}

func TestWhatTheServerSaysOfFiles(t *testing.T) {
	for name, c := range map[string]struct {
		options sim.Options
		fault   sim.Fault
		kind    bridge.Kind
		hint    string
	}{
		"switched off":     {options: sim.Options{NoFiles: true}, kind: bridge.Rejected, hint: "files are switched off on that Mattermost server"},
		"too large":        {options: sim.Options{MaxFileSize: 3 << 20}, kind: bridge.Rejected, hint: "it is larger than the 3 MB that Mattermost takes there"},
		"too many pixels":  {fault: sim.Fault{Path: "/uploads", Status: 400, ErrorID: "app.upload.upload_data.large_image.app_error"}, kind: bridge.Rejected, hint: "the picture has more pixels than Mattermost takes there"},
		"a plugin":         {fault: sim.Fault{Path: "/uploads", Status: 400, ErrorID: "app.upload.run_plugins_hook.rejected"}, kind: bridge.Rejected, hint: "a plugin of that Mattermost server does not take it"},
		"a proxy":          {fault: sim.Fault{Path: "/uploads", Status: 413, Plain: "too large"}, kind: bridge.Rejected},
		"under way":        {fault: sim.Fault{Path: "/uploads", Skip: 1, Status: 400, ErrorID: "app.upload.upload_data.concurrent.app_error"}, kind: bridge.Transient},
		"the server fails": {fault: sim.Fault{Path: "/uploads", Status: 500, ErrorID: "x"}, kind: bridge.Uncertain},
	} {
		t.Run(name, func(t *testing.T) {
			w := newBench(t, c.options)
			b := w.account
			if c.fault.Status != 0 {
				w.sim.Inject(c.fault)
			}
			_, err := b.Upload(w.Context(), sending(w.conv, "x.bin", strings.Repeat("x", 6<<20)))
			if err == nil || bridge.KindOf(err) != c.kind || c.hint != "" && bridge.HintOf(err) != c.hint {
				t.Errorf("%v is %v, want %v with %q", err, bridge.KindOf(err), c.kind, c.hint)
			}
		})
	}
}

func TestAnUploadThatTheServerHasForgottenBeginsAnew(t *testing.T) {
	w := newBench(t, sim.Options{})
	b := w.account
	u := sending(w.conv, "x.bin", strings.Repeat("x", 6<<20))
	u.Resume = model.NewId()
	stored := ""
	u.Progress = func(_ context.Context, resume string) error { stored = resume; return nil }
	f, err := b.Upload(w.Context(), u)
	if err != nil || f.Size != 6<<20 || stored == u.Resume || stored == "" {
		t.Errorf("%+v, resume %q (%v)", f, stored, err)
	}
	broken := errors.New("cannot be stored")
	u.Progress = func(context.Context, string) error { return broken }
	if _, err := b.Upload(w.Context(), u); !errors.Is(err, broken) {
		t.Errorf("what cannot go on must not begin: %v", err)
	}
}

func TestAnEmptyFileAndOddNames(t *testing.T) {
	w := newBench(t, sim.Options{})
	b := w.account
	for name, want := range map[string]string{
		"empty.txt": "empty.txt", "../../etc/passwd": ".._.._etc_passwd", "a\x00b\n.txt": "a_b_.txt", "": "file", "..": "file",
		strings.Repeat("ä", 300) + ".tar.gz": strings.Repeat("ä", 197) + ".gz",
	} {
		f, err := b.Upload(w.Context(), sending(w.conv, name, ""))
		if err != nil || f.Name != want || f.Size != 0 {
			t.Errorf("%q: %+v (%v), want %q", name, f, err, want)
		}
	}
}

func TestAServerWithoutRanges(t *testing.T) {
	w := newBench(t, sim.Options{})
	id, err := w.sim.PostFiles("alice", w.channel, "see", sim.Attachment{Name: "x.txt", Data: []byte("0123456789")})
	w.must(err)
	post, _, err := w.sim.Client(w.sim.Token("alice")).GetPost(w.Context(), id, "")
	w.must(err)
	plain := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		r.Header.Del("Range")
		w.sim.ServeHTTP(out, r)
	}))
	defer plain.Close()
	w.connect(plain.URL)
	defer w.account.Close()
	body, f, err := w.account.Open(w.Context(), w.conv, bridge.File{ID: post.FileIds[0], Size: -1}, 7)
	w.must(err)
	defer body.Close()
	if data, err := io.ReadAll(body); string(data) != "789" || err != nil || f.Size != 10 {
		t.Errorf("%q of %d (%v)", data, f.Size, err)
	}
}

// TestAFileIsNotRefusedByAServerThatCannotTell: one without its database says that the bot may not upload. It is tried again then, unless the bot's roles say so, too.
func TestAFileIsNotRefusedByAServerThatCannotTell(t *testing.T) {
	w := newBench(t, sim.Options{})
	refusal := w.sim.Inject(sim.Fault{Path: "/files", Status: 403, ErrorID: "api.context.permissions.app_error", Times: -1})
	_, err := w.account.Upload(w.Context(), sending(w.conv, "x.txt", "hello"))
	if bridge.KindOf(err) != bridge.Transient {
		t.Errorf("%v (%v)", err, bridge.KindOf(err))
	}
	refusal.Cancel()
	_, err = w.account.Upload(w.Context(), sending(w.conv, "x.txt", "hello"))
	w.must(err)
}
