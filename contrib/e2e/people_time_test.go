package e2e

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"causeway/bridge"
	"causeway/contrib/e2e/harness"
	"causeway/gateway/store"
)

func (f *folk) keys(t *testing.T) store.Keys {
	t.Helper()
	keys, err := store.LoadKeys(filepath.Join(f.dir, "causeway.db.key"))
	must(t, err)
	return keys
}

// store opens Causeway's store, beside it.
func (f *folk) store(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(f.dir, "causeway.db"), f.keys(t), store.Options{})
	must(t, err)
	return s
}

// late makes a link as Causeway has made one a quarter of an hour ago and a second.
func (f *folk) late(t *testing.T) string {
	t.Helper()
	body := binary.BigEndian.AppendUint64(nil, uint64(time.Now().Add(-time.Second).Unix()))
	body = append(body, rand.Text()[:16]...)
	return f.origin + "/connect/" + base64.RawURLEncoding.EncodeToString(append(body, f.keys(t).Signature("link", string(body))...))
}

// ends ends the walk that somebody has under way, as its time does: in the store, beside Causeway.
func (f *folk) ends(t *testing.T, m *member) {
	t.Helper()
	s := f.store(t)
	defer func() { must(t, s.Close()) }()
	walk, err := s.WalkOf(t.Context(), "mattermost.hq", bridge.UserID(m.here.Id))
	must(t, err, s.EndWalk(t.Context(), walk.ID))
}

// checks runs `causeway check`.
func (f *folk) checks(t *testing.T) (output string, code int) {
	t.Helper()
	return f.runs(t, "check")
}

// runs runs a command of Causeway's, beside the one that runs, with the same config unless it is given another; nothingLeaked searches what it says.
func (f *folk) runs(t *testing.T, words ...string) (output string, code int) {
	t.Helper()
	if !slices.Contains(words, "-c") {
		words = append(words, "-c", "config.toml")
	}
	command := harness.StartProcess(t, f.command(words...))
	code = command.Wait(t)
	output = command.Output().String()
	f.browser.keep(output)
	return output, code
}
