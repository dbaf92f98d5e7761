package store

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causeway/bridge"
)

// TestWhatIsKeptOfFilesIsSealed: neither names nor addresses can be read out of the database, and another key opens them when they were
// sealed with it anew.
func TestWhatIsKeptOfFilesIsSealed(t *testing.T) {
	path, keyFile, keys := locked(t)
	s, err := Open(t.Context(), path, keys, Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := File{Origin: bridge.File{ID: "f1", Name: "Salaries.xlsx", Size: 12, URL: "https://origin.example/Salaries"}, Writer: "ann", Resume: "https://upload.example/pass"}
	here := bridge.File{ID: "h1", Name: "Salaries.xlsx", Size: 12, URL: "https://here.example/Salaries"}
	err = s.do(t.Context(), func(x *tx) error {
		c, err := x.conversation(bridge.ConversationID{Server: "s", Channel: "c"})
		if err != nil {
			return err
		}
		if err := x.exec("INSERT INTO messages (id, origin, origin_id, created) VALUES (1, $1, 'm', 1)", c); err != nil {
			return err
		}
		return x.exec("INSERT INTO instances (id, message, conversation, origin, phase) VALUES (1, 1, $1, 0, 0)", c)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.FileProgress(t.Context(), 1, f); err != nil {
		t.Fatal(err)
	}
	load := func(s *Store) []File {
		t.Helper()
		w := &Work{Instance: 1, Message: Message{Deleted: true}}
		if err := s.do(t.Context(), func(x *tx) error {
			w.Files = nil
			return (&lane{tx: x, name: bridge.ConversationID{Server: "s"}}).loadFiles(w)
		}); err != nil {
			t.Fatal(err)
		}
		for i := range w.Files {
			w.Files[i].id = 0
		}
		return w.Files
	}
	if diff := cmp.Diff([]File{f}, load(s), cmp.AllowUnexported(File{})); diff != "" {
		t.Errorf("on its way (-want +got):\n%s", diff)
	}
	f.Here = here
	err = s.do(t.Context(), func(x *tx) error {
		return (&lane{tx: x}).carried(&Outcome{Work: &Work{Instance: 1}, Step: Step{Op: Carry, File: f}})
	})
	if err = errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || bytes.Contains(text, []byte("Salaries")) || bytes.Contains(text, []byte("upload.example")) {
		t.Errorf("the database tells what files are called (%v)", err)
	}
	if n, err := Rekey(t.Context(), path, keyFile, Options{}); n != 4 || err != nil {
		t.Fatalf("%d sealed (%v)", n, err)
	}
	again := opens(t, path, keyFile)
	if s, err = Open(t.Context(), path, again, Options{}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f.State, f.Resume = FileThere, ""
	if diff := cmp.Diff([]File{f}, load(s), cmp.AllowUnexported(File{})); diff != "" {
		t.Errorf("there, with another key (-want +got):\n%s", diff)
	}
}
