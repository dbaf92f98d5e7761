package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/bridge/richtext"
)

// FuzzPut: whatever a bridge reports, it is stored, comes out as it was, and can be listed.
func FuzzPut(f *testing.F) {
	f.Add("m1", "r1", "ann", "Ann", "hello **there**", "a.txt", "👍", "", int64(1_000_000), int64(1), false)
	f.Add("1616990032035/1616990032036", "1616990032035", "8ea0e38b-efb3-4757-924a-5f94061cf8c2", "Zoë", "<p>\u202e", "..\\x", ":logo:", "key", int64(-1), int64(-1), true)
	f.Add("a\x00b", "\x00", "\x00", "a'b\"", "hello \x00 there", "\x00", "\x00", "\x00", int64(9223372036854775807), int64(9223372036854775807), false)
	f.Add("", "", "", "", "", "", "", "", int64(0), int64(0), false)
	f.Add("\xff", "\xfe", "\xff", "\xff", "\xc3(", "\xff", "\xff", "\xff", int64(-9223372036854775808), int64(-9223372036854775808), true)
	var o Options
	if cluster == nil {
		o.VFS = "memdb"
	}
	s := open(f, "/fuzzput", o)
	n := 0
	f.Fuzz(func(t *testing.T, id, root, author, name, text, file, emoji, key string, created, revision int64, deleted bool) {
		n++
		from, to := bridge.ConversationID{Server: "memory:a", Channel: bridge.ChannelID(fmt.Sprint("fuzz ", n))}, bridge.ConversationID{Server: "memory:b", Channel: bridge.ChannelID(fmt.Sprint("fuzz ", n))}
		one := bridge.State{Conversation: from, ID: bridge.MessageID(id), Root: bridge.MessageID(root), Author: bridge.Author{ID: bridge.UserID(author), Name: name}, Created: time.UnixMilli(created), Revision: revision, Deleted: deleted, Key: bridge.Key(key)}
		if !deleted {
			one.Text, one.Edited = richtext.Plain(text), time.UnixMilli(created)
			one.Files, one.Reactions = []bridge.File{{ID: file, Name: file, Size: revision}}, []bridge.Reaction{{User: bridge.UserID(author), Emoji: emoji}}
		}
		r := Routes{Targets: []bridge.ConversationID{to}, Own: func(bridge.UserID) bool { return false }}
		for range 2 {
			if _, err := s.Put(t.Context(), bridge.Batch{Conversation: from, Cursor: "c", Begin: time.UnixMilli(created), States: []bridge.State{one}}, r); err != nil {
				t.Fatal(err)
			}
		}
		next, err := s.Advance(t.Context(), to, nil, 1, func(w *Work) Step { return Step{Op: Refuse, Reason: name} })
		if err != nil || next.Step.Op != Settled {
			t.Fatal(next.Step.Op, err)
		}
		if _, err := s.Quarantine(t.Context()); err != nil {
			t.Fatal(err)
		}
		held, err := s.QuarantineAfter(t.Context(), 0, 1)
		if err != nil || (len(held) == 1) == (deleted || created < 0) { // nothing begins before 1970

			t.Fatalf("%v %v", held, err)
		}
		for _, q := range held {
			j, ok, err := s.Journey(t.Context(), q.Message)
			if err != nil || !ok || j.Body == nil || strings.ToValidUTF8(text, "") == text && !strings.Contains(text, "\x00") && j.Body.Text.Hash() != one.Text.Hash() {
				t.Fatalf("%+v %v", j, err)
			}
			if _, err := s.Drop(t.Context(), q.ID); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzKeys: no text is a key, a token, a proof or a mark but those that were made, and none is shown.
func FuzzKeys(f *testing.F) {
	keys, now := testKeys(f), time.Unix(1_000_000, 0)
	token, order := keys.Token(now), keys.OrderToken(now, []byte("order"))
	mark := string(keys.postKey(here, "m1", there, 0, 0))
	file := keyText{seal: bytes.Repeat([]byte{7}, keySize), marks: bytes.Repeat([]byte{8}, keySize), former: [][]byte{bytes.Repeat([]byte{9}, keySize)}}.String()
	for _, s := range []string{token, order, mark, file, file[:44], "marks:", "former:x", file + file, token + "=", "A", "", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.NewReplacer("\r", "", "\n", "").Replace(text) // which base64 takes for nothing
		// Where the last letter of base64 says more than there is, two texts are one.
		same := func(made string) bool { return len(text) == len(made) && text[:len(text)-1] == made[:len(made)-1] }
		if keys.ValidToken(text, now) && !same(token) || keys.ValidOrderToken(text, now, []byte("order")) && !same(order) || keys.ValidOrderToken(text, now, []byte("other")) || keys.authentic(bridge.Key(text), there) && text != mark || keys.authentic(bridge.Key(text), here) {
			t.Fatalf("%q is taken for another one", text)
		}
		k, err := ParseKeys(text)
		if err != nil {
			if err != errKeyText {
				t.Fatalf("%v shows more than it should", err)
			}
			return
		}
		if sealed := k.sealed("a", "b", []byte("c")); !strings.Contains(text, "=") || len(sealed) == 0 {
			t.Fatalf("%q is a key", text)
		}
	})
}

// FuzzDSN: whatever stands in the address of a database, no message shows its password.
func FuzzDSN(f *testing.F) {
	for _, s := range [][2]string{{"postgres://causeway:", "@db.example/causeway"}, {"postgres://u:", "@[::1"}, {"postgres://h/d?password=", "&sslmode=nowhere"}, {"postgresql://u:%zz", "@h:x/d"}, {"postgres://u@h/d?sslpassword=", "&connect_timeout=x"}, {"host=h password=", " user=u"},
		{"POSTGRES://u:", "@/d?host=/run/postgresql"}, {"postgres://a,b:", "@c,d/e?target_session_attrs=x"}, {"postgres://u:a@b:", "@c"}, {"postgres://u:x", " y@h/d"}} {
		f.Add(s[0], s[1])
	}
	const password = "zq7zq7zq7zq7"
	f.Fuzz(func(t *testing.T, before, behind string) {
		dsn := before + password + behind
		if !IsPostgres(dsn) || strings.ContainsAny(dsn, "\x00") || strings.Contains(strings.ToLower(dsn), "file") || strings.Contains(strings.ToLower(dsn), "service") || strings.Contains(dsn, "ssl") && strings.Contains(dsn, "/") && !strings.HasSuffix(before, "password=") {
			return // nor is any file of this machine to be read
		}
		user, _, _ := strings.Cut(strings.TrimPrefix(strings.ToLower(before), "postgres://"), "?")
		if !strings.Contains(user, ":") && !strings.HasSuffix(before, "password=") {
			return // it stands where a name does
		}
		if p, err := newPostgres(dsn, Options{}); err != nil {
			if strings.Contains(err.Error(), password) {
				t.Fatalf("%q: %v", dsn, err)
			}
			if name := Name(dsn); strings.Contains(name, password) {
				t.Fatalf("%q is called %q", dsn, name)
			}
		} else if p.config.Password == password && strings.Contains(Name(dsn), password) {
			t.Fatalf("%q is called %q", dsn, Name(dsn))
		}
	})
}

// FuzzBackup: whatever has become of a file, looking at it and restoring it ends with an error or with a store, and changes nothing of it; nothing is left of what cannot be restored.
func FuzzBackup(f *testing.F) {
	path := filepath.Join(f.TempDir(), "causeway.db")
	s := open(f, path, Options{})
	if cluster != nil {
		f.Skip("about SQLite alone; it runs without -postgres")
	}
	put(f, s, bridge.Batch{Conversation: here, Cursor: "c", Begin: began, States: []bridge.State{state("m1", 1, "hello")}})
	file := filepath.Join(f.TempDir(), "backup.db")
	if _, err := Backup(f.Context(), path, file); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(0), []byte("SQLite format 4\x00"), uint32(0))
	f.Add(uint32(16), []byte{0xff, 0xff, 0x09, 0x09}, uint32(0))
	f.Add(uint32(60), []byte{0, 0, 0, 99}, uint32(0))
	f.Add(uint32(100), []byte{0x0d, 0xff, 0xff, 0xff, 0xff}, uint32(0))
	f.Add(uint32(4096), []byte("garbage"), uint32(0))
	f.Add(uint32(0), []byte{}, uint32(1))
	f.Add(uint32(0), []byte{}, uint32(len(whole)))
	f.Add(uint32(0), []byte{}, uint32(len(whole)/2))
	f.Add(uint32(0), []byte{}, uint32(0))
	f.Fuzz(func(t *testing.T, at uint32, patch []byte, cut uint32) {
		data := bytes.Clone(whole)
		copy(data[min(int(at), len(data)):], patch)
		data = data[:len(data)-min(int(cut), len(data))]
		folder := t.TempDir()
		file, target := filepath.Join(folder, "backup.db"), filepath.Join(folder, "new.db")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _ = Inspect(t.Context(), file)
		r, err := Restore(t.Context(), file, target, Restoring{Keys: testKeys(t), Now: time.Unix(2_000_000, 0)})
		if now, failed := os.ReadFile(file); failed != nil || !bytes.Equal(now, data) {
			t.Fatal("the file was changed", failed)
		}
		_, there := os.Stat(target)
		if (err == nil) != (there == nil) || err == nil && len(r.Problems) > 0 {
			t.Fatalf("%+v %v %v", r, err, there)
		}
		left, _ := filepath.Glob(target + "?*")
		if err != nil && len(left) > 0 {
			t.Fatalf("%v leaves %v", err, left)
		}
		if bytes.Equal(data, whole) && err != nil {
			t.Fatal(err)
		}
	})
}
