package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// locked is a store with a token and a walk under way, and the key file that opens it.
func locked(t *testing.T) (path, keyFile string, keys Keys) {
	t.Helper()
	folder := t.TempDir()
	path, keyFile = filepath.Join(folder, "causeway.db"), filepath.Join(folder, "causeway.key")
	keys, err := LoadKeys(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), path, keys, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Vault("msteams.contoso").Save(t.Context(), "relay", []byte("the token")), s.BeginWalk(t.Context(), aWalk("w1", "ann")), s.Close()); err != nil {
		t.Fatal(err)
	}
	return path, keyFile, keys
}

// opens tells whether the key file opens the store and the token, and gives the key.
func opens(t *testing.T, path, keyFile string) Keys {
	t.Helper()
	keys, err := LoadKeys(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), path, keys, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got, err := s.Vault("msteams.contoso").Load(t.Context(), "relay"); string(got) != "the token" || err != nil {
		t.Errorf("the token is %q, %v", got, err)
	}
	walk, err := s.Walk(t.Context(), "w1")
	if errors.Is(err, ErrNoWalk) { // ended, so that what was given on it is given back
		var ended []Walk
		if ended, err = s.EndedWalks(t.Context()); len(ended) == 1 {
			walk = ended[0]
		}
	}
	if string(walk.Progress) != "progress of w1" || err != nil {
		t.Errorf("the walk has %q, %v", walk.Progress, err)
	}
	return keys
}

func TestRekeyingKeepsWhatIsStoredAndTheMarksOfOwnPosts(t *testing.T) {
	path, keyFile, first := locked(t)
	for range 2 {
		if n, err := Rekey(t.Context(), path, keyFile, Options{}); n != 2 || err != nil {
			t.Fatalf("%d sealed, %v", n, err)
		}
	}
	keys := opens(t, path, keyFile)
	if bytes.Equal(keys.text.seal, first.text.seal) || !bytes.Equal(keys.post, first.post) || len(keys.former) != 0 {
		t.Error("the key is the old one, or the marks have changed, or former keys stay")
	}
	if info, err := os.Stat(keyFile); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := Open(t.Context(), path, first, Options{}); err == nil {
		t.Error("the former key still opens the store")
	}
}

func TestRekeyingThatIsKilledLeavesAStoreThatOpensAndGoesOn(t *testing.T) {
	crash := errors.New("killed")
	for name, o := range map[string]Options{
		"before the commit": {BeforeCommit: func() error { return crash }},
		"after the commit":  {AfterCommit: func() error { return crash }},
	} {
		t.Run(name, func(t *testing.T) {
			path, keyFile, first := locked(t)
			if _, err := Rekey(t.Context(), path, keyFile, o); !errors.Is(err, crash) {
				t.Fatalf("got %v", err)
			}
			if keys := opens(t, path, keyFile); len(keys.former) != 1 || !bytes.Equal(keys.post, first.post) {
				t.Errorf("%d former keys", len(keys.former))
			}
			if _, err := Rekey(t.Context(), path, keyFile, Options{}); err != nil {
				t.Fatal(err)
			}
			if keys := opens(t, path, keyFile); len(keys.former) != 0 {
				t.Errorf("%d former keys", len(keys.former))
			}
		})
	}
}

func TestAKeyTextIsReadStrictlyAndNeverShown(t *testing.T) {
	one, two := strings.TrimSpace(keyText{seal: newSecret()}.String()), strings.TrimSpace(keyText{seal: newSecret()}.String())
	for text, ok := range map[string]bool{
		one: true, " " + one + "\n": true, one + " marks:" + two: true, one + "\nmarks:" + two + "\nformer:" + one + " former:" + two: true,
		"": false, "marks:" + one: false, "former:" + one: false, one + " " + two: false, one[:40]: false, one + " marks:": false, one + " marks:" + one + " marks:" + two: false,
	} {
		keys, err := ParseKeys(text)
		if (err == nil) != ok {
			t.Errorf("%d words: %v", len(strings.Fields(text)), err)
		}
		if err != nil && strings.Contains(err.Error(), one[:8]) {
			t.Error("the key stands in the error")
		}
		if err == nil && strings.Join(strings.Fields(keys.text.String()), " ") != strings.Join(strings.Fields(text), " ") {
			t.Error("it is written otherwise than read")
		}
	}
	if k, err := ParseKeys(one + " marks:" + two); err != nil || !k.authentic(mustParse(t, two).postKey(here, "m", there, 0, 0), there) {
		t.Errorf("marks are not made from their own key (%v)", err)
	}
}

func mustParse(t *testing.T, text string) Keys {
	t.Helper()
	k, err := ParseKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
