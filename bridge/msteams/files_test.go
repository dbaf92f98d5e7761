package msteams

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"causeway/bridge"
	"causeway/contrib/sim/teams"
)

// TestOnlyFilesOfTheChannelAreRead: everybody can name any address, and the relay account sees more than those who do. What is read lies in the
// channel's folder, or beside it and was made by whoever shares it.
func TestOnlyFilesOfTheChannelAreRead(t *testing.T) {
	inSim(t, func(w *simWorld, a *account) {
		stored := func(f teams.File, err error) teams.File {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
		board := w.tenant.AddTeam("Board", w.owner, w.relay)
		private := w.team.AddPrivateChannel("Private", w.owner, w.relay)
		deep := []string{"2030", "May", "a b%c"}
		const elsewhere = "it does not lie among the files of this channel"
		for name, c := range map[string]struct {
			file teams.File
			text string
			kind bridge.Kind
			hint string
		}{
			"in the folder":                          {file: stored(w.sim.PutFile(w.owner, w.general, "plan.txt", []byte("plan"))), text: "plan"},
			"far below the folder":                   {file: stored(w.sim.PutFileBelow(w.owner, w.general, deep, "deep.txt", []byte("deep"))), text: "deep"},
			"her own, in another channel's folder":   {file: stored(w.sim.PutFile(w.alice, w.random, "sister.txt", []byte("sister"))), text: "sister"},
			"another's, in another channel's folder": {file: stored(w.sim.PutFile(w.owner, w.random, "other.txt", []byte("secret"))), kind: bridge.Unsupported, hint: elsewhere},
			"another's, far below that folder":       {file: stored(w.sim.PutFileBelow(w.owner, w.random, deep, "other.txt", []byte("secret"))), kind: bridge.Unsupported, hint: elsewhere},
			"of a private channel":                   {file: stored(w.sim.PutFile(w.owner, private, "private.txt", []byte("secret"))), kind: bridge.Unsupported, hint: elsewhere},
			"of another team":                        {file: stored(w.sim.PutFile(w.owner, board.General, "board.txt", []byte("secret"))), kind: bridge.Unsupported, hint: elsewhere},
			"of a person":                            {file: stored(w.sim.PutOwnFile(w.owner, "own.txt", []byte("secret"), w.relay, w.alice)), kind: bridge.Unsupported, hint: elsewhere},
			"that cannot be seen":                    {file: stored(w.sim.PutOwnFile(w.owner, "mine.txt", []byte("secret"))), kind: bridge.Unauthorised},
			"on another host":                        {file: teams.File{ID: "8d5b5ce7-0b9f-4ab7-b13c-7a0c6f0d2a11", Name: "x", URL: "https://evil.example/x"}, kind: bridge.Gone},
		} {
			t.Run(name, func(t *testing.T) {
				text, err := w.sharedText(a, w.alice, c.file)
				switch {
				case text != c.text || (err == nil) != (c.text != ""):
					t.Errorf("it says %q (%v)", text, err)
				case err != nil && (bridge.KindOf(err) != c.kind || c.hint != "" && bridge.HintOf(err) != c.hint):
					t.Errorf("%v is %v with %q, want %v with %q", err, bridge.KindOf(err), bridge.HintOf(err), c.kind, c.hint)
				}
			})
		}
	})
}

// TestAFolderThatCannotBeSeenIsNotTheChannels: what is not known to lie in the channel's folder is not read, and what failed is tried again.
func TestAFolderThatCannotBeSeenIsNotTheChannels(t *testing.T) {
	for status, kind := range map[int]bridge.Kind{403: bridge.Unsupported, 404: bridge.Unsupported, 429: bridge.Throttled} {
		inSim(t, func(w *simWorld, a *account) {
			f, err := w.sim.PutFileBelow(w.owner, w.general, []string{"closed"}, "deep.txt", []byte("deep"))
			if err != nil {
				t.Fatal(err)
			}
			w.sim.Inject(teams.Fault{Where: func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/items/") }, Status: status})
			if text, err := w.sharedText(a, w.alice, f); bridge.KindOf(err) != kind || text != "" {
				t.Errorf("%d: %q (%v), want %v", status, text, err, kind)
			}
			if text, err := w.sharedText(a, w.alice, f); text != "deep" || err != nil {
				t.Errorf("after %d: %q (%v)", status, text, err)
			}
		})
	}
}

// sharedText has somebody share a file in the channel, and gives what a reads of it.
func (w *simWorld) sharedText(a *account, who *teams.User, f teams.File) (string, error) {
	w.Helper()
	id, err := w.sim.Say(who, w.general, "<p>look</p>", teams.WithFiles(f))
	if err != nil {
		w.Fatal(err)
	}
	s, err := a.Read(w.Context(), w.id(w.general), bridge.MessageID(id))
	if err != nil || len(s.Files) != 1 {
		w.Fatalf("%+v (%v)", s, err)
	}
	body, _, err := a.Open(w.Context(), w.id(w.general), s.Files[0], 0)
	if err != nil {
		return "", err
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	return string(data), err
}
