package store

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"causeway/bridge"
)

func TestTheKeyFileIsMadeForItsOwnerAloneAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "causeway.key")
	first, err := LoadKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	second, err := LoadKeys(path)
	if err != nil || !bytes.Equal(first.post, second.post) {
		t.Errorf("it gives another key when read again (%v)", err)
	}
	other, err := LoadKeys(filepath.Join(t.TempDir(), "causeway.key"))
	if err != nil || bytes.Equal(first.post, other.post) {
		t.Errorf("two key files are the same (%v)", err)
	}
}

func TestADamagedKeyFileIsRefusedWithTheNextStep(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "short": "c2hvcnQ=\n", "no base64": strings.Repeat("?", 44)} {
		path := filepath.Join(t.TempDir(), "causeway.key")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := LoadKeys(path)
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "restore it from a backup") {
			t.Errorf("%s: got %v", name, err)
		}
		if raw, _ := os.ReadFile(path); string(raw) != text {
			t.Errorf("%s: the file was overwritten", name)
		}
	}
}

func TestAKeyFileThatCannotBeMadeIsAnErrorWithTheNextStep(t *testing.T) {
	_, err := LoadKeys(filepath.Join(t.TempDir(), "missing", "causeway.key"))
	if err == nil || !strings.Contains(err.Error(), "set KeyFile in [storage]") {
		t.Errorf("got %v", err)
	}
}

func TestAKeyIsAuthenticInItsOwnConversationOnly(t *testing.T) {
	keys := testKeys(t)
	key := keys.postKey(here, "m1", there, 0, 0)
	if !keys.authentic(key, there) {
		t.Error("refused in its own conversation")
	}
	if keys.authentic(key, here) || keys.authentic(key, bridge.ConversationID{Server: there.Server, Channel: "hall"}) {
		t.Error("taken in another conversation")
	}
	other, err := NewKeys(bytes.Repeat([]byte{8}, keySize))
	if err != nil {
		t.Fatal(err)
	}
	if other.authentic(key, there) {
		t.Error("taken by another installation")
	}
}

func TestAKeyThatWasTamperedWithIsRefused(t *testing.T) {
	keys := testKeys(t)
	key := keys.postKey(here, "m1", there, 0, 0)
	for i := range key {
		for _, c := range []byte("A-z") {
			forged := []byte(key)
			if forged[i] == c {
				continue
			}
			forged[i] = c
			if keys.authentic(bridge.Key(forged), there) {
				t.Errorf("taken with another character at %d", i)
			}
		}
	}
	for _, forged := range []bridge.Key{"", key[:len(key)-1], key + "A", key + key, "=" + key, key + "="} {
		if keys.authentic(forged, there) {
			t.Errorf("taken: %q", forged)
		}
	}
}

func TestEveryPartHasAKeyOfItsOwnThatIsAlwaysTheSame(t *testing.T) {
	keys := testKeys(t)
	seen := map[bridge.Key]string{}
	add := func(what string, k bridge.Key) {
		if before, taken := seen[k]; taken {
			t.Errorf("%s and %s have the same key", before, what)
		}
		seen[k] = what
		if len(k) > 64 || strings.Trim(string(k), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Errorf("%s: %q breaks the contract", what, k)
		}
	}
	shifted := bridge.ConversationID{Server: "memory:", Channel: "atown"}
	add("the first part", keys.postKey(here, "m1", there, 0, 0))
	add("the second part", keys.postKey(here, "m1", there, 1, 0))
	add("made anew", keys.postKey(here, "m1", there, 0, 1))
	add("another message", keys.postKey(here, "m2", there, 0, 0))
	add("another origin", keys.postKey(shifted, "m1", there, 0, 0))
	add("another target", keys.postKey(here, "m1", here, 0, 0))
	if keys.postKey(here, "m1", there, 0, 0) != testKeys(t).postKey(here, "m1", there, 0, 0) {
		t.Error("the same part has another key after a restart")
	}
}

func TestTokensAreSealedOnDisk(t *testing.T) {
	aboutSQLite(t)
	s, path := fresh(t, Options{})
	token := []byte("refresh-token-of-the-relay-account")
	vault := s.Vault("msteams.contoso")
	for _, value := range [][]byte{[]byte("an earlier one"), token} {
		if err := vault.Save(t.Context(), "refresh", value); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := vault.Load(t.Context(), "refresh"); err != nil || !bytes.Equal(got, token) {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := vault.Load(t.Context(), "other"); err != nil || got != nil {
		t.Errorf("what was never saved: %q, %v", got, err)
	}
	for _, file := range []string{path, path + "-wal"} {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(raw, token) || bytes.Contains(raw, []byte("an earlier one")) {
			t.Errorf("%s holds the token", filepath.Base(file))
		}
	}
}

func TestATokenCannotBeMovedToAnotherAccount(t *testing.T) {
	s, _ := fresh(t, Options{})
	if err := s.Vault("msteams.a").Save(t.Context(), "refresh", []byte("secret")); err != nil {
		t.Fatal(err)
	}
	if err := s.do(t.Context(), func(x *tx) error { return x.exec("UPDATE vault SET account = 'msteams.b'") }); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Vault("msteams.b").Load(t.Context(), "refresh"); err == nil {
		t.Errorf("got %q", got)
	}
}

func TestAnotherKeyFileIsAClearError(t *testing.T) {
	s, path := fresh(t, Options{})
	if err := s.Vault("msteams.contoso").Save(t.Context(), "refresh", []byte("hush")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wrong, err := NewKeys(bytes.Repeat([]byte{8}, keySize))
	if err != nil {
		t.Fatal(err)
	}
	var o Options
	_, err = Open(t.Context(), place(path, &o), wrong, o)
	if err == nil || !strings.Contains(err.Error(), "another key file") || !strings.Contains(err.Error(), "restore") || strings.Contains(err.Error(), "hush") {
		t.Errorf("got %v", err)
	}
}
